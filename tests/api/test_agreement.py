"""Totals, differences and series say the same as the list of all districts, `/control`."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .asking import Answer, ask, outcome, statuses

DATES = ["2021-05-04", "2021-05-31", "2021-06-10", "2021-06-14", "2021-07-15", "2021-08-16"]
LEVELS = ["claimed", "reported", "confirmed"]


def days_before(day: str, number: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=number)).isoformat()


def held_by(districts: list[Answer], party: str) -> list[Answer]:
    return [d for d in districts if d["controller"] and d["controller"]["id"] == party]


def total(districts: list[Answer], figure: str) -> float:
    return round(sum(district[figure] or 0 for district in districts), 1)


def assert_agrees(summary: Answer, districts: list[Answer]) -> None:
    """A summary is what one gets by adding up these districts by hand."""
    assert summary["districts_total"] == len(districts)
    parties = {d["controller"]["id"] for d in districts if d["controller"]}
    assert {row["controller"]["id"] for row in summary["by_controller"]} == parties
    for row in summary["by_controller"]:
        held = held_by(districts, row["controller"]["id"])
        assert row["districts"] == len(held)
        for figure, share in (("area_km2", "share_of_area"), ("population", "share_of_population")):
            assert row[figure] == pytest.approx(total(held, figure), abs=0.06)
            assert row[share] == pytest.approx(
                total(held, figure) / total(districts, figure), abs=1e-4
            )
        assert row["share_of_districts"] == pytest.approx(len(held) / len(districts), abs=1e-4)
    by_status = Counter(district["status"] for district in districts)
    assert (summary["contested"], summary["unknown"]) == (
        by_status["contested"],
        by_status["unknown"],
    )
    assert {row["status"]: row["districts"] for row in summary["by_status"]} == {
        status: by_status[status] for status in ("controlled", "contested", "unknown")
    }
    changes = [district["since"] for district in districts if district["since"]]
    assert summary["last_change"] == max(changes, default=None)
    assert_adds_up(summary)


def assert_adds_up(summary: Answer) -> None:
    """Nothing is counted twice and nothing is lost."""
    counted = sum(row["districts"] for row in summary["by_controller"])
    assert counted + summary["contested"] + summary["unknown"] == summary["districts_total"]
    for figure in ("districts", "area_km2", "population"):
        parts = sum(row[figure] for row in summary["by_status"])
        assert parts == pytest.approx(summary[f"{figure}_total"], abs=0.3)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("day", DATES)
def test_the_country_s_totals_are_those_of_its_districts(
    client: TestClient, day: str, level: str
) -> None:
    clocks = {"as_of": day, "min_confidence": level}
    districts = list(statuses(client, **clocks).values())
    summary = ask(client, "/summary", **clocks)
    assert summary["districts_total"] == 401
    assert_agrees(summary, districts)
    for part in summary["provinces"]:
        inside = [d for d in districts if d["province"]["id"] == part["province"]["id"]]
        assert_agrees(part, inside)
    assert sum(part["districts_total"] for part in summary["provinces"]) == 401


@pytest.mark.parametrize("day", ["2021-06-10", "2021-08-16"])
def test_a_province_says_the_same_as_the_country_says_of_it(client: TestClient, day: str) -> None:
    parts = {p["province"]["id"]: p for p in ask(client, "/summary", as_of=day)["provinces"]}
    assert len(parts) == 34
    for province in ("AF29", "AF23", "AF01", "AF19", "AF30"):
        assert ask(client, f"/provinces/{province}/summary", as_of=day) == parts[province]


def test_faryab_on_10_june_2021(client: TestClient) -> None:
    """The issue's own example, with figures: two of fourteen districts, Qaisar one of them."""
    summary = ask(client, "/provinces/AF29/summary", as_of="2021-06-10")
    districts = ask(client, "/control", as_of="2021-06-10", province="AF29")["districts"]
    assert_agrees(summary, districts)
    assert "AF2907" in {district["id"] for district in held_by(districts, "taliban")}
    capital = next(district for district in districts if district["is_provincial_capital"])
    assert summary["capital"] == {
        "district": {"id": capital["id"], "name": capital["name"]},
        "status": capital["status"],
        "controller": capital["controller"],
    }


def test_totals_add_up_on_every_day_of_the_summer(client: TestClient) -> None:
    first = date(2021, 5, 1)
    for number in range(0, 120, 4):
        day = (first + timedelta(days=number)).isoformat()
        summary = ask(client, "/summary", as_of=day, min_confidence=LEVELS[number % 3])
        assert_adds_up(summary)
        for part in summary["provinces"]:
            assert_adds_up(part)


@pytest.mark.parametrize("day", DATES[1:])
@pytest.mark.parametrize("span", [7, 30])
def test_recent_changes_are_the_difference_of_two_lists(
    client: TestClient, day: str, span: int
) -> None:
    now = statuses(client, as_of=day)
    then = statuses(client, as_of=days_before(day, span))
    changed = [d for d in now if outcome(now[d]) != outcome(then[d])]
    summary = ask(client, "/summary", as_of=day)
    member = f"changed_last_{span}_days"
    assert summary[member] == len(changed)
    for part in summary["provinces"]:
        inside = [d for d in changed if now[d]["province"]["id"] == part["province"]["id"]]
        assert part[member] == len(inside)


