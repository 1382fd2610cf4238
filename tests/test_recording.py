"""The write path: what each write leaves, what a failed one leaves, and what yesterday said."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, select

from app.domain.control import Basis, Confidence, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin, Said
from app.domain.errors import (
    DomainError,
    InvalidValueError,
    RecordRuleError,
    StaleVersionError,
    UnknownPlaceError,
    UnknownRecordError,
)
from app.recording import (
    Correction,
    Receipt,
    add_actor,
    add_source,
    cite,
    content_of,
    correct,
    record,
    retract,
)
from app.store import seals
from app.store.engine import writing
from app.store.revisions import Revision
from app.store.rows import citation_of
from app.store.states import first_wrong
from app.store.tables import (
    actors,
    citations,
    countries,
    districts,
    event_states,
    event_versions,
    events,
    imports,
    metadata,
    provinces,
    revisions,
    sources,
)

# Districts of which the seeds report nothing.
DISTRICT, ELSEWHERE = "AF0102", "AF0103"
TALIBAN = Outcome(Status.CONTROLLED, "taliban")
GOVERNMENT = Outcome(Status.CONTROLLED, "afghan-government")
CONTESTED = Outcome(Status.CONTESTED, None)
CAPTURE = Content(Kind.CAPTURE, TALIBAN)
NOBODY = UUID(int=1)


def report(**other: Any) -> Citation:
    """A document of its own each time."""
    values: dict[str, Any] = {
        "stance": Stance.SUPPORTS,
        "source": "tolonews",
        "origin": "TOLOnews",
        "published": "2021-06-08",
        "asserted": "2021-06-07",
        "basis": Basis.LOCAL,
    }
    return Citation(**values | other)


def denial(**other: Any) -> Citation:
    values: dict[str, Any] = {
        "stance": Stance.DISPUTES,
        "source": "kabul-now",
        "origin": "Kabul Now",
        "published": "2021-06-09",
        "basis": Basis.OFFICIAL,
        "speaker": "afghan-government",
    }
    return report(**values | other)


def whole_record(engine: Engine) -> dict[str, list[Any]]:
    """Every row of the record, and of what is derived from it."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in (
                *(revisions, actors, sources, events, event_versions, citations),
                *(imports, event_states, metadata.tables["mentions"], metadata.tables["seals"]),
            )
        }


def rows(engine: Engine, table: str, **where: Any) -> list[Any]:
    """The rows of a table in the order of its key."""
    found = metadata.tables[table]
    statement = select(found).filter_by(**where).order_by(*found.primary_key)
    with engine.connect() as connection:
        return list(connection.execute(statement).mappings())


