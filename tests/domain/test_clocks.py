"""Uncertain dates and moments: what is read, what is refused, and which instants they mean."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import edtf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.clocks import Span, day_span, parse_edtf, parse_moment, to_edtf
from app.domain.errors import InvalidValueError

KABUL = ZoneInfo("Asia/Kabul")
NEW_YORK = ZoneInfo("America/New_York")
HALF_PAST_FOUR = timedelta(hours=4, minutes=30)


def kabul(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=KABUL)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2021-06-06", kabul(2021, 6, 6), kabul(2021, 6, 6, 23, 59, 59, 999999)),
        ("2021-06", kabul(2021, 6, 1), kabul(2021, 6, 30, 23, 59, 59, 999999)),
        ("2020-02", kabul(2020, 2, 1), kabul(2020, 2, 29, 23, 59, 59, 999999)),
        ("2021-06-06T06:00+04:30", kabul(2021, 6, 6, 6), kabul(2021, 6, 6, 6)),
        ("2021-06-06T01:30Z", kabul(2021, 6, 6, 6), kabul(2021, 6, 6, 6)),
        ("2021-06-05/2021-06-07", kabul(2021, 6, 5), kabul(2021, 6, 7, 23, 59, 59, 999999)),
        ("2021-05/2021-06-07", kabul(2021, 5, 1), kabul(2021, 6, 7, 23, 59, 59, 999999)),
        ("../2021-06-07", None, kabul(2021, 6, 7, 23, 59, 59, 999999)),
        ("/2021-06-07", None, kabul(2021, 6, 7, 23, 59, 59, 999999)),
        ("2021-06-07?", kabul(2021, 6, 6), kabul(2021, 6, 8, 23, 59, 59, 999999)),
        ("2021-06-07?/2021-06-10", kabul(2021, 6, 6), kabul(2021, 6, 10, 23, 59, 59, 999999)),
    ],
)
def test_an_uncertain_date_has_these_bounds(
    text: str, earliest: datetime | None, latest: datetime
) -> None:
    read = parse_edtf(text, KABUL)
    assert (read.earliest, read.latest) == (earliest, latest)
    assert read.edtf == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2021",  # a year is too wide to say when a district fell
        "2021-13-01",
        "2021-02-30",
        "2021-06-06T06:00",  # whose six o'clock?
        "2021-06-06T24:00+04:30",
        "2021-06-06T06:00+99:99",
        "2021-06-07/2021-06-05",
        "2021-06-07/..",
        "../..",
        "2021-06-05/2021-06-06/2021-06-07",
        "2021-06?",
        "1799-12-31",
        "2200-01-01",
        "0000-01-01",
        "9999-12-31",
        "２０２１-06-06",  # full-width digits
        "2021-06-06\n",
    ],
)
def test_what_is_no_uncertain_date_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        parse_edtf(text, KABUL, field="asserted")
    assert refused.value.field == "asserted"


days = st.dates(min_value=date(1801, 1, 1), max_value=date(2199, 12, 30))
instants = st.datetimes(
    min_value=datetime(1801, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2199, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(days, days, st.sampled_from([KABUL, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")]))
def test_days_written_are_read_back_with_the_same_bounds(
    one: date, other: date, zone: ZoneInfo
) -> None:
    first, last = sorted((one, other))
    span = Span(day_span(first, zone).earliest, day_span(last, zone).latest)
    assert parse_edtf(to_edtf(span, zone), zone).span == span
    open_start = Span(None, span.latest)
    assert parse_edtf(to_edtf(open_start, zone), zone).span == open_start


@given(st.one_of(st.none(), instants), instants)
def test_instants_written_are_read_back_with_the_same_bounds(
    one: datetime | None, other: datetime
) -> None:
    span = Span(min(one, other) if one else None, max(one, other) if one else other)
    assert parse_edtf(to_edtf(span, KABUL), KABUL).span == span


@pytest.mark.parametrize(
    "text", ["2021-06-06", "2021-06", "../2021-06-07", "2021-06-05/2021-06-07", "2021-06-06T06:00Z"]
)
def test_what_is_written_is_as_short_as_what_was_read(text: str) -> None:
    zone = ZoneInfo("UTC")
    written = to_edtf(parse_edtf(text, zone).span, zone)
    assert written == text.replace("Z", "+00:00")


# The other reader takes its time, the first one above all.
@settings(deadline=None)
@given(days, days)
def test_day_bounds_agree_with_another_reader_of_edtf(one: date, other: date) -> None:
    first, last = sorted((one, other))
    for text in (f"{first}", f"{first}/{last}", f"{first:%Y-%m}", f"../{last}"):
        ours, theirs = parse_edtf(text, ZoneInfo("UTC")), edtf.parse_edtf(text)
        assert ours.latest.date() == date(*theirs.upper_strict()[:3])
        if ours.earliest is not None:
            assert ours.earliest.date() == date(*theirs.lower_strict()[:3])


def test_a_day_with_a_clock_change_is_as_long_as_it_was() -> None:
    spring = day_span(date(2021, 3, 14), NEW_YORK)
    assert spring.earliest is not None
    assert spring.latest - spring.earliest == timedelta(hours=23) - timedelta(microseconds=1)


def test_a_moment_takes_in_the_whole_of_its_day() -> None:
    moment = parse_moment("2021-06-10", KABUL, field="as_of")
    assert moment.until == kabul(2021, 6, 10, 23, 59, 59, 999999)
    assert moment.text == "2021-06-10"


def test_an_instant_is_itself_and_an_unescaped_plus_is_mended() -> None:
    for text in ("2021-06-14T06:00+04:30", "2021-06-14T06:00 04:30", "2021-06-14T01:30:00Z"):
        assert parse_moment(text, KABUL, field="as_of").until == kabul(2021, 6, 14, 6)


@pytest.mark.parametrize("text", ["2021-06", "yesterday", "2021-06-14 06:00", "../2021-06-07", ""])
def test_a_moment_is_a_day_or_an_instant(text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        parse_moment(text, KABUL, field="known_at")
    assert refused.value.field == "known_at"
