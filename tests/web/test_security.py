"""What browsers are told of every answer, and that no page needs more than it is told it may."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from app.api.http import MAX_BODY
from app.service import create_service
from app.settings import Settings
from app.web.assets import FOLDER
from app.web.pages import Page as Address
from tests.api.asking import OGC, READS, RECONCILING
from tests.web.conftest import Live, Watch

DATA = {
    **READS,
    **OGC,
    **{path: address for path, address in RECONCILING.items() if path != "/reconcile/preview"},
    "csv": "/control?f=csv",
    "geojson": "/control?f=geojson",
    "gpkg": "/control?f=gpkg",
    "ndjson, which is streamed": "/events?f=ndjson",
    "tile": "/tiles/6/43/25.mvt",
    "empty tile": "/tiles/6/0/0.mvt",
    "openapi": "/openapi.json",
    "health": "/healthz",
    "metrics": "/metrics",
    "a name that moved": "/districts/qaisar/control",
    "no such address": "/nothing",
    "no such district": "/districts/AF9999",
    "no such parameter": "/control?when=now",
    "no such format": "/control?f=docx",
    "no such file": "/static/nothing.js",
    "our script": f"/static/{next(iter(sorted(FOLDER.glob('*.js')))).name}",
    "the library": "/static/maplibre/maplibre-gl.js",
    "documentation's script": "/static-offline-docs/swagger-ui-bundle.js",
}
PAGES = (
    *("/", "/embed", "/enter", "/d/AF2907", "/p", "/p/AF29", "/d/AF9999", "/?as_of=never"),
    "/reconcile/preview?id=AF2907",
)
FRAMED = {"/embed", "/reconcile/preview?id=AF2907"}
"""Pages that are made for the frames of others."""
PATIENCE = 30_000
"""Milliseconds for Swagger UI, which takes seconds where others need the processor too."""


def policy_of(response: Response) -> dict[str, str]:
    """The directives of an answer's one Content-Security-Policy."""
    (policy,) = response.headers.get_list("content-security-policy")
    parts = [part.split(maxsplit=1) for part in policy.split(";")]
    return {name: " ".join(rest) for name, *rest in parts}


def assert_is_data(response: Response) -> None:
    """Browsers make nothing of the answer, show it in no frame, and let any page read it."""
    told = {name: response.headers.get_list(name) for name in response.headers}
    assert told["content-security-policy"] == ["default-src 'none'; frame-ancestors 'none'"]
    assert told["x-content-type-options"] == ["nosniff"]
    assert told["referrer-policy"] == ["no-referrer"]
    assert told["cross-origin-resource-policy"] == ["cross-origin"]


@pytest.mark.parametrize("address", DATA.values(), ids=DATA.keys())
def test_data_is_nothing_but_data(client: TestClient, address: str) -> None:
    response = client.get(address)
    assert not response.headers.get("content-type", "").startswith("text/html")
    assert_is_data(response)


