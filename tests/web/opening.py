"""Opening the page with the map, and moving its clocks."""

from playwright.sync_api import Page

from tests.web.conftest import Live


def opened(page: Page, service: Live, query: str = "") -> Page:
    page.goto(f"{service.url}/?{query}")
    page.wait_for_function("() => Boolean(window.districtControl)")
    return page


def set_clocks(page: Page, **state: str | None) -> None:
    page.evaluate("state => window.districtControl.store.set(state)", state)
