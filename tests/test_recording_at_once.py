"""Several writers and readers at once, and the states that are kept ready for the readers."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, func, select, text

from app.domain.control import Action, Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.domain.errors import InvalidValueError
from app.recording import Correction, Receipt, cite, correct, record, retract
from app.store import revisions, seals
from app.store.engine import reading, writing
from app.store.states import first_wrong, rebuild
from app.store.tables import citations, event_states, event_versions, events, sources
from app.store.tables import revisions as recorded

DISTRICTS = ("AF0102", "AF0103", "AF2907")
OUTCOMES = (
    Outcome(Status.CONTROLLED, "taliban"),
    Outcome(Status.CONTROLLED, "afghan-government"),
    Outcome(Status.CONTESTED, None),
)
DATES = (
    "2021-06-06",
    "2021-06-06T06:00+04:30",
    "2021-06",
    "2021-06-05/2021-06-07",
    "../2021-06-07",
    "2021-06-08?",
    "2021-07-01",
)
TICK = timedelta(microseconds=1)
History = random.Random


def some_citation(chance: History, source_ids: list[str]) -> Citation:
    source = chance.choice(source_ids)
    return Citation(
        stance=chance.choice((Stance.SUPPORTS, Stance.SUPPORTS, Stance.DISPUTES)),
        source=source,
        origin=chance.choice((source, "dpa", "AFP")),
        published=chance.choice(DATES),
        asserted=chance.choice((*DATES, None)),
        basis=chance.choice(list(Basis)),
        speaker=chance.choice((None, None, "taliban", "afghan-government")),
        reliability=chance.choice((None, "A", "C")),
        credibility=chance.choice((None, 1, 5)),
    )


def some_content(chance: History) -> Content:
    outcome = chance.choice(OUTCOMES)
    pin = Pin(chance.choice(DATES), "seen") if chance.random() < 0.3 else None
    return Content(Kind.ASSESSMENT, outcome, chance.randrange(3), pin)


def some_correction(
    connection: Connection, chance: History, event: UUID, source_ids: list[str]
) -> Correction:
    """Of what the event says, of the documents that it rests on, or of its district."""
    what = chance.choice(("content", "documents", "district"))
    if what == "content":
        return Correction(some_content(chance))
    if what == "district":
        return Correction(district=chance.choice(DISTRICTS))
    held = connection.scalars(
        select(citations.c.id)
        .where(citations.c.event_id == event, citations.c.known_until.is_(None))
        .order_by(citations.c.published_latest, citations.c.origin, citations.c.asserted_edtf)
    ).all()
    cited = replace(some_citation(chance, source_ids), stance=Stance.SUPPORTS)
    withdrawn = frozenset(held[: chance.randrange(len(held) + 1)])
    return Correction(cited=(cited,), withdrawn=withdrawn)


def some_write(connection: Connection, chance: History, made: dict[UUID, int]) -> Receipt:
    """One write of any sort; `made` holds the newest version of each event that stands."""
    source_ids = list(connection.scalars(select(sources.c.id).order_by(sources.c.id)))
    kind = chance.choice(("record", "cite", "cite", "correct", "retract"))
    if kind == "record" or not made:
        first, *more = (some_citation(chance, source_ids) for _ in range(chance.randint(1, 3)))
        cited = (replace(first, stance=Stance.SUPPORTS), *more)
        district = chance.choice(DISTRICTS)
        receipt = record(connection, district, some_content(chance), cited, author="ann")
    else:
        event = chance.choice(sorted(made))
        if kind == "cite":
            receipt = cite(connection, event, some_citation(chance, source_ids), author="ann")
        elif kind == "correct":
            correction = some_correction(connection, chance, event, source_ids)
            version = made.pop(event)
            receipt = correct(connection, event, version, correction, author="ann", reason="r")
        else:
            return retract(connection, event, made.pop(event), author="ann", reason="r")
    made[receipt.event_id] = receipt.version
    return receipt


def states(connection: Connection) -> list[Any]:
    return list(connection.execute(select(event_states).order_by(*event_states.primary_key)))


def waiting(engine: Engine) -> int:
    """How many sessions of this database wait for a lock of any sort."""
    with engine.connect() as connection:
        return connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        ).scalar_one()


def assert_sealed(engine: Engine) -> None:
    """Every revision has a seal, in one chain, whoever wrote it."""
    with engine.connect() as connection:
        last = revisions.current(connection).number
        chain = list(seals.check(connection, last))
        assert all(isinstance(link, seals.Seal) for link in chain), chain[-1]
        assert [link.revision for link in chain] == list(range(1, last + 1))


@contextmanager
def held_up(engine: Engine, task: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Start a task that has to wait for somebody; the block starts once it does."""
    pool = ThreadPoolExecutor(1)
    try:
        result = pool.submit(task)
        deadline = time.monotonic() + 30
        while not waiting(engine) and not result.done() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert waiting(engine) == 1, "it did not wait"
        yield result
    finally:
        # Where the test failed, what it waits for ends only after this.
        pool.shutdown(wait=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rebuilding_makes_the_same_states(own_seeded: Engine, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a history that can be told again
    made: dict[UUID, int] = {}
    for _ in range(20):
        with writing(own_seeded) as connection:
            for _ in range(chance.randint(1, 3)):
                some_write(connection, chance, made)
    with writing(own_seeded) as connection:
        kept = states(connection)
        assert first_wrong(connection) is None
        count = rebuild(connection)
        assert states(connection) == kept
    assert count == len(kept)
    assert_sealed(own_seeded)
    assert {row.known_until is None for row in kept} == {True, False}


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE event_states SET disputed = NOT disputed WHERE event_id = :event",
        "UPDATE event_states SET known_until = now() WHERE event_id = :event",
        "DELETE FROM event_states WHERE event_id = :event",
        "INSERT INTO event_states SELECT (jsonb_populate_record(one,"
        ' \'{"reported_from": "2020-01-01"}\')).* FROM event_states AS one'
        " WHERE event_id = :event LIMIT 1",
    ],
)
def test_a_state_that_is_not_what_the_record_says_is_found(seeded: Engine, harm: str) -> None:
    """The first such event in the order of recording, whatever is wrong behind it."""
    with seeded.connect() as connection:
        assert first_wrong(connection) is None
        harmed = connection.scalars(
            select(events.c.id).where(events.c.sequence.in_([7, 90])).order_by(events.c.sequence)
        ).all()
        for event in harmed:
            connection.execute(text(harm), {"event": event})
        assert first_wrong(connection) == harmed[0]
        rebuild(connection)
        assert first_wrong(connection) is None
        connection.rollback()


