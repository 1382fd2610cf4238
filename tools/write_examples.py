"""Write the examples of the documentation: real answers of a freshly seeded service.

Usage: DATABASE_URL=... python -m tools.write_examples
"""

import json
import sys
from typing import Any

from fastapi.testclient import TestClient

from app.api.app import create_app
from app.api.examples import ASKED, FOLDER
from app.settings import Settings
from app.store.engine import make_engine

RECORDED = "2026-11-22T12:00:00Z"


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
        return {
            key: RECORDED if key in ("known_at", "known_from", "loaded_at") else timeless(value)
            for key, value in document.items()
        }
    return document


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
    if isinstance(short.get("geometry"), dict):
        rings = short["geometry"]["coordinates"]
        short["geometry"] = {**short["geometry"], "coordinates": [[rings[0][0][:4]]]}
    return short


if __name__ == "__main__":
    main()
