"""The 398 real shapes, as they are and made worse in many ways: none may go to a wrong district.

Every test also says how many are matched, so that caution does not grow unnoticed.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from sqlalchemy import Engine, text

from app.boundaries.evidence import Parentage, Place, find, shares
from app.boundaries.loading import digest, import_boundaries
from app.boundaries.matching import Verdict, judge
from app.boundaries.names import with_parts
from app.boundaries.report import Matched, Order, Report
from app.domain.places import name_key
from app.importers.shapes import Reading, read_shapes
from app.store.engine import make_engine, reading, writing
from app.store.shapes import NewSet, known_districts, known_provinces
from tests.boundaries import real
from tests.boundaries.real import Shapes

ASKED = {"Reg(Khanshin)", "Garmser", "Kaldar", "Gizab", "Hirat", "Injil"}
"""What nobody can know from this file: lines that differ, and places that were divided later."""

Clone = Callable[[str | None], AbstractContextManager[str]]
Try = Callable[..., Matched]


@pytest.fixture(scope="module")
def shapes(shared_data: Path) -> Shapes:
    return real.read(shared_data)


@pytest.fixture(scope="module")
def hidden(clone: Clone) -> Iterator[Engine]:
    """The seeds without the spellings that only the list of this very file has."""
    with clone("template_seeded") as url:
        engine = make_engine(url)
        with engine.begin() as connection:
            gone = connection.execute(
                text("DELETE FROM district_names WHERE lists = ARRAY[:hidden]"),
                {"hidden": real.HIDDEN},
            )
            assert gone.rowcount > 30
        yield engine
        engine.dispose()


def ordered(file: Path, **how: Any) -> Order:
    said = ("Trial", date(2018, 1, 1), "trial", "Public domain", "trial", "compiled", None)
    return Order(file, NewSet("trial", "AF", *said, digest(file)), dry_run=True, **how)


def dry_run(engine: Engine, order: Order) -> Report:
    with writing(engine) as connection:
        return import_boundaries(connection, order)


@pytest.fixture
def attempt(hidden: Engine, tmp_path: Path) -> Try:
    """Match what a file of these shapes has, with the spellings hidden; nothing may be wrong."""

    def attempt(
        shapes: Shapes, columns: Mapping[str, Sequence[Any]] | None = None, **how: Any
    ) -> Matched:
        file = shapes.write(tmp_path / "trial.gpkg", columns, **how)
        matched = dry_run(hidden, ordered(file)).districts
        assert wrong(matched, shapes) == []
        return matched

    return attempt


def wrong(matched: Matched, shapes: Shapes) -> list[tuple[str, str]]:
    return [
        (row.name, row.place.id)
        for row, district in zip(matched.shapes, shapes.districts, strict=True)
        if row.verdict is Verdict.MATCHED and row.place and row.place.id != district
    ]


def number(matched: Matched) -> int:
    return matched.counts[Verdict.MATCHED]


def verdicts(matched: Matched, places: Sequence[int]) -> set[Verdict]:
    return {matched.shapes[i].verdict for i in places}


@pytest.mark.parametrize("name", ["geoboundaries_afg_adm2.geojson", "geoBoundaries-AFG-ADM2.shp"])
@pytest.mark.parametrize("provinces", [True, False])
def test_all_that_can_be_known_is_matched(
    seeded: Engine, shared_data: Path, shapes: Shapes, name: str, provinces: bool
) -> None:
    folder = shared_data / "boundaries"
    outlines = folder / "geoboundaries_afg_adm1.geojson" if provinces else None
    report = dry_run(seeded, ordered(folder / name, provinces=outlines))
    assert wrong(report.districts, shapes) == []
    assert {row.name for row in report.districts.open} == ASKED
    assert number(report.districts) == 392
    if provinces:
        assert report.provinces
        assert number(report.provinces) == 34


def test_provinces_are_the_right_ones(seeded: Engine, shared_data: Path) -> None:
    folder = shared_data / "boundaries"
    outlines = folder / "geoboundaries_afg_adm1.geojson"
    order = ordered(folder / "geoboundaries_afg_adm2.geojson", provinces=outlines)
    provinces = dry_run(seeded, order).provinces
    assert provinces
    named = {row.name: row.place.id for row in provinces.shapes if row.place}
    # Names as this file spells them.
    assert named["Ghanzi"] == "AF11"
    assert named["Badakhshan"] == "AF17"
    assert len(set(named.values())) == 34


def test_spellings_that_nobody_prepared(attempt: Try, shapes: Shapes) -> None:
    matched = attempt(shapes)
    assert {row.name for row in matched.open} == ASKED
    assert number(matched) == 392


def test_every_spelling_of_the_file_hidden(seeded: Engine, shapes: Shapes, tmp_path: Path) -> None:
    """Not one shape has a name that its district has on record, in any list or officially."""
    features = read_shapes(shapes.write(tmp_path / "trial.gpkg"), 2, Reading()).features
    spelt = {
        district: {spelling.key for spelling in with_parts(feature.names)}
        for feature, district in zip(features, shapes.districts, strict=True)
    }
    with reading(seeded) as connection:
        known = known_districts(connection, "AF", None)
        outlines = known_provinces(connection, "AF", "af-voronoi")
    places = [
        Place(
            replace(
                place,
                names=tuple(n for n in place.names if name_key(n) not in spelt.get(place.id, ())),
            )
        )
        for place in known
    ]
    assert all(place.spellings for place in places)
    provinces = {place.id: shapely.from_wkb(place.shape) for place in outlines}
    lie = [Parentage(None, share, frozenset(provinces)) for share in shares(features, provinces)]
    judged = judge(find(features, places, lie), places, shapes.names, {})
    matched = [one for one in judged if one.verdict is Verdict.MATCHED]
    right = [
        one.place is not None and places[one.place].id == district
        for one, district in zip(judged, shapes.districts, strict=True)
        if one.verdict is Verdict.MATCHED
    ]
    assert all(right)
    assert len(matched) >= 380


def test_every_shape_has_an_explanation(attempt: Try, shapes: Shapes) -> None:
    for row in attempt(shapes).shapes:
        if row.verdict is Verdict.MATCHED:
            assert row.speaks_for
            assert not row.doubts
            assert row.lead >= 20
        else:
            assert row.doubts
            assert row.candidates


@pytest.mark.parametrize("seed", [0, 1])
def test_misspelt_names(attempt: Try, shapes: Shapes, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    names = {i: real.misspelt(name, dice) for i, name in enumerate(shapes.names)}
    assert number(attempt(shapes.renamed(names))) >= 380


def test_names_that_mean_nothing(attempt: Try, shapes: Shapes) -> None:
    matched = attempt(shapes.renamed({i: f"Zone {i}" for i in range(len(shapes))}))
    assert number(matched) >= 360


def test_names_exchanged_between_neighbours(attempt: Try, shapes: Shapes) -> None:
    pairs = real.some_pairs(shapes, 120, seed=1)
    names = {a: shapes.names[b] for a, b in pairs} | {b: shapes.names[a] for a, b in pairs}
    matched = attempt(shapes.renamed(names))
    assert Verdict.MATCHED not in verdicts(matched, list(names))


@pytest.mark.parametrize("renamed", [True, False])
def test_districts_merged_with_a_neighbour(attempt: Try, shapes: Shapes, renamed: bool) -> None:
    pairs = real.some_pairs(shapes, 100, seed=2)
    drawn, districts = list(shapes.geometries), list(shapes.districts)
    for a, b in pairs:
        drawn[a] = shapely.union(drawn[a], drawn[b])
        districts[a] = ""
    merged = Shapes(shapes.ids, shapes.names, districts, np.array(drawn, dtype=object))
    if renamed:
        merged = merged.renamed({a: f"Zone {a}" for a, _ in pairs})
    merged = real.without(merged, [b for _, b in pairs])
    assert number(attempt(merged)) >= 190  # of the 198 that were left alone


@pytest.mark.parametrize("endings", [("", ""), (" Bala", " Payin"), (" Markazi", " II")])
def test_districts_divided_in_two(attempt: Try, shapes: Shapes, endings: tuple[str, str]) -> None:
    chosen = set(random.Random(0).sample(range(len(shapes)), 100))  # noqa: S311
    rows = []
    for i, (id_, name) in enumerate(zip(shapes.ids, shapes.names, strict=True)):
        if i in chosen:
            parts = real.halves(shapes.geometries[i])
            rows += [
                (f"{id_}-{part}", name + endings[part], "", half) for part, half in enumerate(parts)
            ]
        else:
            rows.append((id_, name, shapes.districts[i], shapes.geometries[i]))
    ids, names, districts, drawn = (list(column) for column in zip(*rows, strict=True))
    divided = Shapes(ids, names, districts, np.array(drawn, dtype=object))
    assert number(attempt(divided)) >= 285  # of 298


@pytest.mark.parametrize(("east", "north"), [(0.021, 0), (-0.015, 0.013)])
def test_shapes_shifted_by_two_kilometres(
    attempt: Try, shapes: Shapes, east: float, north: float
) -> None:
    moved = shapely.transform(shapes.geometries, lambda degrees: np.add(degrees, (east, north)))
    assert number(attempt(shapes.drawn(moved))) >= 388


def test_another_reference_system(attempt: Try, shapes: Shapes) -> None:
    to_utm = pyproj.Transformer.from_crs(4326, 32642, always_xy=True)
    projected = shapely.transform(
        shapes.geometries, lambda degrees: np.column_stack(to_utm.transform(*degrees.T))
    )
    assert number(attempt(shapes.drawn(projected), crs="EPSG:32642")) == 392


def test_shapes_of_another_part_of_the_world(attempt: Try, shapes: Shapes) -> None:
    moved = shapely.transform(shapes.geometries, lambda degrees: degrees - (30, 0))
    assert number(attempt(shapes.drawn(moved))) == 0


def test_provinces_taken_for_districts(hidden: Engine, shared_data: Path) -> None:
    file = shared_data / "boundaries" / "geoboundaries_afg_adm1.geojson"
    assert number(dry_run(hidden, ordered(file)).districts) == 0


def cod_ab(shapes: Shapes, codes: Sequence[str]) -> dict[str, Sequence[str]]:
    """Fields as OCHA's common operational datasets name them."""
    return {"ADM2_EN": shapes.names, "ADM2_PCODE": codes, "ADM1_PCODE": [c[:4] for c in codes]}


