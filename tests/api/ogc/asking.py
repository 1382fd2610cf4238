"""Asking under `/ogc`, as the tests in this folder do."""

from typing import Any
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

from ..asking import Answer, ask

COLLECTIONS = ("districts", "provinces", "events", "frontline")
WORLD = "-180,-90,180,90"


def items(client: TestClient, collection: str, **params: Any) -> Answer:
    """A page; all features of the seeds unless there is a `limit`."""
    return ask(client, f"/ogc/collections/{collection}/items", **{"limit": 1000} | params)


def features(client: TestClient, collection: str, **params: Any) -> list[Answer]:
    found: list[Answer] = items(client, collection, **params)["features"]
    return found


def links(document: Answer, rel: str) -> list[str]:
    """The addresses with that relation, without the host."""
    addresses = []
    for link in document["links"]:
        if link["rel"] == rel:
            parts = urlsplit(link["href"])
            assert parts.netloc, f"{link['href']} is no whole address"
            addresses.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return addresses


def walk(client: TestClient, address: str) -> list[Answer]:
    """The features of all pages."""
    found: list[Answer] = []
    ahead = [address]
    while ahead:
        page = ask(client, ahead[0])
        assert page["features"], "an empty page"
        assert page["numberReturned"] == len(page["features"])
        found += page["features"]
        ahead = links(page, "next")
    return found
