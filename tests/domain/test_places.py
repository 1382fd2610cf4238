"""Names that are the same name, and boxes that cross the 180th meridian."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.places import BoundingBox, Sought, name_key, sound_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dasht-e Archi", "DASHT E ARCHI"),
        ("Pul-i-Khumri", "Pul i Khumri"),
        ("Qala'-i-Naw", "Qalai Naw"),
        ("Khānābād", "Khanabad"),
        ("قیصار", "قيصار"),  # Persian and Arabic yeh
        ("كابل", "کابل"),  # Arabic and Persian kaf
        ("آب بند", "اب‌بند"),  # alef with madda; a zero-width non-joiner for the space
    ],
)
def test_careless_spellings_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


def test_another_spelling_is_another_key() -> None:
    assert len({name_key(name) for name in ("Qaisar", "Qaysar", "Kaysar")}) == 3


def test_a_box_across_the_date_line_is_two_stretches() -> None:
    assert BoundingBox(170, -20, -170, 0).spans == ((170, 180.0), (-180.0, -170))
    assert BoundingBox(60, 29, 75, 39).spans == ((60, 75),)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Qaysar", "Qaisar", "Kaysar", "KAISAR", "Qaisar", "قیصار", "قيصار", "د قيصار"),
        (
            "Dasht-e Archi",
            "Dasht-i-Archi",
            "Dashti Archi",
            "Dashte Archi",
            "دشت ارچی",
            "د دشت ارچی",
        ),
        ("Pul-e-Khumri", "Pul-i-Khumri", "Puli Khumri", "Pul Khumri"),
        ("Khan Abad", "Khanabad", "Khān-ābād", "خان آباد", "خان‌آباد"),
        ("Gorziwan", "Gorzivan"),
        ("Musahi", "Mussahi", "موسهی", "ولسوالی موسهی"),
        ("Zhari", "Jari"),
        ("Spin Boldak", "Spin Buldak", "سپين بولدک", "Spin Boldak district"),
        ("Mohammad Agha", "Muhammad Agha"),
        ("Chamkani", "Tchamkani", "څمکنی"),
        ("La'lpur", "Lal Pur", "Lalpoor"),
    ],
)
def test_spellings_that_sound_alike_have_one_key(spellings: tuple[str, ...]) -> None:
    assert len({sound_key(name) for name in spellings}) == 1, [*map(sound_key, spellings)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kohistan", "Gulistan"),
        ("Shahrak", "Shorabak"),
        ("Jaji", "Zazi"),
        ("Kakar", "Kar"),  # only what stands side by side is a doubled letter
        ("Doshi", "Dishu"),
        ("Band", "Bad"),
    ],
)
def test_names_that_sound_otherwise_have_two(one: str, other: str) -> None:
    assert sound_key(one) != sound_key(other)


@given(st.text(min_size=1))
def test_a_name_that_has_a_key_has_a_sound(name: str) -> None:
    """The column allows no empty text."""
    assert bool(sound_key(name)) >= bool(name_key(name))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz قیصاردوهخشچ-'", min_size=1))
def test_case_and_marks_make_no_sound(name: str) -> None:
    assert sound_key(name.upper()) == sound_key(name)
    assert sound_key(name.replace("-", " ")) == sound_key(name)


def test_what_is_sought_may_begin_or_end_with_a_province() -> None:
    sought = Sought.of("Kohistan district of Faryab province")
    pairs = {(name.key, province.key) for name, province in sought.within}
    assert pairs == {("kohistan", "faryab"), ("faryab", "kohistan")}
    longer = Sought.of("Shahrak, Sar-e Pul")
    assert ("shahrak", "sarepul") in {(n.key, p.key) for n, p in longer.within}
    assert len(Sought.of("a b c d e f g h").within) == 6
    assert Sought.of("Qaysar").within == ()


@pytest.mark.parametrize(
    ("text", "id_"), [("af2907", "AF2907"), (" AF29 ", "AF29"), ("a\0b", ""), ("قیصار", "")]
)
def test_what_is_sought_may_be_an_id(text: str, id_: str) -> None:
    assert Sought.of(text).id == id_
