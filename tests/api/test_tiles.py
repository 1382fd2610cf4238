"""Vector tiles: they say what `/control` says, fit together, and are never out of date."""

import json
import math
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import mapbox_vector_tile
import pyogrio.raw
import pytest
import shapely
import shapely.affinity
from fastapi.testclient import TestClient
from shapely.geometry import shape
from sqlalchemy import Engine, text

from app.api.app import create_app
from app.boundaries.deriving import derive
from app.settings import Settings
from app.store.engine import writing
from app.store.tiles import BUFFER, EXTENT, MAX_ZOOM

from .asking import Answer, ask, assert_problem, statuses
from .test_borders import add_second_set
from .test_cost import cost
from .writing import Desk, a_citation, an_event

WITHOUT_SHAPE = {"AF2506", "AF2507"}
KINDS = "front,contested,unknown"
FARYAB = (8, 173, 100)
"""A tile with Qaisar in it."""
LARGEST = 100_000
"""Bytes. The seeds' tiles have at most two thirds of it; 500 kB is what maps can bear."""

Place = tuple[int, int, int]


def address(tile: Place, **params: str) -> str:
    query = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in params.items())
    z, x, y = tile
    return f"/tiles/{z}/{x}/{y}.mvt" + (f"?{query}" if query else "")


def decoded(content: bytes) -> dict[str, list[Answer]]:
    """The features of each layer; y runs downwards, as in the tile."""
    options = {"y_coord_down": True}
    layers = mapbox_vector_tile.decode(content, default_options=options)
    assert all(layer["extent"] == EXTENT and layer["version"] == 2 for layer in layers.values())
    return {name: layer["features"] for name, layer in layers.items()}


def layers_of(client: TestClient, tile: Place, **params: str) -> dict[str, list[Answer]]:
    response = client.get(address(tile, **params))
    assert response.status_code in (200, 204), response.text
    return decoded(response.content) if response.content else {}


def covering(client: TestClient, zoom: int) -> list[Place]:
    """The tiles of a zoom that the bounds in the TileJSON reach."""
    west, south, east, north = ask(client, "/tiles.json")["bounds"]

    def row(latitude: float) -> int:
        mercator = math.asinh(math.tan(math.radians(latitude)))
        return int((1 - mercator / math.pi) / 2 * 2**zoom)

    columns = range(int((west + 180) / 360 * 2**zoom), int((east + 180) / 360 * 2**zoom) + 1)
    return [(zoom, x, y) for x in columns for y in range(row(north), row(south) + 1)]


def features_at(client: TestClient, zoom: int, **params: str) -> dict[str, dict[str, Answer]]:
    """What all tiles of a zoom say, by layer and id; where two speak of one, they agree."""
    found: dict[str, dict[str, Answer]] = defaultdict(dict)
    for tile in covering(client, zoom):
        for layer, features in layers_of(client, tile, **params).items():
            for feature in features:
                said = feature["properties"]
                assert found[layer].setdefault(said["id"], said) == said
    return found


def as_in_a_tile(district: Answer) -> Answer:
    controller = district["controller"] or {"id": None, "name": None}
    said = {
        **{name: district[name] for name in ("id", "name", "name_local", "status", "since")},
        **{name: district[name] for name in ("confidence", "disputed", "is_provincial_capital")},
        "province_id": district["province"]["id"],
        "controller": controller["id"],
        "controller_name": controller["name"],
    }
    return {name: value for name, value in said.items() if value is not None}


CLOCKS: list[dict[str, str]] = [
    {"as_of": "2021-05-20"},
    {"as_of": "2021-06-10"},
    {"as_of": "2021-08-15"},
    {"as_of": "2021-06-14T06:00+04:30"},
    {"as_of": "2021-07-15", "reported_by": "2021-06-20"},
    {"as_of": "2021-07-15", "min_confidence": "claimed"},
    {"as_of": "2021-07-15", "min_confidence": "confirmed"},
    {"as_of": "2021-08-15", "known_at": "2021-12-31"},
]


