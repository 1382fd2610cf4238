"""The colours of maps and charts: one place for pages, pictures and clients.

Parties take the palette in the order in which they were recorded, so that a new party never
changes the colour of another. The first colours differ in lightness (L* of CIELAB about 66, 47,
33), so that they stay apart in grey print and for every kind of colour blindness; blue, green and
orange-brown are those of the Okabe-Ito palette, shifted in lightness. (M. Okabe, K. Ito: "Color
Universal Design", 2008.)
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

PALETTE = (
    "#56a9de",  # light blue
    "#1f7f5f",  # green
    "#8a2f0c",  # orange-brown, dark
    "#cc79a7",  # reddish purple
    "#e0b400",  # yellow
    "#4b3a8f",  # violet, dark
    "#94c9a0",  # light green
    "#3b3b3b",  # charcoal
)

UNKNOWN = "#d6d6d6"
"""Nothing on record counts: light, without a hue, so that it reads as no one's."""

CONTESTED = "#f3e2b0"
CONTESTED_HATCH = "#5f4a14"
"""Both sides are there: hatched, so that it is told from any holder without its colour."""

DISPUTED = "#c8005f"
"""Outline of a district whose answer a document disputes."""

FRONT = "#111111"
"""Borders between districts that different parties hold."""

NAMED: Mapping[str, str] = {
    "unknown": UNKNOWN,
    "contested": CONTESTED,
    "contested-hatch": CONTESTED_HATCH,
    "disputed": DISPUTED,
    "front": FRONT,
}
"""Every colour that is not a party's, by the name that style sheets have for it."""


def colours_of(parties: Sequence[str]) -> dict[str, str]:
    """The colour of each party, given in the order of recording; past the palette it repeats."""
    return dict(zip(parties, cycle(PALETTE), strict=False))
