"""Front lines and pockets, on maps small enough to draw."""

import pytest

from app.domain.control import UNKNOWN, Outcome, Status
from app.domain.front import LineKind, Pocket, Side, line_kind, pockets, shares, side_of

RED = Outcome(Status.CONTROLLED, "red")
BLUE = Outcome(Status.CONTROLLED, "blue")
CONTESTED = Outcome(Status.CONTESTED, None)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (RED, BLUE, LineKind.FRONT),
        (RED, CONTESTED, LineKind.CONTESTED),
        (CONTESTED, UNKNOWN, LineKind.UNKNOWN),
        (RED, UNKNOWN, LineKind.UNKNOWN),
        (RED, RED, None),
        (CONTESTED, CONTESTED, None),
        (UNKNOWN, UNKNOWN, None),
    ],
)
def test_a_line_lies_between_different_outcomes_and_is_the_same_from_both_sides(
    one: Outcome, other: Outcome, kind: LineKind | None
) -> None:
    assert line_kind(one, other) is kind
    assert line_kind(other, one) is kind


@pytest.mark.parametrize(
    ("here", "neighbour", "side"),
    [
        (RED, RED, Side.OWN),
        (RED, BLUE, Side.HOSTILE),
        (RED, CONTESTED, Side.CONTESTED),
        (RED, UNKNOWN, Side.UNKNOWN),
        (RED, None, Side.OUTSIDE),
        (UNKNOWN, BLUE, Side.HELD),
        (CONTESTED, BLUE, Side.HELD),
        (UNKNOWN, UNKNOWN, Side.UNKNOWN),
        (CONTESTED, CONTESTED, Side.CONTESTED),
    ],
)
def test_what_a_neighbour_is_depends_on_who_holds_the_district(
    here: Outcome, neighbour: Outcome | None, side: Side
) -> None:
    assert side_of(here, neighbour) is side


def test_shares_of_a_border_add_up_to_the_whole() -> None:
    found = shares(RED, [(BLUE, 3.0), (BLUE, 1.0), (RED, 2.0), (UNKNOWN, 1.0), (None, 1.0)])
    assert found[Side.HOSTILE] == 0.5
    assert found[Side.OWN] == 0.25
    assert found[Side.UNKNOWN] == found[Side.OUTSIDE] == 0.125
    assert sum(found.values()) == pytest.approx(1)


def test_a_district_without_a_border_has_no_shares() -> None:
    assert set(shares(RED, []).values()) == {0.0}


# A row of districts, each beside the next: a-b-c-d-e-f.
ROW = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f")]


def row(*outcomes: Outcome) -> dict[str, Outcome]:
    return dict(zip("abcdef", outcomes, strict=True))


def test_a_group_behind_the_enemy_is_a_certain_pocket() -> None:
    found = pockets(row(RED, RED, RED, BLUE, RED, RED), ROW)
    assert found == [Pocket("red", ("e", "f"), certain=True)]


@pytest.mark.parametrize("between", [UNKNOWN, CONTESTED])
def test_a_group_behind_an_open_district_may_be_connected(between: Outcome) -> None:
    found = pockets(row(RED, RED, RED, between, RED, BLUE), ROW)
    assert found == [Pocket("red", ("e",), certain=False)]


def test_one_enemy_district_among_open_ones_is_enough_to_cut_off() -> None:
    found = pockets(row(RED, RED, UNKNOWN, BLUE, UNKNOWN, RED), ROW)
    assert found == [Pocket("red", ("f",), certain=True)]


def test_a_way_around_connects() -> None:
    assert pockets(row(RED, RED, BLUE, RED, RED, RED), [*ROW, ("b", "d")]) == []


def test_of_equal_parts_the_one_with_the_smallest_id_is_the_main_one() -> None:
    found = pockets(row(RED, RED, BLUE, BLUE, RED, RED), ROW)
    assert found == [Pocket("red", ("e", "f"), certain=True)]


def test_every_party_has_its_own_pockets_largest_first() -> None:
    found = pockets(row(BLUE, BLUE, RED, BLUE, RED, RED), ROW)
    assert found == [
        Pocket("red", ("c",), certain=True),
        Pocket("blue", ("d",), certain=True),
    ]


def test_a_district_without_neighbours_is_cut_off() -> None:
    found = pockets(row(RED, RED, RED, RED, RED, RED), ROW[:-1])
    assert found == [Pocket("red", ("f",), certain=True)]


def test_nobody_has_no_pocket() -> None:
    assert pockets(row(*[UNKNOWN] * 6), ROW) == []
