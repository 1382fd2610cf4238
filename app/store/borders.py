"""Borders between districts, and what they are at one moment: all of it from stored lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Connection, Text, cast, func, null, or_, select, union_all

from app.domain.control import Question
from app.domain.front import LineKind, line_kind
from app.domain.places import BoundingBox
from app.store.boundaries import DECIMALS, boxes_of
from app.store.status import DistrictStatus, Which, statuses
from app.store.tables import borders, districts, outer_borders


@dataclass(frozen=True)
class Stretch:
    """A district's border with one neighbour, or with None: no other district of the set."""

    district: str
    neighbour: str | None
    length_km: float


@dataclass(frozen=True)
class Line:
    """A border between two districts of different outcomes; the side with the smaller id first.

    `geometry` is a GeoJSON MultiLineString in WGS 84 with DECIMALS decimals, about a metre.
    `length_km` is geodesic, on the WGS 84 ellipsoid.
    """

    kind: LineKind
    sides: tuple[DistrictStatus, DistrictStatus]
    length_km: float
    geometry: str

    @property
    def id(self) -> str:
        """The ids of both sides."""
        return "-".join(side.id for side in self.sides)


@dataclass(frozen=True)
class Lines:
    """The lines that were asked for, and how long all lines of each kind are, in km."""

    lines: Sequence[Line]
    length_km: Mapping[LineKind, float]


@dataclass(frozen=True)
class WhichLines:
    """Which lines are meant; every part that is given narrows it.

    `province`: one side lies in it. `bbox`: the line meets it. Lengths are those of all kinds.
    """

    country: str
    boundary_set: str
    kinds: frozenset[LineKind] = frozenset({LineKind.FRONT})
    province: str | None = None
    bbox: BoundingBox | None = None


def lines(connection: Connection, question: Question, which: WhichLines) -> Lines:
    """The borders between districts of different outcomes, in the order of their sides' ids."""
    held = {s.id: s for s in statuses(connection, question, Which(country=which.country))}
    between = [
        (kind, border)
        for border in _shared(connection, which)
        if (kind := line_kind(held[border.district].outcome, held[border.other].outcome))
    ]
    drawn = _geometries(
        connection,
        which.boundary_set,
        [(border.district, border.other) for kind, border in between if kind in which.kinds],
    )
    return Lines(
        [
            Line(
                kind,
                (held[border.district], held[border.other]),
                border.length_km,
                drawn[border.district, border.other],
            )
            for kind, border in between
            if kind in which.kinds
        ],
        {
            kind: sum(border.length_km for found, border in between if found is kind)
            for kind in LineKind
        },
    )


@dataclass(frozen=True)
class _Shared:
    district: str
    other: str
    length_km: float


def _shared(connection: Connection, which: WhichLines) -> list[_Shared]:
    statement = (
        select(borders.c.district_id, borders.c.neighbour_id, borders.c.length_km)
        .where(borders.c.boundary_set_id == which.boundary_set)
        .order_by(borders.c.district_id, borders.c.neighbour_id)
    )
    if which.province is not None:
        there = select(districts.c.id).where(districts.c.province_id == which.province)
        statement = statement.where(
            or_(borders.c.district_id.in_(there), borders.c.neighbour_id.in_(there))
        )
    if which.bbox is not None:
        statement = statement.where(
            or_(*(func.ST_Intersects(borders.c.geom, box) for box in boxes_of(which.bbox)))
        )
    return [_Shared(*row) for row in connection.execute(statement)]


def _geometries(
    connection: Connection, boundary_set: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    ends = [cast([pair[end] for pair in pairs], ARRAY(Text)) for end in (0, 1)]
    wanted = func.unnest(*ends).table_valued("one", "other").render_derived()
    rows = connection.execute(
        select(
            borders.c.district_id,
            borders.c.neighbour_id,
            func.ST_AsGeoJSON(borders.c.geom, DECIMALS).label("geometry"),
        ).join(
            wanted,
            (borders.c.boundary_set_id == boundary_set)
            & (borders.c.district_id == wanted.c.one)
            & (borders.c.neighbour_id == wanted.c.other),
        )
    )
    return {(row.district_id, row.neighbour_id): row.geometry for row in rows}


def stretches(
    connection: Connection, boundary_set: str, district_ids: Iterable[str] | None = None
) -> list[Stretch]:
    """The whole border of each district, in stretches, seen from that district.

    Without `district_ids` those of all districts of the set. In the order of the districts'
    ids and then of the neighbours', the stretch without a neighbour last.
    """
    shared, outer = borders.c, outer_borders.c
    seen = union_all(
        select(shared.district_id, shared.neighbour_id, shared.length_km).where(
            shared.boundary_set_id == boundary_set
        ),
        select(shared.neighbour_id, shared.district_id, shared.length_km).where(
            shared.boundary_set_id == boundary_set
        ),
        select(outer.district_id, null(), outer.length_km).where(
            outer.boundary_set_id == boundary_set
        ),
    ).subquery()
    statement = select(seen).order_by(seen.c.district_id, seen.c.neighbour_id)
    if district_ids is not None:
        statement = statement.where(seen.c.district_id.in_(list(district_ids)))
    return [Stretch(*row) for row in connection.execute(statement)]
