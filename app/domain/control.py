"""The control rule: what an event says, which event decides, and what stands against it.

This is the executable specification. `app.store` answers the same questions in SQL, and a
property-based test holds the two together on random histories.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from app.domain.clocks import Clocks, Span

RULE = "latest-in-effect/1"
"""Name and version of the rule; every answer carries it, and a change of the rule changes it."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Kind(StrEnum):
    """What sort of change an event is, or `assessment` where someone only says who holds it."""

    CAPTURE = "capture"
    RECAPTURE = "recapture"
    TRANSFER = "transfer"
    WITHDRAWAL = "withdrawal"
    CONTESTED = "contested"
    ASSESSMENT = "assessment"


class Status(StrEnum):
    """`unknown` (nothing counts) is not `contested` (both sides are there)."""

    CONTROLLED = "controlled"
    CONTESTED = "contested"
    UNKNOWN = "unknown"


class Stance(StrEnum):
    """Whether a document says that an event happened, or that it did not."""

    SUPPORTS = "supports"
    DISPUTES = "disputes"


class Action(StrEnum):
    """What a revision did to the record."""

    RECORD = "record"
    CORRECT = "correct"
    RETRACT = "retract"
    CITE = "cite"
    IMPORT = "import"
    ADD_SOURCE = "add-source"
    ADD_ACTOR = "add-actor"


class Basis(StrEnum):
    """On whose word the document relies."""

    OFFICIAL = "official"
    CLAIMANT = "claimant"
    LOCAL = "local"
    AGENCY = "agency"
    JOURNALIST = "journalist"
    ANALYST = "analyst"
    SOCIAL = "social"


class Confidence(IntEnum):
    """How well supported an event is; derived from its citations, never typed in."""

    CLAIMED = 1
    REPORTED = 2
    CONFIRMED = 3

    @property
    def label(self) -> str:
        """The word that clients see."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> "Confidence":
        """The level that a word names; KeyError for another word."""
        return cls[label.upper()]


@dataclass(frozen=True)
class Outcome:
    """What a district's control is after an event: a status, and who holds it if anyone does."""

    status: Status
    controller: str | None


UNKNOWN = Outcome(Status.UNKNOWN, None)


@dataclass(frozen=True)
class Claim:
    """The part of a citation that the rule looks at.

    `origin` is whose account it is (the agency for a syndicated copy, else the publisher);
    `speaker` the party to the conflict whose word it relies on, if one; `reliability` A to F and
    `credibility` 1 to 6 the Admiralty grades, None where not graded.
    """

    stance: Stance
    origin: str
    published: Span
    asserted: Span | None
    basis: Basis
    speaker: str | None = None
    reliability: str | None = None
    credibility: int | None = None

    @property
    def dating(self) -> Span:
        """When it says the change was; a document that gives no date says "by now"."""
        return self.asserted or Span(None, self.published.latest)


@dataclass(frozen=True)
class Reading:
    """What an event says, read from its claims."""

    span: Span
    confidence: Confidence
    disputed: bool


def read_event(
    claims: Sequence[Claim], outcome: Outcome, pinned: Span | None = None
) -> Reading | None:
    """Derive an event's date bounds, confidence and dispute from its claims.

    None where no claim supports it: nobody says that it happened. The date is `consensus` over
    independent origins; a party's own word dates an event only where no one else speaks. An
    editor's `pinned` date goes before both.
    """
    supporting = [claim for claim in claims if claim.stance is Stance.SUPPORTS]
    if not supporting:
        return None
    independent = [claim for claim in supporting if not is_own_claim(claim, outcome)]
    by_origin = groupby(sorted(independent or supporting, key=_origin), key=_origin)
    # Within one origin a date counts once, however many copies carry it.
    span = consensus([consensus({claim.dating for claim in group}) for _, group in by_origin])
    return Reading(
        span=pinned or span,
        confidence=_confidence(supporting, independent),
        disputed=len(supporting) < len(claims),
    )