def write(engine: Engine, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """One write in one transaction, by Ann."""
    with writing(engine) as connection:
        return function(connection, *arguments, author="ann", **named)


def assert_whole(engine: Engine) -> None:
    """Every revision has a seal that holds, and what is kept ready for reads is right."""
    with engine.connect() as connection:
        last = seals.last_revision(connection)
        chain = list(seals.check(connection, last))
        assert [link.revision for link in chain] == list(range(1, last + 1))
        assert all(isinstance(link, seals.Seal) for link in chain), chain[-1]
        assert first_wrong(connection) is None


def reported(engine: Engine, *cited: Citation, content: Content = CAPTURE) -> Receipt:
    made: Receipt = write(engine, record, DISTRICT, content, cited or (report(),))
    return made


# What each write leaves ---------------------------------------------------------------------


def test_recording_an_event(own_seeded: Engine) -> None:
    before = rows(own_seeded, "revisions")[-1]
    pin = Pin("2021-06-06T06:00+04:30", "the hour is on the video")
    made = reported(own_seeded, report(), denial(), content=Content(Kind.CAPTURE, TALIBAN, 3, pin))
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
    fixed = write(
        own_seeded,
        correct,
        made.event_id,
        1,
        Correction(recapture),
        reason="it was the other side",
    )
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
    other = report(source="kabul-now", origin="Kabul Now", published="2021-06-10?")
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
    write(own_seeded, cite, made.event_id, denial())
    write(own_seeded, correct, made.event_id, 1, Correction(CAPTURE), reason="as it was")
    with pytest.raises(StaleVersionError):
        write(own_seeded, retract, made.event_id, 1, reason="too late")
    write(own_seeded, retract, made.event_id, 2, reason="after all")
    recorded = rows(own_seeded, "revisions")
    assert [row["revision"] for row in recorded] == list(range(1, len(recorded) + 1))
    instants = [row["recorded_at"] for row in recorded]
    assert instants == sorted(set(instants))


def cited_rows(engine: Engine, event: UUID) -> dict[UUID, Any]:
    return {row["id"]: row for row in rows(engine, "citations", event_id=event)}


def test_correcting_what_an_event_rests_on(own_seeded: Engine) -> None:
    """Some documents go and others come, in one revision; what it says stays."""
    pin = Pin("2021-06-06", "the hour is on the video")
    kept, gone, denied = report(), report(published="2021-06-09", origin="dpa"), denial()
    made = reported(own_seeded, kept, gone, denied, content=Content(Kind.CAPTURE, TALIBAN, 2, pin))
    came = report(published="2021-06-12", source="kabul-now", origin="Kabul Now")
    correction = Correction(cited=(came,), withdrawn=frozenset({gone.id, denied.id}))
    fixed = write(own_seeded, correct, made.event_id, 1, correction, reason="of a namesake")
    assert (fixed.event_id, fixed.version) == (made.event_id, 2)
    assert fixed.revision.number == made.revision.number + 1
    old, new = rows(own_seeded, "event_versions", event_id=made.event_id)
    said = ("kind", "status", "controller_id", "day_order", "pinned_edtf", "pin_reason")
    assert [old[name] for name in said] == [new[name] for name in said]
    assert old["closing_revision"] == new["revision"] == fixed.revision.number
    cited = cited_rows(own_seeded, made.event_id)
    assert cited.keys() == {kept.id, gone.id, denied.id, came.id}
    closed = {id_: row["closing_revision"] for id_, row in cited.items()}
    assert closed == {
        kept.id: None,
        gone.id: fixed.revision.number,
        denied.id: fixed.revision.number,
        came.id: None,
    }
    assert {cited[id_]["known_until"] for id_ in (gone.id, denied.id)} == {
        fixed.revision.recorded_at
    }
    assert cited[came.id]["known_from"] == fixed.revision.recorded_at
    states = [
        (row["reported_from"].day, Confidence(row["confidence"]), row["disputed"])
        for row in rows(own_seeded, "event_states", event_id=made.event_id)
        if row["known_until"] is None
    ]
    assert states == [(8, Confidence.REPORTED, False), (12, Confidence.CONFIRMED, False)]
    assert_whole(own_seeded)


def test_what_was_withdrawn_cannot_be_withdrawn_again(own_seeded: Engine) -> None:
    kept, gone = report(), report()
    made = reported(own_seeded, kept, gone)
    withdrawn = Correction(withdrawn=frozenset({gone.id}))
    write(own_seeded, correct, made.event_id, 1, withdrawn, reason="a copy")
    before = whole_record(own_seeded)
    with pytest.raises(InvalidValueError) as refused:
        write(own_seeded, correct, made.event_id, 2, withdrawn, reason="a copy")
    assert refused.value.field == "withdraw"
    assert whole_record(own_seeded) == before


def test_the_last_support_may_go_where_another_comes(own_seeded: Engine) -> None:
    old, new = report(), report(published="2021-06-10")
    made = reported(own_seeded, old, denial())
    only_old = frozenset({old.id})
    with pytest.raises(InvalidValueError) as refused:
        without = Correction(withdrawn=only_old)
        write(own_seeded, correct, made.event_id, 1, without, reason="a copy")
    assert refused.value.field == "withdraw"
    instead = Correction(cited=(new,), withdrawn=only_old)
    write(own_seeded, correct, made.event_id, 1, instead, reason="the copy in place of the copy")
    states = rows(own_seeded, "event_states", event_id=made.event_id)
    assert {row["reported_from"].day for row in states if row["known_until"] is None} == {10}
    assert_whole(own_seeded)


def test_moving_an_event(own_seeded: Engine) -> None:
    """Taken back where it was and recorded anew where it belongs, in one revision."""
    pin = Pin("2021-06-06", "the hour is on the video")
    content = Content(Kind.CAPTURE, TALIBAN, 2, pin)
    said = Said(Kind.CAPTURE, TALIBAN)
    kept = report(said=said, title="T", place_as_written="Dih Sabz", note="ours", credibility=2)
    gone, came = report(published="2021-06-09"), denial()
    made = reported(own_seeded, kept, gone, content=content)
    correction = Correction(district=ELSEWHERE, cited=(came,), withdrawn=frozenset({gone.id}))
    moved = write(own_seeded, correct, made.event_id, 1, correction, reason="a namesake")
    number = made.revision.number + 1
    assert moved.revision.number == number
    assert (moved.version, moved.event_id == made.event_id) == (1, False)
    old, new = (rows(own_seeded, "events", id=id_)[0] for id_ in (made.event_id, moved.event_id))
    assert (old["district_id"], old["replaces"]) == (DISTRICT, None)
    assert (new["district_id"], new["replaces"]) == (ELSEWHERE, made.event_id)
    assert new["revision"] == number
    (left,) = rows(own_seeded, "event_versions", event_id=made.event_id)
    (come,) = rows(own_seeded, "event_versions", event_id=moved.event_id)
    assert (left["closing_revision"], come["closing_revision"]) == (number, None)
    assert (come["pinned_edtf"], come["pin_reason"]) == (pin.occurred, pin.reason)
    assert (come["day_order"], come["controller_id"]) == (2, "taliban")
    # The citation that stands is copied, whole, under an id of its own.
    (copy,) = (row for id_, row in cited_rows(own_seeded, moved.event_id).items() if id_ != came.id)
    assert copy["id"] not in {kept.id, gone.id}
    assert replace(citation_of(copy), id=kept.id) == kept
    assert copy["known_from"] == moved.revision.recorded_at
    there = cited_rows(own_seeded, made.event_id)
    assert {id_: row["closing_revision"] for id_, row in there.items()} == {
        kept.id: None,
        gone.id: number,
    }
    (revision,) = rows(own_seeded, "revisions", revision=number)
    assert (revision["action"], revision["reason"]) == ("correct", "a namesake")
    open_states = {
        row["event_id"]: row["district_id"]
        for event in (made.event_id, moved.event_id)
        for row in rows(own_seeded, "event_states", event_id=event)
        if row["known_until"] is None
    }
    assert open_states == {moved.event_id: ELSEWHERE}
    assert_whole(own_seeded)


def test_an_event_moves_on_and_back(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    there = write(
        own_seeded, correct, made.event_id, 1, Correction(district=ELSEWHERE), reason="there"
    )
    fight = Correction(Content(Kind.CONTESTED, CONTESTED), district=DISTRICT)
    back = write(own_seeded, correct, there.event_id, 1, fight, reason="here after all")
    assert len({made.event_id, there.event_id, back.event_id}) == 3
    (event,) = rows(own_seeded, "events", id=back.event_id)
    assert (event["district_id"], event["replaces"]) == (DISTRICT, there.event_id)
    (version,) = rows(own_seeded, "event_versions", event_id=back.event_id)
    assert (version["kind"], version["controller_id"]) == ("contested", None)
    assert_whole(own_seeded)


def test_a_correction_to_its_own_district_moves_nothing(own_seeded: Engine) -> None:
    made = reported(own_seeded)
    same = Correction(district=DISTRICT)
    fixed = write(own_seeded, correct, made.event_id, 1, same, reason="no change")
    assert (fixed.event_id, fixed.version) == (made.event_id, 2)


def test_dates_are_days_of_the_country_that_an_event_moves_to(own_seeded: Engine) -> None:
    with own_seeded.begin() as connection:
        for table, row in (
            (countries, {"code": "ZZ", "name": "Elsewhere", "time_zone": "UTC"}),
            (provinces, {"id": "ZZ01", "country_code": "ZZ", "name": "North"}),
            (districts, {"id": "ZZ0101", "province_id": "ZZ01", "name": "Town"}),
        ):
            connection.execute(table.insert(), row)
    pinned = Content(Kind.CAPTURE, TALIBAN, pin=Pin("2021-06-06", "seen"))
    made = reported(own_seeded, content=pinned)
    abroad = Correction(district="ZZ0101")
    moved = write(own_seeded, correct, made.event_id, 1, abroad, reason="a namesake abroad")
    (version,) = rows(own_seeded, "event_versions", event_id=moved.event_id)
    (cited,) = rows(own_seeded, "citations", event_id=moved.event_id)
    assert version["pinned_latest"].isoformat() == "2021-06-06T23:59:59.999999+00:00"
    assert cited["published_latest"].isoformat() == "2021-06-08T23:59:59.999999+00:00"
    assert_whole(own_seeded)


def test_what_a_document_says_itself_is_kept(own_seeded: Engine) -> None:
    fight = Said(Kind.CONTESTED, CONTESTED)
    documents = (report(said=Said(Kind.CAPTURE, TALIBAN)), report(said=fight), report())
    made = reported(own_seeded, *documents)
    cited = cited_rows(own_seeded, made.event_id)
    for document in documents:
        assert citation_of(cited[document.id]) == document


def test_recording_a_publisher(own_seeded: Engine) -> None:
    made: Revision = write(own_seeded, add_source, "ap", "AP")
    (source,) = rows(own_seeded, "sources", id="ap")
    assert (source["name"], source["revision"]) == ("AP", made.number)
    (revision,) = rows(own_seeded, "revisions", revision=made.number)
    assert (revision["author"], revision["action"]) == ("ann", "add-source")
    assert revision["recorded_at"] == made.recorded_at
    event = reported(own_seeded, report(source="ap", origin="AP"))
    assert event.revision.number == made.number + 1
    assert_whole(own_seeded)


def test_recording_a_party(own_seeded: Engine) -> None:
    made: Revision = write(own_seeded, add_actor, PARTY)
    (party,) = rows(own_seeded, "actors", id="militia")
    assert dict(party) == PARTY | {"revision": made.number}
    (revision,) = rows(own_seeded, "revisions", revision=made.number)
    assert (revision["author"], revision["action"]) == ("ann", "add-actor")
    held = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "militia"))
    event = reported(own_seeded, report(speaker="militia"), content=held)
    (state,) = rows(own_seeded, "event_states", event_id=event.event_id)
    # Its own word, for its own gain.
    assert (state["controller_id"], state["confidence"]) == ("militia", Confidence.CLAIMED)
    assert_whole(own_seeded)


