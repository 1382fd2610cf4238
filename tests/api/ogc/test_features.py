"""Features: they say what the rest of the API says, filtered, cut and paged as asked."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.api.cursors import write_cursor
from app.api.ogc import parameters

from ..asking import Answer, ask, assert_problem
from ..writing import Desk
from .asking import COLLECTIONS, WORLD, features, items, links, walk

THEN = "2021-08-10"
DATES = ["2021-05-20", "2021-06-10", "2021-07-10", "2021-08-15"]
KINDS = "front,contested,unknown"
FARYAB = "63.5,35.0,65.5,36.5"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_properties_are_flat(client: TestClient, collection: str) -> None:
    """GIS programs make a column of each; what lies deeper they cannot ask for."""
    found = features(client, collection, datetime="2021-08-15")
    assert found
    names = [list(feature["properties"]) for feature in found]
    assert all(of == names[0] for of in names), "every feature has the same columns"
    for feature in found:
        assert isinstance(feature["id"], str)
        for name, value in feature["properties"].items():
            assert not isinstance(value, dict | list), name


@pytest.mark.parametrize("date", DATES)
def test_districts_say_what_control_says(client: TestClient, date: str) -> None:
    expected = ask(client, "/control", as_of=date, f="geojson")
    found = items(client, "districts", datetime=date)
    for member in ("as_of", "known_at", "revision", "min_confidence", "rule", "boundary_set"):
        assert found[member] == expected[member]
    assert found["numberMatched"] == found["numberReturned"] == 401
    for feature, other in zip(found["features"], expected["features"], strict=True):
        told, properties = feature["properties"], other["properties"]
        assert feature["id"] == other["id"]
        assert feature["geometry"] == other["geometry"]
        assert told["province"] == properties["province"]["id"]
        assert told["province_name"] == properties["province"]["name"]
        holder = properties["controller"] or {"id": None, "name": None}
        assert (told["controller"], told["controller_name"]) == (holder["id"], holder["name"])
        same = (
            "name name_local status since confidence disputed last_reported event_id area_km2"
            " population is_provincial_capital is_national_capital"
        )
        assert all(told[name] == properties[name] for name in same.split())
        assert (told["as_of"], told["revision"]) == (date, found["revision"])


@pytest.mark.parametrize("date", DATES)
def test_provinces_count_what_their_summaries_count(client: TestClient, date: str) -> None:
    whole = ask(client, "/summary", as_of=date)
    found = features(client, "provinces", datetime=date)
    assert len(found) == len(whole["provinces"]) == 34
    for feature, summary in zip(found, whole["provinces"], strict=True):
        told = feature["properties"]
        assert (feature["id"], told["name"]) == tuple(
            summary["province"][n] for n in ("id", "name")
        )
        assert told["districts"] == summary["districts_total"]
        assert told["districts_contested"] == summary["contested"]
        assert told["districts_unknown"] == summary["unknown"]
        held = {
            "districts_" + total["controller"]["id"].replace("-", "_"): total["districts"]
            for total in summary["by_controller"]
        }
        assert {n: told[n] for n in told if n in held} == held
        columns = {n for n in told if n.startswith("districts_")}
        assert sum(told[n] for n in columns) == told["districts"]
        capital = summary["capital"]
        assert told["capital"] == (capital and capital["district"]["id"])
        assert told["capital_status"] == (capital and capital["status"])


def test_provinces_have_their_outlines(client: TestClient, seeded: Engine) -> None:
    found = {f["id"]: f["geometry"] for f in features(client, "provinces")}
    with seeded.connect() as connection:
        stored = connection.execute(
            text(
                "SELECT province_id, ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 5) FROM province_shapes"
            )
        ).all()
    assert found == {key: json.loads(geometry) for key, geometry in stored}


def test_a_set_of_districts_alone_has_provinces_too(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    before = {f["id"]: shape_of(f) for f in features(client, "provinces")}
    with own_seeded.begin() as connection:
        connection.execute(text("DELETE FROM province_shapes"))
    now = {f["id"]: shape_of(f) for f in features(client, "provinces")}
    assert now.keys() == before.keys()
    for key, shape in now.items():
        assert shape.symmetric_difference(before[key]).area < 0.01 * before[key].area
    assert "AF29" in {f["id"] for f in features(client, "provinces", bbox=FARYAB)}


def test_events_say_what_the_list_of_events_says(client: TestClient) -> None:
    expected = ask(client, "/events", f="geojson", limit=1000)["features"]
    found = features(client, "events")
    assert len(found) == len(expected) == 136
    for feature, other in zip(found, expected, strict=True):
        told, properties = feature["properties"], other["properties"]
        assert (feature["id"], feature["geometry"]) == (other["id"], other["geometry"])
        assert told["district"] == properties["district"]["id"]
        assert told["controller"] == (properties["controller"] and properties["controller"]["id"])
        same = (
            "kind status occurred occurred_earliest occurred_latest effective_on"
            " confidence disputed"
        )
        assert all(told[name] == properties[name] for name in same.split())
        stances = Counter(citation["stance"] for citation in properties["citations"])
        assert told["supporting_citations"] == stances["supports"]
        assert told["disputing_citations"] == stances["disputes"]
        urls = [citation["url"] for citation in properties["citations"] if citation["url"]]
        assert told["url"] == (urls[0] if urls else None)


def test_an_event_is_drawn_inside_its_district(client: TestClient) -> None:
    districts = {f["id"]: f for f in features(client, "districts")}
    found = features(client, "events")
    assert {f["geometry"]["type"] for f in found if f["geometry"]} == {"Point"}
    for feature in found:
        district = districts[feature["properties"]["district"]]
        if district["geometry"] is None:
            assert feature["geometry"] is None
            continue
        shape = shape_of(district)
        assert shape.distance(shape_of(feature)) < 1e-5


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("kinds", [None, "contested", KINDS])
def test_lines_are_those_of_the_front_line(
    client: TestClient, date: str, kinds: str | None
) -> None:
    expected = ask(client, "/frontline", as_of=date, kinds=kinds)["features"]
    found = features(client, "frontline", datetime=date, kinds=kinds)
    assert [f["id"] for f in found] == sorted(f["id"] for f in expected)
    lines = {f["id"]: f for f in expected}
    for feature in found:
        told, other = feature["properties"], lines[feature["id"]]
        assert feature["geometry"] == other["geometry"]
        assert told["kind"] == other["properties"]["kind"]
        assert told["length_km"] == other["properties"]["length_km"]
        for number, side in enumerate(other["properties"]["sides"], start=1):
            assert told[f"district_{number}"] == side["district"]["id"]
            assert told[f"status_{number}"] == side["status"]
            holder = side["controller"] and side["controller"]["id"]
            assert told[f"controller_{number}"] == holder


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_one_feature_is_what_the_page_has(client: TestClient, collection: str) -> None:
    session = {"datetime": THEN, "kinds": KINDS}
    if collection == "events":
        session = {}
    for feature in features(client, collection, **session)[::40]:
        address = f"/ogc/collections/{collection}/items/{feature['id']}"
        alone = ask(client, address, **session)
        assert links(alone, "collection") == [f"/ogc/collections/{collection}"]
        assert links(alone, "self")[0].startswith(address)
        assert {name: alone[name] for name in feature} == feature


def test_a_line_between_districts_of_one_state_is_no_feature(client: TestClient) -> None:
    address = "/ogc/collections/frontline/items/AF0307-AF0310"
    assert ask(client, address, datetime="2021-08-15")["properties"]["kind"] == "front"
    assert_problem(client.get(f"{address}?datetime=2021-05-20"), 404, "featureId")


@pytest.mark.parametrize("collection", ["districts", "provinces", "frontline"])
@pytest.mark.parametrize(
    "clocks",
    [
        {"reported_by": "2021-06-08"},
        {"known_at": "2021-12-31"},
        {"min_confidence": "confirmed"},
        {"min_confidence": "claimed"},
    ],
    ids=str,
)
def test_the_other_clocks_count_here_too(
    client: TestClient, collection: str, clocks: dict[str, str]
) -> None:
    asked = {"as_of": "2021-06-30", **clocks}
    held = Counter(
        (d["status"], d["controller"] and d["controller"]["id"])
        for d in ask(client, "/control", **asked)["districts"]
    )
    found = items(client, collection, datetime="2021-06-30", kinds=KINDS, **clocks)
    told = [feature["properties"] for feature in found["features"]]
    if collection == "districts":
        assert Counter((p["status"], p["controller"]) for p in told) == held
    elif collection == "provinces":
        assert sum(p["districts_unknown"] for p in told) == held["unknown", None]
        assert sum(p.get("districts_taliban", 0) for p in told) == held["controlled", "taliban"]
    else:
        lines = ask(client, "/frontline", kinds=KINDS, **asked)["features"]
        assert [f["id"] for f in found["features"]] == [f["id"] for f in lines]
    for name, value in clocks.items():
        assert name == "known_at" or found[name] == value


FILTERS: list[tuple[str, dict[str, str], Callable[[Answer], bool]]] = [
    ("districts", {"name": "Qaysar"}, lambda p: p["name"] == "Qaysar"),
    ("districts", {"province": "AF29"}, lambda p: p["province"] == "AF29"),
    ("districts", {"status": "contested"}, lambda p: p["status"] == "contested"),
    ("districts", {"status": "unknown"}, lambda p: p["status"] == "unknown"),
    ("districts", {"controller": "taliban"}, lambda p: p["controller"] == "taliban"),
    ("districts", {"confidence": "confirmed"}, lambda p: p["confidence"] == "confirmed"),
    ("districts", {"disputed": "true"}, lambda p: p["disputed"]),
    ("districts", {"disputed": "0"}, lambda p: not p["disputed"]),
    ("districts", {"is_provincial_capital": "true"}, lambda p: p["is_provincial_capital"]),
    (
        "districts",
        {"status": "controlled", "province": "AF29", "confidence": "confirmed"},
        lambda p: (
            (p["status"], p["province"], p["confidence"]) == ("controlled", "AF29", "confirmed")
        ),
    ),
    ("provinces", {"name": "Faryab"}, lambda p: p["name"] == "Faryab"),
    ("events", {"district": "AF2907"}, lambda p: p["district"] == "AF2907"),
    ("events", {"province": "AF29"}, lambda p: p["province"] == "AF29"),
    ("events", {"kind": "recapture"}, lambda p: p["kind"] == "recapture"),
    ("events", {"status": "contested"}, lambda p: p["status"] == "contested"),
    ("events", {"controller": "taliban"}, lambda p: p["controller"] == "taliban"),
    ("events", {"confidence": "claimed"}, lambda p: p["confidence"] == "claimed"),
    ("events", {"disputed": "true"}, lambda p: p["disputed"]),
    ("events", {"min_confidence": "confirmed"}, lambda p: p["confidence"] == "confirmed"),
    ("frontline", {"kind": "contested"}, lambda p: p["kind"] == "contested"),
    ("frontline", {"kind": "unknown"}, lambda p: p["kind"] == "unknown"),
    (
        "frontline",
        {"province": "AF29", "kinds": KINDS},
        lambda p: "AF29" in (p["district_1"][:4], p["district_2"][:4]),
    ),
]


@pytest.mark.parametrize(
    ("collection", "filters", "fits"), FILTERS, ids=[f"{c}-{f}" for c, f, _ in FILTERS]
)
def test_a_filter_gives_exactly_what_fits(
    client: TestClient, collection: str, filters: dict[str, str], fits: Callable[[Answer], bool]
) -> None:
    """What fits is picked from all, so that nothing can be missing."""
    asked = {} if collection == "events" else {"datetime": "2021-07-20"}
    everything = features(client, collection, **asked, kinds=KINDS)
    expected = [f["id"] for f in everything if fits(f["properties"])]
    found = items(client, collection, **asked, **filters)
    assert [feature["id"] for feature in found["features"]] == expected
    assert found["numberMatched"] == len(expected) > 0


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("districts/items?controller=nobody", "controller"),
        ("districts/items?province=AF99", "province"),
        ("events/items?district=AF9999", "district"),
        ("frontline/items?province=AF99", "province"),
        ("districts/items?status=lost", "status"),
        ("events/items?status=unknown", "status"),
        ("districts/items?disputed=maybe", "disputed"),
        ("districts/items?confidence=sure", "confidence"),
        ("frontline/items?kind=side", "kind"),
        ("frontline/items?kinds=front,", "kinds"),
        ("events/items?kinds=none", "kinds"),
        ("districts/items?name=", "name"),
        ("districts/items?name=%00", "name"),
        ("districts/items?kind=front", "kind"),
        ("districts/items?boundary_set=none", "boundary_set"),
        ("districts/items?known_at=2199-01-01", "known_at"),
        ("districts/items?reported_by=2199-01-01", "reported_by"),
        ("districts/items?as_of=2021-06-10", "as_of"),
        ("districts/items?crs=http://www.opengis.net/def/crs/EPSG/0/4326", "crs"),
        ("districts/items?bbox=60,30,70,38&bbox-crs=EPSG:4326", "bbox-crs"),
        ("districts/items/AF2907?limit=1", "limit"),
        ("districts/items/AF2907?crs=EPSG:4326", "crs"),
        ("districts/items?dateTime=2021-06-10", "dateTime"),
    ],
)
def test_a_value_that_is_wrong_is_a_400_that_names_it(
    client: TestClient, address: str, parameter: str
) -> None:
    assert_problem(client.get(f"/ogc/collections/{address}"), 400, parameter)


def shape_of(feature: Answer) -> Any:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


BOXES = {
    FARYAB: [(63.5, 35.0, 65.5, 36.5)],
    "63.5,35.0,-100,65.5,36.5,9000": [(63.5, 35.0, 65.5, 36.5)],
    "65.123,34.001,65.124,34.002": [(65.123, 34.001, 65.124, 34.002)],
    "0,0,1,1": [(0, 0, 1, 1)],
    WORLD: [(-180, -90, 180, 90)],
    # West above east: across the 180th meridian.
    "70,30,-170,38": [(70, 30, 180, 38), (-180, 30, -170, 38)],
    "170,-90,-170,90": [(170, -90, 180, 90), (-180, -90, -170, 90)],
}


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_box_gives_the_features_that_meet_it(
    client: TestClient, collection: str, box: str
) -> None:
    """As shapely sees it on what the features themselves say; a metre at an edge may differ."""
    asked = {"kinds": KINDS} | ({} if collection == "events" else {"datetime": "2021-08-15"})
    everything = features(client, collection, **asked)
    area = shapely.union_all([shapely.box(*corners) for corners in BOXES[box]])
    expected = {f["id"] for f in everything if f["geometry"] and area.intersects(shape_of(f))}
    found = items(client, collection, bbox=box, **asked)
    assert {feature["id"] for feature in found["features"]} == expected
    assert found["numberMatched"] == len(expected)


def test_a_district_without_a_shape_is_in_no_box(client: TestClient) -> None:
    without = [f["id"] for f in features(client, "districts") if f["geometry"] is None]
    assert without == ["AF2506", "AF2507"]
    assert items(client, "districts", bbox=WORLD)["numberMatched"] == 399
    assert ask(client, "/ogc/collections/districts/items/AF2506")["geometry"] is None


def test_a_box_is_looked_for_among_the_shapes_of_the_set(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with own_seeded.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO boundary_sets SELECT 'moved', country_code, name, dated, origin,"
                " licence, 'Moved by tests', quality, false, source_url, sha256, now()"
                " FROM boundary_sets"
            )
        )
        connection.execute(
            text(
                "INSERT INTO district_shapes SELECT 'moved', district_id,"
                " ST_Translate(geom, -60, 0) FROM district_shapes WHERE district_id = 'AF2907'"
            )
        )
    client = make_client(own_seeded)
    west = "0,30,10,40"
    for collection, key in (("districts", "id"), ("events", "district")):
        assert items(client, collection, bbox=west)["numberMatched"] == 0
        found = features(client, collection, bbox=west, boundary_set="moved")
        assert {f["id"] if key == "id" else f["properties"][key] for f in found} == {"AF2907"}
    page = items(client, "districts", boundary_set="moved")
    assert page["boundary_set"]["id"] == "moved"
    assert sum(feature["geometry"] is not None for feature in page["features"]) == 1
    extents = ask(client, "/ogc/collections/districts", boundary_set="moved")
    assert extents["extent"]["spatial"]["bbox"][0][0] < 10
    assert "Moved by tests" in extents["attribution"]


@pytest.mark.parametrize(
    "box",
    [
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,4,5,6,7",
        "",
        "a,b,c,d",
        "60,38,70,30",
        "60,30,181,38",
        "60,30,70,nan",
        "60,30,5,70,38,1",
        "60,30,x,70,38,1",
        "60,30,nan,70,38,1",
        "60,-91,0,70,38,1",
    ],
)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_box_that_is_none_is_refused(client: TestClient, collection: str, box: str) -> None:
    assert_problem(client.get(f"/ogc/collections/{collection}/items?bbox={box}"), 400, "bbox")


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "", "1.5", "1e2", "unlimited", "%00"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_limit_that_is_none_is_refused(client: TestClient, collection: str, limit: str) -> None:
    address = f"/ogc/collections/{collection}/items?limit={limit}"
    assert_problem(client.get(address), 400, "limit")


def test_more_than_the_most_counts_as_the_most(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard does not let it be an error."""
    assert items(client, "districts", limit=10_001)["numberReturned"] == 401
    assert items(client, "districts", limit="9" * 30)["numberReturned"] == 401
    monkeypatch.setattr(parameters, "MAX_LIMIT", 50)
    for collection, number in (("districts", 401), ("events", 136)):
        page = items(client, collection, limit=51)
        assert (page["numberReturned"], page["numberMatched"]) == (50, number)
        assert links(page, "next")


