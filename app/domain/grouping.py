"""Grouping claims into events: which documents speak of the same change of control.

The rule, for the claims about one district:

1. Claims are put in order by the latest date they give, then the earliest, then publication.
2. A claim that an actor holds the district joins the newest event that says so, if no event by
   which another actor took it stands between them, and at most `WINDOW` lies between their
   dates; otherwise it begins a new event. A contested spell stands between only when it lies
   wholly after the one and wholly before the other. A claim that gives no beginning ("by 18
   June") has no distance to an earlier event: it may speak of just that one.
3. A claim that the district is contested joins the newest such event in the same way, unless
   someone has taken the district since.
4. A denial disputes the event nearest in time by which somebody other than the denier took it.
5. Events that take effect at the same instant, now or as the press once told it, are ranked in
   this order: by when they take effect, fighting before its outcome, else rule 1.

What an editor put together stays together: the claims of an event that is *kept* stay its own,
and others join it by the same rules. It keeps its rank, too, and others are ranked around it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from app.domain.clocks import Span
from app.domain.control import (
    Claim,
    Kind,
    Outcome,
    Reading,
    Stance,
    Status,
    readings_over_time,
)

WINDOW = timedelta(days=7)
"""Reports of one change trickle in for about a week in the record of summer 2021."""


@dataclass(frozen=True)
class Reported:
    """One claim before it is grouped. A denial's `outcome` is what the denier says instead."""

    key: str
    district: str
    kind: Kind
    outcome: Outcome
    claim: Claim

    @cached_property
    def sort_key(self) -> tuple[datetime, datetime, datetime, str]:
        """Rule 1."""
        dating = self.claim.dating
        return dating.latest, dating.anchor, self.claim.published.latest, self.key


@dataclass(frozen=True)
class Kept:
    """An event that stays as it is, with its claims; the supporting ones have its outcome.

    Claims of an event with a `pinned` date give that date.
    """

    event: str
    claims: tuple[Reported, ...]
    day_order: int = 0
    pinned: Span | None = None


@dataclass(eq=False)
class Group:
    """An event in the making; `day_order` ranks it among those of one instant (rule 5)."""

    outcome: Outcome
    kept: Kept | None = None
    supporting: list[Reported] = field(default_factory=list)
    disputing: list[Reported] = field(default_factory=list)
    day_order: int = 0

    @property
    def district(self) -> str:
        """The one district that all its claims speak of."""
        return self.supporting[0].district

    @property
    def kind(self) -> Kind:
        """The kind that most claims give; on a tie the first one's."""
        kinds = [reported.kind for reported in self.supporting]
        return max(kinds, key=kinds.count)

    @cached_property
    def readings(self) -> list[tuple[datetime, Reading]]:
        """What it says, publication by publication, once all its claims are there."""
        claims = [reported.claim for reported in (*self.supporting, *self.disputing)]
        return readings_over_time(claims, self.outcome, self.kept.pinned if self.kept else None)

    @property
    def effect(self) -> datetime:
        """When it takes effect, all claims counted."""
        return self.readings[-1][1].span.latest

    @property
    def rank(self) -> tuple[datetime, bool, tuple[datetime, datetime, datetime, str]]:
        """Rule 5."""
        contested = self.outcome.status is Status.CONTESTED
        return self.effect, not contested, self.supporting[0].sort_key


@dataclass(frozen=True)
class Grouping:
    """Events, by district and then by rank, and the denials of what nobody reports."""

    groups: list[Group]
    unfounded: list[Reported]


def group_claims(reported: Iterable[Reported], kept: Iterable[Kept] = ()) -> Grouping:
    """Group the claims of any number of districts; the order of the input does not matter.

    `reported` are the claims that are free to join any event, `kept` the events with claims of
    their own. Each claim is in one of them only.
    """
    by_district: dict[str, list[tuple[Reported, Kept | None]]] = {}
    for one in reported:
        by_district.setdefault(one.district, []).append((one, None))
    for home in kept:
        for one in home.claims:
            by_district.setdefault(one.district, []).append((one, home))
    grouping = Grouping([], [])
    for _, claims in sorted(by_district.items()):
        claims.sort(key=lambda entry: entry[0].sort_key)
        _group_district(claims, grouping)
    return grouping


