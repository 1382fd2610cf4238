"""The application, put together."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from anyio import CapacityLimiter
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Histogram,
)

from app.api import (
    auth,
    borders,
    boundary_sets,
    cite,
    control,
    districts,
    docs,
    errors,
    events,
    feeds,
    health,
    http,
    imports,
    ogc,
    once,
    pictures,
    previews,
    provinces,
    reconcile,
    replay,
    sources,
    stream,
    tiles,
    writes,
)
from app.api.deps import MovedError, no_repeats
from app.api.keeping import Around, Figures, Keep, Kept
from app.api.limits import Limits
from app.domain.errors import NotReadyError
from app.settings import Settings
from app.store.databases import Databases, replica_engines
from app.store.engine import Engine
from app.store.listening import Listener
from app.store.revisions import State, seen

_RESOURCES = (
    districts,
    provinces,
    control,
    replay,
    borders,
    boundary_sets,
    tiles,
    pictures,
    cite,
    ogc,
    events,
    feeds,
    stream,
    sources,
    writes,
    previews,
    imports,
    reconcile,
    health,
)

STREAMS = 2
"""Whole exports that are under way at a time; others wait."""


def create_app(settings: Settings, engine: Engine) -> FastAPI:
    """Make the application on a database; the caller disposes of the engine."""
    app = FastAPIOffline(
        title="District Control",
        summary="Who controls which district, since when, according to whom, and as known when.",
        description=docs.DESCRIPTION,
        version=version("district-control"),
        license_info={"name": "MIT", "identifier": "MIT"},
        contact={"name": "The operators of this service", "email": "contact@example.org"},
        openapi_tags=docs.TAGS,
        docs_url=None,
        redoc_url=None,
        static_url=docs.FILES,
        dependencies=[Depends(auth.admit), Depends(no_repeats)],
        responses={
            304: {"description": "The client has this answer already (`If-None-Match`)"},
            **errors.documented(401, 429, 500, 503),
        },
        lifespan=_listening,
        # `/metrics` and the log tell of requests; to look whether somebody else would hear of them
        # takes a fifth of the time of a kept answer.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        swagger_ui_parameters={"defaultModelsExpandDepth": 0, "docExpansion": "list"},
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.databases = Databases(engine, _replicas(settings))
    app.state.readers = CapacityLimiter(settings.pool_size)
    app.state.writers = CapacityLimiter(min(once.WRITERS, settings.pool_size))
    app.state.streams = CapacityLimiter(STREAMS)
    app.state.drawers = CapacityLimiter(os.cpu_count() or 1)
    app.state.kept = kept = Kept(settings.cache_mb)
    app.state.listener = listener = Listener(engine, on_another_record=kept.forget)
    app.state.streams_open = stream.Streams(app.state.databases, app.state.listener)
    app.state.limits = Limits(settings)
    app.state.routes = [route for resource in _RESOURCES for route in resource.router.routes]
    app.state.metrics = CollectorRegistry()
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        app.state.metrics.register(collector)
    app.state.metrics.register(health.Reads(app.state.databases))
    # Only so that the documentation offers to send a key with reads too.
    closed = [Depends(auth.SCHEME)] if settings.reads_need_key else []
    for resource in _RESOURCES:
        app.include_router(resource.router, dependencies=[] if resource is health else closed)
    app.add_api_route("/docs", docs.page, include_in_schema=False)
    errors.install(app)
    app.add_exception_handler(MovedError, _moved)
    # The last one added is the first to see a request.
    seconds = Histogram(
        "http_request_duration_seconds",
        "Time from a request to the end of its answer",
        ("method", "route", "status"),
        registry=app.state.metrics,
    )
    app.add_middleware(http.LimitBodies)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
        expose_headers=http.EXPOSED,
    )
    app.add_middleware(http.Observe, seconds=seconds)
    app.add_middleware(CorrelationIdMiddleware, header_name="X-Request-ID")
    app.add_middleware(http.Protect)
    around = Around(
        heard=lambda: listener.state,
        asked=partial(_state, app),
        noted=listener.note,
        admit=auth.admit_reader,
        closed=settings.reads_need_key,
        free=not settings.reads_need_key and not app.state.limits.has("reads"),
    )
    figures = Figures(app.state.metrics, kept, seconds)
    behind = app.build_middleware_stack
    # Before even the middlewares that Starlette and FastAPI put first.
    app.build_middleware_stack = lambda: Keep(  # type: ignore[method-assign]
        behind(), kept, around, figures
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _listening(app: FastAPI) -> AsyncIterator[None]:
    """While the application runs, its process hears of what is recorded."""
    with app.state.listener:
        yield
    app.state.databases.dispose()


async def _state(app: FastAPI, known: int) -> State | None:
    """How the record stands, read anew: for a process that hears nothing.

    A replica that lacks the revision which is `known` here would tell of the past.
    """
    try:
        async with app.state.readers:
            return await run_in_threadpool(_read_state, app.state.databases, known)
    except NotReadyError:
        return None


def _read_state(databases: Databases, known: int) -> State:
    with databases.reading(should=known) as connection:
        return seen(connection)


def _replicas(settings: Settings) -> list[Engine]:
    if not settings.read_database_url:
        return []
    return replica_engines(settings.read_database_url, pool_size=settings.pool_size)


async def _moved(request: Request, error: Exception) -> RedirectResponse:
    assert isinstance(error, MovedError)  # noqa: S101 - registered for this class
    return RedirectResponse(error.location, status_code=307)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
            license_info=app.license_info,
            contact=app.contact,
        )
        problem = errors.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema["components"]["schemas"]
        schemas |= problem.pop("$defs")
        schemas["Problem"] = problem
        _restore(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _restore(schema: dict[str, Any]) -> None:
    """Put the examples back as they are: FastAPI leaves out every member that is null.

    A null says something ("nobody", "no limit was set"), and the schemas require it. Writes do
    not answer 304, as all other routes do; and FastAPI documents a 422 of its own where no other
    is.
    """
    for resource in _RESOURCES:
        for route in resource.router.routes:
            assert isinstance(route, APIRoute)  # noqa: S101 - these routers have no other
            if not route.include_in_schema:
                continue
            method = min(route.methods or {"GET"})
            documented = schema["paths"][route.path][method.lower()]["responses"]
            if method != "GET":
                documented.pop("304")
            if not {"422", 422} & route.responses.keys():
                documented.pop("422", None)
            for status, response in route.responses.items():
                shown = documented[str(status)]
                for media_type, content in response.get("content", {}).items():
                    if "example" in content:
                        shown["content"][media_type]["example"] = content["example"]
