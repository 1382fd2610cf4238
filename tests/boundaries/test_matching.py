"""Matching on made-up places: what speaks for a match, and what keeps it from being sure."""

import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import shapely

from app.boundaries.evidence import Evidence, Parentage, Place, find
from app.boundaries.matching import LEAD, Judgement, Verdict, assign, judge, points
from app.boundaries.names import Index, Likeness, best_likeness, spellings, with_parts
from app.importers.shapes import Feature, area_km2
from app.store.shapes import Known

NAMES = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot")


def square(column: float, row: float = 0, size: float = 0.2) -> Any:
    """A square of 0.2 degrees, some 400 km², by its place in a grid."""
    x, y = 60 + column * 0.2, 34 + row * 0.2
    return shapely.multipolygons([shapely.box(x, y, x + size, y + size)])


def known(
    number: int,
    name: str | None = None,
    *,
    at: float | None = None,
    located: bool = True,
    names: Sequence[str] = (),
    codes: Sequence[str] = (),
    province: str | None = "P1",
) -> Place:
    """A place that lies in the square of its number."""
    shape = square(number if at is None else at)
    called = name or NAMES[number]
    return Place(
        Known(
            id=f"D{number}",
            name=called,
            province=province,
            names=(called, *names),
            codes=tuple(codes),
            point=shapely.to_wkb(shapely.centroid(shape)) if located else None,
            area_km2=float(area_km2(shape)) if located else None,
            shape=None,
        )
    )


def feature(
    number: int,
    name: str | None,
    shape: Any = None,
    *,
    code: str | None = None,
) -> Feature:
    return Feature(
        row=number + 1,
        id=str(number + 1),
        names=(name,) if name else (),
        codes=(code,) if code else (),
        parent_names=(),
        parent_codes=(),
        shape=square(number) if shape is None else shape,
    )


def judged(
    features: Sequence[Feature],
    places: Sequence[Place],
    parents: Sequence[Parentage] | None = None,
    settled: dict[int, int | None] | None = None,
) -> list[Judgement]:
    findings = find(features, places, parents or [Parentage()] * len(features))
    return judge(findings, places, [f.label for f in features], settled or {})


def only(features: Sequence[Feature], places: Sequence[Place], **how: Any) -> Judgement:
    return judged(features, places, **how)[0]


def all_known() -> list[Place]:
    return [known(number) for number in range(6)]


def test_names_and_places_that_agree_are_matched() -> None:
    found = judged([feature(i, name) for i, name in enumerate(NAMES)], all_known())
    assert [one.verdict for one in found] == [Verdict.MATCHED] * 6
    assert [one.place for one in found] == list(range(6))
    assert all(one.lead >= LEAD for one in found)


def test_a_name_alone_is_not_enough() -> None:
    nowhere = [known(0, located=False, province="P1")]
    found = only([feature(0, "Alpha")], nowhere)
    assert found.verdict is Verdict.DOUBTFUL
    assert found.doubts[0] == "too little speaks for it"


def test_a_name_and_the_province_are_enough() -> None:
    nowhere = [known(0, located=False), known(1, "Alpha", located=False, province="P2")]
    found = only([feature(0, "Alpha")], nowhere, parents=[Parentage("P1")])
    assert (found.verdict, found.place) == (Verdict.DOUBTFUL, 0)
    assert any("its name may be that of Alpha (D1)" in doubt for doubt in found.doubts)
    alone = only([feature(0, "Alpha")], nowhere[:1], parents=[Parentage("P1")])
    assert alone.verdict is Verdict.MATCHED


def test_a_name_of_two_places_in_a_province() -> None:
    twins = [known(0, located=False), known(1, "Alpha", located=False)]
    found = only([feature(0, "Alpha")], twins, parents=[Parentage("P1")])
    assert found.verdict is Verdict.DOUBTFUL


def test_a_place_alone_is_enough_where_it_is_unmistakable() -> None:
    assert only([feature(0, "Unheard of")], all_known()).verdict is Verdict.MATCHED
    small = shapely.multipolygons([shapely.buffer(shapely.centroid(square(0)), 0.05)])
    found = only([feature(0, "Unheard of", small)], all_known())
    assert found.verdict is not Verdict.MATCHED


