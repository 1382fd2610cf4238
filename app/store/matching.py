"""Which place a cell of somebody's table means: candidates, and whether one of them is sure.

The rule is that of `store.resolving`, without its third part: nothing that is merely similar is
ever sure. Sure is a place's id; else a name on record that only one place has, if no other place
has a name that sounds the same, and either its province is given, or it shares none of its names
with another district (a missing spelling of the other may be the same again).
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.places import Reduced, Sought, name_key
from app.store import search
from app.store.search import Found, PlaceKind, Where

LONGEST = 200
"""Characters that a text has at the most which may be a name."""

_PROVINCES = 20  # as many are read of one cell
_LOOKED_AT = 20  # as many places of one name there may be


@dataclass(frozen=True)
class Cell:
    """What a table says of a place; `provinces` are names, codes or ids as they are written."""

    text: str
    country: str
    kinds: tuple[PlaceKind, ...] = ("district",)
    provinces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A place that may be meant."""

    kind: PlaceKind
    found: Found
    sure: bool


def candidates(connection: Connection, cell: Cell, limit: int) -> list[Candidate]:
    """The places that a cell may mean, the best first; of them at most one is sure.

    A text that can be no name has none. Provinces that are on record narrow the search down; one
    that is not says nothing, and leaves nothing sure.
    """
    if not name_key(cell.text) or len(cell.text) > LONGEST:
        return []
    sought = Sought.of(cell.text)
    said = [name[:LONGEST] for name in cell.provinces[:_PROVINCES]]
    written = [Reduced.of(name) for name in said if name_key(name)]
    inside = set().union(*search.provinces_called(connection, written, cell.country))
    where = Where(
        country=cell.country,
        provinces=tuple(sorted(inside)) if inside else None,
        limit=max(limit, _LOOKED_AT),
    )
    found = [
        (kind, place)
        for kind in cell.kinds
        for place in search.find(connection, kind, sought, where)
    ]
    found.sort(key=lambda one: (-one[1].match.score, one[1].id))
    is_placed = len(inside) == 1
    sure = None
    if is_placed or not written:
        sure = _sure(connection, sought, found, is_placed=is_placed)
    return [Candidate(kind, place, place.id == sure) for kind, place in found[:limit]]


def _sure(
    connection: Connection,
    sought: Sought,
    found: list[tuple[PlaceKind, Found]],
    *,
    is_placed: bool,
) -> str | None:
    """The id of the place that is meant for certain."""
    if any(place.id == sought.id for _, place in found):
        return sought.id
    same = [(kind, place) for kind, place in found if place.match.how != "fuzzy"]
    if len(same) != 1:
        return None
    ((kind, place),) = same
    if not place.match.is_exact:
        return None
    says_province = name_key(place.match.name) != sought.whole.key
    if kind == "province" or is_placed or says_province:
        return place.id
    return None if search.share_names(connection, [place.id]) else place.id
