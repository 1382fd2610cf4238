"""The pages of districts and provinces: what they say is what the API says at the same clocks."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect
from sqlalchemy import Engine, text

from app.domain.words import written
from app.service import create_service
from app.settings import Settings
from app.store.keys import Scope
from app.web import phrases, reasons
from app.web.reading import Reading
from tests.api.asking import ask
from tests.api.writing import Desk, a_citation, an_event, at_version
from tests.services import make_token
from tests.web.conftest import PHONE, Live

from .conftest import OpenPage

VOID = ("meta", "link", "img", "input", "br", "hr")


class Html(HTMLParser):
    """A page as a reader meets it: its words, its links and what its head says."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.within: list[str] = []
        self.title = ""
        self.data = ""
        self.feed(source)
        self.text = " ".join(" ".join(self.words).split())
        assert self.within == [], "an element was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.within.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.within[-1:] == ["title"]:
            self.title += data
        elif self.within[-1:] == ["script"]:
            self.data += data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def hrefs(self) -> list[str]:
        return [link["href"] for link in self.all("a")]

    def meta(self, name: str) -> str:
        return next(m["content"] for m in self.all("meta") if name in m.values())


def read(client: TestClient, path: str, *, status: int = 200, **clocks: Any) -> Html:
    response = client.get(path, params=clocks or None)
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Html(response.text)


CLOCKS = [
    {},
    {"as_of": "2021-06-10"},
    {"as_of": "2021-06-20", "reported_by": "2021-06-08"},
    {"as_of": "2021-06-14T12:00+04:30", "min_confidence": "claimed"},
    {"as_of": "2021-08-15", "min_confidence": "confirmed"},
]


@pytest.mark.parametrize("clocks", CLOCKS)
@pytest.mark.parametrize("place", ["AF2907", "AF1904", "AF2711", "AF2506"])
def test_a_districts_page_says_what_the_api_says(
    client: TestClient, place: str, clocks: dict[str, Any]
) -> None:
    control = ask(client, f"/districts/{place}/control", **clocks)
    timeline = ask(client, f"/districts/{place}/timeline", **clocks)
    page = read(client, f"/d/{place}", **clocks)

    assert control["in_words"] in page.text
    assert page.meta("description") == control["in_words"] == page.meta("og:description")
    holder = control["controller"] and control["controller"]["name"]
    assert (f"controlled by the {holder}" if holder else control["status"]) in page.title
    assert page.title.endswith("· District Control")

    told = timeline["events"] + timeline["other_claims"]
    anchors = {tag["id"] for tag in page.all("article")}
    assert anchors == {f"event-{event['id']}" for event in told}
    for event in told:
        assert reasons.why_so_sure(event) in page.text
        for citation in event["citations"]:
            assert f"citation-{citation['id']}" in page.source
            assert citation["source"]["name"] in page.text
            if citation["title"]:
                assert " ".join(citation["title"].split()) in page.text
            if citation["url"]:
                assert citation["url"] in page.hrefs()
    for period in timeline["periods"]:
        assert phrases.label(period) in page.text
        if period["from"] and told:
            assert written(period["from"]) in page.text
    for other in control["other_claims"]:
        assert f"#event-{other['id']}" in page.hrefs()


@pytest.mark.parametrize("clocks", CLOCKS)
@pytest.mark.parametrize("place", ["AF29", "AF19"])
def test_a_provinces_page_says_what_the_api_says(
    client: TestClient, place: str, clocks: dict[str, Any]
) -> None:
    summary = ask(client, f"/provinces/{place}/summary", **clocks)
    districts = ask(client, "/districts", province=place, limit="1000", **clocks)["districts"]
    page = read(client, f"/p/{place}", **clocks)

    for total in summary["by_controller"]:
        assert f"{total['controller']['name']} {total['districts']}" in page.title
    told = ask(client, "/cite", province=place, **clocks)
    assert told["in_words"] == page.meta("description")
    assert page.meta("description") in page.text
    rows = re.findall(r"<tr>(.*?)</tr>", page.source, re.DOTALL)
    for district in districts:
        row = Html(next(r for r in rows if f"/d/{district['id']}" in r)).text
        assert phrases.label(district) in row
        assert not district["since"] or written(district["since"]) in row
        assert not district["confidence"] or district["confidence"] in row
        assert district["disputed"] is ("disputed" in row)
        assert district["is_provincial_capital"] is ("capital" in row)
        newest = district["last_reported"]
        assert (written(newest) if newest else "none") in row


