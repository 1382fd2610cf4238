"""Pictures of the map: they show and say what `/control` says, whoever looks at them."""

import asyncio
import math
import re
import threading
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import httpx2 as httpx
import pytest
import shapely
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine, text

from app.api import pictures as pictures_api
from app.api.app import create_app
from app.boundaries.deriving import derive
from app.domain.colours import CONTESTED, CONTESTED_HATCH, UNKNOWN
from app.pictures.png import to_png
from app.settings import Settings
from app.store.engine import writing

from ..services import wait_until
from .asking import PICTURES, ask, assert_problem, statuses
from .test_borders import add_second_set
from .test_cost import cost
from .writing import Desk

SVG = "{http://www.w3.org/2000/svg}"
WITHOUT_SHAPE = {"AF2506", "AF2507"}
CLOCKS: list[dict[str, str]] = [
    {"as_of": "2021-06-10"},
    {"as_of": "2021-08-15"},
    {"as_of": "2021-06-14T06:00+04:30"},
    {"as_of": "2021-07-15", "reported_by": "2021-06-20", "min_confidence": "claimed"},
    {"as_of": "2021-07-15", "min_confidence": "confirmed"},
    {"as_of": "2021-08-15", "known_at": "2021-12-31"},
]
Element = ElementTree.Element


def svg_of(client: TestClient, **params: str) -> Element:
    response = client.get("/map.svg", params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/svg+xml"
    return read(response.content)


def read(svg: bytes) -> Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - what it is, the tests look at


def png_of(client: TestClient, **params: str) -> Image.Image:
    response = client.get("/map.png", params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    image = Image.open(BytesIO(response.content))
    assert image.format == "PNG"
    return image.convert("RGB")


def group(svg: Element, name: str) -> list[Element]:
    """What is in the group of that name; nothing where there is no such group."""
    found = svg.find(f"{SVG}g[@id='{name}']")
    return [] if found is None else list(found)


def words(svg: Element) -> list[str]:
    """The lines that are printed beside and beneath the map."""
    return [line.text or "" for line in svg.findall(f"{SVG}text")]


def printed(svg: Element) -> str:
    return " ".join(words(svg))


def fill_of(district: dict[str, Any], colours: dict[str, str]) -> str:
    if district["status"] == "contested":
        return "url(#contested-hatch)"
    return colours[district["controller"]["id"]] if district["controller"] else UNKNOWN


@pytest.fixture(scope="module")
def colours(client: TestClient) -> dict[str, str]:
    return {actor["id"]: actor["colour"] for actor in ask(client, "/actors")["actors"]}


@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "&".join(clocks.values()))
def test_every_district_has_the_colour_of_what_control_says(
    client: TestClient, colours: dict[str, str], clocks: dict[str, str]
) -> None:
    told = statuses(client, **clocks)
    svg = svg_of(client, **clocks)
    shapes = {shape.attrib["id"]: shape for shape in group(svg, "districts")}
    assert shapes.keys() == told.keys() - WITHOUT_SHAPE
    for district, shape in shapes.items():
        said = told[district]
        assert shape.attrib["fill"] == fill_of(said, colours), district
        assert shape.attrib["data-status"] == said["status"]
        assert shape.get("data-controller") == (said["controller"] and said["controller"]["id"])
        assert shape.attrib["d"].startswith("M ")
        holder = said["controller"]["name"] if said["controller"] else said["status"]
        title = shape.findtext(f"{SVG}title") or ""
        assert title.startswith(f"{said['name']} ({said['province']['name']}): {holder}")
        assert title.endswith(", disputed") == said["disputed"]
    disputed = [d for d in told.values() if d["disputed"] and d["id"] in shapes]
    assert {line.attrib["d"] for line in group(svg, "disputed")} == {
        shapes[d["id"]].attrib["d"] for d in disputed
    }


@pytest.mark.parametrize("layout", ["wide", "square"])
@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "&".join(clocks.values()))
def test_the_numbers_in_the_key_are_those_of_control(
    client: TestClient, clocks: dict[str, str], layout: str
) -> None:
    told = statuses(client, **clocks).values()
    expected = Counter(d["controller"]["name"] if d["controller"] else d["status"] for d in told)
    svg = svg_of(client, layout=layout, **clocks)
    lines = words(svg)
    key = {said: number for number, said in pairwise(lines) if number.isdigit()}
    disputed = sum(d["disputed"] for d in told)
    assert key == {
        **{name: str(n) for name, n in expected.items() if name not in ("contested", "unknown")},
        "Contested": str(expected["contested"]),
        "Unknown: no report counts": str(expected["unknown"]),
        **({"of these disputed by a document": str(disputed)} if disputed else {}),
    }
    sentence = svg.findtext(f"{SVG}desc") or ""
    for name, number in expected.items():
        assert str(number) in re.findall(r"\d+", sentence), (name, sentence)
    assert "of the 401 districts of Afghanistan" in sentence


