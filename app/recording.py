"""THE write path: record, correct, retract, cite. Every change of the record goes through here.

Each function takes a connection inside a transaction (`app.store.engine.writing`), writes one
revision, and leaves committing to the caller. Nothing recorded is edited: a correction closes
the newest version and adds one, a retraction only closes it. (`app.importing` writes many claims
as one revision, out of the same parts.)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, select

from app.domain.control import Action, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin, check_content
from app.domain.errors import (
    InvalidValueError,
    RecordRuleError,
    StaleVersionError,
    UnknownPlaceError,
    UnknownRecordError,
)
from app.store.changes import changing
from app.store.history import zone_of
from app.store.revisions import Revision, take_turn
from app.store.rows import LISTED, citation_of, citation_rows, version_row
from app.store.tables import actors, citations, event_versions, events, sources


@dataclass(frozen=True)
class Correction:
    """What a correction changes; what it leaves out stays as it is.

    `district` moves the event: it is taken back where it was and recorded anew where it belongs.
    `withdrawn` are the ids of citations that do not belong to it.
    """

    content: Content | None = None
    district: str | None = None
    cited: tuple[Citation, ...] = ()
    withdrawn: frozenset[UUID] = frozenset()


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

    Raises UnknownPlaceError, InvalidValueError (a date, a party, a publisher, or no citation that
    supports the event) before anything is written, and RecordRuleError (through `writing`) where
    a rule of the database is broken.
    """
    zone = _zone(connection, district_id)
    _check(connection, content, cited)
    if not _supported(cited):
        raise InvalidValueError("an event needs a citation that supports it", field="citations")
    event = event_id or uuid4()
    version = version_row(event, 1, content, zone)
    documents = citation_rows(event, cited, zone)
    with changing(connection, author=author, action=Action.RECORD) as change:
        change.add_events([{"id": event, "district_id": district_id}])
        change.add_versions([version])
        change.add_citations(documents)
        change.settle([event])
    return Receipt(event, 1, change.revision)


def correct(
    connection: Connection,
    event_id: UUID,
    corrected_version: int,
    correction: Correction,
    *,
    author: str,
    reason: str,
) -> Receipt:
    """Replace what an event says, if `corrected_version` is still its newest version.

    The receipt names another event where the correction moves it to another district.

    Raises UnknownRecordError for an event that is not on record or was retracted, and
    StaleVersionError when somebody else corrected it first; else as `record`.
    """
    now = _newest(connection, event_id, corrected_version)
    content = correction.content or now.content
    district = correction.district or now.district
    standing = _standing(connection, event_id)
    if foreign := correction.withdrawn - {citation.id for citation in standing}:
        raise InvalidValueError(f"{min(foreign)} is no citation of this event", field="withdraw")
    kept = [citation for citation in standing if citation.id not in correction.withdrawn]
    if not _supported((*kept, *correction.cited)):
        raise InvalidValueError(
            "without a citation that supports it there is no event: retract it", field="withdraw"
        )
    zone = _zone(connection, district)
    _check(connection, content, correction.cited)
    moved = district != now.district
    event = uuid4() if moved else event_id
    number = 1 if moved else now.version + 1
    copies = [replace(citation, id=uuid4()) for citation in kept] if moved else []
    version = version_row(event, number, content, zone)
    documents = citation_rows(event, correction.cited, zone) + citation_rows(event, copies, zone)
    with changing(connection, author=author, action=Action.CORRECT, reason=reason) as change:
        change.close_versions([event_id])
        change.close_citations(correction.withdrawn)
        if moved:
            change.add_events([{"id": event, "district_id": district, "replaces": event_id}])
        change.add_versions([version])
        change.add_citations(documents)
        change.settle({event_id, event})
    return Receipt(event, number, change.revision)


def retract(
    connection: Connection, event_id: UUID, retracted_version: int, *, author: str, reason: str
) -> Receipt:
    """Take an event back. It stays in the record for every earlier `known_at`.

    Raises as `correct` does.
    """
    now = _newest(connection, event_id, retracted_version)
    with changing(connection, author=author, action=Action.RETRACT, reason=reason) as change:
        change.close_versions([event_id])
        change.settle([event_id])
    return Receipt(event_id, now.version, change.revision)


