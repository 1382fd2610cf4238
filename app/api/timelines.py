"""Counts over time, folded from the events of many districts."""

from collections.abc import Iterable, Sequence
from datetime import date

from app.api.schemas.totals import CountPoint
from app.domain.control import Question, Status
from app.domain.timeline import Period, count_on, periods
from app.store import events
from app.store.engine import Connection
from app.store.status import Which, statuses


def stretches_by_district(
    connection: Connection, question: Question, which: Which
) -> dict[str, list[Period]]:
    """The periods of every district that is meant, up to `as_of`; those never reported too."""
    sought = events.Sought(country=which.country, province=which.province)
    states: dict[str, list[events.Event]] = {
        district.id: [] for district in statuses(connection, question, which)
    }
    for event in reversed(events.find(connection, question, sought)):
        states[event.district.id].append(event)
    return {
        district: periods([event.state for event in history], question.zone)
        for district, history in states.items()
    }


def count_points(stretches: dict[str, list[Period]], days: Iterable[date]) -> list[CountPoint]:
    """How many districts had each status at the end of each day."""
    everywhere: Sequence[list[Period]] = list(stretches.values())
    return [_point(everywhere, day) for day in days]


def _point(everywhere: Sequence[list[Period]], day: date) -> CountPoint:
    counts = count_on(everywhere, day)
    return CountPoint(
        date=day,
        by_controller={
            outcome.controller: number
            for outcome, number in sorted(counts.items(), key=lambda item: -item[1])
            if outcome.controller
        },
        contested=sum(n for o, n in counts.items() if o.status is Status.CONTESTED),
        unknown=sum(n for o, n in counts.items() if o.status is Status.UNKNOWN),
    )
