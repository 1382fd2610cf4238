"""Reads and writes while the replica, the primary, or both are gone."""

from urllib.parse import quote

import pytest

from app.store import databases
from app.store.engine import Engine, make_engine

from ..services import assert_whole, wait_until
from .addresses import ADDRESSES, KNOWING
from .office import (
    Office,
    assert_refused,
    instant_of,
    newest,
    replicas_in_use,
    revision_of,
    who_answered,
)
from .pair import DATABASE, HOST, ROLE, Pair


def test_reads_go_on_without_the_replica_and_it_is_taken_back(desk: Office, pair: Pair) -> None:
    client = desk.client()
    assert who_answered(client, ADDRESSES[0])[1] == {"replica"}  # a connection to it is kept
    pair.stop_replica()
    for address in ADDRESSES:
        answer, who = who_answered(client, address)
        assert (answer.status_code, who) == (200, {"primary"}), address
    assert replicas_in_use(client) == 0
    new = desk.record(client, "without the replica")
    pair.start_replica()
    pair.lag_gone()
    wait_until(lambda: who_answered(client, ADDRESSES[0])[1] == {"replica"})
    assert revision_of(client.get(ADDRESSES[0])) == new
    assert replicas_in_use(client) == 1


def test_one_that_is_lost_leaves_its_turn_to_the_others(desk: Office, pair: Pair) -> None:
    nobody = f"{HOST}:1"
    url = f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={nobody}&host={pair.replica.address}"
    client = desk.client(read_database_url=url)
    for _ in range(4):
        answer, who = who_answered(client, ADDRESSES[0])
        assert (answer.status_code, who) == (200, {"replica"})
    assert replicas_in_use(client) == 1


def test_losses_at_the_same_time_are_one() -> None:
    lost = databases._Replica(make_engine(f"postgresql://{ROLE}@{HOST}:1/{DATABASE}"))
    for _ in range(8):
        lost.lost(0)
    assert lost._rest == 2 * databases._FIRST_REST


@pytest.mark.parametrize("hearing", [True, False], ids=["hearing", "deaf"])
def test_without_the_primary_reads_go_on_and_writes_are_put_off(
    desk: Office, pair: Pair, hearing: bool
) -> None:
    client = desk.client(cache_mb=8, hearing=hearing)
    new = desk.record(client, f"before it was gone {hearing}")
    pair.lag_gone()
    client.get(ADDRESSES[0])
    pair.stop_primary()
    refused = desk.send(client, f"while it is gone {hearing}")
    assert_refused(refused, 503)
    assert "Idempotency-Key" in refused.json()["detail"]
    for address in ADDRESSES:
        for _ in range(2):
            assert client.get(address).status_code == 200, address
    assert revision_of(client.get(f"{ADDRESSES[0]}&min_revision={new}")) == new
    assert_refused(client.get(f"{ADDRESSES[0]}&min_revision={new + 1}"), 503)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["writes"]) == (200, False), ready.text
    pair.start_primary()
    # Nobody told the service; and the client does as it was told.
    key = f"while it is gone {hearing}"
    wait_until(lambda: desk.send(client, key).status_code == 201)
    assert newest(pair) == new + 1
    assert "idempotency-replayed" in desk.send(client, key).headers
    assert client.get("/readyz").json()["writes"] is True


def test_without_the_primary_nobody_guesses_what_was_recorded_last(
    desk: Office, pair: Pair
) -> None:
    client = desk.client()
    pair.pause()
    new = instant_of(pair, desk.record(client, "last of all"))
    pair.stop_primary()
    address = KNOWING[0].format(quote(new.isoformat()))
    assert_refused(client.get(address), 503)
    assert client.get(ADDRESSES[0]).status_code == 200


def test_a_key_works_for_reads_without_the_primary(desk: Office, pair: Pair) -> None:
    client = desk.client()
    client.headers["Authorization"] = f"Bearer {desk.token}"
    pair.stop_primary()
    assert client.get(ADDRESSES[0]).status_code == 200
    asked = {"queries": '{"q0": {"query": "qaisar"}}'}
    assert client.post("/reconcile", data=asked).json()["q0"]["result"]


def test_without_both_nobody_is_told_anything(desk: Office, pair: Pair) -> None:
    client = desk.client()
    pair.stop_primary()
    pair.stop_replica()
    assert_refused(client.get(ADDRESSES[0]), 503)
    assert_refused(client.get("/readyz"), 503)
    assert client.get("/healthz").status_code == 200
    pair.start_primary()
    pair.start_replica()
    wait_until(lambda: client.get(ADDRESSES[0]).status_code == 200)


def test_the_record_is_whole_after_all_this(desk: Office, engine: Engine) -> None:
    assert_whole(engine)
