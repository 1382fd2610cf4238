"""Write the examples of the documentation: real answers of a freshly seeded service.

Usage: DATABASE_URL=... python -m tools.write_examples
"""

import json
import re
import sys
from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient

from app.api.app import create_app
from app.api.examples import ASKED, FOLDER
from app.settings import Settings
from app.store.engine import make_engine

RECORDED = "2026-11-22T12:00:00Z"
_IN_TEXT = {
    re.compile(r"([?&]known_at=)[^&\s\"}]+"): rf"\g<1>{quote(RECORDED)}",
    # Citations tell when the record was in that state.
    re.compile(r"\d+ \w+ \d{4}, [\d:]{8} UTC"): "22 November 2026, 12:00:00 UTC",
    re.compile(r"(accessed )\d+ \w+ \d{4}"): r"\g<1>22 November 2026",
    re.compile(r"(urldate = \{)[\d-]+"): r"\g<1>2026-11-22",
    re.compile(r"(year = \{)\d+"): r"\g<1>2026",
    re.compile(r"(month = \{)\d+"): r"\g<1>11",
}
"""What tells this instant within a text, and what is told instead."""


def main() -> None:
    """Ask every example of the service on DATABASE_URL and write its answer."""
    settings = Settings()
    if settings.database_url is None:
        raise SystemExit("set DATABASE_URL to a seeded database")
    client = TestClient(create_app(settings, make_engine(settings.database_url)))
    for name, address in ASKED.items():
        answer = client.get(address)
        answer.raise_for_status()
        document = shortened(timeless(answer.json()))
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(ASKED)} examples written\n")


def timeless(document: Any) -> Any:
    """Put one instant for all those at which this very service recorded its seeds."""
    if isinstance(document, list):
        return [timeless(item) for item in document]
    if isinstance(document, dict):
        return {key: _timeless_member(key, value) for key, value in document.items()}
    if isinstance(document, str):
        for found, instead in _IN_TEXT.items():
            document = found.sub(instead, document)
    return document


def _timeless_member(key: str, value: Any) -> Any:
    if key in ("known_at", "known_from", "loaded_at"):
        return RECORDED
    # No example asks about a day after the events: it is the day on which it is asked.
    if key == "as_of" and value >= "2022":
        return RECORDED[:10]
    if key == "date-parts":
        return [[2026, 11, 22]]
    return timeless(value)


def shortened(document: Any) -> Any:
    """Keep two of many: enough to show the form, and little enough to be read.

    Citations stay whole; they are what the answers rest on.
    """
    if not isinstance(document, dict):
        return document
    short = dict(document)
    for key in ("aliases", "provinces"):
        if len(short.get(key, [])) > 2:
            short[key] = short[key][:2]
    if (short.get("geometry") or {}).get("type") == "MultiPolygon":
        rings = short["geometry"]["coordinates"]
        short["geometry"] = {**short["geometry"], "coordinates": [[rings[0][0][:4]]]}
    if short.get("type") == "FeatureCollection":
        short["features"] = [shortened(feature) for feature in short["features"][:2]]
    return short


if __name__ == "__main__":
    main()