def is_own_claim(claim: Claim, outcome: Outcome) -> bool:
    """Whether it is only a party's own word: for its own gain, or for a fight that is not decided.

    A loss that a party admits is no such claim.
    """
    if claim.speaker is not None:
        return outcome.controller in (None, claim.speaker)
    return claim.basis is Basis.CLAIMANT


def _origin(claim: Claim) -> str:
    return claim.origin.casefold()


def _confidence(supporting: Sequence[Claim], independent: Sequence[Claim]) -> Confidence:
    graded = any(c.reliability in ("A", "B") and c.credibility in (1, 2) for c in supporting)
    if graded or len({_origin(claim) for claim in independent}) >= 2:
        return Confidence.CONFIRMED
    return Confidence.REPORTED if independent else Confidence.CLAIMED


def consensus(spans: Iterable[Span]) -> Span:
    """The time on which the largest number of spans agree (Marzullo's algorithm).

    Where two stretches are agreed on by equally many, it is everything from the first to the
    last of them, so that witnesses who contradict each other widen the answer.

    Source of the method: K. Marzullo, "Maintaining the Time in a Distributed System", 1984.
    """
    given = list(spans)
    if len(given) == 1:
        return given[0]
    starts = sorted(span.earliest or _BEGINNING for span in given)
    ends = sorted(span.latest for span in given)

    def covering(instant: datetime) -> int:
        return bisect_right(starts, instant) - bisect_left(ends, instant)

    numbers = {start: covering(start) for start in starts}
    most = max(numbers.values())
    agreed = [start for start, number in numbers.items() if number == most]
    # The first end from there on belongs to a span that covers it: one that began later and ended
    # sooner would have been covered by more.
    end = ends[bisect_left(ends, agreed[-1])]
    return Span(None if agreed[0] == _BEGINNING else agreed[0], end)


