"""A drawing keeps its form, however much there is to say."""

from xml.etree import ElementTree

import pytest

from app.pictures.drawing import Party, Picture, draw
from app.pictures.layout import SHEETS, Layout

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("many", [1, 8])
def test_letters_get_smaller_where_there_is_much_to_say(layout: Layout, many: int) -> None:
    sheet = SHEETS[layout]
    picture = Picture(
        title="Title",
        words="Words",
        heading=("Who controls which district", "A place of some name", "15 August 2021"),
        areas=(),
        outlines=(),
        lines=(),
        names=(),
        parties=[Party(f"p{n}", f"Party {n}", "#123456", n + 1) for n in range(many)],
        contested=1,
        unknown=2,
        disputed=3,
        facts=["A fact that takes about a line of the column."] * many,
        warnings=["A warning."],
        credits=["A word of thanks. " * 5 * many],
    )
    svg = ElementTree.fromstring(draw(picture, sheet, 1200))  # noqa: S314 - our own
    lines = [
        (float(line.attrib["y"]), float(line.attrib["font-size"]), line.text or "")
        for line in svg.findall(f"{SVG}text")
    ]
    beside = [y for y, _, said in lines if "thanks" not in said and "word of" not in said]
    assert max(beside) <= sheet.footer.y
    assert max(y for y, _, _ in lines) <= sheet.footer.bottom
    sizes = {said: size for _, size, said in lines}
    assert (sizes["Contested"] == sheet.text_size) == (many == 1)
