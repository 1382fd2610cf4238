"""What an event says, and which event decides: the rule in small cases."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clocks import Clocks, Moment, Span, parse_edtf
from app.domain.control import (
    Basis,
    Claim,
    Confidence,
    EventState,
    Outcome,
    Reading,
    Reason,
    Stance,
    Status,
    consensus,
    counting,
    other_claims,
    read_event,
    readings_over_time,
)

KABUL = ZoneInfo("Asia/Kabul")
TALIBAN = Outcome(Status.CONTROLLED, "taliban")
GOVERNMENT = Outcome(Status.CONTROLLED, "afghan-government")
CONTESTED = Outcome(Status.CONTESTED, None)


def span(text: str) -> Span:
    return parse_edtf(text, KABUL).span


def claim(asserted: str | None = "2021-06-06", origin: str = "dpa", **more: object) -> Claim:
    published = span(str(more.pop("published", "2021-06-08")))
    values: dict[str, object] = {"stance": Stance.SUPPORTS, "basis": Basis.AGENCY} | more
    dating = span(asserted) if asserted else None
    return Claim(origin=origin, published=published, asserted=dating, **values)  # type: ignore[arg-type]


def reading_of(*claims: Claim, outcome: Outcome = TALIBAN, pinned: str | None = None) -> Reading:
    reading = read_event(claims, outcome, span(pinned) if pinned else None)
    assert reading is not None
    return reading


class TestDates:
    def test_no_claims_say_nothing(self) -> None:
        assert read_event([], TALIBAN) is None

    def test_the_date_most_origins_agree_on_wins(self) -> None:
        reading = reading_of(
            claim("2021-06-05", "Kabul Now"),
            claim("2021-06-06", "Anadolu"),
            claim("../2021-06-06", "Afghanistan Times"),
            claim("2021-06-07", "dpa"),
        )
        # 5 June and 6 June are each named by one and allowed by "by 6 June": both have two.
        assert reading.span == span("2021-06-05/2021-06-06")

    def test_two_who_give_one_date_outweigh_one_who_gives_another(self) -> None:
        reading = reading_of(
            claim("2021-06-06", "A"), claim("2021-06-06", "B"), claim("2021-06-07", "C")
        )
        assert reading.span == span("2021-06-06")

    def test_copies_of_one_agency_count_once(self) -> None:
        copies = [claim("2021-06-07", "dpa") for _ in range(5)]
        reading = reading_of(*copies, claim("2021-06-06", "A"), claim("2021-06-06", "B"))
        assert reading.span == span("2021-06-06")

    def test_an_agency_that_changes_its_date_speaks_for_both(self) -> None:
        reading = reading_of(claim("2021-06-06", "dpa"), claim("2021-06-07", "dpa"))
        assert reading.span == span("2021-06-06/2021-06-07")

    def test_an_hour_narrows_a_day(self) -> None:
        reading = reading_of(claim("2021-06-14", "A"), claim("2021-06-14T06:00+04:30", "B"))
        assert reading.span == span("2021-06-14T06:00+04:30")

    def test_by_some_day_stays_open_until_someone_says_more(self) -> None:
        assert reading_of(claim("../2021-06-07", "A"), claim("../2021-06-05", "B")).span == span(
            "../2021-06-05"
        )

    def test_a_document_without_a_date_says_it_had_happened_by_then(self) -> None:
        assert reading_of(claim(None, published="2021-06-08")).span == span("../2021-06-08")

    def test_a_gainer_dates_its_gain_only_where_no_one_else_speaks(self) -> None:
        own = claim("2021-06-01", "Voice", basis=Basis.CLAIMANT, speaker="taliban")
        assert reading_of(own).span == span("2021-06-01")
        assert reading_of(own, claim("2021-06-06")).span == span("2021-06-06")

    def test_an_editor_goes_before_all(self) -> None:
        assert reading_of(claim("2021-06-06"), pinned="2021-06-04").span == span("2021-06-04")

    def test_what_nobody_supports_says_nothing(self) -> None:
        assert read_event([claim("2021-06-05", stance=Stance.DISPUTES)], TALIBAN) is None


bounds = st.integers(min_value=0, max_value=30)
ANY_DAY = datetime(2021, 6, 1, tzinfo=KABUL)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    first, last = sorted((draw(bounds), draw(bounds)))
    start = None if draw(st.booleans()) else ANY_DAY + timedelta(days=first)
    return Span(start, ANY_DAY + timedelta(days=last))


@given(st.lists(spans(), min_size=1, max_size=8))
def test_consensus_is_the_hull_of_the_instants_most_spans_cover(given_spans: list[Span]) -> None:
    """Checked against counting every day, which closed spans between days allow."""
    days = [ANY_DAY + timedelta(days=day) for day in range(-1, 31)]

    def cover(day: datetime) -> int:
        return sum(s.starts_by(day) and day <= s.latest for s in given_spans)

    best = max(cover(day) for day in days)
    agreed = [day for day in days if cover(day) == best]
    found = consensus(given_spans)
    assert found.latest == agreed[-1]
    assert found.earliest == (None if agreed[0] == days[0] else agreed[0])


class TestConfidence:
    @pytest.mark.parametrize(
        ("claims", "confidence"),
        [
            ([claim(basis=Basis.CLAIMANT)], Confidence.CLAIMED),
            ([claim(basis=Basis.CLAIMANT, speaker="taliban")], Confidence.CLAIMED),
            ([claim(basis=Basis.OFFICIAL, speaker="taliban")], Confidence.CLAIMED),
            # The loser admits it: that is no party's claim to a gain.
            ([claim(basis=Basis.OFFICIAL, speaker="afghan-government")], Confidence.REPORTED),
            ([claim(origin="dpa"), claim(origin="DPA")], Confidence.REPORTED),
            ([claim(origin="dpa"), claim(origin="Reuters")], Confidence.CONFIRMED),
            (
                [claim(origin="dpa"), claim(origin="Voice", basis=Basis.CLAIMANT)],
                Confidence.REPORTED,
            ),
            (
                [
                    claim(origin="A", basis=Basis.CLAIMANT),
                    claim(origin="B", basis=Basis.CLAIMANT),
                ],
                Confidence.CLAIMED,
            ),
            ([claim(reliability="B", credibility=2)], Confidence.CONFIRMED),
            ([claim(reliability="B", credibility=3)], Confidence.REPORTED),
            ([claim(reliability="C", credibility=1)], Confidence.REPORTED),
        ],
    )
    def test_confidence_is_derived(self, claims: list[Claim], confidence: Confidence) -> None:
        assert reading_of(*claims).confidence is confidence

    def test_a_denial_disputes_and_takes_nothing_away(self) -> None:
        denial = claim(origin="ministry", stance=Stance.DISPUTES)
        reading = reading_of(claim(origin="A"), claim(origin="B"), denial)
        assert (reading.confidence, reading.disputed) == (Confidence.CONFIRMED, True)

    def test_a_party_that_says_it_still_fights_only_claims_so(self) -> None:
        official = claim(basis=Basis.OFFICIAL, speaker="afghan-government")
        assert reading_of(official, outcome=CONTESTED).confidence is Confidence.CLAIMED
        assert reading_of(claim(), outcome=CONTESTED).confidence is Confidence.REPORTED


def test_readings_follow_publications_and_skip_those_that_change_nothing() -> None:
    claims = [
        claim("2021-06-06", "A", published="2021-06-07"),
        claim("2021-06-06", "A", published="2021-06-08"),  # nothing new
        claim("2021-06-06", "B", published="2021-06-09?"),  # counts from the 10th
        claim("2021-06-06", "C", published="2021-06-12", stance=Stance.DISPUTES),
    ]
    story = [
        (moment.astimezone(KABUL).date(), reading.confidence, reading.disputed)
        for moment, reading in readings_over_time(claims, TALIBAN, None)
    ]
    assert story == [
        (date(2021, 6, 7), Confidence.REPORTED, False),
        (date(2021, 6, 10), Confidence.CONFIRMED, False),
        (date(2021, 6, 12), Confidence.CONFIRMED, True),
    ]


def state(
    name: str, occurred: str, outcome: Outcome = TALIBAN, *, order: int = 0, sure: int = 2
) -> EventState:
    reading = Reading(span(occurred), Confidence(sure), disputed=False)
    return EventState(name, ord(name), outcome, order, reading)


def decided(states: list[EventState], as_of: str, minimum: int = 2) -> str | None:
    until = span(as_of).latest
    clocks = Clocks(Moment(as_of, until), None, until)
    found = counting(states, clocks, Confidence(minimum))
    return found[-1].event_id if found else None


class TestDecision:
    def test_a_change_counts_from_its_latest_bound(self) -> None:
        states = [state("a", "2021-06-05/2021-06-07")]
        assert decided(states, "2021-06-06") is None
        assert decided(states, "2021-06-07") == "a"
        assert decided(states, "2021-06-07T23:59+04:30") is None

    def test_an_hour_counts_from_that_very_minute(self) -> None:
        states = [state("a", "2021-06-14T06:00+04:30")]
        assert decided(states, "2021-06-14T05:59+04:30") is None
        assert decided(states, "2021-06-14T06:00+04:30") == "a"

    def test_midnight_belongs_to_the_day_that_begins(self) -> None:
        states = [state("a", "2021-06-15T00:00+04:30")]
        assert decided(states, "2021-06-14") is None
        assert decided(states, "2021-06-15") == "a"

    def test_one_day_is_ordered_by_time_and_the_undated_hour_comes_last(self) -> None:
        taken = state("a", "2021-06-14T06:00+04:30")
        retaken = state("b", "2021-06-14", GOVERNMENT)
        assert decided([retaken, taken], "2021-06-14") == "b"

    def test_days_without_hours_are_ordered_as_given(self) -> None:
        taken = state("a", "2021-06-14", order=1)
        retaken = state("b", "2021-06-14", GOVERNMENT, order=2)
        assert decided([retaken, taken], "2021-06-14") == "b"
        assert decided([state("c", "2021-06-14"), taken], "2021-06-14") == "a"

    def test_a_stated_hour_goes_before_a_given_order(self) -> None:
        hours = [
            state("a", "2021-06-14T06:00+04:30", order=9),
            state("b", "2021-06-14T18:00+04:30", GOVERNMENT),
        ]
        assert decided(hours, "2021-06-14") == "b"

    def test_what_is_too_weak_does_not_count(self) -> None:
        states = [state("a", "2021-06-01", sure=2), state("b", "2021-06-05", GOVERNMENT, sure=1)]
        assert decided(states, "2021-06-10") == "a"
        assert decided(states, "2021-06-10", minimum=1) == "b"


class TestOtherClaims:
    decider = state("d", "2021-06-06")

    def told(self, *others: EventState, decider: EventState | None = decider) -> list[Reason]:
        until = span("2021-06-10").latest
        clocks = Clocks(Moment("2021-06-10", until), None, until)
        states = [*others, *([decider] if decider else [])]
        return [reason for _, reason in other_claims(states, clocks, Confidence.REPORTED)]

    @pytest.mark.parametrize(
        ("other", "reasons"),
        [
            (state("w", "2021-06-08", GOVERNMENT, sure=1), [Reason.BELOW_MIN_CONFIDENCE]),
            (state("w", "2021-06-05", GOVERNMENT, sure=1), []),  # plainly before
            (state("w", "2021-06-09/2021-06-12", GOVERNMENT), [Reason.NOT_YET_CERTAIN]),
            (state("w", "../2021-06-12", GOVERNMENT), [Reason.NOT_YET_CERTAIN]),
            (state("w", "2021-06-11", GOVERNMENT), []),  # plainly later
            (state("c", "2021-06-06", CONTESTED, order=-1), [Reason.CONTRADICTS]),
            (state("c", "2021-06-05", CONTESTED), []),  # plainly before
            (state("c", "2021-06-05/2021-06-06", order=-1), []),  # says the same
        ],
    )
    def test_why_it_did_not_decide(self, other: EventState, reasons: list[Reason]) -> None:
        assert self.told(other) == reasons

    def test_a_weak_report_within_the_stretch_is_told_though_later_ones_count(self) -> None:
        weak = state("w", "2021-06-07", GOVERNMENT, sure=1)
        assert self.told(weak, state("e", "2021-06-09")) == [Reason.BELOW_MIN_CONFIDENCE]

    def test_a_stretch_without_a_beginning_reaches_back_to_the_event_before(self) -> None:
        by_then = state("d", "../2021-06-06")
        before, weak = state("b", "2021-06-02", GOVERNMENT), state("w", "2021-06-04", sure=1)
        long_before = state("l", "2021-05-20", GOVERNMENT, sure=1)
        told = self.told(before, weak, long_before, decider=by_then)
        assert told == [Reason.CONTRADICTS, Reason.BELOW_MIN_CONFIDENCE]

    def test_every_disputed_event_of_the_stretch_is_told(self) -> None:
        reading = Reading(span("2021-06-04"), Confidence.REPORTED, disputed=True)
        disputed = EventState("a", 1, TALIBAN, 0, reading)
        assert self.told(disputed) == [Reason.DISPUTES]

    def test_without_a_decider_everything_weak_is_told(self) -> None:
        weak = state("w", "2021-06-01", sure=1)
        assert self.told(weak, decider=None) == [Reason.BELOW_MIN_CONFIDENCE]
