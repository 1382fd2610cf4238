"""A private PostGIS for one checkout and throwaway ones for tests: Unix socket only, no password.

Where things lie. `private_postgis(home)` keeps one folder, `home/postgis`: `data` (the cluster),
`server.log` (the last start's; the one before is `server.log.1`), `socket`, and two lock files.
Two exceptions, both because of what the machine allows:

- Started by root, the server runs as the unprivileged user `postgres` (PostgreSQL refuses root).
  Where that user cannot enter `home`, as in a clone under a closed `/root`, the folder lies in
  `/var/lib/district-control/<hash of the path>` and `home/postgis` is a symbolic link to it.
- Where the socket's path would be longer than a socket's path may be, the socket lies in
  `/tmp/district-control-<user id>-<hash of the path>`.

Who may connect. Connections need no password: whoever can enter the socket's folder is let in, and
that is who can read the data files too, for both have mode 0700 and one owner.

Who stops it. Every user of the server holds a shared lock; the last to let go stops the server.
The kernel drops the lock of a killed user, so an orphaned server is found, used and stopped by the
next one.

Linux only. Nothing but the standard library is imported, for `python -m app.local_postgis check`
runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

OLDEST_MAJOR = 15

_PACKAGED = Path("/usr/lib/postgresql")
_ELSEWHERE = Path("/var/lib/district-control")
_SHORT_FOLDER = Path("/tmp")  # noqa: S108 (what is made in it is 0700 and its owner is checked)
_USER = _DATABASE = "district_control"
_PORT = 5432  # no TCP port: it only names the socket file
_LONGEST_SOCKET_PATH = 107  # bytes; sun_path in Linux's sockaddr_un is 108 with its closing zero
_PATIENCE = 60  # seconds for one start or stop, crash recovery included
_GIVE_INSTEAD = (
    "Instead, run everything in containers with `docker compose up`, or set DATABASE_URL to a "
    f"PostgreSQL {OLDEST_MAJOR} or newer that has PostGIS."
)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class LocalPostgisError(Exception):
    """The local PostGIS cannot be used; the message says why and what to do."""


@contextmanager
def private_postgis(home: Path) -> Iterator[str]:
    """Start or join the PostGIS that lies under `home` and yield an SQLAlchemy URL to its database.

    The URL's role is the superuser of this private cluster; extensions are left to migrations.
    On leaving, the last user stops the server; so that this also holds for a process ended by
    SIGTERM or SIGHUP, these raise SystemExit inside the block unless the process handles them.
    libpq's own variables (PGHOST, PGSERVICE, ...) are hidden inside the block: they speak of
    another database. Raises LocalPostgisError.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals_unwind())
        stack.enter_context(_libpq_variables_hidden())
        try:
            server = _private_server(home.absolute())
            stack.enter_context(_used(server))
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalPostgisError(f"The PostGIS under {home} cannot be used: {error}") from error
        yield server.url(_DATABASE)


@contextmanager
def throwaway_postgis() -> Iterator[str]:
    """Start a new cluster in a temporary folder and yield an SQLAlchemy URL to `postgres` in it.

    It is fast rather than durable. It is stopped and deleted on leaving, and also when this
    process is killed: a watchdog, at the other end of a pipe, outlives it. Raises
    LocalPostgisError.
    """
    with ExitStack() as stack:
        stack.enter_context(_libpq_variables_hidden())
        try:
            server = stack.enter_context(_throwaway_server())
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalPostgisError(f"A throwaway PostGIS cannot be started: {error}") from error
        yield server.url("postgres")


def find_postgis(major: int | None = None) -> Path | None:
    """Return the folder of the newest PostgreSQL's programs that has PostGIS, or None.

    `major` asks for one major version; without it, versions before OLDEST_MAJOR do not count.
    """
    found: dict[int, Path] = {}
    for programs in _program_folders():
        version = re.search(r"\d+", _ask_pg_config(programs / "pg_config", "--version"))
        extensions = Path(_ask_pg_config(programs / "pg_config", "--sharedir"), "extension")
        if version and (programs / "initdb").exists() and (extensions / "postgis.control").exists():
            found.setdefault(int(version[0]), programs)
    if major is not None:
        return found.get(major)
    newest = max(found, default=0)
    return found[newest] if newest >= OLDEST_MAJOR else None


def _program_folders() -> list[Path]:
    folders = list(_PACKAGED.glob("*/bin"))
    on_path = shutil.which("pg_config")
    if on_path and (answer := _ask_pg_config(Path(on_path), "--bindir")):
        folders.append(Path(answer))
    return folders


