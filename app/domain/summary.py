"""Totals: how many districts, how much land and how many people, by who holds them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.domain.control import Outcome, Status


@dataclass(frozen=True)
class Place:
    """One district as the totals see it: what holds there, and its size where that is known.

    `area_km2` in square kilometres and `population` in people are None where no figure is on
    record; such a district counts in the numbers of districts and not in the shares.
    """

    outcome: Outcome
    since: date | None
    area_km2: float | None
    population: int | None


@dataclass(frozen=True)
class Total:
    """The districts of one status and controller; shares are of all, from 0 to 1."""

    outcome: Outcome
    districts: int
    share_of_districts: float
    area_km2: float
    share_of_area: float
    population: int
    share_of_population: float


@dataclass(frozen=True)
class Totals:
    """All statuses of an area; the numbers of districts add up to `districts`."""

    districts: int
    area_km2: float
    population: int
    by_outcome: tuple[Total, ...]
    last_change: date | None

    def of(self, status: Status) -> list[Total]:
        """The parts that have that status."""
        return [total for total in self.by_outcome if total.outcome.status is status]

    def count(self, status: Status) -> int:
        """Number of districts of that status."""
        return sum(total.districts for total in self.of(status))


def totals(places: Iterable[Place]) -> Totals:
    """Add up districts by outcome, the largest number first."""
    everywhere = list(places)
    area = _area(everywhere)
    population = _population(everywhere)
    groups: dict[Outcome, list[Place]] = {}
    for place in everywhere:
        groups.setdefault(place.outcome, []).append(place)
    by_outcome = [
        Total(
            outcome=outcome,
            districts=len(group),
            share_of_districts=_share(len(group), len(everywhere)),
            area_km2=_area(group),
            share_of_area=_share(_area(group), area),
            population=_population(group),
            share_of_population=_share(_population(group), population),
        )
        for outcome, group in groups.items()
    ]
    by_outcome.sort(key=lambda t: (-t.districts, t.outcome.status, t.outcome.controller or ""))
    changes = [place.since for place in everywhere if place.since]
    return Totals(len(everywhere), area, population, tuple(by_outcome), max(changes, default=None))


def _area(places: list[Place]) -> float:
    return round(sum(place.area_km2 or 0.0 for place in places), 1)


def _population(places: list[Place]) -> int:
    return sum(place.population or 0 for place in places)


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


@dataclass(frozen=True)
class Balance:
    """What one party gained and lost between two states, in districts."""

    controller: str
    gained: int
    lost: int


def balances(changes: Iterable[tuple[Outcome, Outcome]]) -> list[Balance]:
    """Add up who gained and who lost, from (before, after) pairs; the largest gain first."""
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for before, after in changes:
        if before.controller != after.controller:
            gained.update([after.controller] if after.controller else [])
            lost.update([before.controller] if before.controller else [])
    parties = sorted({*gained, *lost}, key=lambda party: (-gained[party], party))
    return [Balance(party, gained[party], lost[party]) for party in parties]
