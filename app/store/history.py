"""Events as they were recorded, whole: every version and every citation that was ever known."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select

from app.domain.clocks import Span
from app.domain.control import (
    Basis,
    Claim,
    EventHistory,
    HeldClaim,
    HeldVersion,
    Outcome,
    Stance,
    Status,
)
from app.store.tables import citations, countries, districts, event_versions, events, provinces


def histories(
    connection: Connection, event_ids: Iterable[UUID] | None = None
) -> list[EventHistory]:
    """The histories of these events (None: all), in the order of recording."""
    wanted = None if event_ids is None else list(event_ids)
    which = events.c.id.in_(wanted) if wanted is not None else events.c.id.is_not(None)
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


def zone_of(connection: Connection, district_id: str) -> ZoneInfo | None:
    """The time zone of a district's country; None when there is no such district."""
    name = connection.execute(
        select(countries.c.time_zone)
        .join(provinces, provinces.c.country_code == countries.c.code)
        .join(districts, districts.c.province_id == provinces.c.id)
        .where(districts.c.id == district_id)
    ).scalar()
    return None if name is None else ZoneInfo(name)


def held_version(row: Mapping[str, Any] | RowMapping) -> HeldVersion:
    """Read one version from a row of `event_versions`."""
    return HeldVersion(
        known_from=row["known_from"],
        known_until=row["known_until"],
        outcome=Outcome(Status(row["status"]), row["controller_id"]),
        day_order=row["day_order"],
        pinned=_span(row, "pinned"),
    )


def claim_of(row: Mapping[str, Any] | RowMapping) -> Claim:
    """Read what the rule looks at from a row of `citations`."""
    published = _span(row, "published")
    assert published is not None  # noqa: S101 - not null in the table
    return Claim(
        stance=Stance(row["stance"]),
        origin=row["origin"],
        published=published,
        asserted=_span(row, "asserted"),
        basis=Basis(row["basis"]),
        speaker=row["speaker_id"],
        reliability=row["reliability"],
        credibility=row["credibility"],
    )


def _span(row: Mapping[str, Any] | RowMapping, prefix: str) -> Span | None:
    latest = row[f"{prefix}_latest"]
    return None if latest is None else Span(row[f"{prefix}_earliest"], latest)


def _by_event(connection: Connection, query: Any) -> dict[UUID, list[RowMapping]]:
    grouped: dict[UUID, list[RowMapping]] = {}
    for row in connection.execute(query).mappings():
        grouped.setdefault(row["event_id"], []).append(row)
    return grouped
