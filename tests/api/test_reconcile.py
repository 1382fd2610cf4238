"""The W3C Reconciliation API 0.2: its schemas, a table of misspelt names, bad input."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.api.schemas.reconcile import BATCH
from app.store.engine import make_engine
from app.store.keys import Scope

from ..services import make_token
from .asking import RECONCILING, Answer, ask, assert_problem
from .writing import client_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TYPES = [{"id": "district", "name": "District"}, {"id": "province", "name": "Province"}]


def post(client: TestClient, queries: object) -> Response:
    text = queries if isinstance(queries, str) else json.dumps(queries)
    return client.post("/reconcile", data={"queries": text})


def reconcile(client: TestClient, queries: dict[str, Any]) -> dict[str, list[Answer]]:
    """The candidates for each query, held against what the specification says of them."""
    response = post(client, queries)
    assert response.status_code == 200, response.text
    answers = response.json()
    assert answers.keys() == queries.keys()
    for answer in answers.values():
        assert answer.keys() == {"result"}
        scores = []
        for candidate in answer["result"]:
            assert {"id", "name", "score", "match", "type"} <= candidate.keys()
            assert candidate.keys() <= {
                *("id", "name", "description", "score", "features", "match", "type")
            }
            assert isinstance(candidate["id"], str)
            assert candidate["name"]
            assert isinstance(candidate["name"], str)
            assert isinstance(candidate["description"], str)
            assert isinstance(candidate["match"], bool)
            assert candidate["type"][0] in TYPES
            assert 0 < candidate["score"] <= 100
            scores.append(candidate["score"])
        assert scores == sorted(scores, reverse=True)
        assert sum(candidate["match"] for candidate in answer["result"]) <= 1
    return {name: answer["result"] for name, answer in answers.items()}


def ids(candidates: list[Answer]) -> list[str]:
    return [candidate["id"] for candidate in candidates]


# The manifest -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest(client: TestClient) -> Answer:
    return ask(client, "/reconcile")


def test_the_manifest_has_what_the_specification_asks_for(manifest: Answer) -> None:
    assert "0.2" in manifest["versions"]
    for name in ("name", "identifierSpace", "schemaSpace", "documentation", "serviceVersion"):
        assert manifest[name]
        assert isinstance(manifest[name], str)
    for name in ("identifierSpace", "schemaSpace", "documentation"):
        assert manifest[name].startswith("http://testserver/")
    assert manifest["defaultTypes"] == TYPES
    assert "{{id}}" in manifest["view"]["url"]
    assert "{{id}}" in manifest["preview"]["url"]
    assert isinstance(manifest["preview"]["width"], int)
    assert isinstance(manifest["preview"]["height"], int)
    assert manifest["suggest"].keys() == {"entity", "type", "property"}
    assert manifest["batchSize"] == BATCH


def test_every_address_in_the_manifest_works(client: TestClient, manifest: Answer) -> None:
    assert client.get(manifest["documentation"]).status_code == 200
    for service in manifest["suggest"].values():
        address = service["service_url"] + service["service_path"]
        answer = client.get(address, params={"prefix": "p"})
        assert answer.status_code == 200
        assert isinstance(answer.json()["result"], list)
    for id_, leads_to in (("AF2907", "/districts/AF2907"), ("AF29", "/provinces/AF29")):
        preview = client.get(manifest["preview"]["url"].replace("{{id}}", id_))
        assert preview.headers["content-type"] == "text/html; charset=utf-8"
        view = client.get(manifest["view"]["url"].replace("{{id}}", id_))
        assert (view.status_code, view.headers["location"]) == (307, leads_to)
        assert client.get(leads_to).status_code == 200


def test_its_addresses_keep_the_prefix_that_a_proxy_gives(client: TestClient) -> None:
    behind = TestClient(client.app, root_path="/api/v1", follow_redirects=False)
    manifest = behind.get("/api/v1/reconcile").json()
    assert manifest["view"]["url"] == "http://testserver/api/v1/reconcile/view?id={{id}}"
    assert manifest["suggest"]["entity"]["service_url"] == "http://testserver/api/v1"
    view = behind.get("/api/v1/reconcile/view?id=AF2907")
    assert view.headers["location"] == "/api/v1/districts/AF2907"


# Queries ----------------------------------------------------------------------------------------

# As somebody may have typed them from newspapers: name, province, and the district that is meant.
SHEET = [
    ("Kaisar", "Faryab", "AF2907"),
    ("Sharak", "Ghor", "AF2306"),
    ("Kohistan", "Faryab", "AF2910"),
    ("Kohistan", "Badakhshan", "AF1708"),
    ("Spin Buldag", "Kandahar", "AF2711"),
    ("Khan-abad", "Kondoz", "AF1904"),
    ("Imam Saheb", "Kunduz", "AF1905"),
    ("Dashti Arche", "Kunduz", "AF1906"),
    ("Pule Khomri", "Baghlan", "AF0901"),
    ("Bala Morghab", "Badghis", "AF3105"),
    ("Qala e Naw", "Badghis", "AF3101"),
    ("Laskar Gah", "Helmand", "AF3001"),
    ("Nad-i-Ali", "Hilmand", "AF3002"),
    ("Mosa Qala", "Helmand", "AF3009"),
    ("Sherin Tagab", "Fariab", "AF2906"),
    ("Surkh Rud", "Nangarhar", "AF0603"),
    ("Mehterlam", "Laghman", "AF0701"),
    ("قیصار", "فاریاب", "AF2907"),
    ("سپین بولدک ولسوالي", "کندهار", "AF2711"),
    ("Shindan", "Herat", "AF3214"),
]


def asked(name: str, province: str | None = None, **more: Any) -> Answer:
    properties = [{"pid": "province", "v": province}] if province else []
    return {"query": name, "type": "district", "properties": properties} | more


def test_a_table_of_misspelt_names_is_matched(client: TestClient) -> None:
    queries = {f"q{row}": asked(name, place) for row, (name, place, _) in enumerate(SHEET)}
    answers = reconcile(client, queries)
    for row, (name, _, meant) in enumerate(SHEET):
        assert ids(answers[f"q{row}"])[:1] == [meant], (name, answers[f"q{row}"])
    sure = {
        row: candidate["id"]
        for row in range(len(SHEET))
        for candidate in answers[f"q{row}"]
        if candidate["match"]
    }
    assert all(SHEET[row][2] == id_ for row, id_ in sure.items())
    assert 4 <= len(sure) < len(SHEET)


def test_the_province_can_stand_in_the_same_cell(client: TestClient) -> None:
    answers = reconcile(
        client, {str(row): asked(f"{name}, {place}") for row, (name, place, _) in enumerate(SHEET)}
    )
    for row, (name, place, meant) in enumerate(SHEET):
        assert ids(answers[str(row)])[:1] == [meant], f"{name}, {place}"


def test_what_is_not_sure_is_never_a_match(client: TestClient) -> None:
    answers = reconcile(
        client,
        {
            "alias": asked("Kaysar"),
            "misspelt": asked("Kaisaar"),
            "two": asked("Kohistan"),
            "told apart": asked("Kohistan", "Faryab"),
            "unknown province": asked("Kohistan", "Atlantis"),
            "elsewhere": asked("Qaysar", "Ghor"),
            "id": asked("AF2907"),
            "nowhere": asked("Xyzzy"),
        },
    )
    matched = {
        name: candidate["id"]
        for name, candidates in answers.items()
        for candidate in candidates
        if candidate["match"]
    }
    assert matched == {"alias": "AF2907", "told apart": "AF2910", "id": "AF2907"}
    assert ids(answers["two"])[:2] == ["AF1708", "AF2910"]


def test_get_and_post_answer_the_same(client: TestClient) -> None:
    queries = json.dumps({"q0": asked("Kaysar"), "q1": asked("Kohistan", limit=2)})
    got = client.get("/reconcile", params={"queries": queries})
    assert got.status_code == 200
    assert got.json() == post(client, queries).json()
    assert len(got.json()["q1"]["result"]) == 2
    assert client.get("/reconcile", params={"queries": "{}"}).json() == {}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("district", {"AF0101"}),
        ("province", {"AF01"}),
        (["district", "province"], {"AF01", "AF0101"}),
        ([], {"AF01", "AF0101"}),
        (None, {"AF01", "AF0101"}),
    ],
)
def test_a_type_narrows_down(client: TestClient, kinds: object, expected: set[str]) -> None:
    query = {"query": "Kabul", "type_strict": "should"} | ({} if kinds is None else {"type": kinds})
    (candidates,) = reconcile(client, {"q": query}).values()
    best = {candidate["id"] for candidate in candidates if candidate["score"] == 100}
    assert best == expected
    assert any(candidate["match"] for candidate in candidates) == (len(expected) == 1)


@pytest.mark.parametrize(
    "value",
    [
        "Faryab",
        ["Faryab"],
        ["", "Faryab", None],
        {"id": "AF29", "name": "Faryab"},
        "af29",
        "AF-FYB",
    ],
)
def test_a_province_may_be_written_in_many_ways(client: TestClient, value: Any) -> None:
    if isinstance(value, list):
        value = [one for one in value if one is not None]
    query = {"query": "Kohistan", "properties": [{"pid": "province", "v": value}]}
    (candidates,) = reconcile(client, {"q": query}).values()
    assert [(c["id"], c["match"]) for c in candidates] == [("AF2910", True)]


@pytest.mark.parametrize(
    ("country", "number"), [("AF", 1), ("Afghanistan", 1), ("", 1), (1, 1), ("XX", 0)]
)
def test_a_country_narrows_down(client: TestClient, country: object, number: int) -> None:
    query = asked("Qaysar", limit=1)
    query["properties"] = [{"pid": "country", "v": country}]
    (candidates,) = reconcile(client, {"q": query}).values()
    assert len(candidates) == number


@pytest.mark.parametrize("name", ["", " ", "---", "\0", "?\n", "😀", "x" * 201, "'; DROP TABLE x"])
def test_a_cell_that_is_no_name_has_no_candidates(client: TestClient, name: str) -> None:
    answers = reconcile(client, {"q0": asked(name), "q1": asked("Qaysar")})
    assert answers["q0"] == [] or name.startswith("'")
    assert ids(answers["q1"])[0] == "AF2907"


def test_only_properties_are_a_query_without_candidates(client: TestClient) -> None:
    query = {"properties": [{"pid": "province", "v": "Faryab"}]}
    assert reconcile(client, {"q": query}) == {"q": []}


def test_a_whole_batch_fits(client: TestClient) -> None:
    answers = reconcile(client, {str(n): asked("Qaysar", limit=1) for n in range(BATCH)})
    assert all(ids(candidates) == ["AF2907"] for candidates in answers.values())


# Suggestions and previews -----------------------------------------------------------------------


def suggested(client: TestClient, what: str, **params: Any) -> list[Answer]:
    answer = ask(client, f"/reconcile/suggest/{what}", **params)
    assert answer.keys() == {"result"}
    for item in answer["result"]:
        assert item["id"]
        assert item["name"]
        assert item.keys() <= {"id", "name", "description", "notable"}
    found: list[Answer] = answer["result"]
    return found


@pytest.mark.parametrize("prefix", ["Qay", "qaysar", "قیص", "AF2907", "Kaisar"])
def test_places_are_suggested(client: TestClient, prefix: str) -> None:
    found = suggested(client, "entity", prefix=prefix)
    assert found[0]["id"] == "AF2907"
    assert found[0]["notable"] == [TYPES[0]]
    assert "Faryab" in found[0]["description"]


def test_suggestions_go_on_where_they_ended(client: TestClient) -> None:
    first = suggested(client, "entity", prefix="a")
    second = suggested(client, "entity", prefix="a", cursor=20)
    third = suggested(client, "entity", prefix="a", cursor=5)
    assert len(first) == len(second) == 20
    assert third == first[5:] + second[:5]
    assert not {item["id"] for item in first} & {item["id"] for item in second}
    assert suggested(client, "entity", prefix="a", cursor=10_000) == []
    assert suggested(client, "entity", prefix="--") == []


def test_suggestions_can_be_of_one_kind(client: TestClient) -> None:
    for kind in TYPES:
        found = suggested(client, "entity", prefix="kabul", type=kind["id"])
        assert {item["notable"][0]["id"] for item in found} == {kind["id"]}


def test_types_and_properties_are_suggested(client: TestClient) -> None:
    assert suggested(client, "type", prefix="dis") == [TYPES[0]]
    assert [item["id"] for item in suggested(client, "property", prefix="c")] == [
        "province",
        "country",
    ]
    assert suggested(client, "property", prefix="population") == []


def test_suggestions_take_what_openrefine_sends_along(client: TestClient) -> None:
    asked = "prefix=qay&spell=always&exact=false&prefixed=true&type=district&schema=x&key=&_=1"
    assert client.get(f"/reconcile/suggest/entity?{asked}").json()["result"][0]["id"] == "AF2907"


class Page(HTMLParser):
    """The tags of a page, and what it says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.told = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href", "style"} & {name for name, _ in attrs}
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.told += data