@pytest.mark.parametrize("taken", ["id", "name"])
def test_what_is_taken_is_named(seeded: Engine, taken: str) -> None:
    before = whole_record(seeded)
    for add, fresh, there in (
        (
            lambda c, **given: add_source(c, given["id"], given["name"], author="ann"),
            {"id": "kabul-then", "name": "Kabul Then"},
            {"id": "kabul-now", "name": "Kabul Now"},
        ),
        (
            lambda c, **given: add_actor(c, PARTY | given, author="ann"),
            {"id": "militia", "name": "Militia"},
            {"id": "taliban", "name": "Taliban"},
        ),
    ):
        with pytest.raises(RecordRuleError) as refused, writing(seeded) as connection:
            add(connection, **fresh | {taken: there[taken]})
        assert refused.value.field == taken
        assert there[taken] in refused.value.detail
    assert whole_record(seeded) == before


def test_every_write_is_sealed(own_seeded: Engine) -> None:
    denied = denial()
    made = reported(own_seeded)
    event = made.event_id
    for function, arguments, named in (
        (cite, (event, denied), {}),
        (correct, (event, 1, Correction(CAPTURE)), {"reason": "as it was"}),
        (correct, (event, 2, Correction(withdrawn=frozenset({denied.id}))), {"reason": "misread"}),
        (add_source, ("ap", "AP"), {}),
        (add_actor, (PARTY,), {}),
        (correct, (event, 3, Correction(district=ELSEWHERE)), {"reason": "a namesake"}),
        (record, (DISTRICT, CAPTURE, (report(),)), {}),
    ):
        write(own_seeded, function, *arguments, **named)
        assert_whole(own_seeded)
    newest = rows(own_seeded, "events")
    last = max(newest, key=lambda row: row["sequence"])
    write(own_seeded, retract, last["id"], 1, reason="no such thing")
    assert_whole(own_seeded)
    with own_seeded.connect() as connection:
        sealed = seals.newest(connection)
    assert sealed
    assert sealed.revision == made.revision.number + 8


