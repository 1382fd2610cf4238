"""Shapes of places, by boundary set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Function,
    RowMapping,
    Select,
    func,
    null,
    or_,
    select,
    text,
    union_all,
)

from app.domain.places import BoundingBox, Named
from app.store.remembered import remembered
from app.store.tables import (
    boundary_sets,
    district_shapes,
    districts,
    province_shapes,
    provinces,
)


def add_province_shapes(
    connection: Connection, boundary_set: str, geometries: Mapping[str, str]
) -> None:
    """Store province polygons (GeoJSON geometries, WGS 84) by province id."""
    connection.execute(
        province_shapes.insert().values(
            boundary_set_id=boundary_set,
            province_id=text(":province"),
            geom=func.ST_Multi(func.ST_SetSRID(func.ST_GeomFromGeoJSON(text(":geometry")), 4326)),
        ),
        [{"province": place, "geometry": shape} for place, shape in geometries.items()],
    )


# Cells are drawn in Web Mercator: it keeps angles, so that within a province "nearest" means
# nearest on the ground, which it would not in degrees. A point that the generalised outline
# leaves outside counts from the nearest place a hundredth of a degree (about 1 km) inside. All
# lines are noded together on a grid of a millionth of a degree (about 0.1 m) before districts
# are put together from the faces: clipping alone leaves slivers along province borders, and
# neighbours that do not share theirs.
_DIVIDE = text("""
    INSERT INTO district_shapes (boundary_set_id, district_id, geom)
    WITH sites AS (
        SELECT districts.id, districts.province_id, province.geom AS outline,
               CASE WHEN ST_Covers(province.geom, districts.point) THEN districts.point
                    ELSE ST_ClosestPoint(ST_Buffer(province.geom, -0.01), districts.point)
               END AS site
        FROM districts
        JOIN province_shapes AS province
          ON province.province_id = districts.province_id
         AND province.boundary_set_id = :boundary_set
        WHERE districts.point IS NOT NULL
    ), cells AS (
        SELECT province_id,
               ST_Transform((ST_Dump(ST_VoronoiPolygons(
                   ST_Collect(ST_Transform(site, 3857) ORDER BY id), 0,
                   ST_Transform(ST_Expand(ST_Envelope(ST_Collect(outline)), 0.5), 3857)
               ))).geom, 4326) AS cell
        FROM sites
        GROUP BY province_id
    ), parts AS (
        SELECT sites.id, ST_Intersection(cells.cell, sites.outline) AS part
        FROM sites
        JOIN cells
          ON cells.province_id = sites.province_id AND ST_Covers(cells.cell, sites.site)
    ), faces AS (
        SELECT (ST_Dump(ST_Polygonize(lines))).geom AS face
        FROM (SELECT ST_Union(ST_Boundary(part), 0.000001) AS lines FROM parts) AS noded
    ), marked AS MATERIALIZED (
        SELECT face, ST_PointOnSurface(face) AS inside FROM faces
    )
    SELECT :boundary_set, parts.id, ST_Multi(ST_Union(marked.face ORDER BY marked.face))
    FROM marked
    JOIN parts ON ST_Covers(parts.part, marked.inside)
    GROUP BY parts.id
""")


def divide_provinces(connection: Connection, boundary_set: str) -> int:
    """Divide each province outline of a set among its districts by their Voronoi cells.

    Every district with a point gets the part of its province that is nearer to its point than to
    any other; districts without one get no shape. Returns the number of shapes made.
    """
    return connection.execute(_DIVIDE, {"boundary_set": boundary_set}).rowcount


@dataclass(frozen=True)
class BoundarySet:
    """A dated collection of shapes; `quality` says how far they can be trusted."""

    id: str
    country: str
    name: str
    dated: date
    origin: str
    licence: str
    attribution: str
    quality: str
    source_url: str | None
    sha256: str | None
    is_default: bool
    loaded_at: datetime


@remembered(1000)
def default_set(connection: Connection, country: str) -> BoundarySet | None:
    """The boundary set that a country's geometry answers use unless they are asked otherwise."""
    found = _sets(connection, boundary_sets.c.country_code == country, boundary_sets.c.is_default)
    return found[0] if found else None


@remembered(1000)
def one_set(connection: Connection, boundary_set: str) -> BoundarySet | None:
    """The set of that id."""
    found = _sets(connection, boundary_sets.c.id == boundary_set)
    return found[0] if found else None


def list_sets(connection: Connection, country: str) -> list[BoundarySet]:
    """A country's sets, the default one first, then the newest."""
    return _sets(connection, boundary_sets.c.country_code == country)


def _sets(connection: Connection, *conditions: ColumnElement[bool]) -> list[BoundarySet]:
    rows = connection.execute(
        select(boundary_sets)
        .where(*conditions)
        .order_by(
            boundary_sets.c.is_default.desc(), boundary_sets.c.dated.desc(), boundary_sets.c.id
        )
    ).mappings()
    return [BoundarySet(country=row["country_code"], **_without_country(row)) for row in rows]