def test_the_name_of_another_place_speaks_against_it() -> None:
    found = only([feature(0, "Echo")], all_known())
    assert (found.verdict, found.place) == (Verdict.DOUBTFUL, 0)
    assert "its name may be that of Echo (D4)" in found.doubts


def test_unless_the_other_place_has_a_shape_of_its_own() -> None:
    places = [known(0, "Echoo"), *all_known()[1:]]
    alone = only([feature(0, "Echo")], places)
    assert (alone.verdict, alone.place) == (Verdict.DOUBTFUL, 0)
    found = judged([feature(0, "Echo"), feature(4, "Echo")], places)
    assert [one.verdict for one in found] == [Verdict.MATCHED] * 2
    assert [one.place for one in found] == [0, 4]


def test_a_namesake_that_lies_nobody_knows_where() -> None:
    places = [*all_known(), known(0, "Alpha", located=False, province="P2")]
    found = only([feature(0, "Alpha")], places)
    assert found.verdict is Verdict.DOUBTFUL
    assert found.place == 0


def test_two_shapes_of_one_place() -> None:
    west, east = square(0, size=0.2), square(0.6)
    halves = [
        feature(0, "Alpha", shapely.intersection(west, square(-0.45))),
        feature(1, "Alpha", east),
    ]
    found = judged(halves, all_known())
    assert Verdict.MATCHED not in {one.verdict for one in found}


def test_a_shape_that_holds_two_places() -> None:
    both = shapely.union(square(0), square(1))
    found = only([feature(0, "Alpha", shapely.multipolygons([both]))], all_known())
    assert found.verdict is Verdict.DOUBTFUL
    assert found.doubts == ("Bravo (D1) lies in it too",)


def test_shapes_that_overlap() -> None:
    wide = shapely.multipolygons([shapely.union(square(0), square(0.4))])
    found = judged([feature(0, "Alpha", wide), feature(1, "Bravo")], all_known())
    assert [one.verdict for one in found] == [Verdict.DOUBTFUL] * 2
    assert "is in both" in found[0].doubts[0]


def test_a_known_point_far_away() -> None:
    found = only([feature(0, "Alpha", square(5, 5))], all_known())
    assert found.verdict is not Verdict.MATCHED


def test_a_known_point_just_outside() -> None:
    """A shape that was drawn a little too far east."""
    moved = shapely.transform(square(0), lambda degrees: np.add(degrees, (0.115, 0)))
    assert only([feature(0, "Alpha", moved)], all_known()[:1]).verdict is Verdict.DOUBTFUL
    near = [Parentage(None, {"P1": 1.0}, frozenset(["P1"]))]
    assert only([feature(0, "Alpha", moved)], all_known()[:1], parents=near).verdict is (
        Verdict.MATCHED
    )


@pytest.mark.parametrize(("size", "verdict"), [(0.2, Verdict.MATCHED), (1.0, Verdict.DOUBTFUL)])
def test_areas(size: float, verdict: Verdict) -> None:
    shape = square(0, size=size)
    assert only([feature(0, "Alpha", shape)], all_known()[:1]).verdict is verdict


def test_the_province_that_the_file_says() -> None:
    said = [Parentage("P2", {"P1": 1.0}, frozenset(["P1", "P2"]))]
    found = only([feature(0, "Alpha")], all_known(), parents=said)
    assert found.verdict is Verdict.DOUBTFUL
    assert "it lies in another province" in found.doubts


def test_the_province_that_it_lies_in_may_be_drawn_wrongly() -> None:
    lies = [Parentage(None, {"P2": 1.0}, frozenset(["P1", "P2"]))]
    assert only([feature(0, "Alpha")], all_known(), parents=lies).verdict is Verdict.MATCHED
    # Not where another place of that province might be meant.
    rival = [*all_known(), known(5, "Alphas", at=9, province="P2")]
    assert only([feature(0, "Alpha")], rival, parents=lies).verdict is Verdict.DOUBTFUL


def test_codes() -> None:
    places = [*all_known()[:5], known(5, codes=["XX-5"])]
    right = only([feature(0, "Alpha", code="d0")], places)
    assert (right.verdict, right.points) == (Verdict.MATCHED, 140)
    other_scheme = only([feature(5, "Unheard of", code="XX5")], places)
    assert (other_scheme.verdict, other_scheme.place) == (Verdict.MATCHED, 5)


