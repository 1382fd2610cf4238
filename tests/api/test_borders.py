"""Neighbours, front lines and encirclement agree with the shapes and with `/control`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from app.boundaries.deriving import derive
from app.boundaries.loading import digest, import_boundaries
from app.boundaries.report import Order
from app.store.engine import make_engine, writing
from app.store.shapes import NewSet

from .asking import Answer, ask, assert_problem, next_page, outcome, statuses
from .writing import Desk, a_citation, an_event

DATES = ["2021-05-20", "2021-06-10", "2021-07-10", "2021-08-10", "2021-08-15"]
KINDS = "front,contested,unknown"

# The borders, anew, from nothing but the shapes: what two districts have in common, as lines.
BORDERS_FROM_SCRATCH = text("""
    SELECT one.district_id, other.district_id,
           ST_Length(ST_CollectionExtract(ST_Intersection(one.geom, other.geom), 2)::geography)
               / 1000 AS length_km
    FROM district_shapes AS one
    JOIN district_shapes AS other
      ON other.boundary_set_id = one.boundary_set_id AND one.district_id < other.district_id
     AND ST_Intersects(one.geom, other.geom)
    WHERE one.boundary_set_id = :boundary_set
""")


def kind_of(one: Answer, other: Answer) -> str | None:
    """The definition again, in the words of the documentation."""
    if outcome(one) == outcome(other):
        return None
    if "unknown" in (one["status"], other["status"]):
        return "unknown"
    return "contested" if "contested" in (one["status"], other["status"]) else "front"


def frontline(client: TestClient, **params: Any) -> Answer:
    return ask(client, "/frontline", **{"kinds": KINDS} | params)


@pytest.fixture(scope="module")
def from_scratch(seeded: Engine) -> dict[tuple[str, str], float]:
    with seeded.connect() as connection:
        rows = connection.execute(BORDERS_FROM_SCRATCH, {"boundary_set": "af-voronoi"}).all()
    return {(one, other): length for one, other, length in rows if length > 0}


@pytest.fixture(scope="module")
def real(
    clone: Callable[[str], AbstractContextManager[str]], shared_data: Path
) -> Iterator[Engine]:
    """The seeds with geoBoundaries' districts beside their own shapes."""
    file = shared_data / "boundaries" / "geoboundaries_afg_adm2.geojson"
    about = ("geoBoundaries", date(2018, 1, 1), "origin", "licence", "geoBoundaries", "compiled")
    with clone("template_seeded") as url:
        engine = make_engine(url)
        with writing(engine) as connection:
            new = NewSet("real", "AF", *about, None, digest(file))
            assert import_boundaries(connection, Order(file, new, partial=True)).written
        yield engine
        engine.dispose()


@pytest.mark.parametrize("as_of", DATES)
def test_the_front_line_of_real_borders_is_right_within_half_a_percent(
    real: Engine, make_client: Callable[[Engine], TestClient], as_of: str
) -> None:
    client = make_client(real)
    held = statuses(client, as_of=as_of)
    with real.connect() as connection:
        rows = connection.execute(BORDERS_FROM_SCRATCH, {"boundary_set": "real"}).all()
    lengths = dict.fromkeys(KINDS.split(","), 0.0)
    for one, other, length in rows:
        if kind := kind_of(held[one], held[other]):
            lengths[kind] += length
    answer = frontline(client, as_of=as_of, boundary_set="real")
    assert answer["boundary_set"]["id"] == "real"
    assert answer["length_km"] == pytest.approx(lengths, rel=0.005)
    assert answer["length_km"]["unknown"] > 400


