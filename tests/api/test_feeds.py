"""Feeds, read by a feed reader's own parser."""

import re
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import feedparser
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from app.domain.control import Action
from app.store.changes import changing
from app.store.engine import writing
from app.store.recorded import Happened, Place, newest
from app.store.tables import citations

from .asking import Answer, ask, assert_problem
from .writing import Desk, a_citation, written

ATOM = {"atom": "http://www.w3.org/2005/Atom"}


def parsed(client: TestClient, **params: Any) -> Any:
    response = client.get("/feed.atom", params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/atom+xml")
    feed = feedparser.parse(response.content)
    assert not feed.bozo, feed.bozo_exception
    assert feed.version == "atom10"
    return feed


def items(client: TestClient, **params: Any) -> list[Answer]:
    response = client.get("/feed.json", params=params)
    assert response.headers["content-type"].startswith("application/feed+json")
    document = response.json()
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["title"] and document["feed_url"].startswith("http")
    for item in document["items"]:
        assert item["id"] and item["url"].startswith("http") and item["content_html"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", item["date_published"])
    found: list[Answer] = document["items"]
    return found


def test_both_feeds_tell_the_same(client: TestClient) -> None:
    atom, json_feed = parsed(client, limit=200), items(client, limit=200)
    assert [e.id for e in atom.entries] == [item["id"] for item in json_feed]
    assert [e.title for e in atom.entries] == [item["title"] for item in json_feed]
    assert [e.link for e in atom.entries] == [item["url"] for item in json_feed]
    assert len({e.id for e in atom.entries}) == len(atom.entries)
    events = ask(client, "/events", limit=1000)["events"]
    assert {item["url"].partition("#event-")[2] for item in json_feed} == {e["id"] for e in events}


def test_a_feed_of_a_place_has_its_news_only(client: TestClient) -> None:
    district = items(client, district="AF2306")
    events = ask(client, "/events", district="AF2306")["events"]
    assert {item["url"].partition("#event-")[2] for item in district} == {e["id"] for e in events}
    assert all("/d/AF2306#" in item["url"] for item in district)
    province = items(client, province="AF23", limit=200)
    assert {item["id"] for item in district} < {item["id"] for item in province}
    assert parsed(client, province="AF23").feed.title == "District Control: Ghor"
    assert parsed(client, district="AF2306").feed.title == "District Control: Shahrak"
    assert parsed(client, district="AF2306").feed.link.endswith("/d/AF2306")


def test_what_is_done_to_an_event_is_told_each_time(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    told = desk.record(district="AF0102")
    event = told["id"]
    written(desk.bob.post(f"/events/{event}/citations", json=a_citation(stance="disputes")))
    corrected = desk.bob.post(
        f"/events/{event}/corrections",
        json={"reason": "it was the other side", "controller": "afghan-government"},
        headers={"If-Match": '"1"'},
    )
    written(corrected)
    retracted = desk.bob.post(
        f"/events/{event}/retraction",
        json={"reason": "it was another district"},
        headers={"If-Match": '"2"'},
    )
    assert retracted.status_code < 300, retracted.text
    found = items(desk.nobody, district="AF0102")[:4]
    before = [item["title"].partition(": ")[0] for item in found]
    assert before[:3] == ["Taken back", "Corrected", "New document"]
    name = ask(desk.nobody, "/districts/AF0102")["name"]
    assert found[3]["title"].startswith(f"{name}, ")
    assert "by the Afghan government" in found[0]["title"]
    assert "by the Taliban" in found[3]["title"]
    assert "it was another district" in found[0]["content_html"]
    assert "(disputes it)" in found[2]["content_html"]
    with own_seeded.connect() as connection:
        news = newest(connection, Place(district="AF0102"), 4)
    assert [one.happened for one in news] == [
        Happened.TAKEN_BACK,
        Happened.CORRECTED,
        Happened.CITED,
        Happened.RECORDED,
    ]
    assert [len(one.cited) for one in news] == [0, 0, 1, 1]


def test_an_entry_stays_what_it_was_when_more_is_recorded(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    before = items(desk.nobody, limit=200)
    desk.record(district="AF0102")
    after = items(desk.nobody, limit=200)
    assert after[1:] == before
    assert "/d/AF0102#" in after[0]["url"]


NASTY = "<script>alert('&')</script> ]]> \"quoted\" \U0001f4f0 قیصار \ufffe\uffff"
"""The last two are no characters of XML, in whatever way they are written."""


def test_whatever_a_document_is_called_is_only_text(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    desk.record(district="AF0102", citations=[a_citation(title=NASTY)])
    parsed(desk.nobody, limit=1)
    response = desk.nobody.get("/feed.atom", params={"limit": 1})
    content = ElementTree.fromstring(response.content).find(  # noqa: S314
        "atom:entry/atom:content", ATOM
    )
    assert content is not None and content.text
    assert "<script" not in content.text
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt; ]]&gt;" in content.text
    assert "قیصار \ufffd\ufffd" in content.text
    (item,) = items(desk.nobody, limit=1)
    assert item["content_html"] == content.text


def test_a_document_may_leave_an_event_that_stays(own_seeded: Engine) -> None:
    """As when an import finds that it speaks of another change."""
    desk = Desk.on(own_seeded)
    event = UUID(desk.record(citations=[a_citation(), a_citation(source="khaama-press")])["id"])
    with writing(own_seeded) as connection:
        documents = select(citations.c.id).where(citations.c.event_id == event)
        left = connection.scalars(documents.limit(1)).one()
        with changing(connection, author="Ann", action=Action.IMPORT) as change:
            change.close_citations([left])
            change.settle([event])
    item, before = items(desk.nobody, limit=2)
    assert item["title"] == f"Document withdrawn: {before['title']}"
    data = re.search(r'href="([^"]+/events/[^"]+)"', item["content_html"])
    assert data and desk.nobody.get(data[1]).json()["event"]["id"] == str(event)


def test_a_feed_is_not_sent_again_until_something_is_recorded(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    for path in ("/feed.atom", "/feed.json"):
        tag = desk.nobody.get(path).headers["etag"]
        assert desk.nobody.get(path, headers={"If-None-Match": tag}).status_code == 304
        desk.record(district="AF0102")
        assert desk.nobody.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_place_without_news_has_an_empty_feed(client: TestClient) -> None:
    unknown = next(
        d["id"]
        for d in ask(client, "/districts", limit=1000)["districts"]
        if not ask(client, "/events", district=d["id"])["events"]
    )
    first = client.get("/feed.atom", params={"district": unknown})
    assert parsed(client, district=unknown).entries == []
    assert first.content == client.get("/feed.atom", params={"district": unknown}).content
    assert items(client, district=unknown) == []


@pytest.mark.parametrize("path", ["/feed.atom", "/feed.json"])
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("district=AF9999", "district"),
        ("province=XX01", "province"),
        ("as_of=2021-06-01", "as_of"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    client: TestClient, path: str, query: str, parameter: str
) -> None:
    assert_problem(client.get(f"{path}?{query}"), 422, parameter)
