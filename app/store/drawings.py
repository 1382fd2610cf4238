"""Writing what is derived from a boundary set: borders of districts, and drawings for tiles.

Geometry comes and goes as WKB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, text, union

from app.store.tables import (
    borders,
    district_shapes,
    districts,
    drawn_borders,
    drawn_districts,
    drawn_provinces,
    outer_borders,
    province_shapes,
)

ZOOMS = range(3, 13)
"""The zooms that there are drawings for. Tiles farther out use the first, closer in the last."""


@dataclass(frozen=True)
class StoredShape:
    """A district's shape in a set, in degrees (WGS 84)."""

    district: str
    province: str
    wkb: bytes


@dataclass(frozen=True)
class Border:
    """Where two districts meet; without a neighbour, where one meets no other of the set."""

    district: str
    neighbour: str | None
    wkb: bytes


@dataclass(frozen=True)
class Drawing:
    """Everything at one zoom, in metres of Web Mercator: shapes by place, and borders.

    `provinces` are whole: one that is only drawn in part is not in it.
    """

    districts: Mapping[str, bytes]
    provinces: Mapping[str, bytes]
    borders: Sequence[Border]


def stored_shapes(connection: Connection, boundary_set: str) -> list[StoredShape]:
    """The district shapes of a set, in the order of the districts' ids by code point."""
    rows = connection.execute(
        select(
            district_shapes.c.district_id,
            districts.c.province_id,
            district_shapes.c.geom.ST_AsBinary().label("wkb"),
        )
        .join(districts)
        .where(district_shapes.c.boundary_set_id == boundary_set)
        .order_by(district_shapes.c.district_id.collate("C"))
    )
    return [StoredShape(row.district_id, row.province_id, bytes(row.wkb)) for row in rows]


def stored_outlines(connection: Connection, boundary_set: str) -> dict[str, bytes]:
    """The shapes that a set has of provinces themselves, as WKB in degrees (WGS 84)."""
    rows = connection.execute(
        select(province_shapes.c.province_id, province_shapes.c.geom.ST_AsBinary())
        .where(province_shapes.c.boundary_set_id == boundary_set)
        .order_by(province_shapes.c.province_id.collate("C"))
    )
    return {province: bytes(wkb) for province, wkb in rows}


def provinces_lacking_districts(connection: Connection, boundary_set: str) -> set[str]:
    """The provinces, of whatever country, with a district that the set has no shape for."""
    shaped = select(district_shapes.c.district_id).where(
        district_shapes.c.boundary_set_id == boundary_set
    )
    found = select(districts.c.province_id).where(districts.c.id.not_in(shaped)).distinct()
    return set(connection.scalars(found))


def sets_with_shapes(connection: Connection) -> list[str]:
    """The ids of the sets that have shapes, of districts or of provinces."""
    found = union(
        select(district_shapes.c.boundary_set_id), select(province_shapes.c.boundary_set_id)
    )
    return sorted(connection.scalars(found))


def is_derived(connection: Connection, boundary_set: str) -> bool:
    """Whether there are borders and drawings of a set."""
    found = select(drawn_districts.c.zoom).where(drawn_districts.c.boundary_set_id == boundary_set)
    return connection.execute(found.limit(1)).first() is not None


def clear(connection: Connection, boundary_set: str) -> None:
    """Take away what was derived from a set."""
    for table in (borders, outer_borders, drawn_districts, drawn_provinces, drawn_borders):
        connection.execute(delete(table).where(table.c.boundary_set_id == boundary_set))


# The length is that of the shortest lines on the WGS 84 ellipsoid, as PostGIS reckons it.
_MEASURED = """
    SELECT :boundary_set, {columns}, geom, ST_Length(geom::geography) / 1000
    FROM (SELECT district, neighbour, ST_GeomFromWKB(wkb, 4326) AS geom
          FROM unnest(CAST(:districts AS text[]), CAST(:neighbours AS text[]),
                      CAST(:shapes AS bytea[])) AS given (district, neighbour, wkb)) AS lines
"""
_ADD_BORDERS = text(
    "INSERT INTO borders (boundary_set_id, district_id, neighbour_id, geom, length_km)"
    + _MEASURED.format(columns="district, neighbour")
)
_ADD_OUTER_BORDERS = text(
    "INSERT INTO outer_borders (boundary_set_id, district_id, geom, length_km)"
    + _MEASURED.format(columns="district")
)


def add_borders(connection: Connection, boundary_set: str, found: Sequence[Border]) -> None:
    """Store the borders of a set, in degrees (WGS 84), with their lengths."""
    shared = [border for border in found if border.neighbour]
    outer = [border for border in found if not border.neighbour]
    for statement, lines in ((_ADD_BORDERS, shared), (_ADD_OUTER_BORDERS, outer)):
        connection.execute(statement, {"boundary_set": boundary_set, **_columns(lines)})


_ADD_DRAWN_PLACES = """
    INSERT INTO drawn_{kind}s (boundary_set_id, zoom, {kind}_id, geom)
    SELECT :boundary_set, :zoom, place, ST_GeomFromWKB(wkb, 3857)
    FROM unnest(CAST(:places AS text[]), CAST(:shapes AS bytea[])) AS given (place, wkb)
"""
_ADD_DRAWN = {kind: text(_ADD_DRAWN_PLACES.format(kind=kind)) for kind in ("district", "province")}
_ADD_DRAWN_BORDERS = text("""
    INSERT INTO drawn_borders (boundary_set_id, zoom, district_id, neighbour_id, geom)
    SELECT :boundary_set, :zoom, district, neighbour, ST_GeomFromWKB(wkb, 3857)
    FROM unnest(CAST(:districts AS text[]), CAST(:neighbours AS text[]),
                CAST(:shapes AS bytea[])) AS given (district, neighbour, wkb)
""")


def add_drawing(connection: Connection, boundary_set: str, zoom: int, drawing: Drawing) -> None:
    """Store what tiles of one zoom show."""
    where = {"boundary_set": boundary_set, "zoom": zoom}
    for kind, shapes in (("district", drawing.districts), ("province", drawing.provinces)):
        given = {"places": list(shapes), "shapes": list(shapes.values())}
        connection.execute(_ADD_DRAWN[kind], where | given)
    connection.execute(_ADD_DRAWN_BORDERS, where | _columns(drawing.borders))


def _columns(found: Sequence[Border]) -> dict[str, object]:
    return {
        "districts": [border.district for border in found],
        "neighbours": [border.neighbour for border in found],
        "shapes": [border.wkb for border in found],
    }
