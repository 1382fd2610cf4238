"""`district-control serve`, `migrate`, `seed`, `rebuild`."""

import logging
import os
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from app.boundaries.deriving import derive_all
from app.cli.common import console, database, progress_bar, settings, stepping
from app.seeding import seed as load_seeds
from app.service import create_service
from app.settings import PROJECT, Settings
from app.store import states
from app.store.engine import Engine, make_engine, writing
from app.store.revisions import note_upkeep
from app.store.schema import migrate as migrate_schema


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT)")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that answer requests (WORKERS)")
    ] = None,
) -> None:
    """Migrate, load the seeds once, and serve until Ctrl-C.

    Without DATABASE_URL a private PostGIS under .local/ is started, and stopped at the end.
    """
    chosen = settings()
    _log(chosen)
    listening: dict[str, Any] = {
        "host": host or chosen.host,
        "port": port or chosen.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
    }
    number = workers or chosen.workers
    with database(chosen) as engine:
        _prepare(engine)
        console.print(
            f"Serving on http://{listening['host']}:{listening['port']} (documentation: /docs)"
        )
        if number == 1:
            uvicorn.run(create_service(chosen, engine), **listening)
        else:
            # The processes are new ones: they find the private PostGIS by its URL.
            os.environ["DATABASE_URL"] = engine.url.render_as_string(hide_password=False)
            uvicorn.run(f"{__name__}:worker", factory=True, workers=number, **listening)


def worker() -> FastAPI:
    """The application in one of several processes; DATABASE_URL says where the record is."""
    chosen = settings()
    _log(chosen)
    assert chosen.database_url  # noqa: S101 - set above
    return create_service(chosen, make_engine(chosen.database_url, pool_size=chosen.pool_size))


def migrate() -> None:
    """Bring the database to the schema of this version."""
    with database(settings()) as engine:
        migrate_schema(engine)
    console.print("The database is at the newest migration.")


def seed() -> None:
    """Migrate, and load the seeds that are not loaded yet."""
    with database(settings()) as engine:
        _prepare(engine)


def rebuild() -> None:
    """Make again what is derived: states of events, and borders and drawings of boundary sets."""
    with database(settings()) as engine, writing(engine) as connection:
        rows = states.rebuild(connection)
        sets = derive_all(connection)
        note_upkeep(connection)
    console.print(
        f"{rows} states of events and the borders of {sets} boundary sets were derived again."
    )


def _prepare(engine: Engine) -> None:
    migrate_schema(engine)
    with progress_bar() as bar:
        new = load_seeds(engine, PROJECT / "seeds", stepping(bar))
    if new:
        console.print(f"Loaded the seeds: {new} events.")


def _log(settings: Settings) -> None:
    """Send our log and that of the libraries through one renderer to standard error."""
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=os.isatty(2))
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    # It announces itself whenever readiness is asked.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It writes whole addresses, also of what pages ask within the process.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
