"""Exporting and restoring: the same answers from the other service, and nothing half-done."""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.domain.control import Action, Basis, Kind, Outcome, Stance, Status
from app.domain.errors import InvalidValueError, NotReadyError
from app.exporting import export, restore
from app.recording import Citation, Content, Correction, Pin, cite, correct, record, retract
from app.store import dump, seals
from app.store.changes import changing
from app.store.engine import make_engine, writing
from app.store.tables import metadata
from tests.api.asking import READS

NOT_EXPORTED = {
    *("api_keys", "given_answers", "event_states", "mentions", "borders", "outer_borders"),
    *("drawn_districts", "drawn_provinces", "drawn_borders", "upkeep"),
}
CONTESTED = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None))
# What CSV, COPY and PostgreSQL's arrays and NULL give a meaning to.
ODD = [
    "",
    " ",
    "\\N",
    "\\.",
    "a\n\\.\nb",
    'said "so", they',
    "c\r\nd\te",
    "NULL",
    "{NULL,x}",
    "قیصار",
]


class KilledError(Exception):
    """What ends an export or a restoration half-way."""


@pytest.fixture
def blank(
    clone: Callable[[str | None], AbstractContextManager[str]],
) -> Iterator[Engine]:
    """One more database with the schema and nothing in it."""
    with clone("template_migrated") as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def exported(seeded: Engine, tmp_path: Path) -> Path:
    """A folder with the seeds, of the test's own."""
    export(seeded, tmp_path / "exported")
    return tmp_path / "exported"


def column(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.scalars(text(query)))


