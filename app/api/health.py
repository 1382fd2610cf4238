"""`/healthz`, `/readyz` and `/metrics`, for those who run the service."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel

from app.api.errors import RETRY_LATER, documented, problem
from app.domain.errors import NotReadyError
from app.seeding import is_seeded
from app.store.databases import Databases
from app.store.engine import Connection, reading, takes_writes
from app.store.schema import is_at_head


class Reads(Collector):
    """Where reads went, and how many replicas answer them, for `/metrics`."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def collect(self) -> Iterator[Metric]:
        """Read the figures."""
        figures = self._databases.figures()
        reads = CounterMetricFamily("reads", "Reads by who answered them", labels=["from"])
        for who in ("primary", "replica"):
            reads.add_metric([who], figures[who])
        yield reads
        for name, what in (("replicas", "Replicas"), ("replicas_in_use", "Those that answer")):
            yield GaugeMetricFamily(name, what, value=figures[name])


router = APIRouter(tags=["Operation"])


class Health(BaseModel):
    """The process runs."""

    status: str = "ok"


class Readiness(BaseModel):
    """What has to be true before the service can answer."""

    status: str
    database: bool
    migrations: bool
    seeds: bool
    writes: bool


@router.get("/healthz", summary="The process runs")
def get_health() -> Health:
    """Says `ok` as long as the process answers at all; it asks nothing of the database."""
    return Health()


@router.get(
    "/readyz",
    summary="The service can answer",
    response_model=Readiness,
    responses=documented(503),
)
def get_readiness(request: Request) -> Response:
    """Says whether the database is reachable, migrated and seeded; 503 if it is not.

    `writes` is whether the primary is reachable. Where there are replicas reads go on without it,
    so that it alone does not make the service unready.
    """
    primary, databases = request.app.state.engine, request.app.state.databases
    checks, writes = _checked(reading(primary))
    if not checks["database"] and databases.figures()["replicas"]:
        checks, _ = _checked(databases.reading())
    if all(checks.values()):
        return JSONResponse({"status": "ready", **checks, "writes": writes})
    missing = next(name for name, passed in checks.items() if not passed)
    more = {**checks, "writes": writes}
    return problem(request, 503, f"not ready: {missing}", headers=RETRY_LATER, more=more)


def _checked(connecting: AbstractContextManager[Connection]) -> tuple[dict[str, bool], bool]:
    """What holds of a database, and whether it takes writes."""
    checks = {"database": False, "migrations": False, "seeds": False}
    writes = False
    try:
        with connecting as connection:
            checks["database"] = True
            checks["migrations"] = is_at_head(connection)
            checks["seeds"] = checks["migrations"] and is_seeded(connection)
            writes = takes_writes(connection)
    except NotReadyError:
        pass  # the checks say it
    return checks, writes


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(request: Request) -> Response:
    """Durations of requests by method, route and status, in Prometheus' text format."""
    registry: CollectorRegistry = request.app.state.metrics
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
