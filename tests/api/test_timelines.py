"""Histories agree with what `/control` says at each of their turning points."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient

from .asking import Answer, ask, outcome, statuses

LATER = "2021-12-31"


@pytest.fixture(scope="module")
def reported(client: TestClient) -> list[str]:
    """Every district that an event speaks of."""
    events = ask(client, "/events", as_of=LATER, limit=1000)["events"]
    return sorted({event["district"]["id"] for event in events})


def a_moment_before(instant: str) -> str:
    return (datetime.fromisoformat(instant) - timedelta(microseconds=1)).isoformat()


@pytest.mark.parametrize("level", ["claimed", "reported"])
def test_every_period_holds_from_its_first_instant_to_its_last(
    client: TestClient, reported: list[str], level: str
) -> None:
    """Asked of all districts with an event, at both ends of each period, to the microsecond."""
    assert len(reported) > 100
    for district in reported:
        clocks = {"min_confidence": level}
        timeline = ask(client, f"/districts/{district}/timeline", as_of=LATER, **clocks)
        for period in timeline["periods"]:
            if period["from_at"] and period["from_at"] == period["to_at"]:
                continue  # overtaken in the same instant: half-open, it holds at no moment
            for end in ("from_at", "to_at"):
                if period[end] is None:
                    continue
                moment = period[end] if end == "from_at" else a_moment_before(period[end])
                told = ask(client, f"/districts/{district}/control", as_of=moment, **clocks)
                assert outcome(told) == outcome(period), (district, moment)
                assert told["since"] == period["from"], (district, moment)
                assert told["since_at"] == period["from_at"], (district, moment)


def test_periods_leave_no_gap_and_differ_from_their_neighbours(
    client: TestClient, reported: list[str]
) -> None:
    for district in reported:
        periods = ask(client, f"/districts/{district}/timeline", as_of=LATER)["periods"]
        assert (periods[0]["from"], periods[-1]["to"]) == (None, None)
        assert outcome(periods[0]) == ("unknown", None)
        for before, after in pairwise(periods):
            assert (before["to"], before["to_at"]) == (after["from"], after["from_at"])
            assert outcome(before) != outcome(after)
            assert after["to_at"] is None or after["from_at"] <= after["to_at"]
            assert after["event_id"]


def test_the_last_period_is_what_control_says_today(
    client: TestClient, reported: list[str]
) -> None:
    now = statuses(client, as_of=LATER)
    for district in reported:
        last = ask(client, f"/districts/{district}/timeline", as_of=LATER)["periods"][-1]
        assert outcome(last) == outcome(now[district])
        assert (last["from"], last["disputed"]) == (
            now[district]["since"],
            now[district]["disputed"],
        )
        assert last["confidence"] == now[district]["confidence"]


def test_a_timeline_ends_at_as_of(client: TestClient) -> None:
    before = ask(client, "/districts/AF2907/timeline", as_of="2021-06-05")
    assert [outcome(period) for period in before["periods"]] == [("unknown", None)]
    assert before["events"] == []


def test_khanabad_changed_hands_twice_on_one_day(client: TestClient) -> None:
    periods = ask(client, "/districts/AF1904/timeline", as_of="2021-06-15")["periods"]
    holders = [period["controller"] and period["controller"]["id"] for period in periods]
    assert holders == [None, "taliban", "afghan-government"]
    assert (periods[1]["from"], periods[1]["to"]) == ("2021-06-14", "2021-06-14")


def count(districts: list[Answer]) -> dict[str, int]:
    """Districts by holder, and the contested and unknown ones."""
    counts: dict[str, int] = {"contested": 0, "unknown": 0}
    for district in districts:
        status, holder = outcome(district)
        counts[holder or status] = counts.get(holder or status, 0) + 1
    return counts


@pytest.mark.parametrize("level", ["claimed", "reported", "confirmed"])
@pytest.mark.parametrize("province", ["AF29", "AF23", "AF19", "AF27"])
def test_the_counts_of_a_province_are_those_of_its_districts(
    client: TestClient, province: str, level: str
) -> None:
    clocks = {"min_confidence": level}
    timeline = ask(client, f"/provinces/{province}/timeline", as_of=LATER, **clocks)
    for point in timeline["counts"]:
        there = {"as_of": point["date"], "province": province, **clocks}
        told = point["by_controller"] | {n: point[n] for n in ("contested", "unknown")}
        assert told == count(ask(client, "/control", **there)["districts"]), point["date"]


@pytest.mark.parametrize("province", ["AF29", "AF19"])
def test_a_province_has_a_point_for_each_day_on_which_its_counts_moved(
    client: TestClient, province: str
) -> None:
    timeline = ask(client, f"/provinces/{province}/timeline", as_of="2021-07-31")
    days = [point["date"] for point in timeline["counts"]]
    assert days == sorted(days)
    points = {point["date"]: point for point in timeline["counts"]}
    current = timeline["counts"][0]
    day = date.fromisoformat(days[0])
    while (day := day + timedelta(days=1)) <= date(2021, 7, 31):
        current = points.get(day.isoformat(), current)
        found = ask(client, "/control", as_of=day.isoformat(), province=province)["districts"]
        told = current["by_controller"] | {n: current[n] for n in ("contested", "unknown")}
        assert told == count(found), day


def test_the_changes_of_a_province_are_the_periods_of_its_districts(client: TestClient) -> None:
    changes = ask(client, "/provinces/AF29/timeline", as_of=LATER)["changes"]
    assert [change["on"] for change in changes] == sorted(change["on"] for change in changes)
    periods = []
    for district in ask(client, "/control", province="AF29")["districts"]:
        for period in ask(client, f"/districts/{district['id']}/timeline", as_of=LATER)["periods"]:
            if period["from"]:
                periods.append((period["from"], district["id"], period["event_id"]))
    assert sorted(periods) == sorted(
        (change["on"], change["district"]["id"], change["event_id"]) for change in changes
    )
