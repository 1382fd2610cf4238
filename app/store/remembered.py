"""What nothing but upkeep changes is read once for each number of upkeep (`revisions.State`)."""

from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from cachetools import LRUCache, cached
from sqlalchemy import Connection

from app.store import revisions

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")
_Read = Callable[Concatenate[Connection, Arguments], Found]


def remembered(
    entries: int,
) -> Callable[[_Read[Arguments, Found]], _Read[Arguments, Found]]:
    """Read what the gazetteer says once for each argument, while nothing in it changes.

    The last `entries` are kept, each database for itself. A connection that has not asked how
    things stand, as one that writes, reads each time. What is found must not be changed by whoever
    gets it.
    """

    def remember(read: _Read[Arguments, Found]) -> _Read[Arguments, Found]:
        once = cached(LRUCache(entries), key=_key, lock=Lock())(read)

        @wraps(read)
        def recalled(
            connection: Connection, /, *given: Arguments.args, **named: Arguments.kwargs
        ) -> Found:
            if revisions.has_seen(connection):
                return once(connection, *given, **named)
            return read(connection, *given, **named)

        return recalled

    return remember


def _key(connection: Connection, *given: Hashable) -> tuple[Hashable, ...]:
    # Engines of one database with other options have the same pool.
    return connection.engine.pool, revisions.seen(connection).upkeep, *given
