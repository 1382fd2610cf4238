"""Vector tiles: stored drawings, cut to a tile, with what holds in each district.

A tile is a Mapbox Vector Tile (version 2) in the usual grid of Web Mercator. Nothing is simplified
here: the drawings of each zoom were made when the boundary set was loaded.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Table,
    Text,
    TextClause,
    and_,
    cast,
    func,
    null,
    select,
    text,
    union_all,
)

from app.domain.control import Question
from app.domain.front import line_kind
from app.store.drawings import ZOOMS
from app.store.remembered import remembered
from app.store.status import DistrictStatus, Which, statuses
from app.store.tables import borders, drawn_borders, drawn_districts

MAX_ZOOM = ZOOMS[-1]
"""The last zoom that there are tiles of; maps draw closer views from it."""

EXTENT = 4096
"""Units along each side of a tile."""

BUFFER = 64
"""Units that a tile reaches beyond its sides, so that outlines do not end at a seam.

One in 64: 8 pixels of a tile of 512, which covers outlines up to 16 pixels wide.
"""


class Layer(StrEnum):
    """A layer of a tile.

    `frontline` has the borders between districts that are not in the same hands; `borders` has
    every border between two districts, whoever holds them, for maps that colour by themselves.
    """

    DISTRICTS = "districts"
    PROVINCES = "provinces"
    FRONTLINE = "frontline"
    BORDERS = "borders"


USUAL = (Layer.DISTRICTS, Layer.PROVINCES, Layer.FRONTLINE)
"""The layers of a tile where none are named."""


@dataclass(frozen=True)
class Tile:
    """The place of a tile: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    @property
    def across(self) -> int:
        """How many tiles of its zoom make a row round the world, or a column."""
        return 1 << self.z

    @property
    def drawing(self) -> int:
        """The zoom of the drawings that it shows."""
        return max(self.z, ZOOMS[0])


def draw(
    connection: Connection,
    question: Question,
    boundary_set: str,
    tile: Tile,
    layers: Collection[Layer] = USUAL,
) -> bytes:
    """A tile with these layers; no bytes where it is empty.

    The tile must exist. `frontline` has every border between two districts of different outcomes,
    of whatever kind. The same question gives the same bytes.
    """
    found = _places_in(connection, boundary_set, tile)
    ids = {end for place in found for end in (place.district, place.neighbour) if end}
    which = Which(districts=tuple(sorted(ids)))
    # A province may reach beyond the districts that there are shapes of.
    held = {s.id: s for s in statuses(connection, question, which)} if ids else {}
    shown: dict[Layer, dict[str, dict[str, Any]]] = {
        Layer.DISTRICTS: {
            p.district: _district(held[p.district]) for p in found if not p.neighbour
        },
        Layer.FRONTLINE: dict(_lines(held, found)),
    }
    drawn = connection.execute(
        _drawing(frozenset(layers)),
        {
            **vars(tile),
            "boundary_set": boundary_set,
            "drawing": tile.drawing,
            **{layer.value: json.dumps(said) for layer, said in shown.items() if layer in layers},
        },
    ).scalar_one()
    return bytes(drawn)


@cache
def _drawing(layers: frozenset[Layer]) -> TextClause:
    return text("SELECT " + " || ".join(_DRAW[layer] for layer in Layer if layer in layers))


@dataclass(frozen=True)
class _Place:
    """A district in a tile or, with a neighbour, a border in it; its whole length in km."""

    district: str
    neighbour: str | None
    length_km: float | None


@remembered(100)
def _places_in(connection: Connection, boundary_set: str, tile: Tile) -> tuple[_Place, ...]:
    """What reaches into a tile, and the districts at both sides of each border in it."""

    def reaches(table: Table) -> ColumnElement[bool]:
        tile_and_buffer = func.ST_Expand(
            func.ST_TileEnvelope(tile.z, tile.x, tile.y), _WORLD / tile.across * BUFFER / EXTENT
        )
        return and_(
            table.c.boundary_set_id == boundary_set,
            table.c.zoom == tile.drawing,
            table.c.geom.intersects(tile_and_buffer),
        )

    rows = connection.execute(
        union_all(
            select(drawn_districts.c.district_id, cast(null(), Text), cast(null(), Float)).where(
                reaches(drawn_districts)
            ),
            select(drawn_borders.c.district_id, drawn_borders.c.neighbour_id, borders.c.length_km)
            .outerjoin(
                borders,
                and_(
                    borders.c.boundary_set_id == drawn_borders.c.boundary_set_id,
                    borders.c.district_id == drawn_borders.c.district_id,
                    borders.c.neighbour_id == drawn_borders.c.neighbour_id,
                ),
            )
            .where(reaches(drawn_borders)),
        )
    )
    return tuple(_Place(*row) for row in rows)


