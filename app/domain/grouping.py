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
5. Events that take effect at the same instant are ranked: fighting before its outcome, else
   rule 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from app.domain.control import Claim, Kind, Outcome, Stance, Status, read_event
from app.domain.errors import InvalidValueError

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

    @property
    def sort_key(self) -> tuple[datetime, datetime, datetime, str]:
        """Rule 1."""
        dating = self.claim.dating
        return dating.latest, dating.anchor, self.claim.published.latest, self.key


@dataclass
class Group:
    """An event in the making; `day_order` ranks it among those of one instant (rule 5)."""

    outcome: Outcome
    supporting: list[Reported]
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

    @property
    def first(self) -> datetime:
        """The earliest date that any claim gives."""
        return min(reported.claim.dating.anchor for reported in self.supporting)

    @property
    def last(self) -> datetime:
        """The latest date that any claim gives."""
        return max(reported.claim.dating.latest for reported in self.supporting)

    @property
    def effect(self) -> datetime:
        """When it takes effect, all claims counted."""
        claims = [reported.claim for reported in (*self.supporting, *self.disputing)]
        reading = read_event(claims, self.outcome)
        assert reading is not None  # noqa: S101 - a group has at least one claim
        return reading.span.latest


def group_claims(reported: Iterable[Reported]) -> list[Group]:
    """Group the claims of any number of districts; the order of the input does not matter.

    Raises InvalidValueError for a denial with nothing to deny.
    """
    by_district: dict[str, list[Reported]] = {}
    for one in sorted(reported, key=lambda r: (r.district, r.sort_key)):
        by_district.setdefault(one.district, []).append(one)
    return [group for claims in by_district.values() for group in _group_district(claims)]


def _group_district(claims: Sequence[Reported]) -> list[Group]:
    groups: list[Group] = []
    for one in claims:
        if one.claim.stance is Stance.SUPPORTS:
            group = _same_change(groups, one)
            if group:
                group.supporting.append(one)
            else:
                groups.append(Group(one.outcome, [one]))
    for one in claims:
        if one.claim.stance is Stance.DISPUTES:
            _denied(groups, one).disputing.append(one)
    ranked = sorted(groups, key=lambda g: (g.effect, g.outcome.status is not Status.CONTESTED))
    for _, same_instant in groupby(ranked, key=lambda g: g.effect):
        for position, group in enumerate(same_instant):
            group.day_order = position
    return ranked


def _same_change(groups: Sequence[Group], one: Reported) -> Group | None:
    taken = [g for g in groups if g.outcome.status is Status.CONTROLLED]
    contested = [g for g in groups if g.outcome.status is Status.CONTESTED]
    when = one.claim.dating.anchor
    newest = (contested if one.outcome.status is Status.CONTESTED else taken)[-1:]
    if not newest or newest[0].outcome != one.outcome:
        return None
    if one.claim.dating.earliest is not None and when - newest[0].last > WINDOW:
        return None
    between = (
        [g for g in taken if g.last > newest[0].last]
        if one.outcome.status is Status.CONTESTED
        else [g for g in contested if g.first > newest[0].last and g.last < when]
    )
    return None if between else newest[0]


def _denied(groups: Sequence[Group], denial: Reported) -> Group:
    deniable = [
        group
        for group in groups
        if group.outcome.status is Status.CONTROLLED
        and group.outcome.controller != denial.outcome.controller
    ]
    if not deniable:
        raise InvalidValueError(
            f"{denial.key}: there is no report for this denial to deny", field="stance"
        )
    dating = denial.claim.dating
    return min(
        deniable,
        key=lambda g: max(g.first - dating.latest, dating.anchor - g.last, timedelta(0)),
    )
