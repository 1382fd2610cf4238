"""The schema: up, down and up again; the migrations make what the models say, name by name.

And what earlier versions of this service recorded is upgraded with it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from geoalchemy2 import Geometry
from sqlalchemy import Connection, Engine, Index, Table, func, select, text

from app.domain.clocks import parse_edtf
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import Correction, add_source, cite, correct, record
from app.seeding import seed
from app.settings import PROJECT
from app.store import seals
from app.store.engine import make_engine, writing
from app.store.schema import is_at_head, migrate
from app.store.states import first_wrong
from app.store.tables import gazetteer, metadata

MIGRATE = """
import sys
from app.store.engine import make_engine
from app.store.schema import migrate
migrate(make_engine(sys.argv[1]))
"""
MIGRATION_LOCK = 0x0D15_7C71

EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")
EVERYTHING = """
    SELECT 'relation ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
"""
COLUMNS = """
    SELECT table_name, column_name, data_type, udt_name, is_nullable, column_default,
           is_identity, identity_generation
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(:tables)
    ORDER BY 1, 2
"""
GEOMETRIES = """
    SELECT f_table_name, f_geometry_column, coord_dimension, srid, type
    FROM geometry_columns ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid::regclass::text = ANY(:tables) AND contype <> 't'
    ORDER BY 1, 2
"""
INDEXES = """
    SELECT tablename, indexname, indexdef
    FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(:tables) ORDER BY 1, 2
"""


@pytest.fixture
def blank(blank_url: str) -> Iterator[Engine]:
    engine = make_engine(blank_url)
    yield engine
    engine.dispose()


def everything(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(text(EVERYTHING)))


def extend(engine: Engine) -> None:
    with engine.begin() as connection:
        for extension in EXTENSIONS:
            connection.execute(text(f"CREATE EXTENSION {extension}"))


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    """The rows of a query about our tables."""
    with engine.connect() as connection:
        bound = {"tables": sorted(metadata.tables)} if ":tables" in query else {}
        return [tuple(row) for row in connection.execute(text(query), bound)]


@contextmanager
def configured(engine: Engine) -> Iterator[Config]:
    """Alembic's configuration, on a connection that commits at the end."""
    with engine.begin() as connection:
        config = Config(str(PROJECT / "alembic.ini"))
        config.attributes["connection"] = connection
        yield config


