"""The write path: what each write leaves, what a failed one leaves, and what yesterday said."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from app.domain.control import Basis, Confidence, Kind, Outcome, Stance, Status
from app.domain.errors import (
    DomainError,
    InvalidValueError,
    RecordRuleError,
    StaleVersionError,
    UnknownPlaceError,
    UnknownRecordError,
)
from app.recording import (
    Citation,
    Content,
    Correction,
    Pin,
    Receipt,
    cite,
    correct,
    record,
    retract,
)
from app.store.engine import writing
from app.store.tables import citations, event_states, event_versions, events, metadata, revisions

# A district of which the seeds report nothing.
DISTRICT = "AF0102"
TALIBAN = Outcome(Status.CONTROLLED, "taliban")
GOVERNMENT = Outcome(Status.CONTROLLED, "afghan-government")
CONTESTED = Outcome(Status.CONTESTED, None)
CAPTURE = Content(Kind.CAPTURE, TALIBAN)
REPORT = Citation(
    stance=Stance.SUPPORTS,
    source="tolonews",
    origin="TOLOnews",
    published="2021-06-08",
    asserted="2021-06-07",
    basis=Basis.LOCAL,
)
DENIAL = replace(
    REPORT,
    stance=Stance.DISPUTES,
    source="kabul-now",
    origin="Kabul Now",
    published="2021-06-09",
    basis=Basis.OFFICIAL,
    speaker="afghan-government",
)
LATER = replace(REPORT, published="2021-06-11", asserted="2021-06-10")
NOBODY = UUID(int=1)


def whole_record(engine: Engine) -> dict[str, list[Any]]:
    """Every row of the record, and of what is derived from it."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in (revisions, events, event_versions, citations, event_states)
        }


def rows(engine: Engine, table: str, **where: Any) -> list[Any]:
    """The rows of a table in the order of its key."""
    found = metadata.tables[table]
    statement = select(found).filter_by(**where).order_by(*found.primary_key)
    with engine.connect() as connection:
        return list(connection.execute(statement).mappings())


def write(
    engine: Engine, function: Callable[..., Receipt], *arguments: Any, **named: Any
) -> Receipt:
    """One write in one transaction, by Ann."""
    with writing(engine) as connection:
        return function(connection, *arguments, author="ann", **named)


def reported(engine: Engine, *cited: Citation, content: Content = CAPTURE) -> Receipt:
    return write(engine, record, DISTRICT, content, cited or (REPORT,))


# What each write leaves ---------------------------------------------------------------------


def test_recording_an_event(own_seeded: Engine) -> None:
    before = rows(own_seeded, "revisions")[-1]
    pin = Pin("2021-06-06T06:00+04:30", "the hour is on the video")
    made = reported(own_seeded, REPORT, DENIAL, content=Content(Kind.CAPTURE, TALIBAN, 3, pin))
    assert made.version == 1
    assert made.revision.number == before["revision"] + 1
    assert made.revision.recorded_at > before["recorded_at"]
    (revision,) = rows(own_seeded, "revisions", revision=made.revision.number)
    assert (revision["author"], revision["action"], revision["reason"]) == ("ann", "record", None)
    (event,) = rows(own_seeded, "events", id=made.event_id)
    assert (event["district_id"], event["revision"]) == (DISTRICT, made.revision.number)
    (version,) = rows(own_seeded, "event_versions", event_id=made.event_id)
    assert version["known_from"] == made.revision.recorded_at
    assert version["known_until"] is version["closing_revision"] is None
    assert (version["kind"], version["status"], version["controller_id"], version["day_order"]) == (
        "capture",
        "controlled",
        "taliban",
        3,
    )
    assert (version["pinned_edtf"], version["pin_reason"]) == (pin.occurred, pin.reason)
    assert version["pinned_earliest"] == version["pinned_latest"]
    assert version["pinned_latest"].isoformat() == "2021-06-06T01:30:00+00:00"
    cited = rows(own_seeded, "citations", event_id=made.event_id)
    assert {row["stance"] for row in cited} == {"supports", "disputes"}
    assert {row["known_from"] for row in cited} == {made.revision.recorded_at}
    assert {row["asserted_latest"].isoformat() for row in cited} == {
        "2021-06-07T19:29:59.999999+00:00"
    }
    states = rows(own_seeded, "event_states", event_id=made.event_id)
    assert [state["disputed"] for state in states] == [False, True]
    assert {state["latest"] for state in states} == {version["pinned_latest"]}
    assert {state["confidence"] for state in states} == {Confidence.REPORTED}