def test_a_preview_says_who_holds_the_place(client: TestClient) -> None:
    response = client.get("/reconcile/preview?id=AF2907")
    told = Page(response.text).told
    for part in ("Qaysar", "قیصار", "Faryab", "Held by Taliban since 2021-06-06", "confirmed"):
        assert part in told
    assert "unknown" in Page(client.get("/reconcile/preview?id=AF0102").text).told.lower()
    assert "14 districts" in Page(client.get("/reconcile/preview?id=AF29").text).told


def test_a_preview_loads_nothing_and_runs_nothing(client: TestClient) -> None:
    response = client.get("/reconcile/preview?id=AF2907")
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    # It is made to be shown in the frames of others.
    assert "frame-ancestors" not in policy
    assert "x-frame-options" not in response.headers
    tags = Page(response.text).tags
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(tags)
    assert not re.search(r"https?://", response.text)


def test_names_are_escaped(own_seeded: Engine, make_client: Callable[[Engine], TestClient]) -> None:
    nasty = "<script>alert(1)</script>&\"'"
    with own_seeded.begin() as connection:
        connection.execute(
            text(
                "WITH one AS (UPDATE districts SET name = :name, name_local = :name"
                " WHERE id = 'AF2907') UPDATE provinces SET name = :name WHERE id = 'AF29'"
            ),
            {"name": nasty},
        )
    client = make_client(own_seeded)
    for id_ in ("AF2907", "AF29"):
        page = client.get(f"/reconcile/preview?id={id_}")
        assert "script" not in Page(page.text).tags
        assert nasty in Page(page.text).told


