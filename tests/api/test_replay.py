"""The replay says for every day, as told by every day, what `/control` says."""

from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.asking import Answer, ask, outcome, statuses

DAYS = ("2021-05-01", "2021-06-05", "2021-06-06", "2021-06-14", "2021-06-22", "2021-08-15")
UNKNOWN = ("unknown", None, None, False)


def told(replay: Answer, district: Answer, day: str, reported_by: str | None) -> Any:
    """What a client reads from the replay, as its documentation says."""
    found = [
        e for e in district["editions"] if not reported_by or e["reported_from"] <= reported_by
    ]
    runs = [number for first, number in found[-1]["runs"] if first <= day] if found else []
    if not runs:
        return UNKNOWN
    state = replay["states"][runs[-1]]
    return state["status"], state["controller"], state["confidence"], state["disputed"]


def of_control(item: Answer) -> Any:
    return *outcome(item), item["confidence"], item["disputed"]


@pytest.mark.parametrize("minimum", ["claimed", "reported", "confirmed"])
@pytest.mark.parametrize("reported_by", [None, "2021-06-05", "2021-06-08", "2021-06-22"])
def test_each_day_is_what_control_says(
    client: TestClient, minimum: str, reported_by: str | None
) -> None:
    replay = ask(client, "/replay", min_confidence=minimum)
    for day in DAYS:
        expected = statuses(client, as_of=day, reported_by=reported_by, min_confidence=minimum)
        assert {one["id"]: told(replay, one, day, reported_by) for one in replay["districts"]} == {
            place: of_control(item) for place, item in expected.items()
        }, day


def test_every_reporting_day_that_changes_an_answer_is_an_edition(client: TestClient) -> None:
    replay = ask(client, "/replay", as_of="2021-07-01")
    editions = [e for d in replay["districts"] for e in d["editions"]]
    assert min(e["reported_from"] for e in editions) == replay["first_reported"]
    assert max(e["reported_from"] for e in editions) == replay["last_reported"]
    assert min(run[0] for e in editions for run in e["runs"]) == replay["first"]
    assert max(run[0] for e in editions for run in e["runs"]) == replay["last"] <= "2021-07-01"
    for district in replay["districts"]:
        for before, after in pairwise(district["editions"]):
            assert before["reported_from"] < after["reported_from"]
            assert before["runs"] != after["runs"]


def test_an_instant_ends_what_is_told_though_its_day_goes_on(client: TestClient) -> None:
    """What a document published later on the same day takes back still stands at that instant."""
    whole = ask(client, "/replay")
    day = whole["last_reported"]
    for instant in (f"{day}T00:00+04:30", f"{day}T12:00+04:30", day):
        replay = ask(client, "/replay", reported_by=instant)
        expected = statuses(client, reported_by=instant)
        assert {
            one["id"]: told(replay, one, "2026-01-01", None) for one in replay["districts"]
        } == {place: of_control(item) for place, item in expected.items()}, instant


def test_a_province_has_its_districts_only(client: TestClient) -> None:
    whole, part = ask(client, "/replay"), ask(client, "/replay", province="AF29")
    assert [d["id"] for d in part["districts"]] == [
        d["id"] for d in whole["districts"] if d["province_id"] == "AF29"
    ]
    assert len(part["districts"]) > 5
