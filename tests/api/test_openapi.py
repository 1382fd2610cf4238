"""The documentation: valid, complete, true, and served without any other host."""

import importlib.util
import json
import re
from html.parser import HTMLParser
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import validate

from app.api.examples import ASKED, FOLDER
from app.settings import PROJECT

from .asking import NEWS, OGC, PICTURES, PREVIEWS, READS, RECONCILING, WRITES, ask

OPERATION = ["/healthz", "/readyz", "/metrics"]
TILE = "/tiles/{z}/{x}/{y}.mvt"
ALL_READS = (*READS, *OGC, *PICTURES, *NEWS, TILE, *RECONCILING, *OPERATION)
EVERY = [("get", path) for path in ALL_READS] + [
    ("post", path) for path in (*WRITES, *PREVIEWS, "/reconcile")
]
VERSIONED = ("/events/{id}/corrections", "/events/{id}/retraction")
"""Writes that name the version that they change."""


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return ask(client, "/openapi.json")


@pytest.fixture(scope="module")
def write_examples() -> ModuleType:
    """`tools/` is not installed, so its module is loaded from its file."""
    spec = importlib.util.spec_from_file_location(
        "write_examples", PROJECT / "tools" / "write_examples.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_it_names_licence_contact_version_and_tags(document: dict[str, Any]) -> None:
    info = document["info"]
    assert info["license"]["identifier"] == "MIT"
    assert info["contact"]["email"]
    assert info["version"]
    assert info["description"]
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = {
        tag
        for path in document["paths"].values()
        for operation in path.values()
        for tag in operation["tags"]
    }
    assert used == described.keys()
    assert all(described.values())


def test_it_lists_every_read_and_write_and_nothing_else(document: dict[str, Any]) -> None:
    listed = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert listed == set(EVERY)


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_every_operation_has_a_summary_and_a_description(
    document: dict[str, Any], method: str, path: str
) -> None:
    operation = document["paths"][path][method]
    assert operation["summary"]
    assert len(operation["description"]) > 40
    assert all(parameter.get("description") for parameter in operation.get("parameters", []))


@pytest.mark.parametrize("path", READS)
def test_every_read_has_an_example_and_documents_its_errors(
    document: dict[str, Any], path: str
) -> None:
    responses = document["paths"][path]["get"]["responses"]
    assert responses["200"]["content"]["application/json"]["example"]
    for status in ("406", "422", "500", "503"):
        problem = responses[status]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
    takes_a_name = path.startswith(("/districts/{id}", "/provinces/{id}"))
    assert ("307" in responses) == takes_a_name
    assert "304" in responses


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Those who make clients from the document name methods after it."""
    names = [document["paths"][path][method]["operationId"] for method, path in EVERY]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", WRITES)
def test_every_write_says_what_it_answers(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    assert operation["tags"][-1] == "Writing"
    assert operation["security"] == [{"ApiKey": []}]
    responses = operation["responses"]
    shown = responses["201"]["content"]["application/json"]["schema"]
    assert shown["$ref"].startswith("#/components/schemas/")
    expected = {"400", "401", "403", "409", "413", "422", "429", "500", "503"}
    if path.startswith(("/events", "/imports")):
        expected |= {"404"}
    if path in VERSIONED:
        expected |= {"412", "428"}
    if path == "/imports":
        # It takes any bytes, and what it adds it may not find added.
        expected = expected - {"400", "409"} | {"415"}
    problems = {status for status in responses if status >= "4"}
    assert problems == expected
    for status in problems:
        problem = responses[status]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "304" not in responses


@pytest.mark.parametrize("path", PREVIEWS)
def test_a_preview_is_documented_as_its_write_is(document: dict[str, Any], path: str) -> None:
    preview = document["paths"][path]["post"]
    write = document["paths"][path.removeprefix("/previews")]["post"]
    assert preview["requestBody"] == write["requestBody"]
    assert preview["security"] == write["security"]
    shown = preview["responses"].pop("200")["content"]["application/json"]["schema"]
    assert shown == {"$ref": "#/components/schemas/Preview"}
    assert preview["responses"].keys() == write["responses"].keys() - {"201"}
    named = {p["name"] for p in write["parameters"]} - {"Idempotency-Key"}
    assert {p["name"] for p in preview.get("parameters", [])} == named


@pytest.mark.parametrize("path", WRITES)
def test_every_write_describes_what_it_takes(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    body = operation["requestBody"]
    assert body["required"] is True
    headers = {p["name"].lower() for p in operation["parameters"] if p["in"] == "header"}
    assert headers == {"idempotency-key", *(["if-match"] if path in VERSIONED else [])}
    if path == "/imports":
        assert {"text/csv", "application/x-ndjson"} <= body["content"].keys()
        return
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    assert schema["additionalProperties"] is False
    assert "reason" in schema["required"] or not path.endswith(("corrections", "retraction"))


def test_the_parts_that_came_with_writing_are_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, members in {
        "EventDetail": "changes replaces replaced_by",
        "Citation": "says",
        "EventItem": "day_order sequence",
        "ImportReport": "partial duplicates events_retracted citations_moved errors revision",
    }.items():
        for member in members.split():
            assert member in schemas[name]["required"], member
            described = schemas[name]["properties"][member]
            assert described.get("description"), f"{name}.{member}"
    actions = schemas["Action"]["enum"]
    assert {"import", "add-source", "add-actor", "record", "retract"} <= set(actions)
    assert schemas["Says"]["properties"].keys() == {"kind", "status", "controller"}


def test_a_key_is_a_bearer_token(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["ApiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    # Reads need none unless an operator says so.
    assert not any("security" in document["paths"][path]["get"] for path in (*READS, *OPERATION))


@pytest.mark.parametrize("name", ASKED)
def test_an_example_is_what_the_service_answers_now(
    client: TestClient, write_examples: ModuleType, document: dict[str, Any], name: str
) -> None:
    """`python -m tools.write_examples` writes them again when answers have changed on purpose."""
    answer = write_examples.shortened(write_examples.timeless(ask(client, ASKED[name])))
    example = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert example == answer
    path = next(
        template
        for template in (*READS, *OGC)
        if re.fullmatch(
            re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), urlsplit(ASKED[name]).path
        )
    )
    shown = document["paths"][path]["get"]["responses"]["200"]
    assert shown["content"]["application/json"]["example"] == example
    assert ASKED[name] in shown["description"]


class Links(HTMLParser):
    """The addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe"):
            self.found += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_documentation_page_loads_everything_from_us(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = Links()
    links.feed(page.text)
    assert any("swagger-ui-bundle" in link for link in links.found)
    assert any(link.endswith(".css") for link in links.found)
    for link in links.found:
        assert not urlsplit(link).netloc, f"{link} lies on another host"
        asset = client.get(link)
        assert asset.status_code == 200, link
        assert len(asset.content) > 100
    assert not re.search(r"https?://", page.text)
    assert "/openapi.json" in page.text


def test_the_style_sheet_loads_nothing_from_elsewhere(client: TestClient) -> None:
    style = client.get("/static-offline-docs/swagger-ui.css").text
    assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style)
