"""Counts over time, folded from the events of many districts."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from app.api.schemas.totals import CountPoint
from app.domain.control import Outcome, Question, Status
from app.domain.timeline import Period, counts_over, periods
from app.store import events
from app.store.engine import Connection
from app.store.status import Which, names_of_districts


def stretches_by_district(
    connection: Connection, question: Question, which: Which
) -> dict[str, list[Period]]:
    """The periods of every district that is meant, up to `as_of`; those never reported too."""
    sought = events.Sought(country=which.country, province=which.province)
    states: dict[str, list[events.Event]] = {
        district: [] for district in names_of_districts(connection, which)
    }
    for event in reversed(events.find(connection, question, sought)):
        states[event.district.id].append(event)
    return {
        district: periods([event.state for event in history], question.zone)
        for district, history in states.items()
    }


def count_points(stretches: dict[str, list[Period]], days: Sequence[date]) -> list[CountPoint]:
    """How many districts had each status at the end of each of these days, which ascend."""
    counts = counts_over(stretches.values(), days)
    return [_point(day, counted) for day, counted in zip(days, counts, strict=True)]


def _point(day: date, counts: Counter[Outcome]) -> CountPoint:
    held = sorted(counts.items(), key=lambda item: (-item[1], item[0].controller or ""))
    return CountPoint(
        date=day,
        by_controller={o.controller: number for o, number in held if o.controller},
        contested=sum(n for o, n in held if o.status is Status.CONTESTED),
        unknown=sum(n for o, n in held if o.status is Status.UNKNOWN),
    )
