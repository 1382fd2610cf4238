"""What each read costs on a loaded database, and how PostgreSQL finds the answer.

Each read is asked several times through the application in this process, without its cache, each
time of another place and another day. Then the statements of its first answers are explained once
more: the blocks that they touch do not depend on what else the machine does.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from app.api.app import create_app
from app.settings import Settings
from bench.scale.world import World

CLOCKS = ("now", "as_of", "reported_by", "known_at")
"""What a read is asked at: today's defaults, or one of the clocks set to a day long ago."""
_YEARS = (2010, 2020)
_PATIENCE = 20
"""Seconds after which a read is not asked again at the same clocks."""
_EXPLAINED = 3
"""Answers of each read whose statements are explained."""

Address = Callable[[Random, World], str]


@dataclass(frozen=True)
class Read:
    """One kind of question; `clocks` are the settings that it is asked at."""

    name: str
    address: Address
    clocks: tuple[str, ...] = CLOCKS


def _district(path: str) -> Address:
    def address(random: Random, world: World) -> str:
        district, country = random.choice(world.places)
        return path.format(district, country=country.code)

    return address


def _country(path: str, place: int) -> Address:
    """Of one of the countries, by its place among them: the largest one comes first."""
    return lambda random, world: path.format(
        country=world.countries[place].code, year=random.randint(*_YEARS)
    )


def _tile(random: Random, world: World) -> str:
    # The middle of the first countries' grids, at a zoom that shows some dozens of districts.
    return f"/tiles/6/{random.choice((2, 3))}/{random.choice((33, 34))}.mvt?country=QA"


_NOW = ("now",)
READS = (
    Read("one district", _district("/districts/{}/control")),
    Read("timeline", _district("/districts/{}/timeline"), ("now", "as_of")),
    Read("events of a district", _district("/events?country={country}&district={}&limit=20")),
    Read("snapshot, 1/16 of all", _country("/control?country={country}", 3)),
    Read("snapshot, 1/2 of all", _country("/control?country={country}", 0)),
    Read("summary, 1/16", _country("/summary?country={country}", 3)),
    Read("newest events", _country("/events?country={country}&limit=20", 0), ("now", "as_of")),
    Read(
        "events of a kind",
        _country("/events?country={country}&limit=20&disputed=true&controller=party-a", 0),
        _NOW,
    ),
    Read(
        "changes, 1/16",
        _country("/changes?country={country}&from={year}-03-01&to={year}-03-08", 3),
        _NOW,
    ),
    Read(
        "series, 1/16",
        _country("/series?country={country}&from={year}-03-01&to={year}-05-31", 3),
        _NOW,
    ),
    Read("search", _country("/districts?country={country}&q=Badar&limit=5", 0), _NOW),
    Read("sources", _country("/sources?country={country}&limit=20", 0), _NOW),
    Read("news", _country("/feed.json?country={country}", 0), _NOW),
    Read("news of a district", _district("/feed.json?country={country}&district={}"), _NOW),
)


@dataclass
class _Asked:
    """What was measured of one read at one setting of the clocks."""

    seconds: list[float] = field(default_factory=list)
    in_database: list[float] = field(default_factory=list)
    statements: list[list[tuple[str, Any]]] = field(default_factory=list)
    size: int = 0


def measure(
    engine: Engine, world: World, rounds: int, only: str | None = None
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, str]]:
    """Figures by read and clocks, and for each read the plans of its statements as text."""
    settings = Settings(_env_file=None, cache_mb=0, rate_limit_reads="off", default_country="QA")
    figures: dict[str, dict[str, dict[str, float]]] = {}
    plans = {}
    with TestClient(create_app(settings, engine)) as client:
        for read in READS:
            if only and only not in read.name:
                continue
            for clock in read.clocks:
                asked = _ask(client, engine, world, read, clock, rounds)
                blocks, plan = _explain(engine, asked.statements)
                figures.setdefault(read.name, {})[clock] = _figures(asked, blocks)
                plans[f"{read.name}, {clock}"] = plan
    return figures, plans


