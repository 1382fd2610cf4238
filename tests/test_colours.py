"""The colours stay apart for every kind of eye, and in grey print."""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.colours import (
    CONTESTED,
    CONTESTED_HATCH,
    DISPUTED,
    FRONT,
    PALETTE,
    UNKNOWN,
    colours_of,
)
from app.pictures.drawing import PAPER

MAIN = (*PALETTE[:3], UNKNOWN)
"""The colours of a war of three parties, and of what nobody knows."""

# Full dichromacy in linear RGB: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A
# Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, table 1.
SEEN_BY = {
    "everyone": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
# sRGB (IEC 61966-2-1) to CIE XYZ, and its white point D65.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
Values = NDArray[np.float64]


def linear(colour: str) -> Values:
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(light: Values) -> Values:
    """CIELAB, in which 1 is about the least difference that anyone sees."""
    x, y, z = TO_XYZ @ np.clip(light, 0, 1) / TO_XYZ.sum(axis=1)
    fx, fy, fz = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)
    )
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def seen(colour: str, eye: str) -> Values:
    return lab(np.array(SEEN_BY[eye]) @ linear(colour))


def closest(colours: Sequence[str], eye: str) -> float:
    return min(
        float(np.linalg.norm(seen(one, eye) - seen(other, eye)))
        for one, other in combinations(colours, 2)
    )


def lightness(colour: str) -> float:
    return float(lab(linear(colour))[0])


def test_the_scale_is_that_of_cielab() -> None:
    assert lightness("#ffffff") == pytest.approx(100)
    assert lightness("#000000") == pytest.approx(0)
    assert lightness("#777777") == pytest.approx(50, abs=0.1)
    assert seen("#d6d6d6", "protanopia") == pytest.approx(seen("#d6d6d6", "everyone"), abs=0.1)
    # What the simulation is about: this red and this green are nearly one for such an eye.
    assert closest(("#b04030", "#6b6b20"), "everyone") > 40
    assert closest(("#b04030", "#6b6b20"), "deuteranopia") < 15


@pytest.mark.parametrize("eye", SEEN_BY)
def test_parties_and_unknown_are_told_apart_by_every_eye(eye: str) -> None:
    assert closest(MAIN, eye) > 20
    # It is hatched besides.
    assert closest((*MAIN, CONTESTED), eye) > 12


def test_parties_and_unknown_are_told_apart_in_grey_print() -> None:
    shades = sorted(map(lightness, MAIN))
    assert all(brighter - darker > 12 for darker, brighter in pairwise(shades))


def test_the_hatch_and_the_lines_show_on_what_they_cross() -> None:
    assert lightness(CONTESTED) - lightness(CONTESTED_HATCH) > 50
    # Not on every fill by itself: for some eyes it is the green of a party. It has a white edge.
    assert all(closest((PAPER, DISPUTED), eye) > 50 for eye in SEEN_BY)
    assert all(closest((PAPER, fill), eye) > 12 for eye in SEEN_BY for fill in MAIN)
    assert all(lightness(fill) - lightness(FRONT) > 25 for fill in MAIN)


def test_a_party_keeps_its_colour_when_others_come() -> None:
    parties = [f"party-{number}" for number in range(len(PALETTE) + 2)]
    every = colours_of(parties)
    assert len(every) == len(parties)
    for number in range(len(parties)):
        assert colours_of(parties[:number]).items() <= every.items()
    assert len(set(list(every.values())[: len(PALETTE)])) == len(PALETTE)
