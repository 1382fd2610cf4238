"""Borders and drawings are derived from the shapes wherever shapes come from."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select, text, update

from app.boundaries.deriving import derive, derive_all
from app.exporting import export, restore
from app.seeding import seed
from app.settings import PROJECT
from app.store import drawings
from app.store.engine import writing
from app.store.tables import (
    borders,
    boundary_sets,
    district_shapes,
    drawn_borders,
    drawn_districts,
    drawn_provinces,
    outer_borders,
    province_shapes,
)

DERIVED = (borders, outer_borders, drawn_districts, drawn_provinces, drawn_borders)


def rows(engine: Engine, sql: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(sql)).all())


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def everything_derived(engine: Engine) -> list[list[Any]]:
    return [
        rows(engine, f"SELECT * FROM {table.name} ORDER BY {table.name}::text") for table in DERIVED
    ]


def test_every_district_is_drawn_at_every_zoom(seeded: Engine) -> None:
    found = rows(
        seeded,
        "SELECT zoom, count(*), bool_and(ST_IsValid(geom)), sum(ST_NPoints(geom))"
        " FROM drawn_districts GROUP BY zoom ORDER BY zoom",
    )
    assert [row[0] for row in found] == list(drawings.ZOOMS)
    assert {row[1:3] for row in found} == {(399, True)}
    points = [row[3] for row in found]
    assert points == sorted(points)
    assert points[0] < points[-1]


def test_drawings_leave_no_gap_and_overlap_nowhere(seeded: Engine) -> None:
    """Whatever the zoom, the districts of a province are its drawn outline, to the metre."""
    found = rows(
        seeded,
        "SELECT max(abs(ST_Area(drawn_provinces.geom) - inside.area))"
        " FROM drawn_provinces JOIN ("
        "   SELECT zoom, province_id, sum(ST_Area(geom)) AS area"
        "   FROM drawn_districts JOIN districts ON districts.id = district_id GROUP BY 1, 2"
        " ) AS inside USING (zoom, province_id)",
    )
    assert found[0][0] < 1


def test_drawn_borders_lie_on_the_drawn_districts(seeded: Engine) -> None:
    found = rows(
        seeded,
        "SELECT line.zoom, count(*), bool_and(ST_Length(ST_CollectionExtract(ST_Intersection("
        "   line.geom, ST_Boundary(shape.geom)), 2)) > 0.999 * ST_Length(line.geom))"
        " FROM drawn_borders AS line JOIN drawn_districts AS shape"
        "   ON shape.zoom = line.zoom AND shape.district_id = line.neighbour_id"
        " GROUP BY line.zoom",
    )
    assert {row[2] for row in found} == {True}
    of_borders = rows(seeded, "SELECT count(*) FROM borders")[0][0]
    # Simplifying may close or part a corner where four districts meet.
    assert all(abs(row[1] - of_borders) <= 0.02 * of_borders for row in found)


def test_a_border_s_two_sides_and_its_edge_to_none_are_its_whole_outline(seeded: Engine) -> None:
    found = rows(
        seeded,
        "SELECT max(abs(ST_Perimeter(shape.geom::geography) / 1000 - around.km)) FROM"
        " district_shapes AS shape JOIN LATERAL (SELECT sum(length_km) AS km FROM ("
        "   SELECT length_km FROM borders WHERE shape.district_id IN (district_id, neighbour_id)"
        "   UNION ALL SELECT length_km FROM outer_borders"
        "   WHERE shape.district_id = district_id) AS parts) AS around ON true",
    )
    assert found[0][0] < 0.01


def test_deriving_again_gives_the_same(own_seeded: Engine) -> None:
    before = everything_derived(own_seeded)
    with writing(own_seeded) as connection:
        assert derive_all(connection) == 1
    assert everything_derived(own_seeded) == before


def test_a_set_of_an_earlier_version_is_derived_at_the_next_start(own_seeded: Engine) -> None:
    before = everything_derived(own_seeded)
    with own_seeded.begin() as connection:
        for table in DERIVED:
            connection.execute(delete(table))
    seed(own_seeded, PROJECT / "seeds")
    assert everything_derived(own_seeded) == before


def test_a_set_that_an_operator_took_away_does_not_come_back(own_seeded: Engine) -> None:
    with own_seeded.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO boundary_sets (id, country_code, name, dated, origin, licence,"
                " attribution, quality) VALUES"
                " ('mine', 'AF', 'Mine', '2020-01-01', 'o', 'l', 'a', 'compiled')"
            )
        )
        for table in (*DERIVED, district_shapes, province_shapes):
            connection.execute(delete(table))
        connection.execute(delete(boundary_sets).where(boundary_sets.c.id == "af-voronoi"))
        connection.execute(
            update(boundary_sets).where(boundary_sets.c.id == "mine").values(is_default=True)
        )
    seed(own_seeded, PROJECT / "seeds")
    found = rows(own_seeded, "SELECT id, is_default FROM boundary_sets ORDER BY id")
    assert found == [("mine", True)]


def test_a_restored_service_has_borders(
    own_seeded: Engine, migrated: Engine, tmp_path: Path
) -> None:
    export(own_seeded, tmp_path / "export")
    restore(migrated, tmp_path / "export")
    assert everything_derived(migrated) == everything_derived(own_seeded)


def test_a_set_without_shapes_derives_nothing(own_seeded: Engine) -> None:
    with writing(own_seeded) as connection:
        connection.execute(delete(district_shapes))
        connection.execute(delete(province_shapes))
        derived = derive(connection, "af-voronoi")
    assert (derived.borders, derived.alone, derived.lost) == (0, (), ())
    assert [count(own_seeded, table) for table in DERIVED] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("gap", [0.0002, -0.0002], ids=["a sliver between", "an overlap"])
def test_districts_that_do_not_quite_meet_are_neighbours(own_seeded: Engine, gap: float) -> None:
    square = "MULTIPOLYGON((({0} 34,{1} 34,{1} 35,{0} 35,{0} 34)))"
    with writing(own_seeded) as connection:
        connection.execute(delete(district_shapes))
        for district, west in (("AF0101", 69.0), ("AF0102", 70.0 + gap)):
            connection.execute(
                district_shapes.insert().values(
                    boundary_set_id="af-voronoi",
                    district_id=district,
                    geom=f"SRID=4326;{square.format(west, west + 1)}",
                )
            )
        assert derive(connection, "af-voronoi").borders == 1
    ((length,),) = rows(own_seeded, "SELECT length_km FROM borders")
    # One degree of latitude at 34.5° north is 110.9 km.
    assert length == pytest.approx(110.9, abs=0.2)