def test_several_writes_of_one_transaction_are_a_revision_each(own_seeded: Engine) -> None:
    with writing(own_seeded) as connection:
        add_source(connection, "ap", "AP", author="ann")
        cited = (report(source="ap", origin="AP"),)
        made = record(connection, DISTRICT, CAPTURE, cited, author="ann")
        cite(connection, made.event_id, denial(), author="bob")
    recorded = rows(own_seeded, "revisions")[-3:]
    assert [row["action"] for row in recorded] == ["add-source", "record", "cite"]
    assert_whole(own_seeded)


def test_what_stands_can_be_read_to_correct_a_part_of_it(own_seeded: Engine) -> None:
    pin = Pin("2021-06-06", "seen")
    content = Content(Kind.RECAPTURE, GOVERNMENT, -1, pin)
    made = reported(own_seeded, content=content)
    with writing(own_seeded) as connection:
        assert content_of(connection, made.event_id, 1) == content
        with pytest.raises(StaleVersionError):
            content_of(connection, made.event_id, 2)
        with pytest.raises(UnknownRecordError):
            content_of(connection, uuid4(), 1)


# What a failed one leaves -------------------------------------------------------------------

PARTY = {
    "id": "militia",
    "name": "Militia",
    "full_name": "The Militia",
    "kind": "non-state",
    "aliases": ["Militiamen"],
}