@pytest.mark.parametrize("clocks", ["datetime=2021-06-30", "datetime=2021-06-01/..", ""])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_pages_put_together_are_the_whole(client: TestClient, collection: str, clocks: str) -> None:
    address = f"/ogc/collections/{collection}/items?kinds={KINDS}&{clocks}"
    whole = ask(client, f"{address}&limit=1000")
    assert walk(client, f"{address}&limit=7") == whole["features"]
    assert len(whole["features"]) > 7
    assert ask(client, f"{address}&limit=7")["numberMatched"] == len(whole["features"])


@pytest.mark.parametrize(
    "query",
    [
        f"districts/items?limit=3&bbox={FARYAB}",
        "districts/items?controller=taliban&limit=9&datetime=2021-07-01%2F2021-07-20",
        "events/items?limit=3&province=AF29&datetime=2021-06-01/2021-06-30",
        f"events/items?limit=3&bbox={FARYAB}",
        f"frontline/items?kind=unknown&limit=3&bbox={FARYAB}&reported_by=2021-07-01",
        f"provinces/items?limit=2&bbox={FARYAB}&known_at=2199-12-31",
    ],
)
def test_the_next_page_keeps_what_was_given_as_it_was_given(client: TestClient, query: str) -> None:
    """GDAL and QGIS look for the parameters that they were given in it, or add them once more."""
    if "known_at" in query:
        query = query.replace("2199-12-31", ask(client, "/ogc/collections")["known_at"])
    address = f"/ogc/collections/{query}"
    page = ask(client, address)
    (ahead,) = links(page, "next")
    assert ahead.startswith(f"{address}&cursor=")
    (further,) = links(ask(client, ahead), "next") or [f"{address}&cursor="]
    assert further.startswith(f"{address}&cursor=")
    assert further.count("cursor=") == 1
    whole = ask(client, address.replace("limit=3", "limit=1000").replace("limit=9", "limit=1000"))
    if "limit=2" not in query:
        assert walk(client, address) == whole["features"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_all_pages_show_one_state_of_the_record(own_seeded: Engine, collection: str) -> None:
    desk = Desk.on(own_seeded)
    address = f"/ogc/collections/{collection}/items?kinds={KINDS}"
    before = ask(desk.nobody, f"{address}&limit=1000")
    first = ask(desk.nobody, f"{address}&limit=5")
    for number, district in enumerate(("AF0102", "AF3401", "AF1501", "AF0909")):
        desk.record(
            district=district,
            kind="recapture" if number % 2 else "capture",
            controller="afghan-government" if number % 2 else "taliban",
        )
    rest = walk(desk.nobody, links(first, "next")[0])
    assert first["features"] + rest == before["features"]
    later = ask(desk.nobody, links(first, "next")[0])
    for member in ("as_of", "known_at", "revision", "numberMatched"):
        assert later[member] == before[member]
    assert ask(desk.nobody, f"{address}&limit=1000")["features"] != before["features"]


def forged(**members: Any) -> str:
    position = {
        "of": "districts",
        "as_of": "2021-06-10",
        "known_at": "2026-11-22T12:00:00+00:00",
        "last": ["AF0101"],
    } | members
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "abc",
        "",
        "é",
        forged(of="provinces"),
        forged(as_of="2199-01-01"),
        forged(as_of="yesterday"),
        forged(known_at="2199-01-01T00:00:00+00:00"),
        forged(known_at="2021-01-01T00:00:00"),
        forged(last=[]),
        forged(last=["AF0101", 1, 2, 3]),
        forged(last="AF0101"),
        forged(more=1),
    ],
)
def test_a_cursor_that_is_none_is_refused(client: TestClient, cursor: str) -> None:
    answer = client.get("/ogc/collections/districts/items", params={"cursor": cursor})
    assert_problem(answer, 400, "cursor")


