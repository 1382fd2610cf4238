"""What a picture of a map is drawn from: stored drawings, fitted into a rectangle as SVG paths."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text, union_all

from app.store.drawings import ZOOMS
from app.store.tables import districts, drawn_districts, drawn_provinces


@dataclass(frozen=True)
class Frame:
    """A rectangle of a picture, in the picture's own units, whose y runs downwards.

    `pixels` is how many pixels a unit has: more of them take a finer drawing.
    """

    x: float
    y: float
    width: float
    height: float
    pixels: float


@dataclass(frozen=True)
class Spot:
    """The largest circle that fits into a shape, in the picture's units: where its name goes."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class FittedBorder:
    """Where two districts meet."""

    district: str
    neighbour: str
    path: str


@dataclass(frozen=True)
class Fitted:
    """A set's drawings within a frame, north up, as SVG path data with one decimal.

    `districts` and `provinces` are closed, by id. `spots` are those of the places to be named: the
    districts of a province, or the provinces of a country.
    """

    districts: Mapping[str, str]
    provinces: Mapping[str, str]
    borders: Sequence[FittedBorder]
    spots: Mapping[str, Spot]


def fitted(
    connection: Connection, boundary_set: str, frame: Frame, province: str | None = None
) -> Fitted:
    """A whole set, or one province of it, in Web Mercator, as large as the frame allows.

    In the order of the places' ids. A province has its own districts, and the borders of which one
    side lies in it. Nothing at all where the set has no shape there.
    """
    extent = _extent(connection, boundary_set, province)
    if extent is None:
        return Fitted({}, {}, (), {})
    west, south, east, north = extent
    scale = min(frame.width / (east - west), frame.height / (north - south))
    rows = connection.execute(
        _PARTS,
        {
            "boundary_set": boundary_set,
            "province": province,
            "zoom": _zoom(1 / (scale * frame.pixels)),
            "scale": scale,
            # SVG counts downwards, and PostGIS turns the sign of y when it writes SVG.
            "right": frame.x + frame.width / 2 - scale * (west + east) / 2,
            "up": -frame.y - frame.height / 2 - scale * (south + north) / 2,
            "named": "province" if province is None else "district",
        },
    ).all()
    return Fitted(
        {row.id: row.path for row in rows if row.kind == "district"},
        {row.id: row.path for row in rows if row.kind == "province"},
        [FittedBorder(row.id, row.other, row.path) for row in rows if row.kind == "border"],
        {row.id: Spot(row.x, row.y, row.radius) for row in rows if row.radius is not None},
    )


def _extent(
    connection: Connection, boundary_set: str, province: str | None
) -> tuple[float, float, float, float] | None:
    """West, south, east, north of what is drawn, in metres of Web Mercator."""
    shapes = (
        select(drawn_districts.c.geom)
        .join(districts)
        .where(
            drawn_districts.c.boundary_set_id == boundary_set, drawn_districts.c.zoom == ZOOMS[-1]
        )
    )
    outlines = select(drawn_provinces.c.geom).where(
        drawn_provinces.c.boundary_set_id == boundary_set, drawn_provinces.c.zoom == ZOOMS[-1]
    )
    if province is not None:
        shapes = shapes.where(districts.c.province_id == province)
        outlines = outlines.where(drawn_provinces.c.province_id == province)
    drawn = union_all(shapes, outlines).subquery()
    extent = func.ST_Extent(drawn.c.geom)
    found = connection.execute(
        select(*(edge(extent) for edge in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))
    ).one()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


_ROUND_THE_WORLD = 2 * 20037508.342789244
"""Metres of Web Mercator along the equator."""


def _zoom(metres: float) -> int:
    """The zoom whose drawings are fine enough for pixels of that many metres of Web Mercator."""
    needed = math.ceil(math.log2(_ROUND_THE_WORLD / 512 / metres))
    return min(max(needed, ZOOMS[0]), ZOOMS[-1])


# A province of which the set lacks a district has no outline, and is named amid the others. The
# order is by code point, for that of the database's own language may differ from host to host.
_PARTS = text("""
    WITH shown AS (
        SELECT drawn.district_id, districts.province_id, drawn.geom
        FROM drawn_districts AS drawn
        JOIN districts ON districts.id = drawn.district_id
        WHERE drawn.boundary_set_id = :boundary_set AND drawn.zoom = :zoom
          AND (CAST(:province AS text) IS NULL OR districts.province_id = :province)
    ), outlined AS (
        SELECT province_id, geom
        FROM drawn_provinces
        WHERE boundary_set_id = :boundary_set AND zoom = :zoom
          AND (CAST(:province AS text) IS NULL OR province_id = :province)
    ), parts AS (
        SELECT 'district' AS kind, district_id AS id, NULL AS other, geom FROM shown
        UNION ALL
        SELECT 'province', province_id, NULL, geom FROM outlined
        UNION ALL
        SELECT 'rest', province_id, NULL, ST_Union(geom)
        FROM shown
        WHERE province_id NOT IN (SELECT province_id FROM outlined)
        GROUP BY province_id
        UNION ALL
        SELECT 'border', district_id, neighbour_id, geom
        FROM drawn_borders
        WHERE boundary_set_id = :boundary_set AND zoom = :zoom
          AND (district_id IN (SELECT district_id FROM shown)
               OR neighbour_id IN (SELECT district_id FROM shown))
    ), framed AS MATERIALIZED (
        SELECT kind, id, other, ST_Affine(geom, :scale, 0, 0, :scale, :right, :up) AS geom
        FROM parts
    ), spotted AS MATERIALIZED (
        SELECT kind, id, ST_MaximumInscribedCircle(geom) AS circle
        FROM framed
        WHERE kind = :named OR (kind = 'rest' AND :named = 'province')
    )
    SELECT framed.kind, framed.id, framed.other, ST_AsSVG(framed.geom, 0, 1) AS path,
           ST_X((circle).center) AS x, -ST_Y((circle).center) AS y, (circle).radius
    FROM framed
    LEFT JOIN spotted ON spotted.kind = framed.kind AND spotted.id = framed.id
    ORDER BY framed.kind, framed.id COLLATE "C", framed.other COLLATE "C"
""")
