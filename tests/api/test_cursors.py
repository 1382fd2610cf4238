"""Pages: nothing twice, nothing missing, one state of the record; cursors cannot be forged."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from starlette.types import Receive, Scope, Send

from app.api.app import create_app
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import record
from app.settings import Settings
from app.store.engine import writing

from .asking import LISTS, Answer, ask, assert_problem, cursor_of, next_page


def walk(client: TestClient, address: str, member: str) -> list[Answer]:
    """The items of all pages."""
    items: list[Answer] = []
    page: str | None = address
    while page:
        response = client.get(page)
        assert response.status_code == 200, response.text
        found = response.json()[member]
        assert found, "an empty page"
        items += found
        page = next_page(response)
    return items


@pytest.mark.parametrize("clocks", ["as_of=2021-06-30", "as_of=2021-06-14T12:00%2B04:30", ""])
@pytest.mark.parametrize("path", LISTS)
def test_pages_put_together_are_the_whole_list(client: TestClient, path: str, clocks: str) -> None:
    member = LISTS[path]
    whole = client.get(f"{path}?limit=1000&{clocks}").json()[member]
    paged = walk(client, f"{path}?limit=7&{clocks}", member)
    assert paged == whole
    assert len(whole) > 7


@pytest.mark.parametrize(
    "address",
    [
        "/districts?q=ab&limit=7",
        "/districts?province=AF29&status=unknown&limit=3",
        "/control?bbox=63.5,35.0,65.5,36.5&limit=3",
        "/events?province=AF29&limit=2",
        "/events?source=kabul-now&min_confidence=confirmed&limit=3",
    ],
)
def test_the_next_page_keeps_the_filters(client: TestClient, address: str) -> None:
    member = "events" if address.startswith("/events") else "districts"
    whole = client.get(address.rpartition("&")[0] + "&limit=1000").json()[member]
    assert walk(client, address, member) == whole
    assert next_page(client.get(address))


def test_the_last_page_names_no_next_one_even_when_it_is_full(client: TestClient) -> None:
    assert next_page(client.get("/provinces?limit=34")) is None
    assert next_page(client.get("/provinces?limit=33")) is not None
    assert next_page(client.get("/control")) is None


def test_pages_in_other_formats_go_on_in_them(client: TestClient) -> None:
    address = next_page(client.get("/control?f=csv&limit=5"))
    assert address
    assert client.get(address).headers["content-type"].startswith("text/csv")


def a_capture_of_every_list(engine: Engine) -> None:
    """An event that would come first in `/events` and move pages of `/sources/kabul-now`."""
    citation = Citation(
        stance=Stance.SUPPORTS,
        source="kabul-now",
        origin="Kabul Now",
        published="2021-05-02",
        asserted="2021-08-15",
        basis=Basis.JOURNALIST,
    )
    content = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    with writing(engine) as connection:
        record(connection, "AF0102", content, (citation,), author="test")


def test_what_is_recorded_between_two_pages_moves_none(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    wholes = {path: ask(client, path, limit=1000)[member] for path, member in LISTS.items()}
    firsts = {path: client.get(f"{path}?limit=7") for path in LISTS}
    a_capture_of_every_list(own_seeded)
    for path, member in LISTS.items():
        rest = walk(client, next_page(firsts[path]) or "", member)
        assert firsts[path].json()[member] + rest == wholes[path], path
    # And it did move them for those who ask anew.
    assert ask(client, "/events")["events"] != wholes["/events"][:100]
    assert (
        ask(client, "/sources/kabul-now", limit=1000)["cited_for"] != wholes["/sources/kabul-now"]
    )


def packed(document: Any) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


FORGED = [
    "",
    "!",
    "a",
    "%00",
    "قیصار",
    "e30",
    "bnVsbA",
    "x" * 401,
    packed(b"\x00"),
    packed(b"\xff\xfe"),
    packed(b"{"),
    packed([]),
    packed("AF2907"),
    packed({"id": None}),
    packed({"id": "AF2907\x00"}),
    packed({"id": "kabul-now\x00"}),
    packed({"id": 10**40}),
    packed({"of": "districts", "id": "AF2907", "more": 1}),
    packed({"effective_on": "2021-06-06", "day_order": 10**20, "latest": "x", "sequence": 1}),
    packed(
        {
            "effective_on": "2021-06-06",
            "day_order": 0,
            "latest": "2021-06-06T00:00:00Z",
            "sequence": 10**30,
        }
    ),
    packed(
        {
            "effective_on": "2021-06-06",
            "day_order": 2**31,
            "latest": "2021-06-06T00:00:00Z",
            "sequence": 1,
        }
    ),
    packed({"published_latest": "2021-06-06", "id": "1"}),
    packed(b'{"id":NaN}'),
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", FORGED, ids=range(len(FORGED)))
def test_a_forged_cursor_is_refused(client: TestClient, path: str, cursor: str) -> None:
    response = client.get(path, params={"cursor": cursor} if cursor != "%00" else "cursor=%00")
    assert_problem(response, 422, "cursor")


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_with_a_piece_missing_is_refused(client: TestClient, path: str) -> None:
    cursor = cursor_of(client.get(f"{path}?limit=1"))
    for broken in (cursor[:-3], cursor[4:], cursor[::-1]):
        assert_problem(client.get(path, params={"cursor": broken}), 422, "cursor")


@pytest.mark.parametrize("path", LISTS)
def test_the_cursor_of_another_list_is_refused(client: TestClient, path: str) -> None:
    """Except between `/districts` and `/control`, which page through the same list."""
    for other, member in LISTS.items():
        if other == path or member == LISTS[path]:
            continue
        cursor = cursor_of(client.get(f"{other}?limit=1"))
        assert_problem(client.get(path, params={"cursor": cursor}), 422, "cursor")


EXTREMES = [
    ("0001-01-01", "0001-01-01T00:00:00+23:59"),
    ("9999-12-31", "9999-12-31T23:59:59-23:59"),
    ("2021-06-06", "2021-06-06T00:00:00"),
]


@pytest.mark.parametrize(("day", "latest"), EXTREMES)
def test_a_cursor_at_the_ends_of_the_calendar_is_no_server_error(
    client: TestClient, day: str, latest: str
) -> None:
    event = {"effective_on": day, "day_order": -(2**31), "latest": latest, "sequence": 2**63 - 1}
    source = {"published_latest": latest, "id": "00000000-0000-0000-0000-000000000000"}
    for path, position in (("/events", event), ("/sources/kabul-now", source)):
        response = client.get(path, params={"cursor": packed(position)})
        assert response.status_code in (200, 422), response.text


@pytest.mark.parametrize("is_in_path", [True, False])
def test_the_next_page_lies_behind_the_same_prefix(seeded: Engine, is_in_path: bool) -> None:
    """Some servers put the prefix that they are mounted at before the path, and some do not."""
    app = create_app(Settings(_env_file=None), seeded)

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        path = f"/dc{scope['path']}" if is_in_path else scope["path"]
        await app({**scope, "root_path": "/dc", "path": path}, receive, send)

    response = TestClient(server).get("/districts?limit=2")
    assert (next_page(response) or "").startswith("/dc/districts?")
