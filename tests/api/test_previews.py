"""A preview tells what a write then does, and keeps nothing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import record
from app.store.engine import make_engine, rehearsing, writing
from app.store.revisions import take_turn
from app.store.tables import metadata

from ..services import assert_whole, fingerprints, wait_until
from .asking import PREVIEWS, WRITES, ask, assert_problem
from .writing import Body, Desk, a_citation, an_event, at_version, client_of, written

# Of things that are new, a preview cannot know under which ids they will be recorded.
NEW = {"id", "event_id", "sequence"}


@pytest.fixture(scope="module")
def desk(clone: Callable[[str], AbstractContextManager[str]]) -> Iterator[Desk]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        yield Desk.on(engine)
        assert_whole(engine)
        engine.dispose()


def without(document: Any, names: set[str]) -> Any:
    """A document with these members left out, however deep."""
    if isinstance(document, dict):
        return {key: without(value, names) for key, value in document.items() if key not in names}
    if isinstance(document, list):
        return [without(item, names) for item in document]
    return document


def in_any_order(event: Body | None) -> Body | None:
    """An event as it is but for what is new; documents of one day are listed by their ids."""
    if event is None:
        return None
    event = without(event, NEW)
    return event | {"citations": sorted(event["citations"], key=repr)}


def as_read(desk: Desk, district: str) -> Body:
    """What reads say of a district, in the form in which a preview says it."""
    control = ask(desk.nobody, f"/districts/{district}/control")
    timeline = ask(desk.nobody, f"/districts/{district}/timeline")
    names = (
        "in_words",
        "status",
        "controller",
        "since",
        "confidence",
        "disputed",
        "last_reported",
    )
    return {name: control[name] for name in names} | {"periods": timeline["periods"]}


def previewed(desk: Desk, path: str, body: Body, version: int | None = None) -> Body:
    """A preview that was given, and that left no trace."""
    kept = fingerprints(desk.engine)
    response = desk.ann.post(
        f"/previews{path}", json=body, headers=at_version(version) if version else {}
    )
    assert response.status_code == 200, response.text
    assert fingerprints(desk.engine) == kept
    answer: Body = response.json()
    return answer


def fought_over(desk: Desk, district: str = "AF0102") -> Body:
    """An event of July, in a district that was lost again, with two documents about it."""
    event = desk.record(
        district=district,
        citations=[a_citation(), a_citation(source="kabul-now", basis="official")],
    )
    desk.record(
        district=district,
        kind="recapture",
        controller="afghan-government",
        citations=[a_citation(published="2021-07-10", asserted="2021-07-09")],
    )
    return event


Asked = tuple[str, Body, int | None]
WRITTEN: dict[str, Callable[[Body], Asked]] = {
    "an event": lambda _: ("/events", an_event(citations=[a_citation(asserted="2021-08")]), None),
    "a district of which nothing was known": lambda _: (
        "/events",
        an_event(district="AF0104", kind="contested", controller=None),
        None,
    ),
    "an event before all others": lambda _: (
        "/events",
        an_event(citations=[a_citation(published="2021-03-02", asserted="../2021-03-01")]),
        None,
    ),
    "only a party says so": lambda _: (
        "/events",
        an_event(citations=[a_citation(basis="claimant", speaker="taliban")]),
        None,
    ),
    "a date that is not certain yet": lambda _: (
        "/events",
        an_event(citations=[a_citation(asserted="2021-07-01/2199-01-01")]),
        None,
    ),
    "a pinned date": lambda _: (
        "/events",
        an_event(pinned={"occurred": "2021-08-02T06:00+04:30", "reason": "seen"}),
        None,
    ),
    "a second origin": lambda event: (
        f"/events/{event['id']}/citations",
        a_citation(source="rfe-rl", published="2021-07-03"),
        None,
    ),
    "a denial": lambda event: (
        f"/events/{event['id']}/citations",
        a_citation(source="rfe-rl", stance="disputes"),
        None,
    ),
    "another holder": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "misread", "controller": "afghan-government"},
        1,
    ),
    "exchanged documents": lambda event: (
        f"/events/{event['id']}/corrections",
        {
            "reason": "wrong place",
            "withdraw_citations": [event["event"]["citations"][0]["id"]],
            "add_citations": [a_citation(source="rfe-rl", asserted="2021-06-29?")],
        },
        1,
    ),
    "a move": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "of the same name", "district": "AF0105"},
        1,
    ),
    "nothing new": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "rank", "day_order": 0},
        1,
    ),
    "a retraction": lambda event: (
        f"/events/{event['id']}/retraction",
        {"reason": "invented"},
        1,
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_preview_is_what_the_write_then_does(desk: Desk, case: str) -> None:
    path, body, version = WRITTEN[case](fought_over(desk))
    shown = previewed(desk, path, body, version)
    before = {d["district"]["id"]: as_read(desk, d["district"]["id"]) for d in shown["districts"]}
    assert {d["district"]["id"]: d["before"] for d in shown["districts"]} == before
    assert shown["revision"] == desk.revision()
    assert shown["author"] == "ann"

    headers = at_version(version) if version else {}
    answer = written(desk.ann.post(path, json=body, headers=headers))
    assert answer["revision"] == shown["revision"] + 1
    assert answer["known_at"] > shown["known_at"]
    assert in_any_order(shown["event"]) == in_any_order(answer["event"])
    if answer["event"]:
        assert shown["districts"][0]["district"]["id"] == answer["event"]["district"]["id"]
    for district in shown["districts"]:
        now = as_read(desk, district["district"]["id"])
        assert without(district["after"], NEW) == without(now, NEW)
        was = before[district["district"]["id"]]
        assert district["changed"] == (without(was, NEW) != without(now, NEW))
    assert len(shown["districts"]) == (2 if case == "a move" else 1)
    assert shown["changed"] == any(district["changed"] for district in shown["districts"])


def test_it_says_whether_anything_changes_and_why_not(desk: Desk) -> None:
    event = fought_over(desk, "AF0108")
    told = {
        case: previewed(desk, *WRITTEN[case](event))
        for case in (
            "another holder",
            "nothing new",
            "only a party says so",
            "a date that is not certain yet",
            "a retraction",
        )
    }
    assert {case: (p["changed"], p["counts"], p["left_out"]) for case, p in told.items()} == {
        "another holder": (True, True, None),
        "nothing new": (False, True, None),
        "only a party says so": (False, False, "below_min_confidence"),
        "a date that is not certain yet": (False, False, "not_yet_certain"),
        "a retraction": (True, False, None),
    }


def test_every_date_is_told_as_it_was_read(desk: Desk) -> None:
    body = an_event(
        pinned={"occurred": "2021-06-05/2021-06-07", "reason": "r"},
        citations=[
            a_citation(published="2021-06", asserted="2021-06-05?"),
            a_citation(published="2021-06-06T06:00+04:30", asserted="../2021-06-07"),
            a_citation(published="2021-06-07T01:00Z/2021-06-08", asserted=None),
        ],
    )
    dates = previewed(desk, "/events", body)["dates"]
    assert {date["parameter"]: (date["written"], date["read_as"]) for date in dates} == {
        "pinned.occurred": ("2021-06-05/2021-06-07", "2021-06-05/2021-06-07"),
        "citations.0.published": ("2021-06", "2021-06"),
        "citations.0.asserted": ("2021-06-05?", "2021-06-04/2021-06-06"),
        "citations.1.published": ("2021-06-06T06:00+04:30", "2021-06-06T06:00+04:30"),
        "citations.1.asserted": ("../2021-06-07", "../2021-06-07"),
        "citations.2.published": (
            "2021-06-07T01:00Z/2021-06-08",
            "2021-06-07T05:30+04:30/2021-06-08",
        ),
    }
    assert [date["earliest"] for date in dates if date["written"].startswith("..")] == [None]
    change = {"reason": "r", "add_citations": body["citations"][:1], "pinned": body["pinned"]}
    event = desk.record()["id"]
    dates = previewed(desk, f"/events/{event}/corrections", change, 1)["dates"]
    assert [date["parameter"] for date in dates] == [
        "pinned.occurred",
        "add_citations.0.published",
        "add_citations.0.asserted",
    ]


REFUSED: dict[str, Callable[[Body], Asked]] = {
    "no body": lambda _: ("/events", {}, None),
    "no such district": lambda _: ("/events", an_event(district="AF9999"), None),
    "a date that is none": lambda _: (
        "/events",
        an_event(citations=[a_citation(published="last week")]),
        None,
    ),
    "no such publisher": lambda _: (
        "/events",
        an_event(citations=[a_citation(), a_citation(source="the-moon")]),
        None,
    ),
    "nobody supports it": lambda _: (
        "/events",
        an_event(citations=[a_citation(stance="disputes")]),
        None,
    ),
    "no such event": lambda _: (f"/events/{uuid4()}/citations", a_citation(), None),
    "no version": lambda event: (f"/events/{event['id']}/retraction", {"reason": "r"}, None),
    "another version": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "r", "day_order": 1},
        7,
    ),
    "a citation of another event": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "r", "withdraw_citations": [str(uuid4())]},
        1,
    ),
    "a citation that cannot be read": lambda event: (
        f"/events/{event['id']}/corrections",
        {"reason": "r", "add_citations": [a_citation(asserted="soon")]},
        1,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_preview_is_refused_as_the_write_is(desk: Desk, case: str) -> None:
    path, body, version = REFUSED[case](desk.record())
    headers = at_version(version) if version else {}
    kept = fingerprints(desk.engine)
    preview, write = (
        desk.ann.post(address, json=body, headers=headers) for address in (f"/previews{path}", path)
    )
    assert preview.status_code == write.status_code >= 400
    assert preview.headers["content-type"] == "application/problem+json"
    assert without(preview.json(), {"instance"}) == without(write.json(), {"instance"})
    assert fingerprints(desk.engine) == kept


@pytest.mark.parametrize("path", PREVIEWS.values())
def test_who_may_not_write_gets_no_preview(desk: Desk, path: str) -> None:
    for client in (desk.nobody, desk.eve):
        preview, write = client.post(path, json={}), client.post(path[len("/previews") :], json={})
        assert_problem(preview, write.status_code)
        assert preview.headers["www-authenticate"] == write.headers["www-authenticate"]
    assert desk.bob.post(path, json={}, headers=at_version(1)).status_code == 422
    refused = desk.bob.post(path, params={"dry_run": "true"}, json=an_event())
    assert_problem(refused, 422)


def test_every_write_about_an_event_has_a_preview() -> None:
    assert set(PREVIEWS) == {f"/previews{path}" for path in WRITES if path.startswith("/events")}


def test_a_preview_keeps_no_answer_and_leaves_the_key_free(desk: Desk) -> None:
    key = {"Idempotency-Key": f"form {uuid4()}"}
    body = an_event(district="AF0106")
    assert desk.ann.post("/previews/events", json=body, headers=key).status_code == 200
    first = desk.ann.post("/events", json=body, headers=key)
    assert "idempotency-replayed" not in first.headers
    assert written(first)["event"]["district"]["id"] == "AF0106"


def test_what_only_a_commit_would_refuse_is_refused_and_no_table_keeps_a_row(desk: Desk) -> None:
    def rows() -> dict[str, int]:
        with desk.engine.connect() as connection:
            return {
                table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in metadata.tables
            }

    before = rows()
    previewed(desk, "/events", an_event())
    assert rows() == before
    unsealed = text(
        "INSERT INTO revisions (revision, recorded_at, author, action)"
        " SELECT max(revision) + 1, clock_timestamp(), 'x', 'import' FROM revisions"
    )
    messages = []
    for transaction in (rehearsing, writing):
        with pytest.raises(Exception, match="record") as refused, transaction(desk.engine) as one:
            one.execute(unsealed)
        messages.append((type(refused.value), str(refused.value)))
    assert messages[0] == messages[1]
    assert rows() == before


def test_a_preview_shows_its_own_doing_alone(desk: Desk) -> None:
    """It waits for another's write, and does not call what that one did its own change."""
    event = desk.record(district="AF0107")
    capture = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    document = Citation(
        stance=Stance.SUPPORTS,
        source="tolonews",
        origin="TOLOnews",
        published="2021-05-02",
        basis=Basis.LOCAL,
    )

    def is_waiting() -> bool:
        with desk.engine.connect() as connection:
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return bool(connection.scalar(text(waiting)))

    with ThreadPoolExecutor(1) as pool:
        with writing(desk.engine) as other:
            record(other, "AF0107", capture, (document,), author="Bob")
            preview = pool.submit(
                desk.ann.post,
                f"/previews/events/{event['id']}/corrections",
                json={"reason": "r", "day_order": 0},
                headers=at_version(1),
            )
            wait_until(is_waiting)
        shown = preview.result().json()
    assert shown["revision"] == desk.revision()
    assert shown["changed"] is False
    assert shown["districts"][0]["before"] == as_read(desk, "AF0107")


def test_a_preview_does_not_wait_long_for_a_writer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.engine.REHEARSAL_TIMEOUT", 0.05)
    client = client_of(desk.engine, desk.ann.headers["Authorization"].partition(" ")[2])
    with writing(desk.engine) as busy:
        take_turn(busy)
        response = client.post("/previews/events", json=an_event())
    assert_problem(response, 503)
    assert response.headers["retry-after"]
    assert client.post("/previews/events", json=an_event()).status_code == 200
