"""Writing over HTTP: what each write does, what it leaves as it was, and what it refuses."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from app.domain.errors import NotReadyError
from app.store.engine import make_engine, writing
from app.store.keys import Scope
from app.store.revisions import take_turn

from ..services import assert_whole, fingerprints, make_token
from .asking import ask, assert_problem, outcome
from .writing import (
    THEN,
    Body,
    Desk,
    a_citation,
    an_event,
    at_version,
    client_of,
    written,
)

CSV = {"Content-Type": "text/csv"}
HEADER = (
    "row_id,district_reported,province_reported,adm2_pcode,event_date,date_precision,"
    "new_controller,event_kind,claim_basis,source_name,source_url,article_title,published_date,"
    "published_basis,note"
)


def a_file(*districts: str, source: str = "TOLOnews", day: str = "2021-07-20") -> bytes:
    """Claims that the Taliban captured these districts."""
    rows = [
        f"{number},,,{district},{day},day,Taliban,capture,local,{source},,,{day},text,"
        for number, district in enumerate(districts)
    ]
    return "\n".join([HEADER, *rows, ""]).encode()


@pytest.fixture(scope="module")
def desk(clone: Callable[[str], AbstractContextManager[str]]) -> Iterator[Desk]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        yield Desk.on(engine)
        assert_whole(engine)
        engine.dispose()


def event_of(desk: Desk, address: str, **params: Any) -> Body:
    detail: Body = ask(desk.nobody, address, **params)["event"]
    return detail


def address_of(answer: Body) -> str:
    return f"/events/{answer['id']}"


# What a write answers -------------------------------------------------------------------------

Write = Callable[[Desk, str], Any]


def correct(desk: Desk, address: str, **members: Any) -> Any:
    version = event_of(desk, address)["version"]
    body = {"reason": "misread"} | members
    return desk.ann.post(f"{address}/corrections", json=body, headers=at_version(version))


def retract(desk: Desk, address: str) -> Any:
    version = event_of(desk, address)["version"]
    return desk.ann.post(
        f"{address}/retraction", json={"reason": "invented"}, headers=at_version(version)
    )


EVENT_WRITES: dict[str, Write] = {
    "event": lambda desk, _: desk.ann.post("/events", json=an_event(district="AF0103")),
    "citation": lambda desk, address: desk.ann.post(
        f"{address}/citations", json=a_citation(source="kabul-now", stance="disputes")
    ),
    "correction": lambda desk, address: correct(desk, address, controller="afghan-government"),
    "pin": lambda desk, address: correct(
        desk, address, pinned={"occurred": "2021-06-01", "reason": "seen"}
    ),
    "exchanged citation": lambda desk, address: correct(
        desk,
        address,
        add_citations=[a_citation(source="kabul-now", asserted="2021-06-29")],
        withdraw_citations=[event_of(desk, address)["citations"][0]["id"]],
    ),
    "move": lambda desk, address: correct(desk, address, district="AF0103"),
    "retraction": retract,
}
OTHER_WRITES: dict[str, Write] = {
    "source": lambda desk, _: desk.ann.post("/sources", json={"name": f"Paper {uuid4()}"}),
    "actor": lambda desk, _: desk.ann.post(
        "/actors", json={"name": f"Party {uuid4()}", "full_name": "x", "kind": "non-state"}
    ),
    "import": lambda desk, _: desk.ann.post(
        "/imports",
        content=a_file("AF0102", source=f"Paper {uuid4()}", day="2021-07-01"),
        headers=CSV,
    ),
}


@pytest.mark.parametrize("write", EVENT_WRITES.values(), ids=EVENT_WRITES)
def test_a_write_about_an_event_answers_as_a_read_does_from_then_on(
    desk: Desk, write: Write
) -> None:
    address = address_of(desk.record())
    before = desk.revision()
    response = write(desk, address)
    answer = written(response)
    assert answer["revision"] == desk.revision() == before + 1
    assert response.headers["location"] == address_of(answer)
    assert response.headers["content-type"] == "application/json"
    newest = answer["versions"][-1]
    assert response.headers["etag"] == f'"{newest["version"]}"'
    assert answer["changes"][-1]["revision"] == answer["revision"]
    assert answer["changes"][-1]["known_from"] == answer["known_at"]
    if answer["event"]:
        assert answer["event"]["version"] == newest["version"]
    again = desk.nobody.get(
        response.headers["location"],
        params={"known_at": answer["known_at"], "as_of": answer["as_of"]},
    )
    assert again.content == response.content


@pytest.mark.parametrize("write", OTHER_WRITES.values(), ids=OTHER_WRITES)
def test_other_writes_answer_with_their_revision_and_where_to_read(
    desk: Desk, write: Write
) -> None:
    response = write(desk, "")
    answer = written(response)
    assert answer["revision"] == desk.revision()
    document = ask(desk.nobody, response.headers["location"])
    if "known_at" not in answer:  # an import's report
        assert document == answer
        return
    shown = document.get("source", document)
    assert {name: shown[name] for name in ("id", "name")} == {
        name: answer[name] for name in ("id", "name")
    }
    assert ask(desk.nobody, "/control", limit=1)["known_at"] == answer["known_at"]


def test_the_day_of_an_event_and_how_sure_it_is_follow_from_its_citations(desk: Desk) -> None:
    answer = desk.record(
        citations=[
            a_citation(asserted="2021-07-01"),
            a_citation(source="kabul-now", asserted="2021-06-30/2021-07-01"),
            a_citation(source="rfe-rl", stance="disputes"),
        ]
    )
    said = answer["event"]
    assert (said["occurred"], said["confidence"], said["disputed"]) == (
        "2021-07-01",
        "confirmed",
        True,
    )
    control = ask(desk.nobody, "/districts/AF0102/control", as_of="2021-07-01")
    assert control["since"] == "2021-07-01"
    assert control["event"]["id"] == answer["id"]
    assert control["disputed"]


# What stays as it was -------------------------------------------------------------------------

INVISIBLE = (OTHER_WRITES["source"], OTHER_WRITES["actor"])
"""Writes after which the events are the same."""
AT = f"as_of={THEN}&known_at={{known_at}}"
READS = [
    f"{{event}}?{AT}",
    f"/control?{AT}",
    f"/districts/AF0102/control?{AT}",
    f"/districts/AF0103/control?{AT}",
    f"/districts/AF0102/timeline?{AT}",
    f"/districts/AF0103/timeline?{AT}",
    f"/events?limit=1000&{AT}",
    f"/events?f=ndjson&{AT}",
    f"/events?f=csv&{AT}",
    f"/sources?limit=1000&{AT}",
    f"/sources/tolonews?limit=1000&{AT}",
    f"/summary?{AT}",
    "/changes?from=2021-06-01&to=2021-08-31&known_at={known_at}",
    f"/changes?known_from={{start}}&known_to={{known_at}}&as_of={THEN}",
]


@pytest.mark.parametrize(
    "write", [*EVENT_WRITES.values(), *OTHER_WRITES.values()], ids=[*EVENT_WRITES, *OTHER_WRITES]
)
def test_no_write_changes_an_answer_of_before(desk: Desk, write: Write) -> None:
    recorded = desk.record()
    address = address_of(recorded)
    written(desk.bob.post(f"{address}/citations", json=a_citation(source="rfe-rl")))
    known_at = ask(desk.nobody, "/control", limit=1)["known_at"]
    events_before = ask(desk.nobody, "/events", limit=1000)["events"]

    def answers() -> list[bytes]:
        asked = {"event": address, "start": recorded["known_at"], "known_at": known_at}
        found = [desk.nobody.get(read.format(**asked)) for read in READS]
        assert [response.status_code for response in found] == [200] * len(READS)
        return [response.content for response in found]

    before = answers()
    written(write(desk, address))
    assert answers() == before
    # Without that `known_at` it differs, or the test would see nothing at all.
    events_now = ask(desk.nobody, "/events", limit=1000)["events"]
    assert (events_now != events_before) == (write not in INVISIBLE)


def test_every_version_and_every_change_has_the_owner_of_its_key(desk: Desk) -> None:
    address = address_of(desk.record())
    written(desk.bob.post(f"{address}/citations", json=a_citation(source="rfe-rl")))
    written(
        desk.bob.post(
            f"{address}/corrections",
            json={"reason": "the other side", "controller": "afghan-government"},
            headers=at_version(1),
        )
    )
    answer = written(
        desk.ann.post(f"{address}/retraction", json={"reason": "no"}, headers=at_version(2))
    )
    first, second = answer["versions"]
    assert (first["author"], first["closed_by"], first["closing_reason"]) == (
        "ann",
        "bob",
        "the other side",
    )
    assert (second["author"], second["reason"]) == ("bob", "the other side")
    assert (second["closed_by"], second["closing_reason"]) == ("ann", "no")
    assert [(one["author"], one["action"], one["reason"]) for one in answer["changes"]] == [
        ("ann", "record", None),
        ("bob", "cite", None),
        ("bob", "correct", "the other side"),
        ("ann", "retract", "no"),
    ]


# Versions -------------------------------------------------------------------------------------

CHANGES = {"corrections": {"controller": "afghan-government"}, "retraction": {}}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428),
        ("", 422),
        ("x", 422),
        ("*", 422),
        ('W/"2"', 422),
        ('"2", "3"', 422),
        ("-2", 422),
        ("2.0", 422),
        ('"12345678901234567890"', 422),
        ('"1"', 412),
        ('"3"', 412),
        ('"0"', 412),
    ],
)
def test_a_change_that_names_no_version_or_a_wrong_one_writes_nothing(
    desk: Desk, change: str, header: str | None, status: int
) -> None:
    address = address_of(desk.record())
    written(correct(desk, address, day_order=1))
    before = fingerprints(desk.engine)
    response = desk.ann.post(
        f"{address}/{change}",
        json={"reason": "r", **CHANGES[change]},
        headers={"If-Match": header} if header is not None else None,
    )
    assert_problem(response, status, "If-Match")
    assert fingerprints(desk.engine) == before


def test_of_two_versions_named_none_counts(desk: Desk) -> None:
    address = address_of(desk.record())
    before = fingerprints(desk.engine)
    headers = [("If-Match", '"1"'), ("If-Match", '"2"')]
    response = desk.ann.post(f"{address}/retraction", json={"reason": "r"}, headers=headers)
    assert_problem(response, 422, "If-Match")
    assert fingerprints(desk.engine) == before


def test_of_two_editors_the_second_is_told(desk: Desk) -> None:
    answer = desk.record()
    address, etag = address_of(answer), '"1"'
    written(
        desk.ann.post(
            f"{address}/corrections",
            json={"reason": "first", "kind": "contested"},
            headers={"If-Match": etag},
        )
    )
    before = fingerprints(desk.engine)
    response = desk.bob.post(
        f"{address}/corrections",
        json={"reason": "second", "day_order": 3},
        headers={"If-Match": etag},
    )
    assert "2" in assert_problem(response, 412, "If-Match")["detail"]
    assert fingerprints(desk.engine) == before


# Corrections ----------------------------------------------------------------------------------

WRONG = an_event(
    day_order=2,
    pinned={"occurred": "2021-06-05", "reason": "typed wrongly"},
    citations=[a_citation(title="one"), a_citation(source="kabul-now", title="of another place")],
)


def said(answer: Body) -> Body:
    """What an event says, in short."""
    shown = answer["event"]
    return {
        "district": shown["district"]["id"],
        "kind": shown["kind"],
        "outcome": outcome(shown),
        "day_order": shown["day_order"],
        "pinned": shown["pinned"],
        "occurred": shown["occurred"],
        "titles": sorted(str(citation["title"]) for citation in shown["citations"]),
    }


AS_RECORDED = {
    "district": "AF0102",
    "kind": "capture",
    "outcome": ("controlled", "taliban"),
    "day_order": 2,
    "pinned": WRONG["pinned"],
    "occurred": "2021-06-05",
    "titles": ["of another place", "one"],
}
MISTAKES: dict[str, tuple[Body, Body]] = {
    "wrong controller": (
        {"controller": "afghan-government"},
        {"outcome": ("controlled", "afghan-government")},
    ),
    "a fight, not a capture": (
        {"kind": "contested"},
        {"kind": "contested", "outcome": ("contested", None)},
    ),
    "held by nobody": ({"status": "contested"}, {"outcome": ("contested", None)}),
    "wrong kind": ({"kind": "assessment"}, {"kind": "assessment"}),
    "wrong date pinned": (
        {"pinned": {"occurred": "2021-06-15", "reason": "as written"}},
        {"pinned": {"occurred": "2021-06-15", "reason": "as written"}, "occurred": "2021-06-15"},
    ),
    "no date should be pinned": ({"pinned": None}, {"pinned": None, "occurred": "2021-07-01"}),
    "wrong order": ({"day_order": 0}, {"day_order": 0}),
    "wrong citation": (
        {"withdraw": "of another place", "add_citations": [a_citation(title="three")]},
        {"titles": ["one", "three"]},
    ),
    "a citation too many": ({"withdraw": "of another place"}, {"titles": ["one"]}),
    "wrong district": ({"district": "AF0103"}, {"district": "AF0103"}),
    "all of it": (
        {
            "district": "AF0104",
            "kind": "transfer",
            "controller": "afghan-government",
            "pinned": None,
            "day_order": 1,
            "withdraw": "one",
        },
        {
            "district": "AF0104",
            "kind": "transfer",
            "outcome": ("controlled", "afghan-government"),
            "pinned": None,
            "occurred": "2021-07-01",
            "day_order": 1,
            "titles": ["of another place"],
        },
    ),
    "nothing, only a reason": ({}, {}),
    "nulls that say nothing": (
        {"kind": None, "status": None, "day_order": None, "district": None},
        {},
    ),
}


@pytest.mark.parametrize(("correction", "differs"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_corrected_in_one_call_and_the_rest_stays(
    desk: Desk, correction: Body, differs: Body
) -> None:
    recorded = desk.record(**WRONG)
    assert said(recorded) == AS_RECORDED
    body = dict(correction)
    title = body.pop("withdraw", None)
    withdrawn = [one["id"] for one in recorded["event"]["citations"] if one["title"] == title]
    if withdrawn:
        body["withdraw_citations"] = withdrawn
    response = desk.bob.post(
        f"{address_of(recorded)}/corrections",
        json={"reason": "misread"} | body,
        headers=at_version(1),
    )
    answer = written(response)
    assert said(answer) == AS_RECORDED | differs
    assert answer["revision"] == recorded["revision"] + 1
    moved = differs.get("district", "AF0102") != "AF0102"
    assert (answer["id"] != recorded["id"]) == moved
    assert response.headers["etag"] == ('"1"' if moved else '"2"')
    assert answer["versions"][-1]["author"] == "bob"
    # Whoever asks for the state before the correction finds it.
    before = ask(desk.nobody, address_of(recorded), known_at=recorded["known_at"])
    assert said(before) == AS_RECORDED
    if moved:
        left = ask(desk.nobody, address_of(recorded))
        assert (left["event"], left["replaced_by"]) == (None, answer["id"])
        assert left["changes"][-1]["reason"] == "misread"
        assert answer["replaces"] == recorded["id"]


def test_a_correction_shows_in_the_status_of_the_district(desk: Desk) -> None:
    """A fight in the year 2022 is the last that is known of these districts."""
    day = "2022-02-02"

    def status(district: str, **params: str) -> tuple[str, str | None]:
        asked = f"/districts/{district}/control"
        return outcome(ask(desk.nobody, asked, as_of="2022-03-01", **params))

    was = status("AF0105")
    cited = [a_citation(published=day, asserted=day)]
    recorded = desk.record(
        district="AF0106", kind="contested", controller=None, status="contested", citations=cited
    )
    assert status("AF0106") == ("contested", None)
    moved = written(
        desk.ann.post(
            f"{address_of(recorded)}/corrections",
            json={"reason": "its neighbour", "district": "AF0105"},
            headers=at_version(1),
        )
    )
    assert status("AF0106") != ("contested", None)
    assert status("AF0105") == ("contested", None)
    held = written(
        desk.ann.post(
            f"{address_of(moved)}/corrections",
            json={"reason": "held", "kind": "recapture", "controller": "afghan-government"},
            headers=at_version(1),
        )
    )
    assert status("AF0105") == ("controlled", "afghan-government")
    written(
        desk.ann.post(
            f"{address_of(moved)}/retraction", json={"reason": "no"}, headers=at_version(2)
        )
    )
    assert status("AF0105") == was
    assert status("AF0105", known_at=held["known_at"]) == ("controlled", "afghan-government")
    assert status("AF0105", known_at=moved["known_at"]) == ("contested", None)
    assert status("AF0106", known_at=recorded["known_at"]) == ("contested", None)


def test_an_event_goes_there_and_back(desk: Desk) -> None:
    first = desk.record()
    there = written(correct(desk, address_of(first), district="AF0103"))
    back = written(correct(desk, address_of(there), district="AF0102"))
    assert [back["replaces"], there["replaces"], first["replaces"]] == [
        there["id"],
        first["id"],
        None,
    ]
    assert back["event"]["citations"][0]["published"] == "2021-07-02"
    left = ask(desk.nobody, address_of(there), known_at=there["known_at"])
    assert said(left) == said(there)


@pytest.mark.parametrize("how", ["retracted", "moved"])
@pytest.mark.parametrize("write", ["citations", "corrections", "retraction"])
def test_what_was_taken_back_takes_no_more_writes(desk: Desk, how: str, write: str) -> None:
    recorded = desk.record()
    address = address_of(recorded)
    if how == "retracted":
        taken_back = written(retract(desk, address))
        assert taken_back["event"] is None
    else:
        written(correct(desk, address, district="AF0103"))
    before = fingerprints(desk.engine)
    body = a_citation() if write == "citations" else {"reason": "r"}
    response = desk.ann.post(f"{address}/{write}", json=body, headers=at_version(1))
    assert_problem(response, 404, "id")
    assert fingerprints(desk.engine) == before
    assert said(ask(desk.nobody, address, known_at=recorded["known_at"])) == said(recorded)


# What is refused ------------------------------------------------------------------------------


def second(**members: Any) -> Body:
    return {"citations": [a_citation(), a_citation(**members)]}


EVENTS: list[tuple[Body, int, str]] = [
    (second(published="yesterday"), 422, "citations.1.published"),
    (second(asserted="2021-07-02/.."), 422, "citations.1.asserted"),
    (second(published="1700-01-01"), 422, "citations.1.published"),
    (second(source="no-such-paper"), 422, "citations.1.source"),
    (second(source="TOLOnews"), 422, "citations.1.source"),
    (second(speaker="nobody"), 422, "citations.1.speaker"),
    (second(basis="rumour"), 422, "citations.1.basis"),
    (second(stance="maybe"), 422, "citations.1.stance"),
    (second(url="ftp://example.org"), 422, "citations.1.url"),
    (second(title="a\x00b"), 422, "citations.1.title"),
    (second(note="\x1b[31m"), 422, "citations.1.note"),
    (second(origin=" "), 422, "citations.1.origin"),
    (second(reliability="G"), 422, "citations.1.reliability"),
    (second(credibility=7), 422, "citations.1.credibility"),
    (second(date="2021-07-01"), 422, "citations.1.date"),
    ({"citations": []}, 422, "citations"),
    ({"citations": [a_citation(stance="disputes")]}, 422, "citations"),
    ({"citations": [a_citation()] * 101}, 422, "citations"),
    ({"district": "AF9999"}, 404, "district"),
    ({"district": "Paghman"}, 422, "district"),
    ({"kind": "conquest"}, 422, "kind"),
    ({"controller": "nobody"}, 422, "controller"),
    ({"controller": None}, 422, "body"),
    ({"kind": "contested"}, 422, "body"),
    ({"status": "contested"}, 422, "body"),
    ({"status": "unknown"}, 422, "status"),
    ({"day_order": 2**31}, 422, "day_order"),
    ({"pinned": {"occurred": "soon", "reason": "r"}}, 422, "pinned.occurred"),
    ({"pinned": {"occurred": "2021-07-01"}}, 422, "pinned.reason"),
    ({"occurred": "2021-07-01"}, 422, "occurred"),
]
CORRECTIONS: list[tuple[Body, int, str]] = [
    ({"add_citations": [a_citation(published="x")]}, 422, "add_citations.0.published"),
    ({"add_citations": [a_citation(source="nobody")]}, 422, "add_citations.0.source"),
    ({"add_citations": [a_citation(speaker="nobody")]}, 422, "add_citations.0.speaker"),
    ({"add_citations": [a_citation(asserted="x")]}, 422, "add_citations.0.asserted"),
    ({"withdraw_citations": [str(uuid4())]}, 422, "withdraw_citations"),
    ({"withdraw_citations": ["none"]}, 422, "withdraw_citations.0"),
    ({"withdraw": "all"}, 422, "withdraw_citations"),
    ({"controller": "nobody"}, 422, "controller"),
    ({"controller": None}, 422, "controller"),
    ({"kind": "contested", "controller": "taliban"}, 422, "controller"),
    ({"pinned": {"occurred": "x", "reason": "r"}}, 422, "pinned.occurred"),
    ({"district": "AF9999"}, 404, "district"),
    ({"reason": " "}, 422, "reason"),
    ({"version": 1}, 422, "version"),
]


@pytest.mark.parametrize(("members", "status", "parameter"), EVENTS)
def test_what_is_wrong_with_an_event_is_named_and_nothing_is_written(
    desk: Desk, members: Body, status: int, parameter: str
) -> None:
    before = fingerprints(desk.engine)
    assert_problem(desk.bob.post("/events", json=an_event(**members)), status, parameter)
    assert fingerprints(desk.engine) == before


@pytest.mark.parametrize(("members", "status", "parameter"), CORRECTIONS)
def test_what_is_wrong_with_a_correction_is_named_and_nothing_is_written(
    desk: Desk, members: Body, status: int, parameter: str
) -> None:
    recorded = desk.record()
    body = {"reason": "r"} | members
    if body.pop("withdraw", None):
        body["withdraw_citations"] = [recorded["event"]["citations"][0]["id"]]
    before = fingerprints(desk.engine)
    response = desk.bob.post(
        f"{address_of(recorded)}/corrections", json=body, headers=at_version(1)
    )
    assert_problem(response, status, parameter)
    assert fingerprints(desk.engine) == before


@pytest.mark.parametrize(
    ("members", "parameter"),
    [
        ({"published": "x"}, "published"),
        ({"asserted": "x"}, "asserted"),
        ({"source": "nobody"}, "source"),
        ({"speaker": "nobody"}, "speaker"),
        ({"event": "x"}, "event"),
    ],
)
def test_what_is_wrong_with_a_citation_is_named_and_nothing_is_written(
    desk: Desk, members: Body, parameter: str
) -> None:
    address = address_of(desk.record())
    before = fingerprints(desk.engine)
    response = desk.bob.post(f"{address}/citations", json=a_citation(**members))
    assert_problem(response, 422, parameter)
    assert fingerprints(desk.engine) == before


def test_a_citation_of_another_event_cannot_be_withdrawn(desk: Desk) -> None:
    mine, other = desk.record(), desk.record()
    before = fingerprints(desk.engine)
    foreign = other["event"]["citations"][0]["id"]
    response = desk.bob.post(
        f"{address_of(mine)}/corrections",
        json={"reason": "r", "withdraw_citations": [foreign]},
        headers=at_version(1),
    )
    assert foreign in assert_problem(response, 422, "withdraw_citations")["detail"]
    assert fingerprints(desk.engine) == before


@pytest.mark.parametrize("path", ["/events", "/events/{id}/citations", "/sources", "/actors"])
def test_a_parameter_that_no_write_has_is_refused(desk: Desk, path: str) -> None:
    """Who asks for a dry run must not find that it was none."""
    address = path.format(id=desk.record()["id"])
    bodies = {
        "/events": an_event(),
        "/sources": {"name": "Dry"},
        "/actors": {"name": "Dry", "full_name": "Dry", "kind": "state"},
    }
    body = bodies.get(path, a_citation())
    before = fingerprints(desk.engine)
    assert_problem(desk.ann.post(f"{address}?dry_run=true", json=body), 422, "dry_run")
    assert fingerprints(desk.engine) == before
    written(desk.ann.post(address, json=body))


@pytest.mark.parametrize("content", [b"{", b"", b"null", b"[]", b'"text"', b"{} {}"])
def test_a_body_that_is_no_json_object_is_named(desk: Desk, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = desk.ann.post("/events", content=content, headers=headers)
    assert_problem(response, 422, "body")


NO_TEXT = [b"\xff", b"[" * 100_000, b'{"day_order": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("content", NO_TEXT, ids=range(len(NO_TEXT)))
def test_a_body_that_cannot_be_read_at_all_is_a_400(desk: Desk, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(desk.ann.post("/events", content=content, headers=headers), 400)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"x" * (2 << 20)])
def test_what_strangers_send_is_not_read(desk: Desk, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/events", "/sources", "/actors", "/imports"):
        assert_problem(desk.nobody.post(path, content=content, headers=headers), 401)
        assert_problem(desk.eve.post(path, content=content, headers=headers), 403)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_not_called_json_is_not_read(desk: Desk, content_type: str | None) -> None:
    before = fingerprints(desk.engine)
    headers = {"Content-Type": content_type} if content_type else {}
    content = json.dumps(an_event()).encode()
    assert_problem(desk.ann.post("/events", content=content, headers=headers), 422, "body")
    assert fingerprints(desk.engine) == before


def bodies(desk: Desk) -> dict[str, Body]:
    """A good body for every write."""
    address = address_of(desk.record())
    return {
        "/events": an_event(),
        f"{address}/citations": a_citation(),
        f"{address}/corrections": {"reason": "r"},
        f"{address}/retraction": {"reason": "r"},
        "/sources": {"name": f"Paper {uuid4()}"},
        "/actors": {"name": f"Party {uuid4()}", "full_name": "x", "kind": "state"},
    }


def test_without_the_scope_nothing_is_written(desk: Desk) -> None:
    good = bodies(desk)
    before = fingerprints(desk.engine)
    for path, body in good.items():
        # Neither learns what else is wrong.
        for headers in (at_version(1), {}, {"Idempotency-Key": "\x07"}):
            assert_problem(desk.nobody.post(path, json=body, headers=headers), 401)
            assert_problem(desk.eve.post(path, json=body, headers=headers), 403)
            assert_problem(desk.eve.post(f"{path}?x=1", json={}, headers=headers), 403)
    assert_problem(desk.nobody.post("/imports", content=a_file("AF0102"), headers=CSV), 401)
    assert_problem(desk.eve.post("/imports", content=a_file("AF0102"), headers=CSV), 403)
    refused = desk.bob.post("/actors", json=good["/actors"])
    assert "admin" in assert_problem(refused, 403)["detail"]
    assert fingerprints(desk.engine) == before
    # With it, all of them pass.
    for path, body in good.items():
        client = desk.ann if path == "/actors" else desk.bob
        version = 2 if path.endswith("retraction") else 1
        written(client.post(path, json=body, headers=at_version(version)))


def test_a_revoked_key_writes_nothing(desk: Desk) -> None:
    token = make_token(desk.engine, "carl", Scope.WRITE)
    client = client_of(desk.engine, token)
    written(client.post("/events", json=an_event()))
    with desk.engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET revoked_at = now() WHERE owner = 'carl'"))
    before = fingerprints(desk.engine)
    assert_problem(client.post("/events", json=an_event()), 401)
    assert fingerprints(desk.engine) == before


# Publishers and parties -----------------------------------------------------------------------


def test_a_publisher_that_was_added_can_be_cited(desk: Desk) -> None:
    answer = written(desk.bob.post("/sources", json={"name": "Hasht-e Subh (daily)"}))
    assert answer["id"] == "hasht-e-subh-daily"
    cited = desk.record(citations=[a_citation(source=answer["id"])])
    (citation,) = cited["event"]["citations"]
    assert citation["source"]["name"] == citation["origin"] == "Hasht-e Subh (daily)"
    shown = ask(desk.nobody, f"/sources/{answer['id']}")
    assert [one["event_id"] for one in shown["cited_for"]] == [cited["id"]]


def test_a_party_that_was_added_can_hold_a_district(desk: Desk) -> None:
    party = {"name": "ISKP", "full_name": "Khorasan Province", "kind": "non-state"}
    answer = written(desk.ann.post("/actors", json=party | {"aliases": ["داعش"]}))
    assert (answer["id"], answer["aliases"]) == ("iskp", ["داعش"])
    recorded = desk.record(controller="iskp", citations=[a_citation(speaker="iskp")])
    assert outcome(recorded["event"]) == ("controlled", "iskp")
    assert recorded["event"]["confidence"] == "claimed"


@pytest.mark.parametrize(
    ("path", "body", "parameter"),
    [
        ("/sources", {"name": "TOLOnews", "id": "other"}, "name"),
        ("/sources", {"name": "Other", "id": "tolonews"}, "id"),
        ("/actors", {"name": "Other", "id": "taliban"}, "id"),
        ("/actors", {"name": "Taliban", "id": "other"}, "name"),
    ],
)
def test_one_of_that_name_is_enough(desk: Desk, path: str, body: Body, parameter: str) -> None:
    if path == "/actors":
        body = {"full_name": "x", "kind": "state"} | body
    before = fingerprints(desk.engine)
    assert_problem(desk.ann.post(path, json=body), 409, parameter)
    assert fingerprints(desk.engine) == before


# Files ----------------------------------------------------------------------------------------


def test_a_file_is_imported_once_in_the_name_of_the_owner(desk: Desk) -> None:
    file = a_file("AF0107", "AF0108", source="Import Daily")
    before = desk.revision()
    response = desk.bob.post("/imports?name=two.csv", content=file, headers=CSV)
    report = written(response)
    assert response.headers["location"] == f"/imports/{before + 1}"
    assert (report["name"], report["rows"], report["events_created"]) == ("two.csv", 2, 2)
    assert report["sources_added"] == ["import-daily"]
    listed = ask(desk.nobody, "/events", source="import-daily")["events"]
    assert sorted(one["district"]["id"] for one in listed) == ["AF0107", "AF0108"]
    detail = ask(desk.nobody, f"/events/{listed[0]['id']}")
    assert [(one["author"], one["action"]) for one in detail["changes"]] == [("bob", "import")]
    written_so_far = fingerprints(desk.engine)
    again = desk.ann.post("/imports", content=file, headers=CSV)
    assert again.status_code == 200
    assert (again.json()["duplicates"], again.json()["revision"]) == (2, None)
    assert "location" not in again.headers
    assert fingerprints(desk.engine) == written_so_far


def test_of_a_file_with_an_error_nothing_is_recorded_unless_that_is_wanted(desk: Desk) -> None:
    file = a_file("AF0109", "AF9999", source="Partial Daily")
    before = fingerprints(desk.engine)
    refused = assert_problem(desk.bob.post("/imports", content=file, headers=CSV), 422)
    assert [fault["line"] for fault in refused["report"]["errors"]] == [3]
    dry = desk.bob.post("/imports?dry_run=true&partial=true", content=file, headers=CSV)
    assert (dry.status_code, dry.json()["events_created"]) == (200, 1)
    for wrong in ("?partial=perhaps", "?dry-run=true", "?of=facts", "?mapping=none", "?country=XX"):
        assert desk.bob.post(f"/imports{wrong}", content=file, headers=CSV).status_code in (
            404,
            422,
        )
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(desk.bob.post("/imports", content=file, headers=form), 415)
    assert fingerprints(desk.engine) == before
    report = written(desk.bob.post("/imports?partial=true", content=file, headers=CSV))
    assert (report["events_created"], report["errors_total"]) == (1, 1)


def test_a_file_that_is_too_long_is_refused(desk: Desk) -> None:
    token = make_token(desk.engine, "dora", Scope.WRITE)
    client = client_of(desk.engine, token, max_import_mb=1)
    before = fingerprints(desk.engine)
    file = a_file("AF0109") + b"#" * (1 << 20)
    assert_problem(client.post("/imports", content=file, headers=CSV), 413)
    assert fingerprints(desk.engine) == before


# When the database does not let a write pass --------------------------------------------------


@pytest.fixture
def hurried(desk: Desk) -> Iterator[TestClient]:
    """A client of an application that waits for no other writer, and has two connections."""
    engine = make_engine(desk.engine.url.render_as_string(False), pool_size=1)
    engine.pool._timeout = 0.2  # type: ignore[attr-defined]

    def hurry(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        connection.commit()

    event.listen(engine, "connect", hurry)
    yield client_of(engine, make_token(desk.engine, "hurry"))
    engine.dispose()


def test_a_long_write_of_another_is_a_503_that_says_when_to_come_back(
    desk: Desk, hurried: TestClient
) -> None:
    before = fingerprints(desk.engine)
    with desk.engine.connect() as other:
        take_turn(other)
        for path, headers in (("/events", {}), ("/imports", CSV), ("/sources", {})):
            body = {"/events": an_event(), "/sources": {"name": "Hurry"}}.get(path)
            response = (
                hurried.post(path, json=body)
                if body
                else hurried.post(path, content=a_file("AF0110"), headers=headers)
            )
            assert "long write" in assert_problem(response, 503)["detail"]
            assert int(response.headers["retry-after"]) > 0
    assert fingerprints(desk.engine) == before
    written(hurried.post("/events", json=an_event()))


def test_a_write_that_gets_no_connection_is_a_503(desk: Desk, hurried: TestClient) -> None:
    engine: Engine = hurried.app.state.engine  # type: ignore[attr-defined]
    before = fingerprints(desk.engine)
    with engine.connect(), engine.connect():
        with pytest.raises(NotReadyError), writing(engine):
            pass
        for path in ("/events", "/imports"):
            response = hurried.post(path, json=an_event())
            assert_problem(response, 503)
            assert int(response.headers["retry-after"]) > 0
    assert fingerprints(desk.engine) == before
    written(hurried.post("/events", json=an_event()))
