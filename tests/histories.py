"""Events as they were recorded, whole: what the specification reads."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from app.domain.control import EventHistory, HeldClaim
from app.store.history import claim_of, held_version
from app.store.tables import citations, event_versions, events


def histories(connection: Connection, event_ids: Iterable[UUID]) -> list[EventHistory]:
    """The histories of these events, in the order of recording."""
    which = events.c.id.in_(list(event_ids))
    versions = _by_event(
        connection,
        select(event_versions).join(events).where(which).order_by(event_versions.c.version),
    )
    claims = _by_event(
        connection, select(citations).join(events).where(which).order_by(citations.c.id)
    )
    heads = connection.execute(
        select(events.c.id, events.c.sequence).where(which).order_by(events.c.sequence)
    )
    return [
        EventHistory(
            event_id=str(head.id),
            sequence=head.sequence,
            versions=tuple(held_version(row) for row in versions.get(head.id, ())),
            claims=tuple(
                HeldClaim(row["known_from"], row["known_until"], claim_of(row))
                for row in claims.get(head.id, ())
            ),
        )
        for head in heads
    ]


def _by_event(connection: Connection, query: Any) -> dict[UUID, list[RowMapping]]:
    grouped: dict[UUID, list[RowMapping]] = {}
    for row in connection.execute(query).mappings():
        grouped.setdefault(row["event_id"], []).append(row)
    return grouped
