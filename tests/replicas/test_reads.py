"""Reads on a replica that is up to date, behind, or of another age than a kept answer."""

import threading
import time
from datetime import datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from httpx2 import Response

from app.store import databases
from app.store.databases import Databases, replica_engines
from app.store.engine import Engine
from app.store.listening import Listener

from ..services import wait_until
from .addresses import ADDRESSES, DISTRICT, KNOWING
from .office import (
    Office,
    assert_refused,
    instant_of,
    newest,
    revision_of,
    several,
    who_answered,
)
from .pair import Pair

# In step ---------------------------------------------------------------------------------------


def test_reads_go_to_the_replica(desk: Office) -> None:
    client, alone = desk.client(), desk.client(replicas=False)
    for address in ADDRESSES:
        answer, who = who_answered(client, address)
        assert (answer.status_code, who) == (200, {"replica"}), address
        assert answer.content == alone.get(address).content


def test_writes_go_to_the_primary(desk: Office, pair: Pair) -> None:
    before = newest(pair)
    assert desk.record(desk.client(), "to the primary") == before + 1 == newest(pair)


def test_replicas_take_turns(pair: Pair, engine: Engine) -> None:
    found = Databases(engine, replica_engines(several(pair.replica, pair.primary)))
    ports = []
    for _ in range(4):
        with found.reading() as connection:
            ports.append(connection.exec_driver_sql("SELECT inet_server_port()").scalar_one())
            assert connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
    found.dispose()
    assert ports[:2] == ports[2:]
    assert set(ports) == {pair.primary.port, pair.replica.port}


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u@one:5433,two:5434/db", [("one", 5433), ("two", 5434)]),
        ("postgres://u@one,two/db", [("one", None), ("two", None)]),
        ("postgresql://u@one,two:5434/db", [("one", None), ("two", 5434)]),
        ("postgresql://u@[::1]:5433,[::2]:5434/db", [("::1", 5433), ("::2", 5434)]),
        ("postgresql://u@/db?host=one,two&port=5433", [("one", 5433), ("two", 5433)]),
        ("postgresql+psycopg://u@/db?host=one:5433&host=two:5434", [("one", 5433), ("two", 5434)]),
        ("postgresql+psycopg://u@one:5433/db", [("one", 5433)]),
        ("postgresql://u@/db?host=/run/postgresql", [("/run/postgresql", None)]),
    ],
)
def test_every_host_of_a_url_is_a_replica_of_its_own(
    url: str, hosts: list[tuple[str, int | None]]
) -> None:
    found = [engine.dialect.create_connect_args(engine.url)[1] for engine in replica_engines(url)]
    ports = [int(how["port"]) if "port" in how else None for how in found]
    assert list(zip([how["host"] for how in found], ports, strict=True)) == hosts
    assert {(how["user"], how["dbname"]) for how in found} == {("u", "db")}


@pytest.mark.parametrize("url", ["nonsense", "postgresql://u:secret@one:x,two/db", "://secret"])
def test_a_url_that_cannot_be_read_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(databases.InvalidValueError) as refused:
        replica_engines(url)
    assert "secret" not in str(refused.value)


# Behind ----------------------------------------------------------------------------------------


def test_without_a_demand_a_replica_that_is_behind_says_what_it_knows(
    desk: Office, pair: Pair
) -> None:
    client = desk.client()
    old = newest(pair)
    pair.pause()
    new = desk.record(client, "behind", controller="taliban")
    answer, who = who_answered(client, ADDRESSES[0])
    assert (revision_of(answer), who) == (old, {"replica"})
    assert datetime.fromisoformat(answer.json()["known_at"]) == instant_of(pair, old)
    answer, who = who_answered(client, f"{ADDRESSES[0]}&min_revision={old}")
    assert (revision_of(answer), who) == (old, {"replica"})
    answer, who = who_answered(client, f"{ADDRESSES[0]}&min_revision={new}")
    assert (revision_of(answer), who) == (new, {"primary"})
    assert answer.content == desk.client(replicas=False).get(ADDRESSES[0]).content


def test_a_process_that_has_heard_of_a_revision_demands_it(desk: Office, pair: Pair) -> None:
    client = desk.client(hearing=True)
    pair.pause()
    new = desk.record(client, "heard of")
    wait_until(lambda: revision_of(client.get(ADDRESSES[0])) == new)
    answer, who = who_answered(client, ADDRESSES[0])
    assert (revision_of(answer), who) == (new, {"primary"})


def test_a_demand_is_met_at_every_address(desk: Office, pair: Pair) -> None:
    client, alone = desk.client(), desk.client(replicas=False)
    pair.pause()
    new = desk.record(client, "demanded everywhere")
    for address in ADDRESSES:
        demand = f"{address}{'&' if '?' in address else '?'}min_revision={new}"
        answer, who = who_answered(client, demand)
        assert (answer.status_code, who) == (200, {"primary"}), address
        assert_same(answer, alone.get(demand))


def assert_same(answer: Response, other: Response) -> None:
    """Whole answers, but for what a page or a link says of its own address."""
    assert answer.status_code == other.status_code == 200, answer.text[:500]
    assert answer.content == other.content


