"""The stream of revisions, from a real server to real clients."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine, text

from app.api import stream
from app.store.engine import make_engine
from app.store.listening import CHANNEL

from ..services import PATIENCE, Service, make_token, serving, wait_until
from .asking import assert_problem
from .writing import a_citation, an_event, client_of

WORKERS = 2
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
    began_after: int | None = None

    def next(self) -> dict[str, Any]:
        """The next event, its data read."""
        return self.heard.get(timeout=PATIENCE)

    def read(self, response: httpx.Response) -> None:
        """Read until the stream ends, or until the client is closed under its hands."""
        event: dict[str, Any] = {}
        try:
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line == "" and "data" in event:
                    self.heard.put({**event, "data": json.loads(event["data"])})
                if line == "":
                    if "retry" in event:
                        self.began_after = int(event["id"])
                        self.opened.set()
                    event = {}
                elif name == "":
                    continue  # a comment
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
        reader = threading.Thread(target=found.read, args=(response,), daemon=True)
        reader.start()
        try:
            assert found.opened.wait(PATIENCE)
            yield found
        finally:
            # A socket that somebody reads from stays open when it is only closed.
            with suppress(OSError):
                response.extensions["network_stream"].get_extra_info("socket").shutdown(
                    socket.SHUT_RDWR
                )
            reader.join(PATIENCE)


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
        with (
            serving(url, log, workers=WORKERS, POOL_SIZE="1") as service,
            service.client(token) as writer,
        ):
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
        afterwards = newsroom.record(district="AF0102", kind="transfer")
        for follower in (by_header, by_parameter):
            assert follower.next()["id"] == str(afterwards)
    with following(newsroom.service, last_event_id=0) as from_the_beginning:
        told = [from_the_beginning.next() for _ in range(afterwards)]
        assert [int(one["id"]) for one in told] == list(range(1, afterwards + 1))
        seeds = next(one["data"] for one in told if one["data"]["events_total"] > 100)
        assert seeds["districts"] is None and seeds["districts_total"] > 100
        assert seeds["events"] is None


def test_of_a_large_change_a_place_is_told_its_own_part(newsroom: Newsroom) -> None:
    with following(newsroom.service, province="AF29", last_event_id=0) as province:
        told = province.next()["data"]
    assert told["action"] == "import"
    assert {d["province"]["id"] for d in told["districts"]} == {"AF29"}
    clocks = {"province": "AF29", "known_at": told["recorded_at"]}
    mine = {e["id"] for e in newsroom.writer.get("/events", params=clocks).json()["events"]}
    assert set(told["events"]) == mine
    assert (told["events_total"], told["districts_total"]) == (len(mine), len(told["districts"]))


def test_whoever_was_cut_off_before_the_first_news_can_go_on(newsroom: Newsroom) -> None:
    """The first lines tell where the stream begins: an id for `Last-Event-ID`, without an event."""
    newest = newsroom.record(district="AF0102", kind="transfer")
    with following(newsroom.service) as follower:
        assert follower.began_after == newest
    missed = newsroom.record(district="AF2907", kind="transfer")
    with following(newsroom.service, {"Last-Event-ID": str(newest)}) as follower:
        assert follower.next()["id"] == str(missed)


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


def test_every_process_listens_once_however_many_follow(newsroom: Newsroom) -> None:
    with following(newsroom.service), following(newsroom.service), following(newsroom.service):
        wait_until(lambda: len(newsroom.listeners()) == WORKERS)
    wait_until(lambda: len(newsroom.listeners()) == WORKERS)


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
        after = newsroom.record(district="AF2907", kind="transfer")
        assert follower.next()["id"] == str(after)


def test_more_streams_than_there_is_room_for_wait_outside(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST", 0)
    response = client.head("/stream")  # a stream that opened would have no end
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


def test_a_stream_takes_a_key_where_reads_do(own_seeded: Engine) -> None:
    assert client_of(own_seeded, reads_need_key=True).head("/stream").status_code == 401
    limited = client_of(own_seeded, rate_limit_reads="1/hour")
    assert limited.head("/stream").status_code == 200
    assert limited.head("/stream").status_code == 429


def test_who_follows_holds_no_connection(newsroom: Newsroom) -> None:
    """More streams than the processes have connections for requests, and writes beside them."""
    with ExitStack() as open_streams:
        followers = [open_streams.enter_context(following(newsroom.service)) for _ in range(8)]
        revision = newsroom.record(district="AF0102")
        assert {follower.next()["id"] for follower in followers} == {str(revision)}
        assert len(newsroom.listeners()) <= WORKERS
