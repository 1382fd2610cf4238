"""Connections: how a read sees one state of the record, and how errors of the driver are told."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import NotReadyError, RecordRuleError

__all__ = ["Connection", "Engine", "constraint_of", "make_engine", "reading", "writing"]


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Make an engine for a PostGIS URL.

    `postgres://` and `postgresql://` URLs, which other tools write, are read as psycopg 3's.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=UTC", "connect_timeout": 10},
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read-only connection whose queries all see the record at one instant.

    Raises NotReadyError when the database cannot be reached, is lost on the way, has no
    connection to spare, or lacks the tables.
    """
    try:
        with engine.connect() as connection:
            yield connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
    except (OperationalError, PoolTimeout) as error:
        raise NotReadyError("the database cannot be reached") from error
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.UndefinedTable):
            raise NotReadyError("the database is not migrated") from error
        raise


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end of the block, or not at all.

    Raises RecordRuleError, naming the constraint, when a rule of the record would be broken, and
    NotReadyError when another writer keeps this one waiting for longer than LOCK_TIMEOUT.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.errors.LockNotAvailable):
            raise NotReadyError("another writer has been at work for long; try again") from error
        broken = constraint_of(error)
        if broken is None:
            raise
        raise RecordRuleError(
            f"the record does not allow this: {broken}", constraint=broken
        ) from error


def constraint_of(error: DBAPIError | psycopg.Error) -> str | None:
    """The named constraint (or append-only rule) that a statement broke, if that was the error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
