"""Several processes and one record: nobody who knows of a revision is given an older answer."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx2 as httpx
import pytest
from sqlalchemy import text

from app.api.keeping import STATUS_HEADER
from app.store.engine import make_engine

from ..services import make_token, serving, wait_until
from .test_stream import LISTENERS, WORKERS, Newsroom

READERS = 6
WRITES = 12
ADDRESS = "/control?as_of=2021-08-31"


@pytest.fixture(scope="module")
def newsroom(
    clone: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Newsroom]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        log = tmp_path_factory.mktemp("keeping") / "log"
        with (
            serving(url, log, workers=WORKERS) as service,
            service.client(make_token(engine, "desk")) as writer,
        ):
            yield Newsroom(service, engine, writer)
        engine.dispose()


def each_on_a_connection(newsroom: Newsroom, address: str, number: int) -> list[httpx.Response]:
    """Answers over connections of their own: the system deals them out to the processes."""
    answers = []
    for _ in range(number):
        with newsroom.service.client() as client:
            answers.append(client.get(address))
    return answers


def test_who_passes_a_new_revision_never_gets_an_older_answer(newsroom: Newsroom) -> None:
    """Readers ask all the while, of every process, as soon as a write is acknowledged."""
    newest = [0]
    older: list[tuple[int, int]] = []
    seen: Counter[str] = Counter()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            known = newest[0]
            for answer in each_on_a_connection(newsroom, f"{ADDRESS}&min_revision={known}", 3):
                assert answer.status_code == 200, answer.text
                revision = answer.json()["revision"]
                seen[answer.headers[STATUS_HEADER]] += 1
                if revision < known:
                    older.append((known, revision))

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for number in range(WRITES):
            newest[0] = newsroom.record(district=("AF0102", "AF2907")[number % 2])
            # Some listeners are cut off on the way: what they miss, nobody may be told wrong.
            if number % 4 == 1:
                cut_off_all_listeners(newsroom)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert older == []
    assert seen["district-control; hit"] > 0
    assert sum(seen.values()) > WRITES


def cut_off_all_listeners(newsroom: Newsroom) -> None:
    with newsroom.engine.begin() as connection:
        for pid in connection.scalars(LISTENERS).all():
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


def test_every_process_hears_of_a_revision_and_then_gives_it_to_everybody(
    newsroom: Newsroom,
) -> None:
    wait_until(lambda: len(newsroom.listeners()) == WORKERS)
    each_on_a_connection(newsroom, ADDRESS, 8)
    revision = newsroom.record(district="AF2306")

    def is_known_to_all() -> bool:
        answers = each_on_a_connection(newsroom, ADDRESS, 8)
        return all(answer.json()["revision"] == revision for answer in answers)

    wait_until(is_known_to_all)
