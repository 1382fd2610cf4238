"""`district-control keys`: who may ask and write over HTTP."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.common import console, database, settings
from app.domain.errors import NotReadyError
from app.store import keys as stored
from app.store.engine import Engine, reading, writing
from app.store.schema import is_at_head

keys = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


def _expiry(text: str) -> datetime:
    """Read `2027-01-01` (from that day on, in UTC) or `90d` (24 hours each, from now)."""
    try:
        if re.fullmatch(r"[0-9]+d", text):
            return datetime.now(UTC) + timedelta(days=int(text[:-1]))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except (ValueError, OverflowError):
        pass  # no day of the calendar
    raise typer.BadParameter("write a day, as 2027-01-01, or a number of days, as 90d")


@keys.command()
def create(
    owner: Annotated[str, typer.Option(help="Who holds the key; the author of what it writes")],
    scope: Annotated[
        list[stored.Scope],
        typer.Option(help="What it may do; admin includes write, write includes read"),
    ],
    expires: Annotated[
        datetime | None,
        typer.Option(
            parser=_expiry,
            metavar="DAY|DAYSd",
            help="From when it does not work: 2027-01-01 (UTC), or 90d from now; left out: never",
        ),
    ] = None,
) -> None:
    """Make a key, and write its token to standard output. It cannot be shown again."""
    with _migrated() as engine, writing(engine) as connection:
        token = stored.create(connection, owner, scope, expires)
    console.print("Keep this token as a secret. It cannot be shown again.")
    typer.echo(token)


@keys.command("list")
def list_keys(
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: a list of objects")
    ] = False,
) -> None:
    """List every key, in the order in which they were made; never a secret or its hash."""
    with _migrated() as engine, reading(engine) as connection:
        found = stored.list_keys(connection)
    if as_json:
        typer.echo(json.dumps([_document(key) for key in found], ensure_ascii=False, indent=2))
        return
    table = Table("id", "owner", "scopes", "created", "expires", "revoked")
    for key in found:
        # As text: an owner in square brackets is no instruction to colour anything.
        table.add_row(
            *(
                Text(", ".join(value) if isinstance(value, list) else value or "")
                for value in _document(key).values()
            )
        )
    Console().print(table)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it")]) -> None:
    """Make a key stop working at once and for ever; it stays listed."""
    with _migrated() as engine, writing(engine) as connection:
        stored.revoke(connection, key_id)
    console.print(f"The key {key_id} does not work any more.", highlight=False)


@contextmanager
def _migrated() -> Iterator[Engine]:
    """The database; NotReadyError when it cannot be reached or is not migrated."""
    with database(settings()) as engine:
        with reading(engine) as connection:
            if not is_at_head(connection):
                raise NotReadyError("the database is not migrated: run `district-control migrate`")
        yield engine


def _document(key: stored.Key) -> dict[str, str | list[str] | None]:
    """A key as it is shown; instants are in UTC."""
    return {
        "id": key.id,
        "owner": key.owner,
        "scopes": [*key.scopes],
        "created": _instant(key.created_at),
        "expires": _instant(key.expires_at),
        "revoked": _instant(key.revoked_at),
    }


def _instant(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