def contents(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table that is exported or derived, as text."""
    rows = {}
    for table in metadata.tables.values():
        if table.name not in {"api_keys", "given_answers", "upkeep"}:
            names = ", ".join(each.name for each in table.columns if each.name != "transaction")
            rows[table.name] = column(engine, f"SELECT ROW({names})::text FROM {table} ORDER BY 1")
    return rows


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def document(number: int, **more: Any) -> Citation:
    values: dict[str, Any] = {
        "stance": Stance.SUPPORTS,
        "source": "kabul-now",
        "origin": f"agency {number}",
        "published": f"2021-07-{number:02}",
        "basis": Basis.JOURNALIST,
    }
    return Citation(**values | more)


def add_history(engine: Engine) -> None:
    """Corrections, a retraction, citations that dispute, an import, and odd things written."""
    events = column(engine, "SELECT id FROM events ORDER BY sequence LIMIT 4")
    pinned = Content(Kind.CONTESTED, CONTESTED.outcome, 2, Pin("2021-06/2021-07", "two letters"))
    with writing(engine) as connection:
        cite(connection, events[0], document(1, stance=Stance.DISPUTES), author="ann")
    with writing(engine) as connection:
        correct(connection, events[1], 1, Correction(pinned), author="ann", reason="both held it")
    with writing(engine) as connection:
        correct(connection, events[2], 1, Correction(CONTESTED), author="bob", reason="no holder")
        correct(
            connection, events[2], 2, Correction(district="AF2907"), author="bob", reason="moved"
        )
    with writing(engine) as connection:
        retract(connection, events[3], 1, author="ann", reason='never "happened"')
    with writing(engine) as connection:
        cited = tuple(document(9, note=odd, title=odd, place_as_written=odd) for odd in ODD)
        record(connection, "AF2907", CONTESTED, cited, author="ann")
        with changing(connection, author="bob", action=Action.IMPORT) as change:
            change.add_report({"odd": ODD, "empty": {}, "none": None, "figure": 0.1})
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE district_names SET lists = :lists, script = '' WHERE name = 'Qaysar'"),
            {"lists": ODD},
        )
        connection.execute(
            text("""
                UPDATE districts SET area_km2 = 0.1::float8 + 0.2::float8,
                    area_year = coalesce(area_year, ''), point = ST_Point(1/3.0, 2/3.0, 4326)
            """)
        )
        odd = "INSERT INTO source_names VALUES ('the \"Kabul, Now\"', 'kabul-now', NULL)"
        connection.execute(text(odd))


def questions(engine: Engine) -> Iterator[str]:
    """Every read, also of what has a history, in each format and at settings of each clock."""
    instants = column(engine, "SELECT recorded_at FROM revisions ORDER BY revision DESC LIMIT 6")
    settings = ["f=geojson", "f=csv", "as_of=2021-06-08", "reported_by=2021-07-05"]
    settings += ["min_confidence=claimed&reported_by=2021-07-01&as_of=2021-06-20"]
    settings += [f"known_at={instant:%Y-%m-%dT%H:%M:%S.%fZ}" for instant in instants]
    events = column(engine, "SELECT id FROM events ORDER BY sequence LIMIT 4")
    for read in (*READS.values(), *(f"/events/{event}" for event in events)):
        yield read
        for setting in settings:
            yield f"{read}{'&' if '?' in read else '?'}{setting}"


def ask_all(client: TestClient, asked: list[str]) -> dict[str, tuple[int, bytes]]:
    answers = {question: client.get(question) for question in asked}
    return {question: (found.status_code, found.content) for question, found in answers.items()}


def resign(folder: Path, **members: Any) -> None:
    """Let the descriptor name the files as they are, as one who altered them would."""
    package = described(folder) | members
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        resource["bytes"] = len(content)
        resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")


def described(folder: Path) -> dict[str, Any]:
    package: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return package


def edit(folder: Path, table: str, line: int, change: Callable[[str], str]) -> None:
    """Change one line of a table's file; lines count from 1."""
    path = folder / "data" / f"{table}.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line - 1] = change(lines[line - 1])
    path.write_text("\n".join(lines), encoding="utf-8", newline="")


def refusal(engine: Engine, folder: Path) -> str:
    """Why the folder is not restored; and nothing of it is."""
    before = contents(engine)
    with pytest.raises(InvalidValueError) as refused:
        restore(engine, folder)
    assert contents(engine) == before
    assert refused.value.field == "folder"
    return refused.value.detail


# There and back -----------------------------------------------------------------------------


def test_the_restored_service_gives_the_same_answers(
    own_seeded: Engine,
    migrated: Engine,
    make_client: Callable[[Engine], TestClient],
    tmp_path: Path,
) -> None:
    add_history(own_seeded)
    written = export(own_seeded, tmp_path / "exported")
    assert restore(migrated, tmp_path / "exported") == written
    assert contents(migrated) == contents(own_seeded)
    asked = list(questions(own_seeded))
    answers = ask_all(make_client(own_seeded), asked)
    assert ask_all(make_client(migrated), asked) == answers
    statuses = [status for status, _ in answers.values()]
    assert statuses.count(200) > len(statuses) / 2  # a read refuses what it has no parameter for
    assert export(migrated, tmp_path / "again") == written
    assert files(tmp_path / "again") == files(tmp_path / "exported")


def test_the_restored_record_goes_on(own_seeded: Engine, migrated: Engine, tmp_path: Path) -> None:
    written = export(own_seeded, tmp_path / "exported")
    restore(migrated, tmp_path / "exported")
    for engine in (own_seeded, migrated):
        with writing(engine) as connection:
            made = record(connection, "AF2907", CONTESTED, (document(1),), author="ann")
        assert made.revision.number == written.revision.number + 1
        with engine.connect() as connection:
            sealed = list(seals.check(connection, made.revision.number))
        assert [one for one in sealed if isinstance(one, seals.Break)] == []
        assert len(sealed) == made.revision.number
    counted = "SELECT sequence FROM events ORDER BY sequence"
    assert column(migrated, counted) == column(own_seeded, counted)


def test_a_record_with_nothing_in_it(migrated: Engine, blank: Engine, tmp_path: Path) -> None:
    written = export(migrated, tmp_path / "exported")
    assert (written.revision.number, written.seal) == (0, None)
    assert set(written.rows.values()) == {0}
    assert restore(blank, tmp_path / "exported") == written


def test_every_column_is_written_or_left_out_on_purpose(seeded: Engine, tmp_path: Path) -> None:
    written = export(seeded, tmp_path / "exported")
    exported = {name: table for name, table in metadata.tables.items() if name not in NOT_EXPORTED}
    rows = contents(seeded)
    assert written.rows == {name: len(rows[name]) for name in exported}
    assert [written.seal] == column(seeded, "SELECT hash FROM seals ORDER BY revision DESC LIMIT 1")
    headers = {
        path.stem: path.read_text(encoding="utf-8").split("\n")[0].split(",")
        for path in (tmp_path / "exported" / "data").iterdir()
    }
    assert headers == {
        name: [each.name for each in table.columns if each.name not in ("transaction", "sound")]
        for name, table in exported.items()
    }


def test_names_that_were_reduced_otherwise_are_found_after_a_restore(
    own_seeded: Engine,
    migrated: Engine,
    tmp_path: Path,
    make_client: Callable[[Engine], TestClient],
) -> None:
    """An export of an earlier version, which reduced names in another way or not at all."""
    with own_seeded.begin() as connection:
        connection.execute(text("UPDATE district_names SET sound = 'otherwise'"))
    export(own_seeded, tmp_path / "exported")
    restore(migrated, tmp_path / "exported")
    found = make_client(migrated).get("/districts?q=kaisaar").json()["districts"]
    assert (found[0]["id"], found[0]["match"]["how"]) == ("AF2907", "sound")


def test_an_export_is_one_moment(own_seeded: Engine, tmp_path: Path) -> None:
    def meanwhile(what: str, done: int, total: int) -> None:
        if done == 1:
            with writing(own_seeded) as connection:
                record(connection, "AF2907", CONTESTED, (document(1),), author="ann")

    whole = export(own_seeded, tmp_path / "before")
    assert export(own_seeded, tmp_path / "meanwhile", meanwhile) == whole
    assert files(tmp_path / "meanwhile") == files(tmp_path / "before")


def test_secrets_stay_at_home(own_seeded: Engine, migrated: Engine, tmp_path: Path) -> None:
    secret = hashlib.sha256(b"of ann").hexdigest()
    with own_seeded.begin() as connection:
        for row in (
            f"api_keys VALUES ('key-of-ann', 'ann', '{{write}}', '{secret}')",
            f"given_answers VALUES ('ann', 'once', '{secret}', 201, '{{}}', 'for her eyes')",
        ):
            connection.execute(text(f"INSERT INTO {row}"))
    export(own_seeded, tmp_path / "exported")
    everything = b"".join(files(tmp_path / "exported").values())
    for private in (secret, "key-of-ann", "for her eyes"):
        assert private.encode() not in everything
    restore(migrated, tmp_path / "exported")
    for table in ("api_keys", "given_answers"):
        assert column(migrated, f"SELECT count(*) FROM {table}") == [0]


def test_figures_are_exact_on_a_server_that_rounds_them(own_seeded: Engine, tmp_path: Path) -> None:
    export(own_seeded, tmp_path / "exported")
    with own_seeded.begin() as connection:
        name = connection.engine.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET extra_float_digits = -10"))
    own_seeded.dispose()  # the next connection has this setting
    export(own_seeded, tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "exported")


# The descriptor -----------------------------------------------------------------------------


def test_the_descriptor_is_a_tabular_data_package(exported: Path, seeded: Engine) -> None:
    """As the specification of Frictionless Data Package 1 asks for it."""
    package = described(exported)
    assert package["profile"] == "tabular-data-package"
    assert re.fullmatch(r"[-a-z0-9._/]+", package["name"])
    instants = "SELECT recorded_at FROM revisions ORDER BY revision DESC LIMIT 1"
    assert datetime.fromisoformat(package["created"]) == column(seeded, instants)[0]
    assert package["known_at"] == package["created"]
    assert [package["schema"]] == column(seeded, "SELECT version_num FROM alembic_version")
    assert "licenses" not in package
    fields = {
        resource["name"]: [field["name"] for field in resource["schema"]["fields"]]
        for resource in package["resources"]
    }
    for resource in package["resources"]:
        content = (exported / resource["path"]).read_bytes()
        assert resource["profile"] == "tabular-data-resource"
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["description"].endswith(".")
        schema = resource["schema"]
        own = fields[resource["name"]]
        assert len(own) == len(set(own)) > 0
        assert set(schema["primaryKey"]) <= set(own)
        for key in schema["foreignKeys"]:
            assert set(key["fields"]) <= set(own)
            referred = fields[key["reference"]["resource"] or resource["name"]]
            assert set(key["reference"]["fields"]) <= set(referred)


def read_cell(field: dict[str, Any], cell: str) -> Any:
    """A cell, as one reads it who knows the descriptor and not PostgreSQL."""
    return {
        "string": str,
        "integer": int,
        "number": float,
        "object": json.loads,
        "boolean": lambda cell: field["trueValues"].index(cell) == 0,
        "date": lambda cell: datetime.strptime(cell, "%Y-%m-%d").replace(tzinfo=UTC),
        "datetime": datetime.fromisoformat,
    }[field["type"]](cell)


def test_every_cell_is_of_its_type(exported: Path) -> None:
    package = described(exported)
    for resource in package["resources"]:
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        with (exported / resource["path"]).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert list(row) == list(fields)
                for name, cell in row.items():
                    missing = cell in resource["schema"]["missingValues"]
                    if missing:
                        assert "required" not in fields[name].get("constraints", {})
                    elif cell == "f" and fields[name]["type"] == "boolean":
                        assert fields[name]["falseValues"] == ["f"]
                    else:
                        read_cell(fields[name], cell)


# What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "line", "change", "told"),
    [
        ("events", 3, lambda row: row.replace("AF", "", 1), "districts"),
        ("events", 3, lambda row: row + ",more", "events.csv, line 3: extra data"),
        ("events", 3, lambda row: "x" + row, "events.csv, line 3: invalid input syntax"),
        ("events", 1, lambda row: row.replace("id", "name", 1), "events.csv, line 1: column name"),
        ("citations", 2, lambda row: row.replace("supports", "said"), "citations.csv, line 2: "),
        ("revisions", 3, lambda row: row.replace("2,", "7,", 1), "revisions.csv, line 3: revis"),
        ("province_shapes", 2, lambda row: row[:-20], "province_shapes.csv, line 2: "),
        ("sources", 2, lambda row: row.replace(",", ',"', 1), "sources.csv, line "),
        ("seals", 2, lambda row: row[:-4] + "beef", "seals.csv, line 2: seal 1 does not follow"),
    ],
)
def test_rows_that_the_database_refuses_are_named(
    table: str, line: int, change: Callable[[str], str], told: str, exported: Path, migrated: Engine
) -> None:
    edit(exported, table, line, change)
    resign(exported)
    assert told in refusal(migrated, exported)


