"""The service in processes of its own, to be asked and killed; and what holds of any record."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
from sqlalchemy import Engine, select, text
from typer.testing import CliRunner, Result

from app.cli import cli
from app.settings import PROJECT
from app.store import keys
from app.store.engine import writing
from app.store.keys import Scope
from app.store.states import rebuild
from app.store.tables import event_states

COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
PATIENCE = 60
RECORD = (
    "revisions",
    "seals",
    "events",
    "event_versions",
    "citations",
    "event_states",
    "mentions",
    "sources",
    "actors",
    "imports",
    "given_answers",
)
"""The tables that writes fill."""


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass(frozen=True)
class Service:
    """A running service: its first process leads a process group of all of them."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def is_ready(self, client: httpx.Client) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send every process of the service a signal, and wait for the first one to end."""
        os.killpg(self.process.pid, number)
        self.process.wait(timeout=30)

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)


@contextmanager
def serving(
    url: str, log: Path, *, workers: int = 1, port: int | None = None, **settings: str
) -> Iterator[Service]:
    """`district-control serve` on a database, with several processes, until the block ends."""
    port = port or free_port()
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*COMMAND, "serve", f"--port={port}", f"--workers={workers}"],
            cwd=PROJECT,
            env=os.environ
            | {
                "DATABASE_URL": url,
                "LOG_FORMAT": "json",
                "RATE_LIMIT_READS": "off",
                "RATE_LIMIT_WRITES": "off",
            }
            | settings,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    service = Service(f"http://127.0.0.1:{port}", log, process)
    try:
        with service.client() as client:
            wait_until(lambda: service.is_ready(client))
        yield service
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)
    finally:
        with suppress(ProcessLookupError):  # nobody of it may outlive a test that failed
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def make_token(engine: Engine, owner: str, *scopes: Scope) -> str:
    with writing(engine) as connection:
        return keys.create(connection, owner, scopes or (Scope.WRITE,), None)


def fingerprints(engine: Engine) -> dict[str, tuple[int, str]]:
    """The number of rows of each table of the record, and a hash of all that is in them."""
    with engine.connect() as connection:
        return {
            table: tuple(
                connection.execute(
                    text(
                        "SELECT count(*), md5(coalesce(string_agg(md5(row::text), ''"
                        f" ORDER BY md5(row::text)), '')) FROM {table} AS row"
                    )
                ).one()
            )
            for table in RECORD
        }


def verify(url: str, *arguments: str) -> Result:
    """Run `district-control verify`."""
    return CliRunner().invoke(cli, ["verify", *arguments], env={"DATABASE_URL": url})


HALF_WRITTEN = {
    "an event without a version": (
        "SELECT count(*) FROM events WHERE NOT EXISTS"
        " (SELECT FROM event_versions AS of WHERE of.event_id = events.id)"
    ),
    "an event without a citation that supports it": (
        "SELECT count(*) FROM events WHERE NOT EXISTS (SELECT FROM citations AS of"
        " WHERE of.event_id = events.id AND of.stance = 'supports')"
    ),
    "an event without states": (
        "SELECT count(*) FROM events WHERE NOT EXISTS"
        " (SELECT FROM event_states AS of WHERE of.event_id = events.id)"
    ),
    "a revision without a seal": (
        "SELECT count(*) FROM revisions FULL JOIN seals USING (revision)"
        " WHERE revisions.recorded_at IS NULL OR seals.hash IS NULL"
    ),
    "a gap between revisions": "SELECT max(revision) - count(*) FROM revisions",
    "a key without its answer": (
        "SELECT count(*) FROM given_answers WHERE status IS NULL OR body IS NULL OR headers IS NULL"
    ),
}


def assert_whole(engine: Engine) -> None:
    """Nothing is half written, the seals hold, and what is derived follows from the record."""
    with engine.connect() as connection:
        found = {name: connection.scalar(text(query)) for name, query in HALF_WRITTEN.items()}
        assert found == dict.fromkeys(HALF_WRITTEN, 0)
        everything = select(event_states).order_by(*event_states.primary_key)
        kept = connection.execute(everything).all()
        rebuild(connection)
        assert connection.execute(everything).all() == kept
        connection.rollback()
        newest = connection.execute(text("SELECT * FROM seals ORDER BY 1 DESC LIMIT 1")).one()
    told = verify(engine.url.render_as_string(hide_password=False))
    assert (told.exit_code, told.stdout.strip()) == (
        0,
        f"The record is whole up to {newest.revision}:{newest.hash}",
    ), told.stderr
