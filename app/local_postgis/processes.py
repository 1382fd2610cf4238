"""As whom and with which environment a process is run, and what signals do to this one."""

import os
import pwd
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def as_user(user: pwd.struct_passwd) -> dict[str, Any]:
    """Return subprocess's arguments that run a command as this user, with none of root's groups."""
    closed = {"umask": 0o077}
    if os.geteuid() != 0:
        return closed
    return closed | {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def plain_environment() -> dict[str, str]:
    """Return an environment without the caller's PostgreSQL variables and without its secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


@contextmanager
def libpq_variables_hidden() -> Iterator[None]:
    """Take the caller's PostgreSQL variables out of this process's environment for the block."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def signals_unwind() -> Iterator[None]:
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
def signals_wait() -> Iterator[None]:
    """Put off a second Ctrl-C, so that it cannot leave the server behind half stopped."""
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
