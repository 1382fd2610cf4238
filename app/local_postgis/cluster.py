"""One PostgreSQL cluster: made, started, taken over, stopped."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from app.local_postgis.folders import SHORT_FOLDER, make_private, path_hash
from app.local_postgis.processes import as_user, plain_environment
from app.local_postgis.programs import LocalPostgisError

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
DATABASE = "district_control"

_USER = DATABASE
_DATA = "data"
_PORT = 5432  # no TCP port: it only names the socket file
_LONGEST_SOCKET_PATH = 107  # bytes; sun_path in Linux's sockaddr_un is 108 with its closing zero
_PATIENCE = 60  # seconds for one start or stop, crash recovery included


@dataclass(frozen=True)
class Server:
    """One cluster in one folder, run by one user; the folder exists and is that user's.

    In it lie `data` (the cluster), `server.log` (the last start's; the one before is
    `server.log.1`) and `socket`. Where that path is too long for a socket's, or has a comma or a
    quotation mark, the socket lies in `/tmp/district-control-<user id>-<hash of the path>`.
    """

    programs: Path
    folder: Path
    user: pwd.struct_passwd
    settings: dict[str, str] = field(default_factory=lambda: SETTINGS)

    @property
    def data(self) -> Path:
        """The cluster itself, PostgreSQL's data directory."""
        return self.folder / _DATA

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database on the running server, as its superuser."""
        host = quote(str(self._running_socket_folder()), safe="/")
        return f"postgresql+psycopg://{_USER}@:{_PORT}/{database}?host={host}"

    def initialise(self, *options: str) -> None:
        """Make the cluster, whole or not at all, unless it exists."""
        if major_of(self.folder) is not None:
            return
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        how = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={_USER}"]
        made = self._run("initdb", "--pgdata", new, *how, *options)
        if made.returncode:
            raise LocalPostgisError(f"initdb failed in {self.folder}:\n{made.stderr.strip()}")
        new.rename(self.data)

    def ensure_running(self) -> None:
        """Start the server, or take over one that runs, starts or is about to stop."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if not self.is_alive():
                self._start(deadline)
            elif self._accepts():
                return
            time.sleep(0.05)
        raise LocalPostgisError(f"PostgreSQL does not answer.{self._end_of_log()}")

    def is_alive(self) -> bool:
        """Say whether the process that postmaster.pid names is this cluster's server.

        After a crash or a restart of the machine the number may belong to another process.
        """
        pid = self._pid_file_line(0)
        try:
            arguments = Path("/proc", pid or "none", "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.data) in arguments

    def stop(self) -> None:
        """Stop the server, which ends its connections; remove a socket folder made elsewhere."""
        sockets = self._running_socket_folder()
        how = ["--silent", "--mode=fast", f"--timeout={_PATIENCE}"]
        if self._run("pg_ctl", "stop", *how).returncode and self.is_alive():
            raise LocalPostgisError(f"PostgreSQL does not stop.{self._end_of_log()}")
        if sockets.parent == SHORT_FOLDER:
            with suppress(OSError):
                sockets.rmdir()

    def create_database(self) -> None:
        """Create the application's database unless it exists."""
        where = [
            f"--host={self._running_socket_folder()}",
            f"--port={_PORT}",
            f"--username={_USER}",
        ]
        listed = self._run("psql", *where, "--list", "--tuples-only", "--no-align", "--no-psqlrc")
        if any(line.split("|")[0] == DATABASE for line in listed.stdout.splitlines()):
            return
        created = self._run("createdb", *where, "--template=template0", DATABASE)
        if listed.returncode or created.returncode:
            problem = (listed.stderr + created.stderr).strip()
            raise LocalPostgisError(f"The database cannot be created: {problem}")

    def _start(self, deadline: float) -> None:
        sockets = self._make_socket_folder()
        # PostgreSQL trusts a number in a lock file if any process has it, as strangers may by now.
        # It still refuses to start beside children of a killed server, by their shared memory.
        for stale in (self.data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        options = ["-D", str(self.data)]  # is_alive() looks for it
        for name, value in self.settings.items():
            options += ["-c", f"{name}={value}"]
        options += ["-c", f'unix_socket_directories="{sockets}"']
        how = ["--silent", f"--timeout={_PATIENCE}", f"--log={self._log.name}"]
        # The folders are not given to pg_ctl as options, for it hands those to a shell unquoted.
        started = self._run("pg_ctl", "start", *how, "--options", shlex.join(options))
        dying = "shared memory block" in self._end_of_log()  # children of a server killed just now
        if started.returncode and not (dying and time.monotonic() < deadline):
            problem = f"PostgreSQL does not start: {started.stderr.strip()}"
            raise LocalPostgisError(problem + self._end_of_log())

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user, out of reach of a Ctrl-C here."""
        return subprocess.run(  # noqa: S603
            [self.programs / program, *arguments],
            **as_user(self.user),
            cwd=self.folder,
            env=plain_environment() | {"PGDATA": str(self.data)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            timeout=_PATIENCE + 30,
            check=False,
        )

    def _accepts(self) -> bool:
        folder = self._running_socket_folder()
        return not self._run("pg_isready", "--host", folder, "--port", str(_PORT)).returncode

    def _running_socket_folder(self) -> Path:
        """Return the folder where the running server listens; an earlier start may have chosen."""
        return Path(self._pid_file_line(4) or self.folder / "socket")

    def _pid_file_line(self, number: int) -> str:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[number].strip()
        except (OSError, IndexError):
            return ""

    def _make_socket_folder(self) -> Path:
        folder = self.folder / "socket"
        length = len(os.fsencode(folder / f".s.PGSQL.{_PORT}"))
        if length > _LONGEST_SOCKET_PATH or re.search(r'[,"]', str(folder)):  # lists split there
            folder = SHORT_FOLDER / f"district-control-{self.user.pw_uid}-{path_hash(self.folder)}"
        make_private(folder, self.user)
        return folder

    def _end_of_log(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join([f" The end of {self._log}:", *lines[-15:]])


def major_of(folder: Path) -> int | None:
    """Return the major version of PostgreSQL that made the cluster in the folder, None without."""
    version = folder / _DATA / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None