def _group_district(claims: Sequence[tuple[Reported, Kept | None]], into: Grouping) -> None:
    told = _Told()
    homes: dict[str, Group] = {}
    for one, kept in claims:
        if one.claim.stance is Stance.SUPPORTS:
            group = homes.get(kept.event) if kept else None
            group = group or told.same_change(one)
            if kept and kept.event not in homes:
                # What was told before its own first claim joins a kept event, too.
                group = group if group and not group.kept else Group(one.outcome)
                group.kept, homes[kept.event] = kept, group
            told.add(one, group or Group(one.outcome))
    groups = told.groups
    for one, kept in claims:
        if one.claim.stance is Stance.DISPUTES:
            denied = homes[kept.event] if kept else told.denied(one)
            (denied.disputing if denied else into.unfounded).append(one)
    for rivals in _sharing_an_instant(groups):
        _rank(sorted(rivals, key=lambda g: g.rank))
    into.groups.extend(sorted(groups, key=lambda g: g.rank))


def _rank(rivals: Sequence[Group]) -> None:
    """Number the events that share an instant, in their order, around those whose rank is kept."""
    numbers = (g.kept.day_order - place for place, g in enumerate(rivals) if g.kept)
    number = next(numbers, 0) - 1
    for group in rivals:
        if group.kept:
            group.day_order = group.kept.day_order
            number = max(number, group.day_order)
        else:
            number = group.day_order = number + 1


class _Told:
    """The events of one district so far; claims come in the order of rule 1."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._spans: dict[Group, tuple[int, datetime, datetime]] = {}
        """Of each event: its place in the order of beginning, the first and the last date given."""
        self._taken: list[Group] = []
        self._contested: list[Group] = []
        self._last_taken: datetime | None = None

    def add(self, one: Reported, group: Group) -> None:
        """Add a supporting claim to an event, which may be a new one."""
        contested = group.outcome.status is Status.CONTESTED
        dating = one.claim.dating
        place, first, last = self._spans.get(
            group, (len(self.groups), dating.anchor, dating.latest)
        )
        if group not in self._spans:
            self.groups.append(group)
            (self._contested if contested else self._taken).append(group)
        group.supporting.append(one)
        last = max(last, dating.latest)
        self._spans[group] = place, min(first, dating.anchor), last
        if not contested:
            self._last_taken = max(self._last_taken or last, last)

    def same_change(self, one: Reported) -> Group | None:
        """The event that a claim speaks of by rule 2 or 3, if there is one."""
        contested = one.outcome.status is Status.CONTESTED
        candidates = self._contested if contested else self._taken
        if not candidates or candidates[-1].outcome != one.outcome:
            return None
        newest = candidates[-1]
        dating = one.claim.dating
        began, _, until = self._spans[newest]
        if dating.earliest is not None and dating.anchor - until > WINDOW:
            return None
        if contested:
            apart = self._last_taken is not None and self._last_taken > until
        else:
            apart = self._fight_between(began, until, dating.anchor)
        return None if apart else newest

    def _fight_between(self, began: int, after: datetime, before: datetime) -> bool:
        for group in reversed(self._contested):
            place, first, last = self._spans[group]
            if place < began:  # it speaks of a time before `after`, as its first claim does
                return False
            if first > after and last < before:
                return True
        return False

    def denied(self, denial: Reported) -> Group | None:
        """The event that a denial speaks of by rule 4, if there is one."""
        dating = denial.claim.dating

        def distance(group: Group) -> timedelta:
            _, first, last = self._spans[group]
            return max(first - dating.latest, dating.anchor - last, timedelta(0))

        deniable = (g for g in self._taken if g.outcome.controller != denial.outcome.controller)
        return min(deniable, key=distance, default=None)


def _sharing_an_instant(groups: Sequence[Group]) -> list[list[Group]]:
    """The events that take effect at one instant at some setting of `reported_by`, together."""
    rivals: dict[datetime, list[Group]] = {}
    for group in groups:
        joined = [group]
        instants = {reading.span.latest for _, reading in group.readings}
        for met in {id(found): found for i in instants if (found := rivals.get(i))}.values():
            joined += met
        for instant in instants | {r.span.latest for g in joined for _, r in g.readings}:
            rivals[instant] = joined
    return list({id(found): found for found in rivals.values()}.values())
