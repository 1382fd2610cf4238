"""The page with the map, in a real browser: what it shows is what the API answers."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
from playwright.sync_api import Page, Request, Route, expect

from tests.web.conftest import PHONE, Live, OpenPage, Watch

FIRST, LAST = "2021-05-04", "2021-08-22"
READY = "() => Boolean(window.districtControl?.map)"
SHOWN = """() => {
    const { map, getModel } = window.districtControl;
    return Object.fromEntries(getModel().districts.map(({ id }) => [
        id, map.getFeatureState({ source: "shapes", sourceLayer: "districts", id }),
    ]));
}"""
LINES = """() => {
    const { map } = window.districtControl;
    const found = map.querySourceFeatures("shapes", { sourceLayer: "borders" });
    return Object.fromEntries(found.map(({ properties: { id } }) => [
        id, map.getFeatureState({ source: "shapes", sourceLayer: "borders", id }).line ?? null,
    ]).filter(([, line]) => line));
}"""
SLIDER = "Day shown"


def opened(page: Page, service: Live, query: str = "") -> Page:
    """The page with its map drawn."""
    page.goto(f"{service.url}/{query}")
    page.wait_for_function(READY)
    return page


def asked(service: Live, path: str, **params: str) -> Any:
    """An answer of the API, asked beside the browser."""
    response = httpx.get(f"{service.url}{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def expected(service: Live, **clocks: str) -> dict[str, dict[str, Any]]:
    """What `/control` says, as the map should show it."""
    colours = {actor["id"]: actor["colour"] for actor in asked(service, "/actors")["actors"]}
    named = dict(
        re.findall(r"--(\w+): (#\w+);", httpx.get(f"{service.url}/static/colours.css").text)
    )
    found = {}
    for one in asked(service, "/control", limit="1000", **clocks)["districts"]:
        status, holder = one["status"], one["controller"]
        found[one["id"]] = {
            "colour": colours[holder["id"]] if holder else named[status],
            "contested": status == "contested",
            "disputed": one["disputed"],
        }
    return found


def shown(page: Page) -> dict[str, dict[str, Any]]:
    """What the map shows of each district."""
    found: dict[str, dict[str, Any]] = page.evaluate(SHOWN)
    return {
        place: {name: state[name] for name in ("colour", "contested", "disputed")}
        for place, state in found.items()
    }


@contextmanager
def requests_of(page: Page) -> Iterator[list[str]]:
    """The addresses asked for meanwhile."""
    found: list[str] = []

    def note(request: Request) -> None:
        # Chromium looks for the icon again whenever the address changes.
        if not request.url.endswith("icon.svg"):
            found.append(request.url)

    page.on("request", note)
    yield found
    page.remove_listener("request", note)


def to_day(page: Page, day: str) -> None:
    """Drag the slider to a day of the record."""
    position = page.evaluate(
        "([from, to]) => (Date.parse(to) - Date.parse(from)) / 86_400_000", [FIRST, day]
    )
    page.get_by_label(SLIDER, exact=True).fill(str(int(position)))


def test_each_day_shows_what_the_api_answers_and_asks_nothing(
    page: Page, service: Live, watch: Watch
) -> None:
    opened(page, service)
    today = expected(service)
    assert shown(page) == today
    assert len({one["colour"] for one in today.values()}) == 4

    with requests_of(page) as requests:
        for day in (FIRST, "2021-06-06", "2021-07-05", "2021-08-15"):
            to_day(page, day)
            assert shown(page) == expected(service, as_of=day), day
    assert requests == []

    told = asked(service, "/frontline", as_of="2021-08-15", kinds="front,contested,unknown")
    kinds = {line["properties"]["id"]: line["properties"]["kind"] for line in told["features"]}
    drawn = page.evaluate(LINES)
    assert {"front", "contested"} <= set(drawn.values())
    assert drawn.items() <= kinds.items()
    assert {line for line in kinds if kinds[line] != "unknown"} <= drawn.keys()

    # Nor does it need a network.
    watch.expected += ["ERR_INTERNET_DISCONNECTED"]
    page.context.set_offline(True)
    expect(page.locator("#notice")).to_contain_text("no connection")
    to_day(page, "2021-07-05")
    page.context.set_offline(False)
    assert shown(page) == expected(service, as_of="2021-07-05")
    expect(page.locator("#notice")).to_be_hidden()


def test_the_legend_counts_and_says_how_good_and_how_old_all_is(page: Page, service: Live) -> None:
    opened(page, service)
    summary = asked(service, "/summary")
    legend = page.locator("#legend")
    for party in summary["by_controller"]:
        row = legend.get_by_role("listitem").filter(has_text=party["controller"]["name"])
        expect(row).to_have_text(f"{party['controller']['name']}{party['districts']}")
    expect(legend).to_contain_text("Approximate shapes")
    expect(legend).to_contain_text("not drawn, for want of a shape: Chinarto, Gizab")
    expect(legend).to_contain_text("newest report on record is of 31 August 2021")
    expect(legend).to_contain_text("years since then is not in this record")

    to_day(page, "2021-06-06")
    expect(legend).not_to_contain_text("years since")
    told = asked(service, "/summary", as_of="2021-06-06")
    held = ", ".join(
        f"{one['controller']['name']} {one['districts']}" for one in told["by_controller"]
    )
    sentence = (
        f"As of 6 June 2021: {held}, contested {told['contested']}, unknown {told['unknown']}."
    )
    # Seen at once, and heard when the slider rests.
    expect(page.locator("#sentence")).to_have_text(sentence)
    expect(page.locator(".intro").get_by_role("status")).to_have_text(sentence)


def test_the_keyboard_steps_through_days(page: Page, service: Live) -> None:
    opened(page, service, "?as_of=2021-06-06T06:00%2B04:30")
    expect(page.locator("#notice")).to_contain_text("whole days")
    slider = page.get_by_label(SLIDER, exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "6 June 2021")
    slider.focus()
    for key, day in (
        ("ArrowRight", "7 June 2021"),
        ("ArrowLeft", "6 June 2021"),
        ("PageUp", "13 June 2021"),
        ("PageDown", "6 June 2021"),
        ("Home", "4 May 2021"),
    ):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", day)
    page.wait_for_url(f"**/?as_of={FIRST}")

    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^Today, "))
    page.wait_for_url(f"{service.url}/")
    # Playing begins anew from the end, and takes no step by itself before.
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "5 May 2021")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()

    page.get_by_role(
        "button", name=re.compile(r"^Go to 21 June 2021: \d+ districts changed")
    ).click()
    expect(slider).to_have_attribute("aria-valuetext", "21 June 2021")
    page.get_by_label("Day shown, as a date").fill("2021-08-15")
    expect(slider).to_have_attribute("aria-valuetext", "15 August 2021")


def test_the_fog_of_a_day(page: Page, service: Live) -> None:
    day = "2021-06-22"
    opened(page, service, f"?as_of={day}")
    page.get_by_label("Only what had been published by a day").check()
    page.wait_for_url(f"**/?as_of={day}&reported_by={day}")
    expect(page.locator("#clocks")).to_contain_text("What the press had published by 22 June 2021.")
    fog = expected(service, as_of=day, reported_by=day)
    assert fog != expected(service, as_of=day), "what was published later tells no more"
    assert shown(page) == fog

    page.get_by_role("slider", name="Published by").press("ArrowRight")
    page.wait_for_url(f"**/?as_of={day}&reported_by=2021-06-23")
    assert shown(page) == expected(service, as_of=day, reported_by="2021-06-23")

    page.get_by_role("button", name="Follow the date").click()
    to_day(page, "2021-07-05")
    page.wait_for_url("**/?as_of=2021-07-05&reported_by=2021-07-05")
    assert shown(page) == expected(service, as_of="2021-07-05", reported_by="2021-07-05")

    page.get_by_label("Only what had been published by a day").uncheck()
    page.wait_for_url("**/?as_of=2021-07-05")


def test_two_days_compared(page: Page, service: Live) -> None:
    opened(page, service, "?as_of=2021-07-05")
    page.get_by_label("Compare with another day").check()
    page.get_by_label("The other day").fill("2021-06-20")
    page.wait_for_url("**/?as_of=2021-07-05&compare=2021-06-20")
    changes = asked(service, "/changes", **{"from": "2021-06-20", "to": "2021-07-05"})
    districts = {one["district"]["id"]: one for one in changes["districts"]}
    outlined = {place for place, state in page.evaluate(SHOWN).items() if state.get("differs")}
    assert outlined == districts.keys()
    rows = page.locator("#compare").get_by_role("listitem")
    expect(rows).to_have_count(len(districts))
    expect(page.locator("#compare")).to_contain_text(f"{len(districts)} districts differ")
    one = districts["AF2704"]
    assert (one["before"]["status"], one["after"]["controller"]["id"]) == ("unknown", "taliban")
    row = rows.filter(has_text=one["district"]["name"])
    expect(row).to_have_text("PanjwayiKandaharunknown→Taliban")

    zoom = page.evaluate("() => window.districtControl.map.getZoom()")
    row.get_by_role("button", name="Panjwayi").click()
    page.wait_for_url("**district=AF2704")
    assert page.evaluate("() => window.districtControl.map.getZoom()") > zoom + 1

    # The address holds it all; "back" closes what was opened, and a reload shows the same.
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    page.reload()
    page.wait_for_function(READY)
    expect(page.get_by_label("Compare with another day")).to_be_checked()
    expect(rows).to_have_count(len(districts))
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Compare with another day")).not_to_be_checked()
    assert urlsplit(page.url).query == "as_of=2021-07-05"


def test_contested_districts_are_hatched(page: Page, service: Live) -> None:
    opened(page, service)
    contested = [place for place, state in shown(page).items() if state["contested"]]
    assert contested
    middle = page.evaluate(
        """async (id) => {
            const { map } = window.districtControl;
            const filter = ["==", "id", id];
            const chosen = { sourceLayer: "districts", filter };
            const [{ geometry }] = map.querySourceFeatures("shapes", chosen);
            const ring = geometry.coordinates.flat(geometry.type === "Polygon" ? 1 : 2);
            const mean = (axis) => ring.reduce((sum, point) => sum + point[axis], 0) / ring.length;
            map.jumpTo({ center: [mean(0), mean(1)], zoom: 9 });
            await map.once("idle");
            const { left, top, width, height } = map.getCanvas().getBoundingClientRect();
            return { x: left + width / 2 - 60, y: top + height / 2 - 60, width: 120, height: 40 };
        }""",
        contested[0],
    )
    picture = page.screenshot(clip=middle)
    colours = page.evaluate(
        """async (data) => {
            const image = new Image();
            image.src = `data:image/png;base64,${data}`;
            await image.decode();
            const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
            pen.drawImage(image, 0, 0);
            const { data: bytes } = pen.getImageData(0, 0, image.width, image.height);
            const found = {};
            for (let at = 0; at < bytes.length; at += 4) {
                const hex = (n) => bytes[at + n].toString(16).padStart(2, "0");
                const colour = `#${hex(0)}${hex(1)}${hex(2)}`;
                found[colour] = (found[colour] ?? 0) + 1;
            }
            return found;
        }""",
        base64.b64encode(picture).decode(),
    )
    assert colours.get("#f3e2b0", 0) > 300, "the ground"
    assert colours.get("#5f4a14", 0) > 100, "the lines"


def test_on_a_phone(open_page: OpenPage, service: Live) -> None:
    page = opened(
        open_page(viewport=PHONE, has_touch=True, is_mobile=True), service, "?as_of=2021-06-22"
    )
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    # The map and its date are there without scrolling.
    assert page.locator("#time").bounding_box()["y"] < PHONE["height"] - 100  # type: ignore[index]
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#panel")).to_be_visible()
    expect(page.locator(".tip")).to_be_hidden()
    page.wait_for_url("**district=AF*")
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]


def test_what_the_record_held(page: Page, service: Live, watch: Watch) -> None:
    opened(page, service)
    page.get_by_text("What this record held").click()
    with requests_of(page) as requests:
        page.get_by_label("Least confidence that counts").select_option("confirmed")
        page.wait_for_url("**/?min_confidence=confirmed")
        legend = page.locator("#legend").get_by_role("listitem")
        told = asked(service, "/summary", min_confidence="confirmed")
        expect(legend.filter(has_text="Taliban")).to_have_text(
            f"Taliban{told['by_controller'][0]['districts']}"
        )
    assert len([url for url in requests if "/replay" in url]) == 1
    assert shown(page) == expected(service, min_confidence="confirmed")

    # Before anything was recorded, and at an instant that the service refuses.
    page.get_by_label("As this record stood at (UTC)").fill("2020-01-01T00:00:00")
    expect(page.locator("#legend")).to_contain_text("Nothing is on record")
    watch.expected += ["Failed to load resource", "no connection"]
    page.route("**/replay*", lambda route: route.abort())
    page.get_by_label("As this record stood at (UTC)").fill("2020-01-02T00:00:00")
    expect(page.locator("#clocks").get_by_role("alert")).to_contain_text("no connection")


def test_a_browser_without_webgl_shows_a_picture(page: Page, service: Live) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page.goto(f"{service.url}/?as_of=2021-06-22")
    expect(page.locator("#notice")).to_contain_text("cannot draw the map")
    picture = page.locator("#map img")
    expect(picture).to_have_attribute("src", f"{service.url}/map.svg?as_of=2021-06-22")
    to_day(page, "2021-07-05")
    expect(picture).to_have_attribute("src", f"{service.url}/map.svg?as_of=2021-07-05")
    expect(page.locator("#sentence")).to_contain_text("5 July 2021")


def test_data_that_cannot_be_loaded(page: Page, service: Live, watch: Watch) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(
            status=503,
            content_type="application/problem+json",
            body=json.dumps({"title": "Busy", "status": 503, "detail": "Come back <b>later</b>"}),
        )

    watch.expected += ["503"]
    page.route("**/replay*", refuse)
    page.goto(f"{service.url}/?as_of=2021-06-22")
    message = page.locator("#map").get_by_role("alert")
    expect(message).to_contain_text("could not be loaded. Come back <b>later</b>")
    expect(page.locator("#map img")).to_have_attribute(
        "src", f"{service.url}/map.svg?as_of=2021-06-22"
    )


def test_without_scripts_and_for_whoever_shares_it(open_page: OpenPage, service: Live) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{service.url}/?as_of=2021-06-22&reported_by=2021-06-22&district=AF2907")
    told = asked(service, "/summary", as_of="2021-06-22", reported_by="2021-06-22")
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text(
        "As of 22 June 2021, by what had been published by 22 June 2021: Taliban"
    )
    expect(sentence).to_contain_text(f"unknown {told['unknown']}.")
    expect(page.locator("#map")).to_be_hidden()
    expect(page.get_by_role("img", name="Map of who controls")).to_be_visible()
    faryab = page.get_by_role("link", name="Faryab")
    expect(faryab).to_have_attribute("href", "/p/AF29?as_of=2021-06-22&reported_by=2021-06-22")

    meta = {
        one.get_attribute("property"): one.get_attribute("content") or ""
        for one in page.locator("meta[property]").all()
    }
    assert meta["og:title"] == "Who controls which district of Afghanistan, 22 June 2021"
    image = urlsplit(meta["og:image"])
    assert image.path == "/map.png"
    assert f"{image.scheme}://{image.netloc}" == service.url
    fixed = parse_qs(image.query)
    assert fixed["as_of"] == fixed["reported_by"] == ["2021-06-22"]
    assert fixed["known_at"] == [told["known_at"]]
    canonical = page.locator('link[rel="canonical"]').get_attribute("href")
    assert canonical == meta["og:url"] == f"{service.url}/?as_of=2021-06-22&reported_by=2021-06-22"


def test_in_a_frame(open_page: OpenPage, service: Live) -> None:
    page = open_page(viewport={"width": 320, "height": 400})
    response = page.goto(f"{service.url}/embed?as_of=2021-06-22")
    assert response is not None
    assert "frame-ancestors *" in response.headers["content-security-policy"]
    page.wait_for_function(READY)
    assert shown(page) == expected(service, as_of="2021-06-22")
    assert page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    ) == [320, 400]
    assert page.locator("#map").bounding_box()["height"] > 180  # type: ignore[index]
    whole = page.locator("#whole")
    expect(whole).to_have_attribute("href", f"{service.url}/?as_of=2021-06-22")
    to_day(page, "2021-07-05")
    expect(whole).to_have_attribute("href", f"{service.url}/?as_of=2021-07-05")
    assert (whole.get_attribute("target"), whole.get_attribute("rel")) == ("_top", "noopener")
