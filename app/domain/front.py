"""Where parties face each other: the kinds of borders between districts, and pockets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.control import Outcome, Status


class LineKind(StrEnum):
    """What a border between two districts of different outcomes is.

    `front`: both are held, by different parties. `contested`: one of them is contested. `unknown`:
    nothing on record counts for one of them, so that nobody can say what it is.
    """

    FRONT = "front"
    CONTESTED = "contested"
    UNKNOWN = "unknown"


def line_kind(one: Outcome, other: Outcome) -> LineKind | None:
    """What the border between two districts is; None where both have the same outcome."""
    if one == other:
        return None
    statuses = {one.status, other.status}
    if Status.UNKNOWN in statuses:
        return LineKind.UNKNOWN
    return LineKind.CONTESTED if Status.CONTESTED in statuses else LineKind.FRONT


class Side(StrEnum):
    """What lies behind a stretch of a district's border, as seen from whoever holds the district.

    `own` is the same party's, `hostile` another's; seen from a district that nobody holds for
    certain, what a party holds is `held`. `outside`: no district of the boundary set, which is
    another country, or a district without a shape.
    """

    OWN = "own"
    HOSTILE = "hostile"
    HELD = "held"
    CONTESTED = "contested"
    UNKNOWN = "unknown"
    OUTSIDE = "outside"


def side_of(here: Outcome, neighbour: Outcome | None) -> Side:
    """What a neighbour is to a district of that outcome; None: there is no neighbour."""
    if neighbour is None:
        return Side.OUTSIDE
    if neighbour.status is Status.UNKNOWN:
        return Side.UNKNOWN
    if neighbour.status is Status.CONTESTED:
        return Side.CONTESTED
    if here.controller is None:
        return Side.HELD
    return Side.OWN if neighbour == here else Side.HOSTILE


@dataclass(frozen=True)
class Pocket:
    """Connected districts of one party that do not touch the largest connected part it holds.

    `certain`: they would not touch it either if the party also held every contested and unknown
    district. Otherwise a way may lead through districts of which the record does not say enough.
    """

    controller: str
    districts: tuple[str, ...]
    certain: bool


def pockets(outcomes: Mapping[str, Outcome], neighbours: Iterable[tuple[str, str]]) -> list[Pocket]:
    """The pockets of every party, largest first.

    `neighbours` are pairs of districts that share a border. The largest part is the one with most
    districts; of equally large ones, the one with the smallest id. A party with one connected part
    has no pocket.
    """
    borders = list(neighbours)
    parties = sorted({held.controller for held in outcomes.values() if held.controller})
    found = []
    for party in parties:
        held = {place for place, outcome in outcomes.items() if outcome.controller == party}
        main, *others = _parts(held, borders)
        if not others:
            continue
        open_to_it = {
            place for place, outcome in outcomes.items() if outcome.status is not Status.CONTROLLED
        }
        reach = next(part for part in _parts(held | open_to_it, borders) if main[0] in part)
        found += [Pocket(party, part, part[0] not in reach) for part in others]
    return sorted(found, key=lambda pocket: (-len(pocket.districts), pocket.districts))


def _parts(places: set[str], borders: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The connected parts of some places, each in order, the largest first."""
    next_to = defaultdict(list)
    for one, other in borders:
        if one in places and other in places:
            next_to[one].append(other)
            next_to[other].append(one)
    left, parts = set(places), []
    while left:
        part, ahead = set[str](), [next(iter(left))]
        while ahead:
            place = ahead.pop()
            if place not in part:
                part.add(place)
                ahead += next_to[place]
        left -= part
        parts.append(tuple(sorted(part)))
    return sorted(parts, key=lambda part: (-len(part), part))


def shares(here: Outcome, around: Iterable[tuple[Outcome | None, float]]) -> dict[Side, float]:
    """Which share (0 to 1) of a border each kind of neighbour has; they add up to 1.

    `around` are the stretches of the border of a district, or of a pocket, of that outcome: what
    holds behind each (None: no district), and its length.
    """
    lengths = dict.fromkeys(Side, 0.0)
    for neighbour, length in around:
        lengths[side_of(here, neighbour)] += length
    whole = sum(lengths.values())
    return {side: length / whole if whole else 0.0 for side, length in lengths.items()}
