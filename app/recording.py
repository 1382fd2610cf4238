"""THE write path: record, correct, retract, cite. Every change of the record goes through here.

Each function takes a connection inside a transaction (`app.store.engine.writing`), writes one
revision, and leaves committing to the caller. Nothing recorded is edited: a correction closes
the newest version and adds one, a retraction only closes it. (`app.importing` writes many claims
as one revision, out of the same parts.)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, Table, select

from app.domain.clocks import UncertainDate, parse_edtf
from app.domain.control import Action, Basis, Kind, Outcome, Stance, Status
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
from app.store.tables import actors, citations, event_versions, events, sources

_LISTED = "citations.{}."


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
class Said:
    """What a document itself says, where the event that it was put to may say otherwise."""

    kind: Kind
    outcome: Outcome


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
    said: Said | None = None
    id: UUID = field(default_factory=uuid4)


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
    event_id: UUID, cited: Iterable[Citation], zone: ZoneInfo, *, within: str = _LISTED
) -> list[dict[str, Any]]:
    """Rows of `citations`; InvalidValueError for a date that cannot be read.

    `within` is where the citations stand in what the caller was given; errors name the field so.
    """
    return [
        _citation_row(event_id, citation, zone, within.format(place))
        for place, citation in enumerate(cited)
    ]


def check_content(content: Content) -> None:
    """Raise InvalidValueError where kind, status and controller do not fit together."""
    outcome = content.outcome
    if (outcome.controller is None) != (outcome.status is Status.CONTESTED):
        raise InvalidValueError(
            "a controlled district has a controller, a contested one has none", field="controller"
        )
    if content.kind is Kind.CONTESTED and outcome.status is not Status.CONTESTED:
        raise InvalidValueError("what is contested has no controller", field="kind")


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
    within: str = _LISTED,
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
