"""The command line: `district-control serve`, `migrate`, `seed`, `rebuild`."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.api.app import create_app
from app.domain.errors import DomainError
from app.local_postgis import LocalPostgisError, private_postgis
from app.seeding import seed as load_seeds
from app.settings import PROJECT, Settings
from app.store import states
from app.store.engine import Engine, make_engine, writing
from app.store.schema import migrate as migrate_schema

cli = typer.Typer(
    help="A sourced record of who controls which district.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT)")] = None,
) -> None:
    """Migrate, load the seeds once, and serve until Ctrl-C.

    Without DATABASE_URL a private PostGIS under .local/ is started, and stopped at the end.
    """
    settings = _settings()
    _log(settings)
    with _database(settings) as engine:
        _prepare(engine)
        address = host or settings.host, port or settings.port
        console.print(f"Serving on http://{address[0]}:{address[1]} (documentation: /docs)")
        uvicorn.run(
            create_app(settings, engine),
            host=address[0],
            port=address[1],
            log_config=None,
            access_log=False,
            server_header=False,
        )


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    with _database(_settings()) as engine:
        migrate_schema(engine)
    console.print("The database is at the newest migration.")


@cli.command()
def seed() -> None:
    """Migrate, and load the seeds that are not loaded yet."""
    with _database(_settings()) as engine:
        _prepare(engine)


@cli.command()
def rebuild() -> None:
    """Make the table of event states again from the versions and citations on record."""
    with _database(_settings()) as engine, writing(engine) as connection:
        rows = states.rebuild(connection)
    console.print(f"{rows} states of events were derived again.")


def main() -> None:
    """Run the command line; what a person can act on is told in one line."""
    try:
        cli()
    except (LocalPostgisError, DomainError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise SystemExit(1) from error


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = str(fault["loc"][0]).upper()
            console.print(f"[red]{name}: {fault['msg']}[/red]", highlight=False)
        raise SystemExit(2) from error


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    """An engine on DATABASE_URL, or on the private PostGIS while the block runs."""
    if settings.database_url:
        yield from _engine(settings.database_url, settings)
    else:
        with private_postgis(PROJECT / ".local") as url:
            yield from _engine(url, settings)


def _engine(url: str, settings: Settings) -> Iterator[Engine]:
    engine = make_engine(url, pool_size=settings.pool_size)
    try:
        yield engine
    finally:
        engine.dispose()


def _prepare(engine: Engine) -> None:
    migrate_schema(engine)
    with Progress(
        TextColumn("Loading {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
    ) as progress:
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