def _ask_pg_config(pg_config: Path, question: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603
            [pg_config, question], capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # half an installation, such as a client without its server's files
    return answer.stdout.strip()


def _required_programs(major: int | None) -> Path:
    programs = find_postgis(major)
    if programs is None and major is not None:
        raise LocalPostgisError(
            f"The data was made by PostgreSQL {major}, which is no longer installed with PostGIS: "
            f"install postgresql-{major}-postgis-3, or move the data away to start afresh."
        )
    if programs is None:
        raise LocalPostgisError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer with PostGIS is installed. On Debian and "
            f"Ubuntu `make install` installs it, as root or with sudo. {_GIVE_INSTEAD}"
        )
    return programs


@dataclass(frozen=True)
class _Server:
    """One cluster in one folder, run by one user; the folder exists and is that user's."""

    programs: Path
    folder: Path
    user: pwd.struct_passwd
    settings: dict[str, str] = field(default_factory=lambda: _SETTINGS)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def url(self, database: str) -> str:
        host = quote(str(self._running_socket_folder()), safe="/")
        return f"postgresql+psycopg://{_USER}@:{_PORT}/{database}?host={host}"

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user, out of reach of a Ctrl-C here."""
        return subprocess.run(  # noqa: S603
            [self.programs / program, *arguments],
            **_as_user(self.user),
            cwd=self.folder,
            env=_plain_environment() | {"PGDATA": str(self.data)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            timeout=_PATIENCE + 30,
            check=False,
        )

    def initialise(self, *options: str) -> None:
        """Make the cluster, whole or not at all, unless it exists."""
        if (self.data / "PG_VERSION").exists():
            return
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        how = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={_USER}"]
        made = self.run("initdb", "--pgdata", new, *how, *options)
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
        sockets = self._running_socket_folder()
        how = ["--silent", "--mode=fast", f"--timeout={_PATIENCE}"]
        if self.run("pg_ctl", "stop", *how).returncode and self.is_alive():
            raise LocalPostgisError(f"PostgreSQL does not stop.{self._end_of_log()}")
        if sockets.parent == _SHORT_FOLDER:
            with suppress(OSError):
                sockets.rmdir()

    def create_database(self) -> None:
        """Create the application's database unless it exists."""
        where = [
            f"--host={self._running_socket_folder()}",
            f"--port={_PORT}",
            f"--username={_USER}",
        ]
        listed = self.run("psql", *where, "--list", "--tuples-only", "--no-align", "--no-psqlrc")
        if any(line.split("|")[0] == _DATABASE for line in listed.stdout.splitlines()):
            return
        created = self.run("createdb", *where, "--template=template0", _DATABASE)
        if listed.returncode or created.returncode:
            problem = (listed.stderr + created.stderr).strip()
            raise LocalPostgisError(f"The database cannot be created: {problem}")

    def _start(self, deadline: float) -> None:
        sockets = self._make_socket_folder()
        # PostgreSQL trusts a number in a lock file if any process has it, as strangers may by now.
        # It still refuses to start beside children of a killed server, by their shared memory.
        for stale in (self.data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        options = ["-D", str(self.data)]  # is_alive() looks for it
        for name, value in self.settings.items():
            options += ["-c", f"{name}={value}"]
        options += ["-c", f'unix_socket_directories="{sockets}"']
        how = ["--silent", f"--timeout={_PATIENCE}", f"--log={self.log.name}"]
        # The folders are not given to pg_ctl as options, for it hands those to a shell unquoted.
        started = self.run("pg_ctl", "start", *how, "--options", shlex.join(options))
        dying = "shared memory block" in self._end_of_log()  # children of a server killed just now
        if started.returncode and not (dying and time.monotonic() < deadline):
            problem = f"PostgreSQL does not start: {started.stderr.strip()}"
            raise LocalPostgisError(problem + self._end_of_log())

    def _accepts(self) -> bool:
        folder = self._running_socket_folder()
        return not self.run("pg_isready", "--host", folder, "--port", str(_PORT)).returncode

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
            folder = _SHORT_FOLDER / f"district-control-{self.user.pw_uid}-{_hash(self.folder)}"
        _make_private(folder, self.user)
        return folder

    def _end_of_log(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join([f" The end of {self.log}:", *lines[-15:]])


def _private_server(home: Path) -> _Server:
    folder = _folder_for(home)
    user = _server_user(folder)
    _make_private(folder, user)
    version = folder / "data" / "PG_VERSION"
    major = int(version.read_text()) if version.exists() else None
    return _Server(_required_programs(major), folder, user)


def _folder_for(home: Path) -> Path:
    """Return the folder that `home/postgis` is or links to; make the link where one is needed."""
    home.mkdir(parents=True, exist_ok=True)
    place = home / "postgis"
    if not place.is_symlink() and not _can_enter(_server_user(place), home):
        if place.exists():
            user = _server_user(place).pw_name
            raise LocalPostgisError(f"User {user} cannot enter {place}: open the folders above it.")
        with suppress(FileExistsError):  # another start was faster and linked to the same
            place.symlink_to(_ELSEWHERE / _hash(place))
    if place.is_symlink():
        place.resolve().parent.mkdir(parents=True, exist_ok=True)
    return place.resolve()


def _server_user(folder: Path) -> pwd.struct_passwd:
    """Return who runs the server: this user, or for root the folder's owner, else `postgres`."""
    uid = os.geteuid()
    if uid == 0 and folder.exists():
        uid = folder.stat().st_uid
    for user in [uid] if uid else ["postgres", "nobody"]:
        with suppress(KeyError):
            return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    raise LocalPostgisError(
        f"User id {uid} has no name on this machine, and PostgreSQL needs one. {_GIVE_INSTEAD}"
    )


def _can_enter(user: pwd.struct_passwd, folder: Path) -> bool:
    """Ask the kernel, as that user: modes alone do not tell of access lists."""
    command = ["/bin/sh", "-c", 'cd "$1" 2>/dev/null', "sh", str(folder)]
    how = _as_user(user)
    return not subprocess.run(command, **how, cwd="/", check=False).returncode  # noqa: S603


def _make_private(folder: Path, user: pwd.struct_passwd) -> None:
    """Make the folder, mode 0700 and this user's; refuse one that is a link or someone else's."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if os.geteuid() == 0 and found.st_uid == 0 and not folder.is_symlink():
        os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    elif found.st_uid != user.pw_uid or folder.is_symlink():
        raise LocalPostgisError(
            f"{folder} belongs to user id {found.st_uid}, not to {user.pw_name}: "
            "start as that user, or remove it."
        )
    folder.chmod(0o700)


def _hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


@contextmanager
def _used(server: _Server) -> Iterator[None]:
    """Hold the server running; `starting.lock` is held only while it starts, stops or is joined."""
    with ExitStack() as stack:
        starting = stack.enter_context(_lock_file(server, "starting.lock"))
        users = stack.enter_context(_lock_file(server, "users.lock"))
        fcntl.flock(starting, fcntl.LOCK_EX)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            server.initialise("--data-checksums")
            server.ensure_running()
            server.create_database()
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield
        finally:
            with _signals_wait():
                fcntl.flock(starting, fcntl.LOCK_EX)
                with suppress(BlockingIOError):  # others use it: the last of them stops it
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if server.is_alive():
                        server.stop()


@contextmanager
def _lock_file(server: _Server, name: str) -> Iterator[int]:
    descriptor = os.open(server.folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if os.geteuid() == 0:  # else the server's user could never start it alone
            os.fchown(descriptor, server.user.pw_uid, server.user.pw_gid)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _throwaway_server() -> Iterator[_Server]:
    user = _server_user(Path("/"))
    parent = Path(tempfile.gettempdir())
    parent = parent if _can_enter(user, parent) else _SHORT_FOLDER
    folder = Path(tempfile.mkdtemp(prefix="district-control-", dir=parent)).resolve()
    try:
        _make_private(folder, user)
        server = _Server(_required_programs(None), folder, user, _SETTINGS | _FORGETFUL)
        server.initialise("--no-sync")
        with _watchdog(server):
            server.ensure_running()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _watchdog(server: _Server) -> Iterator[None]:
    """Stop the server and delete its folder when the block ends or this process does."""
    script = 'read -r _; "$1/pg_ctl" stop --silent --mode immediate; rm -rf "$2"'
    watchdog = subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", script, "sh", server.programs, server.folder],
        **_as_user(server.user),
        cwd="/",
        env=_plain_environment() | {"PGDATA": str(server.data)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with watchdog:  # leaving it closes the pipe, which ends `read`, and waits
        yield


def _as_user(user: pwd.struct_passwd) -> dict[str, Any]:
    """Return subprocess's arguments that run a command as this user, with none of root's groups."""
    closed = {"umask": 0o077}
    if os.geteuid() != 0:
        return closed
    return closed | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _plain_environment() -> dict[str, str]:
    """Return an environment without the caller's PostgreSQL variables and without its secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


@contextmanager
def _libpq_variables_hidden() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Turn the signals that would end this process at once into SystemExit; leave handled ones.

    A closed terminal counts as SIGTERM, which a web server in the block handles more gracefully
    than an exception out of nowhere.
    """
    handlers = {signal.SIGTERM: _leave, signal.SIGHUP: _terminate}
    caught = [number for number in handlers if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        caught = []
    for number in caught:
        signal.signal(number, handlers[number])
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Put off a second Ctrl-C, so that it cannot leave the server behind half stopped."""
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main(arguments: Sequence[str]) -> int:
    """Run `check`: print the programs' folder, or say what to do and return 1."""
    if list(arguments) != ["check"]:
        sys.stderr.write("usage: python -m app.local_postgis check\n")
        return 2
    try:
        sys.stdout.write(f"{_required_programs(None)}\n")
    except LocalPostgisError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
