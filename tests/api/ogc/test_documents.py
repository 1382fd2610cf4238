"""The documents that lead to the features: complete, true, and open to all sorts of clients."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV30SpecValidator, validate
from sqlalchemy import Engine, text

from app.api.app import create_app
from app.settings import Settings

from ..asking import OGC, ask, assert_problem
from ..writing import Desk
from .asking import COLLECTIONS, links

TABLES_OF_SHAPES = (
    "borders",
    "outer_borders",
    "drawn_borders",
    "drawn_districts",
    "drawn_provinces",
    "district_shapes",
    "province_shapes",
    "boundary_sets",
)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def test_the_landing_page_leads_to_everything(client: TestClient) -> None:
    page = ask(client, "/ogc")
    relations = [link["rel"] for link in page["links"]]
    assert relations == ["self", "service-desc", "service-doc", "conformance", "data", "license"]
    for link in page["links"]:
        answer = client.get(link["href"])
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]
    assert page["title"] == "District Control, Afghanistan"


def test_the_landing_page_has_both_addresses(client: TestClient) -> None:
    """A client that adds `/` to the address it was given must not be sent away."""
    page, other = client.get("/ogc"), client.get("/ogc/")
    assert page.status_code == other.status_code == 200
    assert page.json()["links"][1:] == other.json()["links"][1:]
    assert [links(answer.json(), "self") for answer in (page, other)] == [["/ogc"], ["/ogc/"]]


def test_addresses_are_those_that_a_proxy_serves(seeded: Engine) -> None:
    app = create_app(Settings(_env_file=None), seeded)
    client = TestClient(app, base_url="https://example.org", root_path="/control")
    for address in ("/ogc", "/ogc/collections/districts/items?limit=1"):
        for link in client.get(f"/control{address}").json()["links"]:
            assert link["href"].startswith("https://example.org/control/")
            assert "/control/control" not in link["href"]
    assert client.get("/control/ogc/api").json()["servers"] == [
        {"url": "https://example.org/control/ogc"}
    ]


def test_it_conforms_to_core_openapi_geojson_and_crs(client: TestClient) -> None:
    classes = ask(client, "/ogc/conformance")["conformsTo"]
    assert {tuple(name.split("/")[-4:]) for name in classes} == {
        ("ogcapi-features-1", "1.0", "conf", "core"),
        ("ogcapi-features-1", "1.0", "conf", "oas30"),
        ("ogcapi-features-1", "1.0", "conf", "geojson"),
        ("ogcapi-features-2", "1.0", "conf", "crs"),
    }


def test_the_collections_are_described_alone_as_in_the_list(client: TestClient) -> None:
    listed = ask(client, "/ogc/collections")["collections"]
    assert [collection["id"] for collection in listed] == list(COLLECTIONS)
    for collection in listed:
        assert ask(client, f"/ogc/collections/{collection['id']}") == collection
        assert collection["itemType"] == "feature"
        assert collection["crs"] == [CRS84]
        assert collection["storageCrs"] == CRS84
        for link in collection["links"]:
            answer = client.get(link["href"])
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].split(";")[0] == link["type"]
        assert "`datetime`" in collection["description"]


def test_every_collection_names_the_shapes_and_their_licence(client: TestClient) -> None:
    shapes = ask(client, "/boundary-sets/af-voronoi")
    for collection in ask(client, "/ogc/collections")["collections"]:
        assert collection["attribution"] == shapes["attribution"]
        assert shapes["attribution"] in collection["description"]
        assert shapes["quality"] in collection["description"]
        (licence,) = (link for link in collection["links"] if link["rel"] == "license")
        assert shapes["licence"] in licence["title"]
        assert client.get(licence["href"]).json()["id"] == "af-voronoi"


def test_the_spatial_extent_is_that_of_the_shapes(client: TestClient, seeded: Engine) -> None:
    box = text(
        "SELECT min(ST_XMin(geom)), min(ST_YMin(geom)), max(ST_XMax(geom)), max(ST_YMax(geom))"
        " FROM district_shapes"
    )
    with seeded.connect() as connection:
        west, south, east, north = connection.execute(box).one()
    for collection in ask(client, "/ogc/collections")["collections"]:
        spatial = collection["extent"]["spatial"]
        assert spatial["crs"] == CRS84
        (told,) = spatial["bbox"]
        assert told == pytest.approx([west, south, east, north], abs=2e-5)
        assert told[0] <= west and told[1] <= south and told[2] >= east and told[3] >= north


def intervals(client: TestClient, **params: Any) -> dict[str, list[str | None]]:
    answer = ask(client, "/ogc/collections", **params)
    return {c["id"]: c["extent"]["temporal"]["interval"][0] for c in answer["collections"]}


def test_the_temporal_extent_is_that_of_the_record(client: TestClient) -> None:
    told = intervals(client)
    events = ask(client, "/events", limit=1000)["events"]
    first = min(e["occurred_earliest"] or e["occurred_latest"] for e in events)
    assert told["events"] == [first, max(e["occurred_latest"] for e in events)]
    # What only a party says opens no state by itself.
    counting = ask(client, "/events", limit=1000, min_confidence="reported")["events"]
    effective = min(e["occurred_latest"] for e in counting)
    assert told["districts"] == told["provinces"] == told["frontline"] == [effective, None]


def test_extents_follow_the_clocks(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    before = intervals(desk.nobody)
    known_at = ask(desk.nobody, "/ogc/collections")["known_at"]
    desk.record(
        citations=[
            {"source": "tolonews", "published": "2021-03-03", "asserted": "2021-03-01"}
            | {"basis": "local"}
        ]
    )
    now = intervals(desk.nobody)
    assert now["events"] == ["2021-02-28T19:30:00Z", before["events"][1]]
    assert now["districts"] == ["2021-03-01T19:29:59.999999Z", None]
    assert intervals(desk.nobody, known_at=known_at) == before
    assert intervals(desk.nobody, reported_by="2021-03-02") == {
        "events": [None, None],
        "districts": [None, None],
        "provinces": [None, None],
        "frontline": [None, None],
    }


def test_without_shapes_there_is_no_spatial_extent(own_seeded: Engine) -> None:
    with own_seeded.begin() as connection:
        for table in TABLES_OF_SHAPES:
            connection.execute(text(f"DELETE FROM {table}"))
    client = Desk.on(own_seeded).nobody
    page = ask(client, "/ogc")
    assert "license" not in {link["rel"] for link in page["links"]}
    for collection in ask(client, "/ogc/collections")["collections"]:
        assert set(collection["extent"]) == {"temporal"}
    for collection in ("districts", "provinces", "events"):
        found = ask(client, f"/ogc/collections/{collection}/items")
        assert found["numberMatched"] > 0
        assert all(feature["geometry"] is None for feature in found["features"])
        nothing = ask(client, f"/ogc/collections/{collection}/items", bbox="-180,-90,180,90")
        assert nothing["numberMatched"] == 0
    assert_problem(client.get("/ogc/collections/frontline/items"), 404, "boundary_set")


ACCEPTED = [
    "application/geo+json",
    "application/json",
    "*/*",
    "application/geo+json, application/json",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html, */*",
    "application/json; charset=utf-8",
]


def has_features(address: str) -> bool:
    return "/items" in address


@pytest.mark.parametrize(
    ("address", "accept"),
    [
        (address, accept)
        for address in OGC.values()
        for accept in ACCEPTED
        # Only features are GeoJSON.
        if has_features(address) or accept != "application/geo+json"
    ],
)
def test_clients_of_all_sorts_are_answered(client: TestClient, address: str, accept: str) -> None:
    answer = client.get(address, headers={"Accept": accept})
    assert answer.status_code == 200
    if has_features(address):
        only_json = accept.startswith("application/json")
        expected = "application/json" if only_json else "application/geo+json"
        assert answer.headers["content-type"] == expected
        assert answer.headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.parametrize("address", OGC.values())
def test_a_format_that_is_not_offered_is_refused(client: TestClient, address: str) -> None:
    assert_problem(client.get(address, headers={"Accept": "image/png"}), 406)
    assert client.get(address, params={"f": "json"}).status_code == 200
    assert_problem(client.get(address, params={"f": "html"}), 400, "f")


@pytest.mark.parametrize("address", OGC.values())
def test_what_is_wrong_with_a_question_is_a_400(client: TestClient, address: str) -> None:
    """The standard says so; everything else here says 422."""
    joint = "&" if "?" in address else "?"
    assert_problem(client.get(f"{address}{joint}ooga=booga"), 400, "ooga")
    assert_problem(client.get(f"{address}{joint}f=json&f=json"), 400, "f")
    assert_problem(client.get(f"{address}{joint}min_confidence=sure"), 400, "min_confidence")
    assert_problem(client.get("/districts?ooga=booga"), 422, "ooga")


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/ogc/collections/cities", "collectionId"),
        ("/ogc/collections/cities/queryables", "collectionId"),
        ("/ogc/collections/districts/items/AF9999", "featureId"),
        ("/ogc/collections/provinces/items/AF99", "featureId"),
        ("/ogc/collections/events/items/AF2907", "featureId"),
        ("/ogc/collections/events/items/00000000-0000-0000-0000-000000000000", "featureId"),
        ("/ogc/collections/frontline/items/AF2907", "featureId"),
        ("/ogc/collections/districts/items?country=XX", "country"),
        ("/ogc?country=XX", "country"),
        ("/ogc/collections/cities/items", None),
        ("/ogc/nothing", None),
    ],
)
def test_what_is_not_there_is_a_404(
    client: TestClient, address: str, parameter: str | None
) -> None:
    assert_problem(client.get(address), 404, parameter)


def test_pages_of_other_origins_may_read(client: TestClient) -> None:
    for address in OGC.values():
        answer = client.get(address, headers={"Origin": "https://example.org"})
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_definition_is_openapi_3_0(client: TestClient) -> None:
    answer = client.get("/ogc/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0.")
    validate(document, cls=OpenAPIV30SpecValidator)
    assert document["servers"] == [{"url": "http://testserver/ogc"}]


def test_the_definition_has_every_address_as_it_is_asked(client: TestClient) -> None:
    document = ask(client, "/ogc/api")
    assert {path.removeprefix("/ogc") or "/" for path in OGC} == set(document["paths"])
    for path, item in document["paths"].items():
        operation = item["get"]
        assert operation["summary"] and operation["description"]
        assert "400" in operation["responses"] and "422" not in operation["responses"]
        given = {p.get("name") for p in operation["parameters"]}
        assert given >= {"f", "datetime", "known_at", "reported_by", "boundary_set"}, path


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_the_definition_describes_the_parameters_of_the_standard(
    client: TestClient, collection: str
) -> None:
    document = ask(client, "/ogc/api")
    shared = document["components"]["parameters"]
    operation = document["paths"][f"/collections/{collection}/items"]["get"]
    found = {}
    for parameter in operation["parameters"]:
        whole = shared[parameter["$ref"].split("/")[-1]] if "$ref" in parameter else parameter
        found[whole["name"]] = whole
        assert (whole["in"], whole["style"], whole["explode"]) == ("query", "form", False)
        assert not whole["required"]
    assert found["bbox"]["schema"] == {
        "type": "array",
        "minItems": 4,
        "maxItems": 6,
        "items": {"type": "number"},
    }
    limit = found["limit"]["schema"]
    assert (limit["type"], limit["minimum"], limit["maximum"]) == ("integer", 1, 10_000)
    assert found["datetime"]["schema"]["type"] == "string"
    queryables = client.get(f"/ogc/collections/{collection}/queryables")
    assert queryables.headers["content-type"] == "application/schema+json"
    schema = queryables.json()
    assert schema["$id"] == str(queryables.url)
    assert schema["properties"].keys() <= found.keys()
    for name, of in schema["properties"].items():
        assert of["type"] in ("string", "boolean"), name
        assert of["description"]


def test_the_parameters_of_the_first_address_may_be_sent_with_all(client: TestClient) -> None:
    """As GDAL and QGIS do; addresses carry none, because QGIS appends paths to them."""
    session = {
        "datetime": "2021-08-15",
        "reported_by": "2021-08-15",
        "country": "AF",
        "kinds": "front,contested",
        "boundary_set": "af-voronoi",
        "min_confidence": "confirmed",
        "f": "json",
    }
    for path in OGC.values():
        plain = path.partition("?")[0]
        if "frontline/items/" in plain:
            continue  # this line is none among confirmed events
        answer = client.get(plain, params=session)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        for link in document.get("links", []):
            if link["rel"] not in ("self", "next"):
                assert not urlsplit(link["href"]).query, link
