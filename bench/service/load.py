"""Load: wrk asks the parties, pgbench the database; both end by themselves."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.service.cases import Case

COLD = Path(__file__).with_name("cold.lua")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}


class LoadError(Exception):
    """A load did not run, or was not answered as it should have been."""


@dataclass(frozen=True)
class Run:
    """What one run found: answers in a second, and milliseconds that an answer took.

    pgbench tells the mean only, so its percentiles are None.
    """

    rate: float
    p50: float | None
    p99: float | None


def fixed(port: int, path: str, clients: int, seconds: int) -> Run:
    """Ask one address of a party again and again."""
    return _wrk(clients, seconds, [f"http://127.0.0.1:{port}{path}"])


def cold(port: int, case: Case, number: int, clients: int, seconds: int) -> Run:
    """Ask about a moment with each request that nobody asked about, from this number on."""
    before, after = case.cold.split("{}")
    day, count = case.days
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    told = [before, after, str(first), str(count), str(number)]
    where = [f"--script={COLD}", f"http://127.0.0.1:{port}", "--", *told]
    return _wrk(clients, seconds, where)


def _wrk(clients: int, seconds: int, where: Sequence[str]) -> Run:
    # One thread of it: the machine's other cores are for those who answer.
    how = [
        "--threads=1",
        f"--connections={clients}",
        f"--duration={seconds}s",
        "--latency",
        "--timeout=30s",
    ]
    return read_wrk(_output(["wrk", *how, *where], seconds))


def read_wrk(output: str) -> Run:
    """Read what wrk printed; LoadError where anything but 2xx and 3xx was answered."""
    for wrong in ("Non-2xx or 3xx responses", "Socket errors"):
        if wrong in output:
            raise LoadError(f"wrk was not answered as it should be:\n{output}")
    rate = re.search(r"^Requests/sec:\s*([\d.]+)", output, re.MULTILINE)
    if rate is None or not float(rate[1]):
        raise LoadError(f"wrk was not answered:\n{output}")
    return Run(float(rate[1]), _percentile(output, 50), _percentile(output, 99))


def _percentile(output: str, percent: int) -> float:
    found = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s|m|h)\s*$", output, re.MULTILINE)
    if found is None:
        raise LoadError(f"wrk did not say how long answers took:\n{output}")
    return float(found[1]) * _UNITS[found[2]]


def read_pgbench(output: str) -> Run:
    """Read what pgbench printed; LoadError where a transaction failed."""
    rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
    if rate is None or (failed and failed[1] != "0"):
        raise LoadError(f"pgbench failed:\n{output}")
    return Run(float(rate[1]), None, None)


def pgbench(command: Sequence[str], environment: dict[str, str], seconds: int) -> Run:
    """Run a command that `statements.Script` made, on one connection."""
    how = ["--client=1", "--jobs=1", f"--time={seconds}"]
    return read_pgbench(_output([command[0], *how, *command[1:]], seconds, environment))


def _output(command: list[str], seconds: int, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(  # noqa: S603
        command,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    if done.returncode:
        raise LoadError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout
