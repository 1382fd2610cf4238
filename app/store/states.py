"""`event_states`: what each event says, by publication and by knowledge, kept ready for reads.

A write refreshes the event it touches in its own transaction. Nothing here decides anything:
the readings come from `app.domain.control`, and `rebuild` makes the whole table again from the
versions and citations.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from app.domain.control import Claim, readings_over_time
from app.store import as_of
from app.store.history import claim_of, held_version, zone_of
from app.store.revisions import take_turn
from app.store.tables import citations, event_states, event_versions, events


def refresh(connection: Connection, event_id: UUID, recorded_at: datetime) -> None:
    """Close what was known of an event and write what is known from `recorded_at` on."""
    connection.execute(
        event_states.update()
        .where(event_states.c.event_id == event_id, event_states.c.known_until.is_(None))
        .values(known_until=recorded_at)
    )
    _write(connection, event_id, recorded_at, None)


def rebuild(connection: Connection) -> int:
    """Make the table again from the record, for every event; returns the number of rows.

    Writers wait until it is done: they close states that are being replaced here.
    """
    take_turn(connection)
    connection.execute(event_states.delete())
    for event_id in connection.scalars(select(events.c.id).order_by(events.c.sequence)).all():
        turns = _turning_points(connection, event_id)
        for known_from, known_until in pairwise([*turns, None]):
            assert known_from is not None  # noqa: S101 - only the last of the pairs is open
            _write(connection, event_id, known_from, known_until)
    return connection.execute(select(func.count()).select_from(event_states)).scalar_one()


def _turning_points(connection: Connection, event_id: UUID) -> Sequence[datetime]:
    """Every instant at which something about the event was recorded or closed."""
    parts = [
        select(column).where(table.c.event_id == event_id, column.is_not(None))
        for table in (event_versions, citations)
        for column in (table.c.known_from, table.c.known_until)
    ]
    return sorted(connection.scalars(parts[0].union(*parts[1:])).all())


def _write(
    connection: Connection, event_id: UUID, known_from: datetime, known_until: datetime | None
) -> None:
    version = (
        connection.execute(
            select(event_versions, events.c.district_id, events.c.sequence)
            .join(events)
            .where(event_versions.c.event_id == event_id, as_of.known(event_versions, known_from))
        )
        .mappings()
        .first()
    )
    if version is None:
        return
    cited = connection.execute(
        select(citations).where(
            citations.c.event_id == event_id, as_of.known(citations, known_from)
        )
    )
    zone = zone_of(connection, version["district_id"])
    assert zone is not None  # noqa: S101 - a foreign key holds the district
    rows = _rows(version, [claim_of(row) for row in cited.mappings()], zone)
    for row in rows:
        row |= {"event_id": event_id, "known_from": known_from, "known_until": known_until}
    if rows:
        connection.execute(event_states.insert(), rows)


def _rows(version: Any, claims: Sequence[Claim], zone: ZoneInfo) -> list[dict[str, Any]]:
    held = held_version(version)
    readings = readings_over_time(claims, held.outcome, held.pinned)
    ends = [start for start, _ in readings[1:]] + [None]
    return [
        {
            "reported_from": start,
            "reported_until": end,
            "version": version["version"],
            "sequence": version["sequence"],
            "district_id": version["district_id"],
            "kind": version["kind"],
            "status": held.outcome.status,
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
