"""What the pages cost whoever opens them: bytes over the wire, and the time to recolour the map.

Usage: python -m bench.pages [--rounds 5] [--json FILE]

On a PostGIS of its own with the seeds: opens each page in Chromium (software WebGL, empty cache), at
the size of a desktop and of a phone, and weighs what arrives, headers included, the map library
apart. Then steps the map through every day of the record by the keyboard, and reads the time that
the page itself measured for each recolouring.
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from playwright.sync_api import Browser, Page, sync_playwright

from app.local_postgis import throwaway_postgis
from app.seeding import seed
from app.settings import PROJECT
from app.store.engine import make_engine
from app.store.schema import migrate
from tests.services import serving
from tests.web.browser import ARGUMENTS, chromium

PAGES = ("/", "/embed", "/d/AF2907", "/p/AF29", "/enter")
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
LIBRARY = "/static/maplibre/"
READY = "() => window.districtControl === undefined || window.districtControl.ready"


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found = chromium()
    if found is None:
        raise SystemExit("there is no Chromium that runs here")
    with _seeded() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        figures = weigh(browser, url) | recolour(browser, url, given.rounds)
        browser.close()
    for name, figure in figures.items():
        sys.stdout.write(f"{name:<45}{figure:>12,.2f}\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _seeded() -> Iterator[str]:
    """The address of a service of its own on the seeds."""
    with throwaway_postgis() as database, tempfile.TemporaryDirectory() as folder:
        engine = make_engine(database)
        migrate(engine)
        seed(engine, PROJECT / "seeds")
        engine.dispose()
        with serving(database, Path(folder) / "log") as service:
            yield service.url


def weigh(browser: Browser, url: str) -> dict[str, float]:
    """Kilobytes that arrive until a page is at rest, with an empty cache."""
    figures = {}
    for path in PAGES:
        for size, viewport in SIZES.items():
            page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
            arrived = {"page": 0, "library": 0}
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            of: dict[str, str] = {}
            session.on(
                "Network.responseReceived", lambda e, of=of: of.update({e["requestId"]: e["response"]["url"]})
            )

            def count(event: dict, of: dict[str, str] = of, arrived: dict[str, int] = arrived) -> None:
                part = "library" if LIBRARY in of.get(event["requestId"], "") else "page"
                arrived[part] += int(event["encodedDataLength"])

            session.on("Network.loadingFinished", count)
            page.goto(url + path, wait_until="load")
            page.wait_for_function(READY)
            page.wait_for_load_state("load")
            page.wait_for_timeout(1500)
            figures[f"{path} {size}, kB"] = arrived["page"] / 1000
            if arrived["library"]:
                figures[f"{path} {size}, map library, kB"] = arrived["library"] / 1000
            page.close()
    return figures


def recolour(browser: Browser, url: str, rounds: int) -> dict[str, float]:
    """Milliseconds that the page took to give the map the colours of another day."""
    page = browser.new_page(viewport=SIZES["desktop"])  # type: ignore[arg-type]
    page.goto(url)
    page.wait_for_function(READY)
    took = [one for _ in range(rounds) for one in _through_the_record(page)]
    page.close()
    return {
        "recolourings": len(took),
        "recolour one date, median ms": statistics.median(took),
        "recolour one date, p99 ms": statistics.quantiles(took, n=100)[98],
        "recolour one date, longest ms": max(took),
    }


def _through_the_record(page: Page) -> list[float]:
    """Step from the first day to the last, and back in leaps of the whole record."""
    page.evaluate("() => performance.clearMeasures('recolour')")
    return page.evaluate("""async () => {
        const { store, getModel } = window.districtControl;
        const { first, last } = getModel();
        const frame = () => new Promise(requestAnimationFrame);
        for (let day = Date.parse(first); day <= Date.parse(last); day += 86400000) {
            store.set({ asOf: new Date(day).toISOString().slice(0, 10) });
            await frame();
        }
        for (const day of [first, last, first, last]) {
            store.set({ asOf: day });
            await frame();
        }
        return performance.getEntriesByName('recolour').map((entry) => entry.duration);
    }""")  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
