"""The seeds: complete, as their sources say, and loaded once, into a record as any other."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from app.domain.control import Kind, Outcome, Status
from app.domain.entries import Content, Pin
from app.recording import Correction, correct, retract
from app.seeding import is_seeded, seed
from app.settings import PROJECT
from app.store import places, seals
from app.store.engine import writing
from app.store.revisions import take_turn
from app.store.states import first_wrong
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
    """Every row of every table, as text; the number of upkeep counts writes that change nothing."""
    rows = "SELECT rows::text FROM {} AS rows ORDER BY 1"
    return {name: column(engine, rows.format(name)) for name in metadata.tables.keys() - {"upkeep"}}


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

GOVERNMENT = "afghan-government"
PARTIES = {
    "Taliban": "taliban",
    "Islamic Republic of Afghanistan (government)": GOVERNMENT,
    "National Resistance Front (anti-Taliban resistance)": "national-resistance-front",
    "contested": None,
}
BASES = {
    "official+claimant": "official",
    "elected official": "official",
    "local sources": "local",
    "press": "journalist",
    "field report": "analyst",
    "social media": "social",
}
KINDS = {"claim": "capture", "denial": "assessment"}
CITED = """
    SELECT district_id, stance, sources.name AS publisher, origin, title, url, published_edtf,
           asserted_edtf, place_as_written, basis, speaker_id, note, said_kind, said_status,
           said_controller_id
    FROM citations JOIN events ON events.id = event_id JOIN sources ON sources.id = source_id
