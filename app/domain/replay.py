"""Every day as every day's press told it: what a map needs to replay a summer without asking again.

The rule is `app.domain.control`'s; this only finds the days on which its answer changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.domain.clocks import day_span
from app.domain.control import Confidence, EventState, Outcome


@dataclass(frozen=True)
class Told:
    """What an event says by the documents published in `[reported_from, reported_until)`."""

    state: EventState
    reported_from: datetime
    reported_until: datetime | None

    def stands_at(self, instant: datetime) -> bool:
        """Whether it is what the documents published by then say."""
        return self.reported_from <= instant and (
            self.reported_until is None or instant < self.reported_until
        )


@dataclass(frozen=True)
class Answer:
    """What decides in a district: who holds it, how sure that is, whether it is disputed."""

    outcome: Outcome
    confidence: Confidence
    disputed: bool


@dataclass(frozen=True)
class Edition:
    """What the documents published by the end of `reported_from` tell of one district.

    `runs` are, in order, the days from whose end on another answer holds; before the first one
    nothing does.
    """

    reported_from: date
    runs: tuple[tuple[date, Answer], ...]


def editions(told: Sequence[Told], zone: ZoneInfo) -> list[Edition]:
    """The editions of one district, oldest first; each differs from the one before.

    `told` are the states that may decide: sure enough, and in effect by the last day that is asked
    about. Days are those of `zone`, and count to their last microsecond as `as_of` and
    `reported_by` do.
    """
    turns = {one.reported_from for one in told} | {one.reported_until for one in told}
    days = sorted({turn.astimezone(zone).date() for turn in turns if turn})
    found: list[Edition] = []
    for day in days:
        end = day_span(day, zone).latest
        runs = _runs((one.state for one in told if one.stands_at(end)), zone)
        if runs != (found[-1].runs if found else ()):
            found.append(Edition(day, runs))
    return found


def _runs(states: Iterable[EventState], zone: ZoneInfo) -> tuple[tuple[date, Answer], ...]:
    """The answer at the end of each day on which it changes; the last one of a day counts."""
    by_day = {
        state.reading.span.latest.astimezone(zone).date(): Answer(
            state.outcome, state.reading.confidence, state.reading.disputed
        )
        for state in sorted(states, key=lambda state: state.order)
    }
    runs: list[tuple[date, Answer]] = []
    for day, answer in by_day.items():
        if not runs or runs[-1][1] != answer:
            runs.append((day, answer))
    return tuple(runs)
