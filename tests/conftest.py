"""A real PostGIS for every test: one throwaway server, and a clone of a template for each worker.

The first process of a run starts the server and makes two templates, one migrated and one also
seeded, with the code that the service itself starts with. Cloning a template takes a fraction of
a second.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, make_url, text

from app.local_postgis import throwaway_postgis
from app.seeding import seed
from app.service import create_service
from app.settings import PROJECT, Settings
from app.store.engine import make_engine
from app.store.schema import migrate

SERVER = "DISTRICT_CONTROL_TEST_SERVER"
_run = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, before there are workers; they find it in the environment."""
    if hasattr(config, "workerinput") or SERVER in os.environ:
        return
    stack = ExitStack()
    config.stash[_run] = stack
    os.environ[SERVER] = stack.enter_context(throwaway_postgis())
    stack.callback(os.environ.pop, SERVER)
    for template, prepare in (
        ("template_migrated", migrate),
        ("template_seeded", _migrate_and_seed),
    ):
        _administer(f"CREATE DATABASE {template}")
        engine = make_engine(_url(template))
        prepare(engine)
        engine.dispose()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that this process started."""
    if _run in config.stash:
        config.stash[_run].close()


def _migrate_and_seed(engine: Engine) -> None:
    migrate(engine)
    seed(engine, PROJECT / "seeds")


def _url(database: str) -> str:
    return make_url(os.environ[SERVER]).set(database=database).render_as_string(False)


def _administer(statement: str) -> None:
    engine = create_engine(make_url(os.environ[SERVER]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def _clone(template: str | None) -> Iterator[str]:
    name = f"clone_{uuid.uuid4().hex}"
    _administer(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
    try:
        yield _url(name)
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def clone() -> Callable[[str | None], AbstractContextManager[str]]:
    """Clone a template by name (None: nothing in it) for the length of a `with` block."""
    return _clone


@contextmanager
def _engine(template: str) -> Iterator[Engine]:
    with _clone(template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def seeded() -> Iterator[Engine]:
    """A seeded database that tests only read; each worker has its own."""
    with _engine("template_seeded") as engine:
        yield engine


@pytest.fixture
def own_seeded() -> Iterator[Engine]:
    """A seeded database of the test's own."""
    with _engine("template_seeded") as engine:
        yield engine


@pytest.fixture
def migrated() -> Iterator[Engine]:
    """A database of the test's own with the schema and nothing in it."""
    with _engine("template_migrated") as engine:
        yield engine


@pytest.fixture
def blank_url() -> Iterator[str]:
    """The URL of a database with nothing at all in it."""
    with _clone(None) as url:
        yield url


@pytest.fixture(scope="session")
def make_client() -> Callable[[Engine], TestClient]:
    """A client of the application on a database."""

    def make(engine: Engine) -> TestClient:
        return TestClient(create_service(Settings(_env_file=None), engine), follow_redirects=False)

    return make


@pytest.fixture(scope="session")
def client(seeded: Engine, make_client: Callable[[Engine], TestClient]) -> TestClient:
    """A client of the application on the seeds."""
    return make_client(seeded)


@pytest.fixture(scope="session")
def forgetful(seeded: Engine) -> TestClient:
    """A client of the application on the seeds that keeps no answers: it makes each one anew."""
    settings = Settings(_env_file=None, cache_mb=0)
    return TestClient(create_service(settings, seeded), follow_redirects=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the source tables, where a checkout has it beside it."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.exists():
        pytest.skip("the source tables are not beside this checkout")
    return folder