def cite(connection: Connection, event_id: UUID, citation: Citation, *, author: str) -> Receipt:
    """Add a document that supports or disputes an event.

    Raises UnknownRecordError for an event that is not on record or was retracted; else as
    `record`.
    """
    now = _newest(connection, event_id, None)
    _check(connection, now.content, (citation,), within="")
    zone = _zone(connection, now.district)
    documents = citation_rows(event_id, (citation,), zone, within="")
    with changing(connection, author=author, action=Action.CITE) as change:
        change.add_citations(documents)
        change.settle([event_id])
    return Receipt(event_id, now.version, change.revision)


def add_source(connection: Connection, source_id: str, name: str, *, author: str) -> Revision:
    """Record a publisher. Raises RecordRuleError where its id or its name is taken."""
    take_turn(connection)
    _refuse_taken(connection, sources, id=source_id, name=name)
    with changing(connection, author=author, action=Action.ADD_SOURCE) as change:
        change.add_sources([{"id": source_id, "name": name}])
    return change.revision


def add_actor(connection: Connection, actor: Mapping[str, Any], *, author: str) -> Revision:
    """Record a party: `id`, `name`, `full_name`, `kind` (state, non-state) and `aliases`.

    Raises RecordRuleError where its id or its name is taken.
    """
    take_turn(connection)
    _refuse_taken(connection, actors, id=actor["id"], name=actor["name"])
    with changing(connection, author=author, action=Action.ADD_ACTOR) as change:
        change.add_actors([actor])
    return change.revision


def content_of(connection: Connection, event_id: UUID, version: int) -> Content:
    """What the newest version of an event says; raises as `correct` does.

    From here to the end of the transaction nobody else can change it.
    """
    return _newest(connection, event_id, version).content


@dataclass(frozen=True)
class _Newest:
    district: str
    version: int
    content: Content


def _zone(connection: Connection, district_id: str) -> ZoneInfo:
    zone = zone_of(connection, district_id)
    if zone is None:
        raise UnknownPlaceError(f"there is no district {district_id!r}", field="district")
    return zone


def _newest(connection: Connection, event_id: UUID, expected: int | None) -> _Newest:
    """Wait for this writer's turn; what stands of the event, if it is at version `expected`."""
    take_turn(connection)
    row = connection.execute(
        select(events.c.district_id, event_versions)
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
    outcome = Outcome(Status(row.status), row.controller_id)
    pin = Pin(row.pinned_edtf, row.pin_reason) if row.pinned_edtf else None
    content = Content(Kind(row.kind), outcome, row.day_order, pin)
    return _Newest(row.district_id, row.version, content)


def _standing(connection: Connection, event_id: UUID) -> list[Citation]:
    """The citations of an event that were not withdrawn."""
    rows = connection.execute(
        select(citations)
        .where(citations.c.event_id == event_id, citations.c.known_until.is_(None))
        .order_by(citations.c.id)
    )
    return [citation_of(row) for row in rows.mappings()]


def _supported(cited: Iterable[Citation]) -> bool:
    return any(citation.stance is Stance.SUPPORTS for citation in cited)


def _check(
    connection: Connection,
    content: Content,
    cited: tuple[Citation, ...],
    *,
    within: str = LISTED,
) -> None:
    """Refuse what the database would refuse, naming the field as the caller knows it."""
    check_content(content)
    parties = {content.outcome.controller: "controller"}
    publishers: dict[str | None, str] = {}
    for place, citation in enumerate(cited):
        parties.setdefault(citation.speaker, within.format(place) + "speaker")
        publishers.setdefault(citation.source, within.format(place) + "source")
    for table, given in ((actors, parties), (sources, publishers)):
        known = set(connection.scalars(select(table.c.id).where(table.c.id.in_(given))))
        for missing in given.keys() - known - {None}:
            noun = table.name.removesuffix("s")
            raise InvalidValueError(
                f"there is no {noun} {missing!r} on record: add it first (POST /{table.name})",
                field=given[missing],
            )


def _refuse_taken(connection: Connection, table: Table, **values: str) -> None:
    for name, value in values.items():
        if connection.scalar(select(table.c.id).where(table.c[name] == value)):
            raise RecordRuleError(
                f"there is one with the {name} {value!r} already",
                field=name,
                constraint=f"{table.name}_{'pkey' if name == 'id' else 'name_key'}",
            )
