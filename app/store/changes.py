"""One revision while it is being written: what it records and closes, and then its seal."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, any_, literal, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from app.domain.control import Action
from app.store.bulk import insert_rows
from app.store.revisions import Revision, next_revision
from app.store.seals import seal
from app.store.states import refresh
from app.store.tables import (
    actors,
    citations,
    event_states,
    event_versions,
    events,
    imports,
    mentions,
    sources,
)

Row = Mapping[str, Any]


class Change:
    """The rows of one revision. Nothing of it is visible to anybody before the commit."""

    def __init__(self, connection: Connection, revision: Revision) -> None:
        self.revision = revision
        self._connection = connection
        self._opened = {"revision": revision.number, "known_from": revision.recorded_at}
        self._closed = {
            "closing_revision": revision.number,
            "known_until": revision.recorded_at,
        }

    def add_sources(self, rows: Iterable[Row]) -> None:
        """Record publishers."""
        self._add(sources, rows)

    def add_actors(self, rows: Iterable[Row]) -> None:
        """Record parties."""
        for row in rows:
            self._connection.execute(actors.insert().values(**row, revision=self.revision.number))

    def add_report(self, report: Mapping[str, Any]) -> None:
        """Keep what an import found."""
        self._connection.execute(
            imports.insert().values(revision=self.revision.number, report=dict(report))
        )

    def add_events(self, rows: Iterable[Row]) -> None:
        """Record events, in this order; each needs a version, and a citation that supports it."""
        self._add(events, rows)

    def add_versions(self, rows: Iterable[Row]) -> None:
        """Record versions of events."""
        insert_rows(self._connection, event_versions, ({**row, **self._opened} for row in rows))

    def add_citations(self, rows: Iterable[Row]) -> None:
        """Record citations of events."""
        insert_rows(self._connection, citations, ({**row, **self._opened} for row in rows))

    def close_versions(self, event_ids: Iterable[UUID]) -> None:
        """Close the newest versions of these events: corrected ones, or retracted ones."""
        self._close(event_versions, event_versions.c.event_id, event_ids)

    def close_citations(self, citation_ids: Iterable[UUID]) -> None:
        """Withdraw these citations."""
        self._close(citations, citations.c.id, citation_ids)

    def analyse(self) -> None:
        """Let PostgreSQL look at the tables again, after many rows were added within a transaction.

        It would go on with the plans made for the tables as they were: a check of a foreign key
        that read a table of a hundred rows as a whole would do so when it has a hundred thousand.
        """
        for table in (events, event_versions, citations, event_states, mentions):
            self._connection.execute(text(f"ANALYZE {table.name}"))

    def settle(self, event_ids: Iterable[UUID]) -> None:
        """Derive anew what these events say; every event that the revision touches, once."""
        refresh(self._connection, event_ids, self.revision.recorded_at)

    def _add(self, table: Table, rows: Iterable[Row]) -> None:
        number = {"revision": self.revision.number}
        insert_rows(self._connection, table, ({**row, **number} for row in rows))

    def _close(self, table: Table, key: Any, ids: Iterable[UUID]) -> None:
        chosen = list(ids)
        if chosen:
            self._connection.execute(
                table.update()
                .where(key == any_(literal(chosen, ARRAY(Uuid))), table.c.known_until.is_(None))
                .values(**self._closed)
            )


@contextmanager
def changing(
    connection: Connection, *, author: str, action: Action, reason: str | None = None
) -> Iterator[Change]:
    """Take the next revision, let the block fill it, and seal it.

    Other writers wait from here to the end of the transaction.
    """
    revision = next_revision(connection, author=author, action=action, reason=reason)
    yield Change(connection, revision)
    seal(connection, revision.number)