def test_rebuilding_and_writing_take_turns(own_seeded: Engine) -> None:
    def retract_it() -> None:
        with writing(own_seeded) as connection:
            retract(connection, event, 1, author="ann", reason="while it is rebuilt")

    with own_seeded.connect() as builder:
        event = builder.execute(select(events.c.id).limit(1)).scalar_one()
        builder.rollback()
        rebuild(builder)
        with held_up(own_seeded, retract_it) as retracted:
            builder.commit()
            retracted.result(30)
    with writing(own_seeded) as connection:
        kept = states(connection)
        assert [row for row in kept if row.event_id == event and row.known_until is None] == []
        rebuild(connection)
        assert states(connection) == kept


def test_a_revision_is_dated_when_its_turn_comes(own_seeded: Engine) -> None:
    chance = random.Random(1)  # noqa: S311
    with own_seeded.connect() as early:
        began = early.execute(select(func.now())).scalar_one()
        with writing(own_seeded) as late:
            first = some_write(late, chance, {})
        second = some_write(early, chance, {})
        early.commit()
    assert began < first.revision.recorded_at < second.revision.recorded_at
    assert second.revision.number == first.revision.number + 1


def test_a_writer_waits_for_the_one_before(own_seeded: Engine) -> None:
    chance = random.Random(1)  # noqa: S311

    def follow() -> Receipt:
        with writing(own_seeded) as connection:
            return some_write(connection, chance, {})

    with own_seeded.connect() as slow:
        first = some_write(slow, chance, {})
        with held_up(own_seeded, follow) as following:
            committing = slow.execute(select(func.clock_timestamp())).scalar_one()
            slow.commit()
            second = following.result(30)
    assert second.revision.number == first.revision.number + 1
    assert first.revision.recorded_at < committing < second.revision.recorded_at


def test_two_corrections_of_one_version_do_not_both_pass(own_seeded: Engine) -> None:
    content = Content(Kind.ASSESSMENT, OUTCOMES[2])

    def correct_too() -> Receipt:
        with writing(own_seeded) as connection:
            return correct(connection, event, 1, Correction(content), author="bob", reason="second")

    with own_seeded.connect() as first:
        event = first.execute(select(events.c.id).limit(1)).scalar_one()
        correct(first, event, 1, Correction(content), author="ann", reason="first")
        with held_up(own_seeded, correct_too) as second:
            first.commit()
            with pytest.raises(Exception, match=r"version 1 of event .* is not the newest"):
                second.result(30)
    with own_seeded.connect() as connection:
        versions = select(func.count()).where(event_versions.c.event_id == event)
        assert connection.execute(versions).scalar_one() == 2


