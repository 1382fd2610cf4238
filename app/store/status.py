"""Who holds each district: the control rule in SQL.

`app.domain.control` says what the rule is; `tests/test_rule_agrees.py` shows that this agrees.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Numeric,
    Result,
    Select,
    Subquery,
    Text,
    and_,
    any_,
    cast,
    func,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)

from app.domain.clocks import Span
from app.domain.control import UNKNOWN, Confidence, Outcome, Question, Status
from app.domain.places import BoundingBox, Named, Sought
from app.domain.summary import Place
from app.domain.words import Told, in_words
from app.store import as_of, prepared, search
from app.store.boundaries import district_at, districts_in
from app.store.tables import (
    actors,
    districts,
    event_states,
    mentions,
    provinces,
)


@dataclass(frozen=True)
class DistrictStatus:
    """One district and what holds there at the moment that was asked about.

    `since` is the day on which the unbroken stretch of this outcome began, `since_at` the instant;
    `span` and what follows are those of the deciding event. All are None where the status is
    unknown. `last_reported` is the newest publication that speaks of the district, whatever it
    says.
    """

    id: str
    name: str
    name_local: str | None
    province: Named
    is_provincial_capital: bool
    is_national_capital: bool
    area_km2: float | None
    area_year: str | None
    population: int | None
    population_year: str | None
    status: Status
    controller: Named | None
    since: date | None
    since_at: datetime | None
    span: Span | None
    confidence: Confidence | None
    disputed: bool
    last_reported: date | None
    event_id: str | None
    match: search.Match | None = None
    """How it was found; None where no name was sought."""

    @property
    def outcome(self) -> Outcome:
        """Status and controller, as the rule compares them."""
        return Outcome(self.status, self.controller.id if self.controller else None)

    def in_words(self, question: Question) -> str:
        """The answer in plain sentences; `question` is the one that it answers."""
        reported_by = question.clocks.reported_by
        return in_words(
            Told(
                district=self.name,
                province=self.province.name,
                outcome=self.outcome,
                holder=self.controller.name if self.controller else None,
                since=self.since,
                confidence=self.confidence,
                disputed=self.disputed,
                last_reported=self.last_reported,
                as_of=question.clocks.as_of.text,
                reported_by=reported_by.text if reported_by else None,
            )
        )

    @property
    def place(self) -> Place:
        """What the totals count."""
        return Place(self.outcome, self.since, self.area_km2, self.population)


@dataclass(frozen=True)
class Which:
    """Which districts are meant; every part that is given narrows it.

    `bbox` and `point` (longitude, latitude) are looked for among the shapes of `boundary_set`;
    without one nothing lies there. `after` and `limit` page through them in the order of their
    ids; where a name is `sought`, in that of their matches, from `after_score` on.
    """

    country: str | None = None
    district: str | None = None
    districts: tuple[str, ...] | None = None
    province: str | None = None
    controller: str | None = None
    status: Status | None = None
    boundary_set: str | None = None
    bbox: BoundingBox | None = None
    point: tuple[float, float] | None = None
    sought: Sought | None = None
    after: str | None = None
    after_score: float | None = None
    limit: int | None = None


def statuses(connection: Connection, question: Question, which: Which) -> list[DistrictStatus]:
    """The status of the districts that are meant, in the order of their ids, in one query.

    Where a name is sought the best match comes first.
    """
    if which.sought:
        match = search.matches(connection, "district", which.sought)
        rows: Result[Any] = connection.execute(ranked(standing(question, which), match, which))
    else:
        rows = prepared.ask(connection, _in_order, question, which)
    return [_status(row, question) for row in rows.mappings()]


def _in_order(question: Question, which: Which) -> Select[Any]:
    return standing(question, which).order_by(districts.c.id)


def names_of_districts(connection: Connection, which: Which) -> dict[str, str]:
    """Ids and names of the districts of a country or province, in the order of their ids."""
    rows = connection.execute(
        select(districts.c.id, districts.c.name)
        .join(provinces)
        .where(*places_of(which))
        .order_by(districts.c.id)
    )
    return {row.id: row.name for row in rows}


def standing(question: Question, which: Which) -> Select[Any]:
    """Who holds which district: one row for each that is meant, in no order."""
    decider, last_other, start = stretch(question, districts.c.id)
    return (
        select(
            districts,
            provinces.c.name.label("province_name"),
            decider.c.status,
            decider.c.controller_id,
            actors.c.name.label("controller_name"),
            decider.c.earliest,
            decider.c.latest,
            decider.c.confidence,
            decider.c.disputed,
            decider.c.event_id,
            start.c.effective_on.label("since"),
            start.c.latest.label("since_at"),
            _last_published(question).label("last_published"),
        )
        .join(provinces)
        .outerjoin(decider, true())
        .outerjoin(last_other, true())
        .outerjoin(start, true())
        .outerjoin(actors, actors.c.id == decider.c.controller_id)
        .where(*_conditions(which, decider))
        .limit(which.limit)
    )


def deciding(question: Question, place: ColumnElement[str], name: str) -> FromClause:
    """The state of the event that decides in a district, which is a column of another table."""
    return (
        select(event_states)
        .where(event_states.c.district_id == place, as_of.counts(event_states, question))
        .order_by(*as_of.newest_first(event_states))
        .limit(1)
        .lateral(name)
    )


def ranked(statement: Select[Any], match: Subquery, which: Which) -> Select[Any]:
    """Only the districts that match, the best first, in the order of ids among equals."""
    if which.after and which.after_score is not None:
        score = cast(which.after_score, Numeric)
        statement = statement.where(
            or_(match.c.score < score, and_(match.c.score == score, districts.c.id > which.after))
        )
    return (
        statement.join(match, match.c.place_id == districts.c.id)
        .add_columns(match.c.matched_name, match.c.score, match.c.how)
        .order_by(match.c.score.desc(), districts.c.id)
    )


def stretch(question: Question, place: ColumnElement[str]) -> tuple[FromClause, ...]:
    """The deciding event of a district, the last with another outcome, and the first after that.

    Each is to be joined, by `true()`, after those before it. `place` is a column of another table.
    """
    decider = deciding(question, place, "decider")
    last_other = _last_other(question, place, decider)
    return decider, last_other, _start_of_stretch(question, place, last_other)


def _last_other(question: Question, place: ColumnElement[str], decider: FromClause) -> FromClause:
    """The newest event that left the district in another state than the deciding one.

    `event_states_outcomes_idx` gives the newest event of each outcome that was ever told of the
    district, so it does not matter for how long nothing has changed.
    """
    parties = _parties(place, decider)
    of_party = event_states.alias("of_party")
    newest = _newest_other(question, of_party, place).where(
        of_party.c.controller_id == parties.c.id
    )
    newest_of_party = newest.correlate(place.table, parties).lateral("newest_of_party")
    contested = event_states.alias("contested")
    newest_contested = (
        _newest_other(question, contested, place)
        .where(contested.c.controller_id.is_(None), decider.c.controller_id.is_not(None))
        # All are NULL: it only tells PostgreSQL that the index is in this order.
        .order_by(None)
        .order_by(contested.c.controller_id, *as_of.newest_first(contested))
        .correlate(place.table, decider)
        .subquery("newest_contested")
    )
    others = union_all(
        select(newest_of_party)
        .select_from(parties)
        .join(newest_of_party, true())
        .where(parties.c.id.is_distinct_from(decider.c.controller_id))
        .correlate(place.table, decider),
        select(newest_contested),
    ).subquery("others")
    return (
        select(others)
        .order_by(*as_of.newest_first(others))
        .limit(1)
        .correlate(place.table, decider)
        .lateral("last_other")
    )


def _newest_other(question: Question, states: FromClause, place: ColumnElement[str]) -> Select[Any]:
    return (
        select(states.c.event_id, *as_of.order_key(states))
        .where(states.c.district_id == place, as_of.counts(states, question))
        .order_by(*as_of.newest_first(states))
        .limit(1)
    )


def _parties(place: ColumnElement[str], decider: FromClause) -> CTE:
    """Who was ever told to hold the district, one step of an index each, and then NULL.

    None where no event decides.
    """
    holder, other = event_states.alias("holder"), event_states.alias("next_holder")
    first = (
        select(func.min(holder.c.controller_id))
        .where(holder.c.district_id == place)
        .correlate(place.table)
        .scalar_subquery()
    )
    parties = (
        select(first.label("id"))
        .where(decider.c.event_id.is_not(None))
        .correlate(place.table, decider)
        .cte("parties", recursive=True, nesting=True)
    )
    following = (
        select(func.min(other.c.controller_id))
        .where(other.c.district_id == place, other.c.controller_id > parties.c.id)
        .correlate(place.table, parties)
        .scalar_subquery()
    )
    return parties.union_all(select(following.label("id")).where(parties.c.id.is_not(None)))


def _start_of_stretch(
    question: Question, place: ColumnElement[str], last_other: FromClause
) -> FromClause:
    """The first event after that one: since then the district has been in the same state."""
    first = event_states.alias("first")
    return (
        select(first)
        .where(
            first.c.district_id == place,
            as_of.counts(first, question),
            as_of.after(first, last_other),
        )
        .order_by(*as_of.order_key(first))
        .limit(1)
        .lateral("start")
    )


def _last_published(question: Question) -> Any:
    return (
        select(mentions.c.published_latest)
        .where(
            mentions.c.district_id == districts.c.id,
            as_of.known(mentions, question.clocks.known_at),
            as_of.published(mentions, question.clocks.reported_by),
        )
        .order_by(mentions.c.published_latest.desc())
        .limit(1)
        .scalar_subquery()
    )


def _conditions(which: Which, decider: FromClause) -> list[ColumnElement[bool]]:
    conditions = places_of(which)
    if which.controller is not None:
        conditions.append(decider.c.controller_id == which.controller)
    if which.status is Status.UNKNOWN:
        conditions.append(decider.c.event_id.is_(None))
    elif which.status:
        conditions.append(decider.c.status == which.status)
    shapes = "" if which.boundary_set is None else which.boundary_set
    if which.bbox:
        conditions.append(districts.c.id.in_(districts_in(which.bbox, shapes)))
    if which.point:
        conditions.append(districts.c.id.in_(district_at(*which.point, shapes)))
    if which.after is not None and which.sought is None:
        conditions.append(districts.c.id > which.after)
    return conditions


def places_of(which: Which) -> list[ColumnElement[bool]]:
    """The conditions that speak of places alone, whatever holds there."""
    equal = {
        provinces.c.country_code: which.country,
        districts.c.id: which.district,
        districts.c.province_id: which.province,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if which.districts is not None:
        # One array: as a list of parameters it would have an end.
        ids = type_coerce(which.districts, ARRAY(Text))
        conditions.append(districts.c.id == any_(ids))
    return conditions


def _status(row: Any, question: Question) -> DistrictStatus:
    outcome = Outcome(Status(row["status"]), row["controller_id"]) if row["event_id"] else UNKNOWN
    published = row["last_published"]
    return DistrictStatus(
        id=row["id"],
        name=row["name"],
        name_local=row["name_local"],
        province=Named(row["province_id"], row["province_name"]),
        is_provincial_capital=row["is_provincial_capital"],
        is_national_capital=row["is_national_capital"],
        area_km2=row["area_km2"],
        area_year=row["area_year"],
        population=row["population"],
        population_year=row["population_year"],
        status=outcome.status,
        controller=Named(outcome.controller, row["controller_name"])
        if outcome.controller
        else None,
        since=row["since"],
        since_at=row["since_at"],
        span=Span(row["earliest"], row["latest"]) if row["event_id"] else None,
        confidence=Confidence(row["confidence"]) if row["event_id"] else None,
        disputed=bool(row["disputed"]),
        last_reported=published.astimezone(question.zone).date() if published else None,
        event_id=str(row["event_id"]) if row["event_id"] else None,
        match=search.match_of(row) if "how" in row else None,
    )