"""


def as_edtf(row: dict[str, str]) -> str:
    """What seeds/README.md documents: `by` and `inferred` have no beginning."""
    precision, _, written = row["date_precision"].partition(":")
    if precision == "day":
        return row["event_date"]
    if precision in ("by", "inferred"):
        return f"../{row['event_date']}"
    assert precision in ("range", "edtf")
    return written


def as_published(row: dict[str, str]) -> str:
    """A guessed day is uncertain; a month stays a month."""
    guessed_day = row["published_basis"] == "inferred" and len(row["published_date"]) == 10
    return row["published_date"] + "?" * guessed_day


def speaker(row: dict[str, str]) -> str | None:
    """On whose word it rests: the party that gains, or the government that officials speak for."""
    if row["claim_basis"] == "claimant":
        return PARTIES[row["new_controller"]]
    if row["claim_basis"] in ("official", "official+claimant"):
        # Whom an official spoke for afterwards, nobody can tell from the file.
        assert row["published_date"] < "2021-08-15"
        return GOVERNMENT
    return None


def publishers() -> dict[str, dict[str, str]]:
    return {row["source_name"]: row for row in read(SEEDS / "publishers.csv")}


def as_cited(row: dict[str, str], who: dict[str, str]) -> tuple[str | None, ...]:
    """What seeds/README.md says that a claim becomes, in the order of CITED."""
    controller = PARTIES[row["new_controller"]]
    return (
        row["adm2_pcode"],
        "disputes" if row["event_kind"] == "denial" else "supports",
        who["publisher"],
        who["origin"] or who["publisher"],
        row["article_title"] or None,
        row["source_url"],
        as_published(row),
        as_edtf(row),
        row["district_reported"],
        BASES.get(row["claim_basis"], row["claim_basis"]),
        speaker(row),
        row["note"] or None,
        KINDS.get(row["event_kind"], row["event_kind"]),
        "controlled" if controller else "contested",
        controller,
    )


def test_every_claim_is_one_citation_or_a_known_error(seeded: Engine) -> None:
    named = publishers()
    placed = [row for row in claims() if row["adm2_pcode"]]
    expected = Counter(as_cited(row, named[row["source_name"]]) for row in placed)
    with seeded.connect() as connection:
        cited = Counter(tuple(row) for row in connection.execute(text(CITED)))
    assert cited == expected
    assert cited.total() == 231
    assert {
        row["row_id"]: row["district_reported"] for row in claims() if not row["adm2_pcode"]
    } == NO_DISTRICT
    report = value(seeded, "SELECT report FROM imports")
    assert report["rows"] == len(claims()) == 234
    assert report["errors_total"] == len(report["errors"]) == 234 - 231
    lines = (SEEDS / "claims_2021.csv").read_text(encoding="utf-8").splitlines()
    told = {lines[fault["line"] - 1].partition(",")[0]: fault for fault in report["errors"]}
    assert {row: fault["value"] for row, fault in told.items()} == NO_DISTRICT
    assert {fault["column"] for fault in told.values()} == {"district_reported"}
    assert (report["duplicates"], report["skipped"], report["sources_added"]) == (0, {}, [])


def test_a_guessed_date_of_publication_is_a_span(seeded: Engine) -> None:
    wide = set(
        column(
            seeded,
            "SELECT published_edtf FROM citations"
            " WHERE published_latest - published_earliest > interval '1 day'",
        )
    )
    every = {as_published(row) for row in claims() if row["adm2_pcode"]}
    assert wide == {edtf for edtf in every if edtf.endswith("?") or len(edtf) == 7}


def test_notes_are_whole(seeded: Engine) -> None:
    """One of them was cut at its comma once: the file had no quotes around it."""
    for row in claims():
        assert None not in row, f"row {row['row_id']} has more cells than the header"
        assert None not in row.values(), f"row {row['row_id']} has fewer"
        assert not row["note"] or row["note"].endswith("."), row["row_id"]
    notes = set(column(seeded, "SELECT note FROM citations WHERE note IS NOT NULL"))
    assert notes == {row["note"] for row in claims() if row["note"]}
    assert len([row for row in claims() if row["note"]]) == 16
    (bomb,) = (note for note in notes if "car bomb" in note)
    assert bomb.endswith("with 24 dead on the government's side, the chief of police among them.")


def test_every_name_of_a_publisher_is_listed(seeded: Engine) -> None:
    named = publishers()
    assert len(named) == len(read(SEEDS / "publishers.csv")) == 54
    assert named.keys() == {row["source_name"] for row in claims()}
    assert set(column(seeded, "SELECT name FROM sources")) == {
        row["publisher"] for row in named.values()
    }
    assert value(seeded, "SELECT count(*) FROM sources") == 43
    uncited = "SELECT id FROM sources WHERE id NOT IN (SELECT source_id FROM citations)"
    assert column(seeded, uncited) == []
    with seeded.connect() as connection:
        listed = {
            row.name: (row.publisher, row.origin)
            for row in connection.execute(
                text(
                    "SELECT source_names.name, sources.name AS publisher, origin"
                    " FROM source_names JOIN sources ON sources.id = source_id"
                )
            )
        }
    assert listed == {
        name: (row["publisher"], row["origin"] or None) for name, row in named.items()
    }


def test_every_event_is_reported(seeded: Engine) -> None:
    assert value(seeded, "SELECT count(*) FROM events") == 136
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
    # What supports an event says what the event says.
    other = """
        SELECT count(*) FROM event_versions JOIN citations USING (event_id)
        WHERE stance = 'supports'
          AND (said_status, said_controller_id) IS DISTINCT FROM (status, controller_id)
    """
    assert value(seeded, other) == 0


def test_the_seeds_are_two_revisions_with_their_seals(seeded: Engine) -> None:
    """The parties and publishers, and then the claims: an import like any other."""
    with seeded.connect() as connection:
        made = connection.execute(
            text("SELECT revision, author, action, reason FROM revisions ORDER BY revision")
        ).all()
        chain = list(seals.check(connection, seals.last_revision(connection)))
        assert first_wrong(connection) is None
    assert [(row.revision, row.author, row.action) for row in made] == [
        (1, "seeds", "import"),
        (2, "seeds", "import"),
    ]
    assert all(row.reason for row in made)
    assert [link.revision for link in chain if isinstance(link, seals.Seal)] == [1, 2]
    for table, number in (("actors", 1), ("sources", 1), ("events", 2), ("citations", 2)):
        assert column(seeded, f"SELECT DISTINCT revision FROM {table}") == [number]
    assert column(seeded, "SELECT DISTINCT version FROM event_versions") == [1]


# Loading ------------------------------------------------------------------------------------

# Nothing of the seeds is in these.
OTHERS = {"district_codes", "api_keys", "given_answers"}


def test_seeding_again_changes_nothing(own_seeded: Engine) -> None:
    before = everything(own_seeded)
    assert min(len(rows) for name, rows in before.items() if name not in OTHERS) > 0
    assert seed(own_seeded, SEEDS) == 0
    assert everything(own_seeded) == before


SHENKAI, KABUL = "AF2603", "AF0101"


def contest(connection: Connection, event: UUID) -> None:
    contested = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None))
    correct(connection, event, 1, Correction(contested), author="ann", reason="both were there")


def take_back(connection: Connection, event: UUID) -> None:
    retract(connection, event, 1, author="ann", reason="no such thing")


def move(connection: Connection, event: UUID) -> None:
    correct(connection, event, 1, Correction(district=KABUL), author="ann", reason="a namesake")


def withdraw(connection: Connection, event: UUID) -> None:
    query = "SELECT id FROM citations WHERE event_id = :event ORDER BY id LIMIT 1"
    cited = connection.execute(text(query), {"event": event}).scalar_one()
    left_out = Correction(withdrawn=frozenset({cited}))
    correct(connection, event, 1, left_out, author="ann", reason="of another district")


def pin(connection: Connection, event: UUID) -> None:
    pinned = Content(
        Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"), pin=Pin("2021-06-01", "a film")
    )
    correct(connection, event, 1, Correction(pinned), author="ann", reason="the film is dated")


@pytest.mark.parametrize("edit", [contest, take_back, move, withdraw, pin])
def test_what_an_editor_did_survives_seeding(
    own_seeded: Engine, edit: Callable[[Connection, UUID], None]
) -> None:
    """To the event of Shenkai, which more than one document reports."""
    (event,) = column(own_seeded, f"SELECT id FROM events WHERE district_id = '{SHENKAI}'")
    assert value(own_seeded, f"SELECT count(*) FROM citations WHERE event_id = '{event}'") > 1
    with writing(own_seeded) as connection:
        edit(connection, event)
    before = everything(own_seeded)
    assert seed(own_seeded, SEEDS) == 0
    assert everything(own_seeded) == before


def test_seeding_again_sets_the_gazetteer_right(own_seeded: Engine) -> None:
    before = everything(own_seeded)
    with own_seeded.begin() as connection:
        connection.execute(text("UPDATE districts SET name = 'X', area_km2 = 1, area_year = '1'"))
        connection.execute(text("UPDATE source_names SET origin = 'Somebody'"))
    seed(own_seeded, SEEDS)
    assert everything(own_seeded) == before


@pytest.fixture
def other_seeds(tmp_path: Path) -> Path:
    """A copy of the seeds to change."""
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_order_of_the_claims_is_of_no_consequence(
    migrated: Engine, seeded: Engine, other_seeds: Path
) -> None:
    for name in ("claims_2021", "claims_added"):
        path = other_seeds / f"{name}.csv"
        header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(header + "".join(reversed(lines)), encoding="utf-8")
    assert seed(migrated, other_seeds) == 136
    assert_same_record(migrated, seeded)


def test_claims_that_are_added_to_the_files_are_imported(
    own_seeded: Engine, other_seeds: Path
) -> None:
    known = "SELECT id FROM events ORDER BY sequence"
    before = column(own_seeded, known)
    path = other_seeds / "claims_added.csv"
    with path.open(encoding="utf-8", newline="") as file:
        (first, *_) = csv.DictReader(file)
    more = [
        # Another report of what is on record, and the first one of a district.
        {"row_id": "new-1", "adm2_pcode": SHENKAI, "province_reported": "Zabul"},
        {"row_id": "new-2", "adm2_pcode": "AF0102", "province_reported": "Kabul"},
    ]
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        for row in more:
            writer.writerow(
                first
                | {"district_reported": row["adm2_pcode"], "event_date": "2021-06-04"}
                | {"date_precision": "day", "new_controller": "Taliban", "note": ""}
                | {"event_kind": "capture", "claim_basis": "local sources"}
                | {"source_name": "A new paper (dpa)"}
                | row
            )
    assert seed(own_seeded, other_seeds) == 1
    after = column(own_seeded, known)
    assert after[:-1] == before
    assert value(own_seeded, "SELECT count(*) FROM citations") == 231 + 2
    assert column(own_seeded, "SELECT id FROM sources WHERE revision = 3") == ["a-new-paper"]
    joined = f"""
        SELECT count(*) FROM citations JOIN events ON events.id = event_id
        WHERE district_id = '{SHENKAI}' AND citations.revision = 3 AND events.revision = 2
    """
    assert value(own_seeded, joined) == 1
    assert seed(own_seeded, other_seeds) == 0


def test_claims_that_the_files_no_longer_have_stay_on_record(
    own_seeded: Engine, other_seeds: Path
) -> None:
    path = other_seeds / "claims_2021.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if f",{SHENKAI}," not in line]
    assert len(kept) < len(lines)
    path.write_text("".join(kept), encoding="utf-8")
    before = everything(own_seeded)
    assert seed(own_seeded, other_seeds) == 0
    assert everything(own_seeded) == before


SEED = """
import sys
from pathlib import Path
from app.seeding import seed
from app.store.engine import make_engine
print(seed(make_engine(sys.argv[1]), Path(sys.argv[2])))
"""


def assert_same_record(engine: Engine, other: Engine) -> None:
    """The same rows under the same ids; only the instants at which they were recorded differ."""
    times = "'{known_from,recorded_at,transaction,loaded_at}'::text[]"
    for name in metadata.tables.keys() - {"seals", "imports", "event_states", "mentions", "upkeep"}:
        rows = f"SELECT (to_jsonb(a_row) - {times})::text FROM {name} AS a_row ORDER BY 1"
        assert column(engine, rows) == column(other, rows), name
    reports = "SELECT report - 'errors' FROM imports"
    assert column(engine, reports) == column(other, reports)
    with engine.connect() as connection:
        chain = list(seals.check(connection, seals.last_revision(connection)))
        assert first_wrong(connection) is None
    assert [link.revision for link in chain if isinstance(link, seals.Seal)] == [1, 2]


def test_processes_that_seed_at_once_leave_one_copy(migrated: Engine, seeded: Engine) -> None:
    waiting = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
    """
    url = migrated.url.render_as_string(hide_password=False)
    # The lock is held until all of them stand before it, so that they do start together.
    with migrated.connect() as first:
        take_turn(first)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", SEED, url, str(SEEDS)],
                cwd=PROJECT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        try:
            deadline = time.monotonic() + 60
            while value(migrated, waiting) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            together = value(migrated, waiting)
        finally:
            first.rollback()
            told = [process.communicate(timeout=120) for process in processes]
    assert together == 3
    assert [error for _, error in told] == [""] * 3
    assert sorted(int(new) for new, _ in told) == [0, 0, 136]
    assert_same_record(migrated, seeded)


