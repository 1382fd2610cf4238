"""Names: in a path they lead to the place's own address; in a search they are ranked."""

import base64
import csv
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from .asking import ask, assert_problem, cursor_of, next_page

SUB_PATHS = {
    "district": ["", "/control", "/timeline"],
    "province": ["", "/summary", "/timeline"],
}


@pytest.mark.parametrize("sub_path", SUB_PATHS["district"])
@pytest.mark.parametrize("name", ["qaisar", "Qaysar", "KAYSAR", "قیصار", "قيصار", "af2907"])
def test_a_district_s_name_leads_to_its_address(
    client: TestClient, name: str, sub_path: str
) -> None:
    response = client.get(
        f"/districts/{quote(name)}{sub_path}?as_of=2021-06-10&reported_by=2021-06-09"
    )
    assert response.status_code == 307
    assert response.headers["location"] == (
        f"/districts/AF2907{sub_path}?as_of=2021-06-10&reported_by=2021-06-09"
    )
    assert client.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize("sub_path", SUB_PATHS["province"])
@pytest.mark.parametrize(
    ("name", "province"), [("herat", "AF32"), ("Faryab", "AF29"), ("غور", "AF23"), ("af23", "AF23")]
)
def test_a_province_s_name_leads_to_its_address(
    client: TestClient, name: str, province: str, sub_path: str
) -> None:
    response = client.get(f"/provinces/{quote(name)}{sub_path}")
    assert response.status_code == 307
    assert response.headers["location"] == f"/provinces/{province}{sub_path}"


def test_the_redirect_keeps_the_query_as_it_was_written(client: TestClient) -> None:
    query = "as_of=2021-06-14T06:00%2B04:30&min_confidence=claimed&f=json"
    response = client.get(f"/districts/khanabad/control?{query}")
    assert response.headers["location"] == f"/districts/AF1904/control?{query}"


@pytest.mark.parametrize("mark", ["%3F", "%23", "%2523", "%20", "-"])
def test_a_mark_in_the_name_does_not_eat_the_query(client: TestClient, mark: str) -> None:
    response = client.get(f"/districts/qaisar{mark}/control?as_of=2021-06-10")
    assert response.headers["location"] == "/districts/AF2907/control?as_of=2021-06-10"


def test_the_redirect_stays_on_the_prefix_that_a_proxy_gives(client: TestClient) -> None:
    behind = TestClient(client.app, root_path="/api/v1", follow_redirects=False)
    response = behind.get("/api/v1/districts/qaisar/control")
    assert response.headers["location"] == "/api/v1/districts/AF2907/control"


@pytest.mark.parametrize("sub_path", SUB_PATHS["district"])
def test_an_ambiguous_name_lists_its_candidates(client: TestClient, sub_path: str) -> None:
    problem = assert_problem(client.get(f"/districts/Kohistan{sub_path}"), 404, "id")
    candidates = problem["candidates"]
    assert {c["province"] for c in candidates} == {"Faryab", "Badakhshan"}
    for candidate in candidates:
        assert candidate["score"] == 1
        assert ask(client, f"/districts/{candidate['id']}")["name"] == candidate["name"]


def test_every_ambiguous_name_names_two_candidates_or_more(client: TestClient) -> None:
    """Eleven English names stand for two districts each in the public lists; these are three."""
    for name in ("Baharak", "Fayzabad", "Tagab"):
        problem = assert_problem(client.get(f"/districts/{name}"), 404, "id")
        assert len({c["id"] for c in problem["candidates"]}) >= 2


@pytest.mark.parametrize(
    ("address", "suggested"),
    [
        ("/districts/qaisarr", "AF2907"),
        ("/districts/Khanabat/control", "AF1904"),
        ("/provinces/farjab", "AF29"),
        ("/provinces/herrat/summary", "AF32"),
    ],
)
def test_an_unknown_name_comes_with_suggestions(
    client: TestClient, address: str, suggested: str
) -> None:
    problem = assert_problem(client.get(address), 404, "id")
    scores = [candidate["score"] for candidate in problem["candidates"]]
    assert suggested in {candidate["id"] for candidate in problem["candidates"]}
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


