"""Whatever goes wrong is told as a problem document that names the parameter at fault."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.api.examples import QAISAR_EVENT
from app.store.engine import make_engine

from .asking import LISTS, PREVIEWS, READS, WRITES, assert_problem

DATES = [
    "yesterday",
    "2021-13-01",
    "2021-02-30",
    "0000-01-01",
    "9999-12-31",
    "1799-12-31",
    "2021-6-1",
    "20210601",
    "1622505600",
    "2021-06",
    "2021-06-06?",
    "../2021-06-07",
    "2021-06-30T12:00",
    "2021-06-30T24:00Z",
    "2021-06-30T23:59:60Z",
    "2021-06-30T12:00%2B99:99",
    "2021-06-30T12:00%2B24:00",
    "2021-06-30T12:00:00.1234567Z",
    "%D9%A2%D9%A0%D9%A2%D9%A1-06-10",
    "2021-06-10%00",
    "2021-06-10%0A",
    "+2021-06-10",
    "-0001-01-01",
    "",
    "9" * 41,
]


@pytest.mark.parametrize("clock", ["as_of", "reported_by", "known_at"])
@pytest.mark.parametrize("date", DATES)
def test_a_date_that_is_none_is_refused(client: TestClient, clock: str, date: str) -> None:
    assert_problem(client.get(f"/control?{clock}={date}"), 422, clock)


# A lenient parser takes seconds since 1970 and midnights too: `0` would be a day in 1970.
@pytest.mark.parametrize(
    "date", ["20210601", "1622505600", "2021-06-01T00:00:00", "2021-06-01T00:00Z", "0", "", "nan"]
)
@pytest.mark.parametrize("parameter", ["from", "to"])
def test_a_day_is_written_out(client: TestClient, parameter: str, date: str) -> None:
    days = {"from": "2021-06-01", "to": "2021-06-10"} | {parameter: date}
    assert_problem(client.get("/events", params=days), 422, parameter)
    assert_problem(client.get("/series", params=days), 422, parameter)


BOXES = [
    "1,2,3",
    "1,2,3,4,5",
    "",
    ",,,",
    "a,b,c,d",
    "60,30,70,nan",
    "60,30,inf,38",
    "-inf,30,70,38",
    "1e400,30,70,38",
    "60,38,70,30",
    "60,30,181,38",
    "-181,30,70,38",
    "60,-91,70,38",
    "60,30,70,91",
    "60,30,70,38%00",
    "0," * 200,
]


@pytest.mark.parametrize("path", ["/districts", "/control", "/events"])
@pytest.mark.parametrize("box", BOXES)
def test_a_box_that_is_none_is_refused(client: TestClient, path: str, box: str) -> None:
    assert_problem(client.get(f"{path}?bbox={box}"), 422, "bbox")


LIMITS = [
    "0",
    "-1",
    "1001",
    "100000",
    "9" * 30,
    "ten",
    "",
    "1.5",
    "1e2",
    "0x10",
    "nan",
    "%00",
    "%D9%A1",
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_out_of_bounds_is_refused_and_not_clamped(
    client: TestClient, path: str, limit: str
) -> None:
    assert_problem(client.get(f"{path}?limit={limit}"), 422, "limit")


OTHERS = [
    ("/districts?q=a%00b", "q"),
    ("/districts?q=%00", "q"),
    (f"/districts?q={'a' * 10_000}", "q"),
    ("/districts?q=", "q"),
    # Nothing is left of these but marks, which would be in every name.
    ("/districts?q=%25", "q"),
    ("/districts?q=---", "q"),
    ("/districts?q=%F0%9F%98%80", "q"),
    ("/districts?q=%E2%80%8B", "q"),
    ("/districts?status=lost", "status"),
    ("/districts?status=CONTROLLED", "status"),
    ("/districts?controller=Taliban", "controller"),
    ("/districts?controller=taliban%00", "controller"),
    ("/districts?province=af29", "province"),
    ("/districts?province=AF29%0A", "province"),
    ("/control?min_confidence=sure", "min_confidence"),
    ("/control?country=afg", "country"),
    ("/control?f=xml", "f"),
    ("/control?f=", "f"),
    ("/summary?f=csv", "f"),
    ("/districts/AF2907/control?f=geojson", "f"),
    ("/provinces/AF29?as_of=2021-06-10", "as_of"),
    ("/actors?limit=1", "limit"),
    ("/events?kind=loss", "kind"),
    ("/events?source=Kabul%20Now", "source"),
    ("/events?disputed=maybe", "disputed"),
    ("/events/none", "id"),
    (f"/events/{QAISAR_EVENT[:-1]}", "id"),
    ("/sources/Kabul%20Now", "id"),
    ("/actors/Taliban", "id"),
    ("/imports/0", "revision"),
    ("/imports/-1", "revision"),
    ("/imports/latest", "revision"),
    (f"/imports/{2**63}", "revision"),
    ("/imports/2?f=csv", "f"),
    ("/actors/taliban?f=csv", "f"),
    ("/sources/kabul-now%00", "id"),
    ("/control?as-of=2021-06-10", "as-of"),
    ("/control?%00=1", "\x00"),
    ("/control?limit=1&limit=2", "limit"),
    ("/control?as_of=2021-06-10&as_of=2021-06-10", "as_of"),
    ("/provinces/AF29?f=json&f=json", "f"),
    ("/series?to=2021-06-01", "from"),
    ("/series?from=2021-06-10&to=2021-06-01", "to"),
    ("/series?from=2021-06-01&to=2021-06-10&step=year", "step"),
    ("/series?from=1800-01-01&to=2021-06-10", "step"),
    ("/series?from=2021-06-01&to=2021-06-10&as_of=2021-06-10", "as_of"),
    ("/series?from=2021-06-01&to=2199-12-31&step=month&province=AF29", "step"),
    ("/series?from=2021-06-01&to=2099-12-31&step=month", "to"),
    ("/series?from=2021-06-01&to=2021-06-10&province=ZZ99", "province"),
    ("/changes", "from"),
    ("/changes?from=2021-06-01", "to"),
    ("/changes?known_to=2021-06-01", "known_from"),
    ("/changes?reported_from=2021-06-01&reported_to=", "reported_to"),
    ("/changes?from=2021-06-01&to=2021-06-10&as_of=2021-06-10", "as_of"),
    ("/changes?from=2021-06-01&to=2021-06-10&known_from=2021-06-01", "from"),
    # An empty date is a date that is wrong, not one that was left out.
    ("/changes?from=&reported_from=2021-06-01&reported_to=2021-06-10", "from"),
    ("/changes?from=2021-06-01&to=2199-06-10", "to"),
    ("/changes?known_from=2021-06-01&known_to=2199-06-10", "known_to"),
    ("/changes?from=2021-06-10&to=2021-06-01", "to"),
    ("/events?from=2021-06-10&to=2021-06-01", "to"),
]


@pytest.mark.parametrize(("address", "parameter"), OTHERS, ids=lambda value: value[:60])
def test_a_parameter_that_is_wrong_is_named(
    client: TestClient, address: str, parameter: str
) -> None:
    assert_problem(client.get(address), 422, parameter)


def test_all_that_is_wrong_is_told_at_once(client: TestClient) -> None:
    problem = client.get("/districts?limit=0&status=lost&colour=red").json()
    told = {fault["parameter"] for fault in problem["errors"]}
    assert told == {"limit", "status", "colour"}
    assert all(fault["detail"] for fault in problem["errors"])


@pytest.mark.parametrize("path", READS)
def test_no_read_takes_an_unknown_or_a_repeated_parameter(client: TestClient, path: str) -> None:
    question = READS[path] + ("&" if "?" in READS[path] else "?")
    assert_problem(client.get(f"{question}colour=red"), 422, "colour")
    assert_problem(client.get(f"{question}f=json&f=json"), 422, "f")


@pytest.mark.parametrize(
    "address",
    [
        "/events/00000000-0000-0000-0000-000000000000",
        "/sources/no-such-paper",
        "/actors/nobody",
        # The first revision is no import of a file; the last one was not made yet.
        "/imports/1",
        f"/imports/{2**63 - 1}",
        "/control?country=XX",
        "/summary?country=XX",
    ],
)
def test_what_is_not_on_record_is_a_404_that_names_the_parameter(
    client: TestClient, address: str
) -> None:
    named = "country" if "country" in address else "revision" if "imports" in address else "id"
    assert_problem(client.get(address), 404, named)


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/districts/a%2Fb/control",
        "/districts//control",
        "/DISTRICTS",
        "/%00",
    ],
)
def test_an_address_that_is_none_is_a_404(client: TestClient, address: str) -> None:
    assert_problem(client.get(address), 404)


@pytest.mark.parametrize("path", [*READS.values(), "/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FOO"])
def test_other_methods_are_a_405_that_says_what_is_allowed(
    client: TestClient, path: str, method: str
) -> None:
    if method == "POST" and path in WRITES.values():
        return
    response = client.request(method, path)
    assert_problem(response, 405)
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path", [*WRITES.values(), *PREVIEWS.values()])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_an_address_that_takes_writes_says_so(client: TestClient, path: str, method: str) -> None:
    is_read = path in READS.values()
    if method == "GET" and is_read:
        return
    response = client.request(method, path)
    assert_problem(response, 405)
    allowed = set(response.headers["allow"].split(", "))
    assert {"POST", *(["GET"] if is_read else [])} <= allowed


@pytest.mark.parametrize("path", WRITES.values())
def test_a_write_without_a_key_is_a_401(client: TestClient, path: str) -> None:
    response = client.post(path, json={})
    assert_problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", READS)
def test_a_format_that_no_read_has_is_a_406(client: TestClient, path: str) -> None:
    assert_problem(client.get(READS[path], headers={"Accept": "image/png"}), 406)


def test_an_unexpected_error_tells_nothing_of_the_insides(
    seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    """A route that fails, put into the real application."""
    client = make_client(seeded)

    def fail() -> None:
        raise RuntimeError("password=hunter2 in /srv/app/secret.py")

    client.app.add_api_route("/broken", fail)  # type: ignore[attr-defined]
    response = client.get("/broken")
    assert_problem(response, 500)
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    assert ".py" not in response.text
    # The reader of a page on another origin should see the problem, not a network error.
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-request-id"]


@pytest.fixture(
    params=["postgresql://nobody@127.0.0.1:1/nothing", "postgresql:///nothing?host=/nowhere"]
)
def unreachable(
    request: pytest.FixtureRequest, make_client: Callable[[Engine], TestClient]
) -> TestClient:
    return make_client(make_engine(request.param))


@pytest.mark.parametrize("path", READS)
def test_without_a_database_every_read_says_to_come_back(
    unreachable: TestClient, path: str
) -> None:
    response = unreachable.get(READS[path])
    problem = assert_problem(response, 503)
    assert int(response.headers["retry-after"]) > 0
    assert "127.0.0.1" not in problem["detail"]


def test_a_database_that_was_dropped_is_a_503_too(
    seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    url = seeded.url.set(database="no_such_database").render_as_string(hide_password=False)
    response = make_client(make_engine(url)).get("/control")
    assert_problem(response, 503)
    assert "no_such_database" not in response.text


def test_connections_that_were_cut_are_made_again(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    """As after a restart of the database: the pool still holds dead connections."""
    client = make_client(own_seeded)
    assert client.get("/districts/AF2907").status_code == 200
    other = make_engine(own_seeded.url.render_as_string(hide_password=False))
    with other.connect() as connection:
        cut = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    other.dispose()
    assert cut > 0
    assert client.get("/districts/AF2907").status_code == 200
