"""What each read costs at four sizes of the gazetteer and the record, side by side.

Usage: python -m bench.scale [--events 20000 5000000] [--districts 400 50000] [--rounds 7]
                             [--only WORD] [--json FILE] [--plans FOLDER]

On a PostGIS of its own: loads a generated record of each number of events, once; told of more
districts, it is dealt out anew. Then asks every kind of question through the application in this
process, without its cache, and explains how PostgreSQL finds the answers. `--only` asks those whose
name has the word in it. What was measured is written after each size: a run that is cut short keeps
the sizes that it has done.
"""

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.local_postgis import throwaway_postgis
from app.store.engine import make_engine
from app.store.schema import migrate
from bench.scale.load import load, split
from bench.scale.measure import measure, sizes
from bench.scale.record import Size
from bench.scale.world import World


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[20_000, 5_000_000])
    parser.add_argument("--districts", type=int, nargs="+", default=[400, 50_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plans", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found: dict[str, Any] = {}
    with throwaway_postgis() as url:
        _make_room(url)
        for events in given.events:
            for districts in given.districts:
                size = Size(districts, events)
                _tell(f"{_called(size)}: loading")
                _prepare(url, size, given.districts[0])
                _tell(f"{_called(size)}: asking")
                engine = make_engine(_named(url, _database(size)))
                figures, plans = measure(engine, World(districts), given.rounds, given.only)
                found[_called(size)] = {"reads": figures, "database": sizes(engine, events)}
                engine.dispose()
                if given.plans:
                    _keep(given.plans, _called(size), plans)
                if given.json:
                    given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(_table(found))


def _tell(progress: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {progress}\n")


def _make_room(url: str) -> None:
    """The server must not stop to write all it has while gigabytes come in."""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET max_wal_size = '16GB'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.dispose()


def _prepare(url: str, size: Size, first: int) -> None:
    """Make the database of this size: loaded, or made of the one with the fewest districts."""
    small = Size(first, size.events)
    template = f" TEMPLATE {_database(small)}" if size != small else ""
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {_database(size)}{template}"))
    server.dispose()
    target = _named(url, _database(size))
    if template:
        split(target, size, first)
        return
    engine = make_engine(target)
    migrate(engine)
    engine.dispose()
    load(target, size)


def _database(size: Size) -> str:
    return f"scale_{size.districts}_{size.events}"


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _called(size: Size) -> str:
    return f"{size.districts:,} districts, {size.events:,} events"


def plan_file(read: str, size: str) -> str:
    """The name of the file with the plans of a read, at its clocks and at a size."""
    return f"{read} ({size}).txt".replace(", ", "-").replace(" ", "-").replace("/", "-of-")


def _keep(folder: Path, size: str, plans: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for read, plan in plans.items():
        (folder / plan_file(read, size)).write_text(plan + "\n", encoding="utf-8")


def _table(found: dict[str, Any]) -> str:
    """Each read at each size: milliseconds (median), of those in the database, blocks touched."""
    lines = [f"{'':<36}" + "".join(f"{name:>34}" for name in found)]
    first = next(iter(found.values()))["reads"]
    for read, by_clock in first.items():
        for clock in by_clock:
            cells = [one["reads"][read][clock] for one in found.values()]
            lines.append(
                f"{f'{read}, {clock}':<36}"
                + "".join(
                    f"{cell['median_ms']:>14.1f}{cell['in_database_ms']:>10.1f}{cell['blocks']:>10.0f}"
                    for cell in cells
                )
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