PAIRS: list[dict[str, dict[str, Any]]] = [
    {
        "ask": {"from_": "2021-06-01", "to": "2021-06-30"},
        "before": {"as_of": "2021-06-01"},
        "after": {"as_of": "2021-06-30"},
    },
    {
        "ask": {"from_": "2021-06-01", "to": "2021-07-20", "min_confidence": "claimed"},
        "before": {"as_of": "2021-06-01", "min_confidence": "claimed"},
        "after": {"as_of": "2021-07-20", "min_confidence": "claimed"},
    },
    {
        "ask": {"from_": "2021-06-14T06:00+04:30", "to": "2021-06-14", "reported_by": "2021-06-20"},
        "before": {"as_of": "2021-06-14T06:00+04:30", "reported_by": "2021-06-20"},
        "after": {"as_of": "2021-06-14", "reported_by": "2021-06-20"},
    },
    {
        "ask": {"reported_from": "2021-06-05", "reported_to": "2021-06-30", "as_of": "2021-07-01"},
        "before": {"reported_by": "2021-06-05", "as_of": "2021-07-01"},
        "after": {"reported_by": "2021-06-30", "as_of": "2021-07-01"},
    },
    {
        "ask": {"known_from": "2021-12-01", "known_to": "NOW", "as_of": "2021-08-16"},
        "before": {"known_at": "2021-12-01", "as_of": "2021-08-16"},
        "after": {"as_of": "2021-08-16"},
    },
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: ",".join(pair["ask"]))
def test_changes_are_the_difference_of_two_lists(
    client: TestClient, pair: dict[str, dict[str, Any]]
) -> None:
    recorded = ask(client, "/control", limit=1)["known_at"]
    asked = {k: recorded if v == "NOW" else v for k, v in pair["ask"].items()}
    before, after = statuses(client, **pair["before"]), statuses(client, **pair["after"])
    expected = {d for d in after if outcome(before[d]) != outcome(after[d])}
    changes = ask(client, "/changes", **asked)
    assert {change["district"]["id"] for change in changes["districts"]} == expected
    assert expected
    for change in changes["districts"]:
        district = change["district"]["id"]
        for side, states in (("before", before), ("after", after)):
            for member in ("status", "controller", "since", "confidence"):
                assert change[side][member] == states[district][member], (district, side, member)
    assert_balances(changes)


def assert_balances(changes: Answer) -> None:
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for change in changes["districts"]:
        old, new = outcome(change["before"])[1], outcome(change["after"])[1]
        if old != new:
            gained.update([new] if new else [])
            lost.update([old] if old else [])
    told = {row["controller"]["id"]: (row["gained"], row["lost"]) for row in changes["totals"]}
    assert told == {party: (gained[party], lost[party]) for party in {*gained, *lost}}


def test_changes_of_one_province_are_those_of_the_country_in_it(client: TestClient) -> None:
    span = {"from_": "2021-06-01", "to": "2021-06-30"}
    country = ask(client, "/changes", **span)["districts"]
    inside = [c for c in country if c["district"]["province"]["id"] == "AF29"]
    assert ask(client, "/changes", province="AF29", **span)["districts"] == inside
    assert inside


SERIES = [
    ("day", "2021-06-01", "2021-06-20", {}),
    ("week", "2021-05-01", "2021-08-16", {}),
    ("month", "2021-03-31", "2021-08-31", {}),
    ("week", "2021-05-01", "2021-08-16", {"min_confidence": "claimed"}),
    ("week", "2021-05-01", "2021-08-16", {"reported_by": "2021-07-01"}),
]


@pytest.mark.parametrize("province", [None, "AF29"])
@pytest.mark.parametrize(("step", "first", "last", "clocks"), SERIES)
def test_a_series_says_what_the_summaries_of_its_days_say(
    client: TestClient,
    province: str | None,
    step: str,
    first: str,
    last: str,
    clocks: dict[str, str],
) -> None:
    series = ask(client, "/series", from_=first, to=last, step=step, province=province, **clocks)
    where = f"/provinces/{province}/summary" if province else "/summary"
    assert len(series["points"]) > 1
    for point in series["points"]:
        summary = ask(client, where, as_of=point["date"], **clocks)
        assert point["by_controller"] == {
            row["controller"]["id"]: row["districts"] for row in summary["by_controller"]
        }
        assert (point["contested"], point["unknown"]) == (summary["contested"], summary["unknown"])


@pytest.mark.parametrize(
    ("step", "first", "last", "days"),
    [
        ("day", "2021-06-05", "2021-06-07", ["2021-06-05", "2021-06-06", "2021-06-07"]),
        ("week", "2021-06-01", "2021-06-20", ["2021-06-01", "2021-06-08", "2021-06-15"]),
        (
            "month",
            "2021-01-31",
            "2021-04-30",
            ["2021-01-31", "2021-02-28", "2021-03-31", "2021-04-30"],
        ),
        ("month", "2019-12-30", "2020-02-29", ["2019-12-30", "2020-01-30", "2020-02-29"]),
        ("month", "2021-06-05", "2021-06-05", ["2021-06-05"]),
    ],
)
def test_the_days_of_a_series(
    client: TestClient, step: str, first: str, last: str, days: list[str]
) -> None:
    series = ask(client, "/series", from_=first, to=last, step=step)
    assert [point["date"] for point in series["points"]] == days
