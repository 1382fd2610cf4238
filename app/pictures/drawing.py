"""The drawing itself: a map with its heading, key, facts and credits, as SVG.

Only presentation attributes and shapes: no script, no style sheet, nothing that is loaded from
elsewhere, so that it can be shown under any Content-Security-Policy. Every text goes through an
XML writer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from app.domain import colours
from app.domain.control import Outcome, Status
from app.domain.front import LineKind
from app.domain.words import NOT_IN_XML
from app.pictures.layout import Box, Sheet
from app.pictures.lettering import LINE, Bounds, Name, labels, width_of, wrapped

INK = "#1c1c1c"
SOFT = "#4d4d4d"
PAPER = "#ffffff"
_OUTLINE = "#5c5c5c"
_WARNING = "#8a3b00"

Element = ElementTree.Element


@dataclass(frozen=True)
class Area:
    """A district: its shape as SVG path data, what holds there, and what is said of it on hover."""

    id: str
    path: str
    outcome: Outcome
    disputed: bool
    says: str


@dataclass(frozen=True)
class Line:
    """A border between districts of different outcomes."""

    kind: LineKind
    path: str


@dataclass(frozen=True)
class Party:
    """A party as the key shows it: its colour, and how many districts it holds."""

    id: str
    name: str
    colour: str
    districts: int


@dataclass(frozen=True)
class Picture:
    """All that a picture shows and says.

    `title` and `words` are for those who cannot see it, and `heading` are the parts of the title.
    `parties` have a colour for everyone who holds a district; the numbers count all districts that
    are meant, also those without a shape. `facts` and `warnings` stand beside the key, `credits`
    beneath.
    """

    title: str
    words: str
    heading: Sequence[str]
    areas: Sequence[Area]
    outlines: Sequence[str]
    lines: Sequence[Line]
    names: Sequence[Name]
    parties: Sequence[Party]
    contested: int
    unknown: int
    disputed: int
    facts: Sequence[str]
    warnings: Sequence[str]
    credits: Sequence[str]


def draw(picture: Picture, sheet: Sheet, pixels: int) -> str:
    """The SVG of a picture, `pixels` wide. The same picture gives the same text."""
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_number(sheet.width)} {_number(sheet.height)}",
            "width": str(pixels),
            "height": str(round(pixels * sheet.height / sheet.width)),
            "role": "img",
            "aria-labelledby": "title words",
            "font-family": "sans-serif",
            "fill": INK,
        },
    )
    _add(root, "title", id="title").text = picture.title
    _add(root, "desc", id="words").text = picture.words
    root.append(_hatch())
    _add(root, "rect", width=sheet.width, height=sheet.height, fill=PAPER)
    _map(root, picture, sheet)
    _words(root, picture, sheet)
    return ElementTree.tostring(root, encoding="unicode").translate(NOT_IN_XML)


def _map(root: Element, picture: Picture, sheet: Sheet) -> None:
    fills = {party.id: party.colour for party in picture.parties}
    areas = _add(root, "g", id="districts", stroke=PAPER, stroke_width=0.8, stroke_linejoin="round")
    for area in picture.areas:
        shape = _add(areas, "path", id=area.id, d=area.path, fill=_fill(area.outcome, fills))
        shape.set("data-status", area.outcome.status)
        if area.outcome.controller:
            shape.set("data-controller", area.outcome.controller)
        _add(shape, "title").text = area.says
    _strokes(root, "provinces", picture.outlines, stroke=_OUTLINE, stroke_width=1.3)
    # With a white edge: for some eyes this red is the green of a party.
    disputed = [area.path for area in picture.areas if area.disputed]
    _strokes(root, "disputed-casing", disputed, stroke=PAPER, stroke_width=5)
    _strokes(root, "disputed", disputed, stroke=colours.DISPUTED, stroke_width=2.4)
    for kind in (LineKind.CONTESTED, LineKind.FRONT):
        paths = [line.path for line in picture.lines if line.kind is kind]
        _strokes(root, f"{kind}-casing", paths, stroke=PAPER, stroke_width=6)
        _strokes(root, kind, paths, **_STROKES[kind])
    _names(root, picture.names, sheet)


_STROKES: dict[LineKind, dict[str, object]] = {
    LineKind.FRONT: {"stroke": colours.FRONT, "stroke_width": 3.2},
    LineKind.CONTESTED: {
        "stroke": colours.FRONT,
        "stroke_width": 2.2,
        "stroke_dasharray": "1.5 4.5",
    },
}


def _fill(outcome: Outcome, fills: dict[str, str]) -> str:
    if outcome.status is Status.CONTESTED:
        return "url(#contested-hatch)"
    return fills[outcome.controller] if outcome.controller else colours.UNKNOWN


def _hatch() -> Element:
    defs = ElementTree.Element("defs")
    pattern = _add(
        defs,
        "pattern",
        id="contested-hatch",
        patternUnits="userSpaceOnUse",
        width=7,
        height=7,
        patternTransform="rotate(45)",
    )
    _add(pattern, "rect", width=7, height=7, fill=colours.CONTESTED)
    _add(pattern, "rect", width=2.4, height=7, fill=colours.CONTESTED_HATCH)
    return defs


def _strokes(root: Element, group: str, paths: Sequence[str], **pen: object) -> None:
    if not paths:
        return
    lines = _add(root, "g", id=group, fill="none", stroke_linejoin="round", stroke_linecap="round")
    _set(lines, pen)
    for path in paths:
        _add(lines, "path", d=path)


def _names(root: Element, names: Sequence[Name], sheet: Sheet) -> None:
    bounds = Bounds(8, 8, sheet.map.x + sheet.map.width + 12, sheet.map.bottom + 4)
    size = sheet.label_size
    group = _add(
        root,
        "g",
        id="names",
        font_size=size,
        text_anchor="middle",
        stroke=PAPER,
        stroke_width=0.34 * size,
        stroke_linejoin="round",
        paint_order="stroke",
    )
    for label in labels(names, size, bounds):
        top = label.y - label.height / 2
        for number, line in enumerate(label.lines):
            # Letters stand on the line, and about a quarter of a line is beneath them.
            y = top + (number + 0.76) * LINE * size
            _add(group, "text", x=label.x, y=y).text = line


class _Column:
    """Text that flows down a box."""

    def __init__(self, root: Element, box: Box, size: float) -> None:
        self.root = root
        self.box = box
        self.size = size
        self.y = box.y

    def paragraph(
        self, text: str, *, bold: bool = False, fill: str = INK, gap: float = 0.0
    ) -> None:
        """Some lines of text, and a gap beneath them in heights of letters."""
        for line in wrapped(text, self.size, self.box.width, bold=bold):
            shown = self._text(line, self.box.x)
            shown.set("fill", fill)
            if bold:
                shown.set("font-weight", "700")
            self.y += 1.3 * self.size
        self.y += gap * self.size

    def filled(self, text: str, count: str, figures: float, pen: Mapping[str, object]) -> None:
        """A line of the key with a filled sample and a number, `figures` wide."""
        self._add(
            "rect",
            x=self.box.x + 1,
            y=self.y + 0.42 * self.size,
            width=1.7 * self.size,
            height=1.05 * self.size,
            **{"stroke": SOFT, "stroke_width": 1, **pen},
        )
        right = self.box.x + 2.3 * self.size + figures
        number = self._text(count, right)
        number.set("font-weight", "700")
        number.set("text-anchor", "end")
        self._said(text, right + 0.6 * self.size)

    def stroked(self, text: str, pen: Mapping[str, object]) -> None:
        """A line of the key with a sample of a line."""
        middle = _number(self.y + 0.95 * self.size)
        sample = f"M {_number(self.box.x + 2)} {middle} h {_number(1.6 * self.size)}"
        self._add("path", d=sample, stroke_linecap="round", **pen)
        self._said(text, self.box.x + 2.3 * self.size)

    def _said(self, text: str, left: float) -> None:
        for line in wrapped(text, self.size, self.box.x + self.box.width - left):
            self._text(line, left)
            self.y += 1.3 * self.size
        self.y += 0.25 * self.size

    def _text(self, line: str, x: float) -> Element:
        shown = self._add("text", x=x, y=self.y + 1.3 * self.size, font_size=self.size)
        shown.text = line
        return shown

    def _add(self, tag: str, **attributes: object) -> Element:
        return _add(self.root, tag, **attributes)


def _words(root: Element, picture: Picture, sheet: Sheet) -> None:
    heading = _Column(root, sheet.heading, sheet.heading_size)
    first, *others = picture.heading
    heading.paragraph(first, bold=True)
    joined = ", ".join(others)
    fits = width_of(joined, sheet.heading_size) <= sheet.heading.width
    for line in [joined] if fits else others:
        heading.paragraph(line)

    def beside(target: Element, size: float) -> float:
        key = _Column(target, sheet.key or _below(heading, 16), size)
        _key(key, picture)
        facts = _Column(target, sheet.facts or _below(key, 10), 0.86 * size)
        for warning in picture.warnings:
            facts.paragraph(warning, bold=True, fill=_WARNING, gap=0.25)
        for fact in picture.facts:
            facts.paragraph(fact, fill=SOFT, gap=0.25)
        return max(key.y, facts.y)

    def beneath(target: Element, size: float) -> float:
        footer = _Column(target, sheet.footer, 0.76 * size)
        for credit in picture.credits:
            footer.paragraph(credit, fill=SOFT)
        return footer.y

    _fit(root, beside, sheet.text_size, sheet.footer.y)
    _fit(root, beneath, sheet.text_size, sheet.footer.bottom)


def _fit(
    root: Element, write: Callable[[Element, float], float], size: float, bottom: float
) -> None:
    """Write in the largest letters with which `write` ends above the bottom; at least in half."""
    for share in (1, 0.9, 0.8, 0.7, 0.6, 0.5):
        written = ElementTree.Element("g")
        if write(written, share * size) <= bottom:
            break
    root.extend(written)


def _key(column: _Column, picture: Picture) -> None:
    entries = [
        (str(party.districts), party.name, {"fill": party.colour})
        for party in picture.parties
        if party.districts
    ]
    entries += [
        (str(picture.contested), "Contested", {"fill": "url(#contested-hatch)"}),
        (str(picture.unknown), "Unknown: no report counts", {"fill": colours.UNKNOWN}),
    ]
    if picture.disputed:
        pen = {"fill": "none", "stroke": colours.DISPUTED, "stroke_width": "2.4"}
        entries.append((str(picture.disputed), "of these disputed by a document", pen))
    figures = max(width_of(count, column.size, bold=True) for count, _, _ in entries)
    for count, said, pen in entries:
        column.filled(said, count, figures, pen)
    for kind, said in _LINES.items():
        if any(line.kind is kind for line in picture.lines):
            column.stroked(said, _STROKES[kind])


_LINES = {
    LineKind.FRONT: "Front line between parties",
    LineKind.CONTESTED: "Edge of a contested district",
}


def _below(column: _Column, gap: float) -> Box:
    """The box that begins where a column has ended."""
    box = column.box
    return Box(box.x, column.y + gap, box.width, 0)


def _add(parent: Element, tag: str, **attributes: object) -> Element:
    """A new element; `stroke_width` stands for `stroke-width`."""
    element = ElementTree.SubElement(parent, tag)
    _set(element, attributes)
    return element


def _set(element: Element, attributes: Mapping[str, object]) -> None:
    for name, value in attributes.items():
        said = _number(value) if isinstance(value, int | float) else str(value)
        element.set(name.replace("_", "-"), said)


def _number(value: float) -> str:
    """A number with one decimal at the most."""
    return f"{value:.1f}".removesuffix(".0")
