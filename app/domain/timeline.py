"""The fold: from the events that count, in order, to stretches of unbroken control."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.control import UNKNOWN, Confidence, EventState, Outcome


@dataclass(frozen=True)
class Period:
    """A half-open stretch `[start, end)` in which one status holds; None is open.

    Days are those of the country; `start_at` and `end_at` are the instants from which the change
    has certainly happened. `event_id`, `confidence` and `disputed` are of the event that began it.
    """

    outcome: Outcome
    start: date | None
    end: date | None
    start_at: datetime | None
    end_at: datetime | None
    confidence: Confidence | None
    disputed: bool
    event_id: str | None


def periods(states: Iterable[EventState], zone: ZoneInfo) -> list[Period]:
    """Fold events that count, oldest first, into periods that leave no gap.

    The first one is `unknown` without a start. Events that repeat the outcome before them
    prolong its period, so that a period's start is not the date of the newest report.
    """
    runs: list[list[EventState]] = []
    for state in states:
        if runs and runs[-1][0].outcome == state.outcome:
            runs[-1].append(state)
        else:
            runs.append([state])
    starts = [run[0].reading.span.latest for run in runs]
    ends = [*starts, None][1:]
    first = starts[0] if starts else None
    unknown = Period(UNKNOWN, None, _day(first, zone), None, first, None, False, None)
    return [unknown] + [
        Period(
            outcome=run[0].outcome,
            start=_day(start, zone),
            end=_day(end, zone),
            start_at=start,
            end_at=end,
            confidence=run[0].reading.confidence,
            disputed=run[0].reading.disputed,
            event_id=run[0].event_id,
        )
        for run, start, end in zip(runs, starts, ends, strict=True)
    ]


def _day(instant: datetime | None, zone: ZoneInfo) -> date | None:
    return instant.astimezone(zone).date() if instant else None


def outcome_on(stretches: Sequence[Period], day: date) -> Outcome:
    """What held at the end of a day, in periods that leave no gap."""
    return next(p for p in reversed(stretches) if p.start is None or p.start <= day).outcome


def counts_over(places: Iterable[Sequence[Period]], days: Sequence[date]) -> list[Counter[Outcome]]:
    """In how many places each outcome held at the end of each of these days, which ascend."""
    steps: list[Counter[Outcome]] = [Counter() for _ in days]
    for stretches in places:
        before: Outcome | None = None
        for period in stretches:
            at = bisect_left(days, period.start) if period.start else 0
            if at == len(days):
                break
            steps[at].update({period.outcome: 1})
            if before is not None:
                steps[at].subtract({before: 1})
            before = period.outcome
    running: Counter[Outcome] = Counter()
    counts = []
    for step in steps:
        running.update(step)
        counts.append(+running)  # without those that came down to none
    return counts


def turning_days(places: Iterable[Sequence[Period]]) -> list[date]:
    """The days at whose end some place had another outcome than at the end of the day before."""
    return sorted(
        {
            period.start
            for stretches in places
            for period in stretches
            if period.start
            and outcome_on(stretches, period.start)
            != outcome_on(stretches, period.start - timedelta(days=1))
        }
    )