@pytest.mark.parametrize("change", [lambda whole: whole[:-1], lambda whole: whole[:-1] + b"\r"])
def test_altered_files_are_refused(
    change: Callable[[bytes], bytes], exported: Path, migrated: Engine
) -> None:
    path = exported / "data" / "district_names.csv"
    path.write_bytes(change(path.read_bytes()))
    assert "district_names.csv is not the file that was exported" in refusal(migrated, exported)


def test_another_record_is_refused_though_its_files_are_signed(
    exported: Path, migrated: Engine
) -> None:
    edit(exported, "citations", 2, lambda row: row.replace("supports", "disputes"))
    resign(exported)
    assert "was changed since it was sealed" in refusal(migrated, exported)


@pytest.mark.parametrize("name", ["datapackage.json", "data/sources.csv"])
def test_a_missing_file_is_refused(name: str, exported: Path, migrated: Engine) -> None:
    (exported / name).unlink()
    assert f"{name} cannot be read: No such file" in refusal(migrated, exported)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[]", "does not describe an export"),
        ('{"profile": "data-package"}', "profile: Input should be 'tabular-data-package'"),
        ("{", "does not describe an export: it: Invalid JSON"),
    ],
)
def test_other_descriptors_are_refused(
    written: str, told: str, exported: Path, migrated: Engine
) -> None:
    (exported / "datapackage.json").write_text(written, encoding="utf-8")
    assert told in refusal(migrated, exported)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"schema": "9000"}, "restore it with a newer version"),
        ({"revision": 7}, "names another revision"),
        ({"known_at": "2021-06-06T00:00:00Z"}, "names another revision"),
        ({"seal": "0" * 64}, "names another revision or seal"),
        ({"resources": []}, "does not describe the table actors"),
    ],
)
def test_a_descriptor_of_something_else_is_refused(
    members: dict[str, Any], told: str, exported: Path, migrated: Engine
) -> None:
    resign(exported, **members)
    assert told in refusal(migrated, exported)


