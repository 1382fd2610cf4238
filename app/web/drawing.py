"""Where the marks of a drawing lie: a district's timeline, a province's counts, shares of a whole.

Pure geometry over the API's answers. Places across are in percent of the width, so that a drawing
fits a phone and a printed page without its letters shrinking; heights are in pixels. The templates
draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.domain.colours import CONTESTED, UNKNOWN

Part = Mapping[str, Any]

_DAY = timedelta(days=1)
_MOST_TICKS = 5
_STEPS = (1, 2, 5, 7, 14)
"""Distances of marks on an axis, in days; longer ones are months."""
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 4800)
LANE = 26
"""Height of a row of marks, in pixels."""
_GAP = 8.0
"""Distance, in percent of the width, at which two marks of one row can be told apart on a phone."""


class Palette:
    """The colours of states: the parties' own, as `/actors` tells them, and those of no party."""

    def __init__(self, actors: Sequence[Part]) -> None:
        self._parties = {actor["id"]: str(actor["colour"]) for actor in actors}

    def of(self, state: Part) -> str:
        """What to fill a state with; that of contested is the ground under its hatch."""
        if state["controller"]:
            return self._parties[state["controller"]["id"]]
        return CONTESTED if state["status"] == "contested" else UNKNOWN

    @property
    def parties(self) -> list[str]:
        """Ids in the order in which drawings stack them."""
        return list(self._parties)

    def ink(self, state: Part) -> str:
        """Black or white, whichever is easier to read on the colour of a state (WCAG 2)."""
        colour = self.of(state)
        red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True)
class Tick:
    """A mark on the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Axis:
    """A stretch of time across a drawing; `broken` where the date asked about lies beyond it."""

    first: datetime
    last: datetime
    broken: bool

    @classmethod
    def around(cls, instants: Sequence[datetime], as_of: datetime) -> "Axis":
        """The axis for what happened at these instants, with some room, up to `as_of` if near.

        Years without anything on record are not drawn: they would press what happened together.
        """
        first, last = min(instants), min(max(instants), as_of)
        room = max((last - first) * 0.08, timedelta(days=4))
        end = last + 3 * room
        return cls(first - room, min(as_of, end), broken=as_of > end)

    def at(self, instant: datetime) -> float:
        """Where an instant lies, in percent; what is beyond an end lies at the end."""
        share = (instant - self.first) / (self.last - self.first)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> list[Tick]:
        """A few marks, at round days or months."""
        days = self._round_days()
        if self.first.year != self.last.year:
            labels = [f"{day:%b %Y}" for day in days]
        elif all(day.day == 1 for day in days):
            labels = [f"{day:%b}" for day in days]
        else:
            labels = [f"{day.day} {day:%b}" for day in days]
        return [
            Tick(self.at(_midnight(day)), label) for day, label in zip(days, labels, strict=True)
        ]

    def _round_days(self) -> list[date]:
        span = (self.last - self.first).days
        for step in _STEPS:
            if span <= _MOST_TICKS * step:
                days = [self.first.date() + _DAY * n for n in range(1, span + 1)]
                # Counted from the first of each month, and not so late as to crowd the next one.
                return [d for d in days if (d.day - 1) % step == 0 and d.day <= 32 - step]
        step = next(step for step in _MONTHS if span <= _MOST_TICKS * 30 * step)
        months = range(self.first.year * 12 + self.first.month, self.last.year * 12 + 12)
        starts = (date(m // 12, m % 12 + 1, 1) for m in months if m % step == 0)
        return [day for day in starts if _midnight(day) <= self.last]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def moment_of(text: str) -> datetime:
    """An instant, or the end of a day, taken in UTC: near enough for a drawing."""
    if "T" in text:
        return datetime.fromisoformat(text)
    return _midnight(date.fromisoformat(text)) + _DAY


@dataclass(frozen=True)
class Bar:
    """A stretch in one state; `faded` where no report is as new as that."""

    x: float
    width: float
    state: Part
    faded: bool


@dataclass(frozen=True)
class Mark:
    """An event: its number, the stretch in which it may have happened, and its row."""

    number: int
    event: Part
    start: float
    end: float
    is_open: bool
    lane: int
    counts: bool

    @property
    def y(self) -> int:
        """The middle of its row, in pixels below the first row's top."""
        return self.lane * LANE + LANE // 2


@dataclass(frozen=True)
class TimelineDrawing:
    """A district's periods and events along one axis."""

    axis: Axis
    ticks: list[Tick]
    bars: list[Bar]
    marks: list[Mark]

    @property
    def lanes(self) -> int:
        """How many rows the marks take."""
        return max((mark.lane for mark in self.marks), default=-1) + 1


