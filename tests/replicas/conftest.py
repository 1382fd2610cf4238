"""The pair of servers that the tests of this folder speak to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local_postgis import find_postgis
from app.local_postgis.cluster import DATABASE
from app.seeding import seed
from app.settings import PROJECT
from app.store.engine import Engine, make_engine
from app.store.schema import migrate

from ..services import make_token
from .office import Office, office
from .pair import Pair, new_node, new_pair


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """The data of a stopped server whose record holds the seeds."""
    programs = find_postgis()
    if programs is None or not (programs / "pg_basebackup").exists():
        pytest.skip("there is no pg_basebackup to make a standby with")
    with new_node("template") as node:
        node.server.initialise("--no-sync")
        node.start()
        node.ask(f"CREATE DATABASE {DATABASE} TEMPLATE template0", database="postgres")
        engine = make_engine(node.url)
        migrate(engine)
        seed(engine, PROJECT / "seeds")
        engine.dispose()
        node.stop("fast")
        yield node.server.data


@pytest.fixture(scope="module")
def pair(template: Path) -> Iterator[Pair]:
    """A primary and a standby that a module's tests share; each leaves both running."""
    with new_pair(template) as made:
        yield made


@pytest.fixture(scope="module")
def engine(pair: Pair) -> Iterator[Engine]:
    engine = make_engine(pair.primary.url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def token(pair: Pair, engine: Engine) -> str:
    return make_token(engine, "desk")


@pytest.fixture
def desk(pair: Pair, engine: Engine, token: str) -> Iterator[Office]:
    """Services on the pair, which is whole and in step before and after each test."""
    pair.lag_gone()
    with office(pair, engine, token) as made:
        yield made
    for node in (pair.primary, pair.replica):
        if not node.server.is_alive():
            node.start()
    pair.resume()
    pair.lag_gone()
