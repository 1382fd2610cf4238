"""Loading boundary sets by the command line: all or nothing, doubts, mapping files, the report."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text

from app.boundaries.report import COLUMNS
from app.store import boundaries
from app.store.engine import reading
from tests.boundaries.commands import ABOUT, Done, Drawn, told

TABLES = (
    *("district_shapes", "province_shapes", "borders", "outer_borders"),
    *("drawn_districts", "drawn_provinces", "drawn_borders"),
)


def counts(engine: Engine, boundary_set: str = "trial") -> dict[str, int]:
    with engine.connect() as connection:
        found = {
            table: connection.execute(
                text(f"SELECT count(*) FROM {table} WHERE boundary_set_id = :of"),
                {"of": boundary_set},
            ).scalar_one()
            for table in TABLES
        }
        found["sets"] = connection.execute(
            text("SELECT count(*) FROM boundary_sets WHERE id = :of"), {"of": boundary_set}
        ).scalar_one()
    return found


def test_a_sure_file_is_loaded(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(tmp_path / "f.gpkg")
    done = load(file, "--source-url", "https://example.org/f")
    assert done.code == 0, told(done)
    assert "Loaded the boundary set trial" in told(done)
    found = counts(own_seeded)
    assert (found["district_shapes"], found["province_shapes"], found["sets"]) == (7, 1, 1)
    assert found["borders"] > 7
    assert found["drawn_districts"] > 7
    with reading(own_seeded) as connection:
        loaded = boundaries.one_set(connection, "trial")
        default = boundaries.default_set(connection, "AF")
    assert loaded
    assert loaded.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert loaded.source_url == "https://example.org/f"
    assert (loaded.dated.isoformat(), loaded.quality) == ("2021-11-17", "compiled")
    assert default
    assert default.id == "af-voronoi"


def test_the_shapes_are_those_of_the_file(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    assert load(drawn.write(tmp_path / "f.gpkg")).code == 0
    with own_seeded.connect() as connection:
        stored = {
            row.district_id: shapely.from_wkb(bytes(row.shape))
            for row in connection.execute(
                text(
                    "SELECT district_id, ST_AsBinary(geom) AS shape FROM district_shapes "
                    "WHERE boundary_set_id = 'trial'"
                )
            )
        }
        province = connection.execute(
            text("SELECT ST_AsBinary(geom) FROM province_shapes WHERE boundary_set_id = 'trial'")
        ).scalar_one()
    for district, shape in zip(drawn.ids, drawn.shapes, strict=True):
        assert shapely.equals(stored[district], shape)
    together = shapely.union_all(drawn.shapes)
    assert (
        shapely.area(shapely.symmetric_difference(shapely.from_wkb(bytes(province)), together)) == 0
    )


def test_with_a_doubt_nothing_is_loaded(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(tmp_path / "f.gpkg", {"AF1005": "Panjab"})
    done = load(file)
    assert done.code == 1
    assert "Which is it?" in told(done)
    assert "AF1005 (Yakawlang" in told(done)
    assert "Nothing was loaded" in told(done)
    assert set(counts(own_seeded).values()) == {0}


def test_partial_loads_what_is_sure(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(tmp_path / "f.gpkg", more=[shapely.box(10, 50, 10.1, 50.1)])
    assert load(file).code == 1
    assert load(file, "--partial").code == 0
    assert counts(own_seeded)["district_shapes"] == 7


def test_partial_needs_something_sure(load: Callable[..., Done], tmp_path: Path) -> None:
    far = Drawn([], [], []).write(tmp_path / "f.gpkg", more=[shapely.box(10, 50, 10.1, 50.1)])
    done = load(far, "--partial")
    assert (done.code, "Nothing was loaded" in told(done)) == (1, True)


def test_a_dry_run_loads_nothing(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    done = load(drawn.write(tmp_path / "f.gpkg"), "--dry-run")
    assert done.code == 0
    assert "this was a dry run" in told(done)
    assert set(counts(own_seeded).values()) == {0}


def test_a_mapping_file_settles_doubts(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(
        tmp_path / "f.gpkg",
        {"AF1005": "Panjab", "AF1006": "Yakawlang"},
        more=[shapely.box(10, 50, 10.1, 50.1)],
    )
    open_before = json.loads(load(file, "--json").output)["districts"]
    asked = [r["shape"] for r in open_before["shapes"] if r["verdict"] != "matched"]
    mapping = tmp_path / "mapping.csv"
    at = {id_: str(i) for i, id_ in enumerate(drawn.ids)}
    rows = {at["AF1005"]: "AF1005", at["AF1006"]: "af1006", "7": ""}
    assert set(asked) <= rows.keys()
    lines = ["shape,district,comment", *(f"{s},{d},looked at" for s, d in rows.items())]
    mapping.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = tmp_path / "report.json"
    done = load(file, "--mapping", mapping, "--report", report)
    assert done.code == 0, told(done)
    document = json.loads(report.read_text())["districts"]
    assert document["counts"] == {
        "matched": 5, "doubtful": 0, "unmatched": 0, "settled": 2, "left out": 1
    }  # fmt: skip
    settled = document["shapes"][int(at["AF1005"])]
    assert settled["place"]["id"] == "AF1005"
    assert "settled: looked at" in settled["notes"]
    assert counts(own_seeded)["district_shapes"] == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("shape,district\n99,AF1005\n", "row 2: the file has no shape '99'"),
        ("shape,district\n1,AF1005\n\n1,AF1006\n", "row 4: the shape '1' stands here twice"),
        ("shape,district\n1,AF9905\n", "row 2: there is no district 'AF9905'"),
        ("shape,district\n1,AF1005\n2,AF1005\n", "row 3: the district AF1005 is row 2's already"),
        ("shape,place\n1,AF1005\n", "row 1: the columns are shape, district, comment"),
        ("shape,district\n1,AF1005,why\n", "row 2: the row has 3 cells, the header 2"),
        ("", "row 1: the columns are"),
        ('shape,district\n"1,AF1005\n', "this is no CSV"),
    ],
)
def test_mapping_files_that_are_wrong(
    drawn: Drawn, load: Callable[..., Done], tmp_path: Path, content: str, message: str
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(content, encoding="utf-8")
    done = load(drawn.write(tmp_path / "f.gpkg"), "--mapping", mapping)
    assert done.code == 1
    assert message in told(done)


def test_the_report_has_a_row_for_each_shape(
    drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    load(drawn.write(tmp_path / "f.gpkg", {"AF1005": "Panjab"}), "--report", report, "--dry-run")
    with report.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        rows = list(table)
    assert tuple(table.fieldnames or ()) == COLUMNS
    assert len(rows) == 7
    by_district = {row["district"]: row for row in rows}
    sure = by_district["AF1001"]
    assert sure["verdict"] == "matched"
    assert "the known point lies inside" in sure["speaks_for"]
    assert by_district["AF1005"]["doubts"]


def test_a_set_stays_as_it_was_loaded(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(tmp_path / "f.gpkg")
    assert load(file).code == 0
    before = counts(own_seeded)
    again = load(file)
    assert again.code == 1
    assert "there is a boundary set 'trial': a set stays as it was loaded" in told(again)
    assert counts(own_seeded) == before


def test_sets_are_listed_made_default_and_removed(
    own_seeded: Engine, drawn: Drawn, run: Callable[..., Done], tmp_path: Path
) -> None:
    file = drawn.write(tmp_path / "f.gpkg")
    assert run("import", "boundaries", file, *ABOUT, "--default").code == 0
    with reading(own_seeded) as connection:
        assert [one.id for one in boundaries.list_sets(connection, "AF")] == ["trial", "af-voronoi"]
    listed = told(run("boundaries", "list"))
    assert "trial" in listed
    assert "2021-11-17" in listed
    refused = run("boundaries", "remove", "trial")
    assert (refused.code, "is the default set of AF" in told(refused)) == (1, True)
    assert run("boundaries", "default", "af-voronoi").code == 0
    assert run("boundaries", "remove", "trial").code == 0
    assert set(counts(own_seeded).values()) == {0}
    assert counts(own_seeded, "af-voronoi")["district_shapes"] == 399
    unknown = run("boundaries", "default", "trial")
    assert (unknown.code, "no boundary set 'trial'" in told(unknown)) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "x"), "give --name, --dated, --origin, --licence, --attribution, --quality too"),
        ((*ABOUT, "--set", "Not An Id"), "is no id: lower-case letters"),
        ((*ABOUT, "--dated", "2021"), "'2021' is no day"),
        ((*ABOUT, "--source-url", "file:///x"), "this is no web address"),
        ((*ABOUT, "--country", "XX"), "there is no country 'XX'"),
        ((*ABOUT, "--sha256", "0" * 64), "the file is not the one that is asked for"),
        ((*ABOUT, "--layer", "no"), "no layer 'no'"),
        ((*ABOUT, "--name", "a\nb"), "--name: the text is too long, or no text"),
        ((*ABOUT, "--fetch", "geoboundaries", "AFG"), "give either a FILE or --fetch"),
    ],
)
def test_options_that_are_wrong(
    drawn: Drawn,
    run: Callable[..., Done],
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    done = run("import", "boundaries", drawn.write(tmp_path / "f.gpkg"), *arguments)
    assert done.code == 1
    assert message in told(done)


def test_the_digest_is_that_of_all_parts_of_a_shapefile(
    drawn: Drawn, load: Callable[..., Done], own_seeded: Engine, tmp_path: Path
) -> None:
    geometries = shapely.to_wkb(np.array(drawn.shapes, dtype=object))
    names = np.array(drawn.names, dtype=object)
    file = tmp_path / "f.shp"
    pyogrio.raw.write(
        file, geometries, [names], ["shapeName"], geometry_type="Polygon", crs="EPSG:4326"
    )
    assert load(file).code == 0
    parts = [tmp_path / f"f{ending}" for ending in (".shp", ".shx", ".dbf", ".prj", ".cpg")]
    expected = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    with reading(own_seeded) as connection:
        loaded = boundaries.one_set(connection, "trial")
    assert loaded
    assert loaded.sha256 == expected


def test_provinces_of_another_file(
    own_seeded: Engine, drawn: Drawn, load: Callable[..., Done], tmp_path: Path
) -> None:
    with own_seeded.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT name, ST_AsBinary(geom) AS shape FROM province_shapes "
                "JOIN provinces ON id = province_id"
            )
        ).all()
    outlines = Drawn(
        [row.name for row in rows],
        [row.name for row in rows],
        [shapely.from_wkb(bytes(row.shape)) for row in rows],
    ).write(tmp_path / "p.gpkg")
    done = load(drawn.write(tmp_path / "f.gpkg"), "--provinces", outlines)
    assert done.code == 0, told(done)
    assert counts(own_seeded)["province_shapes"] == 34
    # A doubt about a province keeps everything back, too; a mapping file settles it.
    odd = Drawn(
        [row.name for row in rows],
        [row.name for row in rows],
        [
            shapely.transform(s, lambda xy: np.subtract(xy, (30, 0)))
            for s in (shapely.from_wkb(bytes(row.shape)) for row in rows)
        ],
    ).write(tmp_path / "q.gpkg")
    arguments = ("--set", "other", "--provinces", odd)
    assert load(drawn.write(tmp_path / "g.gpkg"), *arguments).code == 1
    mapping = tmp_path / "provinces.csv"
    mapping.write_text("shape,district\n" + "".join(f"{i},\n" for i in range(34)), encoding="utf-8")
    settled = load(tmp_path / "g.gpkg", *arguments, "--province-mapping", mapping)
    assert settled.code == 0, told(settled)
