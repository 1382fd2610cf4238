"""JSON, GeoJSON and CSV: which one a client gets, and that all say the same."""

import csv
import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from .asking import ask

WITHOUT_SHAPE = {"AF2506", "AF2507"}
IN_FORMATS = {
    "/districts": ("districts", "/districts?limit=1000&as_of=2021-07-20"),
    "/control": ("districts", "/control?as_of=2021-07-20"),
    "/events": ("events", "/events?limit=1000&as_of=2021-07-20"),
}
MEDIA = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
}


def rows_of(response: Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))


@pytest.mark.parametrize(("member", "address"), IN_FORMATS.values(), ids=IN_FORMATS)
def test_all_formats_list_the_same(client: TestClient, member: str, address: str) -> None:
    as_json, as_geojson, as_csv = (client.get(f"{address}&f={name}") for name in MEDIA)
    items = as_json.json()[member]
    features = as_geojson.json()["features"]
    rows = rows_of(as_csv)
    ids = [item["id"] for item in items]
    assert len(ids) > 100
    assert [feature["id"] for feature in features] == ids
    assert [row["id"] for row in rows] == ids
    assert [feature["properties"] for feature in features] == items
    for item, row in zip(items, rows, strict=True):
        assert row["status"] == item["status"]
        assert row["controller_id"] == (item["controller"]["id"] if item["controller"] else "")
        assert row["province_id"] == item["province"]["id"]
        assert row["confidence"] == (item["confidence"] or "")


@pytest.mark.parametrize(("member", "address"), IN_FORMATS.values(), ids=IN_FORMATS)
def test_geojson_says_what_was_asked_and_how_good_its_shapes_are(
    client: TestClient, member: str, address: str
) -> None:
    collection = client.get(f"{address}&f=geojson").json()
    assert collection["type"] == "FeatureCollection"
    assert {feature["type"] for feature in collection["features"]} == {"Feature"}
    assert collection["as_of"] == "2021-07-20"
    assert collection["revision"] > 0
    assert collection["boundary_set"]["quality"] == "approximate"
    assert "Natural Earth" in collection["boundary_set"]["attribution"]
    # Not the other list twice under two names.
    assert member not in collection


@pytest.fixture(scope="module")
def features(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/control?f=geojson").json()["features"]
    return found


def test_two_districts_are_listed_without_a_shape(features: list[dict[str, Any]]) -> None:
    assert {f["id"] for f in features if f["geometry"] is None} == WITHOUT_SHAPE
    assert len(features) == 401


def polygons(feature: dict[str, Any]) -> list[list[list[list[float]]]]:
    geometry = feature["geometry"]
    if geometry is None:
        return []
    assert geometry["type"] == "MultiPolygon"
    found: list[list[list[list[float]]]] = geometry["coordinates"]
    return found


def test_shapes_lie_in_afghanistan_longitude_first(features: list[dict[str, Any]]) -> None:
    for feature in features:
        for rings in polygons(feature):
            for longitude, latitude in (position for ring in rings for position in ring):
                assert 60.4 < longitude < 75.0
                assert 29.3 < latitude < 38.6


def signed_area(ring: list[list[float]]) -> float:
    """Twice the area of a ring; positive where it runs counterclockwise."""
    return sum(
        here[0] * there[1] - there[0] * here[1]
        for here, there in zip(ring, [*ring[1:], ring[0]], strict=True)
    )


def test_rings_are_closed_and_run_as_rfc_7946_has_them(features: list[dict[str, Any]]) -> None:
    """Outer rings counterclockwise, holes clockwise (section 3.1.6)."""
    for feature in features:
        for outer, *holes in polygons(feature):
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in (outer, *holes))
            assert signed_area(outer) > 0, feature["id"]
            assert all(signed_area(hole) < 0 for hole in holes), feature["id"]


def test_shapes_are_valid_as_they_are_written(client: TestClient, seeded: Engine) -> None:
    """Five decimals can make a shape touch itself that was sound with fifteen."""
    document = client.get("/control?f=geojson").text
    invalid = text(
        "SELECT feature->>'id' FROM json_array_elements((:document)::json->'features') AS feature "
        "WHERE json_typeof(feature->'geometry') = 'object' "
        "AND NOT ST_IsValid(ST_GeomFromGeoJSON(feature->>'geometry'))"
    )
    with seeded.connect() as connection:
        assert connection.scalars(invalid, {"document": document}).all() == []


def test_an_event_is_drawn_as_a_point_in_its_district(client: TestClient) -> None:
    found = client.get("/events?f=geojson&limit=1000").json()["features"]
    for feature in found:
        if feature["properties"]["district"]["id"] in WITHOUT_SHAPE:
            assert feature["geometry"] is None
            continue
        assert feature["geometry"]["type"] == "Point"
        longitude, latitude = feature["geometry"]["coordinates"]
        assert 60.4 < longitude < 75.0
        assert 29.3 < latitude < 38.6


def test_one_district_carries_its_shape_and_its_quality(client: TestClient) -> None:
    qaisar = ask(client, "/districts/AF2907")
    assert qaisar["geometry"]["type"] == "MultiPolygon"
    assert qaisar["boundary_set"]["quality"] == "approximate"
    gizab = ask(client, "/districts/AF2507")
    assert (gizab["geometry"], gizab["boundary_set"]) == (None, None)


def test_the_clocks_in_a_table_can_be_asked_again(client: TestClient) -> None:
    address = "/control?f=csv&province=AF29"
    first = client.get(address)
    row = rows_of(first)[0]
    clocks = {"as_of": row["as_of"], "known_at": row["known_at"]}
    again = client.get("/control", params={"f": "csv", "province": "AF29", **clocks})
    assert again.status_code == 200, again.text
    assert again.content == first.content


def test_a_table_names_itself_and_ends_its_lines_as_rfc_4180_has_it(client: TestClient) -> None:
    response = client.get("/events?f=csv")
    assert response.headers["content-disposition"] == 'inline; filename="events.csv"'
    assert response.text.count("\r\n") == len(rows_of(response)) + 1


ACCEPT = [
    (None, "json"),
    ("*/*", "json"),
    ("", "json"),
    ("application/json", "json"),
    ("APPLICATION/JSON", "json"),
    ("application/json; charset=utf-8", "json"),
    ("application/*", "json"),
    ("text/*", "csv"),
    ("text/csv", "csv"),
    ("application/geo+json", "geojson"),
    ("text/csv;q=0.5, application/geo+json;q=0.9", "geojson"),
    ("text/csv;q=0.5, application/geo+json;q=0.4, image/png", "csv"),
    ("application/json;q=0, text/csv", "csv"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
    ("image/png, */*;q=0.1", "json"),
]


@pytest.mark.parametrize(("accept", "wanted"), ACCEPT)
def test_the_accept_header_picks_the_format(
    client: TestClient, accept: str | None, wanted: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = client.get("/control?province=AF29", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == MEDIA[wanted]
    assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "*/*;q=0", "nonsense"])
def test_a_client_that_takes_none_of_them_gets_a_406(client: TestClient, accept: str) -> None:
    response = client.get("/control", headers={"Accept": accept})
    assert response.status_code == 406
    assert all(media.split(";")[0] in response.json()["detail"] for media in MEDIA.values())


def test_the_parameter_goes_before_the_header(client: TestClient) -> None:
    response = client.get("/control?f=csv", headers={"Accept": "application/json"})
    assert response.headers["content-type"] == MEDIA["csv"]
