"""A real primary and a real streaming standby, made with PostgreSQL's own programs."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from app.local_postgis.cluster import DATABASE, Server
from app.local_postgis.folders import SHORT_FOLDER, can_enter, make_private, server_user
from app.local_postgis.processes import as_user, plain_environment
from app.local_postgis.programs import required_programs
from app.local_postgis.sharing import watchdog

from ..services import free_port, wait_until

ROLE = DATABASE
HOST = "127.0.0.1"
SLOT = "replica_1"
# Both are killed, but the machine under them is not: what the system was given is not lost.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "fsync": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_replication_slots": "4",
    "wal_retrieve_retry_interval": "100ms",
    "wal_receiver_status_interval": "1s",
}


@dataclass(frozen=True)
class Node:
    """One server on a TCP port of this machine, its cluster in one folder."""

    server: Server
    port: int

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{ROLE}@{self.address}/{DATABASE}"

    def run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self.server.programs / program, *arguments],
            **as_user(self.server.user),
            cwd=self.server.folder,
            env=plain_environment() | {"PGDATA": str(self.server.data)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=60,
            check=False,
        )
        log = self.server.folder / "server.log"
        told = log.read_text()[-2000:] if done.returncode and log.exists() else ""
        assert done.returncode == 0, f"{program}: {done.stderr}{told}"

    def start(self) -> None:
        chosen = SETTINGS | {"port": str(self.port)}
        # The server is known by its folder among its arguments.
        options = f"-D {self.server.data} "
        options += " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
        self.run("pg_ctl", "start", "--silent", "--wait", "--log=server.log", "--options", options)

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", "stop", "--silent", "--wait", f"--mode={mode}")

    def ask(self, query: str, *values: Any, database: str = DATABASE) -> Any:
        """The first value that a statement gives, in a session of its own; None without rows."""
        where = f"host={HOST} port={self.port} user={ROLE} dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(query, values)  # type: ignore[call-overload]
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@dataclass(frozen=True)
class Pair:
    """A primary and its standby, both running at first."""

    primary: Node
    replica: Node

    @property
    def both(self) -> str:
        """The URL for DATABASE_URL of whichever of them takes writes."""
        hosts = f"host={self.primary.address}&host={self.replica.address}"
        url = f"postgresql+psycopg://{ROLE}@/{DATABASE}?{hosts}"
        return f"{url}&target_session_attrs=read-write&connect_timeout=5"

    def pause(self) -> None:
        """Let the replica receive what is recorded, and not show it."""
        self.replica.ask("SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        wait_until(lambda: self.replica.ask(state) == "paused")

    def resume(self) -> None:
        self.replica.ask("SELECT pg_wal_replay_resume()")

    def lag_gone(self) -> None:
        """Wait until the replica shows all that the primary has written so far."""
        written = self.primary.ask("SELECT pg_current_wal_lsn()::text")
        shown = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: bool(self.replica.ask(shown, written)))

    def stop_primary(self) -> None:
        """As a crash does: no checkpoint, no word to anybody."""
        self.primary.stop("immediate")

    def start_primary(self) -> None:
        self.primary.start()

    def stop_replica(self) -> None:
        self.replica.stop("immediate")

    def start_replica(self) -> None:
        self.replica.start()

    def promote(self) -> None:
        """Let the replica take writes from here on."""
        self.replica.run("pg_ctl", "promote", "--silent", "--wait")

    def synchronous(self, commit: str) -> None:
        """From here on no commit is acknowledged that the replica does not have."""
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.ask(f"ALTER SYSTEM SET synchronous_commit = '{commit}'")
        self.primary.ask("SELECT pg_reload_conf()")
        state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: self.primary.ask(state) == 1)


@contextmanager
def new_node(name: str) -> Iterator[Node]:
    """A folder and a port for a server, which is stopped and deleted at the end."""
    user = server_user(Path("/"))
    parent = Path(tempfile.gettempdir())
    parent = parent if can_enter(user, parent) else SHORT_FOLDER
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent)).resolve()
    try:
        make_private(folder, user)
        node = Node(Server(required_programs(None), folder, user), free_port())
        with watchdog(node.server):
            yield node
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_pair(template: Path) -> Iterator[Pair]:
    """A primary with the data of a stopped one, and a standby made by `pg_basebackup`."""
    with ExitStack() as stack:
        primary, replica = (stack.enter_context(new_node(name)) for name in ("primary", "replica"))
        data = primary.server.data
        shutil.copytree(template, data, copy_function=partial(shutil.copy2, follow_symlinks=False))
        if os.geteuid() == 0:
            user = primary.server.user
            for path in (data, *data.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        primary.start()
        where = (f"--host={HOST}", f"--port={primary.port}", f"--username={ROLE}")
        how = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
        slot = ("--create-slot", f"--slot={SLOT}")
        replica.run("pg_basebackup", "--pgdata", replica.server.data, *where, *how, *slot)
        replica.start()
        pair = Pair(primary, replica)
        pair.lag_gone()
        yield pair