def test_a_code_that_contradicts_name_and_place() -> None:
    found = only([feature(0, "Alpha", code="D3")], all_known())
    assert (found.verdict, found.place) == (Verdict.DOUBTFUL, 0)
    assert "its code is another place's" in found.doubts


def test_a_code_alone_is_not_enough() -> None:
    found = only([feature(0, "Unheard of", code="D0")], [known(0, located=False)])
    assert found.verdict is not Verdict.MATCHED


def test_codes_that_are_new_among_known_ones() -> None:
    """A place that the gazetteer does not have yet, in a file whose codes it has."""
    features = [feature(i, name, code=f"D{i}") for i, name in enumerate(NAMES[:5])]
    features.append(feature(5, "Foxtrott", code="D77"))
    found = judged(features, all_known())
    assert found[5].verdict is Verdict.MATCHED  # name and place are beyond doubt
    features[5] = feature(5, "Golf", code="D77")
    found = judged(features, all_known())
    assert found[5].verdict is Verdict.DOUBTFUL
    assert found[5].doubts == ("its code is not on record, though others of the file are",)


def test_a_shape_without_a_polygon() -> None:
    empty = Feature(1, "1", ("Alpha",), (), (), (), None, ("it has no polygon",))
    found = judged([empty, feature(1, "Bravo")], all_known())
    assert [one.verdict for one in found] == [Verdict.UNMATCHED, Verdict.MATCHED]


def test_what_is_settled_stays_so() -> None:
    found = judged(
        [feature(0, "Alpha"), feature(1, "Bravo"), feature(2, "Charlie")],
        all_known(),
        settled={0: 1, 1: None},
    )
    assert [one.verdict for one in found] == [Verdict.SETTLED, Verdict.LEFT_OUT, Verdict.MATCHED]
    assert [one.place for one in found] == [1, None, 2]
    assert [one.is_sure for one in found] == [True, False, True]


def test_nothing_to_match() -> None:
    assert judged([], all_known()) == []
    (found,) = judged([feature(0, "Alpha")], [])
    assert (found.verdict, found.candidates) == (Verdict.UNMATCHED, ())


def test_the_assignment_has_the_most_points() -> None:
    """Against every possible assignment of small tables."""
    dice = random.Random(7)  # noqa: S311
    for _ in range(60):
        shapes, places = dice.randint(1, 4), dice.randint(1, 4)
        scores = {
            s: {p: dice.randint(1, 100) for p in range(places) if dice.random() < 0.7}
            for s in range(shapes)
        }
        found = assign(scores)
        assert len(set(found.values())) == len(found)
        best = max(
            sum(scores[s].get(p, 0) for s, p in enumerate(chosen))
            for chosen in permutations([*range(places), *range(-shapes, 0)], shapes)
        )
        assert sum(scores[s][p] for s, p in found.items()) == best


def test_points_say_what_weighs_how_much() -> None:
    sure = Evidence(None, Likeness(1.0, "Alpha"), 0.0, parent=1.0, area=1.0)
    assert points(sure) == 100
    assert points(Evidence()) == 0
    assert points(Evidence(code=True)) == 50
    assert points(Evidence(name=Likeness(0.4, "Alpha"))) == -10
    assert points(Evidence(km_off=50.0)) == -30
    assert points(Evidence(parent=0.0)) == -20
    assert [points(Evidence(area=area)) for area in (1.2, 0.6, 4.0, 0.1)] == [10, 0, -10, -30]


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Qaysar", "QAYSAR", 1, 1),
        ("Dasht-e Archi", "dashte archi", 1, 1),
        ("Qaysar", "Qaisar", 0.8, 0.99),
        ("Qaysar", "قیصار", 0.9, 0.99),
        ("Khost(Matun)", "Matun", 1, 1),
        ("Alpha", "Bravo", 0, 0.4),
    ],
)
def test_likeness_of_names(one: str, other: str, least: float, most: float) -> None:
    found = best_likeness(with_parts([one]), spellings([other]))
    assert found
    assert least <= found.score <= most


def test_names_that_sound_alike_are_found() -> None:
    index = Index([spellings([name]) for name in ("Qaysar", "Kushk", "Kushk-e-Kuhna", "Bala")])
    assert index.sounding_like(spellings(["Kaisar"]), 3) == [0]
    assert index.sounding_like(spellings(["Koshk"]), 1) == [1]
    assert index.sounding_like(spellings(["Zzz"]), 3) == []
