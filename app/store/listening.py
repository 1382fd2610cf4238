"""Hearing of new revisions, and of upkeep, as they are committed, without asking for them.

One connection for each process listens; whoever waits in it holds neither a connection nor a
thread. Notifications can be lost with a connection, so that the table is asked too: after each
new connection, and from time to time.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import structlog
from sqlalchemy import Engine

from app.store.revisions import IN_RECORD, STATE, State, state_of

CHANNEL = "district_control_revisions"
"""What triggers notify: a revision with its number, other changes with nothing."""

POLL = 5.0
"""Seconds after which the tables are asked, though nothing was heard."""

PATIENCE = 5.0
"""Seconds after which a connection that does not answer counts as lost."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds before another try at a lost connection; each try doubles the pause."""

log = structlog.get_logger("app.store.listening")


class Listener:
    """The newest revision that this process has heard of; many may wait for a newer one.

    It listens for as long as somebody is within `with listener:`, in the event loop of the first
    one. `on_another_record` is called when the record lacks what was heard or noted of it before.
    """

    def __init__(
        self, engine: Engine, on_another_record: Callable[[], None] = lambda: None
    ) -> None:
        # Of several hosts, the one that takes writes: nothing is notified on a replica.
        self._how: Mapping[str, Any] = {
            **engine.dialect.create_connect_args(engine.url)[1],
            "autocommit": True,
            "connect_timeout": 10,
            "application_name": CHANNEL,
        }
        self._on_another_record = on_another_record
        self._last: State | None = None
        self._newest = -1
        self._state: State | None = None
        self._sure_until = 0.0
        self._waiting = 0
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> "Listener":
        if not self._waiting:
            self._heard = asyncio.Event()
            self._task = asyncio.create_task(self._listen())
        self._waiting += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        if not self._waiting and self._task:
            self._task.cancel()
            self._task, self._newest, self._state = None, -1, None

    @property
    def state(self) -> State | None:
        """The newest state that was heard of; None while nothing is heard.

        A connection that was cut off without a word counts as lost after POLL and PATIENCE.
        """
        return self._state if time.monotonic() < self._sure_until else None

    def note(self, state: State) -> None:
        """Remember the newest state that was heard, or read elsewhere in this process."""
        if not self._last or self._last.revision < state.revision:
            self._last = state

    async def newer_than(self, revision: int) -> int:
        """Wait until there is a newer revision than that; the newest one's number."""
        while self._newest <= revision:
            await self._heard.wait()
        return self._newest

    def _hear(self, state: State) -> None:
        self._state = state
        self.note(state)
        self._sure_until = time.monotonic() + POLL + PATIENCE
        # It can also be an older one: of a record that was restored under a running service.
        if state.revision != self._newest:
            self._newest = state.revision
            heard, self._heard = self._heard, asyncio.Event()
            heard.set()

    async def _listen(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(**self._how)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    is_new = True
                    while True:
                        # A server that is gone without a word would be waited for for long.
                        newest = await asyncio.wait_for(_newest(connection), PATIENCE)
                        last = self._last
                        # An older one may only have been overtaken by what was read elsewhere.
                        in_doubt = last and (is_new or newest.of_another_record(last))
                        if last and in_doubt and not await _holds(connection, last):
                            self._last = None
                            self._on_another_record()
                        is_new = False
                        self._hear(newest)
                        pause = _FIRST_PAUSE
                        # What it says is not trusted, for anybody can notify: the table is asked.
                        async for _ in connection.notifies(timeout=POLL, stop_after=1):
                            pass
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._state = None
                # Its message may name the host; the type says enough.
                log.warning("listener lost", error=type(error).__name__, again_in_s=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)


async def _newest(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> State:
    cursor = await connection.execute(STATE)
    row = await cursor.fetchone()
    assert row  # noqa: S101 - it gives one row
    return state_of(row)


async def _holds(connection: psycopg.AsyncConnection[tuple[Any, ...]], seen: State) -> bool:
    """Whether the record has the revision that was the newest once; an empty one is in all."""
    if seen.revision == 0:
        return True
    asking = connection.execute(IN_RECORD, (seen.revision, seen.instant))
    row = await (await asyncio.wait_for(asking, PATIENCE)).fetchone()
    return bool(row and row[0])
