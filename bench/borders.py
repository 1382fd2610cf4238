"""What front lines and encirclement cost at one date after another, beside `/control`.

Usage: python -m bench.borders [--rounds 3] [--json FILE]

On a PostGIS of its own with the seeds: asks for each day of the summer of 2021 in turn, as a slider
would, through the application in this process. Beside it: the same borders computed from the shapes
by PostGIS, which is what no request does.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import structlog
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.api.app import create_app
from app.boundaries.deriving import derive
from app.local_postgis import throwaway_postgis
from app.seeding import seed
from app.settings import PROJECT, Settings
from app.store.engine import Engine, make_engine, writing
from app.store.schema import migrate

DAYS = [date(2021, 6, 1) + timedelta(days=number) for number in range(76)]
ADDRESSES = {
    "/control": "/control?as_of={day}",
    "/control, GeoJSON": "/control?f=geojson&as_of={day}",
    "/frontline": "/frontline?as_of={day}",
    "/frontline, all kinds": "/frontline?kinds=front,contested,unknown&as_of={day}",
    "/encirclement": "/encirclement?as_of={day}",
}
FROM_SCRATCH = text("""
    SELECT sum(ST_Length(ST_CollectionExtract(ST_Intersection(a.geom, b.geom), 2)::geography))
    FROM district_shapes AS a
    JOIN district_shapes AS b
      ON a.boundary_set_id = b.boundary_set_id AND a.district_id < b.district_id
     AND ST_Intersects(a.geom, b.geom)
    WHERE a.boundary_set_id = 'af-voronoi'
""")


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with throwaway_postgis() as url:
        engine = make_engine(url)
        migrate(engine)
        seed(engine, PROJECT / "seeds")
        figures = measure(engine, given.rounds)
        engine.dispose()
    for name, figure in figures.items():
        sys.stdout.write(f"{name:<45}{figure:>10,.2f}\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(engine: Engine, rounds: int) -> dict[str, float]:
    """Medians over all days and rounds; the addresses take turns."""
    settings = Settings(_env_file=None, rate_limit_reads="off")
    client = TestClient(create_app(settings, engine))
    taken: dict[str, list[float]] = {name: [] for name in ADDRESSES}
    for _ in range(rounds):
        for day in DAYS:
            for name, address in ADDRESSES.items():
                taken[name].append(timed(partial(client.get, address.format(day=day))))
    medians = {name: statistics.median(times) * 1000 for name, times in taken.items()}
    with engine.connect() as connection:
        anew = timed(lambda: connection.execute(FROM_SCRATCH).one())
    with writing(engine) as connection:
        derived = timed(lambda: derive(connection, "af-voronoi"))
    return {
        **{f"{name}, ms": median for name, median in medians.items()},
        **{f"{name} : /control": median / medians["/control"] for name, median in medians.items()},
        "all borders from the shapes by PostGIS, ms": anew * 1000,
        "deriving the set once, ms": derived * 1000,
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time that something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