# Access and errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECONCILING.values())
def test_pages_of_others_may_ask(client: TestClient, path: str) -> None:
    for status, address in ((None, path), (404, "/reconcile/none")):
        response = client.get(address, headers={"Origin": "http://127.0.0.1:3333"})
        assert response.headers["access-control-allow-origin"] == "*"
        assert status in (None, response.status_code)


def test_pages_of_others_may_post(client: TestClient) -> None:
    headers = {"Origin": "http://127.0.0.1:3333"}
    preflight = client.options(
        "/reconcile", headers=headers | {"Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 200
    response = client.post("/reconcile", data={"queries": "{}"}, headers=headers)
    assert (response.status_code, response.json()) == (200, {})
    assert response.headers["access-control-allow-origin"] == "*"


def test_asking_needs_no_key_and_records_nothing(client: TestClient, seeded: Engine) -> None:
    count = text("SELECT (SELECT count(*) FROM revisions), (SELECT count(*) FROM given_answers)")
    with seeded.connect() as connection:
        before = connection.execute(count).one()
    post(client, {"q": asked("Qaysar")})
    with seeded.connect() as connection:
        assert connection.execute(count).one() == before


def test_a_closed_service_asks_for_a_key_that_reads(own_seeded: Engine) -> None:
    strange = client_of(own_seeded, reads_need_key=True)
    for path in RECONCILING.values():
        assert_problem(strange.get(path), 401)
    assert_problem(post(strange, {"q": asked("Qaysar")}), 401)
    # Nothing of what a stranger sends is read.
    assert_problem(strange.post("/reconcile", content=b"{", headers=FORM), 401)
    reader = client_of(own_seeded, make_token(own_seeded, "desk", Scope.READ), reads_need_key=True)
    assert ids(reconcile(reader, {"q": asked("Qaysar")})["q"])[0] == "AF2907"


def test_posted_queries_count_as_reads(own_seeded: Engine) -> None:
    few = client_of(own_seeded, rate_limit_reads="2/hour", rate_limit_writes="off")
    assert few.get("/reconcile").status_code == 200
    assert post(few, {}).status_code == 200
    assert assert_problem(post(few, {}), 429)["detail"].startswith("the limit for reads")
    none = client_of(own_seeded, rate_limit_reads="off", rate_limit_writes="1/hour")
    assert [post(none, {}).status_code for _ in range(3)] == [200] * 3


BAD: list[tuple[object, str]] = [
    ("", "JSON"),
    ("[", "JSON"),
    ("[]", "object"),
    ("null", "object"),
    ({"q0": {}}, "q0"),
    ({"q0": {"query": 1}}, "q0.query"),
    ({"q0": {"query": "a", "limit": 0}}, "q0.limit"),
    ({"q0": {"query": "a", "limit": 1001}}, "q0.limit"),
    ({"q0": {"query": "a", "limit": "many"}}, "q0.limit"),
    ({"q0": {"query": "a", "type": "city"}}, "q0.type"),
    ({"q0": {"query": "a", "type": ["district", "city"]}}, "q0.type"),
    ({"q0": {"query": "a", "type_strict": "must"}}, "q0.type_strict"),
    ({"q0": {"query": "a", "colour": "red"}}, "q0.colour"),
    ({"q0": {"query": "a", "properties": [{"pid": "river", "v": "Oxus"}]}}, "q0.properties"),
    ({"q0": {"query": "a", "properties": [{"pid": "province"}]}}, "q0.properties"),
    ({"q0": {"query": "a" * 10_001}}, "q0.query"),
    ({str(n): {"query": "a"} for n in range(BATCH + 1)}, str(BATCH)),
    ('{"q0": {"query": "\\ud800"}}', "JSON"),
]


@pytest.mark.parametrize(("queries", "told"), BAD, ids=range(len(BAD)))
def test_queries_that_are_none_are_refused(client: TestClient, queries: object, told: str) -> None:
    problem = assert_problem(post(client, queries), 422, "queries")
    assert told in problem["detail"]
    assert "pydantic" not in problem["detail"]
    if len(str(queries)) < 1000:
        written = queries if isinstance(queries, str) else json.dumps(queries)
        assert_problem(client.get("/reconcile", params={"queries": written}), 422, "queries")


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"", "queries"),
        (b"queries={}&queries={}", "queries"),
        (b"queries=%ff", "queries"),
        (b"\xff", "queries"),
        (b"queries={}&extend={}", "extend"),
        (b"colour=red", "colour"),
        (b"&".join([b"queries={}"] * 20), "queries"),
    ],
)
def test_a_form_that_is_none_is_refused(client: TestClient, body: bytes, parameter: str) -> None:
    assert_problem(client.post("/reconcile", content=body, headers=FORM), 422, parameter)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "", None])
