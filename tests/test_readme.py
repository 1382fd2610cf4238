"""What the README shows is what the service answers."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.settings import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"\$ curl -sL? 'http://127\.0\.0\.1:8000(\S+)'\n(.+?)\n(?=\n|```)", README, re.S)


def is_part_of(shown: Any, answer: Any) -> bool:
    """Whether an answer has everything that is shown of it."""
    if isinstance(shown, dict):
        return all(key in answer and is_part_of(shown[key], answer[key]) for key in shown)
    if isinstance(shown, list):
        return all(any(is_part_of(item, other) for other in answer) for item in shown)
    return bool(shown == answer)


def test_the_readme_shows_three_answers() -> None:
    assert len(SHOWN) == 3


@pytest.mark.parametrize(("address", "shown"), SHOWN)
def test_the_answers_of_the_readme_are_real(client: TestClient, address: str, shown: str) -> None:
    answer = client.get(address, follow_redirects=True)
    assert is_part_of(json.loads(shown.replace(", …}", "}")), answer.json())


def test_the_figures_of_the_readme_are_those_of_the_seeds(client: TestClient) -> None:
    figures = re.search(
        r"(\d+) provinces, (\d+) districts, (\d+) changes of control, (\d+) citations", README
    )
    assert figures
    events = client.get("/events", params={"limit": 1000}).json()["events"]
    assert [int(figure) for figure in figures.groups()] == [
        len(client.get("/provinces", params={"limit": 1000}).json()["provinces"]),
        len(client.get("/control").json()["districts"]),
        len(events),
        sum(len(event["citations"]) for event in events),
    ]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(/[a-z]+[^`]*)`", README))))
def test_every_address_of_the_readme_exists(client: TestClient, path: str) -> None:
    if "{id}" not in path:
        # A stream has no end to wait for.
        ask = client.head if path == "/stream" else client.get
        assert ask(path, follow_redirects=True).status_code == 200