def test_the_list_of_provinces_has_every_one_with_its_counts(client: TestClient) -> None:
    summary = ask(client, "/summary", as_of="2021-07-01")
    page = read(client, "/p", as_of="2021-07-01")
    for province in summary["provinces"]:
        assert f"/p/{province['province']['id']}?as_of=2021-07-01" in page.hrefs()
        assert phrases.in_short(province) in page.text


def test_an_unknown_district_is_said_to_be_unknown_and_not_contested(client: TestClient) -> None:
    page = read(client, "/d/AF0801", as_of="2021-08-15")
    assert "Bazarak (Panjsher): unknown, 15 August 2021" in page.title
    assert "Unknown is not contested" in page.text
    assert "No document on record says that Bazarak changed hands" in page.text
    assert not page.all("figure"), "there is nothing to draw"


def test_old_reports_are_said_to_be_old(client: TestClient) -> None:
    old = read(client, "/d/AF2907", as_of="2026-06-30")
    assert "No report for 5 years. The newest document" in old.text
    assert "?as_of=2021-06-30" in old.hrefs()
    assert "No report for" not in read(client, "/d/AF2907", as_of="2021-07-15").text
    assert "No report for" in read(client, "/p/AF29", as_of="2021-08-15").text


def test_names_lead_to_the_page_with_the_same_question(client: TestClient) -> None:
    for address, place in (
        ("/d/qaysar?as_of=2021-06-10&min_confidence=claimed", "/d/AF2907"),
        ("/d/%D9%82%DB%8C%D8%B5%D8%A7%D8%B1?as_of=2021-06-10", "/d/AF2907"),
        ("/p/ghor?reported_by=2021-06-08", "/p/AF23"),
    ):
        response = client.get(address)
        assert response.status_code == 307
        assert response.headers["location"] == f"{place}?{urlsplit(address).query}"


def test_a_service_below_another_address_leads_to_its_own_pages(seeded: Engine) -> None:
    app = create_service(Settings(_env_file=None), seeded)
    client = TestClient(app, root_path="/control", follow_redirects=False)
    moved = client.get("/control/d/qaysar?as_of=2021-06-10")
    assert moved.headers["location"] == "/control/d/AF2907?as_of=2021-06-10"
    page = read(client, moved.headers["location"])
    assert "/control/p/AF29?as_of=2021-06-10" in page.hrefs()
    assert page.meta("og:image").startswith("http://testserver/control/map.png?")
    permalink = next(h for h in page.hrefs() if h.startswith("http://testserver/"))
    assert permalink.startswith("http://testserver/control/d/AF2907?as_of=2021-06-10&known_at=")
    ours = [h for h in page.hrefs() if h.startswith("/")]
    assert all(h.startswith("/control/") for h in ours)


def test_an_ambiguous_name_is_answered_with_its_candidates(client: TestClient) -> None:
    candidates = client.get("/districts/kohistan/control").json()["candidates"]
    assert len(candidates) > 1
    page = read(client, "/d/kohistan", status=404, as_of="2021-06-10")
    for candidate in candidates:
        assert f"{candidate['id']}?as_of=2021-06-10" in page.hrefs()
        assert candidate["province"] in page.text


@pytest.mark.parametrize("path", ["/d/AF2907", "/p/AF29", "/p"])
def test_a_wrong_clock_is_a_page_that_names_the_field(client: TestClient, path: str) -> None:
    for name, value in (("as_of", "yesterday"), ("known_at", "2999-01-01")):
        page = read(client, path, status=422, **{name: value})
        assert f"{name} : " in page.text or f"{name}: " in page.text
        assert "<code>" + name + "</code>" in page.source


@pytest.mark.parametrize("path", ["/", "/embed", "/d/AF2907", "/p/AF29", "/p"])
def test_a_clock_given_twice_is_refused(client: TestClient, path: str) -> None:
    response = client.get(f"{path}?as_of=2021-06-01&as_of=2021-07-01")
    assert response.status_code == 422
    assert "as_of is given more than once" in response.text


def test_a_place_that_is_not_there_is_a_page(client: TestClient) -> None:
    assert "no district has the id" in read(client, "/d/AF9999", status=404).text
    assert "no province has the id" in read(client, "/p/%3Cscript%3E", status=404).text


