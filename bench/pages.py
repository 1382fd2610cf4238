"""What the pages cost whoever opens them: bytes over the wire, and the time to recolour the map.

Usage: python -m bench.pages [--rounds 5] [--json FILE]

On a PostGIS of its own with the seeds: opens each page in Chromium (software WebGL, no cache), at
the size of a desktop and of a phone, and weighs what arrives, headers included: the map library
apart, and the tiles, which its workers fetch. Then steps the map through every day of the record,
and reads the time that the page itself measured for each recolouring.
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
from playwright.sync_api import Browser, Page, Request, sync_playwright

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
MAPS = ("/", "/embed")
READY = "() => window.districtControl !== undefined"


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
            context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
            sizes: list[tuple[str, int]] = []
            context.on(
                "requestfinished", lambda request, sizes=sizes: sizes.append(_sized(request))
            )
            page = context.new_page()
            page.goto(url + path, wait_until="networkidle" if path != "/" else "load")
            if path in MAPS:
                page.wait_for_function(READY)
                page.wait_for_timeout(2000)
            library = sum(size for address, size in sizes if LIBRARY in address)
            figures[f"{path} {size}, kB"] = (sum(size for _, size in sizes) - library) / 1000
            if library:
                figures[f"{path} {size}, map library, kB"] = library / 1000
            context.close()
    return figures


def _sized(request: Request) -> tuple[str, int]:
    """An address, and the bytes of its answer with headers."""
    sizes = request.sizes()
    return request.url, sizes["responseBodySize"] + sizes["responseHeadersSize"]


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