def standing(connection: Connection, event: UUID) -> list[UUID]:
    """The citations of an event that support it and were not withdrawn."""
    statement = select(citations.c.id).where(
        citations.c.event_id == event,
        citations.c.known_until.is_(None),
        citations.c.stance == Stance.SUPPORTS,
    )
    return list(connection.scalars(statement.order_by(citations.c.id)))


def first_citation(connection: Connection, event: UUID) -> UUID:
    return standing(connection, event)[0]


def foreign_citation(connection: Connection, event: UUID) -> UUID:
    """A citation of any other event."""
    statement = select(citations.c.id).where(citations.c.event_id != event).limit(1)
    return connection.execute(statement).scalar_one()


REFUSED: dict[str, tuple[Callable[[Any, UUID], Any], type[DomainError], str | None]] = {
    "unknown district": (
        lambda c, _: record(c, "AF9999", CAPTURE, (report(),), author="ann"),
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
                c, DISTRICT, CAPTURE, (report(), report(**{field: date})), author="ann"
            ),
            InvalidValueError,
            f"citations.1.{field}",
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
            c, DISTRICT, replace(CAPTURE, pin=Pin("soon", "why")), (report(),), author="ann"
        ),
        InvalidValueError,
        "pinned.occurred",
    ),
    "unknown actor": (
        lambda c, _: record(
            c,
            DISTRICT,
            Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "x")),
            (report(),),
            author="a",
        ),
        InvalidValueError,
        "controller",
    ),
    "unknown source": (
        lambda c, _: record(c, DISTRICT, CAPTURE, (report(), report(source="x")), author="a"),
        InvalidValueError,
        "citations.1.source",
    ),
    "unknown speaker": (
        lambda c, event: cite(c, event, report(speaker="x"), author="ann"),
        InvalidValueError,
        "speaker",
    ),
    "an unknown source of a citation": (
        lambda c, event: cite(c, event, report(source="x"), author="ann"),
        InvalidValueError,
        "source",
    ),
    "an unknown speaker among many": (
        lambda c, _: record(
            c, DISTRICT, CAPTURE, (report(), report(), denial(speaker="x")), author="ann"
        ),
        InvalidValueError,
        "citations.2.speaker",
    ),
    "nothing but a denial": (
        lambda c, _: record(c, DISTRICT, CAPTURE, (denial(),), author="ann"),
        InvalidValueError,
        "citations",
    ),
    "a controller of a fight": (
        lambda c, _: record(
            c,
            DISTRICT,
            Content(Kind.ASSESSMENT, Outcome(Status.CONTESTED, "taliban")),
            (report(),),
            author="ann",
        ),
        InvalidValueError,
        "controller",
    ),
    "control by nobody": (
        lambda c, _: record(
            c,
            DISTRICT,
            Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, None)),
            (report(),),
            author="ann",
        ),
        InvalidValueError,
        "controller",
    ),
    "a document that says something impossible": (
        lambda c, _: record(
            c,
            DISTRICT,
            CAPTURE,
            (report(said=Said(Kind.CAPTURE, Outcome(Status.CONTESTED, "taliban"))),),
            author="ann",
        ),
        RecordRuleError,
        "citations_said_whole_check",
    ),
    "a document that was cited already": (
        lambda c, event: cite(c, event, report(id=first_citation(c, event)), author="ann"),
        RecordRuleError,
        "citations_pkey",
    ),
    "an event id that is taken": (
        lambda c, event: record(c, DISTRICT, CAPTURE, (report(),), author="ann", event_id=event),
        RecordRuleError,
        "events_pkey",
    ),
    "nobody's name": (
        lambda c, _: record(c, DISTRICT, CAPTURE, (report(),), author=""),
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
    **{
        f"a correction with {what}": (
            lambda c, event, correction=correction: correct(
                c, event, 1, correction(c, event), author="ann", reason="r"
            ),
            error,
            where,
        )
        for what, (correction, error, where) in {
            "an unknown party": (
                lambda c, _: Correction(Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "x"))),
                InvalidValueError,
                "controller",
            ),
            "an unknown district": (
                lambda c, _: Correction(district="AF9999"),
                UnknownPlaceError,
                "district",
            ),
            "an unknown source": (
                lambda c, _: Correction(cited=(report(), report(source="x"))),
                InvalidValueError,
                "citations.1.source",
            ),
            "an unknown speaker": (
                lambda c, _: Correction(cited=(report(speaker="x"),)),
                InvalidValueError,
                "citations.0.speaker",
            ),
            "an unreadable date": (
                lambda c, _: Correction(cited=(report(asserted="soon"),), district=DISTRICT),
                InvalidValueError,
                "citations.0.asserted",
            ),
            "a citation of no event to withdraw": (
                lambda c, _: Correction(withdrawn=frozenset({NOBODY})),
                InvalidValueError,
                "withdraw",
            ),
            "a citation of another event to withdraw": (
                lambda c, event: Correction(
                    withdrawn=frozenset([*standing(c, event)[:1], foreign_citation(c, event)])
                ),
                InvalidValueError,
                "withdraw",
            ),
            "nothing left that supports it": (
                lambda c, event: Correction(withdrawn=frozenset(standing(c, event))),
                InvalidValueError,
                "withdraw",
            ),
            "a denial in place of its support": (
                lambda c, event: Correction(
                    cited=(denial(),), withdrawn=frozenset(standing(c, event))
                ),
                InvalidValueError,
                "withdraw",
            ),
            "nothing left in its new place": (
                lambda c, event: Correction(
                    district=DISTRICT, withdrawn=frozenset(standing(c, event))
                ),
                InvalidValueError,
                "withdraw",
            ),
        }.items()
    },
    "a citation with an unreadable date": (
        lambda c, event: cite(c, event, report(published="soon"), author="ann"),
        InvalidValueError,
        "published",
    ),
    "a correction without a reason": (
        lambda c, event: correct(c, event, 1, Correction(CAPTURE), author="ann", reason=""),
        RecordRuleError,
        "revisions_reason_given_check",
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
        lambda c, _: cite(c, NOBODY, report(), author="ann"),
        UnknownRecordError,
        "id",
    ),
    **{
        f"a publisher with {what}": (
            lambda c, _, given=given: add_source(c, *given, author="ann"),
            RecordRuleError,
            rule,
        )
        for what, given, rule in (
            ("an id that is taken", ("kabul-now", "Kabul Then"), "sources_pkey"),
            ("a name that is taken", ("kabul-then", "Kabul Now"), "sources_name_key"),
            ("an id of another form", ("Kabul Then", "Kabul Then"), "sources_id_form_check"),
            ("no name", ("kabul-then", ""), "sources_name_said_check"),
        )
    },
    **{
        f"a party with {what}": (
            lambda c, _, given=given: add_actor(c, PARTY | given, author="ann"),
            RecordRuleError,
            rule,
        )
        for what, given, rule in (
            ("an id that is taken", {"id": "taliban"}, "actors_pkey"),
            ("a name that is taken", {"name": "Taliban"}, "actors_name_key"),
            ("an id of another form", {"id": "The Militia"}, "actors_id_form_check"),
            ("no full name", {"full_name": ""}, "actors_full_name_said_check"),
            ("a kind that is none", {"kind": "army"}, "actors_kind_known_check"),
        )
    },
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
        lambda c, event: cite(c, event, report(), author="ann"),
        lambda c, event: correct(
            c, event, 1, Correction(district=ELSEWHERE), author="ann", reason="r"
        ),
    ],
    ids=["correct", "retract", "cite", "move"],
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
    fight = Content(Kind.CONTESTED, CONTESTED)
    denied, later = denial(), report(published="2021-06-11", asserted="2021-06-10")
    for function, arguments, named in (
        (cite, (event, denied), {}),
        (correct, (event, 1, Correction(moved)), {"reason": "a photograph"}),
        (correct, (event, 2, Correction(fight)), {"reason": "both were there"}),
        (cite, (event, report(published="2021-06-20", asserted=None)), {}),
        (correct, (event, 3, Correction(withdrawn=frozenset({denied.id}))), {"reason": "misread"}),
        (record, (DISTRICT, Content(Kind.RECAPTURE, GOVERNMENT), (later,)), {}),
        (correct, (event, 4, Correction(district=ELSEWHERE)), {"reason": "it was another one"}),
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