@pytest.mark.parametrize("min_confidence", ["claimed", "reported"])
@pytest.mark.parametrize("as_of", DATES)
def test_the_front_line_is_what_shapes_and_control_give(
    client: TestClient,
    from_scratch: dict[tuple[str, str], float],
    as_of: str,
    min_confidence: str,
) -> None:
    clocks = {"as_of": as_of, "min_confidence": min_confidence}
    held = statuses(client, **clocks)
    answer = frontline(client, **clocks)
    lengths = dict.fromkeys(KINDS.split(","), 0.0)
    expected = {}
    for (one, other), length in from_scratch.items():
        if kind := kind_of(held[one], held[other]):
            lengths[kind] += length
            expected[f"{one}-{other}"] = kind
    found = {f["id"]: f["properties"] for f in answer["features"]}
    assert {line: properties["kind"] for line, properties in found.items()} == expected
    assert answer["length_km"] == pytest.approx(lengths, rel=0.005)
    for properties in found.values():
        for side in properties["sides"]:
            assert outcome(side) == outcome(held[side["district"]["id"]])
            assert side["since"] == held[side["district"]["id"]]["since"]


def test_the_lines_are_as_long_as_they_say(client: TestClient, seeded: Engine) -> None:
    answer = frontline(client, as_of="2021-08-10", f="geojson")
    measure = text("SELECT ST_Length(ST_GeomFromGeoJSON(:shape)::geography) / 1000")
    with seeded.connect() as connection:
        for feature in answer["features"][::10]:
            geometry = str(feature["geometry"]).replace("'", '"')
            length = connection.execute(measure, {"shape": geometry}).scalar_one()
            # Five decimals are about a metre.
            assert length == pytest.approx(feature["properties"]["length_km"], rel=0.005, abs=0.01)


def test_only_the_front_is_drawn_unless_asked(client: TestClient) -> None:
    asked = ask(client, "/frontline", as_of="2021-08-10")
    kinds = {feature["properties"]["kind"] for feature in asked["features"]}
    assert kinds == {"front"}
    assert asked["kinds"] == ["front"]
    for feature in asked["features"]:
        parties = {side["controller"]["id"] for side in feature["properties"]["sides"]}
        assert parties == {"taliban", "afghan-government"}
    # What is left out is told all the same.
    assert asked["length_km"]["contested"] > 0
    assert asked["length_km"] == frontline(client, as_of="2021-08-10")["length_km"]


def test_the_clocks_of_reporting_and_of_the_record_move_the_line(own_desk: Desk) -> None:
    line = "AF2901-AF2907"
    before = frontline(own_desk.nobody, as_of="2021-07-02")
    event = an_event(
        district="AF2901",
        kind="recapture",
        controller="afghan-government",
        citations=[a_citation(published="2021-07-03", asserted="2021-07-01")],
    )
    response = own_desk.bob.post("/events", json=event)
    assert response.status_code == 201, response.text

    def kinds(**clocks: str) -> dict[str, str]:
        answer = frontline(own_desk.nobody, **{"as_of": "2021-07-02"} | clocks)
        return {f["id"]: f["properties"]["kind"] for f in answer["features"]}

    assert kinds()[line] == "front"
    assert kinds(known_at=before["known_at"])[line] == "unknown"
    assert kinds(reported_by="2021-07-02")[line] == "unknown"
    assert kinds(as_of="2021-06-30")[line] == "unknown"
    assert kinds(as_of="2021-07-01")[line] == "front"


@pytest.fixture
def own_desk(own_seeded: Engine) -> Desk:
    return Desk.on(own_seeded)


def test_lines_of_a_province_and_in_a_box(client: TestClient) -> None:
    everywhere = {f["id"] for f in frontline(client, as_of="2021-08-10")["features"]}
    faryab = {f["id"] for f in frontline(client, as_of="2021-08-10", province="AF29")["features"]}
    assert faryab == {line for line in everywhere if "AF29" in line}
    boxed = frontline(client, as_of="2021-08-10", bbox="63.5,35.0,65.5,36.5")
    inside = {f["id"] for f in boxed["features"]}
    assert inside
    assert inside < everywhere
    assert (
        boxed["length_km"]["unknown"]
        < frontline(client, as_of="2021-08-10")["length_km"]["unknown"]
    )