def codes_of(shapes: Shapes) -> list[str]:
    return [district or "AF9999" for district in shapes.districts]


def test_codes_of_the_common_operational_dataset(attempt: Try, shapes: Shapes) -> None:
    matched = attempt(shapes, cod_ab(shapes, codes_of(shapes)))
    assert {row.name for row in matched.open} == ASKED - {"Gizab"}
    gizab = next(row for row in matched.shapes if row.name == "Gizab")
    assert gizab.place
    assert gizab.place.id == "AF2409"  # as the code says: Patoo, which was Gizab before


def test_codes_in_the_wrong_rows_are_not_trusted(attempt: Try, shapes: Shapes) -> None:
    chosen = [i for i in range(len(shapes)) if shapes.districts[i]][::9]
    codes = codes_of(shapes)
    for here, there in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
        codes[here] = shapes.districts[there]
    matched = attempt(shapes, {"ADM2_EN": shapes.names, "ADM2_PCODE": codes})
    assert verdicts(matched, chosen) <= {Verdict.DOUBTFUL, Verdict.UNMATCHED}
    assert number(matched) >= 393 - len(chosen) - 2


def test_codes_exchanged_between_neighbours(attempt: Try, shapes: Shapes) -> None:
    codes, pairs = codes_of(shapes), real.some_pairs(shapes, 100, seed=5)
    for a, b in pairs:
        codes[a], codes[b] = codes[b], codes[a]
    touched = [i for pair in pairs for i in pair]
    for names in (shapes.names, [f"Zone {i}" for i in range(len(shapes))]):
        matched = attempt(shapes, {"ADM2_EN": names, "ADM2_PCODE": codes})
        assert Verdict.MATCHED not in verdicts(matched, touched)