# Building -----------------------------------------------------------------------------------


def run(script: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_building_the_places_gives_the_same_files(tmp_path: Path, shared_data: Path) -> None:
    shutil.copy(SEEDS / "build_places.py", tmp_path)
    run(tmp_path / "build_places.py", str(shared_data))
    built = {path.name: path.read_bytes() for path in tmp_path.glob("*.*") if path.suffix != ".py"}
    assert len(built) == 7
    assert built == {name: (SEEDS / name).read_bytes() for name in built}


def test_claims_are_those_of_the_source(shared_data: Path) -> None:
    source = read(shared_data / "claims_2021.csv")
    assert len(source) == 217
    ours = read(SEEDS / "claims_2021.csv")
    notes = {row["row_id"]: row.pop("note") for row in ours}
    for row in source:
        # The source's notes are others' words.
        assert not row["note"] or row["note"] != notes[row["row_id"]]
        del row["note"]
        if row["article_title"].startswith(("(", "[")):
            row["article_title"] = ""
    assert ours == source


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
    paths = [path for path in SEEDS.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert SEEDS / "mappings" / "claims.json" in paths
    for path in paths:
        seeded = " ".join(words(path.read_text(encoding="utf-8")))
        assert [run for run in wording if f" {run} " in f" {seeded} "] == [], path.name