def test_who_waits_a_moment_is_answered_by_the_replica(
    desk: Office, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client()
    pair.pause()
    new = desk.record(client, "a moment")
    steps = []

    def step(seconds: float) -> None:
        if not steps:
            pair.resume()
        steps.append(seconds)
        time.sleep(seconds)

    # No time passes for whoever waits: it is the replica that ends the waiting.
    monkeypatch.setattr(databases, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=step))
    answer, who = who_answered(client, f"{ADDRESSES[0]}&min_revision={new}")
    assert (revision_of(answer), who) == (new, {"replica"})
    assert steps


def test_a_revision_that_nobody_has_is_refused(desk: Office, pair: Pair) -> None:
    client = desk.client()
    for address in (*ADDRESSES, "/feed.atom", "/sources"):
        beyond = f"{address}{'&' if '?' in address else '?'}min_revision={newest(pair) + 1}"
        answer = client.get(beyond)
        if address.startswith("/d/"):
            assert answer.status_code == 422, answer.text[:500]
            assert "there is no revision" in answer.text
        else:
            status = 400 if address.startswith("/ogc") else 422
            assert_refused(answer, status, "min_revision")


NO_REVISION = ("-1", "x", "", "1.5", "5.0", "+5", " 5", "1_0", "٥", "9" * 18, "9" * 19, "9" * 30)


@pytest.mark.parametrize("cache_mb", [0, 8])
def test_what_is_no_revision_is_refused(desk: Office, cache_mb: int) -> None:
    """What a model takes for a number, and the rest for none, would be a demand not met."""
    client = desk.client(cache_mb=cache_mb)
    assert client.get(ADDRESSES[0]).status_code == 200
    for demand in NO_REVISION:
        answer = client.get(f"{ADDRESSES[0]}&min_revision={quote(demand)}")
        assert_refused(answer, 422, "min_revision")


def test_known_at_after_what_a_replica_has_is_answered_as_by_the_primary(
    desk: Office, pair: Pair
) -> None:
    """What is not replayed yet could change the answer, so the replica may not give it."""
    client, alone = desk.client(), desk.client(replicas=False)
    old = newest(pair)
    pair.pause()
    new = desk.record(client, "not replayed", controller="taliban", district=DISTRICT)
    tick = timedelta(microseconds=1)
    after = [instant_of(pair, new), instant_of(pair, new) - tick]
    settled = instant_of(pair, old)
    asked = [template.format(quote(at.isoformat())) for template in KNOWING for at in after]
    first = {}
    for address in asked:
        answer, who = who_answered(client, address)
        # A page also asks for what has no clocks, such as names.
        assert who == {"primary"} or (address.startswith("/d/") and "primary" in who), address
        first[address] = answer.content
        assert_same(answer, alone.get(address))
    for template in KNOWING:
        address = template.format(quote(settled.isoformat()))
        answer, who = who_answered(client, address)
        assert who == {"replica"}, address
        assert_same(answer, alone.get(address))
    pair.resume()
    pair.lag_gone()
    for address in asked:
        assert_same(answer := client.get(address), alone.get(address))
        assert answer.content == first[address]


def test_known_at_between_revisions_is_the_primarys_too(desk: Office, pair: Pair) -> None:
    """No replica can tell whether a writer is under way that took its instant before."""
    after = instant_of(pair, newest(pair)) + timedelta(microseconds=1)
    address = KNOWING[0].format(quote(after.isoformat()))
    answer, who = who_answered(desk.client(), address)
    assert (answer.status_code, who) == (200, {"primary"})
    assert_same(answer, desk.client(replicas=False).get(address))


# Kept answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hearing", [True, False], ids=["hearing", "deaf"])
def test_no_kept_answer_is_older_than_a_demand(desk: Office, pair: Pair, hearing: bool) -> None:
    client = desk.client(cache_mb=8, hearing=hearing)
    for turn in range(3):
        client.get(ADDRESSES[0])
        if turn != 1:
            pair.pause()
        new = desk.record(client, f"kept {hearing} {turn}")
        for _ in range(3):
            client.get(ADDRESSES[0])  # it may be kept, and be of an older revision
            assert revision_of(client.get(f"{ADDRESSES[0]}&min_revision={new}")) == new
        pair.resume()
        pair.lag_gone()
        assert revision_of(client.get(ADDRESSES[0])) == new


def test_a_process_that_hears_no_more_does_not_go_back(
    desk: Office, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client(cache_mb=8, hearing=True)
    pair.pause()
    new = desk.record(client, "heard of before")
    wait_until(lambda: revision_of(client.get(ADDRESSES[0])) == new)
    client.get(ADDRESSES[0])
    monkeypatch.setattr(Listener, "state", property(lambda _: None))
    answer = client.get(ADDRESSES[0])
    assert revision_of(answer) == new
    assert answer.headers["cache-status"] == "district-control; hit"


def test_readers_with_a_demand_never_go_back(desk: Office, pair: Pair) -> None:
    """Several ask while reports come in and the replica stops and goes on."""
    client = desk.client(cache_mb=8, hearing=True)
    known = [newest(pair)]
    older: list[tuple[int, int]] = []
    answers: list[int] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            least = known[0]
            revision = revision_of(client.get(f"{ADDRESSES[0]}&min_revision={least}"))
            answers.append(revision)
            if revision < least:
                older.append((least, revision))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for turn in range(8):
            if turn % 2:
                pair.resume()
            else:
                pair.pause()
            known[0] = desk.record(client, f"on and on {turn}")
            enough = len(answers) + 8
            wait_until(lambda n=enough: len(answers) >= n)  # type: ignore[misc]
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert older == []
    assert max(answers) == known[0]