def test_codes_of_the_other_scheme(attempt: Try, shapes: Shapes) -> None:
    """Gizab under the code that the newer scheme gives to another Gizab, and the reverse."""
    codes = codes_of(shapes)
    gizab, chora = shapes.names.index("Gizab"), shapes.names.index("Chora")
    codes[gizab], codes[chora] = "AF2507", "AF2506"
    matched = attempt(shapes, {"ADM2_EN": shapes.names, "ADM2_PCODE": codes})
    assert Verdict.MATCHED not in verdicts(matched, [gizab, chora])


def test_a_file_of_the_newer_scheme(attempt: Try, shapes: Shapes) -> None:
    """Chora and Gizab divided as in the 2021 set, with its codes and names."""
    rows = list(zip(shapes.ids, shapes.names, codes_of(shapes), shapes.geometries, strict=True))
    rows = [row for row in rows if row[1] not in ("Chora", "Gizab")]
    for name, old, new in (("Chora", ("Chora", "AF2503"), ("Chinarto", "AF2506")),
                           ("Gizab", ("Patoo", "AF2409"), ("Gizab", "AF2507"))):  # fmt: skip
        parts = real.halves(shapes.geometries[shapes.names.index(name)])
        point = {"Chora": (66.15445, 32.88742), "Gizab": (66.35507, 33.37543)}[name]
        keeps = shapely.intersects(parts[0], shapely.Point(point))
        for (called, code), part in zip((old, new), parts if keeps else parts[::-1], strict=True):
            rows.append((code, called, code, part))
    ids, names, codes, drawn = (list(column) for column in zip(*rows, strict=True))
    districts = ["" if code == "AF9999" else code for code in codes]
    newer = Shapes(ids, names, districts, np.array(drawn, dtype=object))
    provinces = [code[:4] for code in codes]
    fields = {"ADM2_EN": names, "ADM2_PCODE": codes, "ADM1_PCODE": provinces}
    matched = attempt(newer, fields)
    found = {row.place.id for row in matched.shapes if row.place and not row.doubts}
    assert {"AF2506", "AF2507", "AF2503", "AF2409"} <= found
    without_codes = attempt(newer, {"NAME_2": names})
    by_name = {row.name: row for row in without_codes.shapes}
    assert by_name["Gizab"].verdict is not Verdict.MATCHED


