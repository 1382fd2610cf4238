"""What speaks for a shape of a file being that of a place, and what against: found, not judged."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from app.boundaries.names import (
    SAME,
    Index,
    Likeness,
    Spelling,
    best_likeness,
    spellings,
    with_parts,
)
from app.domain.places import name_key
from app.importers.shapes import Feature, area_km2
from app.store.shapes import Known

NEAR_KM = 3.0
"""How far a known point may lie outside a shape that is shifted or coarsely drawn."""

_AROUND = 0.1  # degrees around a shape in which known points are looked for, some 10 km
_NEARLY = 0.95  # likeness of a name that no other will beat but the very name
_ALIKE = 5  # places that are compared for their names alone
_EARTH_KM = 6371.0  # mean radius
_HOLDS = 0.5  # share of a known shape that a shape has to cover to hold the place
_OVERLAPS = 0.1  # share of the smaller one from which on two shapes of a file are not neighbours


class Place:
    """A place of the gazetteer, made ready for comparing."""

    def __init__(self, known: Known) -> None:
        self.id = known.id
        self.name = known.name
        self.parent = known.province
        self.spellings = spellings(known.names)
        self.codes = frozenset(name_key(code) for code in (known.id, *known.codes))
        self.point = shapely.from_wkb(known.point) if known.point else None
        self.area_km2 = known.area_km2
        self.shape = shapely.from_wkb(known.shape) if known.shape else None

    @property
    def is_located(self) -> bool:
        """Whether anything on record says where it lies."""
        return self.point is not None or self.shape is not None


@dataclass(frozen=True)
class Parentage:
    """The province of a shape: as the file says, and by the share, 0 to 1, that lies in each.

    `outlined` are the provinces whose shapes are known at all.
    """

    said: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    outlined: frozenset[str] = frozenset()

    def of(self, parent: str | None) -> float | None:
        """How far it speaks for a province, 0 to 1; None where nothing is known."""
        if self.said is not None and parent is not None:
            return float(self.said == parent)
        return self.shares.get(parent, 0.0) if parent in self.outlined else None

    @property
    def likeliest(self) -> str | None:
        """The province that it lies in for the most part, if not as the file says."""
        return self.said or max(self.shares, key=self.shares.__getitem__, default=None)


@dataclass(frozen=True)
class Evidence:
    """What is known of one shape and one place; None: nothing.

    `code`: whether the shape's code is the place's, or another's. `km_off`: from the place's known
    point to the shape, 0 if it lies inside. `overlap`: area in common with the known shape, by the
    area of both. `covered`: the share of the known shape in it. `parent`: 0 to 1, see Parentage;
    `is_likeliest`: whether no other province has more of it. `area`: times the area on record.
    """

    code: bool | None = None
    name: Likeness | None = None
    km_off: float | None = None
    overlap: float | None = None
    covered: float | None = None
    parent: float | None = None
    parent_said: bool = False
    is_likeliest: bool = False
    area: float | None = None

    @property
    def likeness(self) -> float:
        """Of the names, 0 to 1; 0 where there is none to compare."""
        return self.name.score if self.name else 0.0

    @property
    def is_named(self) -> bool:
        """Whether it is the very name."""
        return self.likeness == SAME

    @property
    def holds(self) -> bool:
        """Whether the place lies in the shape, wherever else it may lie."""
        return self.km_off == 0 or (self.covered or 0) >= _HOLDS

    @property
    def is_there(self) -> bool:
        """Whether place and province agree with the shape, as far as anything tells."""
        is_elsewhere = self.parent is not None and self.parent < 0.5
        return (self.place or 0) > 0 and not is_elsewhere

    @property
    def place(self) -> float | None:
        """How far the place lies where the shape is: 1 (yes) to -1 (elsewhere)."""
        said = []
        if self.km_off is not None:
            said.append(1.0 if self.km_off == 0 else 0.5 if self.km_off <= NEAR_KM else -1.0)
        if self.overlap is not None:
            said.append(-1.0 if self.overlap < 0.2 else min(1.0, (self.overlap - 0.2) / 0.3))
        return sum(said) / len(said) if said else None


@dataclass(frozen=True)
class Findings:
    """All that was found: for each shape the places that it may be, and the shapes it overlaps.

    `unknown_codes` are shapes whose code is no place's though other codes of the file are.
    """

    pairs: Sequence[Mapping[int, Evidence]]
    overlapping: Sequence[Mapping[int, float]]
    unknown_codes: frozenset[int]


def find(
    features: Sequence[Feature], places: Sequence[Place], parents: Sequence[Parentage]
) -> Findings:
    """Compare the shapes of a file with the places that they may be.

    These are, for each shape, the places that have its code or its very name, or that lie in it or
    near it; and, unless one of these has nearly its name and agrees in place and province, those
    that sound most like it.
    """
    gatherer = _Gatherer(features, places, parents)
    return Findings(
        [gatherer.evidence(index) for index in range(len(features))],
        _overlapping(features),
        gatherer.unknown_codes(),
    )


class _Gatherer:
    def __init__(
        self, features: Sequence[Feature], places: Sequence[Place], parents: Sequence[Parentage]
    ) -> None:
        self._features, self._places, self._parents = features, places, parents
        self._by_key = _index((s.key, i) for i, p in enumerate(places) for s in p.spellings)
        self._by_code = _index((code, i) for i, p in enumerate(places) for code in p.codes)
        self._names = Index([place.spellings for place in places])
        self._around = _around(features, places)
        self._overlaps = _overlaps(features, places)
        self._areas = area_km2(np.array([f.shape for f in features], dtype=object))

    def unknown_codes(self) -> frozenset[int]:
        """Counts where at least half of the codes in the file are on record."""
        coded = {i: self._coded(f) for i, f in enumerate(self._features) if f.codes}
        unknown = frozenset(index for index, meant in coded.items() if not meant)
        return unknown if 2 * len(unknown) <= len(coded) else frozenset()

    def _coded(self, feature: Feature) -> set[int]:
        return {i for code in feature.codes for i in self._by_code.get(name_key(code), ())}

    def evidence(self, index: int) -> dict[int, Evidence]:
        """What is known of one shape and each place that it may be."""
        feature = self._features[index]
        if feature.shape is None:
            return {}
        names = with_parts(feature.names)
        coded = self._coded(feature)
        named = {i for spelling in names for i in self._by_key.get(spelling.key, ())}
        around, overlaps = self._around[index], self._overlaps[index]
        candidates = coded | named | around.keys() | overlaps.keys()
        found = {i: self._of(index, i, names, coded) for i in sorted(candidates)}
        if not any(e.likeness >= _NEARLY and e.is_there for e in found.values()):
            for i in self._names.sounding_like(names, _ALIKE):
                found.setdefault(i, self._of(index, i, names, coded))
        return found

    def _of(self, index: int, i: int, names: Sequence[Spelling], coded: set[int]) -> Evidence:
        feature, place, parents = self._features[index], self._places[i], self._parents[index]
        common = self._overlaps[index].get(i)
        if common is None and place.shape is not None:
            common = (0.0, 0.0)
        return Evidence(
            code=i in coded if coded else None,
            name=best_likeness(names, place.spellings),
            km_off=self._km_off(feature, index, i),
            overlap=common[0] if common else None,
            covered=common[1] if common else None,
            parent=parents.of(place.parent),
            parent_said=parents.said is not None,
            is_likeliest=place.parent is not None and place.parent == parents.likeliest,
            area=float(self._areas[index]) / place.area_km2 if place.area_km2 else None,
        )

    def _km_off(self, feature: Feature, index: int, i: int) -> float | None:
        if i in self._around[index]:
            return self._around[index][i]
        point = self._places[i].point
        return _km_between(feature.shape, point) if point is not None else None


def _index(pairs: Iterable[tuple[Any, int]]) -> dict[Any, set[int]]:
    found = defaultdict[Any, set[int]](set)
    for key, value in pairs:
        found[key].add(value)
    return dict(found)


def _around(features: Sequence[Feature], places: Sequence[Place]) -> list[dict[int, float]]:
    """For each shape the places whose known point lies in it or near it, with the distance, km."""
    located = [i for i, place in enumerate(places) if place.point is not None]
    points = np.array([places[i].point for i in located], dtype=object)
    found: list[dict[int, float]] = [{} for _ in features]
    shapes = np.array([feature.shape for feature in features], dtype=object)
    shapely.prepare(shapes)
    which, near = shapely.STRtree(points).query(shapes, predicate="dwithin", distance=_AROUND)
    inside = shapely.intersects(shapes[which], points[near])
    for index, i, is_inside in zip(which, near, inside, strict=True):
        away = 0.0 if is_inside else _km_between(shapes[index], points[i])
        found[index][located[i]] = away
    return found


def _km_between(shape: Any, point: Any) -> float:
    """From a point to the vertex-nearest place of a shape, on a sphere: within 1 % or so."""
    (x0, y0), (x1, y1) = np.radians(shapely.get_coordinates(shapely.shortest_line(point, shape)))
    half = math.sin((y1 - y0) / 2) ** 2
    half += math.cos(y0) * math.cos(y1) * math.sin((x1 - x0) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def _overlaps(
    features: Sequence[Feature], places: Sequence[Place]
) -> list[dict[int, tuple[float, float]]]:
    """For each shape the places whose known shape it meets: common area by both, and by theirs."""
    shaped = [i for i, place in enumerate(places) if place.shape is not None]
    known = np.array([places[i].shape for i in shaped], dtype=object)
    found: list[dict[int, tuple[float, float]]] = [{} for _ in features]
    shapes = np.array([feature.shape for feature in features], dtype=object)
    for index, i, common in _common(shapes, known):
        theirs = float(area_km2(known[i]))
        together = float(area_km2(shapes[index])) + theirs - common
        if common > 0.01 * together:
            found[index][shaped[i]] = (common / together, common / theirs)
    return found


def _overlapping(features: Sequence[Feature]) -> list[dict[int, float]]:
    """For each shape the others of the file that it overlaps, with the share of the smaller one."""
    shapes = np.array([feature.shape for feature in features], dtype=object)
    found: list[dict[int, float]] = [{} for _ in features]
    for one, other, common in _common(shapes, shapes):
        share = common / float(area_km2(shapes[[one, other]]).min())
        if one != other and share >= _OVERLAPS:
            found[one][other] = share
    return found


def shares(features: Sequence[Feature], provinces: Mapping[str, Any]) -> list[dict[str, float]]:
    """For each shape how much of its area lies in each province, by their shapes."""
    ids = list(provinces)
    found: list[dict[str, float]] = [{} for _ in features]
    shapes = np.array([feature.shape for feature in features], dtype=object)
    known = np.array([provinces[id_] for id_ in ids], dtype=object)
    for index, i, common in _common(shapes, known):
        found[index][ids[i]] = common / float(area_km2(shapes[index]))
    return found


def _common(shapes: Any, others: Any) -> Iterator[tuple[int, int, float]]:
    """The shapes that meet, and their common area in km²; touching is not meeting."""
    if len(others) == 0:
        return
    one, other = shapely.STRtree(others).query(shapes, predicate="intersects")
    areas = area_km2(shapely.intersection(shapes[one], others[other]))
    for index, i, area in zip(one.tolist(), other.tolist(), areas.tolist(), strict=True):
        if area > 0:
            yield index, i, area
