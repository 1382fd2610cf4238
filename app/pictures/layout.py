"""Where the parts of a picture go. Units are those of the drawing; a width in pixels scales all."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Box:
    """A rectangle; y runs downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Sheet:
    """One way to lay out a picture.

    The key of the colours begins where the heading ends, or at `key`; what else there is to say
    follows the key, or stands in `facts`. Sizes are heights of letters.
    """

    width: float
    height: float
    map: Box
    heading: Box
    key: Box | None
    facts: Box | None
    footer: Box
    heading_size: float
    text_size: float
    label_size: float


class Layout(StrEnum):
    """The layouts that there are.

    `wide` has the form that previews of links show (40 to 21), with the map at the left and words
    at the right; `square` has a larger map, with words above and below.
    """

    WIDE = "wide"
    SQUARE = "square"


SHEETS = {
    Layout.WIDE: Sheet(
        width=1200,
        height=630,
        map=Box(20, 20, 736, 532),
        heading=Box(784, 24, 396, 90),
        key=None,
        facts=None,
        footer=Box(20, 560, 1160, 62),
        heading_size=26,
        text_size=18,
        label_size=12.5,
    ),
    Layout.SQUARE: Sheet(
        width=1200,
        height=1200,
        map=Box(30, 130, 1140, 770),
        heading=Box(30, 28, 1140, 76),
        key=Box(30, 918, 540, 210),
        facts=Box(610, 918, 560, 210),
        footer=Box(30, 1128, 1140, 62),
        heading_size=32,
        text_size=19,
        label_size=16,
    ),
}
