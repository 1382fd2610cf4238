"""What totals and series are made of: the statuses of many districts, without their names."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Select,
    cast,
    func,
    null,
    or_,
    select,
    true,
    union_all,
)

from app.domain.clocks import Clocks, Moment
from app.domain.control import UNKNOWN, EventState, Outcome, Question, Status
from app.domain.places import Named
from app.domain.summary import Place
from app.store import as_of, prepared
from app.store.replay import state_of
from app.store.status import Which, deciding, places_of, standing
from app.store.tables import districts, event_states, provinces


@dataclass(frozen=True)
class CountedDistrict:
    """A district as summaries count it.

    `changed` says for each of the instants before whether it was in another state then.
    """

    place: Place
    district: Named
    province: str
    controller: Named | None
    is_provincial_capital: bool
    is_national_capital: bool
    changed: tuple[bool, bool]


@dataclass(frozen=True)
class _Before:
    """Whose districts are counted, and the two instants they are compared with."""

    country: str | None
    province: str | None
    first: datetime
    second: datetime


def counted(
    connection: Connection, question: Question, which: Which, before: tuple[datetime, datetime]
) -> list[CountedDistrict]:
    """The districts of a country or province, and whether they changed, in the order of ids.

    One query; `before` are instants before `as_of`.
    """
    sought = _Before(which.country, which.province, *before)
    return [
        CountedDistrict(
            place=Place(_outcome(row), row.since, row.area_km2, row.population),
            district=Named(row.id, row.name),
            province=row.province_id,
            controller=Named(row.controller_id, row.controller_name) if row.controller_id else None,
            is_provincial_capital=row.is_provincial_capital,
            is_national_capital=row.is_national_capital,
            changed=(row.changed_first, row.changed_second),
        )
        for row in prepared.ask(connection, _counted, question, sought)
    ]


def _counted(question: Question, which: _Before) -> Select[Any]:
    held = standing(question, Which(country=which.country, province=which.province)).subquery()
    columns = (
        *("id", "name", "province_id", "is_provincial_capital", "is_national_capital", "status"),
        *("controller_id", "controller_name", "since", "area_km2", "population"),
    )
    statement = select(*(held.c[name] for name in columns)).select_from(held).order_by(held.c.id)
    for name, instant in (("first", which.first), ("second", which.second)):
        then = deciding(_asked_at(question, instant), held.c.id, name)
        statement = statement.outerjoin(then, true()).add_columns(
            _differ(held, then).label(f"changed_{name}")
        )
    return statement


@dataclass(frozen=True)
class _Other:
    """Whose districts are compared, and the clocks of the other question."""

    country: str | None
    province: str | None
    as_of: datetime
    reported_by: datetime | None
    known_at: datetime


def differing(
    connection: Connection, before: Question, after: Question, which: Which
) -> tuple[str, ...]:
    """The districts of a country or province whose outcomes differ, in the order of their ids.

    The questions differ in their clocks alone.
    """
    clocks = before.clocks
    sought = _Other(
        which.country,
        which.province,
        clocks.as_of.until,
        clocks.reported_by.until if clocks.reported_by else None,
        clocks.known_at,
    )
    return tuple(row.id for row in prepared.ask(connection, _differing, after, sought))


def _differing(question: Question, which: _Other) -> Select[Any]:
    reported_by = None if which.reported_by is None else Moment("", which.reported_by)
    clocks = Clocks(Moment("", which.as_of), reported_by, which.known_at)
    before = deciding(replace(question, clocks=clocks), districts.c.id, "before")
    after = deciding(question, districts.c.id, "after")
    return (
        select(districts.c.id)
        .join(provinces)
        .outerjoin(before, true())
        .outerjoin(after, true())
        .where(
            *places_of(Which(country=which.country, province=which.province)),
            _differ(before, after),
        )
        .order_by(districts.c.id)
    )


@dataclass(frozen=True)
class Turn:
    """On a day so many districts came to have an outcome; left it, where the number is negative."""

    day: date
    outcome: Outcome
    districts: int


@dataclass(frozen=True)
class _From:
    """Whose districts are counted, from which day on, and the last instant of that day."""

    country: str | None
    province: str | None
    first: date
    until: datetime


def turns(connection: Connection, question: Question, which: Which, first: date) -> list[Turn]:
    """How the numbers of districts by outcome move up to `as_of`, in one query.

    What they are at the end of the `first` day counts as having begun on it: added up to any later
    day, the turns are the numbers at its end. Events of before that day are not read.
    """
    sought = _From(which.country, which.province, first, Moment.of_day(first, question.zone).until)
    return [
        Turn(row.day, _outcome(row), row.districts)
        for row in prepared.ask(connection, _turns, question, sought)
    ]


_ORDER = ("latest", "day_order", "sequence")


def _turns(question: Question, which: _From) -> Select[Any]:
    places = places_of(Which(country=which.country, province=which.province))
    at_first = deciding(_asked_at(question, which.until), districts.c.id, "at_first")
    told = ("status", "controller_id")
    begun = (
        select(
            districts.c.id.label("district_id"),
            cast(which.first, Date).label("day"),
            *(at_first.c[name] for name in told),
            # Before all that comes later, whether there is one or not.
            *(cast(null(), event_states.c[name].type).label(name) for name in _ORDER),
        )
        .join(provinces)
        .outerjoin(at_first, true())
        .where(*places)
    )
    later = (
        select(
            event_states.c.district_id,
            event_states.c.effective_on.label("day"),
            *(event_states.c[name] for name in (*told, *_ORDER)),
        )
        .join_from(event_states, districts, districts.c.id == event_states.c.district_id)
        .join(provinces)
        .where(*places, as_of.counts(event_states, question), event_states.c.latest > which.until)
    )
    every = union_all(begun, later).subquery()
    over: dict[str, Any] = {
        "partition_by": every.c.district_id,
        "order_by": [every.c[name].asc().nulls_first() for name in _ORDER],
    }
    followed = select(
        every.c.day,
        *(every.c[name] for name in told),
        *(func.lag(every.c[name]).over(**over).label(f"{name}_before") for name in told),
        (func.row_number().over(**over) == 1).label("is_first"),
    ).subquery()
    before = [followed.c[f"{name}_before"] for name in told]
    turned = or_(
        *(followed.c[name].is_distinct_from(followed.c[f"{name}_before"]) for name in told)
    )
    came = [followed.c.day, *(followed.c[name] for name in told)]
    left = [
        followed.c.day,
        *(column.label(name) for column, name in zip(before, told, strict=True)),
    ]
    number = func.count()
    return select(
        union_all(
            select(*came, number.label("districts"))
            .where(or_(followed.c.is_first, turned))
            .group_by(*came),
            select(*left, (-number).label("districts"))
            .where(~followed.c.is_first, turned)
            .group_by(followed.c.day, *before),
        ).subquery()
    )


def histories(
    connection: Connection, question: Question, which: Which
) -> dict[str, list[EventState]]:
    """By district, the events that count, oldest first; those never reported are left out."""
    statement = (
        select(event_states)
        .join(districts, districts.c.id == event_states.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .where(*places_of(which), as_of.counts(event_states, question))
        .order_by(*as_of.order_key(event_states))
    )
    found: dict[str, list[EventState]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.district_id, []).append(state_of(row))
    return found


def _asked_at(question: Question, instant: datetime) -> Question:
    """The same question about another moment."""
    clocks = question.clocks
    return replace(
        question, clocks=Clocks(Moment("", instant), clocks.reported_by, clocks.known_at)
    )


def _differ(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Two deciding events, or none, gave a district different outcomes."""
    return or_(
        one.c.status.is_distinct_from(other.c.status),
        one.c.controller_id.is_distinct_from(other.c.controller_id),
    )


def _outcome(row: Any) -> Outcome:
    return Outcome(Status(row.status), row.controller_id) if row.status else UNKNOWN
