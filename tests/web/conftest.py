"""A real browser before a real server: Debian's Chromium, driven by Playwright."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from sqlalchemy import Engine

from app.service import create_service
from app.settings import Settings
from tests.services import free_port, wait_until
from tests.web.browser import ARGUMENTS, chromium

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Live:
    """A service that a browser can open, and its database."""

    url: str
    engine: Engine


@contextmanager
def _live(engine: Engine) -> Iterator[Live]:
    settings = Settings(_env_file=None, rate_limit_reads="off", rate_limit_writes="off")
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            create_service(settings, engine),
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield Live(f"http://127.0.0.1:{port}", engine)
    server.should_exit = True
    thread.join(timeout=30)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="session")
def service(seeded: Engine) -> Iterator[Live]:
    """The service on the seeds, for pages that only read."""
    with _live(seeded) as live:
        yield live


@pytest.fixture
def own_service(own_seeded: Engine) -> Iterator[Live]:
    """The service on a seeded database of the test's own, to be written to."""
    with _live(own_seeded) as live:
        yield live


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for each worker; skips where there is none."""
    found = chromium()
    if found is None:
        pytest.skip("there is no Chromium that runs here")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Watch:
    """What went wrong in a browser while a test looked elsewhere.

    A test that provokes something says which part of a message it expects in `expected`.
    """

    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Listen to everything that its pages say and ask for."""
        context.on("console", lambda said: self._said(said.type, said.text))
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        context.on("request", self._asked)

    def unexpected(self) -> list[str]:
        """The problems that no test expected."""
        return [
            problem
            for problem in self.problems
            if not any(part in problem for part in self.expected)
        ]

    def _said(self, kind: str, text: str) -> None:
        # A violated Content-Security-Policy is such a message too.
        if kind in ("error", "warning") and "GPU stall due to ReadPixels" not in text:
            self.problems.append(f"{kind}: {text}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.hostname != "127.0.0.1":
            self.problems.append(f"asked another host: {request.url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails a test whose pages log an error, break their policy or ask another host."""
    watching = Watch()
    yield watching
    assert watching.unexpected() == []


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[OpenPage]:
    """Open a page: `open_page(viewport=PHONE, color_scheme="dark", java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def open_one(**options: object) -> Page:
        chosen: dict[str, object] = {
            "viewport": DESKTOP,
            "locale": "en-GB",
            "reduced_motion": "reduce",
            **options,
        }
        context = browser.new_context(**chosen)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        watch.follow(context)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of a desktop's size."""
    return open_page()
