"""`district-control export`, `restore`, `verify`: the record elsewhere, and whether it is whole."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.common import console, database, progress_bar, settings, stepping
from app.domain.errors import InvalidValueError
from app.exporting import export as write_export
from app.exporting import restore as read_export
from app.store import seals, states
from app.store.engine import reading
from app.store.schema import migrate
from app.store.seals import Break, Seal


def verify(
    seal: Annotated[
        str | None,
        typer.Option(
            help="A seal that was noted earlier, as REVISION:HASH; checks that it is still there"
        ),
    ] = None,
) -> None:
    """Walk the chain of seals from the first revision on, and compare what is derived from it.

    Names the first revision that is not what was sealed, and ends with status 1. Who can write
    to the database as its superuser could make a whole new chain: note the newest seal elsewhere
    from time to time, and give it to --seal.
    """
    expected = _expected(seal)
    with (
        database(settings()) as engine,
        reading(engine) as connection,
        progress_bar() as bar,
    ):
        last = seals.last_revision(connection)
        task = bar.add_task("checking revisions", total=last)
        newest: Seal | None = None
        for found in seals.check(connection, last):
            if isinstance(found, Break):
                raise _broken(f"revision {found.revision}: {found.what}")
            newest = found
            bar.update(task, completed=found.revision)
            if expected.get(found.revision, found.hash) != found.hash:
                raise _broken(
                    f"revision {found.revision} has another seal than the one that was noted"
                )
        if any(revision > last for revision in expected):
            raise _broken(f"revision {max(expected)} is missing; the record ends with {last}")
        task = bar.add_task("checking what is derived", total=None)
        wrong = states.first_wrong(
            connection, lambda done, total: bar.update(task, completed=done, total=total)
        )
        if wrong:
            raise _broken(
                f"event {wrong}: the states kept for reads are not those that follow from the "
                "record (`district-control rebuild` makes them again)"
            )
    if newest is None:
        typer.echo("The record is empty.")
    else:
        typer.echo(f"The record is whole up to {newest.revision}:{newest.hash}")


def export(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet")],
) -> None:
    """Write all data to a folder: tables as CSV, and a data package descriptor.

    It holds the whole history of the record and the gazetteer; no API keys. `restore` reads it
    back.
    """
    with database(settings()) as engine, progress_bar() as bar:
        summary = write_export(engine, folder, stepping(bar))
    console.print(f"Wrote the record up to revision {summary.revision.number} to {folder}.")


def restore(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="What `export` has written")
    ],
) -> None:
    """Take over a whole exported record, with its history, into a database that has no data yet.

    The database (DATABASE_URL) is migrated first. Afterwards every question, at any `known_at`,
    is answered as by the service that the export came from.
    """
    with database(settings()) as engine, progress_bar() as bar:
        migrate(engine)
        summary = read_export(engine, folder, stepping(bar))
    console.print(f"Took over the record up to revision {summary.revision.number}.")


def _expected(seal: str | None) -> dict[int, str]:
    if seal is None:
        return {}
    number, _, noted = seal.partition(":")
    if not number.isdecimal() or not noted:
        raise InvalidValueError("write the seal as REVISION:HASH", field="seal")
    return {int(number): noted.lower()}


def _broken(what: str) -> SystemExit:
    console.print(f"[red]The record was changed. {what}[/red]", highlight=False, soft_wrap=True)
    return SystemExit(1)