def _without_country(row: RowMapping) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "country_code"}


DECIMALS = 5
"""Of the degrees in every geometry that is text: about a metre."""


def as_geojson(geometry: ColumnElement[Any] | Function[Any]) -> Function[str]:
    """A geometry as GeoJSON, with rings turned as RFC 7946 asks (counterclockwise outside)."""
    return func.ST_AsGeoJSON(func.ST_ForcePolygonCCW(geometry), DECIMALS)


def geometries(
    connection: Connection, boundary_set: str, district_ids: Iterable[str], *, points: bool = False
) -> dict[str, str]:
    """District shapes, or a point inside each, as GeoJSON geometries by district.

    In WGS 84 with DECIMALS decimals, and with rings turned as RFC 7946 asks. Districts without a
    shape are left out.
    """
    shape = district_shapes.c.geom
    # A point on a turned surface, as ever: on the other one it may be another point.
    point = func.ST_PointOnSurface(func.ST_ForcePolygonCCW(shape))
    rows = connection.execute(
        select(
            district_shapes.c.district_id,
            as_geojson(point if points else shape).label("geometry"),
        ).where(
            district_shapes.c.boundary_set_id == boundary_set,
            district_shapes.c.district_id.in_(list(district_ids)),
        )
    )
    return {row.district_id: row.geometry for row in rows}


def full_geometries(
    connection: Connection, boundary_set: str, district_ids: Iterable[str]
) -> dict[str, bytes]:
    """District shapes as they are stored, as WKB in degrees (WGS 84), by district."""
    rows = connection.execute(
        select(
            district_shapes.c.district_id, func.ST_AsBinary(district_shapes.c.geom).label("wkb")
        ).where(
            district_shapes.c.boundary_set_id == boundary_set,
            district_shapes.c.district_id.in_(list(district_ids)),
        )
    )
    return {row.district_id: bytes(row.wkb) for row in rows}


def boxes_of(bbox: BoundingBox) -> list[Function[Any]]:
    """The box as one rectangle, or as two where it crosses the 180th meridian.

    A box without width or height is a line or a point; as a polygon it would meet nothing.
    """
    return [
        func.ST_SetSRID(
            func.ST_Envelope(
                func.ST_MakeLine(
                    func.ST_MakePoint(west, bbox.south), func.ST_MakePoint(east, bbox.north)
                )
            ),
            4326,
        )
        for west, east in bbox.spans
    ]


def districts_in(bbox: BoundingBox, boundary_set: str) -> Select[tuple[str]]:
    """The ids of the districts whose shape in a set meets the box."""
    return select(district_shapes.c.district_id).where(
        district_shapes.c.boundary_set_id == boundary_set,
        or_(*(func.ST_Intersects(district_shapes.c.geom, box) for box in boxes_of(bbox))),
    )


def district_at(longitude: float, latitude: float, boundary_set: str) -> Select[tuple[str]]:
    """The id of the district whose shape in a set covers a point (degrees, WGS 84).

    A point on a border belongs to one of its sides, always the same one.
    """
    point = func.ST_SetSRID(func.ST_MakePoint(longitude, latitude), 4326)
    return (
        select(district_shapes.c.district_id)
        .where(
            district_shapes.c.boundary_set_id == boundary_set,
            func.ST_Covers(district_shapes.c.geom, point),
        )
        .order_by(district_shapes.c.district_id)
        .limit(1)
    )


@dataclass(frozen=True)
class Covered:
    """What a set covers: how many districts, within which box, and which districts it lacks.

    `bbox` is west, south, east, north in degrees, of districts and outlines of provinces; None for
    a set without shapes.
    """

    districts: int
    bbox: tuple[float, float, float, float] | None
    without_shape: list[Named]


def coverage_of(connection: Connection, boundary_set: BoundarySet) -> Covered:
    """What a set covers of its country."""
    shapes = union_all(
        *(
            select(place.label("district"), table.c.geom).where(
                table.c.boundary_set_id == boundary_set.id
            )
            for table, place in (
                (district_shapes, district_shapes.c.district_id),
                (province_shapes, null()),
            )
        )
    ).subquery()
    extent = func.ST_Extent(shapes.c.geom)
    found = connection.execute(
        select(
            func.count(shapes.c.district).label("districts"),
            *(edge(extent) for edge in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)),
        )
    ).one()
    return Covered(
        found.districts,
        tuple(found[1:]) if found[1] is not None else None,
        without_shape(connection, boundary_set),
    )


def without_shape(connection: Connection, boundary_set: BoundarySet) -> list[Named]:
    """The country's districts that the set has no shape for."""
    shaped = select(district_shapes.c.district_id).where(
        district_shapes.c.boundary_set_id == boundary_set.id
    )
    rows = connection.execute(
        select(districts.c.id, districts.c.name)
        .join(provinces)
        .where(provinces.c.country_code == boundary_set.country, districts.c.id.not_in(shaped))
        .order_by(districts.c.id)
    )
    return [Named(row.id, row.name) for row in rows]
