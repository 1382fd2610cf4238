"""The primary dies in the middle of writes, and the replica takes its place."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx

from app.store.engine import make_engine

from ..services import assert_whole, make_token, serving
from ..test_killed import (
    CLIENTS,
    Stream,
    assert_on_record,
    assert_retries_make_each_once,
    events_of,
    wait_for,
)
from .office import several
from .pair import Pair

ENOUGH = 30


def test_no_acknowledged_write_is_lost_when_the_replica_is_promoted(
    pair: Pair, tmp_path: Path
) -> None:
    """A running service that knows both hosts goes on at the new primary, untold."""
    pair.synchronous("on")
    before, after = make_engine(pair.primary.url), make_engine(pair.replica.url)
    token = make_token(before, "desk")
    before.dispose()
    stream, over = Stream("promoted"), threading.Event()

    def goes_on(answer: httpx.Response) -> bool:
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            over.wait(0.05)  # a client that comes back later, only sooner
        return not over.is_set()

    replicas = {"READ_DATABASE_URL": several(pair.replica, pair.primary)}
    with (
        serving(pair.both, tmp_path / "log", workers=2, **replicas) as service,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        writers = [
            pool.submit(stream.write_on, service, token, number, goes_on)
            for number in range(CLIENTS)
        ]
        try:
            wait_for(writers, lambda: len(stream.acknowledged) >= ENOUGH)
            pair.stop_primary()
            wait_for(writers, lambda: all(stream.refused(n) for n in range(CLIENTS)))
            acknowledged = set(stream.acknowledged)
            with service.client() as reader:
                ready = reader.get("/readyz")
                assert (ready.status_code, ready.json()["writes"]) == (200, False), ready.text
                assert reader.get("/control?as_of=2021-08-31").status_code == 200
            pair.promote()
            # Nobody sends again what was acknowledged.
            assert {len(found) for found in events_of(after, acknowledged).values()} == {1}
            accepted = [stream.accepted(number) for number in range(CLIENTS)]
            wait_for(
                writers,
                lambda: all(stream.accepted(n) > accepted[n] + 2 for n in range(CLIENTS)),
            )
        finally:
            over.set()
        for writer in writers:
            writer.result(timeout=30)
        assert {status for _, status in stream.statuses} == {201, 503}
        assert_on_record(after, stream)
        assert_retries_make_each_once(service, token, after, stream)
        with service.client() as reader:
            assert reader.get("/readyz").json()["writes"] is True
    assert_whole(after)
    after.dispose()
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert '"status": 500' not in log
    assert "unexpected error" not in log
