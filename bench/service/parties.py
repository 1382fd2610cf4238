"""The processes that are asked: the service, the bare application, the peers. All on 127.0.0.1."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.settings import PROJECT
from bench.service import peers
from bench.service.asking import ask, warm
from bench.service.cases import CASES
from bench.service.floor import Answers
from tests.services import free_port, serving

PEERS_PYTHON = PROJECT / ".local" / "bench-venv" / "bin" / "python"
"""The interpreter that has the packages of requirements-bench.txt."""

_PATIENCE = 90


@dataclass(frozen=True)
class Parties:
    """The port of each party that was started."""

    ports: dict[str, int]

    @property
    def service(self) -> int:
        """The service's port."""
        return self.ports["service"]


@contextmanager
def all_running(url: str, folder: Path, workers: int) -> Iterator[Parties]:
    """The service and all that it is compared with, on one database, until the block ends."""
    with ExitStack() as stack:
        running = stack.enter_context(
            serving(url, folder / "service.log", workers=workers, LOG_LEVEL="INFO", CACHE_MB="128")
        )
        service = int(running.url.rpartition(":")[2])
        peers.make_table(url, service)
        ports = {"service": service}
        for name, start in (("floor", _floor), ("tipg", _tipg), ("pygeoapi", _pygeoapi)):
            ports[name] = stack.enter_context(start(url, folder, workers, service))
        yield Parties(ports)


@contextmanager
def _floor(_url: str, folder: Path, workers: int, service: int) -> Iterator[int]:
    answers: Answers = {}
    for case in CASES:
        warm(service, case.path, workers)
        path, _, query = case.path.partition("?")
        answers[path.encode() + query.encode()] = ask(service, case.path).for_floor()
    file = folder / "answers"
    file.write_bytes(pickle.dumps(answers))
    port = free_port()
    command = [sys.executable, "-m", "bench.service.floor", str(port), str(workers), str(file)]
    with _running(command, port, folder / "floor.log", {}, CASES[0].path):
        yield port


@contextmanager
def _tipg(url: str, folder: Path, workers: int, _service: int) -> Iterator[int]:
    port = free_port()
    command = _uvicorn("tipg.main:app", port, workers)
    with _running(command, port, folder / "tipg.log", peers.tipg_settings(url), "/healthz"):
        yield port


@contextmanager
def _pygeoapi(url: str, folder: Path, workers: int, _service: int) -> Iterator[int]:
    port = free_port()
    config, openapi = folder / "pygeoapi.yml", folder / "openapi.json"
    peers.write_pygeoapi_config(url, port, config)
    told = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    made = subprocess.run(  # noqa: S603
        [
            str(PEERS_PYTHON.with_name("pygeoapi")),
            *("openapi", "generate", str(config), "--format=json", f"--output-file={openapi}"),
        ],
        env=_environment(told),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode or not openapi.exists():
        raise RuntimeError(f"pygeoapi cannot be configured:\n{made.stdout}{made.stderr}")
    command = _uvicorn("pygeoapi.starlette_app:APP", port, workers)
    with _running(command, port, folder / "pygeoapi.log", told, "/conformance?f=json"):
        yield port


def _uvicorn(application: str, port: int, workers: int) -> list[str]:
    """A peer behind the server that the service has, with the same loop and parser of HTTP."""
    quiet = ["--no-access-log", "--no-server-header", "--log-level=warning"]
    where = [f"--port={port}", f"--workers={workers}"]
    return [str(PEERS_PYTHON), "-m", "uvicorn", application, *where, *quiet]


def _environment(told: dict[str, str]) -> dict[str, str]:
    return os.environ | told


@contextmanager
def _running(
    command: Sequence[str], port: int, log: Path, told: dict[str, str], ready: str
) -> Iterator[None]:
    """A command that serves, until the block ends: it and whatever it started."""
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=PROJECT if command[0] == sys.executable else log.parent,
            env=_environment(told),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _wait(process, port, log, ready)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, ready: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            ask(port, ready)
            return
        except (OSError, LookupError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{log.stem} does not serve:\n{log.read_text()}") from None
            time.sleep(0.1)
