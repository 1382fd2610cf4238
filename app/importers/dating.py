"""The ways in which files write dates, each turned into EDTF.

- `claims`: `asserted` is a day, qualified by `precision`: `day`; `by` and `inferred` (no later
  than); `range:A/B`; `edtf:X` (these two say it all). `published` is qualified by
  `published_basis`: `shown`, `text`, `url`, or `inferred` (a guess).
- `edtf`: both columns hold EDTF.
- `acled`: `asserted` is a day; `precision` 1 means that day, 2 a week around it, 3 its month.
  `published` is an instant: seconds since 1970, or ISO 8601.

What was read is cached: files of claims repeat few dates many times. What is wrong is not, so
that long nonsense does not fill memory.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.clocks import UncertainDate, parse_edtf
from app.domain.errors import InvalidValueError
from app.importers.mapping import Style

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME_OF_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:.*", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})", re.ASCII)
_DAY_IN_WORDS = re.compile(r"(\d{1,2}) ([A-Za-z]{3,9}) (\d{4})", re.ASCII)
# Fewer digits would be a date written without hyphens: 20210606 is no moment of 1970.
_UNIX_SECONDS = re.compile(r"\d{9,11}", re.ASCII)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8192)
def asserted_date(style: Style, when: str, precision: str, zone: ZoneInfo) -> str | None:
    """When a row says that the change was, in EDTF; None where it does not say.

    Raises InvalidValueError naming `asserted` or `precision`.
    """
    edtf = _ASSERTED[style](when, precision)
    return parse_edtf(edtf, zone, field="asserted").edtf if edtf else None


@lru_cache(maxsize=8192)
def published_date(style: Style, when: str, basis: str, zone: ZoneInfo) -> UncertainDate:
    """When a row says that its document was published.

    Raises InvalidValueError naming `published` or `published_basis`.
    """
    if not when:
        raise InvalidValueError("this is needed", field="published")
    return parse_edtf(_PUBLISHED[style](when, basis), zone, field="published")


def _claims_asserted(when: str, precision: str) -> str | None:
    if not when and not precision:
        return None
    form, _, value = precision.partition(":")
    match form:
        case "range" if "/" in value:
            return value
        case "edtf" if value:
            return value
        case "day" | "by" | "inferred" if value:
            pass
        case "day" | "by" | "inferred" if not when:
            raise InvalidValueError("this is needed", field="asserted")
        case "day":
            return when
        case "by" | "inferred":
            return f"../{when}"
    raise InvalidValueError(
        "write day, by, inferred, range:2021-06-05/2021-06-07 or edtf:X", field="precision"
    )


def _claims_published(when: str, basis: str) -> str:
    if basis not in ("shown", "text", "url", "inferred"):
        raise InvalidValueError("write shown, text, url or inferred", field="published_basis")
    # A guessed day is uncertain; a bare month is wide enough as it is.
    return f"{when}?" if basis == "inferred" and _DAY.fullmatch(when) else when


def _acled_asserted(when: str, precision: str) -> str:
    day = _acled_day(when)
    if precision == "1":
        return day.isoformat()
    if precision == "2":
        # The code does not say which week: any that the day is in.
        week = timedelta(days=6)
        try:
            return f"{day - week}/{day + week}"
        except OverflowError:
            raise InvalidValueError(f"{when!r} is not a day", field="asserted") from None
    if precision == "3":
        return f"{day:%Y-%m}"
    raise InvalidValueError("write 1 (a day), 2 (a week) or 3 (a month)", field="precision")


def _acled_day(when: str) -> date:
    try:
        if _DAY.fullmatch(when):
            return date.fromisoformat(when)
        if match := _DAY_FIRST.fullmatch(when):
            return date(int(match[3]), int(match[2]), int(match[1]))
        if match := _DAY_IN_WORDS.fullmatch(when):
            return date(int(match[3]), _month(match[2]), int(match[1]))
    except ValueError:
        pass
    raise InvalidValueError(
        f"{when[:40]!r} is not a day: write 2021-06-06, 06 June 2021 or 06-06-2021",
        field="asserted",
    )


def _month(name: str) -> int:
    """The number of a month by its English name or the start of it; ValueError for another."""
    word = name.casefold()
    return next((n for n, month in enumerate(_MONTHS, start=1) if month.startswith(word)), 0)


def _acled_published(when: str, _: str) -> str:
    if _DAY.fullmatch(when):
        return when
    try:
        if _UNIX_SECONDS.fullmatch(when):
            return _utc(_EPOCH + timedelta(seconds=int(when)))
        if _TIME_OF_DAY.fullmatch(when):
            return _utc(datetime.fromisoformat(when))
    except (ValueError, OverflowError):
        pass
    raise InvalidValueError(
        f"{when[:40]!r} is no instant: write seconds since 1970 or 2021-06-06T12:00:00Z",
        field="published",
    )


def _utc(instant: datetime) -> str:
    """An instant as EDTF; one without an offset is UTC, as the seconds are."""
    instant = instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    return instant.isoformat().replace("+00:00", "Z")


_ASSERTED: dict[Style, Callable[[str, str], str | None]] = {
    "claims": _claims_asserted,
    "edtf": lambda when, _: when,
    "acled": _acled_asserted,
}
_PUBLISHED: dict[Style, Callable[[str, str], str]] = {
    "claims": _claims_published,
    "edtf": lambda when, _: when,
    "acled": _acled_published,
}
