"""How wide words are, where lines break, and where the names on a map go."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Shares of the height of the letters, a little more than in Noto Sans: whoever looks at an SVG has
# a font of their own.
_NARROW, _WIDE, _CAPITAL, _USUAL = 0.32, 0.92, 0.68, 0.58
_BOLD = 1.07
_BREAKABLE = 24
"""Characters after which a word without a space, such as an address, may be broken."""


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is in letters of that height; rather too much than too little."""
    return sum(map(_share, text)) * size * (_BOLD if bold else 1)


def _share(letter: str) -> float:
    if letter in "iljtfrI.,:;'!|()[]/- ":
        return _NARROW
    if letter in "mwMW@%" or unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    return _CAPITAL if letter.isupper() else _USUAL


def wrapped(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """The lines of a text, broken at spaces, and within words that are longer than a line."""
    lines = [""]
    for word in _pieces(text, size, width):
        joined = f"{lines[-1]}{word}"
        if width_of(joined.rstrip(), size, bold=bold) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line.strip() for line in lines]


def _pieces(text: str, size: float, width: float) -> list[str]:
    """The words of a text, each with the space behind it; long ones in parts."""
    pieces = []
    for word in text.split():
        fitting = max(_BREAKABLE, int(width / size / _USUAL)) if len(word) > _BREAKABLE else 0
        parts = [word[i : i + fitting] for i in range(0, len(word), fitting)] if fitting else [word]
        pieces += [*parts[:-1], f"{parts[-1]} "]
    return pieces


@dataclass(frozen=True)
class Name:
    """A name on a map: at the middle of the largest circle that its place has room for."""

    text: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Label:
    """A name that has found its place: the middle of a box with these lines in it."""

    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: "Label") -> float:
        """The area that two labels share."""
        wide = (self.width + other.width) / 2 - abs(self.x - other.x)
        high = (self.height + other.height) / 2 - abs(self.y - other.y)
        return wide * high if wide > 0 and high > 0 else 0.0

    def is_within(self, distance: float, other: "Label") -> bool:
        """Whether they may overlap when one moves by that distance."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + distance
            and abs(self.y - other.y) < (self.height + other.height) / 2 + distance
        )


@dataclass(frozen=True)
class Bounds:
    """Where labels may lie."""

    left: float
    top: float
    right: float
    bottom: float


LINE = 1.15
"""Height of a line, in heights of letters."""
_ROUNDS = 8
_REACH = 4.2
"""How far a label may move, in heights of letters."""


def labels(names: Sequence[Name], size: float, bounds: Bounds) -> list[Label]:
    """Labels that do not cover one another, as near to their places as that allows.

    Each in turn takes the spot that is best while the others stay, until none moves. A name for
    which there is still no room is left out; those with more room stay.
    """
    choices = [_choices(name, size, bounds) for name in names]
    chosen = [spots[0] for spots in choices]
    for _ in range(_ROUNDS):
        before = list(chosen)
        for number, spots in enumerate(choices):
            others = [
                label
                for other, (_, label) in enumerate(chosen)
                if other != number and label.is_within(_REACH * size, spots[0][1])
            ]
            chosen[number] = _best(spots, others, size)
        if chosen == before:
            break
    kept: list[Label] = []
    by_room = sorted(range(len(names)), key=lambda number: -names[number].radius)
    for number in by_room:
        label = chosen[number][1]
        if all(label.overlap(other) <= 0.5 * size for other in kept):
            kept.append(label)
    return sorted(kept, key=lambda label: (label.y, label.x))


_Spot = tuple[float, Label]
"""How far a label would be from its place, and the label there."""


def _choices(name: Name, size: float, bounds: Bounds) -> list[_Spot]:
    lines = _lines(name, size)
    width = max(width_of(line, size) for line in lines) + 0.3 * size
    height = len(lines) * LINE * size
    left, right = bounds.left + width / 2, max(bounds.right - width / 2, bounds.left + width / 2)
    top, bottom = bounds.top + height / 2, bounds.bottom - height / 2
    spots = []
    for dx, dy in _OFFSETS:
        x = min(max(name.x + dx * size, left), right)
        y = min(max(name.y + dy * size, top), bottom)
        away = math.hypot(x - name.x, y - name.y) / (name.radius + 0.4 * size)
        spots.append((away, Label(lines, round(x, 1), round(y, 1), width, height)))
    return spots


_OFFSETS = [
    (0.0, 0.0),
    *(
        (
            round(1.5 * ring * math.cos(turn * math.pi / 8), 3),
            round(ring * math.sin(turn * math.pi / 8), 3),
        )
        for ring in (0.35, 0.7, 1.1, 1.6, 2.2, 2.8)
        for turn in range(16)
    ),
]
"""Where a label may go, in heights of letters: its place, and ellipses around it."""


def _lines(name: Name, size: float) -> tuple[str, ...]:
    """A name in one line, or in the two of most equal width where one is too wide for its place."""
    words = name.text.split()
    if len(words) < 2 or width_of(name.text, size) <= 2 * name.radius:
        return (name.text,)
    halves = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))]
    return min(halves, key=lambda pair: max(width_of(line, size) for line in pair))


def _best(spots: Sequence[_Spot], others: Sequence[Label], size: float) -> _Spot:
    """The spot with the least overlap and the least distance; its own place if that is free."""
    if not any(spots[0][1].overlap(other) for other in others):
        return spots[0]
    return min(spots, key=lambda spot: _cost(spot, others, size))


def _cost(spot: _Spot, others: Sequence[Label], size: float) -> float:
    away, label = spot
    return away**2 + 8 * sum(label.overlap(other) for other in others) / size**2