@dataclass(frozen=True)
class EventState:
    """What one event says at one setting of `reported_by` and `known_at`.

    `day_order` ranks events whose latest bounds are the same, such as two dated to one day;
    `sequence` is the order of recording.
    """

    event_id: str
    sequence: int
    outcome: Outcome
    day_order: int
    reading: Reading

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Sort key: the instant from which it counts, given order, order of recording."""
        return self.reading.span.latest, self.day_order, self.sequence


@dataclass(frozen=True)
class Held:
    """Something the record held from `known_from` on, until before `known_until` (None: still)."""

    known_from: datetime
    known_until: datetime | None

    def known_at(self, instant: datetime) -> bool:
        """Whether the record held it then."""
        return self.known_from <= instant and (
            self.known_until is None or instant < self.known_until
        )


@dataclass(frozen=True)
class HeldVersion(Held):
    """One version of an event."""

    outcome: Outcome
    day_order: int = 0
    pinned: Span | None = None


@dataclass(frozen=True)
class HeldClaim(Held):
    """One citation of an event."""

    claim: Claim


@dataclass(frozen=True)
class EventHistory:
    """All that was ever recorded about one event."""

    event_id: str
    sequence: int
    versions: tuple[HeldVersion, ...]
    claims: tuple[HeldClaim, ...]


def state_of(event: EventHistory, clocks: Clocks) -> EventState | None:
    """What an event says at these clocks; None when retracted, not yet recorded or not reported."""
    version = next((v for v in event.versions if v.known_at(clocks.known_at)), None)
    claims = [
        held.claim
        for held in event.claims
        if held.known_at(clocks.known_at) and _published(held.claim, clocks)
    ]
    if version is None:
        return None
    reading = read_event(claims, version.outcome, version.pinned)
    if reading is None:
        return None
    return EventState(event.event_id, event.sequence, version.outcome, version.day_order, reading)


def _published(claim: Claim, clocks: Clocks) -> bool:
    return clocks.reported_by is None or claim.published.latest <= clocks.reported_by.until


def readings_over_time(
    claims: Sequence[Claim], outcome: Outcome, pinned: Span | None
) -> list[tuple[datetime, Reading]]:
    """The readings of an event as its documents came out: (from this publication on, reading).

    Only publications that change what the event says appear. This is what the store keeps.
    """
    readings: list[tuple[datetime, Reading]] = []
    for moment in sorted({claim.published.latest for claim in claims}):
        out_by_then = [claim for claim in claims if claim.published.latest <= moment]
        reading = read_event(out_by_then, outcome, pinned)
        if reading and (not readings or readings[-1][1] != reading):
            readings.append((moment, reading))
    return readings


def counting(states: Iterable[EventState], clocks: Clocks, minimum: Confidence) -> list[EventState]:
    """The events that may decide: in effect by `as_of` and sure enough, oldest first."""
    return sorted(
        (
            state
            for state in states
            if state.reading.span.latest <= clocks.as_of.until
            and state.reading.confidence >= minimum
        ),
        key=lambda state: state.order,
    )


def last_stretch(counted: Sequence[EventState]) -> Sequence[EventState]:
    """The events, oldest first, since the last one that left the district in another state."""
    start = len(counted)
    while start and counted[start - 1].outcome == counted[-1].outcome:
        start -= 1
    return counted[start:]


class Reason(StrEnum):
    """Why a claim stands beside the answer and did not make it."""

    BELOW_MIN_CONFIDENCE = "below_min_confidence"
    NOT_YET_CERTAIN = "not_yet_certain"
    CONTRADICTS = "contradicts"
    DISPUTES = "disputes"


def left_out(
    states: Iterable[EventState], clocks: Clocks, minimum: Confidence
) -> list[tuple[EventState, Reason]]:
    """The events that do not count although they may have begun by `as_of`, and why, in order."""
    until = clocks.as_of.until
    found: list[tuple[EventState, Reason]] = []
    for state in sorted(states, key=lambda state: state.order):
        if state.reading.span.latest > until:
            if state.reading.span.starts_by(until):
                found.append((state, Reason.NOT_YET_CERTAIN))
        elif state.reading.confidence < minimum:
            found.append((state, Reason.BELOW_MIN_CONFIDENCE))
    return found


def other_claims(
    states: Iterable[EventState], clocks: Clocks, minimum: Confidence
) -> list[tuple[EventState, Reason]]:
    """What bears on an answer and did not make it, in order, each with the reason.

    That is what is left out and may lie within the stretch that holds now (all of it, where
    nothing holds); what counts and says otherwise, and may in truth have happened within that
    stretch; and the events of the stretch that are disputed. A stretch whose first event has no
    lower bound may have begun as early as the event before it.
    """
    told = list(states)
    counted = counting(told, clocks, minimum)
    stretch = last_stretch(counted)
    reach = _reach(counted, stretch)
    others = left_out(told, clocks, minimum)
    others += [(s, Reason.CONTRADICTS) for s in counted if s not in stretch]
    bearing = [(s, reason) for s, reason in others if s.reading.span.latest >= reach]
    bearing += [(s, Reason.DISPUTES) for s in stretch if s.reading.disputed]
    return sorted(bearing, key=lambda other: other[0].order)


def _reach(counted: Sequence[EventState], stretch: Sequence[EventState]) -> datetime:
    """The instant from which other events may in truth lie within the stretch."""
    if not stretch:
        return _BEGINNING
    first = stretch[0].reading.span.earliest
    if first is not None:
        return first
    before = counted[: len(counted) - len(stretch)]
    return before[-1].reading.span.latest if before else _BEGINNING


@dataclass(frozen=True)
class Question:
    """What a read asks: the three clocks, how sure is sure enough, and whose days are meant.

    `revision` is the newest one that the record held at `clocks.known_at`.
    """

    clocks: Clocks
    minimum: Confidence
    zone: ZoneInfo
    revision: int
