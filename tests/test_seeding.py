"""The seeds: complete, as their sources say, loaded once, and built again byte for byte."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from app.domain.control import Kind, Outcome, Status
from app.recording import Content, Correction, correct
from app.seeding import is_seeded, seed
from app.settings import PROJECT
from app.store import places
from app.store.engine import writing
from app.store.revisions import take_turn
from app.store.tables import metadata

SEEDS = PROJECT / "seeds"
WITHOUT_POINT = {"AF2506", "AF2507"}
# The outline of their province is generalised, and their point lies beyond it.
POINT_OUTSIDE = {"AF1405", "AF2108"}
NO_DISTRICT = {"87": "Mirzakai", "140": "Gol Tapa", "150": "Gol Tapa"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def claims() -> list[dict[str, str]]:
    return read(SEEDS / "claims_2021.csv") + read(SEEDS / "claims_added.csv")


def value(engine: Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def column(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.scalars(text(query)))


def everything(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    rows = "SELECT rows::text FROM {} AS rows ORDER BY 1"
    return {name: column(engine, rows.format(name)) for name in metadata.tables}


# Places -------------------------------------------------------------------------------------


def test_places_are_complete(seeded: Engine) -> None:
    assert value(seeded, "SELECT count(*) FROM provinces") == 34
    assert value(seeded, "SELECT count(*) FROM districts") == 401
    capitals = column(seeded, "SELECT id FROM districts WHERE is_provincial_capital ORDER BY id")
    provinces = column(seeded, "SELECT id FROM provinces ORDER BY id")
    assert capitals == [f"{province}01" for province in provinces]
    assert column(seeded, "SELECT id FROM districts WHERE is_national_capital") == ["AF0101"]
    assert set(column(seeded, "SELECT id FROM districts WHERE point IS NULL")) == WITHOUT_POINT
    assert set(column(seeded, "SELECT code FROM province_codes")) == {
        row["iso_3166_2"] for row in read(SEEDS / "provinces.csv")
    }
    with seeded.connect() as connection:
        assert is_seeded(connection)


def test_an_empty_database_is_not_seeded(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert not is_seeded(connection)


def test_figures_are_those_of_the_files(seeded: Engine) -> None:
    rows = read(SEEDS / "districts.csv")
    for figure in ("area_km2", "population"):
        listed = {row["pcode"]: float(row[figure]) for row in rows if row[figure]}
        query = text(f"SELECT id, {figure} FROM districts WHERE {figure} IS NOT NULL")
        with seeded.connect() as connection:
            assert {row.id: row[1] for row in connection.execute(query)} == listed


@pytest.mark.parametrize("kind", ["district", "province"])
def test_every_name_leads_to_its_place(seeded: Engine, kind: places.PlaceKind) -> None:
    owners: dict[str, set[str]] = {}
    for row in read(SEEDS / f"{kind}_names.csv"):
        owners.setdefault(row["name"], set()).add(row["pcode"])
    for row in read(SEEDS / f"{kind}s.csv"):
        for name in filter(None, (row["name"], row["name_local"])):
            owners.setdefault(name, set()).add(row["pcode"])
    with seeded.connect() as connection:
        for name, owned_by in owners.items():
            found = places.named(connection, kind, name)
            assert owned_by <= {one.id for one in found if places.is_exact(one, name)}, name


def test_every_alias_is_on_record_with_its_lists(seeded: Engine) -> None:
    listed = {
        (row["pcode"], row["name"]): (row["language"].split(), row["lists"].split("; "))
        for row in read(SEEDS / "district_names.csv")
    }
    query = text("SELECT district_id, name, languages, lists FROM district_names")
    with seeded.connect() as connection:
        recorded = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
    assert {key: recorded[key] for key in listed} == listed


# Shapes -------------------------------------------------------------------------------------


def test_shapes_are_whole_and_apart(seeded: Engine) -> None:
    shapes = set(column(seeded, "SELECT district_id FROM district_shapes"))
    assert len(shapes) == 399
    everywhere = set(column(seeded, "SELECT id FROM districts"))
    assert everywhere - shapes == WITHOUT_POINT
    assert value(seeded, "SELECT count(*) FROM district_shapes WHERE NOT ST_IsValid(geom)") == 0
    assert column(seeded, "SELECT quality FROM boundary_sets WHERE is_default") == ["approximate"]
    overlap = """
        SELECT coalesce(sum(ST_Area(ST_Intersection(a.geom, b.geom))), 0)
        FROM district_shapes a JOIN district_shapes b
          ON a.district_id < b.district_id AND ST_Intersects(a.geom, b.geom)
    """
    assert value(seeded, overlap) < 1e-12  # square degrees


def test_shapes_fill_their_provinces(seeded: Engine) -> None:
    # In square degrees: on the ellipsoid a vertex more on a long line would make an area. The
    # grid of a millionth of a degree leaves slivers, in all about a hundredth of a km2.
    difference = """
        SELECT sum(ST_Area(ST_SymDifference(province.geom, filled.geom)))
        FROM province_shapes AS province JOIN (
            SELECT province_id, ST_Union(geom) AS geom
            FROM district_shapes JOIN districts ON id = district_id GROUP BY province_id
        ) AS filled USING (province_id)
    """
    assert value(seeded, difference) < 1e-5
    country = """
        SELECT ST_Area(ST_SymDifference(
            (SELECT ST_Union(geom) FROM province_shapes),
            (SELECT ST_Union(geom) FROM district_shapes)))
    """
    assert value(seeded, country) < 1e-5
    strays = """
        SELECT count(*) FROM district_shapes JOIN districts ON id = district_id
        JOIN province_shapes AS province USING (province_id)
        WHERE NOT ST_CoveredBy(district_shapes.geom, ST_Buffer(province.geom, 0.000001))
    """
    assert value(seeded, strays) == 0


def test_a_shape_holds_its_own_point(seeded: Engine) -> None:
    holds = "SELECT id FROM district_shapes JOIN districts ON id = district_id WHERE {}"
    outside = column(seeded, holds.format("NOT ST_Covers(geom, point)"))
    assert set(outside) == POINT_OUTSIDE
    others = """
        SELECT other.id FROM district_shapes JOIN districts AS other
          ON ST_Covers(geom, point) AND other.id <> district_id
    """
    assert set(column(seeded, others)) <= POINT_OUTSIDE


# Events -------------------------------------------------------------------------------------


def as_edtf(row: dict[str, str]) -> str:
    """What seeds/build_events.py documents: `by` and `inferred` have no beginning."""
    precision, _, written = row["date_precision"].partition(":")
    if precision == "day":
        return row["event_date"]
    if precision in ("by", "inferred"):
        return f"../{row['event_date']}"
    assert precision in ("range", "edtf")
    return written


def test_every_claim_is_one_citation(seeded: Engine) -> None:
    placed = {row["row_id"]: row for row in claims() if row["adm2_pcode"]}
    claim_of = {row["id"]: row["claim"] for row in read(SEEDS / "citations.csv")}
    query = text(
        "SELECT citations.*, district_id FROM citations JOIN events ON events.id = event_id"
    )
    with seeded.connect() as connection:
        cited = {claim_of[str(row.id)]: row for row in connection.execute(query)}
    assert cited.keys() == placed.keys()
    assert len(set(claim_of.values())) == len(claim_of) == len(placed)
    for key, row in placed.items():
        citation = cited[key]
        assert citation.district_id == row["adm2_pcode"]
        assert citation.asserted_edtf == as_edtf(row), key
        assert citation.place_as_written == row["district_reported"]
        assert citation.url == row["source_url"]
        assert citation.title == (row["article_title"] or None)
        assert citation.stance == ("disputes" if row["event_kind"] == "denial" else "supports")
        guessed_day = row["published_basis"] == "inferred" and len(row["published_date"]) == 10
        assert citation.published_edtf == row["published_date"] + "?" * guessed_day
        wide = citation.published_latest - citation.published_earliest
        assert (wide.days > 0) == (guessed_day or len(row["published_date"]) == 7), key
    assert {
        row["row_id"]: row["district_reported"] for row in claims() if not row["adm2_pcode"]
    } == (NO_DISTRICT)


def test_every_event_is_reported(seeded: Engine) -> None:
    assert value(seeded, "SELECT count(*) FROM events") == len(read(SEEDS / "events.csv"))
    unreported = "SELECT count(*) FROM events WHERE id NOT IN (SELECT event_id FROM citations)"
    assert value(seeded, unreported) == 0
    denials = [row["row_id"] for row in claims() if row["event_kind"] == "denial"]
    assert len(denials) == 6
    disputing = "SELECT count(DISTINCT id) FROM citations WHERE stance = 'disputes'"
    assert value(seeded, disputing) == len(denials)
    # A denial stands beside a report that it denies, never alone.
    alone = """
        SELECT count(*) FROM events WHERE NOT EXISTS (
            SELECT FROM citations WHERE event_id = events.id AND stance = 'supports')
    """
    assert value(seeded, alone) == 0
    assert column(seeded, "SELECT DISTINCT author FROM revisions") == ["seeds"]
    revisions = value(seeded, "SELECT max(revision) FROM revisions")
    assert revisions == value(seeded, "SELECT count(*) FROM events")


# Loading ------------------------------------------------------------------------------------


def test_seeding_again_changes_nothing(own_seeded: Engine) -> None:
    before = everything(own_seeded)
    assert min(map(len, (rows for name, rows in before.items() if name != "district_codes"))) > 0
    assert seed(own_seeded, SEEDS) == 0
    assert everything(own_seeded) == before


def test_a_correction_survives_seeding(own_seeded: Engine) -> None:
    event = UUID(column(own_seeded, "SELECT id::text FROM events ORDER BY sequence LIMIT 1")[0])
    contested = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None))
    with writing(own_seeded) as connection:
        correct(connection, event, 1, Correction(contested), author="ann", reason="both were there")
    before = everything(own_seeded)
    assert seed(own_seeded, SEEDS) == 0
    assert everything(own_seeded) == before


def test_seeding_again_sets_the_gazetteer_right(own_seeded: Engine) -> None:
    before = everything(own_seeded)
    with own_seeded.begin() as connection:
        connection.execute(text("UPDATE districts SET name = 'X', area_km2 = 1, area_year = '1'"))
    seed(own_seeded, SEEDS)
    assert everything(own_seeded) == before


def test_two_that_seed_at_once_leave_one_copy(migrated: Engine, seeded: Engine) -> None:
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    with migrated.connect() as first, ThreadPoolExecutor(2) as pool:
        take_turn(first)
        both = [pool.submit(seed, migrated, SEEDS) for _ in range(2)]
        deadline = time.monotonic() + 30
        while value(migrated, waiting) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        together = value(migrated, waiting)
        first.rollback()
        new = sorted(one.result(60) for one in both)
    assert together == 2
    assert new == [0, value(seeded, "SELECT count(*) FROM events")]
    # The clock apart, it is what seeding alone leaves.
    for table in ("districts", "district_names", "district_shapes", "sources", "events"):
        assert everything(migrated)[table] == everything(seeded)[table]
    assert value(migrated, "SELECT count(*) FROM citations") == len(read(SEEDS / "citations.csv"))


# Building -----------------------------------------------------------------------------------


def run(script: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_building_the_events_gives_the_same_files(tmp_path: Path) -> None:
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    built = ("sources.csv", "events.csv", "citations.csv")
    for name in built:
        (copy / name).unlink()
    run(copy / "build_events.py")
    for name in built:
        assert (copy / name).read_bytes() == (SEEDS / name).read_bytes(), name
    # The order of the claims is of no consequence.
    rows = (copy / "claims_2021.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (copy / "claims_2021.csv").write_text(rows[0] + "".join(reversed(rows[1:])), encoding="utf-8")
    run(copy / "build_events.py")
    for name in built:
        assert (copy / name).read_bytes() == (SEEDS / name).read_bytes(), name


def test_building_the_places_gives_the_same_files(tmp_path: Path, shared_data: Path) -> None:
    shutil.copy(SEEDS / "build_places.py", tmp_path)
    run(tmp_path / "build_places.py", str(shared_data))
    built = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.suffix != ".py"}
    assert len(built) == 7
    assert built == {name: (SEEDS / name).read_bytes() for name in built}


def test_claims_are_those_of_the_source(shared_data: Path) -> None:
    source = read(shared_data / "claims_2021.csv")
    assert len(source) == 217
    for row in source:
        del row["note"]
        if row["article_title"].startswith(("(", "[")):
            row["article_title"] = ""
    assert read(SEEDS / "claims_2021.csv") == source


def test_no_wording_of_the_sources_is_taken_over(shared_data: Path) -> None:
    def words(written: str) -> list[str]:
        return re.findall(r"\w+", written.casefold())

    def runs(written: str, length: int) -> set[str]:
        found = words(written)
        return {" ".join(found[at : at + length]) for at in range(len(found) - length + 1)}

    notes = [row["note"] for row in read(shared_data / "claims_2021.csv") if row["note"]]
    assert len(notes) == 127
    article = (shared_data / "article_2021-06-10.txt").read_text(encoding="utf-8")
    wording = set().union(*(runs(note, 4) for note in notes)) | runs(article, 6)
    for path in SEEDS.iterdir():
        if path.is_file():
            seeded = " ".join(words(path.read_text(encoding="utf-8")))
            assert [run for run in wording if f" {run} " in f" {seeded} "] == [], path.name


def test_an_event_that_the_files_no_longer_have_is_retracted(
    own_seeded: Engine, tmp_path: Path
) -> None:
    """Regrouped claims make another event; the one they left must not stand beside it."""
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy)
    gone = next(row["id"] for row in read(SEEDS / "events.csv") if row["district"] == "AF2603")
    moved = str(uuid4())
    for name in ("events", "citations"):
        path = copy / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        swapped = [
            line.replace(gone, moved)
            if name == "events"
            else line.replace(gone, moved).replace(line[:36], str(uuid4()))
            if gone in line
            else line
            for line in lines
        ]
        path.write_text("".join(swapped), encoding="utf-8")
    assert seed(own_seeded, copy) == 1
    done = column(own_seeded, "SELECT action FROM revisions ORDER BY revision DESC LIMIT 2")
    assert done == ["record", "retract"]
    assert seed(own_seeded, copy) == 0
