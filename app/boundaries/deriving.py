"""What is derived from a boundary set once, when it is loaded: borders, and drawings for tiles.

The stored shapes stay as they came; only what is derived here rests on the coverage that is made
of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy import Connection

from app.boundaries import coverage
from app.store import drawings

SNAP = 0.0005
"""Degrees within which edges of neighbours are drawn together; 46 to 56 m in Afghanistan.

Wider gaps stay gaps: the districts at both sides then have no common border there.
"""

_PIXEL_AT_ZERO = 2 * math.pi * 6378137 / 512  # metres, with tiles of 512 pixels, as maps draw them


@dataclass(frozen=True)
class Derived:
    """What was derived from a set: how many borders between two districts.

    `alone` are the districts that border no other one, `lost` those of which nothing was left when
    the coverage was made. All keep their stored shapes.
    """

    borders: int
    alone: tuple[str, ...]
    lost: tuple[str, ...]


def derive(connection: Connection, boundary_set: str) -> Derived:
    """Derive the borders and drawings of a set from its shapes, in place of earlier ones.

    In the caller's transaction. Takes some seconds for some hundred districts.
    """
    stored = drawings.stored_shapes(connection, boundary_set)
    cleaned = coverage.as_coverage(shapely.from_wkb([shape.wkb for shape in stored]), SNAP)
    kept = np.flatnonzero(~shapely.is_empty(cleaned))
    together, ids = cleaned[kept], [stored[index].district for index in kept]
    provinces = np.array([stored[index].province for index in kept])
    outlines = _outlines(connection, boundary_set, stored)
    drawings.clear(connection, boundary_set)
    met = _borders(together, ids)
    drawings.add_borders(connection, boundary_set, met)
    flat = coverage.web_mercator(together)
    flat_outlines = coverage.web_mercator(outlines.alone)
    for zoom in drawings.ZOOMS:
        drawn = coverage.simplified(flat, _PIXEL_AT_ZERO / 2**zoom)
        alone = coverage.simplified(flat_outlines, _PIXEL_AT_ZERO / 2**zoom)
        drawing = drawings.Drawing(
            districts=dict(zip(ids, shapely.to_wkb(coverage.multipolygons(drawn)), strict=True)),
            provinces={
                str(province): shapely.to_wkb(coverage.union(drawn[provinces == province]))
                for province in np.unique(provinces)
                if province in outlines.of_districts
            }
            | dict(zip(outlines.ids, shapely.to_wkb(coverage.multipolygons(alone)), strict=True)),
            borders=[border for border in _borders(drawn, ids) if border.neighbour],
        )
        drawings.add_drawing(connection, boundary_set, zoom, drawing)
    shared = [border for border in met if border.neighbour]
    bordering = {end for border in shared for end in (border.district, border.neighbour)}
    return Derived(
        borders=len(shared),
        alone=tuple(district for district in ids if district not in bordering),
        lost=tuple(sorted({shape.district for shape in stored} - set(ids))),
    )


@dataclass(frozen=True)
class _Outlines:
    """How the provinces of a set are drawn; those that are in neither have no outline.

    `of_districts` are their districts together. The set lacks some district of the others, but has
    an outline of them: `ids`, and in the same order `alone`, which share vertices.
    """

    of_districts: frozenset[str]
    ids: list[str]
    alone: coverage.Shapes


def _outlines(
    connection: Connection, boundary_set: str, stored: Sequence[drawings.StoredShape]
) -> _Outlines:
    """What is left of a province without some of its districts is not its outline.

    Unless that fills the outline that the set has of it: shapes may divide a province among fewer
    districts than it has.
    """
    whole = {shape.province for shape in stored}
    whole -= drawings.provinces_lacking_districts(connection, boundary_set)
    alone = {}
    for province, wkb in drawings.stored_outlines(connection, boundary_set).items():
        if province in whole:
            continue
        outline = shapely.from_wkb(wkb)
        districts = shapely.from_wkb([s.wkb for s in stored if s.province == province])
        # What a gap no wider than SNAP leaves of it is nothing.
        gap = shapely.difference(outline, shapely.union_all(districts))
        if shapely.is_empty(shapely.buffer(gap, -SNAP / 2)):
            whole.add(province)
        else:
            alone[province] = outline
    cleaned = coverage.as_coverage(np.array(list(alone.values()), dtype=object), SNAP)
    kept = np.flatnonzero(~shapely.is_empty(cleaned))
    return _Outlines(frozenset(whole), [list(alone)[index] for index in kept], cleaned[kept])


def derive_all(connection: Connection) -> int:
    """Derive every set anew; returns how many there are."""
    sets = drawings.sets_with_shapes(connection)
    for boundary_set in sets:
        derive(connection, boundary_set)
    return len(sets)


def _borders(shapes: coverage.Shapes, ids: Sequence[str]) -> list[drawings.Border]:
    found = []
    for border in coverage.borders(shapes):
        other = None if border.other is None else ids[border.other]
        # `ids` rise with their places, and so the first one is the smaller one.
        found.append(drawings.Border(ids[border.one], other, shapely.to_wkb(border.lines)))
    return found