@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "&".join(clocks.values()))
def test_a_tile_says_of_every_district_what_control_says(
    client: TestClient, clocks: dict[str, str]
) -> None:
    told = statuses(client, **clocks)
    shown = features_at(client, 6, **clocks)
    assert shown["districts"].keys() == told.keys() - WITHOUT_SHAPE
    for district, said in shown["districts"].items():
        assert said == as_in_a_tile(told[district])
    provinces = {province["id"]: province for province in ask(client, "/provinces")["provinces"]}
    assert shown["provinces"] == {
        code: {"id": code, "name": province["name"]} for code, province in provinces.items()
    }


@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "&".join(clocks.values()))
def test_the_lines_in_tiles_are_those_of_the_front(
    client: TestClient, clocks: dict[str, str]
) -> None:
    """Of all kinds. A line shorter than a unit of a tile, 120 m here, is nothing in it."""
    listed = ask(client, "/frontline", kinds=KINDS, f="json", **clocks)["lines"]
    shown = features_at(client, 6, **clocks)["frontline"]
    assert shown.keys() <= {line["id"] for line in listed}
    missing = [line for line in listed if line["id"] not in shown]
    assert all(line["length_km"] < 0.12 for line in missing)
    assert len(missing) < 5
    for line in listed:
        if line in missing:
            continue
        said = shown[line["id"]]
        assert (said["kind"], said["length_km"]) == (line["kind"], line["length_km"])
        for number, side in enumerate(line["sides"], start=1):
            assert said[f"district_id_{number}"] == side["district"]["id"]
            assert said[f"status_{number}"] == side["status"]
            controller = side["controller"] and side["controller"]["id"]
            assert said.get(f"controller_id_{number}") == controller


def test_every_attribute_is_described_and_every_described_one_is_there(client: TestClient) -> None:
    described = {
        layer["id"]: layer["fields"].keys() for layer in ask(client, "/tiles.json")["vector_layers"]
    }
    shown = features_at(client, 5, as_of="2021-08-10")
    assert {
        layer: {name for said in features.values() for name in said}
        for layer, features in shown.items()
    } == described


# How they are drawn ---------------------------------------------------------------------------


def placed(feature: Answer, tile: Place) -> shapely.Geometry:
    """A feature's geometry in units from the corner of the world."""
    _, x, y = tile
    return shapely.affinity.translate(shape(feature["geometry"]), x * EXTENT, y * EXTENT)


def box_of(tile: Place) -> shapely.Polygon:
    _, x, y = tile
    return shapely.box(x * EXTENT, y * EXTENT, (x + 1) * EXTENT, (y + 1) * EXTENT)


@pytest.fixture(scope="module")
def drawn_at_8(client: TestClient) -> dict[Place, dict[str, shapely.Geometry]]:
    return {
        tile: {
            feature["properties"]["id"]: shapely.make_valid(placed(feature, tile))
            for feature in layers_of(client, tile).get("districts", [])
        }
        for tile in covering(client, 8)
    }


def test_neighbouring_tiles_show_the_same_on_both_sides_of_their_seam(
    drawn_at_8: dict[Place, dict[str, shapely.Geometry]],
) -> None:
    """Within the buffers, both have the same shapes; a unit is the rounding."""
    seams = 0
    for tile, here in drawn_at_8.items():
        z, x, y = tile
        for beside in ((z, x + 1, y), (z, x, y + 1)):
            there = drawn_at_8.get(beside, {})
            strip = (
                box_of(tile)
                .buffer(BUFFER - 2, join_style="mitre")
                .intersection(box_of(beside).buffer(BUFFER - 2, join_style="mitre"))
            )
            for district in here.keys() | there.keys():
                one, other = (
                    side.get(district, shapely.Polygon()).intersection(strip)
                    for side in (here, there)
                )
                # No further apart than the rounding, all along.
                thick = one.symmetric_difference(other).buffer(-1.01)
                assert thick.is_empty, (tile, beside, district)
                seams += not one.is_empty
    assert seams > 300


