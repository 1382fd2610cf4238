"""The command `python -m bench.service`: measures, prints tables, writes JSON."""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import structlog
from rich.console import Console
from sqlalchemy import text

import bench.service
from app.cli.common import progress_bar, stepping
from app.local_postgis import find_postgis, throwaway_postgis
from app.local_postgis.processes import signals_unwind
from app.seeding import seed
from app.settings import PROJECT
from app.store.engine import make_engine
from app.store.schema import migrate
from bench.service import asking, results, statements, table
from bench.service.about import about
from bench.service.cases import CASES, Case, Numbers
from bench.service.measuring import PEERS, Bench, Options
from bench.service.parties import PEERS_PYTHON, Parties, all_running


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=bench.service.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=1, help="processes of each party")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="length of one run")
    parser.add_argument("--clients", type=int, default=8, help="connections, all kept alive")
    parser.add_argument("--quick", action="store_true", help="one round of short runs")
    parser.add_argument("--json", type=Path, default=PROJECT / ".local" / "bench.json")
    given = parser.parse_args()
    options = Options(
        given.workers,
        1 if given.quick else given.rounds,
        1 if given.quick else given.seconds,
        given.clients,
        warming=not given.quick,
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for logger in ("httpx2", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    pgbench = _programs()
    with signals_unwind(), throwaway_postgis() as url, tempfile.TemporaryDirectory() as folder:
        told = run(url, Path(folder), pgbench, options)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def run(url: str, folder: Path, pgbench: Path, options: Options) -> dict[str, object]:
    """Measure on an empty PostGIS, print what was found, and return it for a program."""
    load_before = os.getloadavg()[0]
    _prepare(url)
    numbers = Numbers()
    scripts = statements.record(url, CASES, numbers)
    with all_running(url, folder, options.workers) as parties, progress_bar() as bar:
        _settle(url)
        sizes = {case.key: _sizes(parties, case) for case in CASES}
        temperatures: dict[str, bool | None] = {}
        whole = Bench(url, folder, pgbench, parties, scripts, numbers, options, temperatures)
        runs = whole.measure(stepping(bar))
    found = results.medians(runs)
    table.show(_console(), found, sizes, results.verdicts(found))
    seen = {name: "unknown" if one is None else "checked" for name, one in temperatures.items()}
    told = about(url, pgbench, options, load_before) | {"kept_or_not": seen}
    return results.as_json(found, runs, sizes, told)


def _programs() -> Path:
    """pgbench; SystemExit where a program that the bench needs is not installed."""
    folder = find_postgis()
    pgbench = folder / "pgbench" if folder else None
    if pgbench is None or not pgbench.exists() or not shutil.which("wrk"):
        raise SystemExit("wrk, or PostgreSQL with PostGIS and pgbench, is not installed")
    if not PEERS_PYTHON.exists():
        raise SystemExit("the peers are not installed: `make bench` installs them")
    return pgbench


def _prepare(url: str) -> None:
    """The schema and the seeds, as `district-control serve` loads them, and no JIT for anybody.

    The service switches it off for itself; the peers' answers would only be later with it.
    """
    engine = make_engine(url)
    migrate(engine)
    seed(engine, PROJECT / "seeds")
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE postgres SET jit = off"))
        connection.execute(text("ALTER DATABASE postgres SET random_page_cost = 1.1"))
    engine.dispose()


def _settle(url: str) -> None:
    """Have the planner know the tables, which otherwise happens at some time within a minute."""
    engine = make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def _sizes(parties: Parties, case: Case) -> dict[str, dict[str, int | None]]:
    """Sizes of a case's answers, by party."""
    paths = {"service": case.path} | {peer: getattr(case, peer) for peer in PEERS}
    return {
        party: asking.sizes(parties.ports[party], path) for party, path in paths.items() if path
    }


def _console() -> Console:
    """Where it is no terminal, tables have the width that they need."""
    return Console() if sys.stdout.isatty() else Console(width=120)


if __name__ == "__main__":
    main()
