"""Asking the API and reading its answers, as the tests in this folder do."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import QAISAR_EVENT

Answer = dict[str, Any]

# Everything that the design's table lists from /districts to /imports, with a question to ask.
READS = {
    "/districts": "/districts?limit=5",
    "/districts/{id}": "/districts/AF2907",
    "/districts/{id}/control": "/districts/AF2907/control",
    "/districts/{id}/timeline": "/districts/AF2907/timeline",
    "/districts/{id}/neighbours": "/districts/AF2907/neighbours",
    "/provinces": "/provinces",
    "/provinces/{id}": "/provinces/AF29",
    "/provinces/{id}/summary": "/provinces/AF29/summary",
    "/provinces/{id}/timeline": "/provinces/AF29/timeline",
    "/control": "/control",
    "/summary": "/summary",
    "/changes": "/changes?from=2021-06-01&to=2021-06-10",
    "/series": "/series?from=2021-06-01&to=2021-06-10",
    "/replay": "/replay",
    "/frontline": "/frontline",
    "/encirclement": "/encirclement",
    "/tiles.json": "/tiles.json",
    "/cite": "/cite",
    "/boundary-sets": "/boundary-sets",
    "/boundary-sets/{id}": "/boundary-sets/af-voronoi",
    "/events": "/events",
    "/events/{id}": f"/events/{QAISAR_EVENT}",
    "/sources": "/sources",
    "/sources/{id}": "/sources/kabul-now",
    "/actors": "/actors",
    "/actors/{id}": "/actors/taliban",
    # On a freshly seeded database the second revision is the import of the claims.
    "/imports/{revision}": "/imports/2",
}
WITHOUT_CLOCKS = (
    "/actors",
    "/actors/{id}",
    "/boundary-sets",
    "/boundary-sets/{id}",
    "/provinces/{id}",
    "/imports/{revision}",
)
"""Reads that say the same at every setting of the clocks, and take none."""
OGC = {
    "/ogc": "/ogc",
    "/ogc/conformance": "/ogc/conformance",
    "/ogc/api": "/ogc/api",
    "/ogc/collections": "/ogc/collections",
    "/ogc/collections/{collectionId}": "/ogc/collections/districts",
    "/ogc/collections/{collectionId}/queryables": "/ogc/collections/districts/queryables",
    "/ogc/collections/districts/items": "/ogc/collections/districts/items?limit=5",
    "/ogc/collections/districts/items/{featureId}": "/ogc/collections/districts/items/AF2907",
    "/ogc/collections/provinces/items": "/ogc/collections/provinces/items",
    "/ogc/collections/provinces/items/{featureId}": "/ogc/collections/provinces/items/AF29",
    "/ogc/collections/events/items": "/ogc/collections/events/items",
    "/ogc/collections/events/items/{featureId}": (f"/ogc/collections/events/items/{QAISAR_EVENT}"),
    "/ogc/collections/frontline/items": "/ogc/collections/frontline/items",
    "/ogc/collections/frontline/items/{featureId}": (
        "/ogc/collections/frontline/items/AF0307-AF0310"
    ),
}
"""Reads that a standard says the form of: their clocks and their errors are its own."""
PICTURES = {
    "/map.svg": "/map.svg?as_of=2021-08-15",
    "/map.png": "/map.png?as_of=2021-08-15&province=AF29",
}
"""Reads at the clocks whose answer is an image."""
RECONCILING = {
    "/reconcile": "/reconcile",
    "/reconcile/suggest/entity": "/reconcile/suggest/entity?prefix=kay",
    "/reconcile/suggest/type": "/reconcile/suggest/type?prefix=d",
    "/reconcile/suggest/property": "/reconcile/suggest/property?prefix=p",
    "/reconcile/preview": "/reconcile/preview?id=AF2907",
    "/reconcile/view": "/reconcile/view?id=AF2907",
}
"""Reads of places, whose form a standard says; they take no clocks. `/reconcile` takes POST too."""
WRITES = {
    "/events": "/events",
    "/events/{id}/citations": f"/events/{QAISAR_EVENT}/citations",
    "/events/{id}/corrections": f"/events/{QAISAR_EVENT}/corrections",
    "/events/{id}/retraction": f"/events/{QAISAR_EVENT}/retraction",
    "/sources": "/sources",
    "/actors": "/actors",
    "/imports": "/imports",
}
PREVIEWS = {
    f"/previews{path}": f"/previews{address}"
    for path, address in WRITES.items()
    if path.startswith("/events")
}
"""Writes that are rolled back: what they would change is the answer."""
NEWS = {
    "/feed.atom": "/feed.atom",
    "/feed.json": "/feed.json",
    "/stream": "/stream",
}
"""What was recorded and is being recorded, in forms of their own, without clocks."""
LISTS = {
    "/districts": "districts",
    "/control": "districts",
    "/provinces": "provinces",
    "/events": "events",
    "/sources": "sources",
    "/sources/kabul-now": "cited_for",
}
"""Lists that come in pages, and the member that holds the items."""


def ask(client: TestClient, path: str, **params: Any) -> Answer:
    """The JSON answer; a trailing underscore lets `from_` be a parameter."""
    query = {name.rstrip("_"): value for name, value in params.items() if value is not None}
    response = client.get(path, params=query or None)
    assert response.status_code == 200, f"{response.url}: {response.text}"
    answer: Answer = response.json()
    return answer


def statuses(client: TestClient, **params: Any) -> dict[str, Answer]:
    """What `/control` says of every district, by id."""
    answer = ask(client, "/control", **params)
    return {district["id"]: district for district in answer["districts"]}


def outcome(item: Answer) -> tuple[str, str | None]:
    """Status and holder: what has to differ for a change."""
    return item["status"], item["controller"] and item["controller"]["id"]


def assert_problem(response: Response, status: int, parameter: str | None = None) -> Answer:
    """The response is an RFC 9457 problem of that status, which names the parameter at fault."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:300]}"
    assert response.headers["content-type"] == "application/problem+json"
    body: Answer = response.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"] and body["detail"]
    assert body["instance"].startswith("/")
    if parameter is not None:
        assert [fault["parameter"] for fault in body["errors"]] == [parameter], body
    return body


def next_page(response: Response) -> str | None:
    """The address in `Link: rel="next"`, if there is one."""
    link = response.headers.get("link")
    if link is None:
        return None
    found = re.fullmatch(r'<([^>]+)>; rel="next"', link)
    assert found, link
    return found[1]


def cursor_of(response: Response) -> str:
    """The cursor in the address of the next page."""
    address = next_page(response)
    assert address, "there is no next page"
    return dict(parse_qsl(urlsplit(address).query))["cursor"]
