"""The service, or PostgreSQL under it, is killed while clients write: nothing is lost or halved."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine, text

from app.local_postgis import private_postgis
from app.store.engine import make_engine

from .services import Service, assert_whole, free_port, make_token, serving, wait_until

CLIENTS = 6


def a_report(key: str) -> dict[str, Any]:
    """An event whose citation tells under which key it was sent."""
    cited = {"source": "tolonews", "published": "2021-07-02", "asserted": "2021-07-01"}
    return {
        "district": "AF0102",
        "kind": "capture",
        "controller": "taliban",
        "citations": [{**cited, "basis": "local", "title": key}],
    }


def send(client: httpx.Client, key: str) -> httpx.Response:
    return client.post("/events", json=a_report(key), headers={"Idempotency-Key": key})


@dataclass
class Stream:
    """What several clients send at once, each under a new key, and what they were answered."""

    name: str
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    """The bodies of the answers that came with 201, by key."""
    unanswered: set[str] = field(default_factory=set)
    """Keys that were sent, and nobody knows what became of them."""
    statuses: list[tuple[int, int]] = field(default_factory=list)
    """Client and status of each answer, in the order in which they came."""

    def refused(self, client: int) -> int:
        """How often a client was told to come back later."""
        return sum(status == 503 for number, status in list(self.statuses) if number == client)

    def accepted(self, client: int) -> int:
        """How many writes of a client are acknowledged."""
        return sum(status == 201 for number, status in list(self.statuses) if number == client)

    def write_on(
        self, service: Service, token: str, number: int, goes_on: Callable[[httpx.Response], bool]
    ) -> None:
        """Send one report after the other until the connection is cut or `goes_on` says no."""
        with service.client(token) as client:
            for count in range(10_000):
                key = f"{self.name} {number} {count}"
                self.unanswered.add(key)
                while True:
                    try:
                        answer = send(client, key)
                    except httpx.TransportError:
                        return
                    self.statuses.append((number, answer.status_code))
                    if answer.status_code == 201:
                        self.acknowledged[key] = answer.content
                        self.unanswered.discard(key)
                    if not goes_on(answer):
                        return
                    if answer.status_code == 201:
                        break


def wait_for(writers: list[Future[None]], condition: Callable[[], bool]) -> None:
    """Wait until it holds while all of them write on."""
    wait_until(lambda: condition() or any(writer.done() for writer in writers))
    for writer in writers:
        if writer.done():
            writer.result()
            raise AssertionError("a client has stopped")


def events_of(engine: Engine, keys: set[str]) -> dict[str, list[str]]:
    """The ids of the events on record, by the key that they were sent under."""
    found: dict[str, list[str]] = {key: [] for key in keys}
    with engine.connect() as connection:
        query = text("SELECT title, event_id FROM citations WHERE title = ANY(:keys)")
        for title, event in connection.execute(query, {"keys": list(keys)}):
            found[title].append(str(event))
    return found


def assert_on_record(engine: Engine, stream: Stream) -> None:
    """Every acknowledged write is there, and no key has made two events."""
    made = events_of(engine, stream.acknowledged.keys() | stream.unanswered)
    for key, body in stream.acknowledged.items():
        (event,) = made[key]
        assert f'"id":"{event}"'.encode() in body
    assert max(map(len, made.values())) == 1


def assert_retries_make_each_once(service: Service, token: str, engine: Engine, s: Stream) -> None:
    """Whoever got no answer sends again and is served; who got one is given the same."""
    before = events_of(engine, s.unanswered)
    with service.client(token) as client:
        for key in s.unanswered:
            answer = send(client, key)
            assert answer.status_code == 201, answer.text
            assert ("idempotency-replayed" in answer.headers) == bool(before[key])
        for key in list(s.acknowledged)[:: max(1, len(s.acknowledged) // 20)]:
            again = send(client, key)
            assert (again.status_code, again.content) == (201, s.acknowledged[key])
    made = events_of(engine, s.acknowledged.keys() | s.unanswered)
    assert {len(events) for events in made.values()} == {1}


def nobody_is_connected(engine: Engine) -> bool:
    """Whether the server has noticed that its clients are gone."""
    engine.dispose()
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return not connection.execute(text(query)).scalar_one()


def test_the_service_is_killed_in_the_middle_of_writes(
    clone: Callable[[str], AbstractContextManager[str]], tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    with clone("template_seeded") as url, ThreadPoolExecutor(CLIENTS) as pool:
        engine = make_engine(url)
        token = make_token(engine, "desk")
        last: Stream | None = None
        for turn in range(4):
            with serving(url, log, workers=2 if turn < 3 else 1, port=port) as service:
                if last:
                    assert_retries_make_each_once(service, token, engine, last)
                if turn == 3:
                    assert_whole(engine)
                    break
                stream = Stream(f"turn {turn}")
                writers = [
                    pool.submit(stream.write_on, service, token, number, lambda _: True)
                    for number in range(CLIENTS)
                ]
                enough = 10 + 17 * turn
                wait_for(writers, lambda s=stream, n=enough: len(s.acknowledged) >= n)  # type: ignore[misc]
                service.signal(signal.SIGKILL)
                for writer in writers:
                    writer.result(timeout=30)
            assert {status for _, status in stream.statuses} == {201}
            # Each client had a write under way, or was about to send the next one.
            assert len(stream.unanswered) == CLIENTS
            wait_until(lambda: nobody_is_connected(engine))
            assert_on_record(engine, stream)
            assert_whole(engine)
            last = stream
        engine.dispose()


# PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a server, which every user can enter, unlike pytest's own temporary ones."""
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree((folder / "postgis").resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found.append(int(status.parent.name))
    return found


def kill_postgresql(home: Path) -> None:
    """Kill a server that lies under `home`, with all its processes, as a power cut would."""
    data = (home / "postgis" / "data").resolve()
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    assert os.fsencode(data) in Path(f"/proc/{postmaster}/cmdline").read_bytes()
    os.kill(postmaster, signal.SIGSTOP)  # it starts no more processes
    for pid in (*children_of(postmaster), postmaster):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{postmaster}/cmdline").exists() or is_dead(postmaster))


def is_dead(pid: int) -> bool:
    try:  # a dead process that nobody has waited for has no command line
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The product's own PostgreSQL, with its own settings."""
    with private_postgis(home) as url:
        yield url


def take_long_to_commit(engine: Engine) -> None:
    """Let every commit of a write last a while, so that a power cut comes in the middle of one.

    Who said that it is done before it is would be found out.
    """
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END'"
            )
        )
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER take_long AFTER INSERT ON revisions"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION take_long()"
            )
        )


