"""`/healthz`, `/readyz` and `/metrics`, for those who run the service."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel

from app.api.errors import RETRY_LATER, documented, problem
from app.domain.errors import NotReadyError
from app.seeding import is_seeded
from app.store.engine import reading
from app.store.schema import is_at_head

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
    """Says whether the database is reachable, migrated and seeded; 503 if it is not."""
    checks = {"database": False, "migrations": False, "seeds": False}
    try:
        with reading(request.app.state.engine) as connection:
            checks["database"] = True
            checks["migrations"] = is_at_head(connection)
            checks["seeds"] = checks["migrations"] and is_seeded(connection)
    except NotReadyError:
        pass  # the checks say it
    if all(checks.values()):
        return JSONResponse({"status": "ready", **checks})
    missing = next(name for name, passed in checks.items() if not passed)
    return problem(request, 503, f"not ready: {missing}", headers=RETRY_LATER, more=checks)


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
