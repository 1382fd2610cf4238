"""With a fixed `known_at` an answer never changes, whoever writes meanwhile and wherever."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest
from sqlalchemy import Engine, text

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import record
from app.store.engine import make_engine

from ..services import Service, assert_whole, make_token, serving, wait_until
from .test_writes import CSV, a_file
from .writing import THEN, a_citation, an_event, at_version

DISTRICTS = ("AF0102", "AF0103", "AF0104")
READS = (
    f"/control?as_of={THEN}&known_at={{at}}",
    f"/districts/AF0102/control?as_of={THEN}&known_at={{at}}&min_confidence=claimed",
    f"/districts/AF0103/timeline?as_of={THEN}&known_at={{at}}",
    f"/events?as_of={THEN}&known_at={{at}}&limit=1000",
    f"/events?as_of={THEN}&known_at={{at}}&district=AF0102",
    f"/events?as_of={THEN}&known_at={{at}}&f=ndjson",
    f"/sources?as_of={THEN}&known_at={{at}}&limit=1000",
    f"/sources/tolonews?as_of={THEN}&known_at={{at}}&limit=1000",
    f"/summary?as_of={THEN}&known_at={{at}}",
    f"/changes?as_of={THEN}&known_from={{start}}&known_to={{at}}",
)
WRITERS = 3
READERS = 3
WRITES = 25
"""What each writer writes at least."""
ANSWERS = 30
"""What each reader reads at least."""


@dataclass(frozen=True)
class Desk:
    engine: Engine
    service: Service
    token: str

    def now(self) -> str:
        """An instant that has just gone by for the database."""
        with self.engine.connect() as connection:
            return written_out(connection.execute(text("SELECT clock_timestamp()")).scalar_one())


@pytest.fixture(scope="module")
def desk(
    clone: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    log = tmp_path_factory.mktemp("service") / "log"
    with clone("template_seeded") as url:
        engine = make_engine(url)
        with serving(url, log, workers=2) as service:
            yield Desk(engine, service, make_token(engine, "desk"))
        assert_whole(engine)
        engine.dispose()


def written_out(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def start_of(client: httpx.Client) -> str:
    known_at: str = client.get("/control?limit=1").json()["known_at"]
    return known_at


class Writer:
    """Somebody who writes, corrects, moves, retracts and imports at random, their own events."""

    def __init__(self, client: httpx.Client, seed: int) -> None:
        self.client = client
        self.chance = random.Random(seed)  # noqa: S311 - a history that can be told again
        self.name = f"writer {seed}"
        self.versions: dict[str, int] = {}
        self.newest = ""

    def write(self) -> None:
        kind = self.chance.choice(
            ("event", "event", "cite", "correct", "correct", "move", "retract", "source", "import")
        )
        if kind == "source":
            self._post("/sources", {"name": f"{self.name} {self.chance.random()}"})
        elif kind == "import":
            file = a_file(
                self.chance.choice(DISTRICTS),
                source=f"{self.name} daily {self.chance.random()}",
                day=f"2021-07-{self.chance.randrange(10, 31)}",
            )
            self._done(self.client.post("/imports", content=file, headers=CSV))
        elif kind == "event" or not self.versions:
            body = an_event(
                district=self.chance.choice(DISTRICTS),
                controller=self.chance.choice(("taliban", "afghan-government")),
                citations=[a_citation(asserted=f"2021-07-{self.chance.randrange(1, 9):02}")],
            )
            self.versions[self._post("/events", body)["id"]] = 1
        else:
            self._change(kind, self.chance.choice(sorted(self.versions)))

    def _change(self, kind: str, event: str) -> None:
        address, version = f"/events/{event}", self.versions[event]
        if kind == "cite":
            stance = self.chance.choice(("supports", "disputes"))
            self._post(f"{address}/citations", a_citation(source="rfe-rl", stance=stance))
            return
        del self.versions[event]
        if kind == "retract":
            self._post(f"{address}/retraction", {"reason": "r"}, version)
            return
        if kind == "move":
            change: dict[str, Any] = {"district": self.chance.choice(DISTRICTS)}
        else:
            change = {"controller": self.chance.choice(("taliban", "afghan-government"))}
        answer = self._post(f"{address}/corrections", {"reason": "r", **change}, version)
        self.versions[answer["id"]] = answer["versions"][-1]["version"]

    def _post(self, path: str, body: dict[str, Any], version: int = 1) -> dict[str, Any]:
        return self._done(self.client.post(path, json=body, headers=at_version(version)))

    def _done(self, response: httpx.Response) -> dict[str, Any]:
        assert response.status_code in (200, 201), response.text
        answer: dict[str, Any] = response.json()
        self.newest = answer.get("known_at", self.newest)
        return answer


def test_no_answer_changes_while_others_write(desk: Desk) -> None:
    done = threading.Event()
    writers: list[Writer] = []
    read = [0] * READERS

    def write_on(seed: int) -> None:
        with desk.service.client(desk.token) as client:
            writer = Writer(client, seed)
            writers.append(writer)
            for _ in range(WRITES):
                writer.write()
            while min(read) < ANSWERS and not any(reader.done() for reader in readers):
                writer.write()

    def read_on(number: int) -> dict[str, bytes]:
        """What was answered, by address; each address has its `known_at` in it."""
        chance = random.Random(number)  # noqa: S311
        told: dict[str, bytes] = {}
        with desk.service.client() as client:
            while not done.is_set():
                path = READS[(number + read[number]) % len(READS)]
                # Just gone by, when a write may be under way that took its instant before; or
                # what somebody was answered who wrote.
                just_now = datetime.now(UTC) - timedelta(milliseconds=chance.randrange(20))
                answered = [writer.newest for writer in writers if writer.newest]
                moment = chance.choice([written_out(just_now)] * WRITERS + answered)
                address = path.format(at=moment, start=start)
                answer = client.get(address)
                assert answer.status_code == 200, f"{address}: {answer.text}"
                assert told.setdefault(address, answer.content) == answer.content
                # What was asked without the clock can be asked again with that of the answer.
                if "/control?" in path:
                    now = client.get(path.partition("&known_at")[0])
                    fixed = path.partition("&min_")[0].format(at=now.json()["known_at"])
                    told.setdefault(fixed, now.content)
                read[number] += 1
        return told

    with desk.service.client() as client:
        start = start_of(client)
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(read_on, number) for number in range(READERS)]
        try:
            for writing in [pool.submit(write_on, seed) for seed in range(WRITERS)]:
                writing.result(timeout=110)
        finally:
            done.set()
        told: dict[str, bytes] = {}
        for reader in readers:
            for address, answer in reader.result(timeout=30).items():
                assert told.setdefault(address, answer) == answer, address
    with desk.service.client() as client:
        for address, answer in told.items():
            again = client.get(address)
            assert again.content == answer, address
        # Each kind of answer was given in many states: the test could have seen a change.
        for path in READS:
            before, after = path.partition("{at}")[::2]
            before = before.format(start=start)
            of_this = [a for a in told if a.startswith(before) and a.endswith(after)]
            assert len(of_this) > 5, path
        states = client.get(READS[3].format(at=start)).json()["events"]
        assert client.get(f"/events?as_of={THEN}&limit=1000").json()["events"] != states


def hold_open(engine: Engine) -> tuple[Any, UUID, datetime]:
    """A transaction that has recorded an event, and commits when its caller likes."""
    connection = engine.connect()
    cited = Citation(Stance.SUPPORTS, "tolonews", "TOLOnews", "2021-08-20", Basis.LOCAL)
    content = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    receipt = record(connection, "AF0102", content, (cited,), author="slow")
    return connection, receipt.event_id, receipt.revision.recorded_at


def waiting(engine: Engine) -> int:
    """How many sessions of this database wait for a lock."""
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        number: int = connection.execute(text(query)).scalar_one()
        return number


def test_a_transaction_that_commits_late_changes_no_answer(desk: Desk) -> None:
    """Its instant is that of its revision, and who asks about a later one waits for it."""
    with desk.service.client(desk.token) as client:
        start = start_of(client)
        slow, event, taken = hold_open(desk.engine)
        try:
            # The newest state is told at once, and is that of before.
            assert start_of(client) == start
            settled = [path.format(at=start, start=start) for path in READS]
            just_before = written_out(taken - timedelta(microseconds=1))
            before = {address: client.get(address) for address in settled}
            assert {answer.status_code for answer in before.values()} == {200}
            now = desk.now()
            asked = [path.format(at=now, start=start) for path in READS]
            with ThreadPoolExecutor(len(READS) + 1) as pool:
                answers = [pool.submit(client.get, address) for address in asked]
                posted = pool.submit(client.post, "/events", json=an_event())
                try:
                    wait_until(lambda: waiting(desk.engine) == len(READS) + 1)
                    assert not any(answer.done() for answer in (*answers, posted))
                finally:
                    slow.commit()
                told = [answer.result(timeout=30) for answer in answers]
                later = posted.result(timeout=30)
        finally:
            slow.close()
        assert {answer.status_code for answer in told} == {200}
        # They have what was recorded at an earlier instant, though it came late.
        assert str(event) in told[3].text
        assert later.status_code == 201
        assert datetime.fromisoformat(later.json()["known_at"]) > datetime.fromisoformat(now)
        assert later.json()["id"] not in told[3].text
        for address, answer in zip(asked, told, strict=True):
            assert client.get(address).content == answer.content, address
        for address, answer in before.items():
            assert client.get(address).content == answer.content, address
            assert str(event) not in answer.text
        for path in READS:
            assert str(event) not in client.get(path.format(at=just_before, start=start)).text
