"""The stream of revisions, from a real server to real clients."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine, text

from app.store.engine import make_engine
from app.store.listening import CHANNEL

from ..services import PATIENCE, Service, make_token, serving, wait_until
from .asking import assert_problem
from .writing import a_citation, an_event

LISTENERS = text(
    "SELECT pid FROM pg_stat_activity"
    f" WHERE application_name = '{CHANNEL}' AND datname = current_database()"
)


@dataclass
class Following:
    """One client of the stream, reading in a thread of its own."""

    heard: Queue[dict[str, Any]] = field(default_factory=Queue)
    opened: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def next(self) -> dict[str, Any]:
        """The next event, its data read."""
        return self.heard.get(timeout=PATIENCE)

    def is_quiet(self) -> bool:
        """Whether nothing more comes, for a second."""
        try:
            self.heard.get(timeout=1)
        except Empty:
            return True
        return False

    def read(self, response: httpx.Response) -> None:
        """Read until the stream ends, or until the client is closed under its hands."""
        event: dict[str, Any] = {}
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line == "" and "data" in event:
                    self.heard.put({**event, "data": json.loads(event["data"])})
                if line == "":
                    event = {}
                elif name == "":
                    self.opened.set()
                else:
                    event[name] = value
        except (httpx.HTTPError, httpx.StreamError, OSError):
            pass
        finally:
            self.ended.set()


@contextmanager
def following(
    service: Service, headers: dict[str, str] | None = None, **params: Any
) -> Iterator[Following]:
    """Follow the stream of a service until the block ends."""
    found = Following()
    with (
        service.client() as client,
        client.stream("GET", "/stream", params=params, headers=headers or {}) as response,
    ):
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        threading.Thread(target=found.read, args=(response,), daemon=True).start()
        assert found.opened.wait(PATIENCE)
        yield found


@dataclass(frozen=True)
class Newsroom:
    """A served record of its own, and somebody who writes to it."""

    service: Service
    engine: Engine
    writer: httpx.Client

    def record(self, **members: Any) -> int:
        """Record an event; the revision that it made."""
        response = self.writer.post("/events", json=an_event(**members))
        assert response.status_code == 201, response.text
        revision: int = response.json()["revision"]
        return revision

    def listeners(self) -> list[int]:
        """The connections that listen, by their process."""
        with self.engine.connect() as connection:
            return list(connection.scalars(LISTENERS))


@pytest.fixture(scope="module")
def newsroom(
    clone: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Newsroom]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        token = make_token(engine, "Ann")
        log = tmp_path_factory.mktemp("newsroom") / "log"
        with serving(url, log, workers=2) as service, service.client(token) as writer:
            yield Newsroom(service, engine, writer)
        engine.dispose()


def test_what_is_recorded_is_told_to_everyone_in_order(newsroom: Newsroom) -> None:
    """With two processes: whoever writes in one is heard by readers of both."""
    with (
        following(newsroom.service) as one,
        following(newsroom.service) as other,
        following(newsroom.service) as third,
    ):
        first = newsroom.record(district="AF0102")
        second = newsroom.record(
            district="AF2907", kind="recapture", controller="afghan-government"
        )
        for follower in (one, other, third):
            told, then = follower.next(), follower.next()
            assert (told["event"], told["id"]) == ("revision", str(first))
            assert told["data"]["action"] == "record"
            assert [d["id"] for d in told["data"]["districts"]] == ["AF0102"]
            assert told["data"]["districts_total"] == told["data"]["events_total"] == 1
            (district,) = then["data"]["districts"]
            assert (district["id"], district["province"]["id"]) == ("AF2907", "AF29")
            assert then["data"]["revision"] == second
            asked = newsroom.writer.get(f"/events/{then['data']['events'][0]}").json()
            assert asked["event"]["district"]["id"] == "AF2907"


def test_whoever_comes_back_hears_all_that_was_missed_once(newsroom: Newsroom) -> None:
    with following(newsroom.service) as follower:
        seen = newsroom.record(district="AF0102")
        assert follower.next()["id"] == str(seen)
    missed = [newsroom.record(district="AF0102", kind=kind) for kind in ("capture", "transfer")]
    with (
        following(newsroom.service, {"Last-Event-ID": str(seen)}) as by_header,
        following(newsroom.service, last_event_id=seen) as by_parameter,
    ):
        last = newsroom.record(district="AF2907")
        for follower in (by_header, by_parameter):
            assert [follower.next()["id"] for _ in range(3)] == [*map(str, missed), str(last)]
            assert follower.is_quiet()
    with following(newsroom.service, last_event_id=0) as from_the_beginning:
        told = [from_the_beginning.next() for _ in range(last)]
        assert [int(one["id"]) for one in told] == list(range(1, last + 1))
        seeds = next(one["data"] for one in told if one["data"]["events_total"] > 100)
        assert seeds["districts"] is None and seeds["districts_total"] > 100


def test_a_place_hears_of_itself_only(newsroom: Newsroom) -> None:
    with (
        following(newsroom.service, district="AF2907") as district,
        following(newsroom.service, province="AF29") as province,
        following(newsroom.service) as everything,
    ):
        newsroom.record(district="AF0102")
        added = newsroom.writer.post("/sources", json={"name": "The Faryab Gazette"})
        assert added.status_code == 201, added.text
        mine = newsroom.record(district="AF2907")
        assert district.next()["data"]["revision"] == mine
        assert province.next()["data"]["revision"] == mine
        told = [everything.next()["data"] for _ in range(3)]
        assert [one["action"] for one in told] == ["record", "add-source", "record"]
        assert [one["districts_total"] for one in told] == [1, 0, 1]


def test_a_lost_listener_takes_up_what_it_missed(newsroom: Newsroom) -> None:
    with following(newsroom.service) as follower:
        wait_until(lambda: bool(newsroom.listeners()))
        before = newsroom.listeners()
        with newsroom.engine.begin() as connection:
            for pid in before:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            connection.commit()
        revision = newsroom.record(district="AF0102")
        assert follower.next()["id"] == str(revision)
        wait_until(lambda: bool(set(newsroom.listeners()) - set(before)))
        later = newsroom.record(district="AF2907")
        assert follower.next()["id"] == str(later)


def test_nobody_listens_where_nobody_follows(newsroom: Newsroom) -> None:
    wait_until(lambda: newsroom.listeners() == [])
    with following(newsroom.service):
        wait_until(lambda: len(newsroom.listeners()) == 1)
    wait_until(lambda: newsroom.listeners() == [])


def test_the_service_ends_though_streams_are_open(own_seeded: Engine, tmp_path: Path) -> None:
    url = own_seeded.url.render_as_string(hide_password=False)
    with serving(url, tmp_path / "log") as service, following(service) as follower:
        service.signal(signal.SIGINT)  # waits for the end, and not for long
        assert follower.ended.wait(PATIENCE)
        assert service.process.returncode in (0, -signal.SIGINT, 130)


@pytest.mark.parametrize(
    ("asked", "headers", "parameter"),
    [
        ("last_event_id=-1", {}, "last_event_id"),
        ("last_event_id=99999", {}, "last_event_id"),
        ("last_event_id=x", {}, "last_event_id"),
        ("", {"Last-Event-ID": "yesterday"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "99999"}, "Last-Event-ID"),
        ("district=AF9999", {}, "district"),
        ("as_of=2021-06-01", {}, "as_of"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(
    client: Any, asked: str, headers: dict[str, str], parameter: str
) -> None:
    assert_problem(client.get(f"/stream?{asked}", headers=headers), 422, parameter)


def test_who_asks_for_the_head_does_not_wait_for_the_end(client: Any) -> None:
    response = client.head("/stream")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"


def test_a_document_with_script_in_its_title_stays_within_its_line(newsroom: Newsroom) -> None:
    """A line break in what is told would begin another field of the stream."""
    with following(newsroom.service) as follower:
        newsroom.record(district="AF0102", citations=[a_citation(note="a\n\nevent: forged\nid: 7")])
        told = follower.next()
        assert told["event"] == "revision" and told["id"] != "7"
        assert follower.is_quiet()
