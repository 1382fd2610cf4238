"""THE write path: record, correct, retract, cite. Every change of the record goes through here.

Each function takes a connection inside a transaction (`app.store.engine.writing`), writes one
revision, and leaves committing to the caller. Nothing recorded is edited: a correction closes
the newest version and adds one, a retraction only closes it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from app.domain.clocks import UncertainDate, parse_edtf
from app.domain.control import Basis, Kind, Outcome, Stance
from app.domain.errors import (
    InvalidValueError,
    StaleVersionError,
    UnknownPlaceError,
    UnknownRecordError,
)
from app.store.history import zone_of
from app.store.revisions import Revision, next_revision, take_turn
from app.store.states import refresh
from app.store.tables import citations, event_versions, events


@dataclass(frozen=True)
class Pin:
    """An editor's date for an event, in EDTF, put before what its citations say, and why."""

    occurred: str
    reason: str


@dataclass(frozen=True)
class Content:
    """What one version of an event says. `day_order` ranks events of one and the same day."""

    kind: Kind
    outcome: Outcome
    day_order: int = 0
    pin: Pin | None = None


@dataclass(frozen=True)
class Citation:
    """What one published document says about one event.

    `source` is the publisher's id, `origin` the name of the agency whose copy it is, or else the
    publisher's own. `published` and `asserted` are EDTF in the days of the district's country.
    `speaker` is the id of the party to the conflict on whose word it relies, if one. `note` is in
    the editor's own words.
    """

    stance: Stance
    source: str
    origin: str
    published: str
    basis: Basis
    asserted: str | None = None
    title: str | None = None
    url: str | None = None
    archived_url: str | None = None
    place_as_written: str | None = None
    speaker: str | None = None
    reliability: str | None = None
    credibility: int | None = None
    note: str | None = None
    id: UUID | None = None


@dataclass(frozen=True)
class Receipt:
    """What a write made: the event, its newest version, and the revision that it is part of."""

    event_id: UUID
    version: int
    revision: Revision


def record(
    connection: Connection,
    district_id: str,
    content: Content,
    cited: tuple[Citation, ...],
    *,
    author: str,
    event_id: UUID | None = None,
) -> Receipt:
    """Record a new event with the citations that report it, and perhaps some that dispute it.

    Raises UnknownPlaceError, InvalidValueError (a date, or no citation that supports the event)
    before anything is written, and RecordRuleError (through `writing`) where a rule of the
    database is broken.
    """
    zone = zone_of(connection, district_id)
    if zone is None:
        raise UnknownPlaceError(f"there is no district {district_id!r}", field="district")
    if not any(citation.stance is Stance.SUPPORTS for citation in cited):
        raise InvalidValueError("an event needs a citation that supports it", field="citations")
    version = _version_values(content, zone)
    documents = [_citation_values(citation, zone) for citation in cited]
    revision = next_revision(connection, author=author, action="record")
    event = event_id or uuid4()
    opened = _opened_by(revision)
    connection.execute(
        events.insert().values(id=event, district_id=district_id, revision=revision.number)
    )
    connection.execute(
        event_versions.insert().values(event_id=event, version=1, **version, **opened)
    )
    connection.execute(
        citations.insert(), [{"event_id": event} | values | opened for values in documents]
    )
    refresh(connection, event, revision.recorded_at)
    return Receipt(event, 1, revision)


def correct(
    connection: Connection,
    event_id: UUID,
    corrected_version: int,
    content: Content,
    *,
    author: str,
    reason: str,
) -> Receipt:
    """Replace what an event says, if `corrected_version` is still its newest version.

    Raises UnknownRecordError for an event that is not on record or was retracted, and
    StaleVersionError when somebody else corrected it first.
    """
    zone, newest = _newest(connection, event_id, corrected_version)
    version = _version_values(content, zone)
    revision = next_revision(connection, author=author, action="correct", reason=reason)
    _close_version(connection, event_id, revision)
    connection.execute(
        event_versions.insert().values(
            event_id=event_id, version=newest + 1, **version, **_opened_by(revision)
        )
    )
    refresh(connection, event_id, revision.recorded_at)
    return Receipt(event_id, newest + 1, revision)


def retract(
    connection: Connection, event_id: UUID, retracted_version: int, *, author: str, reason: str
) -> Receipt:
    """Take an event back. It stays in the record for every earlier `known_at`.

    Raises as `correct` does.
    """
    _, newest = _newest(connection, event_id, retracted_version)
    revision = next_revision(connection, author=author, action="retract", reason=reason)
    _close_version(connection, event_id, revision)
    refresh(connection, event_id, revision.recorded_at)
    return Receipt(event_id, newest, revision)


def cite(connection: Connection, event_id: UUID, citation: Citation, *, author: str) -> Receipt:
    """Add a document that supports or disputes an event.

    Raises UnknownRecordError for an event that is not on record or was retracted.
    """
    zone, newest = _newest(connection, event_id, None)
    values = _citation_values(citation, zone)
    revision = next_revision(connection, author=author, action="cite")
    connection.execute(
        citations.insert().values(event_id=event_id, **values, **_opened_by(revision))
    )
    refresh(connection, event_id, revision.recorded_at)
    return Receipt(event_id, newest, revision)


def _newest(connection: Connection, event_id: UUID, expected: int | None) -> tuple[ZoneInfo, int]:
    """Wait for this writer's turn; the event's zone and newest version (`expected`)."""
    take_turn(connection)
    row = connection.execute(
        select(events.c.district_id, event_versions.c.version)
        .join(event_versions)
        .where(events.c.id == event_id, event_versions.c.known_until.is_(None))
    ).first()
    if row is None:
        raise UnknownRecordError(f"there is no event {event_id}, or it was retracted", field="id")
    if expected is not None and row.version != expected:
        raise StaleVersionError(
            f"version {expected} of event {event_id} is not the newest one, {row.version} is",
            field="version",
        )
    zone = zone_of(connection, row.district_id)
    assert zone is not None  # noqa: S101 - a foreign key holds the district
    return zone, row.version


def _close_version(connection: Connection, event_id: UUID, revision: Revision) -> None:
    connection.execute(
        event_versions.update()
        .where(event_versions.c.event_id == event_id, event_versions.c.known_until.is_(None))
        .values(known_until=revision.recorded_at, closing_revision=revision.number)
    )


def _opened_by(revision: Revision) -> dict[str, int | datetime]:
    return {"revision": revision.number, "known_from": revision.recorded_at}


def _version_values(content: Content, zone: ZoneInfo) -> dict[str, Any]:
    pin = content.pin
    pinned = parse_edtf(pin.occurred, zone, field="occurred") if pin else None
    return {
        "kind": content.kind,
        "status": content.outcome.status,
        "controller_id": content.outcome.controller,
        "day_order": content.day_order,
        "pin_reason": pin.reason if pin else None,
        **_date_values("pinned", pinned),
    }


def _citation_values(citation: Citation, zone: ZoneInfo) -> dict[str, Any]:
    asserted = parse_edtf(citation.asserted, zone, field="asserted") if citation.asserted else None
    return {
        "id": citation.id or uuid4(),
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
        **_date_values("published", parse_edtf(citation.published, zone, field="published")),
        **_date_values("asserted", asserted),
    }


def _date_values(prefix: str, when: UncertainDate | None) -> dict[str, str | datetime | None]:
    return {
        f"{prefix}_edtf": when.edtf if when else None,
        f"{prefix}_earliest": when.earliest if when else None,
        f"{prefix}_latest": when.latest if when else None,
    }