def test_another_kind_of_body_is_refused(client: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    response = client.post("/reconcile", content=b"queries={}", headers=headers)
    assert_problem(response, 415)
    assert response.headers["accept-post"] == FORM["Content-Type"]


def test_a_form_may_name_its_character_set(client: TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    answer = client.post("/reconcile", content=b"queries={}", headers=headers)
    assert answer.status_code == 200


def test_a_body_that_is_too_long_is_refused(client: TestClient) -> None:
    assert_problem(post(client, "x" * (1 << 20)), 413)


@pytest.mark.parametrize(
    ("address", "status", "parameter"),
    [
        ("/reconcile?callback=f", 422, "callback"),
        ("/reconcile?queries={}&queries={}", 422, "queries"),
        ("/reconcile/suggest/entity", 422, "prefix"),
        ("/reconcile/suggest/entity?prefix=", 422, "prefix"),
        ("/reconcile/suggest/entity?prefix=a&cursor=-1", 422, "cursor"),
        ("/reconcile/suggest/entity?prefix=a&cursor=10001", 422, "cursor"),
        ("/reconcile/suggest/entity?prefix=a&type=city", 422, "type"),
        ("/reconcile/suggest/type?prefix=a%00", 422, "prefix"),
        ("/reconcile/preview", 422, "id"),
        ("/reconcile/preview?id=<b>", 422, "id"),
        ("/reconcile/preview?id=AF99", 404, "id"),
        ("/reconcile/view?id=AF9999", 404, "id"),
        ("/reconcile/view?id=AF2907&x=1", 422, "x"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, address: str, status: int, parameter: str
) -> None:
    assert_problem(client.get(address), status, parameter)


def test_without_a_database_it_is_a_503(blank_url: str) -> None:
    engine = make_engine(blank_url)
    assert_problem(post(client_of(engine), {"q": asked("Qaysar")}), 503)
    engine.dispose()


def test_long_cells_of_provinces_stall_nothing(client: TestClient) -> None:
    """What is no name of a province is not read to its end, and leaves nothing sure."""
    long = ["ha" * 4990 + "b" + str(number) for number in range(40)]
    query = {"query": "Qaysar", "properties": [{"pid": "province", "v": long}]}
    answer = client.post("/reconcile", data={"queries": json.dumps({"q": query})})
    assert answer.status_code == 200
    assert not any(found["match"] for found in answer.json()["q"]["result"])
