"""Real answers of a freshly seeded service, shown in the documentation.

`python -m tools.write_examples` makes the JSON files; a test asks the same again and compares.
"""

import json
from pathlib import Path
from typing import Any

from app.api.formats import MEDIA_TYPES

FOLDER = Path(__file__).parent
QAISAR_EVENT = "401f35e3-c6a0-5c77-9772-4f9348816aa2"
"""The capture of Qaisar (Faryab) on 6 June 2021, under the id that importing the seeds gives it."""

ASKED = {
    "districts": "/districts?q=qaisar&as_of=2021-06-10",
    "district": "/districts/AF2907?as_of=2021-06-10",
    "control": "/districts/AF2907/control?as_of=2021-06-10",
    "timeline": "/districts/AF2306/timeline?as_of=2021-06-30",
    "control-list": "/control?province=AF29&as_of=2021-06-10&limit=2&status=controlled",
    "summary": "/summary?as_of=2021-08-16",
    "changes": "/changes?from=2021-06-05&to=2021-06-10&province=AF23",
    "series": "/series?from=2021-06-01&to=2021-08-01&step=month",
    "replay": "/replay?province=AF29&as_of=2021-08-16",
    "provinces": "/provinces?limit=2&as_of=2021-06-30",
    "province": "/provinces/AF23",
    "province-summary": "/provinces/AF29/summary?as_of=2021-06-10",
    "province-timeline": "/provinces/AF23/timeline?as_of=2021-06-30",
    "neighbours": "/districts/AF2907/neighbours?as_of=2021-06-10",
    "frontline": "/frontline?as_of=2021-08-10&kinds=front,contested&f=json",
    "encirclement": "/encirclement?as_of=2021-06-10&province=AF29",
    "tiles": "/tiles.json?as_of=2021-08-15",
    "boundary-sets": "/boundary-sets",
    "boundary-set": "/boundary-sets/af-voronoi",
    "events": "/events?district=AF2306&as_of=2021-06-30",
    "event": f"/events/{QAISAR_EVENT}?as_of=2021-06-30",
    "sources": "/sources?limit=2&as_of=2021-06-30",
    "source": "/sources/altaposten?as_of=2021-06-30",
    "cite": "/cite?district=AF2907&as_of=2021-06-10",
    "actors": "/actors",
    "actor": "/actors/taliban",
    "import": "/imports/2",
    "ogc": "/ogc",
    "ogc-conformance": "/ogc/conformance",
    "ogc-collections": "/ogc/collections",
    "ogc-collection": "/ogc/collections/districts",
    "ogc-districts": "/ogc/collections/districts/items?name=Qaysar&datetime=2021-06-10",
    "ogc-district": "/ogc/collections/districts/items/AF2907?datetime=2021-06-10",
    "ogc-provinces": "/ogc/collections/provinces/items?name=Faryab&datetime=2021-06-10",
    "ogc-province": "/ogc/collections/provinces/items/AF29?datetime=2021-06-10",
    "ogc-events": "/ogc/collections/events/items?district=AF2907&datetime=2021-06-01/2021-06-30",
    "ogc-event": f"/ogc/collections/events/items/{QAISAR_EVENT}",
    "ogc-frontline": "/ogc/collections/frontline/items?datetime=2021-08-15",
    "ogc-line": "/ogc/collections/frontline/items/AF0307-AF0310?datetime=2021-08-15",
}
"""Which answer each example is."""

_OTHER_FORMATS: dict[str, Any] = {
    "geojson": {"schema": {"type": "object"}},
    "csv": {"schema": {"type": "string"}},
    "ndjson": {"schema": {"type": "string"}},
    "fgb": {"schema": {"type": "string", "format": "binary"}},
    "gpkg": {"schema": {"type": "string", "format": "binary"}},
    "text": {"schema": {"type": "string"}},
    "bibtex": {"schema": {"type": "string"}},
    "csl": {"schema": {"type": "array"}},
}


def example(name: str, *formats: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation: success, with its example and its other formats."""
    path = FOLDER / f"{name}.json"
    shown = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    content = {MEDIA_TYPES["json"]: {"example": shown}}
    content |= {MEDIA_TYPES[other]: _OTHER_FORMATS[other] for other in formats}
    return {200: {"description": f"For example, `GET {ASKED[name]}`", "content": content}}
