"""Many rows at once: COPY, which takes one row or a million in the same way."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Table


def insert_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same members, in their order, within the transaction.

    Constraints and triggers hold as for any insert; what they refuse is a psycopg error, which
    `app.store.engine.writing` tells as a broken rule.
    """
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return
    columns = list(first)
    statement = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(table.name), SQL(", ").join(map(Identifier, columns))
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in chain([first], remaining):
            copy.write_row([row[column] for column in columns])