def test_all_formats_tell_the_same_lines(client: TestClient) -> None:
    address = f"/frontline?as_of=2021-08-10&kinds={KINDS}"
    as_geojson = client.get(address)
    as_json = client.get(f"{address}&f=json").json()
    as_csv = client.get(f"{address}&f=csv")
    assert as_geojson.headers["content-type"] == "application/geo+json"
    assert [f["properties"] for f in as_geojson.json()["features"]] == as_json["lines"]
    assert len(as_csv.text.splitlines()) == len(as_json["lines"]) + 1
    assert client.get(address, headers={"Accept": "application/json"}).json() == as_json
    assert next_page(as_geojson) is None


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("kinds=front,rear", "kinds"),
        ("kinds=", "kinds"),
        ("province=AF99", "province"),
        ("bbox=1,2,3", "bbox"),
        ("boundary_set=none-such", "boundary_set"),
        ("boundary_set=No Such", "boundary_set"),
    ],
)
def test_what_cannot_be_read_is_named(client: TestClient, query: str, parameter: str) -> None:
    assert_problem(client.get(f"/frontline?{query}"), 422, parameter)


def test_neighbours_see_each_other(client: TestClient) -> None:
    qaisar = ask(client, "/districts/AF2907/neighbours", as_of="2021-06-10")
    assert qaisar["controller"]["id"] == "taliban"
    assert qaisar["border_km"] == pytest.approx(
        qaisar["outside_km"] + sum(n["border_km"] for n in qaisar["neighbours"]), abs=0.01
    )
    shares = [neighbour["share_of_border"] for neighbour in qaisar["neighbours"]]
    assert shares == sorted(shares, reverse=True)
    held = statuses(client, as_of="2021-06-10")
    for neighbour in qaisar["neighbours"]:
        there = neighbour["district"]["id"]
        assert outcome(neighbour) == outcome(held[there])
        assert neighbour["kind"] == kind_of(held["AF2907"], held[there])
        back = ask(client, f"/districts/{there}/neighbours", as_of="2021-06-10")
        (seen,) = [n for n in back["neighbours"] if n["district"]["id"] == "AF2907"]
        assert seen["border_km"] == neighbour["border_km"]


def test_a_name_leads_to_the_neighbours_too(client: TestClient) -> None:
    response = client.get("/districts/qaisar/neighbours?as_of=2021-06-10")
    assert response.status_code == 307
    assert response.headers["location"] == "/districts/AF2907/neighbours?as_of=2021-06-10"


def test_a_district_without_a_shape_has_no_known_neighbours(client: TestClient) -> None:
    problem = assert_problem(client.get("/districts/AF2507/neighbours"), 404, "id")
    assert "no shape" in problem["detail"]


@pytest.mark.parametrize("as_of", DATES)
def test_encirclement_is_what_neighbours_add_up_to(client: TestClient, as_of: str) -> None:
    answer = ask(client, "/encirclement", as_of=as_of)
    held = statuses(client, as_of=as_of)
    assert {d["district"]["id"] for d in answer["districts"]} == held.keys() - {"AF2506", "AF2507"}
    assert {d["id"] for d in answer["without_shape"]} == {"AF2506", "AF2507"}
    for item in answer["districts"]:
        assert outcome(item) == outcome(held[item["district"]["id"]])
        assert sum(item["shares"].values()) == pytest.approx(1, abs=0.001)
        assert (item["hostile_share"] is None) == (item["controller"] is None)
        assert (
            item["is_provincial_capital"] == held[item["district"]["id"]]["is_provincial_capital"]
        )
    hostile = [d["hostile_share"] for d in answer["districts"] if d["controller"]]
    assert hostile == sorted(hostile, reverse=True)
    for item in answer["districts"][::40]:
        district = item["district"]["id"]
        around = ask(client, f"/districts/{district}/neighbours", as_of=as_of)
        for party in item["by_controller"]:
            lengths = [
                n["border_km"]
                for n in around["neighbours"]
                if n["controller"] == party["controller"]
            ]
            assert sum(lengths) == pytest.approx(party["border_km"], abs=0.01)
        assert item["border_km"] == pytest.approx(around["border_km"], abs=0.01)


