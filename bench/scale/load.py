"""Loading a generated record through COPY, several processes at a time.

While rows come in, triggers do not fire and there are no indexes and constraints; these are made
again afterwards, so what is loaded keeps every rule that they check. Revisions have no seals, which
no read looks at: `district-control verify` would refuse such a record.
"""

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, text

from app.boundaries.deriving import derive_all
from app.store import mentions
from app.store.engine import make_engine
from app.store.tables import metadata
from bench.scale import record
from bench.scale.world import World, of_record

_AT_A_TIME = 10_000
"""Events that one process holds in memory."""
_DERIVED = 1000
"""Districts up to which borders and drawings are derived: that takes minutes for more."""

_FILLED = ("events", "event_versions", "citations", "event_states")
_KEPT = (*_FILLED, "mentions")
_OF = ", ".join(f"'{name}'::regclass" for name in _KEPT)
# Foreign keys need the unique keys that they refer to: those are dropped last and made first.
_CONSTRAINTS = f"""
    SELECT conrelid::regclass::text AS of, quote_ident(conname) AS name,
           pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE conrelid IN ({_OF}) AND contype IN ('p', 'u', 'x', 'f')
    ORDER BY contype = 'f', contype = 'x'
"""  # noqa: S608
_INDEXES = f"""
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index WHERE indrelid IN ({_OF})
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""  # noqa: S608
_SET_SEQUENCE = text(
    "SELECT setval(pg_get_serial_sequence('events', 'sequence'), max(sequence)) FROM events"
)
_PLACES = (
    *("countries", "boundary_sets", "provinces", "districts", "district_names", "district_shapes"),
    *("borders", "outer_borders", "drawn_districts", "drawn_provinces", "drawn_borders"),
)
"""The gazetteer, each table after those that it refers to."""
# Districts are numbered within a country; their ids have the number of the province and the
# number in it, and a province has 25. From one there come as many as are beside each other.
_NUMBER = """((substr(district_id, 3, 4)::integer * 25 + substr(district_id, 7)::integer) * {more}
              + abs(hashtext({key}::text)::bigint) % {more})"""
_DEALT_OUT = (
    f"left(district_id, 2) || lpad(({_NUMBER} / 25)::text, 4, '0')"
    f" || lpad(({_NUMBER} % 25)::text, 2, '0')"
)


def load(url: str, size: record.Size) -> None:
    """Fill a migrated, empty database with a record of this size."""
    engine = make_engine(url)
    world = World(size.districts)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for table, rows in (
            *world.gazetteer(),
            ("revisions", record.revisions(size)),
            *of_record(),
        ):
            _copy(connection, metadata.tables[table], rows)
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    with at_once.connect() as connection, _bare(connection):
        _fill(url, size)
        connection.execute(_SET_SEQUENCE)
    _finish(engine, size)
    engine.dispose()


def split(url: str, size: record.Size, districts: int) -> None:
    """Tell a loaded record of more districts: the events of each are dealt out among several.

    `districts` is how many there were, a part of `size.districts`. That takes a fraction of the
    time that it takes to load the same record again.
    """
    engine = make_engine(url)
    more = size.districts // districts
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in reversed(_PLACES):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
        for table, rows in World(size.districts).gazetteer():
            _copy(connection, metadata.tables[table], rows)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        connection.execute(text("TRUNCATE mentions"))
        for table, key in (("events", "id"), ("event_states", "event_id")):
            dealt_out = _DEALT_OUT.format(key=key, more=more)
            connection.execute(
                text(f"ALTER TABLE {table} ALTER COLUMN district_id TYPE text USING {dealt_out}")
            )
    _finish(engine, size)
    engine.dispose()


def _finish(engine: Engine, size: record.Size) -> None:
    """What is derived, and what PostgreSQL knows of the tables."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        mentions.rebuild(connection)
    with engine.begin() as connection:
        if size.districts <= _DERIVED:
            derive_all(connection)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def _bare(connection: Connection) -> Iterator[None]:
    """The tables without keys and indexes; they are made again at the end."""
    constraints = connection.execute(text(_CONSTRAINTS)).all()
    indexes = connection.execute(text(_INDEXES)).all()
    for name, _ in indexes:
        connection.execute(text(f"DROP INDEX {name}"))
    for table, name, _ in reversed(constraints):
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE"))
    yield
    connection.execute(text("ANALYZE"))
    connection.execute(text("SET maintenance_work_mem = '1GB'"))
    for _, definition in indexes:
        connection.execute(text(definition))
    for table, name, definition in constraints:
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))


def _fill(url: str, size: record.Size) -> None:
    step = max(1, _AT_A_TIME * size.batches // size.events)
    parts = [
        (url, size, range(first, min(first + step, size.batches)))
        for first in range(0, size.batches, step)
    ]
    if len(parts) == 1:
        _fill_part(parts[0])
        return
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        for _ in pool.imap(_fill_part, parts):
            pass


def _fill_part(part: tuple[str, record.Size, range]) -> None:
    url, size, batches = part
    made = record.rows(World(size.districts), size, batches)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for name in _FILLED:
            _copy(connection, metadata.tables[name], getattr(made, name))
    engine.dispose()


def _copy(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Copy rows of plain values as text: several times as fast as one by one."""
    rows = list(rows)
    columns = list(rows[0])
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for first in range(0, len(rows), _AT_A_TIME):
            part = rows[first : first + _AT_A_TIME]
            copy.write("".join([_line([row[name] for name in columns]) for row in part]))


def _line(values: Iterable[Any]) -> str:
    return "\t".join([r"\N" if value is None else str(value) for value in values]) + "\n"
