"""`datetime`: days of the country, instants, intervals with open ends; what it means for each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.api.ogc.parameters import parse_datetime, state_at
from app.domain.errors import InvalidValueError

from ..asking import Answer, ask, assert_problem, statuses
from ..writing import Desk
from .asking import features, items

KABUL = ZoneInfo("Asia/Kabul")
TICK = timedelta(microseconds=1)


def bounds(text: str, zone: ZoneInfo = KABUL) -> tuple[str | None, str | None]:
    stretch = parse_datetime(text, zone)
    latest = stretch.latest.until if stretch.latest else None
    return tuple(  # type: ignore[return-value]
        instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None
        for instant in (stretch.earliest, latest)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-08-15", ("2021-08-14T19:30:00Z", "2021-08-15T19:29:59.999999Z")),
        ("2021-08-15T00:00:00Z", ("2021-08-15T00:00:00Z", "2021-08-15T00:00:00Z")),
        ("2021-08-15T00:00:00+04:30", ("2021-08-14T19:30:00Z", "2021-08-14T19:30:00Z")),
        ("2021-08-15T00:00:00 04:30", ("2021-08-14T19:30:00Z", "2021-08-14T19:30:00Z")),
        ("2021-08-15t00:00:00.5z", ("2021-08-15T00:00:00.500000Z", "2021-08-15T00:00:00.500000Z")),
        ("2021-06-01/2021-06-30", ("2021-05-31T19:30:00Z", "2021-06-30T19:29:59.999999Z")),
        (
            "2021-06-01T12:00:00Z/2021-06-30",
            ("2021-06-01T12:00:00Z", "2021-06-30T19:29:59.999999Z"),
        ),
        ("2021-06-30/2021-06-30", ("2021-06-29T19:30:00Z", "2021-06-30T19:29:59.999999Z")),
        ("2021-06-01/..", ("2021-05-31T19:30:00Z", None)),
        ("2021-06-01/", ("2021-05-31T19:30:00Z", None)),
        ("../2021-06-30", (None, "2021-06-30T19:29:59.999999Z")),
        ("/2021-06-30", (None, "2021-06-30T19:29:59.999999Z")),
        # What QGIS sends for open ends, and GDAL for days.
        ("0000-01-01T00:00:00Z/2021-06-30", (None, "2021-06-30T19:29:59.999999Z")),
        ("2021-06-01/9999-12-31T00:00:00Z", ("2021-05-31T19:30:00Z", None)),
        ("2021-06-01T/2021-06-30T", ("2021-05-31T19:30:00Z", "2021-06-30T19:29:59.999999Z")),
    ],
)
def test_a_day_is_the_countrys_and_an_instant_is_one(
    text: str, expected: tuple[str | None, str | None]
) -> None:
    assert bounds(text) == expected


def test_a_day_is_that_of_the_zone_also_when_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert bounds("2021-03-28", zone) == ("2021-03-27T23:00:00Z", "2021-03-28T21:59:59.999999Z")
    assert bounds("2021-10-31", zone) == ("2021-10-30T22:00:00Z", "2021-10-31T22:59:59.999999Z")


WRONG = [
    "",
    "/",
    "..",
    "../..",
    "../",
    "2021-06",
    "2021",
    "20210601",
    "2021-06-31",
    "2021-06-10T12:00:00",
    "2021-06-10T12:00:00+0430",
    "2021-06-10T25:00:00Z",
    "2021-06-10/2021-06-09",
    "2021-06-10T12:00:00Z/2021-06-10T11:59:59Z",
    "2021-06-10/2021-06-11/2021-06-12",
    "2021-06-10/tomorrow",
    "0000-01-01",
    "0000-01-01T00:00:00/2021-06-10",
    "9999-12-31T00:00:00Z",
    "9999-99-99/2021-06-10",
    "2021-06-10%00",
    "now",
]


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("collection", ["districts", "events"])
def test_other_forms_are_refused(client: TestClient, collection: str, text: str) -> None:
    address = f"/ogc/collections/{collection}/items?datetime={text.replace('+', '%2B')}"
    assert_problem(client.get(address), 400, "datetime")


def test_what_lies_in_the_future_altogether_is_refused() -> None:
    now = datetime.now(KABUL)
    tomorrow, later = ((now + timedelta(days=n)).date().isoformat() for n in (1, 2))
    # A client further east may be there already.
    assert parse_datetime(tomorrow, KABUL).latest
    for text in (later, f"{later}/..", f"{later}/9999-12-31T00:00:00Z", f"{later}T12:00:00Z"):
        with pytest.raises(InvalidValueError, match="future"):
            parse_datetime(text, KABUL)


def test_an_interval_that_reaches_into_the_future_ends_today() -> None:
    today = datetime.now(KABUL).date().isoformat()
    for text in (None, "2021-06-01/..", "2021-06-01/2150-01-01", f"2021-06-01/{today}"):
        assert state_at(text and parse_datetime(text, KABUL), KABUL).text == today  # type: ignore[arg-type]
    assert state_at(parse_datetime("../2021-06-10", KABUL), KABUL).text == "2021-06-10"


@pytest.mark.parametrize(
    ("text", "as_of"),
    [
        ("2021-08-15", "2021-08-15"),
        ("2021-06-14T06:00:00+04:30", "2021-06-14T06:00:00+04:30"),
        ("2021-06-01/2021-06-10", "2021-06-10"),
        ("../2021-06-14T12:00:00Z", "2021-06-14T12:00:00Z"),
        ("2021-06-01/..", None),
        (None, None),
    ],
)
def test_states_are_those_of_control_at_the_end(
    client: TestClient, text: str | None, as_of: str | None
) -> None:
    held = statuses(client, as_of=as_of)
    found = features(client, "districts", datetime=text)
    assert len(found) == len(held) == 401
    for feature in found:
        told, expected = feature["properties"], held[feature["id"]]
        assert told["status"] == expected["status"]
        assert told["controller"] == (expected["controller"] and expected["controller"]["id"])
        assert told["since"] == expected["since"]
        assert told["event_id"] == expected["event_id"]
    assert items(client, "districts", datetime=text)["as_of"] == (
        as_of or datetime.now(KABUL).date().isoformat()
    )


def status_of(client: TestClient, district: str, text: str) -> str:
    answer = ask(client, f"/ogc/collections/districts/items/{district}", datetime=text)
    told: str = answer["properties"]["status"]
    return told


def test_a_change_holds_from_the_last_microsecond_of_its_day(client: TestClient) -> None:
    """Qaisar fell on 6 June 2021: in Kabul that day ends at 19:30 UTC."""
    asked = {
        "2021-06-05": "unknown",
        "2021-06-06": "controlled",
        "2021-06-06T19:29:59.999998Z": "unknown",
        "2021-06-06T19:29:59.999999Z": "controlled",
        "2021-06-06T23:59:59+04:30": "unknown",
        "2021-06-07T00:00:00+04:30": "controlled",
        "2021-06-01/2021-06-05": "unknown",
        "2021-06-06/2021-06-06": "controlled",
        "../2021-06-06T19:30:00Z": "controlled",
    }
    assert {text: status_of(client, "AF2907", text) for text in asked} == asked


def may_have_occurred(event: Answer, since: str | None, until: str | None) -> bool:
    """The definition again, on what the event says of itself."""
    starts, ends = event["occurred_earliest"], event["occurred_latest"]
    read = datetime.fromisoformat
    return (since is None or read(ends) >= read(since)) and (
        until is None or starts is None or read(starts) <= read(until)
    )


@pytest.mark.parametrize(
    "text",
    [
        "2021-06-06",
        "2021-06-05",
        "2021-06-06T19:29:59.999999Z",
        "2021-06-06T19:30:00Z",
        "2021-06-05T19:30:00Z",
        "2021-06-05T19:29:59.999999Z",
        "2021-06-14T06:00:00+04:30",
        "2021-06-01/2021-06-10",
        "2021-06-01/..",
        "../2021-06-10",
        "2021-08-16/..",
        "1900-01-01/1900-12-31",
    ],
)
def test_events_are_those_that_may_have_occurred_then(client: TestClient, text: str) -> None:
    whole = ask(client, "/events", limit=1000)["events"]
    since, until = bounds(text)
    expected = [event["id"] for event in whole if may_have_occurred(event, since, until)]
    found = items(client, "events", datetime=text)
    assert [feature["id"] for feature in found["features"]] == expected
    assert found["numberMatched"] == len(expected)


def test_events_are_found_at_both_edges_of_what_is_known_of_their_time(
    client: TestClient,
) -> None:
    event = next(
        e
        for e in ask(client, "/events", limit=1000)["events"]
        if e["occurred_earliest"] and e["occurred_earliest"] != e["occurred_latest"]
    )
    first, last = (
        datetime.fromisoformat(event[f"occurred_{end}"]) for end in ("earliest", "latest")
    )
    for instant, is_in in (
        (first - TICK, False),
        (first, True),
        (last, True),
        (last + TICK, False),
    ):
        text = instant.isoformat().replace("+00:00", "Z")
        found = {f["id"] for f in features(client, "events", datetime=text)}
        assert (event["id"] in found) is is_in, text


def test_what_takes_effect_later_does_not_leak_into_a_state(own_seeded: Engine) -> None:
    """An event of the future of a state is no part of it, nor of its counts and lines."""
    desk = Desk.on(own_seeded)

    def told(text: str) -> list[str]:
        # That a document speaks of the district is known at any date, unless `reported_by` is set.
        then = {"datetime": text, "kinds": "front,contested,unknown", "reported_by": text}
        found = [items(desk.nobody, c, **then) for c in ("districts", "provinces", "frontline")]
        return [str(f["features"]).replace("'revision': 3", "'revision': 2") for f in found]

    before = told("2021-06-30")
    desk.record(
        district="AF0102",
        citations=[
            {"source": "tolonews", "published": "2021-06-29", "asserted": "2021-07-01"}
            | {"basis": "local"}
        ],
    )
    now = told("2021-06-30")
    assert [n.replace("'last_reported': '2021-06-29'", "'last_reported': None") for n in now] == [
        b.replace("'last_reported': '2021-06-29'", "'last_reported': None") for b in before
    ]
    assert status_of(desk.nobody, "AF0102", "2021-06-30") == "unknown"
    assert status_of(desk.nobody, "AF0102", "2021-07-01") == "controlled"
