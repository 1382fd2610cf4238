"""What stands beside the map: each part says what the API says at the same clocks."""

import re
from collections import Counter
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from playwright.sync_api import Locator, Page, expect

from app.domain.words import dated, written
from app.web import phrases, reasons
from tests.api.asking import Answer, ask, outcome
from tests.web.conftest import PHONE, Live, OpenPage
from tests.web.opening import opened, set_clocks

NAMES = {"taliban": "Taliban", "afghan-government": "Afghan government"}


def counts_of(point: Answer) -> dict[str, int]:
    """The counts of `/series` under the names that the page has for them; without zeros."""
    held = {NAMES[party]: number for party, number in point["by_controller"].items()}
    every = held | {"contested": point["contested"], "unknown": point["unknown"]}
    return {name: number for name, number in every.items() if number}


def key_of(chart: Locator) -> dict[str, int]:
    rows = [row.rsplit(maxsplit=1) for row in chart.locator(".chart-key li").all_inner_texts()]
    return {name.strip(): int(number) for name, number in rows if int(number)}


def test_the_chart_has_the_figures_of_the_series(
    page: Page, service: Live, client: TestClient
) -> None:
    opened(page, service, "as_of=2021-06-20")
    chart = page.locator("#chart")
    for reported_by in (None, "2021-06-15", "2021-07-02", "2021-05-01"):
        for day in ("2021-04-30", "2021-05-20", "2021-06-06", "2021-06-22", "2021-08-15"):
            set_clocks(page, asOf=day, reportedBy=reported_by)
            (point,) = ask(client, "/series", from_=day, to=day, reported_by=reported_by)["points"]
            assert key_of(chart) == counts_of(point), (day, reported_by)
            expect(chart).to_contain_text(f"On {written(day)}")
            expect(chart).to_contain_text(f"{point['unknown']} unknown")

    # What is drawn is as high as it should be: the axis says how high one district is.
    set_clocks(page, reportedBy=None, asOf="2021-06-20")
    days = ask(client, "/series", from_="2021-05-03", to="2021-08-23")["points"]
    drawn = """() => {
      const levels = [...document.querySelectorAll('.chart-levels line')];
      const texts = [...document.querySelectorAll('.chart-levels text')];
      const y = (line) => Number(line.getAttribute('y1'));
      const one = (y(levels[0]) - y(levels.at(-1))) / Number(texts.at(-1).textContent);
      const layers = [...document.querySelectorAll('.chart-layers path:not(.chart-edge)')];
      const bottom = y(levels[0]);
      return layers.map((layer) => Math.round((bottom - layer.getBBox().y) / one));
    }"""
    known = [sum(p["by_controller"].values()) + p["contested"] for p in days]
    taliban = [p["by_controller"].get("taliban", 0) for p in days]
    assert page.evaluate(drawn)[0] == max(taliban)
    assert page.evaluate(drawn)[-1] == max(known)
    chart.get_by_role("button", name="Show unknown").click()
    assert page.evaluate(drawn)[-1] == 401

    # A click shows that day, and the line stands there.
    plot = chart.locator(".chart-plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 80)
    shown = page.evaluate("window.districtControl.store.get().asOf")
    assert date(2021, 7, 10) < date.fromisoformat(shown) < date(2021, 8, 10)
    line = chart.locator(".chart-cursor line").bounding_box()
    assert line is not None
    assert abs(line["x"] - (box["x"] + 0.75 * box["width"])) < 5
    assert key_of(chart) == counts_of(ask(client, "/series", from_=shown, to=shown)["points"][0])
    expect(page.locator("#time .day")).to_have_text(written(shown))

    # The same as a table, for whoever cannot see it.
    chart.get_by_text("The figures as a table").click()
    weekly = ask(client, "/series", from_="2021-05-03", to="2021-08-23", step="week")["points"]
    expect(chart.locator("tbody tr")).to_have_count(len(weekly))
    names = chart.locator("thead th").all_inner_texts()[1:]
    rows = [row.inner_text().split("\t") for row in chart.locator("tbody tr").all()]
    assert [row[0] for row in rows] == [written(point["date"]) for point in weekly]
    for row, point in zip(rows, weekly, strict=True):
        told = {name: int(number) for name, number in zip(names, row[1:], strict=True)}
        assert {name: number for name, number in told.items() if number} == counts_of(point)
    link = chart.get_by_role("link", name="by week").get_attribute("href")
    assert link is not None
    assert client.get(link.removeprefix(service.url)).json()["points"] == weekly


def test_provinces_stand_in_the_order_of_their_changes(
    page: Page, service: Live, client: TestClient
) -> None:
    opened(page, service, "as_of=2021-07-14")
    provinces = page.locator("#provinces")
    expect(provinces.get_by_role("listitem")).to_have_count(10)
    provinces.get_by_role("button", name="All 34 provinces").click()
    expect(provinces.get_by_role("listitem")).to_have_count(34)
    assert_provinces(provinces, client, "2021-06-14", {"as_of": "2021-07-14"})
    set_clocks(page, compare="2021-07-04")
    assert_provinces(provinces, client, "2021-07-04", {"as_of": "2021-07-14"})
    set_clocks(page, compare=None, asOf=None, reportedBy="2021-06-20")
    assert_provinces(provinces, client, "2021-05-03", {"reported_by": "2021-06-20"})

    # A focus stays where it is when the order changes.
    provinces.get_by_role("link", name="Zabul").focus()
    set_clocks(page, asOf="2021-06-01", reportedBy=None)
    assert_provinces(provinces, client, "2021-05-02", {"as_of": "2021-06-01"})
    expect(provinces.get_by_role("link", name="Zabul")).to_be_focused()

    # Thirty days before is a day of the record until thirty days after its last change.
    bases = page.evaluate(
        """async (days) => {
          const { baseDay } = await import("/static/provinces.js");
          const model = window.districtControl.getModel();
          return days.map((day) => baseDay(model, day, null).day);
        }""",
        [None, "2021-09-21", "2021-09-22"],
    )
    assert bases == ["2021-05-03", "2021-08-22", "2021-05-03"]


def assert_provinces(
    provinces: Locator, client: TestClient, base: str, clocks: dict[str, str]
) -> None:
    """The list is that of `/changes` since `base`, with the counts of `/control`."""
    reported_by = clocks.get("reported_by")
    control = ask(client, "/control", **clocks)
    last = control["as_of"]
    expect(provinces).to_contain_text(f"from {written(base)}")
    expect(provinces).to_contain_text(f"to {written(last)}.")
    changes = ask(client, "/changes", from_=base, to=last, reported_by=reported_by)
    province_of = {one["id"]: one["province"]["name"] for one in control["districts"]}
    changed = Counter(
        province_of[one["district"]["id"]]
        for one in changes["districts"]
        if outcome(one["before"]) != outcome(one["after"])
    )
    assert changed
    order = sorted(set(province_of.values()), key=lambda name: (-changed[name], name))
    assert provinces.get_by_role("link").all_inner_texts() == order
    numbers = provinces.locator(".province-changed").all_inner_texts()
    words = {0: "no change", 1: "1 change"}
    assert numbers == [words.get(changed[name], f"{changed[name]} changes") for name in order]

    held: dict[str, Counter[str]] = {name: Counter() for name in order}
    for one in control["districts"]:
        holder = one["controller"]["name"] if one["controller"] else one["status"]
        held[one["province"]["name"]][holder] += 1
    rows = provinces.evaluate(
        """provinces => [...provinces.querySelectorAll('li')].map((row) => ({
          counts: row.querySelector('.province-counts').textContent,
          widths: [...row.querySelectorAll('rect')].map((one) => one.getAttribute('width')),
          link: row.querySelector('a').href,
        }))"""
    )
    for name, row in zip(order, rows, strict=True):
        told = re.findall(r"([A-Za-z ]+?) (\d+)(?:,| of)", row["counts"])
        assert {who.strip(): int(number) for who, number in told} == held[name]
        widths = [float(width.removesuffix("%")) / 100 for width in row["widths"]]
        total = held[name].total()
        assert sorted(widths) == pytest.approx(sorted(n / total for n in held[name].values()))
        assert urlsplit(row["link"]).path.startswith("/p/AF")
        assert dict(parse_qsl(urlsplit(row["link"]).query)) == clocks


def test_the_panel_says_what_control_says(page: Page, service: Live, client: TestClient) -> None:
    opened(page, service, "as_of=2021-07-14&district=AF2711")
    # The address opened it, and nobody: the focus stays where it was.
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    known_at = ask(client, "/summary")["known_at"]
    disputed = assert_panel(page, client, "AF2711", {"as_of": "2021-07-14"})
    assert disputed["disputed"]
    assert {one["reason"] for one in disputed["other_claims"]} > {"disputes"}
    for district, clocks in (
        ("AF2907", {"as_of": "2021-06-10", "reported_by": "2021-06-07"}),
        ("AF1903", {"as_of": "2021-08-15"}),
        ("AF2907", {"as_of": "2021-06-01", "min_confidence": "claimed"}),
        ("AF0102", {"known_at": known_at}),
    ):
        state = {
            "district": district,
            "asOf": clocks.get("as_of"),
            "reportedBy": clocks.get("reported_by"),
            "knownAt": clocks.get("known_at"),
            "minConfidence": clocks.get("min_confidence", "reported"),
        }
        set_clocks(page, **state)
        assert_panel(page, client, district, clocks)
        expect(page.locator("#panel h2")).to_be_focused()

    # What the model knows is shown before the service has answered; a question is not repeated.
    panel = page.locator("#panel")
    set_clocks(page, district="AF2907", asOf="2021-06-10", knownAt=None)
    expect(panel.locator(".words")).to_contain_text("As of 10 June 2021, Qaysar")
    with page.expect_request("**/districts/AF2907/control*") as last:
        states = page.evaluate(
            """() => ["2021-06-07", "2021-06-05"].map((asOf) => {
              window.districtControl.store.set({ asOf });
              return document.querySelector("#panel .state").textContent;
            })"""
        )
    assert [state.split()[0] for state in states] == ["Taliban", "unknown"]
    assert "as_of=2021-06-05" in last.value.url
    expect(panel.locator(".words")).to_contain_text("As of 5 June 2021")
    expect(panel.locator(".periods li")).to_have_count(2)
    expect(panel.locator("[aria-current=date]")).to_contain_text("unknown until 6 June 2021")


def assert_panel(page: Page, client: TestClient, district: str, clocks: dict[str, str]) -> Answer:
    """Everything in the panel is what `/control` says, and all that it says is there."""
    panel = page.locator("#panel")
    told = ask(client, f"/districts/{district}/control", **clocks)
    expect(panel.locator(".words")).to_have_text(told["in_words"])
    expect(panel).to_have_attribute("aria-busy", "false")
    expect(panel.get_by_role("heading", level=2)).to_have_text(told["district"]["name"])
    local = ask(client, f"/districts/{district}")["name_local"]
    expect(panel.locator(".local")).to_have_text(local)
    holder = told["controller"]["name"] if told["controller"] else told["status"]
    expect(panel.locator(".state")).to_contain_text(holder)
    expect(panel.locator(".state .disputed")).to_have_count(int(told["disputed"]))
    names = panel.locator(".facts dt").all_inner_texts()
    facts = dict(zip(names, panel.locator(".facts dd").all_inner_texts(), strict=True))
    assert facts.get("Since") == (written(told["since"]) if told["since"] else None)
    assert facts.get("Confidence", "None").split(":")[0] == str(told["confidence"])
    reported = told["last_reported"]
    assert facts.get("Newest report") == (written(reported) if reported else None)

    for summary in panel.locator("summary").all():
        summary.click()
    events = ([told["event"]] if told["event"] else []) + told["other_claims"]
    cited = {c["id"]: (c, event) for event in events for c in event["citations"]}
    documents = panel.locator(".document")
    expect(documents).to_have_count(len(cited))
    texts = documents.all_inner_texts()
    for citation, event in cited.values():
        said = (
            "Supports" if citation["stance"] == "supports" else "Disputes",
            f"{citation['source']['name']},",
            f"published {dated(citation['published'])}",
            citation["title"] or "Read the document",
            f"It says: {phrases.asserts(citation, event)}; {phrases.relied_on(citation)}.",
        )
        assert any(all(part in text for part in said) for text in texts), said
    links = panel.locator(".document a")
    assert sorted(link.get_attribute("href") or "" for link in links.all()) == sorted(
        address for c, _ in cited.values() for address in (c["url"], c["archived_url"]) if address
    )
    for link in links.all():
        assert link.get_attribute("rel") == "noopener noreferrer"
    for other in told["other_claims"]:
        why = other["reason"]
        if why != "disputes":
            claim = panel.locator(".other", has_text=phrases.happened(other)).first
            expect(claim).to_contain_text(f"Did not decide: {reasons.WHY_NOT[why]}.")
    history = panel.get_by_role("link", name="Full history").get_attribute("href") or ""
    assert urlsplit(history).path == f"/d/{district}"
    assert dict(parse_qsl(urlsplit(history).query)) == clocks
    return told


def test_words_are_those_of_the_other_pages(page: Page, service: Live, client: TestClient) -> None:
    # A page without the map loads sooner; the words are the same files.
    page.goto(f"{service.url}/d/AF2907")
    events: list[Answer] = ask(client, "/events", limit=1000, min_confidence="claimed")["events"]
    pairs = [(c, event) for event in events for c in event["citations"]]
    assert len(pairs) > 200
    dates = ["2021-06", "../2021-06", "2021-06-30/2021-07-02", "2020-12-31/2021-01-02", "soon"]
    dates += ["2021-06-06T06:00+04:30", "2021-06-06T06:00:30Z", "2021-06-05/2021-06-07"]
    dates += ["2021-06-06T06:00+04:30/2021-06-07", "2021-06-07?", "2021-05/2021-06"]
    dates += [c["published"] for c, _ in pairs] + [e["occurred"] for e in events]
    kinds = ["capture", "recapture", "transfer", "withdrawal", "contested", "assessment"]
    invented: list[Answer] = [
        {"kind": kind, "status": "controlled" if who else "contested", "controller": who}
        for kind in kinds
        for who in (None, {"id": "x", "name": "Party"}, {"id": "y", "name": "the Party"})
    ]
    said = page.evaluate(
        """async ({ pairs, dates, events }) => {
          const words = await import("/static/phrases.js");
          const days = await import("/static/dates.js");
          return {
            dates: dates.map(days.dated),
            happened: events.map(words.happened),
            states: events.map(words.stateInWords),
            asserts: pairs.map(([citation, event]) => words.asserts(citation, event)),
            reliedOn: pairs.map(([citation]) => words.reliedOn(citation)),
          };
        }""",
        {"pairs": pairs, "dates": dates, "events": events + invented},
    )
    assert said["dates"] == [dated(one) for one in dates]
    assert said["happened"] == [phrases.happened(one) for one in events + invented]
    assert said["states"] == [phrases.state(one) for one in events + invented]
    assert said["asserts"] == [phrases.asserts(c, event) for c, event in pairs]
    assert said["reliedOn"] == [phrases.relied_on(c) for c, _ in pairs]


def test_places_are_found_in_any_script_and_spelling(page: Page, service: Live) -> None:
    opened(page, service, "as_of=2021-06-10")
    search = page.get_by_role("combobox", name="Find a district or province")
    options = page.get_by_role("option")
    panel = page.locator("#panel")
    for written_as in ("قیصار", "Kaisaar", "Qaysr"):
        search.fill(written_as)
        expect(options.first).to_contain_text("Qaysar")
        expect(options.first).to_contain_text("District of Faryab")
        search.press("Enter")
        expect(panel.get_by_role("heading", name="Qaysar")).to_be_focused()
        expect(search).to_have_value("Qaysar")
        expect(page).to_have_url(re.compile("district=AF2907"))
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(search).to_be_focused()
    search.fill("Kaysar")
    expect(options.first).to_contain_text("known as Kaysar")
    search.fill("فاریاب")
    expect(options.first).to_contain_text("Province")
    search.press("ArrowDown")
    search.press("Enter")
    expect(page).to_have_url(re.compile(r"/p/AF29\?as_of=2021-06-10$"))


def test_nothing_is_hidden_from_those_who_do_not_see(service: Live, open_page: OpenPage) -> None:
    page = open_page(viewport=PHONE)
    opened(page, service, "as_of=2021-07-14&district=AF2711")
    expect(page.locator("#panel .documents").first).to_be_visible()
    page.get_by_text("The figures as a table").click()
    parts = ["#panel", "#chart", "#provinces", "#search", "#cite", "#news"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page, parts) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Cite or take away").click()
    expect(page.get_by_role("group", name="BibTeX")).to_be_visible()
    assert serious(page, ["dialog"]) == []
    small = """() => [...document.querySelectorAll('.side *, dialog *')]
      .filter((one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
      .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12)
      .map((one) => one.outerHTML.slice(0, 100))"""
    assert page.evaluate(small) == []


def serious(page: Page, parts: list[str]) -> list[str]:
    """What the accessibility checker finds in these parts that is serious or worse."""
    found = Axe().run(page, context={"include": [[part] for part in parts]}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
