"""`district-control serve`, `migrate`, `seed`, `rebuild`."""

import logging
import os
from typing import Annotated

import structlog
import typer
import uvicorn

from app.api.app import create_app
from app.cli.common import console, database, progress_bar, settings
from app.seeding import seed as load_seeds
from app.settings import PROJECT, Settings
from app.store import states
from app.store.engine import Engine, writing
from app.store.schema import migrate as migrate_schema


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT)")] = None,
) -> None:
    """Migrate, load the seeds once, and serve until Ctrl-C.

    Without DATABASE_URL a private PostGIS under .local/ is started, and stopped at the end.
    """
    chosen = settings()
    _log(chosen)
    with database(chosen) as engine:
        _prepare(engine)
        address = host or chosen.host, port or chosen.port
        console.print(f"Serving on http://{address[0]}:{address[1]} (documentation: /docs)")
        uvicorn.run(
            create_app(chosen, engine),
            host=address[0],
            port=address[1],
            log_config=None,
            access_log=False,
            server_header=False,
        )


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
    """Make the table of event states again from the versions and citations on record."""
    with database(settings()) as engine, writing(engine) as connection:
        rows = states.rebuild(connection)
    console.print(f"{rows} states of events were derived again.")


def _prepare(engine: Engine) -> None:
    migrate_schema(engine)
    with progress_bar() as progress:
        tasks = {name: progress.add_task(name, total=None) for name in ("places", "events")}
        new = load_seeds(
            engine,
            PROJECT / "seeds",
            lambda name, done, total: progress.update(tasks[name], completed=done, total=total),
        )
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
