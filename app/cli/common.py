"""What every command needs: the terminal, the settings, a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)

from app.local_postgis import private_postgis
from app.settings import PROJECT, Settings
from app.store.engine import Engine, make_engine

console = Console(stderr=True)
"""For people: progress and messages. What other programs read goes to standard output."""


def settings() -> Settings:
    """The settings; exits with status 2, naming what is wrong in them."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = str(fault["loc"][0]).upper()
            console.print(f"[red]{name}: {fault['msg']}[/red]", highlight=False)
        raise SystemExit(2) from error


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
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


def write_report(path: Path, document: str, write_table: Callable[[TextIO], None]) -> None:
    """Write a report to a file: its table where the name ends in .csv, else all of it as JSON."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as table:
            write_table(table)
    else:
        path.write_text(document + "\n", encoding="utf-8")


def progress_bar(*, sizes: bool = False) -> Progress:
    """A bar on the terminal that goes away when the work is done; `sizes`: it counts bytes."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if sizes else MofNCompleteColumn(),
        console=console,
        transient=True,
    )


def stepping(bar: Progress) -> Callable[[str, int, int | None], None]:
    """A function that moves the bar: called with what is done, how much, and of how much."""
    tasks: dict[str, TaskID] = {}

    def step(what: str, done: int, total: int | None) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)

    return step
