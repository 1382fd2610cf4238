"""Dates that are uncertain, and the three clocks that every read is asked at.

Both ends of a span are inclusive, to the microsecond, which is PostgreSQL's own resolution: a
day ends at 23:59:59.999999. That makes "in effect by" one comparison for days and for times of
day alike (docs/decisions/0002).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.errors import InvalidValueError

FIRST_YEAR, LAST_YEAR = 1800, 2199
_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_END_OF_DAY = time(23, 59, 59, 999999)
_MONTH = re.compile(r"\d{4}-\d{2}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
# In a query string an unescaped + arrives as a space.
_UNESCAPED_PLUS = re.compile(r"(T[\d:.]+) (\d{2}:\d{2})$")


@dataclass(frozen=True)
class Span:
    """A stretch of time, both ends inclusive and aware; `earliest` None is "no one says"."""

    earliest: datetime | None
    latest: datetime

    def starts_by(self, instant: datetime) -> bool:
        """Whether it may have begun by then."""
        return self.earliest is None or self.earliest <= instant

    @property
    def anchor(self) -> datetime:
        """The lower bound, or where none is given the upper one: "by 6 June" speaks of 6 June."""
        return self.latest if self.earliest is None else self.earliest


@dataclass(frozen=True)
class UncertainDate:
    """A span together with the EDTF text it was written as."""

    edtf: str
    span: Span

    @property
    def earliest(self) -> datetime | None:
        """Lower bound, inclusive; None is open."""
        return self.span.earliest

    @property
    def latest(self) -> datetime:
        """Upper bound, inclusive: by then it has certainly happened."""
        return self.span.latest


@lru_cache(4096)
def parse_edtf(text: str, zone: ZoneInfo, *, field: str = "occurred") -> UncertainDate:
    """Read an uncertain date written in EDTF (ISO 8601-2:2019).

    Accepted are a day, a month, an instant with its UTC offset, an interval of any two of these,
    an interval with an open start (`../2021-06-07`), and an uncertain day (`2021-06-05?`, a guess,
    which reaches one day to either side). Days and months are those of `zone`. An open end is
    refused: a change takes effect at its latest bound, so it must have one.

    Raises InvalidValueError, naming `field`, for anything else, for years outside 1800 to 2199
    and for an interval that ends before it begins.
    """
    start_text, slash, end_text = text.partition("/")
    if not slash:
        return UncertainDate(text, _single(text, zone, field))
    if end_text in ("..", ""):
        raise InvalidValueError(
            f"{text!r} has no end: a change needs a date by which it had happened", field=field
        )
    end = _single(end_text, zone, field)
    if start_text in ("..", ""):
        return UncertainDate(text, Span(None, end.latest))
    start = _single(start_text, zone, field)
    if start.anchor > end.latest:
        raise InvalidValueError(f"{text!r} ends before it begins", field=field)
    return UncertainDate(text, Span(start.earliest, end.latest))


def to_edtf(span: Span, zone: ZoneInfo) -> str:
    """Write a span as EDTF in the days of `zone`; `parse_edtf` reads the same bounds back."""
    last = span.latest.astimezone(zone)
    if span.earliest is None:
        return f"../{_end_text(last, _END_OF_DAY)}"
    first = span.earliest.astimezone(zone)
    if first == last:
        return _instant_text(first)
    if first.time() == time.min and last.time() == _END_OF_DAY:
        if first.date() == last.date():
            return first.date().isoformat()
        if first.day == 1 and last.date() == _month_end(first.date()):
            return f"{first:%Y-%m}"
    return f"{_end_text(first, time.min)}/{_end_text(last, _END_OF_DAY)}"


@dataclass(frozen=True)
class Moment:
    """One setting of a clock: as it was asked for, and the last instant that it takes in."""

    text: str
    until: datetime

    @classmethod
    def of_day(cls, day: date, zone: ZoneInfo) -> "Moment":
        """The whole of a day: everything that happened on it counts."""
        return cls(day.isoformat(), day_span(day, zone).latest)


@dataclass(frozen=True)
class Clocks:
    """The settings that a read is asked at.

    `as_of` is the date in the world; `reported_by` leaves out documents published later (None:
    all count); `known_at` is the instant of the record.
    """

    as_of: Moment
    reported_by: Moment | None
    known_at: datetime


def parse_moment(text: str, zone: ZoneInfo, *, field: str) -> Moment:
    """Read a date of `zone` (taken to its last microsecond) or an instant with an offset.

    Raises InvalidValueError naming `field` for other forms and for years outside 1800 to 2199.
    """
    text = _UNESCAPED_PLUS.sub(r"\1+\2", text)
    form = "a date such as 2021-06-10 or an instant such as 2021-06-10T18:00+04:30"
    if not (_DATE.fullmatch(text) or _INSTANT.fullmatch(text)):
        raise InvalidValueError(f"{text[:40]!r} is not {form}", field=field)
    return Moment(text, _single(text, zone, field, form).latest)


def day_span(day: date, zone: ZoneInfo) -> Span:
    """The first to the last microsecond of a day in `zone`, in UTC."""
    start = datetime.combine(day, time.min, zone).astimezone(UTC)
    end = datetime.combine(day, _END_OF_DAY, zone).astimezone(UTC)
    return Span(start, end)


_FORMS = (
    "a date this record reads: write 2021-06-06, 2021-06, 2021-06-06T06:00+04:30, "
    "2021-06-05/2021-06-07, ../2021-06-07 or 2021-06-05?"
)


def _single(text: str, zone: ZoneInfo, field: str, form: str = _FORMS) -> Span:
    try:
        span = _bounds(text, zone)
    except (ValueError, OverflowError):
        span = None
    if span is None:
        raise InvalidValueError(f"{text[:40]!r} is not {form}", field=field)
    if not FIRST_YEAR <= span.latest.year <= LAST_YEAR:
        raise InvalidValueError(
            f"{text!r} lies outside the years {FIRST_YEAR} to {LAST_YEAR}", field=field
        )
    return span


def _bounds(text: str, zone: ZoneInfo) -> Span | None:
    if _INSTANT.fullmatch(text):
        instant = datetime.fromisoformat(text).astimezone(UTC)
        return Span(instant, instant)
    if _DATE.fullmatch(text):
        return day_span(date.fromisoformat(text), zone)
    if text.endswith("?") and _DATE.fullmatch(text[:-1]):
        day = date.fromisoformat(text[:-1])
        return Span(day_span(day - _DAY, zone).earliest, day_span(day + _DAY, zone).latest)
    if _MONTH.fullmatch(text):
        first = date.fromisoformat(f"{text}-01")
        return Span(day_span(first, zone).earliest, day_span(_month_end(first), zone).latest)
    return None


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _end_text(local: datetime, whole_day_at: time) -> str:
    return local.date().isoformat() if local.time() == whole_day_at else _instant_text(local)


def _instant_text(local: datetime) -> str:
    offset = local.utcoffset()
    if offset and offset % timedelta(minutes=1):
        local = local.astimezone(UTC)  # local mean time, which ISO 8601 cannot write
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")
