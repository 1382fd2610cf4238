"""Writing the gazetteer: countries, provinces, districts, their names and codes, parties, sources.

Unlike the record it may be edited: what is loaded again replaces what was there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ARRAY, Connection, Table, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.places import sound_key
from app.store.tables import district_names, province_names


def reduce_names(connection: Connection) -> None:
    """Write again how each name on record sounds, as `sound_key` says."""
    for names in (district_names, province_names):
        written = connection.execute(select(names.c.name).distinct()).scalars().all()
        listed = (written, [sound_key(name) for name in written])
        columns = (cast(list(values), ARRAY(Text)) for values in listed)
        reduced = func.unnest(*columns).table_valued("name", "sound").render_derived()
        connection.execute(
            update(names).where(names.c.name == reduced.c.name).values(sound=reduced.c.sound)
        )


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