@dataclass(frozen=True)
class Numbered:
    """An event with its number on the page, and why it does not count (None: it does)."""

    number: int
    event: Part
    reason: str | None


def in_order(timeline: Part) -> list[Numbered]:
    """All the events of a timeline, oldest first, those that do not count among them."""
    told = [(event, None) for event in timeline["events"]]
    told += [(other, other["reason"]) for other in timeline["other_claims"]]
    # Those that count are in the rule's own order already, which a stable sort leaves as it is.
    told.sort(key=lambda one: datetime.fromisoformat(one[0]["occurred_latest"]))
    return [Numbered(n, event, reason) for n, (event, reason) in enumerate(told, start=1)]


def draw_timeline(
    timeline: Part, events: Sequence[Numbered], last_reported: str | None
) -> TimelineDrawing | None:
    """Lay out a district's timeline; None where nothing is on record to be drawn."""
    if not events:
        return None
    reported = moment_of(last_reported) if last_reported else None
    latest = [datetime.fromisoformat(one.event["occurred_latest"]) for one in events]
    earliest = [
        datetime.fromisoformat(one.event["occurred_earliest"])
        for one in events
        if one.event["occurred_earliest"]
    ]
    instants = [*earliest, *latest, *([reported] if reported else [])]
    axis = Axis.around(instants, moment_of(timeline["as_of"]))
    return TimelineDrawing(
        axis,
        axis.ticks(),
        [bar for period in timeline["periods"] for bar in _bars(axis, period, reported)],
        _marks(axis, events),
    )


def _bars(axis: Axis, period: Part, reported: datetime | None) -> list[Bar]:
    """The bar of a period, in two parts where it outlasts the newest report."""
    start = axis.at(datetime.fromisoformat(period["from_at"])) if period["from_at"] else 0.0
    end = axis.at(datetime.fromisoformat(period["to_at"])) if period["to_at"] else 100.0
    known = period["status"] != "unknown"
    edge = min(max(axis.at(reported), start), end) if reported and known else end
    parts = [(start, edge, False), (edge, end, known)]
    return [Bar(x, round(to - x, 2), period, faded) for x, to, faded in parts if to > x]


def _marks(axis: Axis, events: Sequence[Numbered]) -> list[Mark]:
    marks: list[Mark] = []
    ends: list[float] = []  # where each row is free again
    for one in events:
        event = one.event
        is_open = event["occurred_earliest"] is None
        start = 0.0 if is_open else axis.at(datetime.fromisoformat(event["occurred_earliest"]))
        end = axis.at(datetime.fromisoformat(event["occurred_latest"]))
        lane = next((n for n, free in enumerate(ends) if free <= start), len(ends))
        ends[lane : lane + 1] = [end + _GAP]
        marks.append(Mark(one.number, event, start, end, is_open, lane, counts=one.reason is None))
    return marks


@dataclass(frozen=True)
class Block:
    """A rectangle of a chart; `controller` None is `status`."""

    x: float
    width: float
    y: float
    height: float
    status: str
    controller: str | None


@dataclass(frozen=True)
class Chart:
    """How many districts had which state, over time."""

    axis: Axis
    ticks: list[Tick]
    blocks: list[Block]
    total: int


def draw_counts(timeline: Part, palette: Palette, *, total: int, height: float) -> Chart | None:
    """Lay out a province's counts as columns stacked to a height; None where nothing changed."""
    points = timeline["counts"]
    if not points or not total:
        return None
    days = [_midnight(date.fromisoformat(point["date"])) for point in points]
    axis = Axis.around(days, moment_of(timeline["as_of"]))
    starts = [0.0, *(axis.at(day) for day in days[1:])]
    blocks: list[Block] = []
    for point, x, end in zip(points, starts, [*starts[1:], 100.0], strict=True):
        top = height
        for status, controller, number in shares(point, palette):
            tall = height * number / total
            top -= tall
            blocks.append(
                Block(x, round(end - x, 2), round(top, 2), round(tall, 2), status, controller)
            )
    return Chart(axis, axis.ticks(), blocks, total)


def shares(counts: Part, palette: Palette) -> list[tuple[str, str | None, int]]:
    """(status, controller, number) of what there is any of, in the order in which it is stacked."""
    held = counts["by_controller"]
    parties = [("controlled", party, held.get(party, 0)) for party in palette.parties]
    rest = [(status, None, counts[status]) for status in ("contested", "unknown")]
    return [share for share in [*parties, *rest] if share[2]]