def test_districts_fill_the_tiles_of_the_country_without_a_gap(
    drawn_at_8: dict[Place, dict[str, shapely.Geometry]],
) -> None:
    filled = 0
    for tile, districts in drawn_at_8.items():
        whole = shapely.union_all(list(districts.values()))
        z, x, y = tile
        around = [(z, x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        if any(not drawn_at_8.get(place) for place in around):
            continue
        if not whole.buffer(-1).buffer(1.5).covers(box_of(tile)):
            continue
        filled += 1
        assert whole.intersection(box_of(tile)).area == EXTENT**2, tile
        overlap = sum(d.intersection(box_of(tile)).area for d in districts.values()) - EXTENT**2
        assert overlap < 1, tile
    assert filled > 5


def test_the_pieces_of_a_district_make_its_drawing(
    drawn_at_8: dict[Place, dict[str, shapely.Geometry]], seeded: Engine
) -> None:
    unit = 2 * 20037508.342789244 / 2**8 / EXTENT
    drawings = text(
        "SELECT district_id, ST_AsBinary(geom) AS wkb FROM drawn_districts"
        " WHERE zoom = 8 AND boundary_set_id = 'af-voronoi'"
    )
    with seeded.connect() as connection:
        stored = {row.district_id: row.wkb for row in connection.execute(drawings)}
    assert len(stored) == 399
    for district, wkb in stored.items():
        expected = shapely.transform(
            shapely.from_wkb(wkb),
            lambda points: (points - (-20037508.342789244, 20037508.342789244)) * (1, -1) / unit,
        )
        pieces = shapely.union_all(
            [
                districts[district].intersection(box_of(tile))
                for tile, districts in drawn_at_8.items()
                if district in districts
            ]
        )
        assert expected.symmetric_difference(pieces).buffer(-0.8).is_empty, district


def test_a_tile_reaches_into_its_buffer_and_no_further(client: TestClient) -> None:
    for layer, features in layers_of(client, FARYAB).items():
        bounds = shapely.union_all([shape(f["geometry"]) for f in features]).bounds
        assert min(bounds) >= -BUFFER, layer
        assert max(bounds) <= EXTENT + BUFFER, layer
        if layer != "frontline":
            assert bounds == (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)


def with_content(client: TestClient, last: int) -> Iterator[tuple[Place, bytes]]:
    """Every tile that has something in it, down to a zoom."""
    ahead: list[Place] = [(0, 0, 0)]
    while ahead:
        tile = z, x, y = ahead.pop()
        response = client.get(address(tile, as_of="2021-08-10"))
        if response.status_code == 200:
            yield tile, response.content
            if z < last:
                ahead += [(z + 1, 2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]


def test_no_tile_is_large(client: TestClient) -> None:
    sizes = {tile: len(content) for tile, content in with_content(client, 7)}
    assert max(sizes.values()) < LARGEST, max(sizes.items(), key=lambda item: item[1])
    assert {z for z, _, _ in sizes} == {*range(8)}


def test_far_out_the_country_is_one_tile_and_close_up_no_drawing_is_missing(
    client: TestClient,
) -> None:
    (world,) = covering(client, 0)
    assert len(layers_of(client, world)["districts"]) > 380
    # The tile of zoom 12 within that of zoom 8.
    z, x, y = FARYAB
    here = (MAX_ZOOM, x * 16 + 8, y * 16 + 8)
    (district,) = layers_of(client, here)["districts"]
    outer = {f["properties"]["id"] for f in layers_of(client, FARYAB)["districts"]}
    assert district["properties"]["id"] in outer
    assert z < MAX_ZOOM


def test_tiles_are_found_by_the_spatial_index(seeded: Engine) -> None:
    z, x, y = 10, 700, 400
    inside = text(
        "EXPLAIN SELECT district_id FROM drawn_districts WHERE boundary_set_id = 'af-voronoi'"
        f" AND zoom = {z} AND geom && ST_Expand(ST_TileEnvelope({z}, {x}, {y}), 600)"
    )
    with seeded.connect() as connection:
        connection.execute(text("ANALYZE drawn_districts"))
        plan = "\n".join(connection.execute(inside).scalars())
    assert "idx_drawn_districts_geom" in plan, plan


# What there is no tile of -----------------------------------------------------------------------


def test_an_empty_tile_is_a_204(client: TestClient) -> None:
    for ask_for in (client.get, client.head):
        for headers in ({}, {"If-None-Match": "*"}):
            response = ask_for("/tiles/6/0/0.mvt", headers=headers)
            assert (response.status_code, response.content) == (204, b"")
            assert not {"content-type", "content-length", "etag"} & response.headers.keys()
            assert response.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("13/0/0", "z"),
        ("-1/0/0", "z"),
        ("3/8/0", "x"),
        ("3/-1/0", "x"),
        ("3/0/8", "y"),
        ("3/0/-1", "y"),
        ("0/1/0", "x"),
        ("9999999999/0/0", "z"),
        ("12/4096/0", "x"),
    ],
)
def test_a_tile_that_is_none_is_a_404(client: TestClient, path: str, parameter: str) -> None:
    assert_problem(client.get(f"/tiles/{path}.mvt"), 404, parameter)


@pytest.mark.parametrize(
    "number", ["a", "1.0", "1e1", "+1", "%201", "0x1", "1_0", "%D9%A1", "9" * 5000]
)
@pytest.mark.parametrize(("place", "parameter"), [(0, "z"), (1, "x"), (2, "y")])
def test_a_number_that_is_none_is_refused(
    client: TestClient, number: str, place: int, parameter: str
) -> None:
    numbers = ["0", "0", "0"]
    numbers[place] = number
    assert_problem(client.get(f"/tiles/{'/'.join(numbers)}.mvt"), 422, parameter)


@pytest.mark.parametrize("path", ["/tiles/1/1.mvt", "/tiles/1/1/1", "/tiles/1/1/1.pbf", "/tiles"])
def test_what_looks_like_a_tile_and_is_none_is_a_404(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("colour=red", "colour"),
        ("as_of=2021-06-10&as_of=2021-06-10", "as_of"),
        ("as_of=2021", "as_of"),
        ("known_at=2199-01-01", "known_at"),
        ("min_confidence=sure", "min_confidence"),
        ("boundary_set=none", "boundary_set"),
        ("f=json", "f"),
        ("f=pbf", "f"),
        ("limit=1", "limit"),
    ],
)
@pytest.mark.parametrize("path", ["/tiles/6/44/25.mvt", "/tiles.json"])
def test_a_wrong_parameter_is_named(
    client: TestClient, path: str, query: str, parameter: str
) -> None:
    if (path, query) == ("/tiles.json", "f=json"):
        assert client.get(f"{path}?{query}").status_code == 200
        return
    assert_problem(client.get(f"{path}?{query}"), 422, parameter)


