"""The fold into periods, and counts over time."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.domain.clocks import parse_edtf
from app.domain.control import UNKNOWN, Confidence, EventState, Outcome, Reading, Status
from app.domain.timeline import counts_over, outcome_on, periods, turning_days

KABUL = ZoneInfo("Asia/Kabul")
TALIBAN = Outcome(Status.CONTROLLED, "taliban")
GOVERNMENT = Outcome(Status.CONTROLLED, "afghan-government")
CONTESTED = Outcome(Status.CONTESTED, None)


def state(occurred: str, outcome: Outcome, sequence: int = 0) -> EventState:
    reading = Reading(parse_edtf(occurred, KABUL).span, Confidence.REPORTED, disputed=False)
    return EventState(f"{occurred}#{sequence}", sequence, outcome, 0, reading)


def test_a_district_never_reported_is_unknown_for_ever() -> None:
    (period,) = periods([], KABUL)
    assert (period.outcome, period.start, period.end) == (UNKNOWN, None, None)


def test_a_repeated_report_prolongs_its_period() -> None:
    first, second = state("2021-06-05", TALIBAN), state("2021-06-18", TALIBAN)
    unknown, held = periods([first, second], KABUL)
    assert (unknown.end, held.start, held.end) == (date(2021, 6, 5), date(2021, 6, 5), None)
    assert held.event_id == first.event_id


def test_lost_and_retaken_on_one_day_is_a_period_within_that_day() -> None:
    states = [state("2021-06-14T06:00+04:30", TALIBAN), state("2021-06-14", GOVERNMENT)]
    _, lost, retaken = periods(states, KABUL)
    assert lost.start == lost.end == retaken.start == date(2021, 6, 14)
    assert lost.start_at and lost.end_at and lost.start_at < lost.end_at
    assert outcome_on([lost, retaken], date(2021, 6, 14)) == GOVERNMENT


outcomes = st.sampled_from([TALIBAN, GOVERNMENT, CONTESTED])
histories = st.lists(st.tuples(st.integers(0, 20), outcomes), max_size=10)


def fold(history: list[tuple[int, Outcome]]) -> list[EventState]:
    ordered = sorted(history, key=lambda item: item[0])
    start = date(2021, 6, 1)
    return [
        state((start + timedelta(days=day)).isoformat(), outcome, number)
        for number, (day, outcome) in enumerate(ordered)
    ]


@given(histories)
def test_periods_leave_no_gap_and_neighbours_differ(history: list[tuple[int, Outcome]]) -> None:
    found = periods(fold(history), KABUL)
    assert found[0].start is None
    assert found[-1].end is None
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.end_at == after.start_at
        assert before.outcome != after.outcome


@given(histories)
def test_the_outcome_of_a_day_is_that_of_the_last_event_by_then(
    history: list[tuple[int, Outcome]],
) -> None:
    states = fold(history)
    stretches = periods(states, KABUL)
    for offset in range(-1, 22):
        day = date(2021, 6, 1) + timedelta(days=offset)
        by_then = [s for s in states if s.reading.span.latest.astimezone(KABUL).date() <= day]
        assert outcome_on(stretches, day) == (by_then[-1].outcome if by_then else UNKNOWN)


@given(st.lists(histories, max_size=5), st.sets(st.integers(-1, 22), max_size=8))
def test_counts_are_those_of_each_day(
    everywhere: list[list[tuple[int, Outcome]]], offsets: set[int]
) -> None:
    places = [periods(fold(history), KABUL) for history in everywhere]
    days = [date(2021, 6, 1) + timedelta(days=offset) for offset in sorted(offsets)]
    assert counts_over(places, days) == [
        Counter(outcome_on(stretches, day) for stretches in places) for day in days
    ]


@given(st.lists(histories, max_size=5))
def test_counts_change_on_turning_days_only(everywhere: list[list[tuple[int, Outcome]]]) -> None:
    places = [periods(fold(history), KABUL) for history in everywhere]
    turning = turning_days(places)
    for offset in range(-1, 22):
        day = date(2021, 6, 1) + timedelta(days=offset)
        same = [outcome_on(p, day) for p in places] == [
            outcome_on(p, day - timedelta(days=1)) for p in places
        ]
        assert (day not in turning) == same
