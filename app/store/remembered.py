"""What nothing but upkeep changes is read once for each number of upkeep (`revisions.State`)."""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from cachetools import LRUCache, cached
from sqlalchemy import Connection

from app.store import revisions

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")
_Read = Callable[Concatenate[Connection, Arguments], Found]

_ENTRIES = 10_000
"""What is remembered of each kind; an entry takes some hundred bytes."""


def remembered(read: _Read[Arguments, Found]) -> _Read[Arguments, Found]:
    """Read the gazetteer once for each argument, while no place, name or set of shapes changes.

    Each database is remembered for itself. A connection that has not asked how things stand, as
    one that writes, reads each time. What is found must not be changed by whoever gets it.
    """
    once = cached(
        LRUCache(_ENTRIES),
        key=lambda connection, *given: (
            connection.engine.pool,  # of engines with other options it is the same
            revisions.seen(connection).upkeep,
            *given,
        ),
        lock=Lock(),
    )(read)

    @wraps(read)
    def recalled(
        connection: Connection, /, *given: Arguments.args, **named: Arguments.kwargs
    ) -> Found:
        if revisions.has_seen(connection):
            return once(connection, *given, **named)
        return read(connection, *given, **named)

    return recalled
