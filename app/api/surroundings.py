"""What lies around districts: shares of borders, and pockets, put together for documents."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.api.schemas import borders as documents
from app.api.schemas.base import Ref
from app.domain.control import UNKNOWN, Question
from app.domain.front import Pocket, Side, pockets, shares
from app.store import borders, boundaries
from app.store.borders import Stretch
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which, statuses

_OUTSIDE = ""  # no district has this id


@dataclass(frozen=True)
class Surroundings:
    """What holds in every district, and the stretches of the border of each that has a shape."""

    held: dict[str, DistrictStatus]
    stretches: dict[str, list[Stretch]]

    def encircled(self, district: str) -> documents.Encircled:
        """One district and what lies around it."""
        here = self.held[district]
        around = self.stretches[district]
        of_sides = self._shares(here, around)
        return documents.Encircled.model_validate(
            {
                **vars(here),
                **vars(documents.Party.of(here)),
                "border_km": _km(around),
                "hostile_share": round(of_sides[Side.HOSTILE], 4) if here.controller else None,
                "shares": documents.SideShares.of(of_sides),
                "by_controller": self._by_controller(around),
            }
        )

    def pockets(self) -> list[Pocket]:
        """The pockets of all parties.

        A district without a shape may lie behind any border to no district, and join what lies
        along it: so where there is one, no such pocket is certain.
        """
        outcomes = {district: self.held[district].outcome for district in self.stretches}
        if self.held.keys() - self.stretches.keys():
            outcomes[_OUTSIDE] = UNKNOWN
        pairs = (
            (s.district, s.neighbour or _OUTSIDE)
            for around in self.stretches.values()
            for s in around
        )
        return pockets(outcomes, pairs)

    def pocket(self, pocket: Pocket) -> documents.Pocket:
        """A pocket and what lies around it."""
        inside = [self.held[district] for district in pocket.districts]
        rim = [
            stretch
            for district in pocket.districts
            for stretch in self.stretches[district]
            if stretch.neighbour not in pocket.districts
        ]
        of_sides = self._shares(inside[0], rim)
        return documents.Pocket.model_validate(
            {
                "controller": inside[0].controller,
                "districts": inside,
                "provincial_capitals": [d for d in inside if d.is_provincial_capital],
                "certain": pocket.certain,
                "border_km": _km(rim),
                "hostile_share": round(of_sides[Side.HOSTILE], 4),
                "shares": documents.SideShares.of(of_sides),
            }
        )

    def _shares(self, here: DistrictStatus, around: Iterable[Stretch]) -> dict[Side, float]:
        return shares(
            here.outcome,
            (
                (self.held[s.neighbour].outcome if s.neighbour else None, s.length_km)
                for s in around
            ),
        )

    def _by_controller(self, around: Sequence[Stretch]) -> list[dict[str, Any]]:
        lengths: dict[str, float] = defaultdict(float)
        names: dict[str, Ref] = {}
        for stretch in around:
            holder = self.held[stretch.neighbour].controller if stretch.neighbour else None
            if holder:
                lengths[holder.id] += stretch.length_km
                names[holder.id] = Ref.model_validate(holder)
        whole = sum(stretch.length_km for stretch in around)
        return [
            {
                "controller": names[party],
                "border_km": round(length, 3),
                "share_of_border": round(length / whole, 4),
            }
            for party, length in sorted(lengths.items(), key=lambda item: (-item[1], item[0]))
        ]


def surroundings(
    connection: Connection, question: Question, country: str, shapes: boundaries.BoundarySet
) -> Surroundings:
    """What holds in a country, and its districts' borders in a set: two queries."""
    by_district: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in borders.stretches(connection, shapes.id):
        by_district[stretch.district].append(stretch)
    held = statuses(connection, question, Which(country=country))
    return Surroundings({status.id: status for status in held}, by_district)


def _km(stretches: Iterable[Stretch]) -> float:
    return round(sum(stretch.length_km for stretch in stretches), 3)
