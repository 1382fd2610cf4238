"""Shapes brought together into a coverage, and the borders between them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from shapely import box

from app.boundaries.coverage import as_coverage, borders, simplified, web_mercator

SNAP = 0.01


def lengths(shapes: Any) -> dict[tuple[int, int | None], float]:
    return {(border.one, border.other): border.lines.length for border in borders(shapes)}


def test_two_squares_share_one_side() -> None:
    found = lengths(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)]))
    assert found == {(0, 1): 1, (0, None): 3, (1, None): 3}


def test_squares_that_meet_in_a_corner_share_nothing() -> None:
    found = lengths(as_coverage(np.array([box(0, 0, 1, 1), box(1, 1, 2, 2)]), SNAP))
    assert found == {(0, None): 4, (1, None): 4}


def test_an_island_in_a_lake_borders_what_surrounds_it() -> None:
    around = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))
    assert lengths(np.array([around, box(1, 1, 2, 2)])) == {(0, 1): 4, (0, None): 12}


def test_a_side_without_the_corners_of_its_neighbours_is_divided_among_them() -> None:
    shapes = as_coverage(np.array([box(0, 0, 1, 2), box(1, 0, 2, 1), box(1, 1, 2, 2)]), SNAP)
    found = lengths(shapes)
    assert (found[0, 1], found[0, 2], found[1, 2]) == (1, 1, 1)


@pytest.mark.parametrize("edge", [1.008, 0.992], ids=["a sliver between", "an overlap"])
def test_edges_within_the_tolerance_become_one_border(edge: float) -> None:
    shapes = as_coverage(np.array([box(0, 0, 1, 1), box(edge, 0, 2, 1)]), SNAP)
    assert shapely.coverage_is_valid(shapes)
    assert lengths(shapes)[0, 1] == pytest.approx(1, abs=2 * SNAP)


def test_a_gap_beyond_the_tolerance_stays_a_gap() -> None:
    shapes = as_coverage(np.array([box(0, 0, 1, 1), box(1.05, 0, 2, 1)]), SNAP)
    assert (0, 1) not in lengths(shapes)


def test_simplified_neighbours_still_share_their_border() -> None:
    steps = np.linspace(0, 10, 201)
    wave = np.column_stack((np.sin(steps * 3) * 0.02, steps))
    left = shapely.polygons([*wave, (-5, 10), (-5, 0)])
    right = shapely.polygons([*wave, (5, 10), (5, 0)])
    fewer = simplified(np.array([left, right]), 0.5)
    assert shapely.get_num_coordinates(fewer).sum() < 20
    assert shapely.coverage_is_valid(fewer)
    assert lengths(fewer)[0, 1] >= 10


def test_no_shapes_make_no_borders() -> None:
    assert list(borders(as_coverage(np.array([], dtype=object), SNAP))) == []


def test_web_mercator_has_its_bounds() -> None:
    corner = web_mercator(np.array([shapely.Point(180, 85.051128779806604)]))[0]
    assert (corner.x, corner.y) == pytest.approx((20037508.342789, 20037508.342789))


@pytest.fixture
def real(shared_data: Path) -> Any:
    file = shared_data / "boundaries" / "geoboundaries_afg_adm2.geojson"
    return shapely.from_wkb(pyogrio.raw.read(file, columns=[])[2])


def total(shapes: Any) -> float:
    return sum(length for (_, other), length in lengths(shapes).items() if other is not None)


def test_real_districts_shaken_apart_come_together_again(real: Any) -> None:
    """Each shape is shifted on its own, so that every border turns into slivers and overlaps."""
    tolerance, random = 0.0005, np.random.default_rng(2021)

    def shake(shape: Any) -> Any:
        shift = random.uniform(-0.3, 0.3, 2) * tolerance
        return shapely.make_valid(shapely.transform(shape, lambda points: points + shift))

    shaken = np.array([shake(shape) for shape in real])
    assert not shapely.coverage_is_valid(shaken)
    assert total(shaken) < 0.01 * total(real)
    again = as_coverage(shaken, tolerance)
    assert shapely.coverage_is_valid(again)
    assert not shapely.is_empty(again).any()
    assert total(again) == pytest.approx(total(real), rel=0.02)
    pairs, expected = ({p for p, km in lengths(s).items() if km > 0.01} for s in (again, real))
    assert len(pairs ^ expected) <= 0.01 * len(expected)