def test_instants_rise_though_the_clock_was_set_back(own_seeded: Engine) -> None:
    with writing(own_seeded) as connection:
        newest = revisions.current(connection)
        ahead = datetime.now(UTC) + timedelta(hours=1)
        connection.execute(
            recorded.insert().values(
                revision=newest.number + 1, recorded_at=ahead, author="ann", action="record"
            )
        )
        seals.seal(connection, newest.number + 1)
    with writing(own_seeded) as connection:
        receipt = some_write(connection, random.Random(1), {})  # noqa: S311
    assert receipt.revision.recorded_at == ahead + TICK


def test_an_instant_after_the_newest_revision_waits_for_a_writer(own_seeded: Engine) -> None:
    def look(instant: datetime) -> revisions.Revision:
        with reading(own_seeded) as connection:
            revision = revisions.at(connection, instant)
            # What is read next, in the same transaction, is the record of that very instant.
            newest = select(func.max(recorded.c.revision)).where(recorded.c.recorded_at <= instant)
            assert connection.execute(newest).scalar_one() == revision.number
            return revision

    with own_seeded.connect() as writer:
        receipt = some_write(writer, random.Random(1), {})  # noqa: S311
        before = receipt.revision.recorded_at - TICK
        # What the newest committed revision settles needs no waiting.
        with reading(own_seeded) as connection:
            head = revisions.current(connection)
        assert look(head.recorded_at) == head
        now = writer.execute(select(func.clock_timestamp())).scalar_one()
        with held_up(own_seeded, lambda: look(now)) as looking:
            writer.commit()
            assert looking.result(30) == revisions.Revision(receipt.revision.number, now)
    assert look(before) == revisions.Revision(head.number, before)
    with pytest.raises(InvalidValueError, match="future") as refused:
        look(datetime.now(UTC) + timedelta(minutes=1))
    assert refused.value.field == "known_at"


def test_the_empty_record_is_settled_too(migrated: Engine) -> None:
    with migrated.connect() as writer:
        first = revisions.next_revision(writer, author="ann", action=Action.RECORD)
        seals.seal(writer, first.number)
        now = writer.execute(select(func.clock_timestamp())).scalar_one()
        with reading(migrated) as connection:
            empty = revisions.current(connection)
        assert empty.number == 0
        # Asked again at this instant, it has to be the empty record still.
        assert empty.recorded_at < first.recorded_at

        def look() -> revisions.Revision:
            with reading(migrated) as connection:
                return revisions.at(connection, now)

        with held_up(migrated, look) as looking:
            writer.commit()
            assert looking.result(30) == revisions.Revision(1, now)
    with reading(migrated) as connection:
        assert revisions.at(connection, empty.recorded_at).number == 0


def test_no_answer_changes_while_others_write(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    done = threading.Event()

    def write_on(seed: int) -> list[Receipt]:
        chance = random.Random(seed)  # noqa: S311
        made: dict[UUID, int] = {}
        receipts = []
        for _ in range(8):
            with writing(own_seeded) as connection:
                connection.execute(select(func.now()))  # the transaction begins here
                time.sleep(chance.random() * 0.03)
                receipts.append(some_write(connection, chance, made))
                time.sleep(chance.random() * 0.03)
        return receipts

    def read_on() -> list[tuple[dict[str, str], bytes]]:
        client = make_client(own_seeded)
        chance = random.Random(0)  # noqa: S311
        said: list[tuple[dict[str, str], bytes]] = []
        while not done.is_set() or not said:
            clocks = {"as_of": "2021-08-01", "min_confidence": "claimed"}
            # In turn: the newest state, and an instant just gone by.
            if len(said) % 2:
                just_now = datetime.now(UTC) - timedelta(milliseconds=chance.randrange(30))
                clocks["known_at"] = just_now.isoformat()
            answer = client.get(f"/districts/{chance.choice(DISTRICTS)}/control", params=clocks)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            clocks["known_at"] = body["known_at"]
            said.append(({"district": body["district"]["id"], **clocks}, answer.content))
        return said

    with ThreadPoolExecutor(4) as pool:
        reader = pool.submit(read_on)
        try:
            writers = [pool.submit(write_on, seed) for seed in range(3)]
            receipts = [receipt for writer in writers for receipt in writer.result(60)]
        finally:
            done.set()
        said = reader.result(60)
    client = make_client(own_seeded)
    for asked, before in said:
        district = asked.pop("district")
        again = client.get(f"/districts/{district}/control", params=asked)
        assert again.content == before, asked
    assert len({body for _, body in said}) > 3
    numbers = [receipt.revision.number for receipt in receipts]
    assert len(set(numbers)) == len(receipts) == 24
    assert max(numbers) - min(numbers) == 23
    assert_sealed(own_seeded)