def test_links_to_places_keep_the_clocks_and_nothing_else(client: TestClient) -> None:
    page = read(client, "/d/AF2907", as_of="2021-06-10", known_at="", utm_source="x")
    assert "/p/AF29?as_of=2021-06-10" in page.hrefs()
    assert "/d/AF2904?as_of=2021-06-10" in page.hrefs()
    assert "/?district=AF2907&as_of=2021-06-10" in page.hrefs()
    assert "utm_source" not in page.source
    assert "/enter?task=new&district=AF2907" in page.hrefs()
    assert any(h.startswith("/enter?task=cite&event=") for h in page.hrefs())


def test_what_is_shared_of_a_page_is_its_sentence_and_a_fixed_map(client: TestClient) -> None:
    for path, place in (("/d/AF2907", "AF29"), ("/p/AF29", "AF29")):
        page = read(client, path, as_of="2021-06-10")
        image = urlsplit(page.meta("og:image"))
        assert image.scheme == "http" and image.netloc and image.path == "/map.png"
        asked = parse_qs(image.query)
        assert asked["province"] == [place] and asked["as_of"] == ["2021-06-10"]
        assert asked["known_at"], "a shared picture must not change later"
        assert page.meta("og:image:alt").startswith("Map of Faryab on 10 June 2021")
        assert page.meta("twitter:card") == "summary_large_image"
        links = {link["rel"]: link["href"] for link in page.all("link") if "type" not in link}
        assert links["canonical"] == f"http://testserver{path}?as_of=2021-06-10"
        data = [link for link in page.all("link") if link.get("type") == "application/json"]
        assert client.get(data[0]["href"]).status_code == 200


@pytest.mark.parametrize("clocks", CLOCKS)
def test_the_fixed_addresses_of_a_page_give_the_very_answer(
    client: TestClient, clocks: dict[str, Any]
) -> None:
    page = read(client, "/d/AF1904", **clocks)
    permalink = next(h for h in page.hrefs() if h.startswith("http://testserver/"))
    assert read(client, permalink).meta("description") == page.meta("description")
    data = [link for link in page.all("link") if link.get("type") == "application/json"]
    assert client.get(data[0]["href"]).json()["in_words"] == page.meta("description")
    events = [h for h in page.hrefs() if h.startswith("/events/")]
    assert all(client.get(address).status_code == 200 for address in events)
    assert events or "unknown" in page.title


def test_the_data_for_search_engines_names_the_place_and_its_sources(client: TestClient) -> None:
    page = read(client, "/d/AF2907", as_of="2021-06-10")
    linked = json.loads(page.data)
    assert linked["about"]["identifier"] == "AF2907"
    assert linked["description"] in page.text
    assert all(address in page.hrefs() for address in linked["citation"])


def test_links_to_other_sites_lead_to_the_web_and_tell_them_nothing(client: TestClient) -> None:
    page = read(client, "/d/AF2711")
    outside = [link for link in page.all("a") if "://" in link["href"]]
    assert len(outside) > 3
    for link in outside:
        if not link["href"].startswith("http://testserver"):
            assert link["rel"] == "noopener noreferrer external"
            assert link["href"].startswith(("http://", "https://"))


def test_pages_have_no_style_and_no_script_of_their_own(client: TestClient) -> None:
    for path in ("/d/AF1904", "/p/AF19", "/p"):
        page = read(client, path)
        assert not [attributes for _, attributes in page.tags if "style" in attributes]
        assert not page.all("style")
        scripts = [attributes.get("type") for attributes in page.all("script")]
        assert scripts == (["application/ld+json"] if path.startswith("/d/") else [])


@pytest.mark.parametrize("path", ["/d/AF1904", "/d/AF0801", "/p/AF19", "/p/AF08", "/p"])
def test_what_a_page_refers_to_by_id_is_there_once(client: TestClient, path: str) -> None:
    page = read(client, path)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids
    assert all(h[1:] in ids for h in page.hrefs() if h.startswith("#"))
    assert all("scope" in cell for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(image["alt"] for image in page.all("img"))


Question = tuple[str, dict[str, str]]


@pytest.fixture
def asked_of(seeded: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Question]]:
    """Asks for a page, and gives the questions that it put to the API."""
    asked: list[Question] = []
    ask_api = Reading._ask

    async def noting(self: Reading, path: str, query: dict[str, str]) -> Any:
        asked.append((path, query))
        return await ask_api(self, path, query)

    monkeypatch.setattr(Reading, "_ask", noting)
    client = TestClient(create_service(Settings(_env_file=None), seeded))

    def of(path: str) -> list[Question]:
        asked.clear()
        assert client.get(path).status_code == 200
        return list(asked)

    return of


