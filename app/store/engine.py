"""Connections: how a read sees one state of the record, and how errors of the driver are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import NotReadyError, RecordRuleError

__all__ = [
    "Connection",
    "Engine",
    "constraint_of",
    "end_read",
    "make_engine",
    "reading",
    "rehearsing",
    "takes_writes",
    "writing",
]

LOCK_TIMEOUT = 60
"""Seconds that anybody waits for a writer; only a long import keeps others waiting at all."""

# To compile the plan of a country's snapshot takes ten times as long as to carry it out. And the
# record is read from memory or from a disk without heads: that an index step costs four times what
# a row of a whole table does is not so there, and leads to whole tables read for each district.
_PLANS = "-c jit=off -c random_page_cost=1.1"

_PATIENCE = {
    "connect_timeout": "10",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
"""Options of libpq, where the URL does not say otherwise: seconds until a connection is made (or
not), milliseconds until a host that acknowledges nothing counts as lost, and when it is asked for
a sign of life. The system would wait for a quarter of an hour, and reads with it."""

REHEARSAL_TIMEOUT = 5
"""Seconds that a rehearsal waits for a writer: whoever looks at it types on meanwhile."""

_LOST = "the database cannot be reached"
_WRITES_LOST = (
    "the database that takes writes cannot be reached; ask again, with the same `Idempotency-Key`, "
    "and nothing is recorded twice"
)
"""It may be lost while it commits; then only the key tells whether it had."""

_NOT_MIGRATED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""What a database that lacks a migration answers to queries that need it."""


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """Make an engine for a PostGIS URL.

    `postgres://` and `postgresql://` URLs, which other tools write, are read as psycopg 3's.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    patience = {name: value for name, value in _PATIENCE.items() if name not in parsed.query}
    engine = create_engine(
        parsed,
        paramstyle="numeric_dollar",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_use_lifo=True,  # the connection used last has the most statements prepared
        connect_args={
            "options": f"{_PLANS} -c timezone=UTC -c lock_timeout={LOCK_TIMEOUT}s",
            "cursor_factory": _Cursor,
            **patience,
        },
    )
    listen(engine, "connect", _raw)
    return engine


class _Cursor(psycopg.RawCursor[Any]):
    """A cursor whose statements have PostgreSQL's own `$1`, so that nothing need be rewritten.

    psycopg looks through each statement for its own parameters, and through one of more than 4,096
    characters each time anew; SQLAlchemy can write the others itself.
    """

    @property
    def description(self) -> Any:
        """Names and types of columns, which is all that SQLAlchemy looks at, each time."""
        result = self.pgresult
        if result is None or not result.nfields:
            return super().description
        return [
            ((result.fname(column) or b"").decode(), result.ftype(column), *_NOT_TOLD)
            for column in range(result.nfields)
        ]


_NOT_TOLD = (None,) * 5


def _raw(connection: psycopg.Connection[Any], _record: object) -> None:
    """Have cursors on the server take the same statements."""
    connection.server_cursor_factory = psycopg.RawServerCursor


@contextmanager
def reading(engine: Engine, *, to_write: bool = False) -> Iterator[Connection]:
    """A read-only connection whose queries all see the record at one instant.

    Raises NotReadyError when the database cannot be reached, is lost on the way, has no
    connection to spare, or lacks the tables. Whoever reads `to_write` is told of a lost database
    as `writing` tells.
    """
    try:
        with engine.connect() as connection:
            try:
                yield connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            except DBAPIError:
                raise  # it is rolled back: what fails may be a statement as it was prepared
            except BaseException:
                end_read(connection)
                raise
            end_read(connection)
    except (OperationalError, PoolTimeout) as error:
        raise _not_ready(error, _WRITES_LOST if to_write else _LOST) from error
    except ProgrammingError as error:
        if isinstance(error.orig, _NOT_MIGRATED):
            raise _not_ready(error) from error
        raise


def end_read(connection: Connection) -> None:
    """End a read's transaction; what the connection reads next is of another instant.

    Nothing was changed, and yet it is a commit: with a rollback psycopg forgets all statements
    that it has prepared, and PostgreSQL would plan each statement of each read anew.
    """
    if not connection.closed and not connection.invalidated:
        connection.commit()


def takes_writes(connection: Connection) -> bool:
    """Whether the database is a primary; a standby can only be read."""
    is_standby: bool = connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one()
    return not is_standby


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end of the block, or not at all.

    Raises RecordRuleError, naming the constraint, when a rule of the record would be broken, and
    NotReadyError when the database is lost or another writer is at work for more than LOCK_TIMEOUT.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise NotReadyError(_WRITES_LOST) from error
    except (DBAPIError, psycopg.Error) as error:
        broken = constraint_of(error)
        if broken is None:
            if isinstance(_cause(error), psycopg.errors.ReadOnlySqlTransaction):
                # It was the primary and is a standby now: connections have to find the new one.
                engine.dispose()
                raise NotReadyError(_WRITES_LOST) from error
            if isinstance(_cause(error), (psycopg.OperationalError, *_NOT_MIGRATED)):
                raise _not_ready(error, _WRITES_LOST) from error
            raise
        raise RecordRuleError(
            f"the record does not allow this: {broken}", constraint=broken
        ) from error


@contextmanager
def rehearsing(engine: Engine) -> Iterator[Connection]:
    """As `writing`, with all that a commit would check and nothing that it would keep.

    What is written can be read on the connection, and is gone at the end of the block. Others
    wait for it as for any writer; itself it waits for REHEARSAL_TIMEOUT only.
    """
    with writing(engine) as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{REHEARSAL_TIMEOUT}s'"))
        yield connection
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        connection.rollback()


def _not_ready(error: Exception, lost: str = _LOST) -> NotReadyError:
    cause = _cause(error)
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return NotReadyError("a long write is under way; ask again when it is done")
    if isinstance(cause, _NOT_MIGRATED):
        return NotReadyError("the database is not migrated")
    return NotReadyError(lost)


def _cause(error: Exception) -> BaseException | None:
    """The driver's own error, where SQLAlchemy has wrapped it."""
    return error.orig if isinstance(error, DBAPIError) else error


def constraint_of(error: DBAPIError | psycopg.Error) -> str | None:
    """The named constraint (or append-only rule) that a statement broke, if that was the error."""
    cause = _cause(error)
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
