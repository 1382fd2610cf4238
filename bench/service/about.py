"""What a result was found with: versions of all parties, and the machine in numbers."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import text

from app.store.engine import make_engine
from bench.service.measuring import Options
from bench.service.parties import PEERS_PYTHON

_OURS = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "psycopg", "sqlalchemy")
_PEERS = ("tipg", "pygeoapi", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "asyncpg")


def about(url: str, pgbench: Path, options: Options, load_before: float) -> dict[str, object]:
    """Everything but the figures."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "load_before": round(load_before, 2),
        },
        "options": {
            "workers": options.workers,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "clients": options.clients,
            "rate_limits": "off",
        },
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in _OURS},
            **_database(url),
            "wrk": _first_words("wrk", "--version"),
            "pgbench": _first_words(str(pgbench), "--version"),
        },
        "versions_of_peers": _of_peers(),
    }


def _version(package: str) -> str:
    """The version of a package; uvicorn does without some of them, and a result should say so."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _database(url: str) -> dict[str, str]:
    engine = make_engine(url)
    with engine.connect() as connection:
        told = connection.execute(
            text("SELECT current_setting('server_version'), PostGIS_Lib_Version()")
        ).one()
    engine.dispose()
    return {"postgresql": told[0], "postgis": told[1]}


def _of_peers() -> dict[str, str]:
    ask = (
        f"from importlib.metadata import version\nfor name in {_PEERS}: print(name, version(name))"
    )
    told = _output(str(PEERS_PYTHON), "-c", ask)
    return dict(line.split() for line in told.splitlines())


def _first_words(*command: str) -> str:
    """What a program calls itself: `wrk` adds its copyright, and ends with a status of 1."""
    return " ".join(_output(*command).split("\n")[0].split("[")[0].split()[:4])


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout or done.stderr
