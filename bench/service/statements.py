"""The floor of cold reads: the statements that the service sends for a case, run by pgbench.

They are recorded from the service's own engine as psycopg sends them: the text with `$1` in place
of values, the values, and their types. pgbench sends the same texts and values in the same
transaction, with the same options of the session, and prepares them, as psycopg does with what it
has sent a few times. What is left out: the check of a pooled connection, and all Python.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from fastapi.testclient import TestClient
from psycopg.abc import Buffer
from psycopg.adapt import Transformer
from psycopg.pq import Format, TransactionStatus
from sqlalchemy import event
from sqlalchemy.engine import make_url

from app.service import create_service
from app.settings import Settings
from app.store.engine import Engine, make_engine
from bench.service.cases import Case, Numbers

_ASKED = 2
"""Times that each case is asked: the first one also asks for what is remembered afterwards."""


@dataclass(frozen=True)
class Sent:
    """One statement; `begins` is the command that began a transaction just before it, if any."""

    text: str
    values: tuple[str | None, ...]
    types: tuple[str | None, ...]
    begins: str | None


@dataclass
class Recording:
    """What was sent, in order, and with which options of the session."""

    sent: list[Sent] = field(default_factory=list)
    options: str = ""

    def note(self, cursor: psycopg.Cursor[Any], begins: str | None) -> None:
        """Keep what a cursor has just sent; of checks of a connection there is nothing to keep."""
        query = cursor._query  # documented, for those who want to see what is sent
        if query is None or not query.query.strip(b"; "):
            return
        sent = zip(query.params or (), query.types, query.formats or (), strict=True)
        values = tuple(_as_text(cursor, *one) for one in sent)
        types = tuple(_type_name(cursor, oid) for oid in query.types)
        self.sent.append(Sent(query.query.decode(), values, types, begins))
        self.options = cursor.connection.info.get_parameters().get("options", "")


@dataclass(frozen=True)
class Script:
    """A script of pgbench, and the values of its variables."""

    text: str
    values: dict[str, str]
    options: str
    statements: int

    def command(self, pgbench: Path, url: str, file: Path) -> list[str]:
        """Write the script into a file, and return the command that runs it on a database."""
        file.write_text(self.text, encoding="utf-8")
        to = make_url(url)
        where = {"host": to.query["host"], "port": to.port, "username": to.username}
        return [
            str(pgbench),
            "--no-vacuum",
            "--protocol=prepared",
            f"--file={file}",
            *(f"--{name}={value}" for name, value in where.items()),
            *(f"--define={name}={value}" for name, value in self.values.items()),
            str(to.database),
        ]

    def environment(self) -> dict[str, str]:
        """What pgbench's connection needs to be like the service's."""
        return {"PGOPTIONS": self.options}


def record(url: str, cases: Sequence[Case], numbers: Numbers) -> dict[str, Script]:
    """The script of each case's cold question, by the case's key."""
    recording = Recording()
    engine = make_engine(url)
    unlimited = Settings(_env_file=None, rate_limit_reads="off")
    scripts = {}
    with _recorded(engine, recording), TestClient(create_service(unlimited, engine)) as client:
        for case in cases:
            first = numbers.share()
            for number in range(first, first + _ASKED):
                recording.sent.clear()
                client.get(case.cold_path(number)).raise_for_status()
            scripts[case.key] = script(recording)
    engine.dispose()
    return scripts


@contextmanager
def _recorded(engine: Engine, recording: Recording) -> Iterator[None]:
    """Have every connection of an engine tell what it sends."""

    def tell(_dialect: object, _record: object, _given: object, how: dict[str, Any]) -> None:
        usual: Any = how["cursor_factory"]

        class Telling(usual):
            def execute(self, *given: Any, **how: Any) -> "Telling":
                begins = _beginning(self.connection)
                super().execute(*given, **how)
                recording.note(self, begins)
                return self

        how["cursor_factory"] = Telling
        how["prepare_threshold"] = None  # of what is prepared it would only send a name

    event.listen(engine, "do_connect", tell)
    try:
        yield
    finally:
        event.remove(engine, "do_connect", tell)


def _beginning(connection: psycopg.Connection[Any]) -> str | None:
    """The command with which psycopg is about to begin a transaction; None if it is not."""
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    if connection.autocommit or not idle:
        return None
    words = ["BEGIN"]
    if connection.isolation_level:
        words.append("ISOLATION LEVEL " + connection.isolation_level.name.replace("_", " "))
    if connection.read_only:
        words.append("READ ONLY")
    return " ".join(words)


def _as_text(
    cursor: psycopg.Cursor[Any], value: Buffer | None, oid: int, form: Format
) -> str | None:
    """A value in words: psycopg sends numbers in binary, pgbench everything as text."""
    if value is None:
        return None
    if form == Format.TEXT:
        return bytes(value).decode()
    return str(Transformer(cursor.connection).get_loader(oid, form).load(bytes(value)))


def _type_name(cursor: psycopg.Cursor[Any], oid: int) -> str | None:
    """The type that a value was sent as; None where it is left to the server."""
    known = cursor.connection.adapters.types.get(oid)
    if known is None:
        return None
    return f"{known.name}[]" if known.array_oid == oid else known.name


def script(recording: Recording) -> Script:
    """Write what was sent as a script of pgbench."""
    lines: list[str] = []
    values: dict[str, str] = {}
    is_open = False
    for sent in recording.sent:
        if sent.begins:
            lines += ["ROLLBACK;"] * is_open + [f"{sent.begins};"]
            is_open = True
        lines.append(_statement(sent, values))
    lines += ["ROLLBACK;"] * is_open
    return Script("\n".join(lines) + "\n", values, recording.options, len(recording.sent))


def _statement(sent: Sent, values: dict[str, str]) -> str:
    """One statement with variables of pgbench in place of `$1`; their values go into `values`."""

    def variable(value: str) -> str:
        name = f"value_{len(values)}"
        values[name] = value
        return f":{name}"

    def told(literal: re.Match[str]) -> str:
        # pgbench would read a colon within quotation marks as the beginning of a variable.
        inside = literal[0][1:-1].replace("''", "'")
        return f"{variable(inside)}::text" if ":" in inside else literal[0]

    text = re.sub(r"'(?:[^']|'')*'", told, sent.text)
    # Where a value is used twice it has one variable: pgbench sends it once for each use.
    names: dict[int, str] = {}
    for place, (value, kind) in enumerate(zip(sent.values, sent.types, strict=True)):
        written = "NULL" if value is None else variable(value)
        names[place + 1] = f"{written}::{kind}" if kind else written
    # A slice's colon is no variable either.
    text = re.sub(r"(\[[^\[\]:']*):(?!:)([^\[\]:']*\])", r"\1 : \2", text)
    text = re.sub(r"\$(\d+)", lambda place: names[int(place[1])], text)
    return text.strip().rstrip(";") + ";"
