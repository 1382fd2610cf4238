"""Writing boundary sets and their shapes, and what the gazetteer knows of places on the map.

Geometry comes and goes as WKB, in degrees (WGS 84).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, select, text, update

from app.store.drawings import clear
from app.store.places import PlaceKind
from app.store.tables import (
    boundary_sets,
    district_codes,
    district_names,
    district_shapes,
    districts,
    province_codes,
    province_names,
    province_shapes,
    provinces,
)


@dataclass(frozen=True)
class Known:
    """A place and what may tell its shape in a file.

    `province` is a district's, `codes` are those of other schemes, `point` lies in it; `shape` is
    that of another boundary set.
    """

    id: str
    name: str
    province: str | None
    names: tuple[str, ...]
    codes: tuple[str, ...]
    point: bytes | None
    area_km2: float | None
    shape: bytes | None


@dataclass(frozen=True)
class NewSet:
    """A boundary set to add; `quality` is approximate, compiled or surveyed, `sha256` in hex."""

    id: str
    country: str
    name: str
    dated: date
    origin: str
    licence: str
    attribution: str
    quality: str
    source_url: str | None
    sha256: str


def known_districts(connection: Connection, country: str, compared: str | None) -> list[Known]:
    """A country's districts by id; their shapes are those of the set `compared`, if it is given."""
    names, codes = _names_and_codes(connection, "district")
    shapes = _shapes(connection, "district", compared)
    rows = connection.execute(
        select(
            districts.c.id,
            districts.c.name,
            districts.c.name_local,
            districts.c.province_id,
            districts.c.area_km2,
            districts.c.point.ST_AsBinary().label("point"),
        )
        .join(provinces)
        .where(provinces.c.country_code == country)
        .order_by(districts.c.id)
    )
    return [
        Known(
            id=row.id,
            name=row.name,
            province=row.province_id,
            names=_with_own(names[row.id], row.name, row.name_local),
            codes=tuple(codes[row.id]),
            point=bytes(row.point) if row.point is not None else None,
            area_km2=row.area_km2,
            shape=shapes.get(row.id),
        )
        for row in rows
    ]


def known_provinces(connection: Connection, country: str, compared: str | None) -> list[Known]:
    """A country's provinces by id; their shapes are those of the set `compared`, if it is given."""
    names, codes = _names_and_codes(connection, "province")
    shapes = _shapes(connection, "province", compared)
    rows = connection.execute(
        select(provinces).where(provinces.c.country_code == country).order_by(provinces.c.id)
    )
    return [
        Known(
            id=row.id,
            name=row.name,
            province=None,
            names=_with_own(names[row.id], row.name, row.name_local),
            codes=tuple(codes[row.id]),
            point=None,
            area_km2=None,
            shape=shapes.get(row.id),
        )
        for row in rows
    ]


def _with_own(listed: list[str], name: str, local: str | None) -> tuple[str, ...]:
    """All names, the place's own first."""
    return tuple(dict.fromkeys((name, *([local] if local else []), *sorted(listed))))


def _names_and_codes(
    connection: Connection, kind: PlaceKind
) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """The names and the codes of all places of a kind; an empty list where there are none."""
    names, codes = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    of_kind = (
        (district_names, district_codes) if kind == "district" else (province_names, province_codes)
    )
    for found, table, column in zip((names, codes), of_kind, ("name", "code"), strict=True):
        for place, value in connection.execute(select(table.c[f"{kind}_id"], table.c[column])):
            found[place].append(value)
    return names, codes


def _shapes(connection: Connection, kind: PlaceKind, boundary_set: str | None) -> dict[str, bytes]:
    table = district_shapes if kind == "district" else province_shapes
    rows = connection.execute(
        select(table.c[f"{kind}_id"], table.c.geom.ST_AsBinary()).where(
            table.c.boundary_set_id == boundary_set
        )
    )
    return {place: bytes(shape) for place, shape in rows}


def compared_set(connection: Connection, country: str) -> str | None:
    """The set to compare new district shapes with: one that is more than approximate.

    The default one if it is, else the newest one.
    """
    return connection.execute(
        select(boundary_sets.c.id)
        .where(boundary_sets.c.country_code == country, boundary_sets.c.quality != "approximate")
        .order_by(
            boundary_sets.c.is_default.desc(), boundary_sets.c.dated.desc(), boundary_sets.c.id
        )
        .limit(1)
    ).scalar_one_or_none()


def add_set(connection: Connection, new: NewSet) -> None:
    """Add a set without shapes, which is not the default one."""
    connection.execute(
        boundary_sets.insert().values(
            **{("country_code" if k == "country" else k): v for k, v in vars(new).items()}
        )
    )


_ADD_SHAPES = """
    INSERT INTO {kind}_shapes (boundary_set_id, {kind}_id, geom)
    SELECT :boundary_set, place, ST_Multi(ST_GeomFromWKB(wkb, 4326))
    FROM unnest(CAST(:places AS text[]), CAST(:shapes AS bytea[])) AS given (place, wkb)
"""
_TOGETHER = 1000  # shapes that go to the database in one statement


def add_shapes(
    connection: Connection, boundary_set: str, kind: PlaceKind, shapes: Mapping[str, bytes]
) -> None:
    """Add the shapes of places, each a polygon or several, to a set."""
    statement = text(_ADD_SHAPES.format(kind=kind))
    listed = list(shapes.items())
    for start in range(0, len(listed), _TOGETHER):
        some = dict(listed[start : start + _TOGETHER])
        given = {"boundary_set": boundary_set, "places": list(some), "shapes": list(some.values())}
        connection.execute(statement, given)


def make_default(connection: Connection, boundary_set: str, country: str) -> None:
    """Let a country's geometry answers use this set unless they are asked otherwise."""
    of_country = update(boundary_sets).where(boundary_sets.c.country_code == country)
    connection.execute(of_country.where(boundary_sets.c.is_default).values(is_default=False))
    connection.execute(of_country.where(boundary_sets.c.id == boundary_set).values(is_default=True))


def remove_set(connection: Connection, boundary_set: str) -> None:
    """Take away a set with its shapes and all that is derived from them."""
    clear(connection, boundary_set)
    for table in (district_shapes, province_shapes):
        connection.execute(delete(table).where(table.c.boundary_set_id == boundary_set))
    connection.execute(delete(boundary_sets).where(boundary_sets.c.id == boundary_set))
