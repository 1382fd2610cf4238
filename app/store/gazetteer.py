"""Writing the gazetteer: countries, provinces, districts, their names and codes, parties, sources.

Unlike the record it may be edited: what is loaded again replaces what was there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert


def upsert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those that have the same key."""
    values = [dict(row) for row in rows]
    if not values:
        return
    keys = {column.name for column in table.primary_key}
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in values[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(keys), set_=changed), values
    )
