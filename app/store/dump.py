"""Whole tables as CSV files, out and in by COPY: a stream, which takes no memory to speak of.

The files are RFC 4180 in UTF-8 with LF and a header. Rows lie in the order of their primary key,
instants are ISO 8601 in UTC, arrays are as PostgreSQL writes them. So the same rows make the same
bytes on every server, and what was written is what is read, to the bit.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from alembic.runtime.migration import MigrationContext
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Column, Connection, DateTime, Table, Text, func, select, text

from app.domain.errors import InvalidValueError
from app.store.tables import district_names, metadata, province_names, revisions, seals

NULL = r"\N"
"""How NULL is written: an empty string is something else, and other readers can tell them apart."""

TABLES_LEFT_OUT = frozenset(
    {
        *("api_keys", "given_answers"),
        *(
            "event_states",
            "mentions",
            "borders",
            "outer_borders",
            "drawn_districts",
            "drawn_provinces",
            "drawn_borders",
            "upkeep",
        ),
    }
)
"""Secrets, what individual clients were answered, and what is derived from the rest."""
_COLUMNS_LEFT_OUT = frozenset(
    {
        revisions.c.transaction,  # it means nothing on another server
        *(district_names.c.sound, province_names.c.sound),  # derived from the name
    }
)

# Seals go last: nothing can join a revision that has one.
TABLES: tuple[Table, ...] = tuple(
    sorted(
        (table for table in metadata.sorted_tables if table.name not in TABLES_LEFT_OUT),
        key=lambda table: table is seals,
    )
)
"""The tables that are the service's data, each after those that it refers to."""

_BLOCK = 1 << 16  # bytes
_LINE = re.compile(r"^COPY \w+, line (\d+)", re.MULTILINE)


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns that are written, in their order."""
    return [column for column in table.columns if column not in _COLUMNS_LEFT_OUT]


def schema_of(connection: Connection) -> str | None:
    """The id of the newest migration that was run on the database."""
    return MigrationContext.configure(connection).get_current_revision()


def holding(connection: Connection) -> list[str]:
    """The names of the tables that have rows."""
    found = (
        (table, connection.execute(select(1).select_from(table).limit(1)).first())
        for table in TABLES
    )
    return [table.name for table, row in found if row is not None]


def dump_table(connection: Connection, table: Table, path: Path) -> int:
    """Write a table's rows to a new file; returns their number."""
    # The default: but where the operator has set fewer digits, figures would be rounded.
    connection.execute(text("SET LOCAL extra_float_digits = 1"))
    statement = SQL(
        "COPY (SELECT {} FROM {} ORDER BY {})"
        " TO STDOUT (FORMAT csv, HEADER, NULL {}, ENCODING 'UTF8')"
    ).format(
        SQL(", ").join(map(_written, columns_of(table))),
        Identifier(table.name),
        SQL(", ").join(map(_ordered, table.primary_key.columns)),
        Literal(NULL),
    )
    driver: Any = connection.connection.driver_connection
    with path.open("xb") as file, driver.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in copy:
                file.write(block)
        return int(cursor.rowcount)


def load_table(connection: Connection, table: Table, path: Path, columns: Sequence[str]) -> int:
    """Load a file that has these columns into an empty table; returns the number of rows.

    A column that the file lacks gets its default. Constraints and triggers hold as for any insert.
    Raises InvalidValueError, which names the file and the line, for a row that they or its types
    refuse.
    """
    statement = SQL(
        "COPY {} ({}) FROM STDIN (FORMAT csv, HEADER MATCH, NULL {}, ENCODING 'UTF8')"
    ).format(Identifier(table.name), SQL(", ").join(map(Identifier, columns)), Literal(NULL))
    driver: Any = connection.connection.driver_connection
    try:
        with path.open("rb") as file, driver.cursor() as cursor:
            with cursor.copy(statement) as copy:
                while block := file.read(_BLOCK):
                    copy.write(block)
            rows = int(cursor.rowcount)
    # A geometry that cannot be read is an "internal error" to PostGIS.
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError) as error:
        raise InvalidValueError(_told(error, path), field="folder") from error
    for column in table.columns:
        if column.identity:
            _count_on(connection, column)
    # What reads these rows later in the transaction would be planned for an empty table.
    connection.execute(text(f"ANALYZE {table.name}"))
    return rows


def _written(column: Column[Any]) -> Composable:
    # Geometries are written as they stand, in hexadecimal EWKB: text (EWKT) is rounded to 15
    # digits. What reads geometries from other programs' databases reads it too.
    name = Identifier(column.name)
    if isinstance(column.type, DateTime):
        return SQL("to_jsonb({0}) #>> '{{}}' AS {0}").format(name)
    return name


def _ordered(column: Column[Any]) -> Composable:
    # By code points, whatever the order of words is in the language of the database.
    collation = SQL(' COLLATE "C"' if isinstance(column.type, Text) else "")
    return Identifier(column.table.name, column.name) + collation


def _count_on(connection: Connection, column: Column[Any]) -> None:
    """Let a counted column go on after the highest number that was loaded."""
    counter = func.pg_get_serial_sequence(column.table.name, column.name)
    connection.execute(select(func.setval(counter, func.max(column))))


def _told(error: psycopg.Error, path: Path) -> str:
    found = _LINE.search(error.diag.context or "")
    where = f"{path.name}, line {found[1]}" if found else path.name
    what = "; ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
    return f"{where}: {what or error}"