def test_an_older_export_may_lack_a_column(exported: Path, migrated: Engine) -> None:
    path = exported / "data" / "events.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "replaces"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    package = described(exported)
    for resource in package["resources"]:
        fields = resource["schema"]["fields"]
        resource["schema"]["fields"] = [one for one in fields if one["name"] != "replaces"]
    resign(exported, resources=package["resources"])
    assert "does not describe the table events" in refusal(migrated, exported)
    resign(exported, resources=package["resources"], schema="0001")
    restore(migrated, exported)
    assert set(column(migrated, "SELECT replaces FROM events")) == {None}


def test_only_an_empty_database_is_filled(exported: Path, own_seeded: Engine) -> None:
    before = contents(own_seeded)
    with pytest.raises(InvalidValueError, match=r"already has data .*`district-control migrate`"):
        restore(own_seeded, exported)
    assert contents(own_seeded) == before


def test_one_row_is_not_an_empty_database(exported: Path, migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("INSERT INTO countries VALUES ('XX', 'X', 'UTC')"))
    with pytest.raises(InvalidValueError, match=r"already has data \(countries\)"):
        restore(migrated, exported)


def test_a_database_that_is_not_migrated_is_not_ready(
    exported: Path, blank_url: str, tmp_path: Path
) -> None:
    engine = make_engine(blank_url)
    with pytest.raises(NotReadyError):
        export(engine, tmp_path / "other")
    with pytest.raises(NotReadyError):
        restore(engine, exported)
    engine.dispose()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exported"]


