"""JSON, GeoJSON, CSV and NDJSON: which one a client gets, and that all say the same."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.api import events as events_api
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.recording import Correction, correct, record
from app.store.engine import writing

from .asking import Answer, ask, next_page

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
NDJSON = "application/x-ndjson"


def rows_of(response: Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))


def lines_of(response: Response) -> list[Answer]:
    assert response.headers["content-type"] == NDJSON
    assert response.text.endswith("\n") or not response.text
    return [json.loads(line) for line in response.text.splitlines()]


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


# Lines of events ------------------------------------------------------------------------------


def test_a_line_of_ndjson_is_the_event_of_the_json(client: TestClient) -> None:
    address = IN_FORMATS["/events"][1]
    assert lines_of(client.get(f"{address}&f=ndjson")) == client.get(address).json()["events"]
    assert client.get("/events?as_of=1900-01-01&f=ndjson").text == ""


def test_a_row_of_an_event_has_all_that_its_json_has(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    first = ask(client, "/events")["events"][0]
    pin = Pin("2021-08-20/2021-08-21", 'a "stamped", dated\nletter')
    corrected = Correction(Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None), 7, pin))
    with writing(own_seeded) as connection:
        correct(connection, first["id"], 1, corrected, author="ann", reason="the letter")
    items = ask(client, "/events", limit=1000)["events"]
    rows = rows_of(client.get("/events?f=csv"))
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    for item, row in zip(items, rows, strict=True):
        assert json.loads(row["citations"]) == item["citations"]
        for name in ("version", "day_order", "sequence"):
            assert int(row[name]) == item[name]
        for name in ("kind", "occurred", "effective_on"):
            assert row[name] == item[name]
        pinned = item["pinned"] or {"occurred": "", "reason": ""}
        assert (row["pinned_occurred"], row["pin_reason"]) == (pinned["occurred"], pinned["reason"])
        stances = [citation["stance"] for citation in item["citations"]]
        assert int(row["supporting_citations"]) == stances.count("supports")
        assert int(row["disputing_citations"]) == stances.count("disputes")
        assert set(row["urls"].split()) == {c["url"] for c in item["citations"] if c["url"]}
    (pinned_row,) = (row for row in rows if row["pinned_occurred"])
    assert (pinned_row["id"], pinned_row["pin_reason"]) == (first["id"], pin.reason)
    assert (pinned_row["day_order"], pinned_row["controller_id"]) == ("7", "")


WHOLE = {"csv": MEDIA["csv"], "ndjson": NDJSON}


def ids_in(response: Response) -> list[str]:
    is_csv = response.headers["content-type"] == MEDIA["csv"]
    return [item["id"] for item in (rows_of(response) if is_csv else lines_of(response))]


@pytest.mark.parametrize("form", WHOLE)
def test_without_a_limit_all_events_come_as_a_stream(client: TestClient, form: str) -> None:
    response = client.get(f"/events?f={form}")
    assert response.headers["content-type"] == WHOLE[form]
    assert response.headers["content-disposition"] == f'inline; filename="events.{form}"'
    # It may be longer than memory: nobody knows its length or its hash before its end.
    assert not {"etag", "content-length", "link"} & response.headers.keys()
    assert response.headers["cache-control"] == "no-store"
    everything = [event["id"] for event in ask(client, "/events", limit=1000)["events"]]
    assert ids_in(response) == everything
    assert len(everything) == 136
    again = client.get(f"/events?f={form}", headers={"If-None-Match": "*"})
    assert (again.status_code, again.content) == (200, response.content)
    head = client.head(f"/events?f={form}")
    assert (head.status_code, head.content) == (200, b"")
    by_header = client.get("/events", headers={"Accept": WHOLE[form]})
    assert by_header.content == response.content


@pytest.mark.parametrize("form", WHOLE)
def test_with_a_limit_they_come_in_pages(client: TestClient, form: str) -> None:
    everything = [event["id"] for event in ask(client, "/events", limit=1000)["events"]]
    plain = {"Accept-Encoding": "identity"}
    response = client.get(f"/events?f={form}&limit=60", headers=plain)
    found, pages = ids_in(response), 1
    while address := next_page(response):
        assert response.headers["etag"]
        assert int(response.headers["content-length"]) == len(response.content)
        response = client.get(address, headers=plain)
        assert response.headers["content-type"] == WHOLE[form]
        found += ids_in(response)
        pages += 1
    assert (found, pages) == (everything, 3)


def test_other_formats_are_pages_without_a_limit_too(client: TestClient) -> None:
    for form, member in (("json", "events"), ("geojson", "features")):
        response = client.get(f"/events?f={form}")
        assert len(response.json()[member]) == 100
        assert response.headers["etag"]
        assert next_page(response)


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize(
    "asked",
    [
        "province=AF29",
        "district=AF2907&reported_by=2021-06-07",
        "source=kabul-now&min_confidence=confirmed",
        "from=2021-06-06&to=2021-06-08&disputed=false",
        "as_of=2021-06-14T12:00%2B04:30",
        "bbox=63.5,35.0,65.5,36.5",
    ],
)
def test_a_stream_takes_the_filters_and_the_clocks(
    client: TestClient, form: str, asked: str
) -> None:
    events = client.get(f"/events?{asked}&limit=1000").json()["events"]
    response = client.get(f"/events?{asked}&f={form}")
    assert ids_in(response) == [event["id"] for event in events]
    assert 0 < len(events) < 136
    if form == "ndjson":
        assert lines_of(response) == events


def test_a_stream_goes_on_from_a_cursor(client: TestClient) -> None:
    everything = [event["id"] for event in ask(client, "/events", limit=1000)["events"]]
    address = next_page(client.get("/events?f=ndjson&limit=100"))
    assert address
    assert ids_in(client.get(address.replace("limit=100&", ""))) == everything[100:]


@pytest.mark.parametrize("form", WHOLE)
def test_a_stream_shows_one_state_of_the_record(
    own_seeded: Engine,
    make_client: Callable[[Engine], TestClient],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    """Whatever is recorded while it is read."""
    client = make_client(own_seeded)
    whole = client.get(f"/events?f={form}").content
    monkeypatch.setattr(events_api, "_STREAMED", 50)
    find, reads = events_api.events.find, []

    def find_and_record(*arguments: Any) -> Any:
        page = find(*arguments)
        reads.append(len(page))
        citation = Citation(
            Stance.SUPPORTS, "kabul-now", "Kabul Now", "2021-05-02", Basis.JOURNALIST, "2021-05-01"
        )
        captured = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
        with writing(own_seeded) as connection:
            record(connection, "AF0102", captured, (citation,), author="ann")
        return page

    monkeypatch.setattr(events_api.events, "find", find_and_record)
    assert client.get(f"/events?f={form}").content == whole
    assert reads == [50, 50, 36, 0]


@pytest.mark.parametrize("asked", ["as_of=soon", "province=ZZ99", "cursor=x", "kind=loss"])
def test_what_is_wrong_with_a_stream_is_told_before_it_begins(
    client: TestClient, asked: str
) -> None:
    response = client.get(f"/events?f=ndjson&{asked}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["/control", "/districts", "/sources", "/districts/AF2907"])
def test_only_events_come_as_lines(client: TestClient, address: str) -> None:
    response = client.get(f"{address}?f=ndjson")
    assert response.status_code == 422
    assert [fault["parameter"] for fault in response.json()["errors"]] == ["f"]
    assert client.get(address, headers={"Accept": NDJSON}).status_code == 406


# Which format ---------------------------------------------------------------------------------

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
