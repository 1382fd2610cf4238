"""The real district shapes beside the checkout, and files made of them: renamed, moved, merged.

afg_398.csv says which district each of the 398 shapes is, by id and name. It was made from the
known points (393 lie alone in a shape), and checked by hand: names against lists of names, areas,
and the neighbours of each. Two shapes, Hirat and Injil, are nobody's: their lines are drawn so
differently that either answer may be wrong.
"""

import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

HIDDEN = "geoBoundaries gbOpen 398"
"""The list of names that spells this very file's."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Shapes with their ids, names, and the districts that they are ("": nobody's)."""

    ids: list[str]
    names: list[str]
    districts: list[str]
    geometries: Any

    def __len__(self) -> int:
        return len(self.ids)

    def renamed(self, names: Mapping[int, str]) -> "Shapes":
        return replace(self, names=[names.get(i, name) for i, name in enumerate(self.names)])

    def drawn(self, geometries: Any) -> "Shapes":
        return replace(self, geometries=geometries)

    def write(
        self,
        path: Path,
        columns: Mapping[str, Sequence[Any]] | None = None,
        crs: str | None = "EPSG:4326",
        **how: Any,
    ) -> Path:
        """A file of them; without `columns` as geoBoundaries names its fields."""
        given = columns or {"shapeName": self.names, "shapeID": self.ids}
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(self.geometries, dtype=object)),
            [np.array(values, dtype=object) for values in given.values()],
            list(given),
            geometry_type="Unknown",
            crs=crs,
            **how,
        )
        return path


def read(folder: Path) -> Shapes:
    """The 398 shapes of geoBoundaries, from the folder with the source tables."""
    path = folder / "boundaries" / "geoboundaries_afg_adm2.geojson"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    fields = dict(zip(meta["fields"], columns, strict=True))
    with (Path(__file__).parent / "afg_398.csv").open(encoding="utf-8", newline="") as table:
        truth = {row["shape"]: row["district"] for row in csv.DictReader(table)}
    return Shapes(
        list(fields["shapeID"]),
        [" ".join(name.split()) for name in fields["shapeName"]],
        [truth[id_] for id_ in fields["shapeID"]],
        shapely.from_wkb(wkb),
    )


def neighbours(shapes: Shapes) -> list[tuple[int, int]]:
    """Pairs of shapes that share more than a corner, in a fixed order."""
    geometries = np.array(shapes.geometries, dtype=object)
    one, other = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    shared = shapely.length(shapely.intersection(geometries[one], geometries[other]))
    return [
        (int(a), int(b))
        for a, b, length in zip(one, other, shared, strict=True)
        if a < b and length > 0.01
    ]


def some_pairs(shapes: Shapes, number: int, seed: int) -> list[tuple[int, int]]:
    """Neighbours that are somebody's, no shape in two pairs."""
    found: list[tuple[int, int]] = []
    taken: set[int] = set()
    listed = neighbours(shapes)
    random.Random(seed).shuffle(listed)  # noqa: S311
    for pair in listed:
        if taken.isdisjoint(pair) and all(shapes.districts[i] for i in pair):
            found.append(pair)
            taken.update(pair)
    return found[:number]


def misspelt(name: str, dice: random.Random) -> str:
    """A name with one letter left out, doubled, put for another, or two exchanged."""
    places = [i for i, c in enumerate(name) if c.isalpha()]
    i = dice.choice(places[1:] or places)
    kind = dice.randrange(4)
    if kind == 0:
        return name[:i] + name[i + 1 :]
    if kind == 1:
        return name[:i] + name[i] + name[i:]
    if kind == 2:
        return name[:i] + dice.choice("aeioukhst") + name[i + 1 :]
    return name[: i - 1] + name[i] + name[i - 1] + name[i + 1 :] if i else name[::-1]


def halves(geometry: Any) -> tuple[Any, Any]:
    """A shape cut in two along its middle, from north to south."""
    west, south, east, north = shapely.bounds(geometry)
    middle = (west + east) / 2
    return (
        shapely.intersection(geometry, shapely.box(west - 1, south - 1, middle, north + 1)),
        shapely.intersection(geometry, shapely.box(middle, south - 1, east + 1, north + 1)),
    )


def without(shapes: Shapes, left_out: Iterable[int]) -> Shapes:
    """The shapes but for some."""
    gone = set(left_out)
    kept = [i for i in range(len(shapes)) if i not in gone]
    return Shapes(
        [shapes.ids[i] for i in kept],
        [shapes.names[i] for i in kept],
        [shapes.districts[i] for i in kept],
        np.array([shapes.geometries[i] for i in kept], dtype=object),
    )


def provinces(folder: Path) -> Shapes:
    """The 34 province shapes of geoBoundaries."""
    path = folder / "boundaries" / "geoboundaries_afg_adm1.geojson"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    fields = dict(zip(meta["fields"], columns, strict=True))
    names = list(fields["shapeName"])
    return Shapes(list(fields["shapeID"]), names, [""] * len(names), shapely.from_wkb(wkb))
