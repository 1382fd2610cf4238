"""The replay's editions say on every day what the rule says, by every day's documents."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.domain.clocks import Clocks, Moment, Span, day_span
from app.domain.control import Confidence, EventState, Outcome, Reading, Status, counting
from app.domain.replay import Answer, Edition, Told, editions

KABUL = ZoneInfo("Asia/Kabul")
START = date(2021, 6, 1)
DAYS = [START + timedelta(days=number) for number in range(-1, 12)]
TALIBAN = Outcome(Status.CONTROLLED, "taliban")


def instant(day: int, hour: int) -> datetime:
    return day_span(START + timedelta(days=day), KABUL).latest - timedelta(hours=hour)


def _told(
    number: int, outcome: Outcome, days: tuple[int, int, int], hours: tuple[int, int, int]
) -> Told:
    effective, first, length = days
    reported_from = instant(first, hours[1])
    until = instant(first + length, hours[2]) if length < 6 else None
    latest = instant(effective, hours[0])
    reading = Reading(Span(None, latest), Confidence.REPORTED, disputed=bool(number % 2))
    state = EventState(f"event-{number}", number, outcome, 0, reading)
    return Told(state, reported_from, until if until is None or until > reported_from else None)


outcomes = st.sampled_from(
    [TALIBAN, Outcome(Status.CONTROLLED, "afghan-government"), Outcome(Status.CONTESTED, None)]
)
hour = st.sampled_from([0, 0, 7, 23])
histories = st.lists(
    st.tuples(
        outcomes,
        st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 7)),
        st.tuples(hour, hour, hour),
    ),
    max_size=7,
)


@given(histories)
def test_every_day_by_every_days_documents(
    history: list[tuple[Outcome, tuple[int, int, int], tuple[int, int, int]]],
) -> None:
    told = [_told(number, *one) for number, one in enumerate(history)]
    found = editions(told, KABUL)
    for reported_by in DAYS:
        end = day_span(reported_by, KABUL).latest
        standing = [one.state for one in told if one.stands_at(end)]
        for day in DAYS:
            clocks = Clocks(Moment.of_day(day, KABUL), None, end)
            counted = counting(standing, clocks, Confidence.CLAIMED)
            expected = (
                Answer(
                    counted[-1].outcome,
                    counted[-1].reading.confidence,
                    counted[-1].reading.disputed,
                )
                if counted
                else None
            )
            assert _answer(found, day, reported_by) == expected, (day, reported_by)


def _answer(found: list[Edition], day: date, reported_by: date) -> Answer | None:
    by_then = [edition for edition in found if edition.reported_from <= reported_by]
    runs = [answer for first, answer in by_then[-1].runs if first <= day] if by_then else []
    return runs[-1] if runs else None


@given(histories)
def test_nothing_is_said_twice(
    history: list[tuple[Outcome, tuple[int, int, int], tuple[int, int, int]]],
) -> None:
    found = editions([_told(number, *one) for number, one in enumerate(history)], KABUL)
    told = [()] + [edition.runs for edition in found]
    assert all(before != after for before, after in pairwise(told))
    for edition in found:
        answers = [answer for _, answer in edition.runs]
        assert all(one != next_ for one, next_ in pairwise(answers))
