"""A name in a path leads to the place's own address, or says which places it may mean."""

from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from .asking import ask, assert_problem

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
