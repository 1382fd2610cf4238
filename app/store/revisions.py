"""The revision counter: the clock that `known_at` reads.

A revision's instant is taken while its transaction holds a lock that every writer needs, and
lies after the instant of the revision before it. So instants rise in the order of commits, and a
read asked at the instant of a committed revision can never change afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from app.domain.control import Action
from app.domain.errors import InvalidValueError, NotReadyError
from app.store.engine import end_read
from app.store.tables import revisions

_WRITERS = 0x0D15_7C70
"""Key of the advisory lock: writers hold it until they commit."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant of the empty record. The reader's own clock will not do: the first writer may be
under way and have taken an earlier instant."""


@dataclass(frozen=True)
class Revision:
    """A state of the record: its number, and the instant from which it is known.

    Number 0 is the record before anything was recorded.
    """

    number: int
    recorded_at: datetime


@dataclass(frozen=True, order=True)
class State:
    """How everything stands that answers are made from.

    `revision` is the newest one, recorded at `instant`; `upkeep` rises with every change outside of
    the record: of places, names, shapes, and of what is derived.
    """

    revision: int
    upkeep: int
    instant: datetime = field(default=_BEGINNING, compare=False)

    def of_another_record(self, before: "State") -> bool:
        """Whether a process that has seen `before` reads another record now.

        One that was restored from a copy, or that a replica had which became the primary: in it
        revisions are missing, or were recorded at another instant.
        """
        if self.revision == before.revision:
            return self.instant != before.instant
        return self.revision < before.revision


STATE = (
    "SELECT coalesce(newest.revision, 0), (SELECT coalesce(max(number), 0) FROM upkeep),"
    " newest.recorded_at FROM (VALUES (0)) AS none (revision) LEFT JOIN LATERAL"
    " (SELECT * FROM revisions ORDER BY revision DESC LIMIT 1) AS newest ON true"
)
"""A query for the two numbers of a State, and the instant of its revision (NULL: none yet)."""

IN_RECORD = "SELECT EXISTS (SELECT FROM revisions WHERE revision = %s AND recorded_at = %s)"
"""A query for whether the record holds a revision that was once seen, as it was then."""

_SEEN = "district_control_seen"


def state(connection: Connection) -> State:
    """How things stand for this connection, which is in a read of one instant.

    What it saw the connection remembers until it is asked again: `current` asks no more, nor does
    `seen`.
    """
    found = state_of(connection.execute(text(STATE)).one())
    connection.execution_options(**{_SEEN: found})
    return found


def state_of(row: Sequence[Any]) -> State:
    """The state in a row that STATE gives."""
    number, upkeep, recorded_at = row
    return State(number, upkeep, recorded_at or _BEGINNING)


def has_seen(connection: Connection) -> bool:
    """Whether `state` was asked for this connection."""
    return _SEEN in connection.get_execution_options()


def seen(connection: Connection) -> State:
    """What `state` gave for this connection."""
    found: State = connection.get_execution_options()[_SEEN]
    return found


def note_upkeep(connection: Connection) -> None:
    """Let whoever keeps answers know that something was derived anew, once this commits.

    Changes of places and shapes are noted by triggers.
    """
    connection.execute(text("UPDATE upkeep SET number = number + 1"))
    connection.execute(text("SELECT pg_notify('district_control_revisions', '')"))


def next_revision(
    connection: Connection, *, author: str, action: Action, reason: str | None = None
) -> Revision:
    """Take the next revision inside the caller's transaction; other writers wait until it ends."""
    take_turn(connection)
    newest = current(connection)
    row = connection.execute(
        revisions.insert()
        .values(
            revision=newest.number + 1,
            # The clock of the machine may have been set back; the record's must not go back.
            recorded_at=func.greatest(
                func.clock_timestamp(), newest.recorded_at + timedelta(microseconds=1)
            ),
            author=author,
            action=action,
            reason=reason,
        )
        .returning(revisions.c.revision, revisions.c.recorded_at)
    ).one()
    return Revision(row.revision, row.recorded_at)


def take_turn(connection: Connection) -> None:
    """Wait until no other writer is under way; from here to its end the transaction is alone."""
    connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))


def current(connection: Connection) -> Revision:
    """The newest revision that this connection sees; number 0, in 1970, for an empty record."""
    remembered: State | None = connection.get_execution_options().get(_SEEN)
    if remembered:
        return Revision(remembered.revision, remembered.instant)
    row = connection.execute(
        select(revisions.c.revision, revisions.c.recorded_at)
        .order_by(revisions.c.revision.desc())
        .limit(1)
    ).first()
    if row is None:
        return Revision(0, _BEGINNING)
    return Revision(row.revision, row.recorded_at)


def at(connection: Connection, instant: datetime, *, field: str = "known_at") -> Revision:
    """The revision that was the newest at that instant, told with that instant.

    Where `instant` lies after the newest revision that the connection sees, a writer may be under
    way that took its own instant before it; then this ends the connection's transaction and waits
    for that writer, so that what is read next can never change. Raises InvalidValueError, naming
    `field`, when `instant` still lies ahead by the database's clock.
    """
    newest = current(connection)
    if instant > newest.recorded_at:
        now, is_replica = connection.execute(
            select(func.clock_timestamp(), func.pg_is_in_recovery())
        ).one()
        if is_replica:
            # `Databases` sends such a question to the primary.
            raise NotReadyError("a replica cannot tell what was recorded until then; ask again")
        if instant >= now:
            raise InvalidValueError(
                f"{field} lies in the future: what the record will hold then is not settled; "
                "leave it out for the record as it is now",
                field=field,
            )
        end_read(connection)
        connection.execute(select(func.pg_advisory_xact_lock_shared(_WRITERS)))
        end_read(connection)
        state(connection)  # it sees another instant from here on
    number = connection.scalar(
        select(revisions.c.revision)
        .where(revisions.c.recorded_at <= instant)
        .order_by(revisions.c.recorded_at.desc())
        .limit(1)
    )
    return Revision(number or 0, instant)