@pytest.mark.parametrize(
    "last",
    [
        ["AF0101"],
        ["2021-06-10T00:00:00+00:00", 0, "x"],
        ["yesterday", 0, 1],
        ["2021-06-10T00:00:00", 0, 1],
        ["2021-06-10T00:00:00+00:00", 2**40, 1],
        ["2021-06-10T00:00:00+00:00", 0, 2**70],
    ],
    ids=str,
)
def test_a_cursor_of_no_event_is_refused(client: TestClient, last: list[Any]) -> None:
    known_at = ask(client, "/ogc/collections")["known_at"]
    cursor = forged(of="events", last=last, known_at=known_at)
    answer = client.get("/ogc/collections/events/items", params={"cursor": cursor})
    assert_problem(answer, 400, "cursor")


def test_an_answer_stays_the_same_until_the_record_changes(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    addresses = [f"/ogc/collections/{collection}/items" for collection in COLLECTIONS]
    tags = [desk.nobody.get(address).headers["etag"] for address in addresses]
    for address, tag in zip(addresses, tags, strict=True):
        again = desk.nobody.get(address, headers={"If-None-Match": tag})
        assert again.status_code == 304
    desk.record()
    for address, tag in zip(addresses, tags, strict=True):
        again = desk.nobody.get(address, headers={"If-None-Match": tag})
        assert again.status_code == 200


@pytest.mark.parametrize("known_at", ["0001-01-01T00:00:00+23:59", "yesterday", "9999-12-31"])
def test_a_made_up_cursor_is_refused(client: TestClient, known_at: str) -> None:
    cursor = write_cursor(of="districts", as_of="2021-06-10", known_at=known_at, last=["A"])
    response = client.get(f"/ogc/collections/districts/items?cursor={cursor}")
    assert_problem(response, 400, "cursor")
