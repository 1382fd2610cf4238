"""Events as clients see them: what each says at the clocks asked for, with its citations."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    any_,
    func,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
)

from app.domain.clocks import Span
from app.domain.control import (
    Confidence,
    EventState,
    Kind,
    Outcome,
    Question,
    Reading,
    Status,
)
from app.domain.places import BoundingBox, Named
from app.store import as_of, prepared
from app.store.boundaries import districts_in
from app.store.status import stretch
from app.store.tables import (
    actors,
    citations,
    districts,
    event_states,
    event_versions,
    provinces,
    revisions,
)
from app.store.tables import events as recorded


@dataclass(frozen=True)
class Pinned:
    """An editor's date, put before what the citations say."""

    occurred: str
    reason: str


@dataclass(frozen=True)
class Event:
    """What one event says at the clocks asked for."""

    id: str
    version: int
    district: Named
    province: Named
    kind: Kind
    status: Status
    controller: Named | None
    effective_on: date
    span: Span
    confidence: Confidence
    disputed: bool
    day_order: int
    sequence: int
    pinned: Pinned | None

    @property
    def state(self) -> EventState:
        """The part of it that the rule looks at."""
        return EventState(
            event_id=self.id,
            sequence=self.sequence,
            outcome=Outcome(self.status, self.controller.id if self.controller else None),
            day_order=self.day_order,
            reading=Reading(self.span, self.confidence, self.disputed),
        )


@dataclass(frozen=True)
class Position:
    """Where a page of events ended: the rule's order key of its last event."""

    latest: datetime
    day_order: int
    sequence: int


@dataclass(frozen=True)
class Sought:
    """Which events are meant; every part that is given narrows it.

    `first` and `last` are days of effect, both included; `occurred` are the instants between which
    it may have occurred, both included, None for an open end. `after` is the last event of the
    page before.
    """

    event: UUID | None = None
    country: str | None = None
    district: str | None = None
    districts: tuple[str, ...] | None = None
    province: str | None = None
    status: Status | None = None
    controller: str | None = None
    confidence: Confidence | None = None
    kind: Kind | None = None
    source: str | None = None
    disputed: bool | None = None
    first: date | None = None
    last: date | None = None
    occurred: tuple[datetime | None, datetime | None] = (None, None)
    boundary_set: str | None = None
    bbox: BoundingBox | None = None
    after: Position | None = None
    limit: int | None = None


@dataclass(frozen=True)
class VersionInfo:
    """One version of an event: what it said, who recorded it when and why, and what closed it."""

    version: int
    kind: Kind
    status: Status
    controller: Named | None
    day_order: int
    pinned: Pinned | None
    known_from: datetime
    known_until: datetime | None
    revision: int
    author: str
    reason: str | None
    closed_by: str | None
    closing_reason: str | None
    closing_revision: int | None


def find(connection: Connection, question: Question, sought: Sought) -> list[Event]:
    """Events in effect by `as_of` and sure enough, newest first."""
    return [_event(row) for row in prepared.ask(connection, _find, question, sought)]


def _find(question: Question, sought: Sought) -> Select[Any]:
    return (
        _events()
        .where(as_of.counts(event_states, question), *_conditions(question, sought))
        .order_by(*as_of.newest_first(event_states))
        .limit(sought.limit)
    )


def count(connection: Connection, question: Question, sought: Sought) -> int:
    """How many events `find` gives on all pages together."""
    everywhere = replace(sought, after=None, limit=None)
    number: int = prepared.ask(connection, _count, question, everywhere).scalar_one()
    return number


def _count(question: Question, sought: Sought) -> Select[Any]:
    return (
        select(func.count())
        .join_from(event_states, districts, districts.c.id == event_states.c.district_id)
        .join(provinces)
        .where(as_of.counts(event_states, question), *_conditions(question, sought))
    )


def told_of(connection: Connection, question: Question, district: str) -> list[Event]:
    """Every event of a district at `reported_by` and `known_at`, sure and in effect or not."""
    rows = prepared.ask(connection, _told_of, question, Sought(district=district))
    return [_event(row) for row in rows]


def _told_of(question: Question, sought: Sought) -> Select[Any]:
    return _events().where(
        event_states.c.district_id == sought.district, as_of.told(event_states, question)
    )


def bearing_on(connection: Connection, question: Question, district: str) -> list[Event]:
    """The events of a district that `domain.control.other_claims` needs, and the deciding one.

    It finds the same in them as in all of the district. Left out is what lies before the stretch
    that holds now and before whatever may have begun it, what certainly comes after `as_of`, and
    the undisputed events within the stretch that say what the deciding one says.
    """
    rows = prepared.ask(connection, _bearing_on, question, Sought(district=district))
    return [_event(row) for row in rows]


def _bearing_on(question: Question, sought: Sought) -> Select[Any]:
    decider, last_other, start = stretch(question, districts.c.id)
    holding = (
        select(
            decider.c.event_id,
            *as_of.order_key(start),
            # As the rule reckons it: `domain.control._reach`.
            func.coalesce(start.c.earliest, last_other.c.latest, as_of.BEGINNING).label("reach"),
        )
        .select_from(districts)
        .outerjoin(decider, true())
        .outerjoin(last_other, true())
        .outerjoin(start, true())
        .where(districts.c.id == sought.district)
        .cte("holding")
        .prefix_with("MATERIALIZED")
    )
    # Values and no join: so the index is entered at `reach`, however many events lie before it.
    held = {column.key: select(column).scalar_subquery() for column in holding.c}
    until = question.clocks.as_of.until
    return _events().where(
        event_states.c.district_id == sought.district,
        as_of.told(event_states, question),
        *as_of.may_have_occurred(event_states, None, until),
        event_states.c.latest >= held["reach"],
        or_(
            event_states.c.latest > until,
            event_states.c.confidence < int(question.minimum),
            event_states.c.disputed,
            event_states.c.event_id == held["event_id"],
            # The first one of the stretch, and what counts but comes before it.
            tuple_(*as_of.order_key(event_states))
            <= tuple_(held["latest"], held["day_order"], held["sequence"]),
        ),
    )


