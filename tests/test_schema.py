"""The schema: up, down and up again; the migrations make what the models say, name by name."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.config import Config
from geoalchemy2 import Geometry
from sqlalchemy import Connection, Engine, Index, func, select, text

from app.settings import PROJECT
from app.store.engine import make_engine
from app.store.schema import is_at_head, migrate
from app.store.tables import metadata

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
    FROM pg_constraint WHERE conrelid::regclass::text = ANY(:tables) ORDER BY 1, 2
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
    assert {"function record_append_only", "function record_strictly_later"} < first - before
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
    with migrated.begin() as connection:
        connection.execute(text("INSERT INTO sources (id, name) VALUES ('kept', 'Kept')"))
    migrate(migrated)
    assert everything(migrated) == before
    assert rows(migrated, "SELECT id FROM sources") == [("kept",)]


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
    assert len(spatial) == 3
    assert {row[:2] for row in rows(migrated, INDEXES)} - constraints == indexes | spatial


def test_the_record_is_guarded(migrated: Engine) -> None:
    guards = rows(
        migrated,
        "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgname ~ '_(append_only|not_truncated)$'",
    )
    tables = ("revisions", "events", "event_versions", "citations")
    expected = {
        (table, f"{table}_{rule}", "O")
        for table in tables
        for rule in ("append_only", "not_truncated")
    }
    assert set(guards) == expected


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


def test_processes_that_migrate_at_once(blank: Engine, blank_url: str) -> None:
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


def test_a_migration_that_fails_leaves_nothing(blank: Engine) -> None:
    with blank.begin() as connection:
        # The last but one thing that the migration makes is in its way.
        connection.execute(
            text("CREATE FUNCTION record_strictly_later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        )
    before = everything(blank)
    with pytest.raises(Exception, match=r"record_strictly_later"):
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
