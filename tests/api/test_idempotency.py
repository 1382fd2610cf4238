"""A write under a key is done once, however often and wherever it is sent again."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, Engine, event, text

from app.store.engine import make_engine
from app.store.keys import Scope

from ..services import assert_whole, fingerprints, free_port, make_token, serving
from .asking import ask, assert_problem
from .test_writes import CSV, a_file
from .writing import Body, Desk, a_citation, an_event, at_version, client_of, written

REPLAYED = "idempotency-replayed"


@pytest.fixture(scope="module")
def desk(clone: Callable[[str], AbstractContextManager[str]]) -> Iterator[Desk]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        yield Desk.on(engine)
        assert_whole(engine)
        engine.dispose()


@pytest.fixture
def key() -> str:
    return f"report {uuid4()}"


def under(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key} | more


def kept(response: Response) -> tuple[int, bytes, list[str | None]]:
    """What has to be the same whenever a key is sent again."""
    headers = [response.headers.get(name) for name in ("location", "etag", "content-type")]
    return response.status_code, response.content, headers


def assert_replayed(response: Response, first: Response) -> None:
    assert kept(response) == kept(first)
    assert response.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers


def titled(engine: Engine, title: str) -> int:
    """How many events have a citation with that title."""
    with engine.connect() as connection:
        query = text("SELECT count(DISTINCT event_id) FROM citations WHERE title = :title")
        number: int = connection.execute(query, {"title": title}).scalar_one()
        return number


# Every write ----------------------------------------------------------------------------------

Ask = dict[str, Any]


def requests(desk: Desk) -> dict[str, Ask]:
    """A request to every address that takes writes."""
    address = f"/events/{desk.record()['id']}"
    change = {"headers": at_version(1), "json": {"reason": "r", "day_order": 1}}
    party = {"name": f"Party {uuid4()}", "full_name": "x", "kind": "state"}
    return {
        "event": {"url": "/events", "json": an_event()},
        "citation": {"url": f"{address}/citations", "json": a_citation()},
        "correction": {"url": f"{address}/corrections", **change},
        "move": {
            "url": f"{address}/corrections",
            "headers": at_version(1),
            "json": {"reason": "r", "district": "AF0103"},
        },
        "retraction": {
            "url": f"{address}/retraction",
            "headers": at_version(1),
            "json": {"reason": "r"},
        },
        "source": {"url": "/sources", "json": {"name": f"Paper {uuid4()}"}},
        "actor": {"url": "/actors", "json": party},
        "import": {
            "url": "/imports?name=a",
            "content": a_file("AF0111", source=f"Paper {uuid4()}"),
            "headers": CSV,
        },
        "import of nothing new": {
            "url": "/imports?partial=true",
            "content": a_file("AF9999"),
            "headers": CSV,
        },
        "dry run": {
            "url": "/imports?dry_run=true",
            "content": a_file("AF0111", source=f"Paper {uuid4()}"),
            "headers": CSV,
        },
        "table of errors": {
            "url": "/imports?partial=true&f=csv",
            "content": a_file("AF0111", "AF9999", source=f"Paper {uuid4()}"),
            "headers": CSV,
        },
    }


WRITES = (
    "event",
    "citation",
    "correction",
    "move",
    "retraction",
    "source",
    "actor",
    "import",
    "import of nothing new",
    "dry run",
    "table of errors",
)


@pytest.mark.parametrize("write", WRITES)
def test_the_same_again_gives_the_first_answer_and_changes_nothing(
    desk: Desk, key: str, write: str
) -> None:
    asked = requests(desk)[write]
    headers = under(key) | asked.pop("headers", {})
    first = desk.ann.post(**asked, headers=headers)
    assert first.status_code in (200, 201), first.text
    before = fingerprints(desk.engine)
    for _ in range(2):
        assert_replayed(desk.ann.post(**asked, headers=headers), first)
    assert fingerprints(desk.engine) == before


def test_all_writes_are_tried(desk: Desk) -> None:
    assert requests(desk).keys() == set(WRITES)


def test_without_a_key_the_same_again_is_another_event(desk: Desk) -> None:
    title = str(uuid4())
    body = an_event(citations=[a_citation(title=title)])
    for response in (desk.ann.post("/events", json=body) for _ in range(2)):
        assert REPLAYED not in response.headers
        written(response)
    assert titled(desk.engine, title) == 2


def test_the_first_answer_is_given_though_the_event_has_changed_since(desk: Desk, key: str) -> None:
    """It is the answer to that write: with its `known_at` a read gives the same."""
    first = desk.ann.post("/events", json=an_event(), headers=under(key))
    address = first.headers["location"]
    body = {"reason": "r", "kind": "contested"}
    changed = desk.ann.post(
        f"{address}/corrections", json=body, headers=under(f"{key}'", **at_version(1))
    )
    written(desk.ann.post(f"{address}/retraction", json={"reason": "r"}, headers=at_version(2)))
    assert_replayed(desk.ann.post("/events", json=an_event(), headers=under(key)), first)
    again = desk.ann.post(
        f"{address}/corrections", json=body, headers=under(f"{key}'", **at_version(1))
    )
    assert_replayed(again, changed)


# Another request ------------------------------------------------------------------------------


def others(address: str, other: str) -> dict[str, Ask]:
    """Requests that differ from the first one, a correction of version 1, in one thing."""
    same: Ask = {
        "url": f"{address}/corrections",
        "content": b'{"reason": "r", "day_order": 1}',
        "headers": at_version(1) | {"Content-Type": "application/json"},
    }
    return {
        "other body": same | {"content": b'{"reason": "r", "day_order": 2}'},
        "other bytes": same | {"content": b'{"reason": "r","day_order": 1}'},
        "other event": same | {"url": f"{other}/corrections"},
        "other address": same | {"url": f"{address}/retraction", "content": b'{"reason": "r"}'},
        "other version": same | {"headers": same["headers"] | at_version(2)},
        "version written otherwise": same | {"headers": same["headers"] | {"If-Match": "1"}},
        "a file": {"url": "/imports", "content": same["content"], "headers": CSV},
    }


@pytest.mark.parametrize("other", others("", ""))
def test_a_key_is_for_one_request(desk: Desk, key: str, other: str) -> None:
    address, another = (f"/events/{desk.record()['id']}" for _ in range(2))
    first = desk.ann.post(
        f"{address}/corrections",
        content=b'{"reason": "r", "day_order": 1}',
        headers=under(key) | at_version(1) | {"Content-Type": "application/json"},
    )
    written(first)
    before = fingerprints(desk.engine)
    asked = others(address, another)[other]
    headers = under(key) | asked.pop("headers")
    refused = desk.ann.post(**asked, headers=headers)
    assert "another request" in assert_problem(refused, 422, "Idempotency-Key")["detail"]
    assert fingerprints(desk.engine) == before


@pytest.mark.parametrize("query", ["", "?name=b", "?name=a&partial=true", "?name=a&of=events"])
def test_a_key_is_for_one_file_read_in_one_way(desk: Desk, key: str, query: str) -> None:
    file = a_file("AF0111", source=f"Paper {uuid4()}")
    headers = under(key) | CSV
    first = desk.ann.post("/imports?name=a", content=file, headers=headers)
    written(first)
    before = fingerprints(desk.engine)
    for content in (file, file + b"\n"):
        refused = desk.ann.post(f"/imports{query}", content=content, headers=headers)
        assert_problem(refused, 422, "Idempotency-Key")
    refused = desk.ann.post("/imports?name=a", content=file + b"\n", headers=headers)
    assert_problem(refused, 422, "Idempotency-Key")
    assert fingerprints(desk.engine) == before
    assert_replayed(desk.ann.post("/imports?name=a", content=file, headers=headers), first)


def test_keys_of_different_owners_do_not_meet(desk: Desk, key: str) -> None:
    mine = desk.ann.post("/events", json=an_event(day_order=1), headers=under(key))
    theirs = desk.bob.post("/events", json=an_event(day_order=2), headers=under(key))
    assert written(mine)["id"] != written(theirs)["id"]
    assert REPLAYED not in theirs.headers
    for client, order, first in ((desk.ann, 1, mine), (desk.bob, 2, theirs)):
        again = client.post("/events", json=an_event(day_order=order), headers=under(key))
        assert_replayed(again, first)


def test_an_owner_may_retry_with_another_key_to_the_service(desk: Desk, key: str) -> None:
    first = desk.bob.post("/events", json=an_event(), headers=under(key))
    new = client_of(desk.engine, make_token(desk.engine, "bob", Scope.WRITE))
    assert_replayed(new.post("/events", json=an_event(), headers=under(key)), first)


def test_who_may_not_write_gets_no_kept_answer(desk: Desk, key: str) -> None:
    written(desk.bob.post("/events", json=an_event(), headers=under(key)))
    reader = client_of(desk.engine, make_token(desk.engine, "bob", Scope.READ))
    assert_problem(reader.post("/events", json=an_event(), headers=under(key)), 403)
    assert_problem(desk.nobody.post("/events", json=an_event(), headers=under(key)), 401)


@pytest.mark.parametrize("wrong", ["", "k" * 256, "tab\there", b"bell\x07", b"\xc2\x85"])
def test_a_key_that_cannot_be_kept_is_refused(desk: Desk, wrong: str | bytes) -> None:
    before = fingerprints(desk.engine)
    headers = {"Idempotency-Key": wrong}
    refused = desk.ann.post("/events", json=an_event(), headers=headers)  # type: ignore[arg-type]
    assert assert_problem(refused, 422)["errors"][0]["parameter"].lower() == "idempotency-key"
    assert fingerprints(desk.engine) == before


def test_of_two_keys_none_counts(desk: Desk) -> None:
    before = fingerprints(desk.engine)
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused = desk.ann.post("/events", json=an_event(), headers=headers)
    assert_problem(refused, 422, "Idempotency-Key")
    assert fingerprints(desk.engine) == before


@pytest.mark.parametrize("odd", ["k" * 255, "'; DROP TABLE events; --", "a b", "\xe9t\xe9", "%s"])
def test_any_word_is_a_key(desk: Desk, odd: str) -> None:
    headers = {"Idempotency-Key": odd.encode("latin-1")}
    first = desk.ann.post("/events", json=an_event(), headers=headers)  # type: ignore[arg-type]
    written(first)
    again = desk.ann.post("/events", json=an_event(), headers=headers)  # type: ignore[arg-type]
    assert_replayed(again, first)


# What fails -----------------------------------------------------------------------------------


def test_a_write_that_is_refused_leaves_its_key_free(desk: Desk, key: str) -> None:
    recorded = desk.record()
    address = f"/events/{recorded['id']}"
    before = fingerprints(desk.engine)
    wrong = an_event(citations=[a_citation(source="no-such-paper")])
    assert_problem(desk.ann.post("/events", json=wrong, headers=under(key)), 422)
    assert_problem(
        desk.ann.post(
            f"{address}/retraction", json={"reason": "r"}, headers=under(key) | at_version(7)
        ),
        412,
    )
    assert_problem(desk.ann.post("/actors", json={"name": "x"}, headers=under(key)), 422)
    file = desk.ann.post("/imports", content=a_file("AF9999"), headers=under(key) | CSV)
    assert "report" in assert_problem(file, 422)
    assert fingerprints(desk.engine) == before
    first = desk.ann.post("/events", json=an_event(), headers=under(key))
    written(first)
    assert_replayed(desk.ann.post("/events", json=an_event(), headers=under(key)), first)


@contextmanager
def at_each_commit(engine: Engine, do: Callable[[Connection], None]) -> Iterator[list[int]]:
    """Do something just before the first commit of a write; the list has how often one began."""
    times: list[int] = []

    def once(connection: Connection) -> None:
        if connection.get_execution_options().get("postgresql_readonly"):
            return
        times.append(1)
        if len(times) == 1:
            do(connection)

    event.listen(engine, "commit", once)
    try:
        yield times
    finally:
        event.remove(engine, "commit", once)


def lose(engine: Engine, connection: Connection) -> None:
    """Let the server end a connection, as when it is restarted."""
    pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


@pytest.mark.parametrize("write", ["event", "import"])
def test_where_the_commit_fails_nothing_is_said_to_be_written(
    desk: Desk, key: str, write: str
) -> None:
    asked = requests(desk)[write]
    headers = under(key) | asked.pop("headers", {})
    before = fingerprints(desk.engine)
    with at_each_commit(desk.engine, lambda lost: lose(desk.engine, lost)) as commits:
        response = desk.ann.post(**asked, headers=headers)
        assert_problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
        assert commits == [1]
        assert fingerprints(desk.engine) == before
        first = desk.ann.post(**asked, headers=headers)
        written(first)
        assert REPLAYED not in first.headers
    assert_replayed(desk.ann.post(**asked, headers=headers), first)


@pytest.mark.parametrize("write", ["event", "import"])
def test_where_the_commit_is_done_and_nobody_hears_of_it_a_retry_tells(
    desk: Desk, key: str, write: str
) -> None:
    """The worst moment to lose the database: the service cannot know."""

    def commit_and_lose(connection: Connection) -> None:
        connection.connection.commit()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    asked = requests(desk)[write]
    headers = under(key) | asked.pop("headers", {})
    revision = desk.revision()
    with at_each_commit(desk.engine, commit_and_lose):
        assert_problem(desk.ann.post(**asked, headers=headers), 503)
        assert desk.revision() == revision + 1
        again = desk.ann.post(**asked, headers=headers)
    assert again.headers[REPLAYED] == "true"
    assert written(again)["revision"] == desk.revision() == revision + 1


# At once --------------------------------------------------------------------------------------


def all_at_once(
    client: TestClient, number: int, ask_it: Callable[[int], Response]
) -> list[Response]:
    """What several threads are answered by one application, in one event loop as when it serves."""
    barrier = Barrier(number)

    def wait_and_ask(which: int) -> Response:
        barrier.wait(timeout=30)
        return ask_it(which)

    with client, ThreadPoolExecutor(number) as pool:
        return list(pool.map(wait_and_ask, range(number), timeout=50))


def assert_one_write(answers: list[Response]) -> None:
    assert len({str(kept(answer)) for answer in answers}) == 1, [a.text[:200] for a in answers]
    written(answers[0])
    assert Counter(answer.headers.get(REPLAYED) for answer in answers) == {
        None: 1,
        "true": len(answers) - 1,
    }


@pytest.mark.parametrize("number", [2, 8])
@pytest.mark.parametrize("write", ["event", "correction", "source", "import"])
def test_of_retries_at_once_one_writes(desk: Desk, key: str, write: str, number: int) -> None:
    asked = requests(desk)[write]
    headers = under(key) | asked.pop("headers", {})
    revision = desk.revision()
    answers = all_at_once(desk.ann, number, lambda _: desk.ann.post(**asked, headers=headers))
    assert_one_write(answers)
    assert desk.revision() == revision + 1


def test_different_bodies_at_once_under_one_key_write_one(desk: Desk, key: str) -> None:
    revision = desk.revision()
    answers = all_at_once(
        desk.ann,
        4,
        lambda which: desk.ann.post("/events", json=an_event(day_order=which), headers=under(key)),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert desk.revision() == revision + 1


def test_different_keys_at_once_write_all(desk: Desk, key: str) -> None:
    revision = desk.revision()
    answers = all_at_once(
        desk.ann,
        8,
        lambda which: desk.ann.post("/events", json=an_event(), headers=under(f"{key}{which}")),
    )
    revisions = sorted(written(answer)["revision"] for answer in answers)
    assert revisions == list(range(revision + 1, revision + 9))


def test_one_of_corrections_at_once_passes(desk: Desk, key: str) -> None:
    """Different keys, one version: the others are told, and leave their keys free."""
    address = f"/events/{desk.record()['id']}"
    answers = all_at_once(
        desk.bob,
        6,
        lambda which: desk.bob.post(
            f"{address}/corrections",
            json={"reason": "r", "day_order": which},
            headers=under(f"{key}{which}") | at_version(1),
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[412] * 5]
    assert ask(desk.nobody, address)["event"]["version"] == 2
    with desk.engine.connect() as connection:
        query = text("SELECT count(*) FROM given_answers WHERE key LIKE :key")
        assert connection.execute(query, {"key": f"{key}%"}).scalar_one() == 1


# In several processes -------------------------------------------------------------------------


def test_several_processes_do_it_once_and_know_it_after_a_restart(
    clone: Callable[[str], AbstractContextManager[str]], tmp_path: Path
) -> None:
    names = [f"key {number}" for number in range(20)]
    bodies: dict[str, Body] = {
        name: an_event(citations=[a_citation(title=name)], day_order=number)
        for number, name in enumerate(names)
    }
    order = names * 6
    random.Random(1).shuffle(order)  # noqa: S311
    with clone("template_seeded") as url:
        engine = make_engine(url)
        token = make_token(engine, "desk")
        port, log = free_port(), tmp_path / "log"

        def send(service_names: list[str]) -> list[tuple[str, Response]]:
            """Let twelve clients send these keys, each on a connection of its own."""

            def send_some(mine: list[str]) -> list[tuple[str, Response]]:
                with service.client(token) as client:
                    return [
                        (name, client.post("/events", json=bodies[name], headers=under(name)))
                        for name in mine
                    ]

            with ThreadPoolExecutor(12) as pool:
                parts = pool.map(send_some, (service_names[start::12] for start in range(12)))
                return [answer for part in parts for answer in part]

        with serving(url, log, workers=3, port=port) as service:
            answers = send(order)
        first: dict[str, Response] = {}
        for name in names:
            own = [answer for given, answer in answers if given == name]
            assert len(own) == 6
            assert_one_write(own)
            first[name] = next(answer for answer in own if REPLAYED not in answer.headers)
            assert titled(engine, name) == 1
        assert len({answer.headers["location"] for answer in first.values()}) == len(names)
        before = fingerprints(engine)
        with serving(url, log, workers=2, port=port) as service:
            for name, answer in send(names):
                assert_replayed(answer, first[name])
        assert fingerprints(engine) == before
        assert_whole(engine)
        engine.dispose()
    assert "Traceback" not in log.read_text(encoding="utf-8")