def test_correcting_an_event(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    recapture = Content(Kind.RECAPTURE, GOVERNMENT)
    fixed = write(own_seeded, correct, made.event_id, 1, recapture, reason="it was the other side")
    assert (fixed.event_id, fixed.version) == (made.event_id, 2)
    assert fixed.revision.number == made.revision.number + 1
    (revision,) = rows(own_seeded, "revisions", revision=fixed.revision.number)
    assert (revision["action"], revision["reason"]) == ("correct", "it was the other side")
    old, new = rows(own_seeded, "event_versions", event_id=made.event_id)
    assert (old["controller_id"], new["controller_id"]) == ("taliban", "afghan-government")
    assert old["known_until"] == new["known_from"] == fixed.revision.recorded_at
    assert old["closing_revision"] == new["revision"] == fixed.revision.number
    assert new["known_until"] is None
    was, is_now = rows(own_seeded, "event_states", event_id=made.event_id)
    assert (was["version"], was["known_until"]) == (1, fixed.revision.recorded_at)
    assert (is_now["version"], is_now["known_until"]) == (2, None)
    assert is_now["controller_id"] == "afghan-government"


def test_retracting_an_event(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    gone = write(own_seeded, retract, made.event_id, 1, reason="it was another district")
    (revision,) = rows(own_seeded, "revisions", revision=gone.revision.number)
    assert (revision["action"], revision["reason"]) == ("retract", "it was another district")
    (version,) = rows(own_seeded, "event_versions", event_id=made.event_id)
    assert version["known_until"] == gone.revision.recorded_at
    assert version["closing_revision"] == gone.revision.number
    (state,) = rows(own_seeded, "event_states", event_id=made.event_id)
    assert state["known_until"] == gone.revision.recorded_at


def test_citing_another_document(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    other = replace(REPORT, source="kabul-now", origin="Kabul Now", published="2021-06-10?")
    added = write(own_seeded, cite, made.event_id, other)
    assert (added.version, added.revision.number) == (1, made.revision.number + 1)
    cited = rows(own_seeded, "citations", event_id=made.event_id)
    assert {row["revision"] for row in cited} == {made.revision.number, added.revision.number}
    (version,) = rows(own_seeded, "event_versions", event_id=made.event_id)
    assert version["known_until"] is None
    known_before, *known_now = rows(own_seeded, "event_states", event_id=made.event_id)
    assert known_before["known_until"] == added.revision.recorded_at
    # The guessed day reaches one day further: confirmed from the end of 11 June on.
    assert [(row["confidence"], row["known_until"]) for row in known_now] == [
        (Confidence.REPORTED, None),
        (Confidence.CONFIRMED, None),
    ]
    assert known_now[1]["reported_from"].isoformat() == "2021-06-11T19:29:59.999999+00:00"


def test_revisions_count_by_one(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    write(own_seeded, cite, made.event_id, DENIAL)
    write(own_seeded, correct, made.event_id, 1, CAPTURE, reason="as it was")
    with pytest.raises(StaleVersionError):
        write(own_seeded, retract, made.event_id, 1, reason="too late")
    write(own_seeded, retract, made.event_id, 2, reason="after all")
    recorded = rows(own_seeded, "revisions")
    assert [row["revision"] for row in recorded] == list(range(1, len(recorded) + 1))
    instants = [row["recorded_at"] for row in recorded]
    assert instants == sorted(set(instants))


# What a failed one leaves -------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[Any, UUID], Any], type[DomainError], str | None]] = {
    "unknown district": (
        lambda c, _: record(c, "AF9999", CAPTURE, (REPORT,), author="ann"),
        UnknownPlaceError,
        "district",
    ),
    "no citation": (
        lambda c, _: record(c, DISTRICT, CAPTURE, (), author="ann"),
        InvalidValueError,
        "citations",
    ),
    **{
        f"unreadable {field} {date}": (
            lambda c, _, field=field, date=date: record(
                c, DISTRICT, CAPTURE, (REPORT, replace(REPORT, **{field: date})), author="ann"
            ),
            InvalidValueError,
            field,
        )
        for field in ("published", "asserted")
        for date in (
            "June",
            "2021-06-31",
            "2021-06-06/..",
            "2021-06-07/2021-06-06",
            "2021-06-06T06",
        )
    },
    "unreadable pin": (
        lambda c, _: record(
            c, DISTRICT, replace(CAPTURE, pin=Pin("soon", "why")), (REPORT,), author="ann"
        ),
        InvalidValueError,
        "occurred",
    ),
    "unknown actor": (
        lambda c, _: record(
            c,
            DISTRICT,
            Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "x")),
            (REPORT,),
            author="a",
        ),
        RecordRuleError,
        "event_versions_controller_id_fkey",
    ),
    "unknown source": (
        lambda c, _: record(
            c, DISTRICT, CAPTURE, (REPORT, replace(REPORT, source="x")), author="a"
        ),
        InvalidValueError,
        "source",
    ),
    "unknown speaker": (
        lambda c, event: cite(c, event, replace(REPORT, speaker="x"), author="ann"),
        InvalidValueError,
        "speaker",
    ),
    "an event id that is taken": (
        lambda c, event: record(c, DISTRICT, CAPTURE, (REPORT,), author="ann", event_id=event),
        RecordRuleError,
        "events_pkey",
    ),
    "nobody's name": (
        lambda c, _: record(c, DISTRICT, CAPTURE, (REPORT,), author=""),
        RecordRuleError,
        "revisions_author_said_check",
    ),
    "a correction with an unreadable pin": (
        lambda c, event: correct(
            c,
            event,
            1,
            Correction(replace(CAPTURE, pin=Pin("soon", "why"))),
            author="ann",
            reason="r",
        ),
        InvalidValueError,
        "pinned.occurred",
    ),
    "a correction that fits no rule": (
        lambda c, event: correct(
            c, event, 1, Correction(Content(Kind.CONTESTED, TALIBAN)), author="ann", reason="r"
        ),
        InvalidValueError,
        "kind",
    ),
    "a citation with an unreadable date": (
        lambda c, event: cite(c, event, replace(REPORT, published="soon"), author="ann"),
        InvalidValueError,
        "published",
    ),
    "a stale correction": (
        lambda c, event: correct(c, event, 2, Correction(CAPTURE), author="ann", reason="r"),
        StaleVersionError,
        "version",
    ),
    "a stale retraction": (
        lambda c, event: retract(c, event, 0, author="ann", reason="r"),
        StaleVersionError,
        "version",
    ),
    "a correction of nothing": (
        lambda c, _: correct(c, NOBODY, 1, Correction(CAPTURE), author="ann", reason="r"),
        UnknownRecordError,
        "id",
    ),
    "a retraction of nothing": (
        lambda c, _: retract(c, NOBODY, 1, author="ann", reason="r"),
        UnknownRecordError,
        "id",
    ),
    "a citation of nothing": (
        lambda c, _: cite(c, NOBODY, REPORT, author="ann"),
        UnknownRecordError,
        "id",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_error_writes_nothing(seeded: Engine, case: str) -> None:
    attempt, error, where = REFUSED[case]
    before = whole_record(seeded)
    event = rows(seeded, "events")[0]["id"]
    with pytest.raises(error) as refusal, writing(seeded) as connection:
        attempt(connection, event)
    broken = refusal.value
    assert where == (broken.constraint if isinstance(broken, RecordRuleError) else broken.field)
    assert whole_record(seeded) == before


@pytest.mark.parametrize(
    "attempt",
    [
        lambda c, event: correct(c, event, 1, Correction(CAPTURE), author="ann", reason="r"),
        lambda c, event: retract(c, event, 1, author="ann", reason="r"),
        lambda c, event: cite(c, event, REPORT, author="ann"),
    ],
    ids=["correct", "retract", "cite"],
)
def test_a_retracted_event_takes_no_more(
    own_seeded: Engine, attempt: Callable[[Any, UUID], Receipt]
) -> None:
    made = reported(own_seeded)
    write(own_seeded, retract, made.event_id, 1, reason="no such thing")
    before = whole_record(own_seeded)
    with pytest.raises(UnknownRecordError), writing(own_seeded) as connection:
        attempt(connection, made.event_id)
    assert whole_record(own_seeded) == before


# What yesterday said ------------------------------------------------------------------------


def test_known_at_gives_yesterdays_answer(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    first = reported(own_seeded)
    event = first.event_id
    addresses = [
        f"/districts/{DISTRICT}/control",
        f"/districts/{DISTRICT}/timeline",
        f"/events/{event}",
    ]

    def answers(receipt: Receipt) -> list[tuple[int, bytes]]:
        clocks = {
            "as_of": "2021-07-01",
            "known_at": receipt.revision.recorded_at.isoformat(),
            "min_confidence": "claimed",
        }
        got = [client.get(address, params=clocks) for address in addresses]
        return [(answer.status_code, answer.content) for answer in got]

    said = [(first, answers(first))]
    moved = Content(Kind.CAPTURE, TALIBAN, pin=Pin("2021-06-05", "a photograph"))
    for function, arguments, named in (
        (cite, (event, DENIAL), {}),
        (correct, (event, 1, moved), {"reason": "a photograph"}),
        (correct, (event, 2, Content(Kind.CONTESTED, CONTESTED)), {"reason": "both were there"}),
        (cite, (event, replace(REPORT, published="2021-06-20", asserted=None)), {}),
        (record, (DISTRICT, Content(Kind.RECAPTURE, GOVERNMENT), (LATER,)), {}),
        (retract, (event, 3), {"reason": "it was another district"}),
    ):
        receipt = write(own_seeded, function, *arguments, **named)
        said.append((receipt, answers(receipt)))
    for receipt, before in said:
        assert answers(receipt) == before
    # Each write did change what is said now, so that the answers above could have changed.
    controls = [json.loads(answer[0][1]) for _, answer in said]
    contents = [
        {name: value for name, value in control.items() if name not in ("known_at", "revision")}
        for control in controls
    ]
    assert all(content != after for content, after in pairwise(contents))
    assert {status for _, answer in said for status, _ in answer} == {200}