def test_postgresql_is_killed_under_the_service(home: Path, tmp_path: Path) -> None:
    enough = threading.Event()
    with running(home) as url, ThreadPoolExecutor(CLIENTS) as pool:
        engine = make_engine(url)
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(text(f"SHOW {setting}")).scalar_one() == "on"
        with serving(url, tmp_path / "log") as service:
            token = make_token(engine, "desk")
            take_long_to_commit(engine)
            for turn in range(2):
                enough.clear()
                stream = Stream(f"turn {turn}")

                def goes_on(answer: httpx.Response) -> bool:
                    if answer.status_code != 201:
                        assert answer.status_code == 503, answer.text
                        assert int(answer.headers["retry-after"]) > 0
                        assert answer.headers["content-type"] == "application/problem+json"
                        enough.wait(0.05)  # a client that comes back later, only sooner
                    return not enough.is_set()

                writers = [
                    pool.submit(stream.write_on, service, token, number, goes_on)
                    for number in range(CLIENTS)
                ]
                try:
                    wait_for(writers, lambda s=stream: len(s.acknowledged) >= 20)  # type: ignore[misc]
                    engine.dispose()
                    kill_postgresql(home)
                    # Each client is told to come back, and so is whoever reads.
                    wait_for(
                        writers,
                        lambda s=stream: all(s.refused(n) for n in range(CLIENTS)),  # type: ignore[misc]
                    )
                    with service.client() as reader:
                        for path in ("/control", "/events?f=ndjson", "/readyz"):
                            refused = reader.get(path)
                            assert refused.status_code == 503, refused.text
                            assert int(refused.headers["retry-after"]) > 0
                        assert reader.get("/healthz").status_code == 200
                    accepted = [stream.accepted(number) for number in range(CLIENTS)]
                    with running(home) as again:
                        assert again == url
                        # Nobody told the service.
                        wait_for(
                            writers,
                            lambda s=stream, a=accepted: all(  # type: ignore[misc]
                                s.accepted(n) > a[n] + 2 for n in range(CLIENTS)
                            ),
                        )
                finally:
                    enough.set()
                for writer in writers:
                    writer.result(timeout=30)
                assert service.process.poll() is None
                assert {status for _, status in stream.statuses} == {201, 503}
                with service.client() as reader:
                    assert reader.get("/control").status_code == 200
                assert_on_record(engine, stream)
                assert_retries_make_each_once(service, token, engine, stream)
                assert_whole(engine)
        engine.dispose()
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert '"status": 500' not in log
    assert "unexpected error" not in log
