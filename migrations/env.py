"""Run the migrations, on a connection handed over by the application or on DATABASE_URL."""

import os
from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, func, select

from app.store.engine import make_engine
from app.store.schema import is_at_head
from app.store.seals import seal_missing
from app.store.tables import metadata

MIGRATING = 0x0D15_7C71
"""Key of the advisory lock that lets one process migrate at a time."""


def include_object(
    entity: Any, name: str | None, kind: Any, reflected: bool, compare_to: Any
) -> bool:
    """Leave out what PostGIS itself brings along."""
    helper: Any = alembic_helpers.include_object
    return bool(helper(entity, name, kind, reflected, compare_to))


def run(connection: Connection) -> None:
    """Migrate in one transaction, all of it or nothing, while other processes wait."""
    connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        if is_at_head(connection):
            seal_missing(connection)


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    if "DATABASE_URL" not in os.environ:
        raise SystemExit("set DATABASE_URL, or use `district-control migrate`")
    with make_engine(os.environ["DATABASE_URL"]).connect() as own:
        run(own)
        own.commit()