def _district(status: DistrictStatus) -> dict[str, Any]:
    return _known(
        {
            "name": status.name,
            "name_local": status.name_local,
            "province_id": status.province.id,
            "is_provincial_capital": status.is_provincial_capital,
            "status": status.status,
            "controller": status.controller.id if status.controller else None,
            "controller_name": status.controller.name if status.controller else None,
            "since": status.since.isoformat() if status.since else None,
            "confidence": status.confidence.label if status.confidence else None,
            "disputed": status.disputed,
        }
    )


def _lines(
    held: Mapping[str, DistrictStatus], found: Iterable[_Place]
) -> Iterable[tuple[str, dict[str, Any]]]:
    for place in found:
        if place.neighbour is None:
            continue
        sides = held[place.district], held[place.neighbour]
        kind = line_kind(sides[0].outcome, sides[1].outcome)
        if kind is None:
            continue
        said: dict[str, Any] = {
            "kind": kind,
            "length_km": place.length_km and round(place.length_km, 3),
        }
        for number, side in enumerate(sides, start=1):
            said |= {
                f"district_id_{number}": side.id,
                f"status_{number}": side.status,
                f"controller_id_{number}": side.controller.id if side.controller else None,
            }
        yield f"{place.district}-{place.neighbour}", _known(said)


def _known(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is null: a vector tile has no such value."""
    return {name: value for name, value in said.items() if value is not None}


_WORLD = 2 * 20037508.342789244
"""Metres of Web Mercator round the world: the side of the one tile at zoom 0."""

# Features are sorted, for the order of rows in a table is not settled and the bytes should be.
_LAYER = """
    coalesce((
        SELECT ST_AsMVT(shown, '{layer}', {extent}, 'geom' ORDER BY shown.id)
        FROM (
            SELECT {key} AS id, {said} AS said,
                   ST_AsMVTGeom(drawn.geom, ST_TileEnvelope(:z, :x, :y), {extent}, {buffer}) AS geom
            FROM {source}
            WHERE drawn.boundary_set_id = :boundary_set AND drawn.zoom = :drawing
              AND drawn.geom && ST_TileEnvelope(
                  :z, :x, :y, margin => {buffer}.0 / {extent}
              )
        ) AS shown
        WHERE shown.geom IS NOT NULL
    ), '')
"""
_SAID = "JOIN jsonb_each(CAST(:{layer} AS jsonb)) AS told (id, said) ON told.id = {key}"
_BORDER = "drawn.district_id || '-' || drawn.neighbour_id"


def _layer(layer: str, key: str, table: str, join: str = _SAID, said: str = "told.said") -> str:
    source = f"{table} AS drawn {join.format(layer=layer, key=key)}"
    return _LAYER.format(
        layer=layer, key=key, said=said, source=source, extent=EXTENT, buffer=BUFFER
    )


_DRAW = {
    Layer.DISTRICTS: _layer("districts", "drawn.district_id", "drawn_districts"),
    Layer.PROVINCES: _layer(
        "provinces",
        "drawn.province_id",
        "drawn_provinces",
        "JOIN provinces ON provinces.id = drawn.province_id",
        "jsonb_build_object('name', provinces.name)",
    ),
    Layer.FRONTLINE: _layer("frontline", _BORDER, "drawn_borders"),
    Layer.BORDERS: _layer(
        "borders",
        _BORDER,
        "drawn_borders",
        "",
        "jsonb_build_object("
        "'district_id_1', drawn.district_id, 'district_id_2', drawn.neighbour_id)",
    ),
}
"""SQL that makes each layer; none of it comes from a client."""
