"""The claims on record about one district, as grouping needs them, and those of a file, staged."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    select,
)

from app.domain.control import Action
from app.store.bulk import insert_rows
from app.store.tables import citations, event_versions, events, imports, revisions


@dataclass(frozen=True)
class OnRecord:
    """One event of a district, its newest version and its citations.

    `standing`: it was not retracted. `by_hand`: an editor recorded, corrected, pinned, cited or
    retracted it; else only imports wrote it. `citations` are those that stand; `withdrawn` those
    that an editor took out.
    """

    id: UUID
    sequence: int
    version: RowMapping
    standing: bool
    by_hand: bool
    citations: list[RowMapping]
    withdrawn: list[RowMapping]


@dataclass(frozen=True)
class Staged:
    """One claim of a file: the line where it stands, its key, and everything that it says."""

    district: str
    key: str
    line: int
    claim: Any


def on_record(connection: Connection, district_ids: Collection[str]) -> dict[str, list[OnRecord]]:
    """Every event of these districts that was ever recorded, in the order of recording."""
    here = select(events.c.id).where(events.c.district_id.in_(district_ids))
    by_hand = _touched_by_editors(connection, here)
    versions = {
        row["event_id"]: row
        for row in connection.execute(
            select(event_versions)
            .where(event_versions.c.event_id.in_(here))
            .order_by(event_versions.c.version)
        ).mappings()
    }
    cited: dict[UUID, list[RowMapping]] = {}
    taken_out: dict[UUID, list[RowMapping]] = {}
    closing = revisions.alias("closing")
    for row in connection.execute(
        select(citations, closing.c.action.label("closing_action"))
        .outerjoin(closing, closing.c.revision == citations.c.closing_revision)
        .where(citations.c.event_id.in_(here))
        .order_by(citations.c.id)
    ).mappings():
        if row["known_until"] is None:
            cited.setdefault(row["event_id"], []).append(row)
        elif row["closing_action"] != Action.IMPORT:
            taken_out.setdefault(row["event_id"], []).append(row)
    found: dict[str, list[OnRecord]] = {district: [] for district in district_ids}
    for event in connection.execute(
        select(events.c.id, events.c.sequence, events.c.district_id)
        .where(events.c.district_id.in_(district_ids))
        .order_by(events.c.sequence)
    ):
        version = versions[event.id]
        found[event.district_id].append(
            OnRecord(
                id=event.id,
                sequence=event.sequence,
                version=version,
                standing=version["known_until"] is None,
                by_hand=event.id in by_hand or version["pinned_edtf"] is not None,
                citations=cited.get(event.id, []),
                withdrawn=taken_out.get(event.id, []),
            )
        )
    return found


def _touched_by_editors(connection: Connection, here: Select[Any]) -> set[UUID]:
    parts = [
        select(table.c.event_id)
        .join(revisions, revisions.c.revision == table.c[column])
        .where(table.c.event_id.in_(here), revisions.c.action != Action.IMPORT)
        for table in (event_versions, citations)
        for column in ("revision", "closing_revision")
    ]
    return set(connection.scalars(parts[0].union(*parts[1:])))


class Stage:
    """A temporary table for the claims of one file, which may be longer than memory.

    It goes away with the transaction. Give it rows in batches, then read it by district.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(
            "staged_claims",
            MetaData(),
            Column("district", Text, nullable=False),
            Column("key", Text, nullable=False),
            Column("line", Integer, nullable=False),
            Column("claim", Text, nullable=False),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        self._table.create(connection)

    def add(self, batch: Iterable[Staged]) -> None:
        """Add claims."""
        insert_rows(
            self._connection,
            self._table,
            (
                {
                    "district": one.district,
                    "key": one.key,
                    "line": one.line,
                    "claim": json.dumps(one.claim, ensure_ascii=False),
                }
                for one in batch
            ),
        )

    def drop(self) -> None:
        """Make room for the stage of another file within the same transaction."""
        self._table.drop(self._connection)

    def by_district(self, number: int) -> Iterator[dict[str, list[Staged]]]:
        """The claims of some districts at a time: so many that there are `number` claims.

        The order does not depend on that of the rows.
        """
        columns = self._table.c
        rows = self._read(columns.district, columns.key, columns.claim)
        batch: dict[str, list[Staged]] = {}
        held = 0
        for district, staged in groupby(rows, key=lambda one: one.district):
            batch[district] = list(staged)
            held += len(batch[district])
            if held >= number:
                yield batch
                batch, held = {}, 0
        if batch:
            yield batch

    def in_order(self, number: int) -> Iterator[list[Staged]]:
        """Everything in the order of the keys, so many at a time."""
        rows = self._read(self._table.c.key)
        while batch := list(islice(rows, number)):
            yield batch

    def _read(self, *order: Column[str]) -> Iterator[Staged]:
        rows = self._connection.execute(
            select(self._table).order_by(
                *(column.collate("C") for column in order), self._table.c.line
            ),
            execution_options={"yield_per": 2000},
        )
        for row in rows:
            yield Staged(row.district, row.key, row.line, json.loads(row.claim))


def known_events(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Those of these events that were ever recorded, and their districts."""
    rows = connection.execute(select(events.c.id, events.c.district_id).where(events.c.id.in_(ids)))
    return {row.id: row.district_id for row in rows}


def known_citations(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these citations that were ever recorded."""
    return set(connection.scalars(select(citations.c.id).where(citations.c.id.in_(ids))))


def report_of(connection: Connection, revision: int) -> Mapping[str, Any] | None:
    """What the import that made a revision found; None for a revision that is no import."""
    found: Mapping[str, Any] | None = connection.scalar(
        select(imports.c.report).where(imports.c.revision == revision)
    )
    return found