@pytest.mark.parametrize(
    "name",
    # The last but one is a single letter that unfolds to eighteen.
    [
        "%20",
        "%F0%9F%98%80",
        "..%2F..",
        "'%20OR%201=1--",
        "%25",
        "_",
        "AF9999",
        "%E2%80%AE",
        quote("ﷺ" * 190),
        "ß",
    ],
)
@pytest.mark.parametrize("place", ["districts", "provinces"])
def test_a_name_that_nothing_has_is_a_404(client: TestClient, place: str, name: str) -> None:
    assert_problem(client.get(f"/{place}/{name}"), 404)


@pytest.mark.parametrize("place", ["districts", "provinces"])
@pytest.mark.parametrize("name", ["%00", "AF2907%00", "AF2907%0A", "a" * 201, "%1B%5B31m"])
def test_a_name_that_cannot_be_one_is_a_422(client: TestClient, place: str, name: str) -> None:
    assert_problem(client.get(f"/{place}/{name}"), 422, "id")


def test_the_name_of_a_province_is_not_that_of_a_district(client: TestClient) -> None:
    assert_problem(client.get("/provinces/AF2907"), 404, "id")
    assert_problem(client.get("/districts/AF29"), 404, "id")


def test_every_recorded_spelling_leads_to_its_district_or_names_it(client: TestClient) -> None:
    """All spellings of a sample of districts, the ones with the same name elsewhere included."""
    for district in ("AF2907", "AF2306", "AF1904", "AF2703", "AF0101", "AF3201"):
        for alias in ask(client, f"/districts/{district}")["aliases"]:
            response = client.get(f"/districts/{quote(alias['name'], safe='')}")
            if response.status_code == 307:
                assert response.headers["location"] == f"/districts/{district}"
            elif response.status_code == 404:
                assert district in {c["id"] for c in response.json()["candidates"]}
            else:  # a name with a slash in it is another address
                assert "/" in alias["name"], (alias, response.status_code)


# Searching --------------------------------------------------------------------------------------


def found(client: TestClient, **params: Any) -> list[tuple[str, str]]:
    answer = ask(client, "/districts", **params)
    return [(district["id"], district["match"]["how"]) for district in answer["districts"]]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("qaysar", ("AF2907", "exact")),
        ("Kaysar", ("AF2907", "alias")),
        ("Keisar", ("AF2907", "sound")),
        ("قيسار", ("AF2907", "sound")),
        ("Qaisab", ("AF2907", "fuzzy")),
        ("Shahrak, Ghor", ("AF2306", "exact")),
        ("af2907", ("AF2907", "exact")),
    ],
)
def test_a_search_ranks_and_says_why(client: TestClient, q: str, first: tuple[str, str]) -> None:
    assert found(client, q=q)[0] == first


def test_a_search_keeps_to_the_other_filters(client: TestClient) -> None:
    everything = found(client, q="kohistan", limit=1000)
    assert len(everything) > 2
    assert found(client, q="kohistan", province="AF29") == [("AF2910", "exact")]
    held = ask(client, "/districts", q="abad", controller="taliban", as_of="2021-08-16")
    ids = [district["id"] for district in held["districts"]]
    holders = {district["controller"]["id"] for district in held["districts"]}
    assert holders == {"taliban"}
    scored = [-district["match"]["score"] for district in held["districts"]]
    assert list(zip(scored, ids, strict=True)) == sorted(zip(scored, ids, strict=True))


def test_without_a_search_there_is_no_match(client: TestClient) -> None:
    for address in ("/districts?limit=3", "/control?limit=3", "/districts?lat=35.69&lon=64.29"):
        assert {d["match"] for d in client.get(address).json()["districts"]} == {None}


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_of_a_search_are_the_whole_in_its_order(client: TestClient, limit: int) -> None:
    # Many of these have the same score.
    whole = ask(client, "/districts", q="abad", limit=1000)["districts"]
    assert len(whole) > 10
    assert len({d["match"]["score"] for d in whole}) < len(whole)
    pages = []
    address: str | None = f"/districts?q=abad&limit={limit}"
    while address:
        response = client.get(address)
        assert response.status_code == 200
        pages += response.json()["districts"]
        assert len(pages) <= len(whole)
        address = next_page(response)
    assert pages == whole


