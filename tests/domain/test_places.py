"""Names that are the same name, and boxes that cross the 180th meridian."""

import pytest

from app.domain.places import BoundingBox, name_key


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
