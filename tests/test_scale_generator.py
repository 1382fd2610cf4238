"""The generated record of `bench.scale` keeps the rules of a real one, and has what they have."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from app.domain.clocks import Clocks, parse_moment
from app.domain.control import Confidence, Question, counting, last_stretch, state_of
from app.store.engine import make_engine
from app.store.revisions import current
from app.store.states import first_wrong
from app.store.status import Which, statuses
from bench.scale import record
from bench.scale.load import load, split
from bench.scale.record import Size
from bench.scale.world import World
from tests.histories import histories

SIZE = Size(districts=32, events=600, seed=7)
MORE = replace(SIZE, districts=160)
RULES = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype <> 't' AND convalidated UNION SELECT tablename, indexdef FROM pg_indexes
"""
HAS = {
    "corrections": "FROM event_versions WHERE version = 2",
    "pinned dates": "FROM event_versions WHERE pinned_edtf IS NOT NULL",
    "retractions": "FROM events WHERE NOT EXISTS (SELECT FROM event_versions"
    " WHERE event_id = events.id AND known_until IS NULL)",
    "withdrawn documents": "FROM citations WHERE known_until IS NOT NULL",
    "disputes": "FROM citations WHERE stance = 'disputes'",
    "late documents": "FROM citations JOIN events ON events.id = event_id"
    " WHERE citations.revision > events.revision",
    "copies": "FROM citations AS one JOIN citations AS other USING (event_id, origin)"
    " WHERE one.id < other.id",
    "own claims": "FROM event_states WHERE confidence = 1",
    "well supported events": "FROM event_states WHERE confidence = 3",
    "no first day": "FROM event_states WHERE earliest IS NULL",
    "long spans": "FROM event_states WHERE latest - earliest > interval '5 days'",
    "contested": "FROM event_states WHERE controller_id IS NULL",
    "borders": "FROM borders",
}


@pytest.fixture(scope="module")
def loaded(clone: Callable[[str | None], AbstractContextManager[str]]) -> Iterator[Engine]:
    with clone("template_migrated") as url:
        load(url, SIZE)
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def dealt_out(clone: Callable[[str | None], AbstractContextManager[str]]) -> Iterator[Engine]:
    with clone("template_migrated") as url:
        load(url, SIZE)
        split(url, MORE, SIZE.districts)
        engine = make_engine(url)
        yield engine
        engine.dispose()


def test_a_part_is_the_same_whenever_it_is_made() -> None:
    def part(batches: range, seed: int = SIZE.seed) -> list[object]:
        made = record.rows(World(32), replace(SIZE, seed=seed), batches)
        return [*made.events, *made.event_versions, *made.citations, *made.event_states]

    assert part(range(3, 5)) == part(range(3, 5))
    assert part(range(3, 5), seed=8) != part(range(3, 5))
    assert [row for row in part(range(4, 5)) if row not in part(range(3, 5))] == []


@pytest.mark.parametrize("name", ["loaded", "dealt_out"])
def test_what_is_kept_for_reads_follows_from_the_record(
    name: str, request: pytest.FixtureRequest
) -> None:
    with request.getfixturevalue(name).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM events")) == SIZE.events
        assert first_wrong(connection) is None


@pytest.mark.parametrize("name", ["loaded", "dealt_out"])
def test_no_rule_is_left_out(
    name: str,
    request: pytest.FixtureRequest,
    clone: Callable[[str | None], AbstractContextManager[str]],
) -> None:
    def rules(engine: Engine) -> set[tuple[str, str]]:
        with engine.connect() as connection:
            return {tuple(row) for row in connection.execute(text(RULES))}

    with clone("template_migrated") as url:
        empty = make_engine(url)
        expected = rules(empty)
        empty.dispose()
    assert rules(request.getfixturevalue(name)) == expected


@pytest.mark.parametrize("what", HAS)
def test_it_has_what_real_records_have(loaded: Engine, what: str) -> None:
    with loaded.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) {HAS[what]}")) > 0


@pytest.mark.parametrize("name", ["loaded", "dealt_out"])
@pytest.mark.parametrize(
    ("as_of", "reported_by", "before"),
    [
        ("2025-06-01", None, 0),
        ("2012-06-01", None, 0),
        ("2025-06-01", "2012-06-01", 0),
        ("2025-06-01", None, 30),
        ("2014-01-01", "2014-02-01", 20),
    ],
)
def test_it_is_answered_as_the_rule_says(
    name: str, as_of: str, reported_by: str | None, before: int, request: pytest.FixtureRequest
) -> None:
    zone = ZoneInfo("Asia/Kabul")
    with request.getfixturevalue(name).connect() as connection:
        known_at = connection.scalar(
            text("SELECT recorded_at FROM revisions WHERE revision = :number"),
            {"number": current(connection).number - before},
        )
        clocks = Clocks(
            parse_moment(as_of, zone, field="as_of"),
            parse_moment(reported_by, zone, field="reported_by") if reported_by else None,
            known_at,
        )
        question = Question(clocks, Confidence.REPORTED, zone, revision=0)
        recorded: dict[str, list[UUID]] = {}
        for row in connection.execute(text("SELECT id, district_id FROM events")):
            recorded.setdefault(row.district_id, []).append(row.id)
        found = statuses(connection, question, Which(country="QA"))
        assert len({status.outcome for status in found}) > 2
        for status in found:
            told = histories(connection, recorded.get(status.id, []))
            counted = counting(
                (state for event in told if (state := state_of(event, clocks))),
                clocks,
                question.minimum,
            )
            held = last_stretch(counted)
            assert status.event_id == (held[-1].event_id if held else None)
            assert status.since_at == (held[0].reading.span.latest if held else None)