def alembic(url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if url:
        environment["DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_up_down_and_up_again(blank: Engine) -> None:
    extend(blank)
    before = everything(blank)
    migrate(blank)
    first = everything(blank)
    assert {f"relation {table}" for table in metadata.tables} < first - before
    assert {
        f"function record_{rule}"
        for rule in ("append_only", "strictly_later", "own_revision", "next_seal", "sealed")
    } < first - before
    with configured(blank) as config:
        command.downgrade(config, "base")
    # Alembic keeps its own, empty table, to know where the database stands.
    left = everything(blank) - before
    assert {name for name in left if "alembic_version" not in name} == set()
    assert rows(blank, "SELECT * FROM alembic_version") == []
    migrate(blank)
    assert everything(blank) == first


def test_migrating_again_changes_nothing(migrated: Engine) -> None:
    before = everything(migrated)
    with writing(migrated) as connection:
        add_source(connection, "kept", "Kept", author="ann")
    sealed = rows(migrated, "SELECT * FROM seals")
    migrate(migrated)
    assert everything(migrated) == before
    assert rows(migrated, "SELECT id, revision FROM sources") == [("kept", 1)]
    assert rows(migrated, "SELECT * FROM seals") == sealed


def test_models_and_migrations_agree_for_alembic(migrated: Engine) -> None:
    # `check` raises when autogenerate would write anything.
    with configured(migrated) as config:
        command.check(config)


def test_check_sees_a_difference(migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("ALTER TABLE districts DROP COLUMN area_year"))
    with (
        configured(migrated) as config,
        pytest.raises(Exception, match=r"area_year"),
    ):
        command.check(config)


@pytest.mark.parametrize(
    "query",
    [COLUMNS, GEOMETRIES, CONSTRAINTS, INDEXES],
    ids=["columns", "geometries", "constraints", "indexes"],
)
def test_models_and_migrations_agree_to_the_letter(
    migrated: Engine, blank: Engine, query: str
) -> None:
    # Autogenerate looks at no check, no exclusion and no name; PostgreSQL tells all of them.
    extend(blank)
    with blank.begin() as connection:
        metadata.create_all(connection)
    by_models = rows(blank, query)
    assert rows(migrated, query) == by_models
    assert by_models


def test_names_are_those_of_the_models(migrated: Engine) -> None:
    constraints = {
        (table.name, str(constraint.name))
        for table in metadata.tables.values()
        for constraint in table.constraints
    }
    assert {row[:2] for row in rows(migrated, CONSTRAINTS)} == constraints
    indexes = {
        (table.name, str(index.name))
        for table in metadata.tables.values()
        for index in table.indexes
        if isinstance(index, Index)
    }
    spatial = {
        (table.name, f"idx_{table.name}_{column.name}")
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Geometry)
    }
    assert len(spatial) == 8
    assert {row[:2] for row in rows(migrated, INDEXES)} - constraints == indexes | spatial


UNDER_A_REVISION = ("actors", "sources", "events", "event_versions", "citations", "imports")
GUARDS = {
    (table, f"{table}_{rule}", False)
    for table in ("revisions", "seals", *UNDER_A_REVISION)
    for rule in ("append_only", "not_truncated")
} | {(table, f"{table}_recorded_now", False) for table in UNDER_A_REVISION} | {
    ("revisions", "revisions_strictly_later", False),
    ("revisions", "revisions_sealed", True),
    ("revisions", "revisions_told", False),
    ("seals", "seals_next_seal", False),
}  # fmt: skip
"""Triggers of the record; the last member says whether it waits for the commit."""

UNWATCHED = ("source_names", "upkeep")
"""Tables beside the record that no answer is made of."""
WATCHES = {
    (name, f"{name}_upkeep", False)
    for name in vars(gazetteer)
    if isinstance(getattr(gazetteer, name), Table) and name not in UNWATCHED
}
"""Triggers that count changes of everything else that answers are made of."""


def test_the_record_is_guarded(migrated: Engine) -> None:
    guards = rows(
        migrated,
        "SELECT tgrelid::regclass::text, tgname, tgdeferrable AND tginitdeferred, tgenabled"
        " FROM pg_trigger WHERE NOT tgisinternal",
    )
    assert {guard[:3] for guard in guards} == GUARDS | WATCHES
    assert {guard[3] for guard in guards} == {"O"}


def test_is_at_head(blank: Engine) -> None:
    def at_head() -> bool:
        with blank.connect() as connection:
            return is_at_head(connection)

    assert not at_head()
    migrate(blank)
    assert at_head()
    with blank.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'newer'"))
    assert not at_head()


def waiting(connection: Connection) -> int:
    """How many sessions wait for an advisory lock in this database."""
    return connection.execute(
        text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
    ).scalar_one()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("from_old", [False, True], ids=["blank", "an old record"])
def test_processes_that_migrate_at_once(blank: Engine, blank_url: str, from_old: bool) -> None:
    if from_old:
        record_as_before(blank)
    # The lock is held until all of them stand before it, so that they do start together.
    with blank.connect() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", MIGRATE, blank_url],
                cwd=PROJECT,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        try:
            wait_until(lambda: waiting(connection) == len(processes))
        finally:
            connection.rollback()
            errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [
        (process.returncode, error) for process, error in zip(processes, errors, strict=True)
    ] == [(0, "")] * len(processes)
    with blank.connect() as connection:
        assert is_at_head(connection)
    assert_sealed(blank, 6 if from_old else 0)


# One of the last things that each migration makes is in its way.
@pytest.mark.parametrize("function", ["record_strictly_later", "record_sealed"])
def test_a_migration_that_fails_leaves_nothing(blank: Engine, function: str) -> None:
    with blank.begin() as connection:
        connection.execute(
            text(f"CREATE FUNCTION {function}() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        )
    before = everything(blank)
    with pytest.raises(Exception, match=function):
        migrate(blank)
    assert everything(blank) == before


def test_alembic_on_the_command_line(blank: Engine, blank_url: str) -> None:
    for direction, target, made in (
        ("upgrade", "head", True),
        ("downgrade", "base", False),
    ):
        done = alembic(blank_url, direction, target)
        assert done.returncode == 0, done.stderr
        with blank.connect() as connection:
            assert is_at_head(connection) is made


def test_alembic_without_a_database_says_what_to_set() -> None:
    refused = alembic(None, "upgrade", "head")
    assert refused.returncode != 0
    assert refused.stderr.strip() == "set DATABASE_URL, or use `district-control migrate`"


# A record that an earlier version made ------------------------------------------------------------

KABUL = ZoneInfo("Asia/Kabul")
DENIED, FELL, TAKEN_BACK = UUID(int=1), UUID(int=2), UUID(int=3)
INSTANTS = [datetime(2025, 1, day, tzinfo=UTC) for day in range(1, 7)]


@dataclass(frozen=True)
class Old:
    """A citation as `seeds/citations.csv` once had it, and the revision that recorded it."""

    revision: int
    event: UUID
    stance: str
    source: str
    origin: str
    url: str | None
    published: str
    asserted: str
    place: str
    basis: str
    speaker: str | None


LWJ_URL = (
    "https://www.longwarjournal.org/archives/2021/05/"
    "taliban-overruns-district-in-central-afghanistan-2.php"
)
RFE_URL = "https://rferl.org/amp/afghan-maidan-wardak-district-falls-to-taliban/31266871.html"
ISW_URL = "https://english.iswnews.com/18897/latest-updates-on-afghanistan-20-may-2021"
TOLO_URL = "https://tolonews.com/afghanistan-172272"
POST_URL = "https://thefrontierpost.com/taliban-claim-capturing-18-districts-govt-says-vacated/"
NOW_URL = (
    "https://kabulnow.com/2021/06/conflicting-accounts-emerge-over-collapse-of-five-districts/"
)
GOVERNMENT = "afghan-government"
PAPERS = {
    "fdds-long-war-journal": "FDD's Long War Journal",
    "rfe-rl": "RFE/RL",
    "tolonews": "TOLOnews",
    "iswnews-analysis-group": "ISWNews Analysis Group",
    "the-frontier-post": "The Frontier Post",
    "kabul-now": "Kabul Now",
}
# fmt: off
OF_THE_SEEDS = [
    Old(1, DENIED, "supports", "kabul-now", "Kabul Now", NOW_URL, "2021-06", "../2021-06-05",
        "Dehyak", "claimant", "taliban"),
    Old(1, DENIED, "supports", "the-frontier-post", "Pajhwok", POST_URL, "2021-06",
        "../2021-06-12", "Deh Yak", "claimant", "taliban"),
    Old(1, DENIED, "disputes", "kabul-now", "Kabul Now", NOW_URL, "2021-06", "../2021-06-05",
        "Dehyak", "official", GOVERNMENT),
    Old(2, FELL, "supports", "fdds-long-war-journal", "FDD's Long War Journal", LWJ_URL, "2021-05",
        "2021-05-19", "Dawlat Shah", "official", GOVERNMENT),
    Old(2, FELL, "supports", "rfe-rl", "RFE/RL", RFE_URL, "2021-05-21", "2021-05-20",
        "Dawlat Shah", "official", GOVERNMENT),
    Old(2, FELL, "supports", "tolonews", "TOLOnews", TOLO_URL, "2021-05-20?", "2021-05-20",
        "Dawlat Shah", "local", None),
    Old(2, FELL, "supports", "iswnews-analysis-group", "ISWNews Analysis Group", ISW_URL,
        "2021-05-21", "../2021-05-20", "Dolat Shah", "analyst", None),
    Old(2, FELL, "supports", "the-frontier-post", "Pajhwok", POST_URL, "2021-06", "2021-05-21",
        "Dawlat Shah", "official", GOVERNMENT),
    Old(2, FELL, "disputes", "tolonews", "TOLOnews", TOLO_URL, "2021-05-20?", "2021-05-20",
        "Dawlat Shah", "official", GOVERNMENT),
]
BY_ANN = [
    Old(3, TAKEN_BACK, "supports", "tolonews", "TOLOnews", None, "2021-06-08", "2021-06-07",
        "Dih Sabz", "local", None),
    Old(5, TAKEN_BACK, "supports", "kabul-now", "Kabul Now", None, "2021-06-09", "2021-06-07",
        "Dih Sabz", "local", None),
]
# fmt: on
# Event; known from and until (revisions); reported from and until; version; when; confidence;
# disputed.
STATES: list[tuple[Any, ...]] = [
    (DENIED, 1, None, ("2021-06", None), 1, "../2021-06-05", 1, True),
    (FELL, 2, None, ("2021-05-21", None), 1, "2021-05-20", 3, True),
    (TAKEN_BACK, 3, 4, ("2021-06-08", None), 1, "2021-06-07", 2, False),
    (TAKEN_BACK, 4, 5, ("2021-06-08", None), 2, "2021-06-07", 2, False),
    (TAKEN_BACK, 5, 6, ("2021-06-08", "2021-06-09"), 2, "2021-06-07", 2, False),
    (TAKEN_BACK, 5, 6, ("2021-06-09", None), 2, "2021-06-07", 3, False),
]


def record_as_before(engine: Engine) -> None:
    """What version 0001 of the schema held: two events of the seeds, and one that Ann kept.

    Hers was recorded, corrected, cited once more and taken back.
    """
    migrate(engine, "0001")
    with engine.begin() as connection:

        def put(table: str, *rows: dict[str, Any]) -> None:
            for row in rows:
                columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
                statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"
                connection.execute(text(statement), row)

        put("countries", {"code": "AF", "name": "Afghanistan", "time_zone": KABUL.key})
        for province, districts in {
            "AF01": ["AF0102"],
            "AF07": ["AF0705"],
            "AF11": ["AF1105"],
        }.items():
            put("provinces", {"id": province, "country_code": "AF", "name": province})
            for district in districts:
                put("districts", {"id": district, "province_id": province, "name": district})
        put(
            "actors",
            {
                "id": "taliban",
                "name": "Taliban",
                "full_name": "Islamic Emirate of Afghanistan",
                "kind": "non-state",
            },
            {
                "id": GOVERNMENT,
                "name": "Afghan government",
                "full_name": "Islamic Republic of Afghanistan",
                "kind": "state",
                "aliases": ["Islamic Republic of Afghanistan (government)"],
            },
        )
        put("sources", *({"id": paper, "name": name} for paper, name in PAPERS.items()))
        done = [("seeds", "record", None)] * 2 + [
            ("ann", "record", None),
            ("ann", "correct", "both were there"),
            ("ann", "cite", None),
            ("ann", "retract", "it was another district"),
        ]
        for number, (author, action, reason) in enumerate(done, start=1):
            at = {"revision": number, "recorded_at": INSTANTS[number - 1]}
            put("revisions", {**at, "author": author, "action": action, "reason": reason})
        for event, district, revision in (
            (DENIED, "AF1105", 1),
            (FELL, "AF0705", 2),
            (TAKEN_BACK, "AF0102", 3),
        ):
            put("events", {"id": event, "district_id": district, "revision": revision})
            version = {"event_id": event, "version": 1, "kind": "capture", "status": "controlled"}
            put("event_versions", version | {"controller_id": "taliban"} | opened(revision))
        close = text(
            "UPDATE event_versions SET known_until = :known_until,"
            " closing_revision = :closing_revision"
            " WHERE event_id = :event AND known_until IS NULL"
        )
        connection.execute(close, {"event": TAKEN_BACK, **closed(4)})
        contested = {"event_id": TAKEN_BACK, "version": 2, "kind": "contested"}
        put("event_versions", contested | {"status": "contested"} | opened(4))
        connection.execute(close, {"event": TAKEN_BACK, **closed(6)})
        for number, old in enumerate((*OF_THE_SEEDS, *BY_ANN), start=10):
            put("citations", {"id": UUID(int=number), **citation_row(old)})
        for state in STATES:
            put("event_states", state_row(state))


def opened(revision: int) -> dict[str, Any]:
    return {"revision": revision, "known_from": INSTANTS[revision - 1]}


def closed(revision: int) -> dict[str, Any]:
    return {"closing_revision": revision, "known_until": INSTANTS[revision - 1]}


def citation_row(old: Old) -> dict[str, Any]:
    published, asserted = (parse_edtf(date, KABUL) for date in (old.published, old.asserted))
    return {
        "event_id": old.event,
        "stance": old.stance,
        "source_id": old.source,
        "origin": old.origin,
        "url": old.url,
        "published_edtf": old.published,
        "published_earliest": published.earliest,
        "published_latest": published.latest,
        "asserted_edtf": old.asserted,
        "asserted_earliest": asserted.earliest,
        "asserted_latest": asserted.latest,
        "place_as_written": old.place,
        "basis": old.basis,
        "speaker_id": old.speaker,
        **opened(old.revision),
    }


def state_row(state: tuple[Any, ...]) -> dict[str, Any]:
    event, known_from, known_until, reported, version, occurred, confidence, disputed = state
    when = parse_edtf(occurred, KABUL)
    first, last = (parse_edtf(day, KABUL).latest if day else None for day in reported)
    held = version == 1
    return {
        "event_id": event,
        "known_from": INSTANTS[known_from - 1],
        "known_until": INSTANTS[known_until - 1] if known_until else None,
        "reported_from": first,
        "reported_until": last,
        "version": version,
        "sequence": event.int,
        "district_id": {DENIED: "AF1105", FELL: "AF0705", TAKEN_BACK: "AF0102"}[event],
        "kind": "capture" if held else "contested",
        "status": "controlled" if held else "contested",
        "controller_id": "taliban" if held else None,
        "day_order": 0,
        "effective_on": when.latest.astimezone(KABUL).date(),
        "earliest": when.earliest,
        "latest": when.latest,
        "confidence": confidence,
        "disputed": disputed,
    }


@pytest.fixture
def upgraded(blank: Engine) -> Engine:
    """A record of version 0001, brought to the schema of now."""
    record_as_before(blank)
    migrate(blank)
    return blank


def assert_sealed(engine: Engine, last: int) -> None:
    """Every revision has a seal that holds, and what is kept ready for reads is right."""
    with engine.connect() as connection:
        assert seals.last_revision(connection) == last
        chain = list(seals.check(connection, last))
        assert [link.revision for link in chain] == list(range(1, last + 1))
        assert all(isinstance(link, seals.Seal) for link in chain), chain[-1:]
        assert first_wrong(connection) is None


OLD_TABLES = (
    *("countries", "provinces", "districts", "actors", "sources"),
    *("revisions", "events", "event_versions", "citations", "event_states"),
)


def old_content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the tables of version 0001, without the columns that came later."""
    later = "'{replaces,said_kind,said_status,said_controller_id,transaction}'::text[]"
    content = {}
    for table in OLD_TABLES:
        without = f"{later} || '{{revision}}'::text[]" if table in ("actors", "sources") else later
        content[table] = rows(
            engine,
            f"SELECT (to_jsonb(one) - ({without}))::text FROM {table} AS one ORDER BY 1",
        )
    return content


def test_an_old_record_is_upgraded(blank: Engine) -> None:
    record_as_before(blank)
    before = old_content(blank)
    migrate(blank)
    assert old_content(blank) == before
    assert min(map(len, before.values())) > 0
    # Parties and publishers came with the first revision, as far as anybody can tell.
    for table, number in (("actors", 2), ("sources", len(PAPERS))):
        assert rows(blank, f"SELECT revision FROM {table}") == [(1,)] * number
    assert_sealed(blank, 6)
    assert rows(blank, "SELECT count(*) FROM citations WHERE said_kind IS NOT NULL") == [(0,)]


def test_an_old_record_answers_as_before(
    upgraded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(upgraded)

    def ask(address: str, **asked: str) -> dict[str, Any]:
        response = client.get(address, params=asked)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    fell = ask("/districts/AF0705/control", as_of="2021-06-01")
    assert (fell["controller"]["id"], fell["since"], fell["confidence"]) == (
        "taliban",
        "2021-05-20",
        "confirmed",
    )
    assert (fell["disputed"], fell["revision"]) == (True, 6)
    # What a document says itself was not kept then.
    assert [citation["says"] for citation in fell["event"]["citations"]] == [None] * 6
    believed = ask("/districts/AF1105/control", as_of="2021-07-01", min_confidence="claimed")
    assert believed["controller"]["id"] == "taliban"
    for instant, told in zip(
        INSTANTS[2:], ["controlled", "contested", "contested", "unknown"], strict=True
    ):
        at = {"as_of": "2021-07-01", "known_at": instant.isoformat()}
        assert ask("/districts/AF0102/control", **at)["status"] == told
    gone = ask(f"/events/{TAKEN_BACK}")
    assert [change["action"] for change in gone["changes"]] == [
        "record",
        "correct",
        "cite",
        "retract",
    ]
    assert (gone["event"], gone["replaces"], gone["replaced_by"]) == (None, None, None)
    assert {source["id"] for source in ask("/sources")["sources"]} == PAPERS.keys()
    assert len(ask("/events")["events"]) == 2


def test_an_old_record_is_written_on(upgraded: Engine) -> None:
    report = Citation(Stance.SUPPORTS, "rfe-rl", "RFE/RL", "2021-06-02", Basis.LOCAL, "2021-06-01")
    contested = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None))
    with writing(upgraded) as connection:
        made = record(connection, "AF0102", contested, (report,), author="ann")
    with writing(upgraded) as connection:
        cite(connection, FELL, replace(report, id=UUID(int=99)), author="ann")
    with writing(upgraded) as connection:
        moved = Correction(district="AF0102")
        correct(connection, DENIED, 1, moved, author="ann", reason="a namesake")
    assert made.revision.number == 7
    assert_sealed(upgraded, 9)


def test_down_to_the_old_schema_and_up_again(upgraded: Engine) -> None:
    before = old_content(upgraded)
    sealed = rows(upgraded, "SELECT * FROM seals ORDER BY revision")
    now = everything(upgraded)
    with configured(upgraded) as config:
        command.downgrade(config, "0001")
    assert "relation seals" not in everything(upgraded)
    assert old_content(upgraded) == before
    with upgraded.begin() as connection:
        # The older code writes on: it knows of no seals.
        connection.execute(
            text(
                "INSERT INTO revisions (revision, recorded_at, author, action)"
                " VALUES (7, '2025-02-01', 'ann', 'cite')"
            )
        )
    migrate(upgraded)
    assert everything(upgraded) == now
    assert_sealed(upgraded, 7)
    assert rows(upgraded, "SELECT * FROM seals ORDER BY revision")[:6] == sealed


def test_no_way_back_where_the_old_schema_cannot_hold_the_record(upgraded: Engine) -> None:
    with writing(upgraded) as connection:
        add_source(connection, "ap", "AP", author="ann")
    before = everything(upgraded)
    with (
        pytest.raises(Exception, match=r"revisions_action_known_check"),
        configured(upgraded) as config,
    ):
        command.downgrade(config, "0001")
    assert everything(upgraded) == before
    assert_sealed(upgraded, 7)


def test_alembic_alone_seals_too(blank: Engine, blank_url: str) -> None:
    record_as_before(blank)
    assert alembic(blank_url, "upgrade", "head").returncode == 0
    assert_sealed(blank, 6)


def claims(engine: Engine) -> list[tuple[object, ...]]:
    """What each citation says, of which district; not when it was recorded, nor under which id."""
    return rows(
        engine,
        "SELECT district_id, stance, source_id, origin, url, published_edtf, asserted_edtf,"
        " place_as_written, basis, speaker_id FROM citations JOIN events ON events.id = event_id"
        " WHERE district_id <> 'AF0102' ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    )


def test_the_seeds_are_recognised_in_an_old_record(upgraded: Engine, seeded: Engine) -> None:
    assert set(claims(upgraded)) < set(claims(seeded))
    assert seed(upgraded, PROJECT / "seeds") == 134
    assert claims(upgraded) == claims(seeded)
    ((report,),) = rows(upgraded, "SELECT report FROM imports")
    assert isinstance(report, dict)
    assert (report["duplicates"], report["citations_added"]) == (len(OF_THE_SEEDS), 222)
    assert (report["events_changed"], report["events_retracted"], report["citations_moved"]) == (
        0,
        0,
        0,
    )
    # What was recorded then stands as it was.
    standing = "SELECT version, revision FROM event_versions WHERE known_until IS NULL"
    kept = f"{standing} AND event_id IN ('{DENIED}', '{FELL}') ORDER BY 2"
    assert rows(upgraded, kept) == [(1, 1), (1, 2)]
    assert rows(upgraded, "SELECT count(*) FROM events") == [(136 + 1,)]
    assert_sealed(upgraded, 8)
    before = old_content(upgraded)
    assert seed(upgraded, PROJECT / "seeds") == 0
    assert old_content(upgraded) == before