def test_the_lines_are_those_of_the_front(client: TestClient) -> None:
    for as_of in ("2021-06-20", "2021-07-10", "2021-08-15"):
        svg = svg_of(client, as_of=as_of)
        for kind in ("front", "contested"):
            answer = ask(client, "/frontline", as_of=as_of, kinds=kind, f="json")
            lines = [line for line in answer["lines"] if line["length_km"] > 1]
            assert len(lines) <= len(group(svg, kind)) <= len(answer["lines"])
        key = printed(svg)
        assert ("Front line between parties" in key) == bool(group(svg, "front"))
        assert ("Edge of a contested district" in key) == bool(group(svg, "contested"))


def test_what_the_picture_rests_on_is_printed_in(client: TestClient) -> None:
    clocks = {"as_of": "2021-07-15", "reported_by": "2021-06-20", "min_confidence": "confirmed"}
    for layout in ("wide", "square"):
        svg = svg_of(client, layout=layout, **clocks)
        lines = printed(svg)
        assert (
            svg.findtext(f"{SVG}title") == "Who controls which district: Afghanistan, 15 July 2021"
        )
        assert "Who controls which district Afghanistan, 15 July 2021" in lines
        assert "Counts only what had been published by 20 June 2021." in lines
        assert "Counts only what is confirmed." in lines
        assert "Without a shape, counted and not drawn: 2." in lines
        assert "Shapes are approximate." in lines
        assert "Made with Natural Earth" in lines
        assert "Licence: Public domain." in lines
        assert re.search(
            r"The record as of \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC \(revision 2\)", lines
        )
    assert "also what only a party" in printed(svg_of(client, min_confidence="claimed"))


def test_how_old_the_newest_report_is_is_printed_in(client: TestClient) -> None:
    newest = max(filter(None, (d["last_reported"] for d in statuses(client).values())))
    assert newest == "2021-08-31"
    recent = printed(svg_of(client, as_of="2021-09-30"))
    assert "The newest report is of 31 August 2021." in recent
    later = printed(svg_of(client, as_of="2021-12-15"))
    assert "The newest report is of 31 August 2021, 3 months before the date shown." in later
    assert "2021, 4 years before the date" in printed(svg_of(client, as_of="2026-01-01"))
    nothing = printed(svg_of(client, as_of="2021-08-15", known_at="2021-12-31"))
    assert "No document on record speaks of these districts." in nothing


@pytest.mark.parametrize("asked", [{}, {"province": "AF29"}, {"layout": "square"}])
def test_the_address_that_is_printed_in_fixes_the_clocks(
    client: TestClient, asked: dict[str, str]
) -> None:
    svg = svg_of(client, reported_by="2021-06-20", min_confidence="claimed", **asked)
    place = {"province": asked["province"]} if "province" in asked else {}
    cited = ask(client, "/cite", reported_by="2021-06-20", min_confidence="claimed", **place)
    assert cited["permalink"] in "".join(words(svg))
    query = dict(parse_qsl(urlsplit(cited["permalink"]).query))
    assert query.keys() >= {"as_of", "known_at", "reported_by", "min_confidence"}


