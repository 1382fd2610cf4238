"""The entry form in a real browser: what is entered, previewed, refused and recorded."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import text

from app.domain.control import Basis, Kind
from app.store.keys import Scope
from tests.services import make_token
from tests.web.conftest import PHONE, Live, OpenPage, Watch

EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
KEY = "district-control-key"
Answer = dict[str, Any]


@pytest.fixture
def key(own_service: Live) -> str:
    return make_token(own_service.engine, "Ann, Kabul desk", Scope.WRITE)


@pytest.fixture
def desk(own_service: Live, page: Page, key: str, watch: Watch) -> Page:
    """The form for a new event, opened by Ann, who has given her key."""
    # A browser logs every refusal, and a key is tried with a preview of nothing.
    watch.expected.append("422")
    page.goto(f"{own_service.url}/enter")
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The key works")).to_be_visible()
    return page


def pick(field: Locator, written: str, found: str) -> None:
    """Search by keyboard alone, and take the option that begins with these words."""
    field.fill(written)
    page = field.page
    option = page.get_by_role("listbox").get_by_role("option").filter(has_text=found).first
    expect(option).to_be_visible()
    for _ in range(9):
        if option.get_attribute("aria-selected") == "true":
            break
        field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == option.get_attribute("id")
    field.press("Enter")
    expect(field).to_have_attribute("aria-expanded", "false")


def shown(page: Page) -> Locator:
    return page.locator("#preview")


def description(field: Locator) -> str:
    told: str = field.evaluate(
        "field => field.getAttribute('aria-describedby').split(' ')"
        ".map(id => document.getElementById(id).textContent).join(' ')"
    )
    return told


def events_of(live: Live) -> int:
    with live.engine.connect() as connection:
        number: int = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
        return number


def read(page: Page, path: str) -> Answer:
    answer: Answer = page.request.get(path).json()
    return answer


def no_serious_finding(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [one for one in found if one["impact"] in ("serious", "critical")] == []


def report(page: Page) -> None:
    """Fill in a recapture of Qaisar."""
    pick(page.get_by_role("combobox", name="District"), "قیصار", "Qaysar")
    page.get_by_label("What happened").select_option("recapture")
    page.get_by_label("Who holds it afterwards").select_option("afghan-government")
    pick(page.get_by_role("combobox", name="Publisher"), "tolo", "TOLOnews")
    page.get_by_label("Date that it gives").fill("2021-08-09/2021-08-10")
    page.get_by_label("On whose word").select_option("local")
    page.get_by_label("Title").fill(EVIL)
    page.get_by_label("Published on").fill("2021-08-10")


def test_an_event_is_entered_previewed_refused_and_recorded(
    desk: Page, own_service: Live, key: str, watch: Watch
) -> None:
    before = events_of(own_service)
    report(desk)
    # Is it one of these? Then it is no new event.
    on_record = desk.locator("#on-record")
    expect(on_record).to_contain_text("Captured by the Taliban on 6 June 2021")
    expect(on_record.get_by_role("link").first).to_have_attribute(
        "href", re.compile(r"task=cite&event=")
    )
    see_what_it_would_change(desk)
    no_serious_finding(desk)
    be_refused_beside_the_field(desk)
    assert events_of(own_service) == before
    lose_the_answer(desk, watch)
    send(desk, "Record this event")
    expect(desk.get_by_role("heading", name="Recorded as revision 3")).to_be_focused()
    assert events_of(own_service) == before + 1
    expect(desk.get_by_text("By Ann, Kabul desk")).to_be_visible()
    expect(desk.get_by_role("link", name="Qaysar: the district’s page")).to_have_attribute(
        "href", f"{own_service.url}/d/AF2907?min_revision=3"
    )
    control = read(desk, f"{own_service.url}/districts/AF2907/control")
    assert control["controller"]["id"] == "afghan-government"
    assert control["event"]["citations"][0]["title"] == EVIL
    assert control["event"]["occurred"] == "2021-08-09/2021-08-10"

    # The form is ready for another one, and has forgotten this one.
    desk.get_by_role("link", name="Report another event").click()
    expect(desk.get_by_text("The key works")).to_be_visible()
    expect(desk.get_by_role("combobox", name="District")).to_have_value("")
    assert "owned" not in desk.title()
    assert_only_in_session_storage(desk, key)
    desk.get_by_role("button", name="Forget key").click()
    expect(desk.get_by_label("API key")).to_be_focused()
    assert desk.evaluate(f"sessionStorage.getItem('{KEY}')") is None


def send(desk: Page, name: str) -> None:
    desk.get_by_role("button", name=name).click()


def see_what_it_would_change(desk: Page) -> None:
    """The preview says what the service will answer, and how dates were read."""
    expect(shown(desk)).to_contain_text("This would change what is answered about Qaysar.")
    for words in (
        "Taliban since 6 June 2021 (confirmed",
        "Taliban from 6 June 2021 to 10 August 2021",
        "Afghan government since 10 August 2021 (reported)",
        "under the name “Ann, Kabul desk”",
    ):
        expect(shown(desk)).to_contain_text(words)
    asserted = desk.get_by_label("Date that it gives")
    assert "Read as: between 9 and 10 August 2021" in description(asserted)


def be_refused_beside_the_field(desk: Page) -> None:
    """What the service refuses stands beside its field, before it is sent and after."""
    published = desk.get_by_label("Published on")
    published.fill("last week")
    expect(published).to_have_attribute("aria-invalid", "true")
    expect(shown(desk)).to_contain_text("No preview")
    send(desk, "Record this event")
    expect(published).to_be_focused()
    assert "'last week' is not a date this record reads" in description(published)
    published.fill("")
    send(desk, "Record this event")
    assert "this is needed" in description(published)
    published.fill("2021-08-10")
    expect(shown(desk)).to_contain_text("This would change")
    expect(published).not_to_have_attribute("aria-invalid", "true")


def lose_the_answer(desk: Page, watch: Watch) -> None:
    """The event is recorded, and the answer does not arrive; what was entered is still there."""
    watch.expected.append("ERR_FAILED")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    desk.route("**/events", lose, times=1)
    send(desk, "Record this event")
    expect(desk.get_by_role("alert").filter(has_text="No answer came")).to_be_focused()
    desk.reload()
    expect(desk.get_by_label("Title")).to_have_value(EVIL)
    expect(desk.get_by_role("combobox", name="District")).to_have_value("Qaysar, Faryab (AF2907)")
    expect(shown(desk)).to_contain_text("Afghan government")


def assert_only_in_session_storage(desk: Page, key: str) -> None:
    assert desk.evaluate(f"sessionStorage.getItem('{KEY}')") == key
    elsewhere = desk.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
    assert key not in elsewhere + desk.content() + desk.url


def test_an_event_is_cited_corrected_moved_and_taken_back(
    desk: Page, own_service: Live, watch: Watch
) -> None:
    url = own_service.url
    event = read(desk, f"{url}/districts/AF2907/control")["event"]
    cite_a_letter(desk, url, event["id"])
    cited = read(desk, f"{url}/events/{event['id']}")["event"]
    assert cited["disputed"]
    letter = next(one for one in cited["citations"] if one["credibility"])
    assert (letter["credibility"], letter["source"]["name"]) == (3, "The Faryab Letter")

    fill_in_a_correction(desk, url, event["id"])
    watch.expected.append("412")
    bob = make_token(own_service.engine, "Bob", Scope.WRITE)
    be_overtaken_by(desk, url, cited, bob, letter["id"])
    corrected = read(desk, f"{url}/events/{event['id']}")["event"]
    assert (corrected["version"], corrected["kind"]) == (3, "transfer")
    assert (corrected["occurred"], corrected["disputed"]) == ("2021-06-05", False)

    move_to_almar(desk, url, event["id"])
    moved = read(desk, f"{url}/events/{event['id']}")["replaced_by"]
    corrected = read(desk, f"{url}/events/{moved}")["event"]
    assert (corrected["district"]["name"], corrected["pinned"]) == ("Almar", None)

    desk.goto(f"{url}/enter?task=retract&event={event['id']}")
    expect(desk.get_by_text("This event was taken back")).to_be_visible()
    take_back_in_almar(desk, url)
    assert read(desk, f"{url}/events/{moved}")["event"] is None


def why(desk: Page) -> Locator:
    return desk.get_by_role("textbox", name="Why", exact=True)


def be_recorded(desk: Page, name: str) -> None:
    send(desk, name)
    expect(desk.get_by_role("heading", name="Recorded as")).to_be_visible()


def cite_a_letter(desk: Page, url: str, event: str) -> None:
    """Add a document that disputes the event, of a publisher that is new."""
    desk.goto(f"{url}/enter?task=cite&event={event}")
    expect(desk.locator("#chosen")).to_contain_text("Captured by the Taliban on 6 June 2021")
    publisher = desk.get_by_role("combobox", name="Publisher")
    pick(publisher, "The Faryab Letter", "Record")
    expect(desk.get_by_label("Name of the new publisher")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(publisher).to_have_value("The Faryab Letter")
    desk.get_by_label("Published on").fill("2021-06-08")
    desk.get_by_label("It says that this").select_option("disputes")
    desk.get_by_label("On whose word").select_option("official")
    desk.get_by_label("Address").fill("javascript:alert(1)")
    expect(desk.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    desk.get_by_label("Address").fill("https://example.org/letter")
    desk.get_by_text("More about this document").click()
    desk.get_by_label("Credibility of what it says").select_option("3")
    expect(shown(desk)).to_contain_text("Taliban since 6 June 2021 (confirmed, disputed)")
    be_recorded(desk, "Record this document")


def fill_in_a_correction(desk: Page, url: str, event: str) -> None:
    """Take the letter away again, and give the event another date."""
    desk.goto(f"{url}/enter?task=correct&event={event}")
    expect(desk.get_by_label("What happened")).to_have_value("capture")
    why(desk).fill("the letter is about another place")
    expect(shown(desk)).to_contain_text("Nothing changes.")
    desk.get_by_role("checkbox", name="The Faryab Letter").check()
    desk.get_by_text("Order on one day").click()
    desk.get_by_label("Date given by you").fill("2021-06-05")
    expect(shown(desk)).to_contain_text("No preview")
    reason = desk.get_by_label("Reason for that date")
    expect(reason).to_have_attribute("aria-invalid", "true")
    reason.fill("so the governor told me")
    expect(shown(desk)).to_contain_text("Taliban since 5 June 2021 (confirmed)")


def be_overtaken_by(desk: Page, url: str, read_before: Answer, token: str, letter: str) -> None:
    """Somebody else corrects the event first; the form shows how, and goes on from there."""
    theirs = desk.request.post(
        f"{url}/events/{read_before['id']}/corrections",
        data={"reason": "it is a transfer", "kind": "transfer"},
        headers={
            "Authorization": f"Bearer {token}",
            "If-Match": f'"{read_before["version"]}"',
        },
    )
    assert theirs.status == 201
    with desk.expect_request("**/corrections") as sent:
        send(desk, "Record this correction")
    # Only what was changed.
    assert sent.value.post_data_json == {
        "reason": "the letter is about another place",
        "pinned": {"occurred": "2021-06-05", "reason": "so the governor told me"},
        "withdraw_citations": [letter],
    }
    trouble = desk.get_by_role("alert").filter(has_text="Somebody else has changed this event")
    expect(trouble).to_be_focused()
    expect(trouble).to_contain_text("Bob: correct, now version 2 (“it is a transfer”)")
    trouble.get_by_role("button", name="Go on with version 2").click()
    expect(desk.get_by_label("What happened")).to_have_value("transfer")
    expect(desk.get_by_label("Date given by you")).to_have_value("2021-06-05")
    be_recorded(desk, "Record this correction")


def move_to_almar(desk: Page, url: str, event: str) -> None:
    """A move shows both districts; it takes the editor's date away as well."""
    desk.goto(f"{url}/enter?task=correct&event={event}")
    expect(desk.get_by_label("What happened")).to_have_value("transfer")
    pick(desk.get_by_role("combobox", name="District"), "Almar", "Almar")
    desk.get_by_text("Order on one day").click()
    desk.get_by_label("Date given by you").fill("")
    desk.get_by_label("Reason for that date").fill("")
    why(desk).fill("it was the neighbour")
    for name in ("Qaysar (Faryab)", "Almar (Faryab)"):
        expect(shown(desk).get_by_role("heading", name=name)).to_be_visible()
    be_recorded(desk, "Record this correction")


