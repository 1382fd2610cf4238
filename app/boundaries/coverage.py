"""Polygons as one coverage: neighbours that share the very same vertices, and the lines between.

Files are imprecise: neighbours leave slivers between them, or overlap a little. Here they are
brought together, simplified together, and the borders between them counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Shapes = NDArray[Any]
"""Of shapely geometries."""

_FEW_SLIVERS = 0.01  # of the length of all edges; geoBoundaries' Afghan districts have 0.0007
_EARTH = 6378137.0  # metres; the sphere of Web Mercator (EPSG:3857)


@dataclass(frozen=True)
class Border:
    """Where two shapes meet, by their places in the coverage; `other` None: where one meets none.

    `lines` is a MultiLineString.
    """

    one: int
    other: int | None
    lines: Any


def as_coverage(shapes: Shapes, snap: float) -> Shapes:
    """Polygons without overlaps, and without gaps up to `snap`, that share vertices.

    `snap` is in the unit of the coordinates. What overlaps goes to the neighbour with which it has
    the longest border. Nothing may be left of a shape: it is empty then. Shapes that share their
    vertices already stay as they are, with the few slivers that the best of files have: moving
    vertices by up to `snap` would change short borders more than the slivers do.
    """
    if len(shapes) == 0 or _is_matched(shapes, snap):
        return shapes
    cleaned: Shapes = shapely.coverage_clean(shapes, snapping_distance=snap, gap_width=snap)
    return cleaned


def _is_matched(shapes: Shapes, snap: float) -> bool:
    if not shapely.coverage_is_valid(shapes):
        return False
    beside_slivers = shapely.length(shapely.coverage_invalid_edges(shapes, gap_width=snap)).sum()
    return bool(beside_slivers <= _FEW_SLIVERS * shapely.length(shapes).sum())


def simplified(coverage: Shapes, tolerance: float) -> Shapes:
    """The coverage with fewer vertices, the same ones on both sides of each border.

    By Visvalingam and Whyatt's method: `tolerance`, in the unit of the coordinates, is the root of
    the area of the triangles that go.
    """
    fewer: Shapes = shapely.coverage_simplify(coverage, tolerance)
    return fewer


def web_mercator(coverage: Shapes) -> Shapes:
    """Shapes in degrees (WGS 84) as metres of Web Mercator (EPSG:3857).

    Vertices that are the same stay the same, which projecting each shape alone would not promise.
    Source of the formula: IOGP Guidance Note 7-2, method 1024 (Popular Visualisation).
    """

    def project(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        radians = np.radians(degrees)
        northing = np.log(np.tan(np.pi / 4 + radians[:, 1] / 2))
        return _EARTH * np.column_stack((radians[:, 0], northing))

    projected: Shapes = shapely.transform(coverage, project)
    return projected


def borders(coverage: Shapes) -> Iterator[Border]:
    """The lines along which each two shapes meet, and the edge of each that meets no other.

    In a coverage every stretch between two vertices belongs to two shapes, or to one alone. So
    stretches are counted, not intersected, and nothing depends on rounding.
    """
    if len(coverage) == 0:
        return
    stretches, owners = _stretches(coverage)
    order = np.lexsort((owners, *stretches.T))
    stretches, owners = stretches[order], owners[order]
    again = np.append((stretches[1:] == stretches[:-1]).all(axis=1), False)
    first = np.flatnonzero(~np.append(False, again[:-1]))
    others = np.where(again[first], owners[(first + 1) % len(owners)], -1)
    pairs, of_pair = np.unique(
        np.column_stack((owners[first], others)), axis=0, return_inverse=True
    )
    together = np.argsort(of_pair, kind="stable")
    lines = shapely.linestrings(stretches[first].reshape(-1, 2, 2))[together]
    parts = np.split(lines, np.cumsum(np.bincount(of_pair))[:-1])
    for (one, other), part in zip(pairs.tolist(), parts, strict=True):
        merged = shapely.line_merge(shapely.multilinestrings(part))
        lines_of_pair = shapely.multilinestrings(shapely.get_parts(merged))
        yield Border(one, other if other >= 0 else None, lines_of_pair)


def multipolygons(shapes: Shapes) -> Shapes:
    """The same shapes, each as a MultiPolygon."""
    return np.array([shapely.multipolygons(shapely.get_parts(shape)) for shape in shapes])


def union(coverage: Shapes) -> Any:
    """One MultiPolygon of shapes of a coverage."""
    return multipolygons(np.array([shapely.coverage_union_all(coverage)]))[0]


def _stretches(coverage: Shapes) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All stretches between two vertices (x, y, x, y), smaller end first, and whose they are."""
    polygons, of_shape = shapely.get_parts(coverage, return_index=True)
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    within = of_ring[1:] == of_ring[:-1]
    starts, ends, ring = points[:-1][within], points[1:][within], of_ring[1:][within]
    turned = (starts[:, 0] > ends[:, 0]) | (
        (starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1])
    )
    starts[turned], ends[turned] = ends[turned], starts[turned]
    return np.hstack((starts, ends)), of_shape[of_polygon[ring]]
