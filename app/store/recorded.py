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
    Row,
    Select,
    Subquery,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)

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
class Touched:
    """One revision, and the events and districts that it touched."""

    revision: int
    recorded_at: datetime
    action: Action
    events: tuple[str, ...]
    districts: tuple[tuple[Named, Named, str], ...]
    """Each with its province and the code of its country."""


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
            opened.c.version.label("opened_version"),
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
        .outerjoin(
            opened,
            and_(
                opened.c.event_id == touched.c.event_id,
                opened.c.revision == touched.c.revision,
            ),
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
    rows = connection.execute(
        select(
            touched.c.revision,
            touched.c.event_id,
            districts.c.id,
            districts.c.name,
            districts.c.province_id,
            provinces.c.name.label("province_name"),
            provinces.c.country_code,
        )
        .join_from(touched, events, events.c.id == touched.c.event_id)
        .join(districts, districts.c.id == events.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .order_by(touched.c.revision, districts.c.id, events.c.sequence)
    )
    by_revision: dict[int, list[Any]] = {}
    for row in rows:
        by_revision.setdefault(row.revision, []).append(row)
    return [
        Touched(
            revision=one.revision,
            recorded_at=one.recorded_at,
            action=Action(one.action),
            events=tuple(str(row.event_id) for row in by_revision.get(one.revision, ())),
            districts=tuple(
                dict.fromkeys(
                    (
                        Named(row.id, row.name),
                        Named(row.province_id, row.province_name),
                        row.country_code,
                    )
                    for row in by_revision.get(one.revision, ())
                )
            ),
        )
        for one in found
    ]


def _touches(between: Sequence[int], place: Place, limit: int | None) -> Subquery:
    """Revisions with the events that each touched: the newest ones, or those between two.

    Each of the four ways to touch an event gives its own newest ones, by its own index; the
    newest of all are among them.
    """
    parts = [
        _touching(column, between, place, limit)
        for table in (event_versions, citations)
        for column in (table.c.revision, table.c.closing_revision)
    ]
    every = union(*(select(part.subquery()) for part in parts)).subquery()
    statement = select(every)
    if limit is not None:
        statement = statement.order_by(every.c.revision.desc(), every.c.sequence.desc())
        statement = statement.limit(limit)
    return statement.subquery("touched")


def _touching(
    column: ColumnElement[Any], between: Sequence[int], place: Place, limit: int | None
) -> Select[Any]:
    table = column.table
    statement = (
        select(column.label("revision"), table.c.event_id, events.c.sequence)
        .join_from(table, events, events.c.id == table.c.event_id)
        .where(column.is_not(None))
        .distinct()
    )
    if between:
        statement = statement.where(column >= between[0], column <= between[1])
    equal = {
        events.c.district_id: place.district,
        districts.c.province_id: place.province,
        provinces.c.country_code: place.country,
    }
    conditions = [one == value for one, value in equal.items() if value is not None]
    if conditions:
        statement = (
            statement.join(districts, districts.c.id == events.c.district_id)
            .join(provinces, provinces.c.id == districts.c.province_id)
            .where(*conditions)
        )
    if limit is not None:
        statement = statement.order_by(column.desc(), events.c.sequence.desc()).limit(limit)
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
        happened=_happened(row),
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


def _happened(row: Row[Any]) -> Happened:
    if row.opened_version is not None:
        return Happened.RECORDED if row.opened_version == 1 else Happened.CORRECTED
    return Happened.TAKEN_BACK if row.known_until == row.recorded_at else Happened.CITED


def newest_revision(connection: Connection) -> int:
    """The number of the newest committed revision; 0 for an empty record."""
    return connection.scalar(select(func.max(revisions.c.revision))) or 0
