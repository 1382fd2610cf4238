"""What a vector tile costs, drawn and kept, at each zoom, and how large tiles are.

Usage: python -m bench.tiles [--shapes FILE] [--rounds 3] [--json FILE]

On a PostGIS of its own with the seeds: asks for the tiles that lie in the country, through the
application in this process, without its cache, with it, and as a client that has them (304). Beside
them: the whole country as GeoJSON, which is what a map would load otherwise. With `--shapes` (any
file of polygons in WGS 84) districts are drawn with the polygon that their point lies in: real
borders have more vertices than the seeds'.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyogrio.raw
import structlog
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from app.api.app import create_app
from app.boundaries.deriving import derive
from app.local_postgis import throwaway_postgis
from app.seeding import seed
from app.settings import PROJECT, Settings
from app.store.engine import Engine, make_engine, writing
from app.store.schema import migrate
from app.store.tiles import MAX_ZOOM

MOMENT = "as_of=2021-08-10"
MOST = 24
"""Tiles of one zoom that are timed; all are weighed down to zoom WEIGHED."""
WEIGHED = 9
_REDRAW = text("""
    INSERT INTO district_shapes (boundary_set_id, district_id, geom)
    SELECT DISTINCT ON (place) 'af-voronoi', districts.id, shape.geom
    FROM unnest(CAST(:shapes AS bytea[])) WITH ORDINALITY AS given (wkb, place)
    CROSS JOIN LATERAL (SELECT ST_Multi(ST_CollectionExtract(
        ST_MakeValid(ST_Force2D(ST_GeomFromWKB(given.wkb, 4326))), 3)) AS geom) AS shape
    JOIN districts ON ST_Covers(shape.geom, districts.point)
    ORDER BY place, districts.id
""")


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with throwaway_postgis() as url:
        engine = make_engine(url)
        migrate(engine)
        seed(engine, PROJECT / "seeds")
        if given.shapes:
            redraw(engine, given.shapes)
        figures = measure(engine, given.rounds)
        engine.dispose()
    for name, figure in figures.items():
        sys.stdout.write(f"{name:<45}{figure:>12,.2f}\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def redraw(engine: Engine, file: Path) -> None:
    """Draw the districts with the polygons of a file, and derive their borders again."""
    _, _, shapes, _ = pyogrio.raw.read(file, columns=[])
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM district_shapes"))
        drawn = connection.execute(_REDRAW, {"shapes": [bytes(wkb) for wkb in shapes]}).rowcount
        derive(connection, "af-voronoi")
    sys.stdout.write(f"{drawn} districts drawn with the polygons of {file.name}\n")


def measure(engine: Engine, rounds: int) -> dict[str, float]:
    """Medians for each zoom, and the largest tile of all."""
    without, keeping = (
        TestClient(create_app(Settings(_env_file=None, rate_limit_reads="off", **cache), engine))
        for cache in ({"cache_mb": 0}, {"cache_mb": 1024})
    )
    sizes = {tile: len(answer.content) for tile, answer in inside(without)}
    whole = f"/control?f=geojson&{MOMENT}"
    figures = {
        "/control, GeoJSON, ms": median(without, [whole] * rounds * 3),
        "/control, GeoJSON, kB": len(without.get(whole).content) / 1000,
        "largest tile, kB": max(sizes.values()) / 1000,
        "tiles weighed": len(sizes),
    }
    for zoom in (0, 3, 5, 6, 8, WEIGHED):
        addresses = [address(*tile) for tile in sorted(sizes) if tile[0] == zoom][:MOST] * rounds
        for path in addresses:
            keeping.get(path)
        drawn, kept = median(without, addresses), median(keeping, addresses)
        tags = {path: keeping.get(path).headers["etag"] for path in set(addresses)}
        figures |= {
            f"zoom {zoom}, largest, kB": max(s for t, s in sizes.items() if t[0] == zoom) / 1000,
            f"zoom {zoom}, drawn, ms": drawn,
            f"zoom {zoom}, kept, ms": kept,
            f"zoom {zoom}, 304, ms": median(keeping, addresses, tags),
            f"zoom {zoom}, drawn : kept": drawn / kept,
            f"zoom {zoom}, drawn : /control GeoJSON": drawn / figures["/control, GeoJSON, ms"],
        }
    return figures


def inside(client: TestClient) -> Iterator[tuple[tuple[int, int, int], Response]]:
    """Every tile that has something in it, down to zoom WEIGHED."""
    ahead = [(0, 0, 0)]
    while ahead:
        z, x, y = ahead.pop()
        answer = client.get(address(z, x, y))
        if answer.status_code == 200:
            yield (z, x, y), answer
            if z < min(WEIGHED, MAX_ZOOM):
                ahead += [(z + 1, 2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]


def address(z: int, x: int, y: int) -> str:
    """The address of a tile at the moment that is measured."""
    return f"/tiles/{z}/{x}/{y}.mvt?{MOMENT}"


def median(
    client: TestClient, addresses: Iterable[str], tags: dict[str, str] | None = None
) -> float:
    """Milliseconds that an answer takes; with `tags`, for a client that has it already."""
    taken = []
    for path in addresses:
        headers = {"If-None-Match": tags[path]} if tags else {}
        started = time.perf_counter()
        answer = client.get(path, headers=headers)
        taken.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == (304 if tags else 200), answer.status_code  # noqa: S101
    return statistics.median(taken)


if __name__ == "__main__":
    main()