def _figures(asked: _Asked, blocks: list[int]) -> dict[str, float]:
    milliseconds = [1000 * one for one in asked.seconds]
    return {
        "median_ms": round(statistics.median(milliseconds), 2),
        "least_ms": round(min(milliseconds), 2),
        "in_database_ms": round(1000 * statistics.median(asked.in_database), 2),
        "blocks": statistics.median(blocks),
        "bytes": asked.size,
        "rounds": len(milliseconds),
    }


def _ask(
    client: TestClient, engine: Engine, world: World, read: Read, clock: str, rounds: int
) -> _Asked:
    random = Random(f"{read.name} {clock}")  # noqa: S311
    asked, began = _Asked(), time.perf_counter()
    for number in range(rounds + 1):
        address = read.address(random, world)
        if clock != "now":
            day = f"{random.randint(*_YEARS)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
            address += f"{'&' if '?' in address else '?'}{clock}={day}"
        with _watched(engine) as watched:
            start = time.perf_counter()
            response = client.get(address)
            seconds = time.perf_counter() - start
        if response.status_code != 200:
            raise RuntimeError(f"{address}: {response.status_code} {response.text[:300]}")
        if number == 0:
            continue  # it also prepares what every later one finds ready
        asked.seconds.append(seconds)
        asked.in_database.append(sum(taken for _, _, taken in watched))
        asked.size = len(response.content)
        if len(asked.statements) < _EXPLAINED:
            asked.statements.append([(statement, values) for statement, values, _ in watched])
        if time.perf_counter() - began > _PATIENCE:
            break
    return asked


@contextmanager
def _watched(engine: Engine) -> Iterator[list[tuple[str, Any, float]]]:
    """The statements that are run meanwhile, their parameters, and the seconds of each."""
    run: list[tuple[str, Any, float]] = []
    began = [0.0]

    def before(*_: Any) -> None:
        began[0] = time.perf_counter()

    def after(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        run.append((statement, values, time.perf_counter() - began[0]))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield run
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def _explain(engine: Engine, answers: list[list[tuple[str, Any]]]) -> tuple[list[int], str]:
    """Blocks that each answer touched, and the plans of the first answer's statements."""
    blocks, shown = [], []
    with engine.connect() as connection:
        for answer in answers:
            touched = 0
            for statement, values in answer:
                if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    continue
                explained = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", values
                ).scalar_one()[0]["Plan"]
                touched += explained["Shared Hit Blocks"] + explained["Shared Read Blocks"]
                if answer is answers[0]:
                    told = connection.exec_driver_sql(
                        f"EXPLAIN (ANALYZE, BUFFERS) {statement}", values
                    )
                    shown.append("\n".join(told.scalars()))
            blocks.append(touched)
        connection.rollback()
    return blocks, "\n\n".join(shown)


_TABLES = ("revisions", "events", "event_versions", "citations", "event_states", "mentions")


def sizes(engine: Engine, events: int) -> dict[str, Any]:
    """Bytes of the database, and of the record's tables with their indexes, for each event."""
    with engine.connect() as connection:
        whole = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        tables = {}
        for table in _TABLES:
            given = {"table": table}
            if connection.execute(text("SELECT to_regclass(:table)"), given).scalar() is None:
                continue
            tables[table] = {
                "rows": connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one(),  # noqa: S608
                "bytes_per_event": _per(connection, "pg_table_size", table, events),
                "index_bytes_per_event": _per(connection, "pg_indexes_size", table, events),
            }
    return {"bytes": whole, "bytes_per_event": round(whole / events), "tables": tables}


def _per(connection: Any, function: str, table: str, events: int) -> int:
    size: int = connection.execute(
        text(f"SELECT {function}(:table)"), {"table": table}
    ).scalar_one()
    return round(size / events)
