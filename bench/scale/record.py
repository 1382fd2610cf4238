"""A generated record: events, versions and citations in revisions over twenty years.

Any stretch of it can be made alone and is always the same, so several processes share the work. A
district's holder is a function of the district and the time: a tenth of the districts never changes
hands, most do so a dozen times, and a tenth twenty times as often as there are years. What an event
says at which clocks is not decided here: its states come from `app.store.states.History`, as those
of every write do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.clocks import UncertainDate, parse_edtf
from app.store.states import History, Recorded
from bench.scale.world import PARTIES, SOURCES, Country, World

Row = dict[str, Any]

FIRST = date(2005, 1, 1)
YEARS = 20
_DAYS = YEARS * 365
_ACTIONS = ("import", "cite", "correct", "retract")
"""What the revisions of one batch do, in this order."""
_KEPT = 3
"""Days until what happened is recorded: later than most documents come out."""
_CONTESTED = 0.08
"""The part of an era, at its beginning, in which both sides are there."""


@dataclass(frozen=True)
class Size:
    """How large a record is; the same sizes and seed give the same record."""

    districts: int
    events: int
    seed: int = 1

    @property
    def batches(self) -> int:
        """Into how many batches the events come: of 40 each, of more in a large record."""
        return max(5, min(2500, self.events // 40))

    def events_of(self, batch: int) -> range:
        """Numbers of the events of a batch, from 0 on."""
        return range(self.events * batch // self.batches, self.events * (batch + 1) // self.batches)


@dataclass
class Rows:
    """Rows of the record, by table."""

    events: list[Row] = field(default_factory=list)
    event_versions: list[Recorded] = field(default_factory=list)
    citations: list[Recorded] = field(default_factory=list)
    event_states: list[Row] = field(default_factory=list)

    def add(self, history: History) -> None:
        """Add all rows of one event."""
        event = history.event
        names = ("id", "sequence", "district_id", "revision")
        self.events.append({name: event[name] for name in names})
        self.event_versions += history.versions
        self.citations += history.claims
        self.event_states += history.all_rows()


def revisions(size: Size) -> Iterator[Row]:
    """All revisions: the first has parties and publishers, then come four for each batch."""
    yield _revision(1, "import", _instant(size, -1, 0))
    for batch in range(size.batches):
        for turn, action in enumerate(_ACTIONS):
            yield _revision(_number(batch, turn), action, _instant(size, batch, turn))


def rows(world: World, size: Size, batches: range) -> Rows:
    """Everything about the events of these batches, later corrections and citations included."""
    found = Rows()
    for batch in batches:
        random = Random(f"{size.seed} {size.districts} {size.events} {batch}")  # noqa: S311
        maker = _Maker(world, size, batch, random)
        for number in size.events_of(batch):
            found.add(maker.event(number))
    return found


def _revision(number: int, action: str, recorded_at: datetime) -> Row:
    return {
        "revision": number,
        "recorded_at": recorded_at,
        "author": "bench",
        "action": action,
        "reason": "looked at again" if action in ("correct", "retract") else None,
    }


def _number(batch: int, turn: int) -> int:
    return 2 + batch * len(_ACTIONS) + turn


def _instant(size: Size, batch: int, turn: int) -> datetime:
    """When a batch is recorded: some days after the last of what is in it happened."""
    end = _KEPT + (batch + 1) * _DAYS / size.batches
    return datetime(FIRST.year, 1, 1, tzinfo=UTC) + timedelta(
        days=end, seconds=turn, microseconds=batch % 1000
    )


class _Maker:
    """Makes the events of one batch, each with all that becomes of it."""

    def __init__(self, world: World, size: Size, batch: int, random: Random) -> None:
        self._places = world.places
        self._size, self._batch, self._random = size, batch, random

    def event(self, number: int) -> History:
        """The history of one event."""
        random = self._random
        # Some districts are in the news far more often than others.
        place = int(len(self._places) * random.random() ** random.choice((1, 1, 1.5)))
        district, country = self._places[place]
        day = self._day(number)
        event: Row = {
            "id": UUID(int=random.getrandbits(128), version=4),
            "sequence": number + 1,
            "district_id": district,
            "revision": _number(self._batch, 0),
            "time_zone": country.zone.key,
        }
        history = History(event)
        holder = _holder(self._size.seed, district, (day - FIRST).days / _DAYS)
        self._cite(history, country, day, holder)
        self._versions(history, country, day, holder)
        return history

    def _day(self, number: int) -> date:
        within = number - self._size.events_of(self._batch).start
        part = within / len(self._size.events_of(self._batch))
        return FIRST + timedelta(days=(self._batch + part) * _DAYS / self._size.batches)

    def _versions(self, history: History, country: Country, day: date, holder: str | None) -> None:
        random, id_ = self._random, history.event["id"]
        first = self._version(id_, 1, holder) | self._opened(0, 0)
        history.versions.append(first)
        chance = random.random()
        if chance < 0.03:
            later = 1 + random.randrange(8)
            if self._close(first, later, 2):
                second = self._version(id_, 2, random.choice((holder, None, PARTIES[0])))
                if chance < 0.01:
                    pinned = parse_edtf(day.isoformat(), country.zone)
                    second |= _dated("pinned", pinned) | {"pin_reason": "seen on a photograph"}
                history.versions.append(second | self._opened(later, 2))
        elif chance < 0.04:
            self._close(first, 1 + random.randrange(8), 3)

    def _version(self, id_: UUID, number: int, holder: str | None) -> Row:
        random = self._random
        kinds = ("capture", "recapture", "assessment") if holder else ("contested", "assessment")
        return {
            "event_id": id_,
            "version": number,
            "kind": random.choice(kinds),
            "status": "controlled" if holder else "contested",
            "controller_id": holder,
            "day_order": 1 if random.random() < 0.02 else 0,
            **_dated("pinned", None),
            "pin_reason": None,
        }

    def _cite(self, history: History, country: Country, day: date, holder: str | None) -> None:
        random = self._random
        own = random.random() < 0.12
        first = ""
        for place in range(random.choices((1, 2, 3, 4), (45, 30, 17, 8))[0]):
            late = place > 0 and random.random() < 0.15
            published = day + timedelta(days=random.choice((0, 0, 0, 1, 1, 2)))
            # Only documents of later batches are late; the last batch has none after it.
            opened = self._opened(1 + random.randrange(3), 1) if late else {}
            opened = opened or self._opened(0, 0)
            source = random.randrange(SOURCES)
            copied = place > 0 and random.random() < 0.2
            first = first or f"Paper {source}"
            speaker = (holder or PARTIES[1]) if own else None
            if not own and random.random() < 0.15:
                speaker = PARTIES[2] if holder not in (None, PARTIES[2]) else None
            row: Row = {
                **_document(random, history, country.zone, published),
                "stance": "disputes" if place and random.random() < 0.09 else "supports",
                "source_id": f"paper-{source}",
                "origin": first if copied else f"Paper {source}",
                **_dated("asserted", self._asserted(day, published, country.zone)),
                "basis": "claimant" if own else random.choice(("agency", "local", "journalist")),
                "speaker_id": speaker,
                "reliability": "A" if random.random() < 0.03 else None,
                "credibility": 1 if random.random() < 0.03 else None,
                **opened,
            }
            history.claims.append(row)
        if len(history.claims) > 1 and random.random() < 0.02:
            self._close(row, 9, 2)  # all late ones are in by then

    def _asserted(self, day: date, published: date, zone: ZoneInfo) -> UncertainDate | None:
        chance = self._random.random()
        if chance < 0.10:
            return None
        if chance < 0.20:
            text = f"../{published}"
        elif chance < 0.30:
            text = f"{day - timedelta(days=self._random.randrange(1, 6))}/{day}"
        elif chance < 0.35:
            text = f"{day:%Y-%m}"
        elif chance < 0.40:
            text = f"{day}?"
        else:
            text = day.isoformat()
        return _parsed(text, zone)

    def _opened(self, later: int, turn: int) -> Row:
        """Known from a batch after this one; nothing where there is none so late."""
        batch = self._batch + later
        if batch >= self._size.batches:
            return {}
        return {
            "revision": _number(batch, turn),
            "known_from": _instant(self._size, batch, turn),
            "closing_revision": None,
            "known_until": None,
        }

    def _close(self, row: Row, later: int, turn: int) -> bool:
        """End what is known of a row, unless the record ends before that."""
        closed = self._opened(later, turn)
        if closed:
            row["closing_revision"] = closed["revision"]
            row["known_until"] = closed["known_from"]
        return bool(closed)


@lru_cache(200_000)
def _eras(seed: int, district: str) -> tuple[int, float, int]:
    """How many eras a district has, when they begin, and with whom."""
    random = Random(f"{seed} {district}")  # noqa: S311
    return random.choice((1, *[12] * 8, 400)), random.random(), random.randrange(len(PARTIES))


def _holder(seed: int, district: str, when: float) -> str | None:
    """Who holds a district, None while both sides are there; `when` goes from 0 to 1."""
    eras, phase, first = _eras(seed, district)
    if eras == 1:
        return PARTIES[first]
    position = when * eras + phase
    if position % 1 < _CONTESTED:
        return None
    # Three parties take turns in a district.
    return PARTIES[(first + int(position) * 2 % 3) % len(PARTIES)]


def _document(random: Random, history: History, zone: ZoneInfo, published: date) -> Row:
    number = random.getrandbits(40)
    district = history.event["district_id"]
    return {
        "id": UUID(int=random.getrandbits(128), version=4),
        "event_id": history.event["id"],
        "title": f"Fighting reported around the centre of {district}",
        "url": f"https://news.example/{published:%Y/%m/%d}/{district.lower()}-{number:x}",
        "place_as_written": district.title(),
        **_dated("published", _parsed(published.isoformat(), zone)),
    }


@lru_cache(1 << 17)
def _parsed(text: str, zone: ZoneInfo) -> UncertainDate:
    return parse_edtf(text, zone)


def _dated(prefix: str, when: UncertainDate | None) -> Row:
    return {
        f"{prefix}_edtf": when.edtf if when else None,
        f"{prefix}_earliest": when.earliest if when else None,
        f"{prefix}_latest": when.latest if when else None,
    }
