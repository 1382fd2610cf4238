"""Provinces of which a set lacks districts: their outline is whole, or there is none.

Asked of both readers of outlines: features of `/ogc`, and the layer `provinces` of tiles.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.geometry import shape
from sqlalchemy import Engine, text

from tests.boundaries.commands import Done, Drawn, told

BAMYAN = "AF10"
LACKING = "AF1007"
"""Waras, at the edge of Bamyan."""
ZOOMS = (4, 12)

MakeClient = Callable[[Engine], TestClient]


@pytest.fixture
def lacking(drawn: Drawn) -> Drawn:
    """Bamyan's districts but for one."""
    kept = [i for i, district in enumerate(drawn.ids) if district != LACKING]
    return Drawn(*([values[i] for i in kept] for values in (drawn.ids, drawn.names, drawn.shapes)))


def outline_of(engine: Engine, boundary_set: str = "af-voronoi") -> Any:
    """Bamyan as a set outlines it; None if it does not."""
    with engine.connect() as connection:
        wkb = connection.execute(
            text(
                "SELECT ST_AsBinary(geom) FROM province_shapes"
                " WHERE province_id = 'AF10' AND boundary_set_id = :of"
            ),
            {"of": boundary_set},
        ).scalar_one_or_none()
    return wkb and shapely.from_wkb(bytes(wkb))


def in_features(client: TestClient) -> Any:
    """Bamyan's outline in `/ogc`, in degrees; None where it has none."""
    answer = client.get(f"/ogc/collections/provinces/items/{BAMYAN}?boundary_set=trial")
    assert answer.status_code == 200
    geometry = answer.json()["geometry"]
    return geometry and shape(geometry)


def tile_at(zoom: int, point: Any) -> tuple[int, int]:
    """Column and row of the tile with a point in degrees."""
    latitude = np.radians(point.y)
    row = 0.5 - np.arcsinh(np.tan(latitude)) / (2 * np.pi)
    return int((point.x + 180) / 360 * 2**zoom), int(row * 2**zoom)


def in_tiles(client: TestClient, zoom: int, *points: Any) -> list[set[str]]:
    """The layers in the tile at each point that speak of Bamyan or its districts."""
    found = []
    for point in points:
        x, y = tile_at(zoom, point)
        answer = client.get(f"/tiles/{zoom}/{x}/{y}.mvt?boundary_set=trial")
        assert answer.status_code in (200, 204)
        layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
        found.append(
            {
                layer
                for layer, content in layers.items()
                for feature in content["features"]
                if feature["properties"]["id"].startswith(BAMYAN)
            }
        )
    return found


def test_what_is_left_of_a_province_is_not_its_outline(
    own_seeded: Engine,
    make_client: MakeClient,
    lacking: Drawn,
    load: Callable[..., Done],
    run: Callable[..., Done],
    tmp_path: Path,
) -> None:
    done = load(lacking.write(tmp_path / "f.gpkg"))
    assert done.code == 0, told(done)
    inside = shapely.point_on_surface(lacking.shapes[0])
    for _ in range(2):
        client = make_client(own_seeded)  # tiles that another one drew before are kept by it
        assert in_features(client) is None
        for zoom in ZOOMS:
            assert in_tiles(client, zoom, inside)[0] >= {"districts"}
            assert "provinces" not in in_tiles(client, zoom, inside)[0]
        assert run("rebuild").code == 0
    assert outline_of(own_seeded, "trial") is None


def test_an_outline_of_its_own_is_drawn_whole(
    own_seeded: Engine,
    make_client: MakeClient,
    lacking: Drawn,
    load: Callable[..., Done],
    run: Callable[..., Done],
    tmp_path: Path,
) -> None:
    whole = outline_of(own_seeded)
    outlines = Drawn([BAMYAN], ["Bamyan"], [whole]).write(tmp_path / "p.gpkg")
    done = load(lacking.write(tmp_path / "f.gpkg"), "--provinces", outlines)
    assert done.code == 0, told(done)
    here = shapely.point_on_surface(lacking.shapes[0])
    there = shapely.point_on_surface(shapely.difference(whole, shapely.union_all(lacking.shapes)))
    for _ in range(2):
        client = make_client(own_seeded)  # tiles that another one drew before are kept by it
        assert shapely.symmetric_difference(in_features(client), whole).area < 0.001
        near, far = in_tiles(client, 12, here, there)
        assert near >= {"districts", "provinces"}
        assert far == {"provinces"}
        west, south, east, north = client.get("/tiles.json?boundary_set=trial").json()["bounds"]
        assert shapely.covers(shapely.box(west, south, east, north), whole)
        assert drawn_area(own_seeded) == pytest.approx(area(whole), rel=0.001)
        assert run("rebuild").code == 0


def test_fewer_districts_than_there_are_may_fill_a_province(
    own_seeded: Engine, lacking: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    """As in the seeds' Uruzgan: the outline is that of its districts, vertex by vertex."""
    filled = shapely.union_all(lacking.shapes)
    outlines = Drawn([BAMYAN], ["Bamyan"], [filled]).write(tmp_path / "p.gpkg")
    done = load(lacking.write(tmp_path / "f.gpkg"), "--provinces", outlines)
    assert done.code == 0, told(done)
    for boundary_set, province in (("trial", BAMYAN), ("af-voronoi", "AF25")):
        with own_seeded.connect() as connection:
            off = connection.execute(
                text(
                    "SELECT max(ST_Area(ST_SymDifference(outline.geom, inside.geom))) FROM ("
                    "  SELECT zoom, ST_Union(geom) AS geom FROM drawn_districts"
                    "  JOIN districts ON id = district_id"
                    "  WHERE province_id = :province AND boundary_set_id = :of GROUP BY zoom"
                    ") AS inside JOIN drawn_provinces AS outline USING (zoom)"
                    " WHERE province_id = :province AND boundary_set_id = :of"
                ),
                {"province": province, "of": boundary_set},
            ).scalar_one()
        assert off is not None
        assert off < 1


def test_outlines_without_any_district_are_drawn_again(
    own_seeded: Engine, run: Callable[..., Done]
) -> None:
    with own_seeded.begin() as connection:
        for table in ("district_shapes", "drawn_provinces", "drawn_districts"):
            connection.execute(text(f"DELETE FROM {table}"))
    assert run("rebuild").code == 0
    with own_seeded.connect() as connection:
        drawn = connection.execute(text("SELECT zoom, count(*) FROM drawn_provinces GROUP BY 1"))
        assert {row.count for row in drawn} == {34}


def drawn_area(engine: Engine) -> float:
    """The area of Bamyan as it is drawn for the closest zoom, in square metres of the map."""
    with engine.connect() as connection:
        found: float = connection.execute(
            text(
                "SELECT ST_Area(geom) FROM drawn_provinces WHERE province_id = 'AF10'"
                " AND boundary_set_id = 'trial' AND zoom = 12"
            )
        ).scalar_one()
    return found


def area(outline: Any) -> float:
    """The area of a shape in degrees, in square metres of Web Mercator."""

    def project(degrees: Any) -> Any:
        radians = np.radians(degrees)
        northing = np.arcsinh(np.tan(radians[:, 1]))
        return 6378137 * np.column_stack((radians[:, 0], northing))

    return float(shapely.area(shapely.transform(outline, project)))
