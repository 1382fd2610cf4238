"""HEAD, entity tags, 304, and what browsers on other pages may read."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import record
from app.store.engine import writing

from .asking import OGC, PICTURES, READS, WRITES

ADDRESSES = [
    *READS.values(),
    *OGC.values(),
    *PICTURES.values(),
    "/control?f=csv",
    "/control?f=geojson",
    "/docs",
    "/openapi.json",
    "/static-offline-docs/swagger-ui.css",
]


@pytest.mark.parametrize("address", [*ADDRESSES, "/healthz", "/readyz", "/districts/qaisar", "/no"])
def test_head_is_get_without_the_body(client: TestClient, address: str) -> None:
    get, head = client.get(address), client.head(address)
    assert head.status_code == get.status_code
    assert head.content == b""
    changing = {"x-request-id", "date", "cache-status"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_client_that_has_the_answer_gets_a_304(client: TestClient, address: str) -> None:
    first = client.get(address)
    etag = first.headers["etag"]
    assert etag.startswith('"')  # strong
    assert etag.endswith('"')
    for tags in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(address, headers={"If-None-Match": tags})
        assert again.status_code == 304, tags
        assert again.content == b""
        assert again.headers["etag"] == etag
        assert "content-length" not in again.headers
    for tags in ('"other"', etag.strip('"'), ""):
        assert client.get(address, headers={"If-None-Match": tags}).status_code == 200


def test_each_format_has_a_tag_of_its_own(client: TestClient) -> None:
    tags = {client.get(f"/control?f={f}").headers["etag"] for f in ("json", "geojson", "csv")}
    assert len(tags) == 3


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_whole_export_has_no_tag_and_a_page_of_it_has(client: TestClient, form: str) -> None:
    whole = client.get(f"/events?f={form}", headers={"If-None-Match": "*"})
    assert whole.status_code == 200
    assert "etag" not in whole.headers
    assert whole.headers["cache-control"] == "no-store"
    page = client.get(f"/events?f={form}&limit=1000")
    assert page.content == whole.content
    has = {"If-None-Match": page.headers["etag"]}
    assert client.get(f"/events?f={form}&limit=1000", headers=has).status_code == 304


def test_errors_carry_no_tag(client: TestClient) -> None:
    for address in ("/control?limit=0", "/districts/none", "/nothing"):
        response = client.get(address, headers={"If-None-Match": "*"})
        assert response.status_code >= 400
        assert "etag" not in response.headers
        assert response.content


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
def test_health_is_never_answered_from_a_cache(client: TestClient, address: str) -> None:
    response = client.get(address, headers={"If-None-Match": "*"})
    assert response.status_code == 200
    assert "etag" not in response.headers


def test_a_recorded_change_changes_the_tag_unless_known_at_is_fixed(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    first = client.get("/districts/AF0102/control?as_of=2021-07-10")
    fixed = f"/districts/AF0102/control?as_of=2021-07-10&known_at={first.json()['known_at']}"
    assert client.get(fixed).headers["etag"] == first.headers["etag"]
    citation = Citation(
        Stance.SUPPORTS, "kabul-now", "Kabul Now", "2021-07-03", Basis.JOURNALIST, "2021-07-02"
    )
    content = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    with writing(own_seeded) as connection:
        record(connection, "AF0102", content, (citation,), author="test")
    has = {"If-None-Match": first.headers["etag"]}
    changed = client.get("/districts/AF0102/control?as_of=2021-07-10", headers=has)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert client.get(fixed, headers=has).status_code == 304


@pytest.mark.parametrize(
    "address", ["/control", "/control?limit=0", "/nothing", "/districts/qaisar"]
)
def test_pages_of_other_sites_may_read_every_answer(client: TestClient, address: str) -> None:
    response = client.get(address, headers={"Origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"]
    assert {"ETag", "Link", "Location", "X-Request-ID"} <= set(exposed.split(", "))


@pytest.mark.parametrize("address", WRITES.values())
def test_pages_of_other_sites_may_write_with_a_key(client: TestClient, address: str) -> None:
    headers = "authorization,content-type,idempotency-key,if-match"
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    response = client.options(address, headers=asked)
    assert response.status_code == 200
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].lower()
    assert set(headers.split(",")) <= set(allowed.split(", ")) | set(allowed.split(","))
    refused = client.post(address, json={}, headers={"Origin": "https://example.org"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


def test_pages_of_other_sites_may_send_a_tag(client: TestClient) -> None:
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    response = client.options("/control", headers=asked)
    assert response.status_code == 200
    assert "GET" in response.headers["access-control-allow-methods"]
    assert "if-none-match" in response.headers["access-control-allow-headers"].lower()
