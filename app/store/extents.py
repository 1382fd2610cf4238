"""Where features lie and when things occurred: extents, outlines of provinces, points of events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Subquery, and_, func, or_, select

from app.domain.control import Question
from app.domain.places import BoundingBox
from app.store import as_of
from app.store.boundaries import as_geojson, boxes_of, districts_in
from app.store.drawings import ZOOMS
from app.store.tables import (
    district_shapes,
    districts,
    drawn_provinces,
    event_states,
    province_shapes,
    provinces,
)


@dataclass(frozen=True)
class Occurrences:
    """The bounds in time of the events that count: None where there is none.

    `first` is when the earliest may have begun (one of which only a last day is known begins with
    it), `effective` from when the first one counts, `last` when the last one had certainly
    occurred.
    """

    first: datetime | None
    effective: datetime | None
    last: datetime | None


def occurrences(connection: Connection, question: Question, country: str) -> Occurrences:
    """The bounds in time of the country's events that count at the question."""
    began = func.coalesce(event_states.c.earliest, event_states.c.latest)
    row = connection.execute(
        select(func.min(began), func.min(event_states.c.latest), func.max(event_states.c.latest))
        .join_from(event_states, districts, districts.c.id == event_states.c.district_id)
        .join(provinces)
        .where(provinces.c.country_code == country, as_of.counts(event_states, question))
    ).one()
    return Occurrences(*row)


def district_ids(
    connection: Connection, country: str, boundary_set: str | None, bbox: BoundingBox | None
) -> list[str]:
    """The districts of a country, or those whose shape in a set meets a box, by code point."""
    found = select(districts.c.id).join(provinces).where(provinces.c.country_code == country)
    if bbox is not None:
        found = found.where(districts.c.id.in_(districts_in(bbox, boundary_set or "")))
    return sorted(connection.scalars(found))


def points_in(connection: Connection, boundary_set: str, bbox: BoundingBox) -> tuple[str, ...]:
    """The districts whose point, as `boundaries.geometries` gives it, lies in a box."""
    shape = district_shapes.c.geom
    point = func.ST_PointOnSurface(func.ST_ForcePolygonCCW(shape))
    found = select(district_shapes.c.district_id).where(
        district_shapes.c.boundary_set_id == boundary_set,
        # The index finds the shapes that reach into the box; few points need to be made.
        or_(*(and_(shape.op("&&")(box), func.ST_Intersects(point, box)) for box in boxes_of(bbox))),
    )
    return tuple(connection.scalars(found))


def provinces_in(connection: Connection, boundary_set: str, bbox: BoundingBox) -> set[str]:
    """The provinces whose outline meets a box."""
    outlines = _outlines(boundary_set)
    found = select(outlines.c.id).where(
        or_(*(func.ST_Intersects(outlines.c.geom, box) for box in boxes_of(bbox)))
    )
    return set(connection.scalars(found))


def province_geometries(
    connection: Connection, boundary_set: str, province_ids: Iterable[str]
) -> dict[str, str]:
    """Outlines of provinces as GeoJSON geometries, as `boundaries.geometries` gives districts.

    A set of districts alone has the outlines that were drawn around them for the closest zoom,
    within some 20 m of their borders. Provinces without an outline, for the set lacks some of
    their districts, are left out.
    """
    outlines = _outlines(boundary_set)
    rows = connection.execute(
        select(outlines.c.id, as_geojson(outlines.c.geom).label("geometry")).where(
            outlines.c.id.in_(list(province_ids))
        )
    )
    return {row.id: row.geometry for row in rows}


def _outlines(boundary_set: str) -> Subquery:
    """One outline for each province that has one in a set, in degrees (WGS 84)."""
    drawn = func.ST_Transform(drawn_provinces.c.geom, 4326)
    geometry = func.coalesce(province_shapes.c.geom, drawn)
    return (
        select(provinces.c.id, geometry.label("geom"))
        .outerjoin(
            province_shapes,
            and_(
                province_shapes.c.province_id == provinces.c.id,
                province_shapes.c.boundary_set_id == boundary_set,
            ),
        )
        .outerjoin(
            drawn_provinces,
            and_(
                drawn_provinces.c.province_id == provinces.c.id,
                drawn_provinces.c.boundary_set_id == boundary_set,
                drawn_provinces.c.zoom == ZOOMS[-1],
            ),
        )
        .where(geometry.is_not(None))
        .subquery()
    )