def test_a_page_asks_few_questions_however_much_there_is_to_tell(
    asked_of: Callable[[str], list[Question]],
) -> None:
    busy, silent = asked_of("/d/AF1904"), asked_of("/d/AF0801")
    assert len(busy) == len(silent) <= 7
    assert len(asked_of("/p/AF17")) == len(asked_of("/p/AF08")) <= 6
    assert len(asked_of("/p")) <= 3


def test_all_questions_of_a_page_are_asked_at_the_clocks_of_the_first_answer(
    asked_of: Callable[[str], list[Question]],
) -> None:
    # Midnight, or a new report, may come between two of them.
    _, *after = [query for _, query in asked_of("/d/AF1904")]
    later = [query for query in after if query.keys() - {"min_revision"}]
    assert len(later) >= 4
    assert len({(query["as_of"], query["known_at"]) for query in later}) == 1
    # And a replica that is asked after another may be behind it.
    assert len({query["min_revision"] for query in after}) == 1


@pytest.fixture
def desk(own_seeded: Engine) -> TestClient:
    """A client that may write, on a database of its own."""
    token = make_token(own_seeded, "ann", Scope.ADMIN)
    settings = Settings(_env_file=None, rate_limit_reads="off", rate_limit_writes="off")
    headers = {"Authorization": f"Bearer {token}"}
    return TestClient(create_service(settings, own_seeded), headers=headers, follow_redirects=False)


HOSTILE = """</title></script><script>alert(1)</script>"'><img src=x onerror=alert(2)>"""


def _record(desk: TestClient, **members: Any) -> dict[str, Any]:
    response = desk.post("/events", json=an_event(**members))
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_hostile_words_of_a_document_stay_words(desk: TestClient) -> None:
    document = a_citation(
        title=HOSTILE,
        place_as_written=HOSTILE[:100],
        note=HOSTILE,
        url='https://example.org/"><script>alert(3)</script>',
    )
    _record(desk, citations=[document])
    for path in ("/d/AF0102", "/p/AF01"):
        page = read(desk, path, as_of="2021-08-31")
        assert [s.get("type") for s in page.all("script")] in ([], ["application/ld+json"])
        assert all(image["src"].startswith("/map.svg") for image in page.all("img"))
    shown = read(desk, "/d/AF0102", as_of="2021-08-31")
    assert HOSTILE in shown.text
    assert json.loads(shown.data)["citation"] == [document["url"]]


def test_an_address_that_a_browser_would_run_cannot_be_recorded_and_is_no_link(
    desk: TestClient,
) -> None:
    document = a_citation(url="javascript:alert(1)")
    assert desk.post("/events", json=an_event(citations=[document])).status_code == 422
    assert phrases.web_address("javascript:alert(1)") is None
    assert phrases.web_address("https://example.org/") == "https://example.org/"


def test_a_correction_shows_with_its_reason_and_not_at_an_earlier_known_at(
    desk: TestClient, own_seeded: Engine
) -> None:
    event = _record(desk)
    before = ask(desk, "/districts/AF0102/control", as_of="2021-08-31")["known_at"]
    earlier = read(desk, "/d/AF0102", as_of="2021-08-31", known_at=before)
    assert "controlled by the Taliban since 1 July 2021" in earlier.text
    assert "What was changed" not in earlier.text

    body = {"kind": "recapture", "controller": "afghan-government", "reason": "it was the others"}
    corrected = desk.post(
        f"/events/{event['id']}/corrections",
        json=body,
        headers=at_version(event["event"]["version"]),
    )
    assert corrected.status_code == 201, corrected.text

    now = read(desk, "/d/AF0102", as_of="2021-08-31")
    assert "controlled by the Afghan government" in now.title
    assert "corrected by ann. The reason given: it was the others" in now.text
    again = read(desk, "/d/AF0102", as_of="2021-08-31", known_at=before)
    assert again.source == earlier.source


def test_histories_of_corrected_events_are_told_for_the_newest_few(
    desk: TestClient, own_seeded: Engine
) -> None:
    for day in range(1, 7):
        dated = [a_citation(asserted=f"2021-07-0{day}", published=f"2021-07-0{day}")]
        event = _record(desk, citations=dated)
        body = {"day_order": 1, "reason": f"reason {day}"}
        corrected = desk.post(
            f"/events/{event['id']}/corrections",
            json=body,
            headers=at_version(event["event"]["version"]),
        )
        assert corrected.status_code == 201, corrected.text
    page = read(desk, "/d/AF0102", as_of="2021-08-31")
    told = [day for day in range(1, 7) if f"reason {day}" in page.text]
    assert told == [4, 5, 6]


