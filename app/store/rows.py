"""Rows of versions and citations, made from what people enter and read as that again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping

from app.domain.clocks import UncertainDate, parse_edtf
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Said

LISTED = "citations.{}."
"""Where the citations of an event stand in what a caller gives; `{}` is the place in the list."""


def version_row(event_id: UUID, version: int, content: Content, zone: ZoneInfo) -> dict[str, Any]:
    """A row of `event_versions`; InvalidValueError for a pinned date that cannot be read."""
    pin = content.pin
    pinned = parse_edtf(pin.occurred, zone, field="pinned.occurred") if pin else None
    return {
        "event_id": event_id,
        "version": version,
        "kind": content.kind,
        "status": content.outcome.status,
        "controller_id": content.outcome.controller,
        "day_order": content.day_order,
        "pin_reason": pin.reason if pin else None,
        **_date_values("pinned", pinned),
    }


def citation_rows(
    event_id: UUID, cited: Iterable[Citation], zone: ZoneInfo, *, within: str = LISTED
) -> list[dict[str, Any]]:
    """Rows of `citations`; InvalidValueError for a date that cannot be read.

    `within` is where the citations stand in what the caller was given; errors name the field so.
    """
    return [
        _citation_row(event_id, citation, zone, within.format(place))
        for place, citation in enumerate(cited)
    ]


def citation_of(row: Mapping[str, Any] | RowMapping) -> Citation:
    """Read a row of `citations` as what was recorded with it."""
    said = None
    if row["said_kind"]:
        outcome = Outcome(Status(row["said_status"]), row["said_controller_id"])
        said = Said(Kind(row["said_kind"]), outcome)
    return Citation(
        id=row["id"],
        stance=Stance(row["stance"]),
        source=row["source_id"],
        origin=row["origin"],
        title=row["title"],
        url=row["url"],
        archived_url=row["archived_url"],
        published=row["published_edtf"],
        asserted=row["asserted_edtf"],
        place_as_written=row["place_as_written"],
        basis=Basis(row["basis"]),
        speaker=row["speaker_id"],
        reliability=row["reliability"],
        credibility=row["credibility"],
        note=row["note"],
        said=said,
    )


def _citation_row(
    event_id: UUID, citation: Citation, zone: ZoneInfo, within: str
) -> dict[str, Any]:
    published = parse_edtf(citation.published, zone, field=f"{within}published")
    asserted = (
        parse_edtf(citation.asserted, zone, field=f"{within}asserted")
        if citation.asserted
        else None
    )
    said = citation.said
    return {
        "id": citation.id,
        "event_id": event_id,
        "stance": citation.stance,
        "source_id": citation.source,
        "origin": citation.origin,
        "title": citation.title,
        "url": citation.url,
        "archived_url": citation.archived_url,
        "place_as_written": citation.place_as_written,
        "basis": citation.basis,
        "speaker_id": citation.speaker,
        "reliability": citation.reliability,
        "credibility": citation.credibility,
        "note": citation.note,
        "said_kind": said.kind if said else None,
        "said_status": said.outcome.status if said else None,
        "said_controller_id": said.outcome.controller if said else None,
        **_date_values("published", published),
        **_date_values("asserted", asserted),
    }


def _date_values(prefix: str, when: UncertainDate | None) -> dict[str, str | datetime | None]:
    return {
        f"{prefix}_edtf": when.edtf if when else None,
        f"{prefix}_earliest": when.earliest if when else None,
        f"{prefix}_latest": when.latest if when else None,
    }
