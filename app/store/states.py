"""`event_states`: what each event says, by publication and by knowledge, kept ready for reads.

A write refreshes the events it touches in its own transaction. Nothing here decides anything:
the readings come from `app.domain.control`, and `rebuild` makes the whole table again from the
versions and citations. `mentions`, the other table kept for reads, goes with it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, Table, func, select

from app.domain.control import readings_over_time
from app.store import mentions
from app.store.bulk import insert_rows
from app.store.history import claim_of, held_version
from app.store.revisions import take_turn
from app.store.tables import (
    citations,
    countries,
    districts,
    event_states,
    event_versions,
    events,
    provinces,
)

_BATCH = 500
"""Events whose whole history is in memory at a time."""

Row = dict[str, Any]
Recorded = Mapping[str, Any] | RowMapping
Progress = Callable[[int, int], None]
"""Called with how many events are done, and how many there are."""


def refresh(connection: Connection, event_ids: Iterable[UUID], recorded_at: datetime) -> None:
    """Close what was known of these events and write what is known from `recorded_at` on."""
    remaining = iter(event_ids)
    while batch := list(islice(remaining, _BATCH)):
        connection.execute(
            event_states.update()
            .where(event_states.c.event_id.in_(batch), event_states.c.known_until.is_(None))
            .values(known_until=recorded_at)
        )
        histories = _histories(connection, batch, standing=True)
        insert_rows(
            connection,
            event_states,
            (row for history in histories for row in history.rows(recorded_at, None)),
        )
        mentions.refresh(connection, batch)


def rebuild(connection: Connection, progress: Progress = lambda *_: None) -> int:
    """Make both tables again from the record, for every event; returns the number of states.

    Writers wait until it is done: they close states that are being replaced here.
    """
    take_turn(connection)
    connection.execute(event_states.delete())
    for batch in _batches(connection, progress):
        insert_rows(
            connection,
            event_states,
            (row for history in _histories(connection, batch) for row in history.all_rows()),
        )
    mentions.rebuild(connection)
    return connection.execute(select(func.count()).select_from(event_states)).scalar_one()


def first_wrong(connection: Connection, progress: Progress = lambda *_: None) -> UUID | None:
    """The first event, in the order of recording, whose kept states are not what its record says.

    Where all states are right, the first one whose mentions are not. None where all is right, and
    there are no states of anything else.
    """
    columns = [column.name for column in event_states.columns]
    for batch in _batches(connection, progress):
        derived = {
            tuple(row[name] for name in columns)
            for history in _histories(connection, batch)
            for row in history.all_rows()
        }
        kept = {
            tuple(row)
            for row in connection.execute(
                select(event_states).where(event_states.c.event_id.in_(batch))
            )
        }
        differing = {row[columns.index("event_id")] for row in derived ^ kept}
        if differing:
            return next(event for event in batch if event in differing)
    return mentions.first_wrong(connection)


class History:
    """What was ever recorded about one event, and the states that follow from it."""

    def __init__(self, event: Recorded) -> None:
        self.event = event
        self.versions: list[Recorded] = []
        self.claims: list[Recorded] = []

    def all_rows(self) -> Iterator[Row]:
        """The states from each instant at which something about the event changed."""
        held = (*self.versions, *self.claims)
        turns = {row["known_from"] for row in held} | {row["known_until"] for row in held}
        for known_from, known_until in pairwise([*sorted(turns - {None}), None]):
            yield from self.rows(known_from, known_until)

    def rows(self, known_from: datetime, known_until: datetime | None) -> list[Row]:
        """The states of one period in which nothing about the event changed."""

        def known(row: Recorded) -> bool:
            return row["known_from"] <= known_from and (
                row["known_until"] is None or known_from < row["known_until"]
            )

        version = next(filter(known, self.versions), None)
        if version is None:
            return []
        held = held_version(version)
        claims = [claim_of(row) for row in self.claims if known(row)]
        readings = readings_over_time(claims, held.outcome, held.pinned)
        ends = [start for start, _ in readings[1:]] + [None]
        zone = ZoneInfo(self.event["time_zone"])
        return [
            {
                "event_id": self.event["id"],
                "known_from": known_from,
                "known_until": known_until,
                "reported_from": start,
                "reported_until": end,
                "version": version["version"],
                "sequence": self.event["sequence"],
                "district_id": self.event["district_id"],
                "kind": version["kind"],
                "status": held.outcome.status.value,
                "controller_id": held.outcome.controller,
                "day_order": held.day_order,
                "effective_on": reading.span.latest.astimezone(zone).date(),
                "earliest": reading.span.earliest,
                "latest": reading.span.latest,
                "confidence": int(reading.confidence),
                "disputed": reading.disputed,
            }
            for (start, reading), end in zip(readings, ends, strict=True)
        ]


def _histories(
    connection: Connection, event_ids: Sequence[UUID], *, standing: bool = False
) -> list[History]:
    """The histories of these events; only what is known now, if `standing`."""
    found = {
        row["id"]: History(row)
        for row in connection.execute(
            select(events.c.id, events.c.district_id, events.c.sequence, countries.c.time_zone)
            .join(districts, districts.c.id == events.c.district_id)
            .join(provinces, provinces.c.id == districts.c.province_id)
            .join(countries)
            .where(events.c.id.in_(event_ids))
            .order_by(events.c.sequence)
        ).mappings()
    }

    def held(table: Table) -> Iterable[RowMapping]:
        statement = select(table).where(table.c.event_id.in_(event_ids))
        if standing:
            statement = statement.where(table.c.known_until.is_(None))
        return connection.execute(statement).mappings()

    for row in held(event_versions):
        found[row["event_id"]].versions.append(row)
    for row in held(citations):
        found[row["event_id"]].claims.append(row)
    return list(found.values())


def _batches(connection: Connection, progress: Progress) -> Iterator[list[UUID]]:
    """The ids of all events in the order of recording, some at a time."""
    total = connection.execute(select(func.count()).select_from(events)).scalar_one()
    done, after = 0, 0
    while rows := connection.execute(
        select(events.c.id, events.c.sequence)
        .where(events.c.sequence > after)
        .order_by(events.c.sequence)
        .limit(_BATCH)
    ).all():
        yield [row.id for row in rows]
        done, after = done + len(rows), rows[-1].sequence
        progress(done, total)
