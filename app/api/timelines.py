"""Counts over time: of a province from the periods of its districts, of more from the database."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import date

from app.api.schemas.totals import CountPoint
from app.domain.control import Outcome, Question, Status
from app.domain.timeline import Period, counts_over, periods
from app.store import totals
from app.store.engine import Connection
from app.store.status import Which


def stretches_by_district(
    connection: Connection, question: Question, names: dict[str, str], which: Which
) -> dict[str, list[Period]]:
    """The periods of every district that is named, up to `as_of`; those never reported too."""
    told = totals.histories(connection, question, which)
    return {district: periods(told.get(district, ()), question.zone) for district in names}


def series(
    connection: Connection, question: Question, which: Which, days: Sequence[date]
) -> list[CountPoint]:
    """How many districts had each status at the end of each of these days, which ascend.

    The last one is the day of `as_of`. It is what `count_points` counts, added up by PostgreSQL.
    """
    steps: list[Counter[Outcome]] = [Counter() for _ in days]
    for turn in totals.turns(connection, question, which, days[0]):
        at = bisect_left(days, turn.day)
        if at < len(days):
            steps[at][turn.outcome] += turn.districts
    running: Counter[Outcome] = Counter()
    points = []
    for day, step in zip(days, steps, strict=True):
        running.update(step)
        points.append(_point(day, +running))
    return points


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
