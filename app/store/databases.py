"""Which database a read goes to: a replica that knows enough, else the primary.

Writes always go to the primary. A replica follows it with a delay; docs/scaling.md says how to run
them, docs/decisions/0026 what is promised.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

import structlog
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from app.domain.errors import InvalidValueError, NotReadyError
from app.store import revisions
from app.store.engine import end_read, make_engine, reading

PATIENCE = 0.2
"""Seconds that a read waits for a replica to reach the revision that it asks for."""

_STEP = 0.01
_FIRST_REST, _LONGEST_REST = 1.0, 30.0
"""Seconds for which a lost replica is left alone; each loss in a row doubles them."""

log = structlog.get_logger("app.store.databases")


def replica_engines(url: str, *, pool_size: int = 5) -> list[Engine]:
    """An engine for each host that a URL names, as libpq or as SQLAlchemy writes several.

    One for each, so that a lost one can be left out. Raises InvalidValueError, without the URL,
    for one that cannot be read.
    """
    try:
        hosts = _hosts(url)
    except (ValueError, ArgumentError, ProgrammingError) as error:
        raise InvalidValueError(
            "READ_DATABASE_URL is no URL of PostgreSQL", field="read_database_url"
        ) from error
    return [make_engine(host.render_as_string(False), pool_size=pool_size) for host in hosts]


def _hosts(url: str) -> list[URL]:
    try:
        parsed = make_url(url)
    except (ValueError, ArgumentError):
        return _listed(url)
    named = parsed.query.get("host", "")
    if isinstance(named, tuple):
        return [parsed.update_query_dict({"host": host}) for host in named]
    return _listed(url) if "," in f"{parsed.host}{named}" else [parsed]


def _listed(url: str) -> list[URL]:
    """Those of a URL with hosts between commas, which is libpq's way."""
    given = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    hosts = str(given.pop("host", "")).split(",")
    ports = str(given.pop("port", "")).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    base = URL.create(
        "postgresql",
        username=str(given.pop("user", "")) or None,
        password=str(given.pop("password", "")) or None,
        database=str(given.pop("dbname", "")) or None,
        query={name: str(value) for name, value in given.items() if value is not None},
    )
    return [
        base.set(host=host, port=int(port) if port else None)
        for host, port in zip(hosts, ports, strict=True)
    ]


class _Replica:
    """One replica, and until when it is left alone."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._until = 0.0
        self._rest = _FIRST_REST

    @property
    def in_use(self) -> bool:
        return time.monotonic() >= self._until

    def lost(self, number: int) -> None:
        if not self.in_use:
            return  # others were there at the same time: that is one loss
        log.warning("replica lost", replica=number, again_in_s=self._rest)
        self._until = time.monotonic() + self._rest
        self._rest = min(2 * self._rest, _LONGEST_REST)

    def answered(self) -> None:
        self._rest = _FIRST_REST


class Databases:
    """The primary and its replicas. Threads share it."""

    def __init__(self, primary: Engine, replicas: Sequence[Engine] = ()) -> None:
        self.primary = primary
        self._replicas = [_Replica(engine) for engine in replicas]
        self._turn = 0
        self._lock = threading.Lock()
        self._reads = {"primary": 0, "replica": 0}

    @contextmanager
    def reading(
        self, *, must: int = 0, should: int = 0, settled: datetime | None = None
    ) -> Iterator[Connection]:
        """A read-only connection whose queries all see the record at one instant.

        It sees at least the revision `must`, and where anybody can be asked who has it, `should`.
        Where `settled` is given, all that was recorded until then is in it, for good. Replicas
        take turns; one that lacks the revision is waited for, for PATIENCE, and then the primary is
        asked, which is also asked where there is no replica.

        Raises InvalidValueError naming `min_revision` where the primary lacks the revision `must`,
        and NotReadyError where nobody can be reached who may answer.
        """
        with ExitStack() as stack:
            yield self._connected(stack, must, should, settled)

    def _connected(
        self, stack: ExitStack, must: int, should: int, settled: datetime | None
    ) -> Connection:
        for number, replica in self._in_turn():
            try:
                connection = stack.enter_context(_noticing(replica, number))
                knows = _knows(connection, max(must, should), settled)
            except (NotReadyError, OperationalError):
                continue
            if not knows:
                try:
                    # The connection to the replica stays, for the case that the primary is lost.
                    return self._of_primary(stack, must)
                except NotReadyError:
                    if not _knows(connection, must, settled, patience=0):
                        raise
            self._count("replica")
            return connection
        return self._of_primary(stack, must)

    def _of_primary(self, stack: ExitStack, must: int) -> Connection:
        connection = stack.enter_context(_asked(self.primary))
        if revisions.seen(connection).revision < must:
            raise InvalidValueError(f"there is no revision {must} yet", field="min_revision")
        self._count("primary")
        return connection

    def _in_turn(self) -> list[tuple[int, _Replica]]:
        """The replicas in use, another one first each time."""
        if not self._replicas:
            return []
        with self._lock:
            self._turn = (self._turn + 1) % len(self._replicas)
            first = self._turn
        numbered = list(enumerate(self._replicas))
        return [(n, r) for n, r in numbered[first:] + numbered[:first] if r.in_use]

    def _count(self, where: str) -> None:
        with self._lock:
            self._reads[where] += 1

    def figures(self) -> Mapping[str, int]:
        """Reads by where they went, and how many replicas there are and are in use."""
        in_use = sum(replica.in_use for replica in self._replicas)
        return {**self._reads, "replicas": len(self._replicas), "replicas_in_use": in_use}

    def dispose(self) -> None:
        """Close the connections to replicas; whoever made the primary's engine closes that."""
        for replica in self._replicas:
            replica.engine.dispose()


@contextmanager
def _asked(engine: Engine) -> Iterator[Connection]:
    """A read that begins by asking how things stand."""
    with reading(engine) as connection:
        revisions.state(connection)
        yield connection


@contextmanager
def _noticing(replica: _Replica, number: int) -> Iterator[Connection]:
    """A read of a replica, which is left alone for a while when it is lost."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_asked(replica.engine))
        except NotReadyError:
            replica.lost(number)
            raise
        replica.answered()
        try:
            yield connection
        except BaseException:
            if connection.invalidated:
                replica.lost(number)
            raise


def _knows(
    connection: Connection, least: int, settled: datetime | None, *, patience: float = PATIENCE
) -> bool:
    """Whether a replica has that revision, perhaps in a moment, and all until that instant."""
    until = time.monotonic() + patience
    while (found := revisions.current(connection)).number < least:
        if time.monotonic() >= until:
            return False
        time.sleep(_STEP)
        end_read(connection)  # what it sees next is newer
        revisions.state(connection)
    # A later instant than that of its newest revision says nothing here: another revision before
    # it may be on its way, and no lock on a replica waits for those who write on the primary.
    return settled is None or settled <= found.recorded_at
