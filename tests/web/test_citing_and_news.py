"""Citing what the page shows, and hearing of what is recorded meanwhile."""

import json
import re
from urllib.parse import urlsplit

import httpx2 as httpx
from playwright.sync_api import Locator, Page, expect

from app.store.keys import Scope
from tests.api.asking import Answer
from tests.api.writing import a_citation, an_event, client_of
from tests.api.writing import written as recorded
from tests.services import make_token
from tests.web.conftest import Live, OpenPage
from tests.web.opening import opened, set_clocks

EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"


def test_what_is_cited_stays_as_it_was(own_service: Live, open_page: OpenPage) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, own_service, "as_of=2021-08-14&district=AF0102")
    panel = page.locator("#panel")
    panel.get_by_role("button", name="Cite this").click()
    dialog = page.get_by_role("dialog", name="Cite or take away")
    expect(dialog.get_by_role("radio", name="Paghman")).to_be_checked()
    forms = ("Permanent address", "As text", "BibTeX", "CSL-JSON")
    cited = {form: shown_form(dialog, form) for form in forms}
    address = cited["Permanent address"]
    assert address.startswith(f"{own_service.url}/d/AF0102?as_of=2021-08-14&known_at=")
    for form in forms:
        dialog.get_by_role("button", name=f"Copy: {form}").click()
        expect(dialog.get_by_role("status")).to_have_text(f"Copied: {form}")
        assert page.evaluate("() => navigator.clipboard.readText()") == cited[form]
    # Where a page may not write to the clipboard, the text is selected.
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    dialog.get_by_role("button", name="Copy: BibTeX").click()
    expect(dialog.get_by_role("status")).to_contain_text("BibTeX")
    assert page.evaluate("() => getSelection().toString()").strip() == cited["BibTeX"].strip()

    dialog.get_by_role("radio", name="Afghanistan").check()
    country = dialog.get_by_role("group", name="Permanent address")
    expect(country).to_contain_text(f"{own_service.url}/?as_of=2021-08-14&known_at=")
    of_country = shown_form(dialog, "Permanent address")
    links = {
        link.inner_text(): link.get_attribute("href") or ""
        for link in dialog.get_by_role("link").all()
    }
    assert set(links) == {"PNG", "SVG", "CSV", "GeoJSON", "GeoPackage"}
    before = {name: httpx.get(link, timeout=60) for name, link in links.items()}
    assert {answer.status_code for answer in before.values()} == {200}
    frame = shown_form(dialog, "Map for your own page")
    assert re.search(r'src="[^"&]+/embed\?as_of=2021-08-14&amp;known_at=[^"]+"', frame)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(panel).to_be_visible()
    expect(panel.get_by_role("button", name="Cite this")).to_be_focused()

    # Whatever is recorded later, the addresses give what they gave.
    ann = client_of(own_service.engine, make_token(own_service.engine, "Ann", Scope.WRITE))
    recorded(ann.post("/events", json=an_event()))
    for name in ("SVG", "CSV", "GeoJSON"):
        assert httpx.get(links[name], timeout=60).content == before[name].content, name
    again = f"{own_service.url}/cite?district=AF0102&{urlsplit(address).query}"
    assert httpx.get(f"{again}&f=bibtex").text == cited["BibTeX"]
    assert httpx.get(f"{again}&f=csl").json() == json.loads(cited["CSL-JSON"])
    # What is not shown yet is not cited: the page is the record as it was loaded.
    page.get_by_role("button", name="Cite or take away").click()
    assert shown_form(dialog, "Permanent address") == of_country
    page.goto(address)
    expect(page.locator("main")).to_contain_text("nothing on record that counts")


def test_new_reports_are_told_and_shown_when_asked_for(own_service: Live, page: Page) -> None:
    opened(page, own_service, "as_of=2021-08-14&district=AF0102")
    panel, news = page.locator("#panel"), page.locator("#news")
    expect(panel.locator(".words")).to_contain_text("nothing on record that counts")
    expect(news).to_have_attribute("data-stream", "open")
    before = httpx.get(f"{own_service.url}/summary").json()
    ann = client_of(own_service.engine, make_token(own_service.engine, "Ann", Scope.WRITE))
    event = an_event(
        citations=[
            a_citation(title=EVIL, url="https://example.org/<b>?a=1&b=2", note=EVIL),
            a_citation(
                source="khaama-press", stance="disputes", title="No", published="2021-07-03"
            ),
        ]
    )
    recorded(ann.post("/events", json=event))
    told = news.get_by_role("status")
    expect(told).to_have_text("New report recorded: Paghman (Kabul).")
    # Nothing moves, and a question asked now is answered from the record that is shown.
    expect(panel.locator(".state")).to_contain_text("unknown")
    set_clocks(page, asOf="2021-08-15")
    expect(panel.locator(".words")).to_contain_text("As of 15 August 2021, nothing on record")
    recorded(ann.post("/events", json=an_event(district="AF0103")))
    expect(told).to_have_text("2 changes recorded: Paghman (Kabul), Chahar Asyab (Kabul).")

    news.get_by_role("button", name="Show", exact=True).click()
    expect(told).to_have_text("The newest reports are shown.")
    expect(news.get_by_role("button")).to_have_count(0)
    expect(panel.locator(".state")).to_contain_text("Taliban")
    expect(panel.locator(".state .disputed")).to_be_visible()
    link = panel.get_by_role("link", name=EVIL)
    expect(link).to_be_visible()
    assert (link.get_attribute("href") or "").startswith("https://example.org/")
    assert "owned" not in page.title()
    assert panel.locator("script, img").count() == 0

    # A record that is fixed in the past does not follow; it says so.
    opened(page, own_service, f"as_of=2021-08-14&known_at={before['known_at']}")
    expect(news).to_have_attribute("data-stream", "open")
    expect(told).to_be_empty()
    recorded(ann.post("/events", json=an_event(district="AF0104")))
    expect(told).to_contain_text(
        "New report recorded: Bagrami (Kabul). What is shown is the record"
    )
    taliban = page.locator("#chart .chart-key").get_by_text("Taliban")
    held = before_taliban(own_service, before["known_at"])
    expect(taliban).to_contain_text(str(held))
    news.get_by_role("button", name="Show the record as it is now").click()
    expect(taliban).to_contain_text(str(held + 3))
    expect(page).not_to_have_url(re.compile("known_at"))


def before_taliban(live: Live, known_at: str) -> int:
    """Districts of the Taliban on 14 August 2021, as the record stood."""
    clocks = {"as_of": "2021-08-14", "known_at": known_at}
    held: list[Answer] = httpx.get(f"{live.url}/summary", params=clocks).json()["by_controller"]
    return sum(one["districts"] for one in held if one["controller"]["id"] == "taliban")


def shown_form(dialog: Locator, name: str) -> str:
    """The text of one form, once it is there."""
    form = dialog.get_by_role("group", name=name, exact=True)
    expect(form).not_to_be_empty()
    return form.text_content() or ""