def test_a_cursor_belongs_to_a_search_or_to_none(client: TestClient) -> None:
    plain = cursor_of(client.get("/districts?limit=1"))
    searched = cursor_of(client.get("/districts?q=abad&limit=1"))
    assert_problem(client.get(f"/districts?q=abad&cursor={plain}"), 422, "cursor")
    assert_problem(client.get(f"/districts?cursor={searched}"), 422, "cursor")
    for score in ("1.5", "-1", "NaN", "null", '"a"'):
        forged = f'{{"of":"matches","id":"AF2907","score":{score}}}'.encode()
        cursor = base64.urlsafe_b64encode(forged).decode().rstrip("=")
        assert_problem(client.get(f"/districts?q=abad&cursor={cursor}"), 422, "cursor")


def test_every_format_has_the_match(client: TestClient) -> None:
    item = ask(client, "/districts", q="Keisar", limit=1)["districts"][0]
    feature = client.get("/districts?q=Keisar&limit=1&f=geojson").json()["features"][0]
    assert feature["properties"]["match"] == item["match"]
    assert feature["geometry"]
    for q, match in (("Keisar", item["match"]), (None, {})):
        asked = {"f": "csv", "limit": 1} | ({"q": q} if q else {})
        row = next(csv.DictReader(io.StringIO(client.get("/districts", params=asked).text)))
        told = [row["match_name"], row["match_score"], row["match_how"]]
        assert told == [str(match.get(name, "")) for name in ("name", "score", "how")]


@pytest.mark.parametrize(
    ("lat", "lon", "expected"),
    [
        (35.69, 64.29, ["AF2907"]),
        (34.5178, 69.1508, ["AF0101"]),
        (0, 0, []),
        (-90, -180, []),
        (90, 180, []),
        (51.5, -0.1, []),
    ],
)
def test_a_point_lies_in_one_district(
    client: TestClient, lat: float, lon: float, expected: list[str]
) -> None:
    answer = ask(client, "/districts", lat=lat, lon=lon)
    assert [district["id"] for district in answer["districts"]] == expected
    assert answer["boundary_set"]["id"] == "af-voronoi"


def test_a_point_and_a_name_narrow_each_other(client: TestClient) -> None:
    assert found(client, q="qaysar", lat=35.69, lon=64.29) == [("AF2907", "exact")]
    assert found(client, q="shahrak", lat=35.69, lon=64.29) == []


def test_a_point_is_looked_for_in_the_set_that_is_asked_for(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with own_seeded.begin() as connection:
        for statement in (
            "INSERT INTO boundary_sets (id, country_code, name, dated, origin, licence,"
            " attribution, quality) SELECT 'turned', country_code, name, dated, origin, licence,"
            " attribution, quality FROM boundary_sets",
            # Each of the two has the shape of the other.
            "INSERT INTO district_shapes SELECT 'turned',"
            " CASE district_id WHEN 'AF2907' THEN 'AF0101' ELSE 'AF2907' END, geom"
            " FROM district_shapes WHERE district_id IN ('AF2907', 'AF0101')",
        ):
            connection.execute(text(statement))
    client = make_client(own_seeded)
    for name, expected in ((None, "AF2907"), ("af-voronoi", "AF2907"), ("turned", "AF0101")):
        answer = ask(client, "/districts", lat=35.69, lon=64.29, boundary_set=name)
        assert [district["id"] for district in answer["districts"]] == [expected]
    boxed = ask(client, "/districts", bbox="64.2,35.6,64.3,35.7", boundary_set="turned")
    assert [district["id"] for district in boxed["districts"]] == ["AF0101"]
    assert_problem(client.get("/districts?lat=35&lon=64&boundary_set=no"), 422, "boundary_set")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("lat=35", "lon"),
        ("lon=64", "lat"),
        ("lat=91&lon=64", "lat"),
        ("lat=-90.001&lon=64", "lat"),
        ("lat=35&lon=180.5", "lon"),
        ("lat=35&lon=-181", "lon"),
        ("lat=nan&lon=64", "lat"),
        ("lat=35&lon=inf", "lon"),
        ("lat=35&lon=", "lon"),
        ("lat=35,5&lon=64", "lat"),
        ("lat=35&lon=64&lon=65", "lon"),
    ],
)
def test_a_point_that_is_none_is_refused(client: TestClient, query: str, parameter: str) -> None:
    assert_problem(client.get(f"/districts?{query}"), 422, parameter)


def test_only_districts_are_listed_at_a_point(client: TestClient) -> None:
    for path in ("/control", "/events"):
        assert client.get(f"{path}?lat=35&lon=64").status_code == 422
