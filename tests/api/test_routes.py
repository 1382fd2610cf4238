"""How a read runs: admitted first, then in one thread to its end, with its statements prepared."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.api.app import create_app
from app.api.health import router as health
from app.api.routes import Route
from app.settings import Settings
from app.store.engine import make_engine, reading

from .asking import NEWS, OGC, PICTURES, READS, RECONCILING

ASKED = {**READS, **OGC, **PICTURES, **RECONCILING, **NEWS}
del ASKED["/stream"]  # it has no end


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The functions that were run in the thread pool."""
    run_sync = anyio.to_thread.run_sync
    run: list[object] = []

    async def noting(function: Callable[..., Any], *given: Any, **how: Any) -> Any:
        run.append(function)
        return await run_sync(function, *given, **how)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noting)
    return run


@pytest.mark.parametrize("path", ASKED)
def test_a_read_has_one_turn_in_the_thread_pool(
    forgetful: TestClient, turns: list[object], path: str
) -> None:
    assert forgetful.get(ASKED[path], follow_redirects=False).status_code < 400
    assert len(turns) == 1


def test_names_in_a_form_have_one_turn_too(forgetful: TestClient, turns: list[object]) -> None:
    answer = forgetful.post("/reconcile", data={"queries": '{"q0": {"query": "Qaisar"}}'})
    assert answer.json()["q0"]["result"]
    assert len(turns) == 1


def test_what_is_refused_has_none(forgetful: TestClient, turns: list[object]) -> None:
    assert forgetful.get("/nowhere").status_code == 404
    assert forgetful.put("/control").status_code == 405
    assert turns == []


def test_every_read_runs_that_way(forgetful: TestClient) -> None:
    app = forgetful.app
    plain = {route.path for route in health.routes}  # type: ignore[attr-defined]
    for route in app.state.routes:  # type: ignore[attr-defined]
        assert isinstance(route, Route) != (route.path in plain), route.path


def test_a_dependency_that_waits_for_something_else_is_an_error_and_no_silence() -> None:
    async def later() -> None:
        await asyncio.sleep(0)

    app = FastAPI(title="none")
    app.router.route_class = Route

    @app.get("/healthz", dependencies=[Depends(later)])
    def get() -> dict[str, str]:
        return {}

    app.state.readers = anyio.CapacityLimiter(1)
    with pytest.raises(RuntimeError, match="awaited"):
        TestClient(app).get("/healthz")


@pytest.fixture
def single(seeded: Engine) -> Engine:
    """An engine that has one connection."""
    return make_engine(seeded.url.render_as_string(hide_password=False), pool_size=1)


def prepared(engine: Engine) -> int:
    with reading(engine) as connection:
        number: int = connection.execute(
            text("SELECT count(*) FROM pg_prepared_statements")
        ).scalar_one()
    return number


def test_statements_stay_prepared_from_read_to_read(single: Engine) -> None:
    client = TestClient(create_app(Settings(_env_file=None, cache_mb=0), single))
    before = prepared(single)
    for hour in range(10, 20):
        path = f"/districts/AF2907/control?as_of=2021-06-10T{hour}:00Z"
        assert client.get(path).status_code == 200
    kept = prepared(single)
    assert kept >= before + 4
    # Neither do they go with what is refused, not found, elsewhere, or drawn.
    for path, status in (
        ("/districts/AF9999/control", 404),
        ("/districts/AF2907/control?as_of=soon", 422),
        ("/control?known_at=2999-01-01", 422),
        ("/map.png?width=400", 200),
    ):
        assert client.get(path).status_code == status
        assert prepared(single) >= kept, path
    single.dispose()


def test_a_statement_that_fails_as_prepared_is_not_kept(own_seeded: Engine) -> None:
    engine = make_engine(own_seeded.url.render_as_string(hide_password=False), pool_size=1)
    client = TestClient(
        create_app(Settings(_env_file=None, cache_mb=0), engine), raise_server_exceptions=False
    )
    for _ in range(10):
        assert client.get("/actors").status_code == 200
    with own_seeded.begin() as connection:
        # A migration under a running service: the type of a result is another one.
        connection.execute(text("ALTER TABLE actors ALTER COLUMN name TYPE varchar"))
    answers = [client.get("/actors").status_code for _ in range(3)]
    assert answers[1:] == [200, 200]
    engine.dispose()