def test_a_country_without_shapes_has_no_tiles(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        connection.execute(text("INSERT INTO countries VALUES ('XX', 'Elsewhere', 'UTC')"))
    client = make_client(own_seeded)
    for path in ("/tiles/0/0/0.mvt", "/tiles.json"):
        assert_problem(client.get(f"{path}?country=XX"), 404, "boundary_set")
        assert_problem(client.get(f"{path}?country=YY"), 404, "country")


# How they are kept ------------------------------------------------------------------------------


def test_a_tile_has_the_headers_that_clients_and_caches_need(client: TestClient) -> None:
    path = address(FARYAB, as_of="2021-08-10")
    first = client.get(path, headers={"Accept-Encoding": "identity"})
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert int(first.headers["content-length"]) == len(first.content)
    same = {"Accept-Encoding": "identity", "If-None-Match": first.headers["etag"]}
    again = client.get(path, headers=same)
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == first.headers["etag"]
    assert client.get(path, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(path, headers={"Accept": "image/png, */*;q=0.1"}).content == first.content


def test_the_same_question_gives_the_same_bytes_in_whatever_order_rows_lie(
    own_seeded: Engine,
) -> None:
    contents = set()
    for order in ("id", "md5(id)", "md5(id || 'x')"):
        app = create_app(Settings(_env_file=None, cache_mb=0), own_seeded)
        contents.add(TestClient(app).get(address((5, 22, 12), as_of="2021-08-10")).content)
        with writing(own_seeded) as connection:
            for table, key in (
                ("drawn_districts", "district_id"),
                ("drawn_provinces", "province_id"),
                ("drawn_borders", "district_id || neighbour_id"),
            ):
                connection.execute(text(f"CREATE TEMP TABLE moved AS SELECT * FROM {table}"))
                connection.execute(text(f"TRUNCATE {table}"))
                by = order.replace("id", f"({key})")
                connection.execute(text(f"INSERT INTO {table} SELECT * FROM moved ORDER BY {by}"))
                connection.execute(text("DROP TABLE moved"))
    (content,) = contents
    assert len(content) > 10_000


def test_a_tile_costs_six_statements(forgetful: TestClient, seeded: Engine) -> None:
    """Revision, country, boundary set; then what is in the tile, statuses, drawings."""
    assert cost(forgetful, seeded, address((6, 44, 25))) == 6
    assert cost(forgetful, seeded, address((10, 700, 400))) == 6


def test_a_new_record_changes_the_tile_at_once_and_known_at_keeps_the_old_one(
    own_seeded: Engine,
) -> None:
    desk = Desk.on(own_seeded)

    def qaisar(**clocks: str) -> Answer:
        features = layers_of(desk.nobody, FARYAB, as_of="2021-07-10", **clocks)["districts"]
        (said,) = (f["properties"] for f in features if f["properties"]["id"] == "AF2907")
        return said

    before = qaisar()
    known_at = ask(desk.nobody, "/control?limit=1")["known_at"]
    old = desk.nobody.get(address(FARYAB, as_of="2021-07-10", known_at=known_at)).content
    assert before["controller"] == "taliban"
    event = an_event(
        district="AF2907",
        kind="recapture",
        controller="afghan-government",
        citations=[a_citation(published="2021-07-03", asserted="2021-07-01")],
    )
    assert desk.bob.post("/events", json=event).status_code == 201
    after = qaisar()
    assert (after["controller"], after["since"]) == ("afghan-government", "2021-07-01")
    assert qaisar(known_at=known_at) == before
    assert qaisar(reported_by="2021-07-02") == before
    again = desk.nobody.get(address(FARYAB, as_of="2021-07-10", known_at=known_at))
    assert again.content == old


def test_each_boundary_set_has_tiles_of_its_own(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        add_second_set(connection)
        derive(connection, "second")
        # As after a restore: all sets come at one instant.
        connection.execute(text("UPDATE boundary_sets SET loaded_at = '2026-01-01'"))
    client = make_client(own_seeded)

    def districts(**params: str) -> set[str]:
        features = layers_of(client, FARYAB, as_of="2021-08-10", **params)["districts"]
        found = {feature["properties"]["id"] for feature in features}
        assert len(found) == len(features)
        return found

    usual = districts()
    assert "AF2907" in usual
    assert districts(boundary_set="second") == usual - {"AF2907"}
    with writing(own_seeded) as connection:
        for is_default, which in (("false", "af-voronoi"), ("true", "second")):
            connection.execute(
                text(f"UPDATE boundary_sets SET is_default = {is_default} WHERE id = '{which}'")
            )
    assert districts() == usual - {"AF2907"}
    assert districts(boundary_set="af-voronoi") == usual
    # Drawn anew under the same name.
    with writing(own_seeded) as connection:
        connection.execute(
            text("DELETE FROM drawn_districts WHERE boundary_set_id = 'second' AND zoom = 8")
        )
        connection.execute(
            text("UPDATE boundary_sets SET loaded_at = clock_timestamp() WHERE id = 'second'")
        )
    assert client.get(address(FARYAB, as_of="2021-08-10")).status_code in (200, 204)
    assert "districts" not in layers_of(client, FARYAB, as_of="2021-08-10")


# TileJSON ---------------------------------------------------------------------------------------


def test_the_tilejson_has_what_a_map_needs(client: TestClient) -> None:
    answer = ask(client, "/tiles.json", as_of="2021-08-15")
    assert answer["tilejson"] == "3.0.0"
    assert (answer["minzoom"], answer["maxzoom"]) == (0, MAX_ZOOM) == (0, 12)
    west, south, east, north = answer["bounds"]
    longitude, latitude, zoom = answer["center"]
    assert (60 < west < 61, 29 < south < 30, 74 < east < 75, 38 < north < 39) == (True,) * 4
    assert (west < longitude < east, south < latitude < north) == (True, True)
    assert zoom == 5
    assert "Natural Earth" in answer["attribution"]
    assert answer["promoteId"] == dict.fromkeys(("districts", "provinces", "frontline"), "id")


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "as_of=2021-08-10",
        "as_of=2021-06-14T06:00%2B04:30&reported_by=2021-06-05&min_confidence=claimed",
        "as_of=2021-08-10&known_at=2021-12-31&country=AF&boundary_set=af-voronoi",
    ],
)
def test_the_address_of_its_tiles_asks_the_same_question(client: TestClient, asked: str) -> None:
    (template,) = ask(client, f"/tiles.json?{asked}")["tiles"]
    # Also what was left out, for another country may be the usual one some day.
    fixed = dict(parse_qsl(urlsplit(template).query))
    named = {"as_of", "known_at", "min_confidence", "country", "boundary_set"}
    assert fixed.keys() - {"reported_by"} == named
    assert ("reported_by" in fixed) == ("reported_by" in asked)
    z, x, y = FARYAB
    by_template = client.get(template.format(z=z, x=x, y=y))
    assert by_template.status_code == 200, by_template.text
    assert by_template.content == client.get(f"/tiles/{z}/{x}/{y}.mvt?{asked}").content


def test_the_address_of_its_tiles_shows_the_same_later(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    (template,) = ask(desk.nobody, "/tiles.json?as_of=2021-07-10")["tiles"]
    path = template.format(z=FARYAB[0], x=FARYAB[1], y=FARYAB[2])
    first = desk.nobody.get(path).content
    event = an_event(district="AF2907", kind="recapture", controller="afghan-government")
    assert desk.bob.post("/events", json=event).status_code == 201
    assert desk.nobody.get(path).content == first
    assert ask(desk.nobody, "/tiles.json?as_of=2021-07-10")["tiles"] != [template]


def test_addresses_are_those_that_the_client_can_reach(seeded: Engine) -> None:
    app = create_app(Settings(_env_file=None), seeded)
    behind = TestClient(app, base_url="https://maps.example.org:8443", root_path="/control-api")
    (template,) = behind.get("/control-api/tiles.json").json()["tiles"]
    assert template.startswith("https://maps.example.org:8443/control-api/tiles/{z}/{x}/{y}.mvt?")


def test_an_attribution_cannot_put_markup_into_a_map(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        connection.execute(
            text("UPDATE boundary_sets SET attribution = '<script>alert(1)</script> A & B'")
        )
    answer = ask(make_client(own_seeded), "/tiles.json")
    assert answer["attribution"] == "&lt;script&gt;alert(1)&lt;/script&gt; A &amp; B"
    assert answer["boundary_set"]["attribution"].startswith("<script>")


def test_a_set_without_shapes_is_described_and_empty(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        add_second_set(connection)
        connection.execute(text("DELETE FROM district_shapes WHERE boundary_set_id = 'second'"))
        derive(connection, "second")
    client = make_client(own_seeded)
    answer = ask(client, "/tiles.json", boundary_set="second")
    assert answer["bounds"][0::2] == [-180, 180]
    assert answer["center"][2] == 1
    assert client.get(address((0, 0, 0), boundary_set="second")).status_code == 204


# Other programs ---------------------------------------------------------------------------------


@pytest.fixture
def tile_file(client: TestClient, tmp_path: Path) -> Path:
    """A tile where programs look for its place in its path."""
    z, x, y = FARYAB
    file = tmp_path / str(z) / str(x) / f"{y}.mvt"
    file.parent.mkdir(parents=True)
    file.write_bytes(client.get(address(FARYAB, as_of="2021-08-10")).content)
    return file


def test_gdal_reads_a_tile_in_its_place(client: TestClient, tile_file: Path) -> None:
    told = statuses(client, as_of="2021-08-10")
    meta, _, geometries, columns = pyogrio.raw.read(f"MVT:{tile_file}", layer="districts")
    by_name = dict(zip(meta["fields"], columns, strict=True))
    assert meta["crs"] == "EPSG:3857"
    assert "AF2907" in by_name["id"]
    for district, local in zip(by_name["id"], by_name["name_local"], strict=True):
        assert local == told[district]["name_local"]
    west, south, east, north = shapely.union_all(shapely.from_wkb(geometries)).bounds
    # Metres of Web Mercator; Faryab lies at 63 to 66 degrees east, 35 to 37 north.
    assert 7.0e6 < west < east < 7.4e6
    assert 4.1e6 < south < north < 4.5e6
    layers = {name for name, _ in pyogrio.list_layers(f"MVT:{tile_file}")}
    assert layers == {"districts", "provinces", "frontline"}


def test_ogrinfo_reads_a_tile(tile_file: Path) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed (Debian: gdal-bin)")
    found = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", f"MVT:{tile_file}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    layers = decoded(tile_file.read_bytes())
    counts = dict(re.findall(r"Layer name: (\w+)\n(?:.*\n)*?Feature Count: (\d+)", found))
    assert counts == {name: str(len(features)) for name, features in layers.items()}


def test_the_tilejson_is_documented_as_it_is(client: TestClient) -> None:
    schema = ask(client, "/openapi.json")["components"]["schemas"]["TileJson"]
    answer = ask(client, "/tiles.json")
    assert answer.keys() == schema["properties"].keys()
    assert json.dumps(answer["center"])[-2:] == "5]"


def test_a_map_that_colours_by_itself_has_every_border(client: TestClient) -> None:
    told = ask(client, "/tiles.json", layers="borders,districts")
    assert [layer["id"] for layer in told["vector_layers"]] == ["districts", "borders"]
    assert told["promoteId"] == {"districts": "id", "borders": "id"}
    assert "layers=districts%2Cborders" in told["tiles"][0]
    shown = features_at(client, 6, layers="borders,districts")
    assert shown.keys() == {"districts", "borders"}
    for border, said in shown["borders"].items():
        assert border == f"{said['district_id_1']}-{said['district_id_2']}"
    lines = features_at(client, 6, layers="frontline", as_of="2021-08-15")["frontline"]
    neighbours = {
        "-".join(sorted(("AF2907", neighbour["district"]["id"])))
        for neighbour in ask(client, "/districts/AF2907/neighbours")["neighbours"]
    }
    of_qaisar = {border for border in shown["borders"] if "AF2907" in border}
    assert of_qaisar == neighbours
    assert lines.keys() < shown["borders"].keys()


def test_a_layer_that_there_is_not_is_refused(client: TestClient) -> None:
    for layers in ("roads", "districts,", "", "districts,Borders"):
        response = client.get("/tiles/6/44/25.mvt", params={"layers": layers})
        assert_problem(response, 422, "layers")
