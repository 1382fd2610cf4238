"""Words fit where they are put, and the names on a map do not cover one another."""

import random
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.pictures.lettering import Bounds, Name, labels, width_of, wrapped

SHEET = Bounds(0, 0, 400, 300)


def test_wider_letters_and_larger_ones_take_more_room() -> None:
    assert width_of("iiii", 10) < width_of("oooo", 10) < width_of("OOOO", 10) < width_of("WWWW", 10)
    assert width_of("Qaysar", 20) == 2 * width_of("Qaysar", 10)
    assert width_of("Qaysar", 10, bold=True) > width_of("Qaysar", 10)
    assert width_of("قیصار", 10) > 20


@given(st.text(alphabet="ab W-/?=ق", max_size=200), st.floats(60, 400))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: float) -> None:
    lines = wrapped(text, 10, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        # Only a word that is not long enough to be broken may stand out.
        assert width_of(line, 10) <= width or " " not in line


def test_a_long_address_is_broken() -> None:
    address = "http://example.org/?as_of=2021-06-10&known_at=" + "2021-06-10T00:00:00.000000Z" * 4
    lines = wrapped(f"Source: {address}", 10, 300)
    assert len(lines) > 3
    assert "".join(lines) == f"Source:{address}"


def test_a_name_with_room_stays_where_it_belongs() -> None:
    (label,) = labels([Name("Qaysar", 200, 100, 60)], 12, SHEET)
    assert (label.lines, label.x, label.y) == (("Qaysar",), 200, 100)


def test_a_name_that_is_too_wide_for_its_place_has_two_lines() -> None:
    (label,) = labels([Name("Maidan Wardak", 200, 100, 20)], 12, SHEET)
    assert label.lines == ("Maidan", "Wardak")
    (label,) = labels([Name("Maidan Wardak", 200, 100, 60)], 12, SHEET)
    assert label.lines == ("Maidan Wardak",)


def test_names_at_the_edge_stay_within_the_sheet() -> None:
    found = labels([Name("Badakhshan", 399, 1, 5), Name("Nimroz", 0, 300, 5)], 12, SHEET)
    assert len(found) == 2
    for label in found:
        assert label.width / 2 <= label.x <= 400 - label.width / 2 + 0.1
        assert label.height / 2 <= label.y <= 300 - label.height / 2 + 0.1


def test_two_names_in_one_place_step_aside() -> None:
    found = labels([Name("Parwan", 200, 150, 8), Name("Kapisa", 203, 152, 6)], 12, SHEET)
    assert len(found) == 2
    assert found[0].overlap(found[1]) == 0
    assert all(abs(label.y - 151) < 30 for label in found)


def test_where_there_is_no_room_names_with_more_room_stay() -> None:
    crowd = [Name(f"District {n:02}", 200 + n % 5, 150 + n // 5, 2 + n / 100) for n in range(30)]
    found = labels([*crowd, Name("Kabul", 202, 151, 30)], 12, SHEET)
    assert "Kabul" in {label.lines[0] for label in found}
    assert 5 < len(found) < 31


def test_labels_never_cover_one_another() -> None:
    chance = random.Random(5)  # noqa: S311
    for _ in range(4):
        names = [
            Name("Name " * chance.randint(1, 2), chance.uniform(0, 400), chance.uniform(0, 300), 10)
            for _ in range(40)
        ]
        found = labels(names, 12, SHEET)
        assert len(found) > 30
        # A corner that nobody sees.
        assert all(one.overlap(other) <= 6 for one, other in combinations(found, 2))
        assert labels(names, 12, SHEET) == found
