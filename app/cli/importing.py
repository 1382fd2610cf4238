"""`district-control import`: files into the record."""

import getpass
import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.cli.common import console, database, progress_bar, settings, stepping, write_report
from app.domain.errors import InvalidValueError
from app.importers.mapping import Mapping
from app.importers.reader import sniff
from app.importing.files import built_in_mappings, error_rows, import_file, mapping_of, write_errors
from app.importing.report import LISTED, Order, Report
from app.settings import Settings
from app.store.engine import writing

imports = typer.Typer(help="Import files into the record, all or nothing.", no_args_is_help=True)
terminal = Console()

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or NDJSON")
]
Country = Annotated[
    str | None, typer.Option(help="Two-letter code; the configured country if left out")
]
Author = Annotated[
    str | None, typer.Option(help="Who answers for it; your name on this machine if left out")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Record nothing; tell what would be")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Record the rows without errors, if there are any")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", help="Write the report here: .json all of it, .csv its errors"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON, not as a table")]


@imports.command("claims")
def import_claims(
    file: File,
    mapping: Annotated[
        str, typer.Option(help="How to read it: claims, acled, or the path of a mapping file")
    ] = "claims",
    country: Country = None,
    author: Author = None,
    dry_run: DryRun = False,
    partial: Partial = False,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import what documents say of who holds which district; they are grouped into events.

    Importing a file twice changes nothing. With errors nothing is recorded, unless --partial.
    """
    chosen = settings()
    order = _order(chosen, file, country, author, dry_run=dry_run, partial=partial)
    _told(_import(chosen, file, order, _mapping(mapping)), report, as_json=as_json)


@imports.command("events")
def import_events(
    file: File,
    country: Country = None,
    author: Author = None,
    dry_run: DryRun = False,
    partial: Partial = False,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import events as `GET /events?f=ndjson` or `f=csv` gives them, under the same ids."""
    chosen = settings()
    order = _order(chosen, file, country, author, dry_run=dry_run, partial=partial)
    _told(_import(chosen, file, order, None), report, as_json=as_json)


def _order(
    chosen: Settings, file: Path, country: str | None, author: str | None, **how: bool
) -> Order:
    name = author
    if name is None:
        with suppress(OSError, KeyError):
            name = getpass.getuser()
    if not name:
        raise InvalidValueError("say who answers for it: --author NAME", field="author")
    return Order(file.name, country or chosen.default_country, name, **how)


def _mapping(given: str) -> Mapping:
    if given in built_in_mappings():
        return mapping_of(given)
    path = Path(given)
    if not path.is_file():
        raise InvalidValueError(
            f"there is no mapping {given!r}: name {', '.join(built_in_mappings())}, or a file",
            field="mapping",
        )
    return Mapping.parse(path.read_text(encoding="utf-8"))


def _import(chosen: Settings, file: Path, order: Order, mapping: Mapping | None) -> Report:
    with (
        database(chosen) as engine,
        file.open("rb") as opened,
        progress_bar() as bar,
        writing(engine) as connection,
    ):
        form = sniff(file.name, opened.read(4096))
        opened.seek(0)
        return import_file(connection, opened, form, order, mapping, stepping(bar))


def _told(report: Report, path: Path | None, *, as_json: bool) -> None:
    """Tell what was found; exits with status 1 where errors kept it from being recorded."""
    document = json.dumps(report.as_document(), ensure_ascii=False, indent=2)
    if path is not None:
        write_report(path, document, lambda table: write_errors(report, table))
    if as_json:
        typer.echo(document)
    else:
        _print(report)
    if report.refused:
        console.print("[red]Nothing was recorded: correct the errors, or use --partial.[/red]")
        raise SystemExit(1)
    if report.dry_run:
        console.print("Nothing was recorded: this was a dry run.")
    elif report.revision is None:
        console.print("Nothing was recorded: all of it is on record already.")
    else:
        console.print(f"Recorded as revision {report.revision}.")


def _print(report: Report) -> None:
    figures: list[tuple[str, Any]] = [
        ("rows read", report.rows),
        *((f"skipped: {reason}", number) for reason, number in report.skipped.items()),
        ("duplicates", report.duplicates),
        ("events created", report.events_created),
        ("events with a new version", report.events_changed),
        ("events retracted: their claims belong to others", report.events_retracted),
        ("citations added", report.citations_added),
        ("citations moved to another event", report.citations_moved),
        ("publishers added", len(report.sources_added)),
        ("errors", report.errors_total),
    ]
    table = Table(title=report.name, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in figures:
        table.add_row(name, f"{number:,}")
    terminal.print(table)
    if not report.errors:
        return
    errors = Table(title="Errors", show_lines=True)
    for name in ("line", "column", "value", "reason", "may be meant"):
        errors.add_column(name, overflow="fold")
    for row in error_rows(report):
        errors.add_row(*row)
    terminal.print(errors)
    if report.errors_total > LISTED:
        terminal.print(f"The first {LISTED} of {report.errors_total:,} errors are listed.")