def one(connection: Connection, question: Question, event_id: UUID) -> Event | None:
    """One event, if it was on record and reported at these clocks."""
    row = connection.execute(
        _events().where(event_states.c.event_id == event_id, as_of.told(event_states, question))
    ).first()
    return _event(row) if row else None


def district_of(connection: Connection, event_id: UUID) -> str | None:
    """The district that an event is about; None when no such event was ever recorded."""
    district: str | None = connection.scalar(
        select(recorded.c.district_id).where(recorded.c.id == event_id)
    )
    return district


def versions_of(connection: Connection, question: Question, event_id: UUID) -> list[VersionInfo]:
    """Every version of an event that had been recorded by `known_at`, oldest first."""
    opening, closing = revisions.alias("opening"), revisions.alias("closing")
    known_at = question.clocks.known_at
    statement = (
        select(
            event_versions,
            actors.c.name.label("controller_name"),
            opening.c.author,
            opening.c.reason,
            closing.c.revision.label("closed_revision"),
            closing.c.recorded_at.label("closed_at"),
            closing.c.author.label("closed_by"),
            closing.c.reason.label("closing_reason"),
        )
        .join(opening, opening.c.revision == event_versions.c.revision)
        .outerjoin(
            closing,
            (closing.c.revision == event_versions.c.closing_revision)
            & as_of.recorded_by(closing.c.recorded_at, known_at),
        )
        .outerjoin(actors, actors.c.id == event_versions.c.controller_id)
        .where(
            event_versions.c.event_id == event_id,
            as_of.recorded_by(event_versions.c.known_from, known_at),
        )
        .order_by(event_versions.c.version)
    )
    return [_version(row) for row in connection.execute(statement)]


def _events() -> Select[Any]:
    return (
        select(
            event_states,
            districts.c.name.label("district_name"),
            districts.c.province_id,
            provinces.c.name.label("province_name"),
            actors.c.name.label("controller_name"),
            event_versions.c.pinned_edtf,
            event_versions.c.pin_reason,
        )
        .join(
            event_versions,
            (event_versions.c.event_id == event_states.c.event_id)
            & (event_versions.c.version == event_states.c.version),
        )
        .join(districts, districts.c.id == event_states.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .outerjoin(actors, actors.c.id == event_states.c.controller_id)
    )


def _conditions(question: Question, sought: Sought) -> list[ColumnElement[bool]]:
    equal = {
        event_states.c.event_id: sought.event,
        provinces.c.country_code: sought.country,
        event_states.c.district_id: sought.district,
        districts.c.province_id: sought.province,
        event_states.c.status: sought.status,
        event_states.c.controller_id: sought.controller,
        event_states.c.confidence: sought.confidence,
        event_states.c.kind: sought.kind,
        event_states.c.disputed: sought.disputed,
    }
    conditions: list[ColumnElement[bool]] = [
        column == value for column, value in equal.items() if value is not None
    ]
    conditions += as_of.may_have_occurred(event_states, *sought.occurred)
    if sought.districts is not None:
        ids = type_coerce(sought.districts, ARRAY(Text))
        conditions.append(event_states.c.district_id == any_(ids))
    if sought.source is not None:
        cited_by = select(citations.c.event_id).where(
            citations.c.source_id == sought.source,
            as_of.known(citations, question.clocks.known_at),
            as_of.published(citations, question.clocks.reported_by),
        )
        conditions.append(event_states.c.event_id.in_(cited_by))
    if sought.first is not None:
        conditions.append(event_states.c.effective_on >= sought.first)
    if sought.last is not None:
        conditions.append(event_states.c.effective_on <= sought.last)
    if sought.bbox:
        shapes = "" if sought.boundary_set is None else sought.boundary_set
        conditions.append(event_states.c.district_id.in_(districts_in(sought.bbox, shapes)))
    if sought.after:
        end = sought.after
        position = (end.latest, end.day_order, end.sequence)
        conditions.append(tuple_(*as_of.order_key(event_states)) < tuple_(*position))
    return conditions


def _event(row: Row[Any]) -> Event:
    return Event(
        id=str(row.event_id),
        version=row.version,
        district=Named(row.district_id, row.district_name),
        province=Named(row.province_id, row.province_name),
        kind=Kind(row.kind),
        status=Status(row.status),
        controller=Named(row.controller_id, row.controller_name) if row.controller_id else None,
        effective_on=row.effective_on,
        span=Span(row.earliest, row.latest),
        confidence=Confidence(row.confidence),
        disputed=row.disputed,
        day_order=row.day_order,
        sequence=row.sequence,
        pinned=Pinned(row.pinned_edtf, row.pin_reason) if row.pinned_edtf else None,
    )


def _version(row: Row[Any]) -> VersionInfo:
    return VersionInfo(
        version=row.version,
        kind=Kind(row.kind),
        status=Status(row.status),
        controller=Named(row.controller_id, row.controller_name) if row.controller_id else None,
        day_order=row.day_order,
        pinned=Pinned(row.pinned_edtf, row.pin_reason) if row.pinned_edtf else None,
        known_from=row.known_from,
        known_until=row.closed_at,
        revision=row.revision,
        author=row.author,
        reason=row.reason,
        closed_by=row.closed_by,
        closing_reason=row.closing_reason,
        closing_revision=row.closed_revision,
    )
