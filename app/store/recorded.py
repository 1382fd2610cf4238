"""What was recorded, revision by revision: the news of the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.domain.clocks import Span
from app.domain.control import Action, Confidence, Kind, Status
from app.domain.places import Named
from app.store import as_of
from app.store.citations import Cited, cited_from, with_names
from app.store.tables import (
    actors,
    citations,
    districts,
    event_states,
    event_versions,
    events,
    provinces,
    revisions,
)


class Happened(StrEnum):
    """What a revision did to one event."""

    RECORDED = "recorded"
    CORRECTED = "corrected"
    TAKEN_BACK = "taken_back"
    CITED = "cited"
    WITHDRAWN = "withdrawn"
    """A document, of an event that stays what it was."""


MOST_IDS = 50
"""Events of one district that a revision names by their ids; of more it tells how many."""


@dataclass(frozen=True)
class Place:
    """Which events are meant; every part that is given narrows it."""

    country: str | None = None
    province: str | None = None
    district: str | None = None

    def covers(self, district: str, province: str, country: str) -> bool:
        """Whether a district lies in it."""
        return (
            self.district in (None, district)
            and self.province in (None, province)
            and self.country in (None, country)
        )


@dataclass(frozen=True)
class News:
    """One revision's change of one event: what it did, and what the event said from then on.

    For an event that was taken back it is what it had said. `cited` are the documents that came
    with the change.
    """

    revision: int
    recorded_at: datetime
    reason: str | None
    happened: Happened
    event_id: str
    district: Named
    province: Named
    kind: Kind
    status: Status
    controller: Named | None
    span: Span
    confidence: Confidence
    disputed: bool
    cited: tuple[Cited, ...]


@dataclass(frozen=True)
class TouchedDistrict:
    """A district with events that a revision touched; `events` is empty for more than MOST_IDS."""

    district: Named
    province: Named
    country: str
    events: tuple[str, ...]
    events_total: int


@dataclass(frozen=True)
class Touched:
    """One revision, and the districts that it touched, ordered by their ids."""

    revision: int
    recorded_at: datetime
    action: Action
    districts: tuple[TouchedDistrict, ...]


def newest(connection: Connection, place: Place, limit: int) -> list[News]:
    """The newest changes of events of a place, the last one first; three queries at the most."""
    touched = _touches([], place, limit)
    state = (
        select(event_states)
        .where(
            event_states.c.event_id == touched.c.event_id,
            as_of.recorded_by(event_states.c.known_from, revisions.c.recorded_at),
            # A revision that takes an event back closes its last state at its own instant.
            or_(
                event_states.c.known_until.is_(None),
                event_states.c.known_until >= revisions.c.recorded_at,
            ),
            as_of.in_force(event_states, None),
        )
        .order_by(event_states.c.known_from.desc())
        .limit(1)
        .lateral("state")
    )
    opened = event_versions.alias("opened")
    rows = connection.execute(
        select(
            touched.c.revision,
            revisions.c.recorded_at,
            revisions.c.action,
            revisions.c.reason,
            state,
            opened.c.revision.label("opened_by"),
            districts.c.name.label("district_name"),
            districts.c.province_id,
            provinces.c.name.label("province_name"),
            actors.c.name.label("controller_name"),
        )
        .join_from(touched, revisions, revisions.c.revision == touched.c.revision)
        .join(state, literal(True))
        .join(districts, districts.c.id == state.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .outerjoin(actors, actors.c.id == state.c.controller_id)
        .join(
            opened,
            and_(opened.c.event_id == state.c.event_id, opened.c.version == state.c.version),
        )
        .order_by(touched.c.revision.desc(), touched.c.sequence.desc())
    ).all()
    cited = _cited_with(connection, [(row.event_id, row.revision) for row in rows])
    return [_news(row, cited.get((row.event_id, row.revision), ())) for row in rows]


def touched_between(
    connection: Connection, after: int, until: int, *, limit: int = 100
) -> list[Touched]:
    """The revisions after one and up to another, oldest first, `limit` of them at the most."""
    found = connection.execute(
        select(revisions.c.revision, revisions.c.recorded_at, revisions.c.action)
        .where(revisions.c.revision > after, revisions.c.revision <= until)
        .order_by(revisions.c.revision)
        .limit(limit)
    ).all()
    if not found:
        return []
    touched = _touches([found[0].revision, found[-1].revision], Place(), None)
    # An import may touch a hundred thousand events: their ids stay where they are.
    number = func.count().label("events_total")
    ids = func.array_agg(aggregate_order_by(touched.c.event_id, touched.c.sequence))
    each = (
        select(
            touched.c.revision,
            touched.c.district_id,
            number,
            case((func.count() <= MOST_IDS, ids)).label("events"),
        )
        .group_by(touched.c.revision, touched.c.district_id)
        .subquery("each")
    )
    rows = connection.execute(
        select(
            each,
            districts.c.name,
            districts.c.province_id,
            provinces.c.name.label("province_name"),
            provinces.c.country_code,
        )
        .join_from(each, districts, districts.c.id == each.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .order_by(each.c.revision, each.c.district_id)
    )
    by_revision: dict[int, list[TouchedDistrict]] = {}
    for row in rows:
        by_revision.setdefault(row.revision, []).append(
            TouchedDistrict(
                district=Named(row.district_id, row.name),
                province=Named(row.province_id, row.province_name),
                country=row.country_code,
                events=tuple(map(str, row.events or ())),
                events_total=row.events_total,
            )
        )
    return [
        Touched(
            revision=one.revision,
            recorded_at=one.recorded_at,
            action=Action(one.action),
            districts=tuple(by_revision.get(one.revision, ())),
        )
        for one in found
    ]


def _touches(between: Sequence[int], place: Place, limit: int | None) -> Subquery:
    """Revisions with the events that each touched: the newest ones, or those between two.

    Each of the four ways to touch an event gives its own newest ones, by its own index; the
    newest of all are among them.
    """
    of = _events_of(place)
    parts = [
        _touching(column, of, between, limit)
        for table in (event_versions, citations)
        for column in (table.c.revision, table.c.closing_revision)
    ]
    every = union(*(select(part.subquery()) for part in parts)).subquery()
    statement = select(every)
    if limit is not None:
        statement = statement.order_by(every.c.revision.desc(), every.c.sequence.desc())
        statement = statement.limit(limit)
    return statement.subquery("touched")


def _events_of(place: Place) -> FromClause:
    """The events of a place.

    Those of a province or district are few: found first, and kept from being looked for among the
    newest of all, where there may be none of them. Those of a country are most of all.
    """
    equal = {
        events.c.district_id: place.district,
        districts.c.province_id: place.province,
        provinces.c.country_code: place.country,
    }
    conditions = [one == value for one, value in equal.items() if value is not None]
    if not conditions:
        return events
    statement = (
        select(events.c.id, events.c.sequence, events.c.district_id)
        .join_from(events, districts, districts.c.id == events.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .where(*conditions)
    )
    if place.province or place.district:
        return statement.cte("of_place").prefix_with("MATERIALIZED")
    return statement.subquery("of_country")


def _touching(
    column: ColumnElement[Any], of: FromClause, between: Sequence[int], limit: int | None
) -> Select[Any]:
    table = column.table
    statement = (
        select(column.label("revision"), table.c.event_id, of.c.sequence, of.c.district_id)
        .join_from(table, of, of.c.id == table.c.event_id)
        .where(column.is_not(None))
    )
    if table is citations:
        # Of several in one revision, one; an event has one version in each. A DISTINCT would read
        # all of them, and could not stop at the newest ones.
        other = citations.alias("other")
        statement = statement.where(
            ~exists().where(
                other.c.event_id == citations.c.event_id,
                other.c[column.name] == column,
                other.c.id < citations.c.id,
            )
        )
    if between:
        statement = statement.where(column >= between[0], column <= between[1])
    if limit is not None:
        statement = statement.order_by(column.desc(), of.c.sequence.desc()).limit(limit)
    return statement


def _cited_with(
    connection: Connection, changes: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], tuple[Cited, ...]]:
    """The documents that came with each change, in the order of publication."""
    statement = (
        with_names(select(citations))
        .where(tuple_(citations.c.event_id, citations.c.revision).in_(changes))
        .order_by(citations.c.published_latest, citations.c.id)
    )
    found: dict[tuple[UUID, int], tuple[Cited, ...]] = {}
    for row in connection.execute(statement):
        key = (row.event_id, row.revision)
        found[key] = (*found.get(key, ()), cited_from(row))
    return found


def _news(row: Row[Any], cited: tuple[Cited, ...]) -> News:
    return News(
        revision=row.revision,
        recorded_at=row.recorded_at,
        reason=row.reason,
        happened=_happened(row, cited),
        event_id=str(row.event_id),
        district=Named(row.district_id, row.district_name),
        province=Named(row.province_id, row.province_name),
        kind=Kind(row.kind),
        status=Status(row.status),
        controller=Named(row.controller_id, row.controller_name) if row.controller_id else None,
        span=Span(row.earliest, row.latest),
        confidence=Confidence(row.confidence),
        disputed=row.disputed,
        cited=cited,
    )


def _happened(row: Row[Any], cited: tuple[Cited, ...]) -> Happened:
    if row.opened_by == row.revision:
        return Happened.RECORDED if row.version == 1 else Happened.CORRECTED
    if row.known_until == row.recorded_at:
        return Happened.TAKEN_BACK
    return Happened.CITED if cited else Happened.WITHDRAWN


def newest_revision(connection: Connection) -> int:
    """The number of the newest committed revision; 0 for an empty record."""
    return connection.scalar(select(func.max(revisions.c.revision))) or 0
