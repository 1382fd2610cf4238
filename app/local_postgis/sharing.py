"""Who starts and who stops a server: a checkout's, which is shared, and a throwaway one.

Every user of a checkout's server holds a shared lock on `users.lock` in its folder; the last to let
go stops the server. The kernel drops the lock of a killed user, so an orphaned server is found,
used and stopped by the next one.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.local_postgis.cluster import DATABASE, SETTINGS, Server, major_of
from app.local_postgis.folders import SHORT_FOLDER, can_enter, folder_for, make_private, server_user
from app.local_postgis.processes import (
    as_user,
    libpq_variables_hidden,
    plain_environment,
    signals_unwind,
    signals_wait,
)
from app.local_postgis.programs import LocalPostgisError, required_programs

_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


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
        stack.enter_context(signals_unwind())
        stack.enter_context(libpq_variables_hidden())
        try:
            server = _private_server(home.absolute())
            stack.enter_context(_used(server))
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalPostgisError(f"The PostGIS under {home} cannot be used: {error}") from error
        yield server.url(DATABASE)


@contextmanager
def throwaway_postgis() -> Iterator[str]:
    """Start a new cluster in a temporary folder and yield an SQLAlchemy URL to `postgres` in it.

    It is fast rather than durable. It is stopped and deleted on leaving, and also when this
    process is killed: a watchdog, at the other end of a pipe, outlives it. Raises
    LocalPostgisError.
    """
    with ExitStack() as stack:
        stack.enter_context(libpq_variables_hidden())
        try:
            server = stack.enter_context(_throwaway_server())
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalPostgisError(f"A throwaway PostGIS cannot be started: {error}") from error
        yield server.url("postgres")


def _private_server(home: Path) -> Server:
    folder = folder_for(home)
    user = server_user(folder)
    make_private(folder, user)
    return Server(required_programs(major_of(folder)), folder, user)


@contextmanager
def _used(server: Server) -> Iterator[None]:
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
            with signals_wait():
                fcntl.flock(starting, fcntl.LOCK_EX)
                with suppress(BlockingIOError):  # others use it: the last of them stops it
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if server.is_alive():
                        server.stop()


@contextmanager
def _lock_file(server: Server, name: str) -> Iterator[int]:
    descriptor = os.open(server.folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if os.geteuid() == 0:  # else the server's user could never start it alone
            os.fchown(descriptor, server.user.pw_uid, server.user.pw_gid)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _throwaway_server() -> Iterator[Server]:
    user = server_user(Path("/"))
    parent = Path(tempfile.gettempdir())
    parent = parent if can_enter(user, parent) else SHORT_FOLDER
    folder = Path(tempfile.mkdtemp(prefix="district-control-", dir=parent)).resolve()
    try:
        make_private(folder, user)
        server = Server(required_programs(None), folder, user, SETTINGS | _FORGETFUL)
        server.initialise("--no-sync")
        with watchdog(server):
            server.ensure_running()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def watchdog(server: Server) -> Iterator[None]:
    """Stop the server and delete its folder when the block ends or this process does."""
    script = 'read -r _; "$1/pg_ctl" stop --silent --mode immediate; rm -rf "$2"'
    watchdog = subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", script, "sh", server.programs, server.folder],
        **as_user(server.user),
        cwd="/",
        env=plain_environment() | {"PGDATA": str(server.data)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with watchdog:  # leaving it closes the pipe, which ends `read`, and waits
        yield
