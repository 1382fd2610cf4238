"""Rows of the record, read as what the rule looks at."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select

from app.domain.clocks import Span
from app.domain.control import (
    Basis,
    Claim,
    HeldVersion,
    Outcome,
    Stance,
    Status,
)
from app.store.tables import countries, districts, provinces


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