def test_broken_shapes_are_repaired(attempt: Try, shapes: Shapes) -> None:
    drawn = list(shapes.geometries)
    for i in range(40):
        ring = list(shapely.get_parts(drawn[i])[0].exterior.coords)
        # A loop of some hundred metres that crosses itself, hung on the first vertex.
        x, y = ring[0]
        loop = [(x, y), (x + 0.004, y + 0.002), (x + 0.004, y), (x, y + 0.002), (x, y)]
        drawn[i] = shapely.Polygon([*loop, *ring[1:]])
        assert not shapely.is_valid(drawn[i])
    matched = attempt(shapes.drawn(np.array(drawn, dtype=object)))
    assert number(matched) >= 390
    assert all(any("repaired" in note for note in row.notes) for row in matched.shapes[:40])


def test_a_geopackage_with_several_layers(
    hidden: Engine, shapes: Shapes, shared_data: Path, tmp_path: Path
) -> None:
    file = shapes.write(tmp_path / "all.gpkg", layer="districts")
    outlines = real.provinces(shared_data)
    outlines.write(file, layer="provinces", append=True)
    order = ordered(
        file, reading=Reading(layer="districts"), provinces=file, province_layer="provinces"
    )
    report = dry_run(hidden, order)
    assert wrong(report.districts, shapes) == []
    assert number(report.districts) == 392
    assert report.provinces
    assert number(report.provinces) == 34


def test_shapes_that_a_set_has_already_are_known_by_their_outlines(
    clone: Clone, shapes: Shapes, tmp_path: Path
) -> None:
    """With an exact set on record, names that mean nothing are matched by overlap alone."""
    with clone("template_seeded") as url:
        engine = make_engine(url)
        file = shapes.write(tmp_path / "first.gpkg")
        first = ordered(file, partial=True)
        with writing(engine) as connection:
            loaded = import_boundaries(connection, replace(first, dry_run=False))
        assert loaded.written
        nameless = shapes.renamed({i: f"Zone {i}" for i in range(len(shapes))})
        file = nameless.write(tmp_path / "second.gpkg")
        again = ordered(file)
        again = replace(again, new=replace(again.new, id="second"))
        matched = dry_run(engine, again).districts
        engine.dispose()
    assert wrong(matched, shapes) == []
    assert number(matched) >= 392