def test_a_province_has_its_own_districts_with_their_names(
    client: TestClient, colours: dict[str, str]
) -> None:
    for province, name in (("AF29", "Faryab"), ("AF25", "Uruzgan")):
        answer = ask(client, "/control", province=province, as_of="2021-07-15")["districts"]
        svg = svg_of(client, province=province, as_of="2021-07-15")
        shapes = {shape.attrib["id"]: shape.attrib["fill"] for shape in group(svg, "districts")}
        assert shapes == {
            d["id"]: fill_of(d, colours) for d in answer if d["id"] not in WITHOUT_SHAPE
        }
        named = "".join(label.text or "" for label in group(svg, "names"))
        for district in answer:
            shown = district["name"].replace(" ", "") in named.replace(" ", "")
            assert shown == (district["id"] not in WITHOUT_SHAPE), district["name"]
        lines = printed(svg)
        assert f"{name} (Afghanistan)" in lines
        assert ("Without a shape" in lines) == (province == "AF25")
        assert f"of the {len(answer)} districts of {name}" in (svg.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("layout", ["wide", "square"])
def test_all_34_provinces_are_named(client: TestClient, layout: str) -> None:
    named = Counter(
        word
        for label in group(svg_of(client, layout=layout), "names")
        for word in (label.text or "").split()
    )
    provinces = ask(client, "/provinces")["provinces"]
    assert named == Counter(word for province in provinces for word in province["name"].split())


def boxes(svg: Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom of every shape; only lines lead from point to point here."""
    return [
        shapely.multipoints(points_of(shape.attrib["d"])).bounds
        for shape in group(svg, "districts")
    ]


def points_of(path: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("layout", ["wide", "square"])
@pytest.mark.parametrize("province", [None, "AF01", "AF17", "AF30"])
def test_shapes_fill_the_place_of_the_map(
    client: TestClient, layout: str, province: str | None
) -> None:
    asked = {"province": province} if province else {}
    found = boxes(svg_of(client, layout=layout, **asked))
    left, top = (min(box[i] for box in found) for i in (0, 1))
    right, bottom = (max(box[i] for box in found) for i in (2, 3))
    place = (20, 20, 756, 552) if layout == "wide" else (30, 130, 1170, 900)
    assert (left >= place[0] - 1, top >= place[1] - 1) == (True, True)
    assert (right <= place[2] + 1, bottom <= place[3] + 1) == (True, True)
    filled = ((right - left) / (place[2] - place[0]), (bottom - top) / (place[3] - place[1]))
    assert max(filled) == pytest.approx(1, abs=0.02)


def test_words_stay_within_the_picture(client: TestClient) -> None:
    """With all that can be said at once."""
    asked = {"as_of": "2021-08-15", "reported_by": "2021-08-14T23:59:59.999999+04:30"}
    for layout in ("wide", "square"):
        svg = svg_of(client, layout=layout, min_confidence="claimed", **asked)
        height = float(svg.attrib["viewBox"].split()[3])
        lines = [(float(t.attrib["y"]), t.text) for t in svg.findall(f"{SVG}text")]
        assert max(lines)[0] < height - 4, max(lines)
        beneath = min(y for y, line in lines if (line or "").startswith("Shapes: "))
        above = [y for y, line in lines if y < beneath]
        assert beneath - max(above) > 12


def test_the_drawing_holds_nothing_that_runs_or_loads(client: TestClient) -> None:
    response = client.get("/map.svg?as_of=2021-08-15")
    svg = read(response.content)
    allowed = {"svg", "title", "desc", "defs", "pattern", "rect", "g", "path", "text"}
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} == allowed
    for element in svg.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            assert name not in ("style", "href", "src"), name
            assert "url(" not in value or value == "url(#contested-hatch)"
    assert svg.attrib["role"] == "img"
    named = svg.attrib["aria-labelledby"].split()
    assert [svg.find(f"*[@id='{name}']").text for name in named] == [  # type: ignore[union-attr]
        svg.findtext(f"{SVG}title"),
        svg.findtext(f"{SVG}desc"),
    ]
    assert "default-src 'none'" in response.headers["content-security-policy"]


HOSTILE = "<script>alert('x')</script> & \"quoted\" ]]> &amp;"


def test_names_are_shown_as_they_are_written(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        for update in (
            "UPDATE countries SET name = :said WHERE code = 'AF'",
            "UPDATE provinces SET name = :said WHERE id = 'AF29'",
            "UPDATE districts SET name = :said WHERE id = 'AF2907'",
            "UPDATE boundary_sets SET attribution = :said, licence = :said",
        ):
            connection.execute(text(update), {"said": HOSTILE})
    client = make_client(own_seeded)
    response = client.get("/map.svg?province=AF29&as_of=2021-06-10")
    assert b"<script" not in response.content
    svg = read(response.content)
    assert not [e for e in svg.iter() if "script" in e.tag]
    assert svg.findtext(f"{SVG}title") == (
        f"Who controls which district: {HOSTILE} ({HOSTILE}), 10 June 2021"
    )
    (shape,) = (s for s in group(svg, "districts") if s.attrib["id"] == "AF2907")
    assert shape.findtext(f"{SVG}title") == f"{HOSTILE} ({HOSTILE}): Taliban"
    assert f"Shapes: {HOSTILE} Licence: {HOSTILE}." in printed(svg)
    assert client.get("/map.png?province=AF29").status_code == 200


# Pixels ----------------------------------------------------------------------------------------


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (1200, 630)),
        ({"width": "400"}, (400, 210)),
        ({"width": "2400", "province": "AF29"}, (2400, 1260)),
        ({"width": "641", "layout": "square", "province": "AF29"}, (641, 641)),
    ],
)
def test_an_image_has_the_width_that_was_asked_for(
    client: TestClient, asked: dict[str, str], size: tuple[int, int]
) -> None:
    image = png_of(client, as_of="2021-08-15", **asked)
    assert image.size == size
    svg = svg_of(client, as_of="2021-08-15", **asked)
    assert (svg.attrib["width"], svg.attrib["height"]) == tuple(map(str, size))


def test_in_the_middle_of_a_district_is_its_colour(
    client: TestClient, colours: dict[str, str]
) -> None:
    told = statuses(client, as_of="2021-08-15")
    image = png_of(client, as_of="2021-08-15", layout="square")
    svg = svg_of(client, as_of="2021-08-15", layout="square")
    seen: Counter[str] = Counter()
    for shape in group(svg, "districts"):
        first = shape.attrib["d"].split("Z")[0]
        polygon = shapely.make_valid(shapely.Polygon(points_of(first)))
        circle = shapely.maximum_inscribed_circle(polygon)
        if circle.length < 7:
            continue
        x, y = circle.coords[0]
        pixel = image.getpixel((int(x), int(y)))
        said = told[shape.attrib["id"]]
        if said["status"] == "contested":
            box = image.crop(tuple(map(int, polygon.bounds)))  # type: ignore[arg-type]
            pixels = box.get_flattened_data()
            for colour in (CONTESTED, CONTESTED_HATCH):
                assert sum(math.dist(pixel, rgb(colour)) < 40 for pixel in pixels) > 40
            continue
        expected = rgb(fill_of(said, colours))
        others = {rgb(colour) for colour in (*colours.values(), UNKNOWN)} - {expected}
        # Unless a name is written there.
        assert pixel not in others, shape.attrib["id"]
        seen["right" if pixel == expected else "covered"] += 1
    assert seen["right"] > 200
    assert seen["covered"] < 60


def ink(said: str) -> Image.Image:
    """A text as an image, white on black, without the black around it."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60" font-family="sans-serif">'
        f'<text x="20" y="40" font-size="30" fill="#fff">{said}</text></svg>'
    )
    image = Image.open(BytesIO(to_png(svg))).getchannel("A")
    return image.crop(image.getbbox())


def test_dari_names_are_written_with_their_letters() -> None:
    """Joined, and from right to left; no box stands for a letter that the font lacks."""
    alone, other, joined = ink("س"), ink("ر"), ink("سر")
    boxes = [ink("\U0010fffd").tobytes(), ink("\U0010fffd" * 2).tobytes()]
    assert not {alone.tobytes(), other.tobytes(), joined.tobytes()} & set(boxes)
    # The first letter stands at the right, and loses its tail before the second.
    assert joined.width < alone.width + other.width
    half = joined.width // 2
    assert joined.crop((half, 0, joined.width, joined.height)).getbbox()
    assert ink("س\u200cر").tobytes() != joined.tobytes()


def test_a_dari_name_is_on_the_map(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    before = png_of(client, province="AF29", as_of="2021-06-10")
    with writing(own_seeded) as connection:
        connection.execute(text("UPDATE districts SET name = 'قیصار' WHERE id = 'AF2907'"))
    svg = svg_of(client, province="AF29", as_of="2021-06-10")
    assert "قیصار" in [label.text for label in group(svg, "names")]
    assert png_of(client, province="AF29", as_of="2021-06-10").tobytes() != before.tobytes()


# The same question -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", PICTURES)
def test_the_same_question_gives_the_same_bytes_whatever_is_recorded(
    own_seeded: Engine, path: str
) -> None:
    desk = Desk.on(own_seeded)
    known_at = ask(desk.nobody, "/control", limit=1)["known_at"]
    asked = {"as_of": "2021-08-15", "province": "AF01"}
    first = desk.nobody.get(path, params=asked)
    assert desk.nobody.get(path, params=asked).content == first.content
    fixed = asked | {"known_at": known_at}
    assert desk.nobody.get(path, params=fixed).content == first.content
    desk.record(district="AF0102")
    again = desk.nobody.get(path, params=fixed)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert desk.nobody.get(path, params=asked).content != first.content


def test_a_file_name_says_what_it_is(client: TestClient) -> None:
    for asked, name in (
        ("as_of=2021-08-15", "district-control-AF-2021-08-15"),
        (
            "province=AF29&as_of=2021-06-14T06:00%2B04:30",
            "district-control-AF29-2021-06-14T0600+0430",
        ),
    ):
        response = client.get(f"/map.svg?{asked}")
        assert response.headers["content-disposition"] == f'inline; filename="{name}.svg"'


def test_other_boundaries_are_drawn_and_named(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        add_second_set(connection)
        derive(connection, "second")
        connection.execute(
            text(
                "INSERT INTO boundary_sets (id, country_code, name, dated, origin, licence,"
                " attribution, quality) VALUES ('empty', 'AF', 'Empty', '2020-01-01', 'nowhere',"
                " 'CC0', 'Nobody', 'surveyed')"
            )
        )
    client = make_client(own_seeded)
    whole = svg_of(client, boundary_set="second", as_of="2021-08-15")
    assert len(group(whole, "districts")) == 398
    lines = printed(whole)
    assert "Shapes: Nobody Licence: CC0." in lines
    assert "approximate" not in lines
    assert "Without a shape, counted and not drawn: 3." in lines
    # It has no outline of Faryab, of which it lacks a district; the province is named all the same.
    assert "Faryab" in {label.text for label in group(whole, "names")}
    assert len(group(whole, "provinces")) < 34
    part = svg_of(client, boundary_set="second", as_of="2021-08-15", province="AF29")
    assert len(group(part, "districts")) == 13
    empty = svg_of(client, boundary_set="empty", as_of="2021-08-15")
    assert (group(empty, "districts"), group(empty, "names")) == ([], [])
    assert "Without a shape, counted and not drawn: 401." in printed(empty)
    assert client.get("/map.png?boundary_set=empty").status_code == 200


WRONG = [
    ("width=399", "width"),
    ("width=2401", "width"),
    ("width=wide", "width"),
    ("width=", "width"),
    ("layout=tall", "layout"),
    ("province=ZZ99", "province"),
    ("province=af29", "province"),
    ("boundary_set=none", "boundary_set"),
    ("as_of=2199-01-01", "as_of"),
    ("as_of=soon", "as_of"),
    ("known_at=2199-01-01", "known_at"),
    ("min_confidence=sure", "min_confidence"),
    ("f=json", "f"),
    ("colour=red", "colour"),
    ("width=800&width=900", "width"),
]


@pytest.mark.parametrize("path", PICTURES)
@pytest.mark.parametrize(("asked", "parameter"), WRONG)
def test_what_is_wrong_with_a_question_is_named(
    client: TestClient, path: str, asked: str, parameter: str
) -> None:
    assert_problem(client.get(f"{path}?{asked}"), 422, parameter)


def test_a_picture_of_another_country_or_in_another_format_is_refused(client: TestClient) -> None:
    assert_problem(client.get("/map.png?country=XX"), 404, "country")
    assert_problem(client.get("/map.svg", headers={"Accept": "image/png"}), 406)
    assert_problem(client.get("/map.png", headers={"Accept": "application/json"}), 406)
    for accept in ("image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", "image/*", "*/*"):
        assert client.get("/map.svg", headers={"Accept": accept}).status_code == 200


def test_a_picture_does_not_cost_more_for_more_districts(
    forgetful: TestClient, seeded: Engine
) -> None:
    assert cost(forgetful, seeded, "/map.svg?as_of=2021-08-15") <= 12
    assert cost(forgetful, seeded, "/map.png?province=AF29") <= 12


def transactions(engine: Engine) -> int:
    """Those that are open on the database, besides the one that asks."""
    with engine.connect() as connection:
        number: int = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
        return number


def test_others_are_answered_while_images_are_drawn(
    seeded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More images than cores and connections wait, and hold neither threads nor connections."""
    asked, answered = threading.Event(), threading.Event()

    def slow(_svg: str) -> bytes:
        asked.set()
        assert answered.wait(30)
        return b"drawn"

    monkeypatch.setattr(pictures_api, "to_png", slow)
    monkeypatch.setattr(pictures_api, "MOST_WAITING", 8)
    app = create_app(Settings(_env_file=None, pool_size=3), seeded)
    transport = httpx.ASGITransport(app=app)

    async def ask_all() -> tuple[list[int], list[int]]:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            images = [
                asyncio.create_task(client.get(f"/map.png?province=AF{number:02}"))
                for number in range(1, 9)
            ]
            await asyncio.to_thread(asked.wait, 30)
            await asyncio.to_thread(wait_until, lambda: transactions(seeded) == 0)
            others = await asyncio.wait_for(
                asyncio.gather(*(client.get("/districts/AF2907/control") for _ in range(5))), 30
            )
            assert not any(image.done() for image in images)
            monkeypatch.setattr(pictures_api, "MOST_WAITING", 1)
            refused = await client.get("/map.png?province=AF20")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            answered.set()
            drawn = await asyncio.gather(*images)
            return [one.status_code for one in others], [image.status_code for image in drawn]

    assert asyncio.run(ask_all()) == ([200] * 5, [200] * 8)