def test_so_it_is_with_head_with_304_and_before_a_request_from_elsewhere(
    client: TestClient,
) -> None:
    assert_is_data(client.head("/summary"))
    tag = client.get("/summary").headers["etag"]
    unchanged = client.get("/summary", headers={"If-None-Match": tag})
    assert unchanged.status_code == 304
    assert_is_data(unchanged)
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    allowed = client.options("/summary", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert_is_data(allowed)


def test_so_it_is_with_what_is_refused(client: TestClient) -> None:
    for response, status in (
        (client.post("/events", json={}), 401),
        (client.get("/control", headers={"Authorization": "Bearer no"}), 401),
        (client.delete("/control"), 405),
        (client.post("/reconcile", data={"queries": "x" * MAX_BODY}), 413),
    ):
        assert response.status_code == status
        assert_is_data(response)


def test_so_it_is_with_what_nobody_expected(seeded: Engine) -> None:
    app = create_service(Settings(_env_file=None), seeded)

    def fail() -> None:
        raise ZeroDivisionError

    app.add_api_route("/fail", fail)
    # Before the pages, which take what nobody else does.
    response = TestClient(app, raise_server_exceptions=False).get("/fail")
    assert response.status_code == 500
    assert_is_data(response)


class Markup(HTMLParser):
    """What in a page a strict policy would not run or paint, and the number of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        # What machines read about a page is a script by name only: browsers run none of it.
        runs = tag == "script" and given.get("type") != "application/ld+json"
        if tag == "style" or (runs and "src" not in given):
            self.inline.append(f"<{tag}>")
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
            if (value or "").strip().lower().startswith("javascript:"):
                self.inline.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("address", PAGES)
def test_a_page_may_do_what_it_needs_and_no_more(client: TestClient, address: str) -> None:
    response = client.get(address)
    assert response.headers["content-type"].startswith("text/html")
    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in str(policy)
    assert policy["base-uri"] == "'none'"
    for directive, sources in policy.items():
        # No host but this one, under whatever name.
        known = r"'none'|'self'|data:|blob:|'sha256-[\w+/]+=*'"
        assert directive == "frame-ancestors" or re.fullmatch(rf"({known})( ({known}))*", sources)
    framed = policy.get("frame-ancestors", "*") == "*"
    assert framed == (address in FRAMED)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] in (
        "no-referrer",
        "same-origin",
        "strict-origin-when-cross-origin",
    )


@pytest.mark.parametrize("address", [page for page in PAGES if "preview" not in page])
def test_nothing_on_a_page_is_inline(client: TestClient, address: str) -> None:
    page = Markup(client.get(address).text)
    assert page.inline == []
    if address == "/":
        assert page.scripts > 0


def test_the_markup_of_a_page_is_read_rightly() -> None:
    page = Markup(
        "<script src=a></script><script type=application/ld+json>{}</script><script>b</script>"
        "<style>c</style><p style=d onclick=e></p>"
        "<a href=' JavaScript:f'>g</a>"
    )
    assert page.inline == [
        *("<script>", "<style>", "p style", "p onclick"),
        "a href= JavaScript:f",
    ]


def test_every_page_of_the_service_is_tested(seeded: Engine) -> None:
    routes = create_service(Settings(_env_file=None), seeded).routes
    pages = {route.path.replace("{id}", "") for route in routes if isinstance(route, Address)}
    tested = {re.sub(r"AF\d+$", "", page.partition("?")[0]) for page in PAGES}
    assert pages - tested == {"/static/colours.css"}


def test_the_documentation_runs_its_own_script_only(client: TestClient) -> None:
    response = client.get("/docs")
    policy = policy_of(response)
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", policy["script-src"])
    assert policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert Markup(response.text).inline == ["<script>"]


def test_the_documentation_works_within_its_policy(page: Page, service: Live) -> None:
    """The fixture `page` fails this test at a violated policy, or a request to another host."""
    page.goto(f"{service.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".dialog-ux .btn-done").click()
    operation = page.locator(".opblock-get").filter(
        has=page.locator('[data-path="/districts/{id}/control"]')
    )
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator('[data-param-name="as_of"] input').fill("2021-06-10")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    expect(answer).to_contain_text("Qaysar", timeout=PATIENCE)
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    with page.expect_download() as download:
        answer.get_by_text("Download").click()
    assert json.loads(download.value.path().read_text(encoding="utf-8"))["status"] == "controlled"


def test_the_documentation_says_so_when_it_is_broken(
    page: Page, service: Live, watch: Watch, make_client: Callable[[Engine], TestClient]
) -> None:
    """Whatever else gets into the page is not run: the policy is what protects it."""
    html = make_client(service.engine).get("/docs")
    more = html.text.replace("</body>", "<script>document.title = 'taken'</script></body>")
    watch.expected.append("Content Security Policy")
    page.route(
        f"{service.url}/docs",
        lambda route: route.fulfill(
            body=more, headers=dict(html.headers), content_type="text/html"
        ),
    )
    page.goto(f"{service.url}/docs")
    expect(page.locator(".opblock").first).to_be_visible(timeout=PATIENCE)
    expect(page).not_to_have_title("taken")
    assert any("Content Security Policy" in problem for problem in watch.problems)