def test_an_export_replaces_nothing(exported: Path, seeded: Engine, tmp_path: Path) -> None:
    before = files(tmp_path)
    for taken in (exported, exported / "datapackage.json", exported / "data"):
        with pytest.raises(InvalidValueError, match="not an empty folder") as refused:
            export(seeded, taken)
        assert refused.value.field == "folder"
    with pytest.raises(InvalidValueError, match="cannot be written: Not a directory"):
        export(seeded, exported / "datapackage.json" / "below")
    assert files(tmp_path) == before


def test_an_empty_folder_is_used_and_missing_ones_made(seeded: Engine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    export(seeded, tmp_path / "empty")
    export(seeded, tmp_path / "some" / "where")
    assert files(tmp_path / "empty") == files(tmp_path / "some" / "where")
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "some"}


# Half-way -----------------------------------------------------------------------------------


def kill_at(what: str, at: int) -> Callable[[str, int, int], None]:
    def progress(now: str, done: int, total: int) -> None:
        assert done <= total
        if (now, done) == (what, at):
            raise KilledError

    return progress


@pytest.mark.parametrize("at", [1, len(dump.TABLES)])
def test_a_killed_export_leaves_nothing(at: int, seeded: Engine, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        export(seeded, tmp_path / "exported", kill_at("tables", at))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("what", "at"), [("files", 1), ("tables", 1), ("tables", 19)])
def test_a_killed_restoration_leaves_nothing(
    what: str, at: int, exported: Path, migrated: Engine
) -> None:
    nothing = contents(migrated)
    with pytest.raises(KilledError):
        restore(migrated, exported, kill_at(what, at))
    assert contents(migrated) == nothing
    restore(migrated, exported)