def test_pockets_are_groups_of_one_party_apart_from_its_largest(client: TestClient) -> None:
    answer = ask(client, "/encirclement", as_of="2021-08-10")
    held = statuses(client, as_of="2021-08-10")
    seen: set[str] = set()
    for pocket in answer["pockets"]:
        ids = {district["id"] for district in pocket["districts"]}
        assert not ids & seen
        seen |= ids
        assert {outcome(held[i]) for i in ids} == {("controlled", pocket["controller"]["id"])}
        assert pocket["shares"]["own"] == 0
        capitals = {i for i in ids if held[i]["is_provincial_capital"]}
        assert {capital["id"] for capital in pocket["provincial_capitals"]} == capitals
    sizes = [len(pocket["districts"]) for pocket in answer["pockets"]]
    assert sizes == sorted(sizes, reverse=True)
    of_province = ask(client, "/encirclement", as_of="2021-08-10", province="AF29")
    assert {d["district"]["province"]["id"] for d in of_province["districts"]} == {"AF29"}


def test_a_surrounded_district_is_a_certain_pocket(own_desk: Desk) -> None:
    around = ask(own_desk.nobody, "/districts/AF2907/neighbours")["neighbours"]
    citation = a_citation(published="2021-06-02", asserted="2021-06-01")
    for neighbour in around:
        event = an_event(
            district=neighbour["district"]["id"],
            kind="assessment",
            controller="afghan-government",
            citations=[citation],
        )
        assert own_desk.bob.post("/events", json=event).status_code == 201
    # The Taliban's largest part lies elsewhere by then.
    answer = ask(own_desk.nobody, "/encirclement", as_of="2021-06-10")
    (pocket,) = [p for p in answer["pockets"] if [d["id"] for d in p["districts"]] == ["AF2907"]]
    outside = ask(own_desk.nobody, "/districts/AF2907/neighbours")
    assert pocket["certain"] is True
    assert pocket["hostile_share"] == pytest.approx(
        1 - outside["outside_km"] / outside["border_km"], abs=0.001
    )


# A second set: the same shapes, without Qaisar.
def add_second_set(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO boundary_sets (id, country_code, name, dated, origin, licence,"
            " attribution, quality) VALUES ('second', 'AF', 'Second', '2020-01-01', 'made up',"
            " 'CC0', 'Nobody', 'compiled')"
        )
    )
    connection.execute(
        text(
            "INSERT INTO district_shapes SELECT 'second', district_id, geom FROM district_shapes"
            " WHERE boundary_set_id = 'af-voronoi' AND district_id <> 'AF2907'"
        )
    )


@pytest.fixture
def two_sets(own_seeded: Engine, make_client: Callable[[Engine], TestClient]) -> TestClient:
    with writing(own_seeded) as connection:
        add_second_set(connection)
        derive(connection, "second")
    return make_client(own_seeded)


def test_boundary_sets_are_listed_with_what_they_lack(two_sets: TestClient) -> None:
    listed = ask(two_sets, "/boundary-sets")["boundary_sets"]
    assert [(s["id"], s["is_default"]) for s in listed] == [("af-voronoi", True), ("second", False)]
    second = ask(two_sets, "/boundary-sets/second")
    assert second["districts"] == 398
    assert [d["id"] for d in second["without_shape"]] == ["AF2506", "AF2507", "AF2907"]
    assert second["quality"] == "compiled"
    west, south, east, north = second["bbox"]
    assert (60 < west < 61, 29 < south < 30, 74 < east < 75, 38 < north < 39) == (True,) * 4
    assert_problem(two_sets.get("/boundary-sets/third"), 404, "id")


