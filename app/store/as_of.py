"""THE bitemporal predicates: which rows count at which setting of the clocks.

Every read composes these; none writes its own comparison of times.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, func, literal_column, or_, tuple_

from app.domain.clocks import Moment
from app.domain.control import Question

BEGINNING: ColumnElement[datetime] = literal_column("'-infinity'::timestamptz")
"""Before everything."""
_LEAST = -(2**31)
"""No order is less, given or counted."""


def known(table: FromClause, known_at: datetime) -> ColumnElement[bool]:
    """The record held the row at that instant: `[known_from, known_until)`."""
    return and_(
        table.c.known_from <= known_at,
        or_(table.c.known_until.is_(None), table.c.known_until > known_at),
    )


def recorded_by(
    instant: ColumnElement[datetime], known_at: datetime | ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Something happened to the record by then: a row was opened, or a revision taken."""
    return instant <= known_at


def in_force(states: FromClause, reported_by: Moment | None) -> ColumnElement[bool]:
    """The reading of an event that the documents published by then give."""
    if reported_by is None:
        return states.c.reported_until.is_(None)
    return and_(
        states.c.reported_from <= reported_by.until,
        or_(states.c.reported_until.is_(None), states.c.reported_until > reported_by.until),
    )


def published(citations: FromClause, reported_by: Moment | None) -> ColumnElement[bool]:
    """The document was certainly out by then."""
    if reported_by is None:
        return citations.c.published_latest.is_not(None)
    return citations.c.published_latest <= reported_by.until


def told(states: FromClause, question: Question) -> ColumnElement[bool]:
    """The reading of an event at `reported_by` and `known_at`, whatever it says."""
    return and_(
        known(states, question.clocks.known_at), in_force(states, question.clocks.reported_by)
    )


def told_by(states: FromClause, reported_by: Moment | None) -> list[ColumnElement[bool]]:
    """A reading that the documents published by then, or by some day before, give."""
    return [] if reported_by is None else [states.c.reported_from <= reported_by.until]


def may_decide(states: FromClause, question: Question) -> list[ColumnElement[bool]]:
    """What the event says is sure enough, and in effect by `as_of`."""
    return [
        states.c.confidence >= int(question.minimum),
        states.c.latest <= question.clocks.as_of.until,
    ]


def counts(states: FromClause, question: Question) -> ColumnElement[bool]:
    """The event may decide: told, sure enough, and in effect by `as_of`."""
    return and_(told(states, question), *may_decide(states, question))


def may_have_occurred(
    states: FromClause, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """The event may have happened between two instants, both included; None is an open end."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(states.c.latest >= since)
    if until is not None:
        conditions.append(or_(states.c.earliest.is_(None), states.c.earliest <= until))
    return conditions


def order_key(states: FromClause) -> tuple[ColumnElement[Any], ...]:
    """From when it counts, given order, order of recording: the rule's order of events."""
    return (states.c.latest, states.c.day_order, states.c.sequence)


def newest_first(states: FromClause) -> list[ColumnElement[Any]]:
    """Sort so that the deciding event comes first; `event_states_deciding_idx` serves it."""
    return [column.desc() for column in order_key(states)]


def after(states: FromClause, other: FromClause) -> ColumnElement[bool]:
    """The one event comes later in the rule's order than the other, if there is another one.

    Written without an OR: so it says where in the index to begin.
    """
    latest, *places = order_key(other)
    return tuple_(*order_key(states)) > tuple_(
        func.coalesce(latest, BEGINNING), *(func.coalesce(place, _LEAST) for place in places)
    )
