"""What an answer costs: statements do not grow with what is found, and many may ask at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from app.api.app import create_app
from app.settings import Settings
from app.store.engine import make_engine

from .asking import NEWS, OGC, PICTURES, READS, RECONCILING


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the block sends to the database."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def cost(client: TestClient, engine: Engine, address: str) -> int:
    client.get(address)  # the first use of an engine may ask the server about itself
    engine.dispose()  # with its pool it forgets what was remembered of the gazetteer
    with counted(engine) as sent:
        assert client.get(address).status_code < 400
    return len(sent)


GROWING = [
    ("/districts?limit=1", "/districts?limit=1000"),
    ("/districts?limit=1&f=geojson", "/districts?limit=1000&f=geojson"),
    ("/control?limit=1&f=csv", "/control?f=csv"),
    ("/control?limit=1", "/control"),
    ("/events?limit=1", "/events?limit=1000"),
    ("/events?limit=1&f=geojson", "/events?limit=1000&f=geojson"),
    ("/events?limit=1&f=csv", "/events?limit=1000&f=csv"),
    ("/events?limit=1&f=ndjson", "/events?limit=1000&f=ndjson"),
    ("/events?province=AF01&f=csv", "/events?f=csv"),
    ("/events?province=AF01&f=ndjson", "/events?f=ndjson"),
    ("/sources?limit=1", "/sources?limit=1000"),
    ("/sources/kabul-now?limit=1", "/sources/kabul-now?limit=1000"),
    ("/provinces?limit=1", "/provinces?limit=1000"),
    ("/provinces/AF30/summary", "/provinces/AF24/summary"),
    ("/provinces/AF30/timeline", "/provinces/AF29/timeline"),
    ("/changes?from=2021-05-01&to=2021-05-02", "/changes?from=2021-05-01&to=2021-08-16"),
    ("/series?from=2021-06-01&to=2021-06-01", "/series?from=2019-06-01&to=2021-08-16"),
    ("/summary?as_of=2021-01-01", "/summary?as_of=2021-08-16"),
    ("/districts/AF0102/timeline", "/districts/AF2711/timeline?min_confidence=claimed"),
    ("/districts/AF0102/control", "/districts/AF2711/control?min_confidence=claimed"),
    ("/districts/AF2506", "/districts/AF0101"),
]


@pytest.mark.parametrize(("few", "many"), GROWING)
def test_statements_do_not_grow_with_the_answer(
    forgetful: TestClient, seeded: Engine, few: str, many: str
) -> None:
    # An empty list of ids is not asked for; more than that would be one statement for each row.
    assert cost(forgetful, seeded, many) <= cost(forgetful, seeded, few) + 1


ADDRESSES = {
    **READS,
    **OGC,
    **PICTURES,
    **RECONCILING,
    **NEWS,
    "/tiles/{z}/{x}/{y}.mvt": "/tiles/6/44/25.mvt",
    **{path: path for path in ("/healthz", "/readyz", "/metrics")},
}
ENDLESS = "/stream"
"""Its answer does not end; `test_stream.py` looks after what it asks the database."""
STATEMENTS = {
    "/districts": 4,
    "/districts/{id}": 7,
    "/districts/{id}/control": 5,
    "/districts/{id}/timeline": 6,
    "/districts/{id}/neighbours": 5,
    "/provinces": 3,
    "/provinces/{id}": 5,
    "/provinces/{id}/summary": 4,
    "/provinces/{id}/timeline": 6,
    "/control": 4,
    "/summary": 4,
    "/changes": 6,
    "/series": 3,
    "/replay": 4,
    "/frontline": 7,
    "/encirclement": 5,
    "/tiles.json": 5,
    "/tiles/{z}/{x}/{y}.mvt": 6,
    "/map.svg": 7,
    "/map.png": 9,
    "/cite": 4,
    "/boundary-sets": 3,
    "/boundary-sets/{id}": 4,
    "/events": 5,
    "/events/{id}": 12,
    "/sources": 3,
    "/sources/{id}": 4,
    "/actors": 2,
    "/actors/{id}": 2,
    "/imports/{revision}": 2,
    "/feed.atom": 4,
    "/feed.json": 4,
    "/ogc": 3,
    "/ogc/conformance": 0,
    "/ogc/api": 0,
    "/ogc/collections": 7,
    "/ogc/collections/{collectionId}": 7,
    "/ogc/collections/{collectionId}/queryables": 0,
    "/ogc/collections/districts/items": 6,
    "/ogc/collections/districts/items/{featureId}": 5,
    "/ogc/collections/provinces/items": 6,
    "/ogc/collections/provinces/items/{featureId}": 6,
    "/ogc/collections/events/items": 7,
    "/ogc/collections/events/items/{featureId}": 6,
    "/ogc/collections/frontline/items": 7,
    "/ogc/collections/frontline/items/{featureId}": 7,
    "/reconcile": 1,
    "/reconcile/suggest/entity": 5,
    "/reconcile/suggest/type": 0,
    "/reconcile/suggest/property": 0,
    "/reconcile/preview": 3,
    "/reconcile/view": 2,
    "/healthz": 0,
    "/readyz": 4,
    "/metrics": 0,
}
"""The statements that a read of each route may send to the database."""


def test_each_route_that_is_read_has_a_stated_number_of_statements(client: TestClient) -> None:
    routes = client.get("/openapi.json").json()["paths"]
    assert {path for path, methods in routes.items() if "get" in methods} == {
        *STATEMENTS,
        ENDLESS,
    }


@pytest.mark.parametrize(("path", "most"), STATEMENTS.items(), ids=STATEMENTS)
def test_no_answer_needs_more_statements_than_stated(
    forgetful: TestClient, seeded: Engine, path: str, most: int
) -> None:
    assert cost(forgetful, seeded, ADDRESSES[path]) <= most


@pytest.mark.parametrize(
    ("address", "first", "then"),
    [("/districts/AF2907/control", 5, 4), ("/control", 4, 2), ("/tiles/6/43/25.mvt", 6, 3)],
)
def test_what_the_gazetteer_says_is_asked_once(
    own_seeded: Engine, address: str, first: int, then: int
) -> None:
    app = create_app(Settings(_env_file=None, cache_mb=0), own_seeded)
    client = TestClient(app)
    assert cost(client, own_seeded, address) == first
    for _ in range(2):
        with counted(own_seeded) as sent:
            before = client.get(address)
        assert len(sent) == then
    with own_seeded.begin() as connection:
        connection.execute(text("UPDATE countries SET time_zone = 'Pacific/Auckland'"))
        connection.execute(text("UPDATE boundary_sets SET licence = 'none'"))
        connection.execute(text("DELETE FROM drawn_districts WHERE district_id = 'AF2907'"))
    with counted(own_seeded) as sent:
        after = client.get(address)
    assert len(sent) == first
    assert after.content != before.content


FORMATS = {
    "/districts?f=geojson": 4,
    "/districts?f=csv": 4,
    "/districts?q=qaisar": 5,
    "/control?f=geojson": 4,
    "/control?f=csv": 4,
    "/control?f=gpkg": 5,
    "/control?f=geojson&as_of=2021-07-20&province=AF29&controller=taliban": 6,
    "/events?f=geojson": 6,
    "/frontline?f=json": 7,
}
"""The same of lists in other formats, and with filters that are checked."""


@pytest.mark.parametrize(("address", "most"), FORMATS.items(), ids=FORMATS)
def test_no_format_needs_more_statements_than_stated(
    forgetful: TestClient, seeded: Engine, address: str, most: int
) -> None:
    assert cost(forgetful, seeded, address) <= most


def test_more_requests_at_once_than_threads_and_connections_are_all_answered(
    seeded: Engine,
) -> None:
    """Requests that wait for a connection must not hold the threads that the others need.

    There are 40 threads; 90 requests with 2 to 4 connections once stood still until each had
    waited 30 s, and got a 500.
    """
    url = seeded.url.render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=2)
    app = create_app(Settings(_env_file=None, pool_size=2), engine)

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            asked = (client.get("/districts/AF2907/control") for _ in range(90))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    async def in_time() -> list[int]:
        return await asyncio.wait_for(ask_all(), timeout=25)

    statuses = asyncio.run(in_time())
    engine.dispose()
    assert Counter(statuses) == {200: 90}