def test_any_answer_with_shapes_can_be_drawn_with_another_set(two_sets: TestClient) -> None:
    """A district that the set lacks keeps its record, and has no shape."""
    for path in (
        "/control?f=geojson&as_of=2021-06-10",
        "/districts?q=qaisar&f=geojson&as_of=2021-06-10",
    ):
        usual = ask(two_sets, path)
        second = ask(two_sets, f"{path}&boundary_set=second")
        assert (usual["boundary_set"]["id"], second["boundary_set"]["id"]) == (
            "af-voronoi",
            "second",
        )
        drawn, undrawn = (
            next(f for f in answer["features"] if f["id"] == "AF2907") for answer in (usual, second)
        )
        assert drawn["properties"] == undrawn["properties"]
        assert undrawn["properties"]["controller"]["id"] == "taliban"
        assert drawn["geometry"]
        assert undrawn["geometry"] is None
    district = ask(two_sets, "/districts/AF2907", boundary_set="second")
    assert (district["boundary_set"], district["geometry"]) == (None, None)
    assert_problem(two_sets.get("/districts/AF2907/neighbours?boundary_set=second"), 404, "id")
    encirclement = ask(two_sets, "/encirclement", boundary_set="second")
    assert "AF2907" in {d["id"] for d in encirclement["without_shape"]}
    around = ask(two_sets, "/districts/AF2908/neighbours", boundary_set="second")
    assert "AF2907" not in {n["district"]["id"] for n in around["neighbours"]}
    events = ask(two_sets, "/events", boundary_set="second", district="AF2907", f="geojson")
    assert {feature["geometry"] for feature in events["features"]} == {None}


def test_a_box_selects_among_the_shapes_of_the_set(two_sets: TestClient) -> None:
    inside_qaisar = "64.2,35.6,64.3,35.7"
    found = {
        name: {
            d["id"]
            for d in ask(two_sets, "/control", bbox=inside_qaisar, boundary_set=name)["districts"]
        }
        for name in ("af-voronoi", "second")
    }
    assert "AF2907" in found["af-voronoi"]
    assert found["second"] == found["af-voronoi"] - {"AF2907"}


def test_without_all_shapes_no_pocket_at_an_open_border_is_certain(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    """A district that the set lacks may join what lies around it; it is not another country."""
    client = make_client(own_seeded)
    whole = ask(client, "/encirclement", as_of="2021-08-10")
    unknown = [d["id"] for d in statuses(client, as_of="2021-08-10", status="unknown").values()]
    with writing(own_seeded) as connection:
        connection.execute(
            text("DELETE FROM district_shapes WHERE district_id = ANY(:gone)"), {"gone": unknown}
        )
        derive(connection, "af-voronoi")
    holed = ask(client, "/encirclement", as_of="2021-08-10")
    assert len(holed["pockets"]) == len(whole["pockets"]) > 20
    assert not any(pocket["certain"] for pocket in holed["pockets"])
    front = ask(client, "/frontline", as_of="2021-08-10", f="json")
    assert {d["id"] for d in front["without_shape"]} == {*unknown, "AF2506", "AF2507"}


@pytest.mark.parametrize("corner", ["65,35", "64.5,35.2"])
def test_a_box_without_width_is_a_line_and_one_without_height_too(
    client: TestClient, seeded: Engine, corner: str
) -> None:
    west, south = corner.split(",")
    at_point = ask(client, "/districts", lat=south, lon=west)["districts"]
    in_point = ask(client, "/districts", bbox=f"{west},{south},{west},{south}")["districts"]
    assert {d["id"] for d in at_point} == {d["id"] for d in in_point}
    assert len(at_point) == 1
    for line in (f"{west},{south},{west},37", f"{west},{south},68,{south}"):
        found = {d["id"] for d in ask(client, "/districts", bbox=line, limit=500)["districts"]}
        x, y, x2, y2 = line.split(",")
        with seeded.connect() as connection:
            crossed = connection.execute(
                text(
                    "SELECT district_id FROM district_shapes WHERE ST_Intersects(geom,"
                    " ST_GeomFromText(:line, 4326))"
                ),
                {"line": f"LINESTRING({x} {y}, {x2} {y2})"},
            ).scalars()
            assert found == set(crossed)


def test_a_province_of_another_country_is_refused(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with own_seeded.begin() as connection:
        connection.execute(
            text("INSERT INTO countries (code, name, time_zone) VALUES ('XX', 'Other', 'UTC')")
        )
    client = make_client(own_seeded)
    for address in ("/control", "/districts", "/events", "/changes?from=2021-06-01&to=2021-06-02"):
        joint = "&" if "?" in address else "?"
        response = client.get(f"{address}{joint}country=XX&province=AF29")
        assert_problem(response, 422, "province")