def take_back_in_almar(desk: Page, url: str) -> None:
    """Find the event by its district, and take it back."""
    desk.goto(f"{url}/enter?task=retract")
    expect(desk.get_by_text("The key works")).to_be_visible()
    pick(desk.get_by_role("combobox", name="District"), "almar", "Almar")
    desk.get_by_role("link", name="Take back: Passed to the Taliban").click()
    why(desk).fill("invented")
    expect(shown(desk)).to_contain_text("The event would count no more.")
    be_recorded(desk, "Take this event back")


def test_it_fits_a_phone_in_the_dark_and_asks_for_a_key_that_may_write(
    open_page: OpenPage, own_service: Live, watch: Watch
) -> None:
    watch.expected += ["401", "403", "422"]
    phone = open_page(viewport=PHONE, color_scheme="dark")
    phone.goto(f"{own_service.url}/enter?task=new&district=AF2907")
    expect(phone.get_by_role("combobox", name="District")).to_have_value("Qaysar, Faryab (AF2907)")
    expect(phone.locator("#on-record")).to_contain_text("6 June 2021")
    for wrong, words in (
        ("dc_000000000000_nothing", "does not work"),
        (make_token(own_service.engine, "Eve", Scope.READ), "may read only"),
    ):
        phone.get_by_label("API key").fill(wrong)
        phone.keyboard.press("Enter")
        expect(phone.get_by_role("alert").filter(has_text=words)).to_be_visible()
        assert phone.evaluate(f"sessionStorage.getItem('{KEY}')") is None
    phone.get_by_label("API key").fill(make_token(own_service.engine, "Ann", Scope.WRITE))
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("The key works")).to_be_visible()
    phone.get_by_label("What happened").select_option("contested")
    expect(phone.get_by_label("Who holds it afterwards")).to_have_value("+contested")
    # The document goes along to the event that it is about.
    phone.get_by_label("Title").fill("Letter from Faryab")
    phone.get_by_role("link", name="Add a document: Captured").first.click()
    expect(phone.get_by_label("Title")).to_have_value("Letter from Faryab")
    phone.get_by_role("link", name="Report an event").click()
    expect(phone.get_by_label("Title")).to_have_value("Letter from Faryab")
    phone.get_by_role("button", name="Another document").click()
    phone.get_by_text("More about this document").first.click()
    expect(phone.get_by_role("group", name="Document 2")).to_be_visible()
    phone.get_by_role("button", name="Remove this document").first.click()
    expect(phone.get_by_role("group", name="Document 1")).to_be_visible()
    expect(phone.get_by_role("group", name="Document 2")).to_have_count(0)
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    no_serious_finding(phone)


def test_every_kind_and_basis_can_be_chosen(client: TestClient) -> None:
    page = client.get("/enter?task=nonsense")
    assert page.status_code == 200
    for word in (*Kind, *Basis):
        assert f'<option value="{word}">' in page.text, word
    assert "<script>" not in page.text
    assert "Report an event" in page.text
