"""What every event says by every day's documents, for the replay of a country."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from app.domain.clocks import Span
from app.domain.control import Confidence, EventState, Outcome, Question, Reading, Status
from app.domain.replay import Told
from app.store import as_of
from app.store.status import Which, places_of
from app.store.tables import districts, event_states, provinces


@dataclass(frozen=True)
class Listed:
    """A district in the replay."""

    id: str
    name: str
    province_id: str


def listed(connection: Connection, which: Which) -> list[Listed]:
    """The districts that are meant, in the order of their ids, those never reported too."""
    rows = connection.execute(
        select(districts.c.id, districts.c.name, districts.c.province_id)
        .join(provinces)
        .where(*places_of(which))
        .order_by(districts.c.id)
    )
    return [Listed(*row) for row in rows]


def told_over_time(
    connection: Connection, question: Question, which: Which
) -> dict[str, list[Told]]:
    """By district, all that its events said by the documents published up to `reported_by`.

    Only what may decide: sure enough, and in effect by `as_of`. Districts without any are left
    out. One query.
    """
    rows = connection.execute(
        select(event_states)
        .join(districts, districts.c.id == event_states.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .where(
            *places_of(which),
            as_of.known(event_states, question.clocks.known_at),
            *as_of.told_by(event_states, question.clocks.reported_by),
            *as_of.may_decide(event_states, question),
        )
        .order_by(event_states.c.district_id)
    )
    reported_by = question.clocks.reported_by
    found: dict[str, list[Told]] = {}
    for row in rows:
        until = row.reported_until
        if until and reported_by and until > reported_by.until:
            until = None  # what came after it is not told here
        told = Told(state_of(row), row.reported_from, until)
        found.setdefault(row.district_id, []).append(told)
    return found


def state_of(row: Row[Any]) -> EventState:
    """Read a row of `event_states`."""
    return EventState(
        event_id=str(row.event_id),
        sequence=row.sequence,
        outcome=Outcome(Status(row.status), row.controller_id),
        day_order=row.day_order,
        reading=Reading(Span(row.earliest, row.latest), Confidence(row.confidence), row.disputed),
    )