def test_a_retracted_event_is_not_told_any_more(desk: TestClient) -> None:
    event = _record(desk)
    response = desk.post(
        f"/events/{event['id']}/retraction",
        json={"reason": "it was a mistake"},
        headers=at_version(event["event"]["version"]),
    )
    assert response.status_code == 201, response.text
    page = read(desk, "/d/AF0102", as_of="2021-08-31")
    assert not page.all("article")
    assert "unknown" in page.title


def test_a_country_without_shapes_has_its_pages(own_seeded: Engine) -> None:
    with own_seeded.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO countries (code, name, time_zone) VALUES ('XX', 'Nowhere', 'UTC');"
                "INSERT INTO provinces (id, country_code, name) VALUES ('XX01', 'XX', 'One');"
                "INSERT INTO districts (id, province_id, name)"
                " VALUES ('XX0101', 'XX01', 'Somewhere')"
            )
        )
    client = TestClient(create_service(Settings(_env_file=None), own_seeded))
    page = read(client, "/d/XX0101")
    assert "Somewhere (One): unknown" in page.title
    assert "Neighbours" not in page.text
    assert "country=XX" in page.meta("og:image")
    assert "Somewhere" in read(client, "/p/XX01").text
    assert "One" in read(client, "/p", country="XX").text


def test_a_person_without_scripts_goes_from_the_list_to_a_document(
    open_page: OpenPage, service: Live
) -> None:
    page: BrowserPage = open_page(viewport=PHONE, java_script_enabled=False)
    page.goto(f"{service.url}/p?as_of=2021-08-15")
    page.get_by_role("link", name="Faryab").click()
    page.get_by_role("table").get_by_role("link", name="Qaysar").first.click()
    expect(page).to_have_title(re.compile(r"Qaysar \(Faryab\): .*Taliban, 15 August 2021"))

    page.get_by_label("Date asked about").fill("2021-06-01")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_title(re.compile("unknown, 1 June 2021"))
    page.go_back()

    expect(page.get_by_role("img", name="Timeline of Qaysar")).to_be_visible()
    event = page.get_by_role("article", name=re.compile("Captured by the Taliban"))
    page.get_by_role("link", name="Event 1").first.click()
    expect(page).to_have_url(re.compile("#event-"))
    expect(event.get_by_role("heading")).to_be_in_viewport()
    expect(event.get_by_role("link", name="Read it at kabulnow.com").first).to_be_visible()
    body = page.locator("main").bounding_box()
    assert body and body["width"] <= PHONE["width"], "the page scrolls sideways"


def test_a_document_with_an_odd_address_spoils_no_page(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    desk, pages = Desk.on(own_seeded), make_client(own_seeded)
    recorded = desk.record(district="AF2908", citations=[a_citation(url="http://[x")])
    page = pages.get("/d/AF2908")
    assert page.status_code == 200
    assert "http://[x" in page.text
    # A corrected event is asked about by itself, and takes no country.
    corrected = desk.ann.post(
        f"/events/{recorded['id']}/corrections",
        json={"reason": "it was no capture", "kind": "transfer"},
        headers={"If-Match": '"1"'},
    )
    assert corrected.status_code < 300, corrected.text
    assert "it was no capture" in pages.get("/d/AF2908?country=AF").text


@pytest.mark.parametrize("path", ["/d/%2e%2e", "/p/%2e%2e", "/d/%2e", "/p/%2e"])
def test_an_address_leads_nowhere_else(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_another_day_is_asked_about_in_the_same_way(client: TestClient) -> None:
    asked = {"reported_by": "2025-01-01", "min_confidence": "claimed"}
    page = read(client, "/d/AF2907", **asked)
    (earlier,) = [h for h in page.hrefs() if h.startswith("?") and "as_of=2021-06-30" in h]
    assert dict(parse_qsl(earlier[1:])) == asked | {"as_of": "2021-06-30"}


def test_a_refused_key_is_said_as_the_api_says_it(client: TestClient) -> None:
    for key in (b"Bearer dc_no_key", "Bearer \u00e9".encode()):
        page = client.get("/d/AF2907", headers={"Authorization": key})
        assert page.status_code == 401
        assert page.headers["www-authenticate"].startswith("Bearer")
