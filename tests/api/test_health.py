"""Whether the service runs, whether it can answer, and what it measures of itself."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from structlog.testing import capture_logs

from app.store.engine import make_engine
from app.store.schema import migrate

from .asking import ask, assert_problem


def test_a_seeded_service_is_ready(client: TestClient) -> None:
    assert ask(client, "/healthz") == {"status": "ok"}
    assert ask(client, "/readyz") == {
        "status": "ready",
        "database": True,
        "migrations": True,
        "seeds": True,
        "writes": True,
    }


def assert_not_ready(client: TestClient, missing: str, checks: dict[str, bool]) -> None:
    response = client.get("/readyz")
    problem = assert_problem(response, 503)
    assert missing in problem["detail"]
    assert {name: problem[name] for name in checks} == checks
    assert int(response.headers["retry-after"]) > 0
    # It still runs: to restart it would help nobody.
    assert client.get("/healthz").status_code == 200


def test_without_migrations_it_is_not_ready(
    blank_url: str, make_client: Callable[[Engine], TestClient]
) -> None:
    engine = make_engine(blank_url)
    checks = {"database": True, "migrations": False, "seeds": False}
    assert_not_ready(make_client(engine), "migrations", checks)
    engine.dispose()


def test_with_an_older_schema_it_is_not_ready(
    blank_url: str, make_client: Callable[[Engine], TestClient]
) -> None:
    engine = make_engine(blank_url)
    migrate(engine, "0001")
    checks = {"database": True, "migrations": False, "seeds": False}
    assert_not_ready(make_client(engine), "migrations", checks)
    migrate(engine)
    assert_not_ready(make_client(engine), "seeds", {"migrations": True, "seeds": False})
    engine.dispose()


def test_without_seeds_it_is_not_ready(
    migrated: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    checks = {"database": True, "migrations": True, "seeds": False}
    assert_not_ready(make_client(migrated), "seeds", checks)


def test_without_a_database_it_is_not_ready(make_client: Callable[[Engine], TestClient]) -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    checks = {"database": False, "migrations": False, "seeds": False}
    assert_not_ready(make_client(engine), "database", checks)


@pytest.mark.parametrize("path", ["/districts", "/control", "/summary", "/districts/AF2907"])
def test_a_record_without_seeds_gives_no_server_error(
    migrated: Engine, make_client: Callable[[Engine], TestClient], path: str
) -> None:
    assert_problem(make_client(migrated).get(path), 404)


@pytest.fixture
def measured(seeded: Engine, make_client: Callable[[Engine], TestClient]) -> TestClient:
    """An application of the test's own, with counters at zero."""
    return make_client(seeded)


def counts(client: TestClient) -> dict[tuple[str, str, str], float]:
    """Requests by method, route and status."""
    text = client.get("/metrics").text
    line = re.compile(
        r'http_request_duration_seconds_count\{method="([^"]*)",route="([^"]*)",status="([^"]*)"\}'
        r" (\S+)"
    )
    return {(found[1], found[2], found[3]): float(found[4]) for found in line.finditer(text)}


def test_requests_are_measured_by_the_template_of_their_route(measured: TestClient) -> None:
    for district in ("AF2907", "AF2306", "AF0101"):
        measured.get(f"/districts/{district}/control")
    measured.get("/districts/qaisar/control")
    measured.get("/control?limit=0")
    for number in range(3):
        measured.get(f"/nothing/{number}")
    found = counts(measured)
    assert found["GET", "/districts/{id}/control", "200"] == 3
    assert found["GET", "/districts/{id}/control", "307"] == 1
    assert found["GET", "/control", "422"] == 1
    assert found["GET", "none", "404"] == 3


def test_made_up_methods_add_no_measurements_without_end(measured: TestClient) -> None:
    for number in range(5):
        measured.request(f"MADEUP{number}", "/control")
    assert [key for key in counts(measured) if "MADEUP" in key[0]] == []
    assert counts(measured)["other", "/control", "405"] == 5


def test_metrics_are_in_the_format_that_prometheus_reads(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE http_request_duration_seconds histogram" in response.text
    assert "process_resident_memory_bytes" in response.text


def test_each_request_has_one_log_entry_with_the_id_of_its_answer(client: TestClient) -> None:
    with capture_logs() as log:
        response = client.get("/districts/AF2907/control?as_of=2021-06-10&min_confidence=claimed")
    assert len(log) == 1
    assert log[0]["request_id"] == response.headers["x-request-id"]
    assert log[0]["method"] == "GET"
    assert log[0]["route"] == "/districts/{id}/control"
    assert log[0]["status"] == 200
    assert log[0]["duration_ms"] > 0
    assert "2021-06-10" not in str(log[0])


def test_the_log_of_an_unexpected_error_is_found_by_the_id_of_the_answer(
    measured: TestClient,
) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    measured.app.add_api_route("/broken", fail)  # type: ignore[attr-defined]
    with capture_logs() as log:
        response = measured.get("/broken")
    error, request = log
    assert isinstance(error["exc_info"], RuntimeError)
    assert error["request_id"] == request["request_id"] == response.headers["x-request-id"]
    assert request["status"] == 500


def test_a_client_s_own_request_id_is_kept_if_it_is_one(client: TestClient) -> None:
    own = "0123456789abcdef0123456789abcdef"
    uuid = "2f1c2e4a-7d3b-4c55-9f0e-0c2d3b4a5e6f"
    given = client.get("/healthz", headers={"X-Request-ID": uuid}).headers["x-request-id"]
    assert given.replace("-", "") == uuid.replace("-", "")
    for nonsense in ('"}\\n{"status": 200', "x" * 5000, own[:-1]):
        answer = client.get("/healthz", headers={"X-Request-ID": nonsense})
        assert answer.headers["x-request-id"] != nonsense
        assert re.fullmatch("[0-9a-f-]{32,36}", answer.headers["x-request-id"])
