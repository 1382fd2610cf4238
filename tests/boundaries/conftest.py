"""Fixtures: shapes that the seeds have themselves, and commands on a database of the test's own."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import shapely
from sqlalchemy import Engine, text

from tests.boundaries.commands import ABOUT, Done, Drawn, run_here


@pytest.fixture(scope="module")
def drawn(seeded: Engine) -> Drawn:
    with seeded.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT id, name, ST_AsBinary(geom) AS shape FROM district_shapes "
                "JOIN districts ON id = district_id WHERE province_id = 'AF10' ORDER BY id"
            )
        ).all()
    assert len(rows) == 7
    shapes = [shapely.from_wkb(bytes(row.shape)) for row in rows]
    return Drawn([row.id for row in rows], [row.name for row in rows], shapes)


@pytest.fixture
def run(
    own_seeded: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Done]]:
    """A function that runs a command on the test's own database."""
    monkeypatch.setenv("DATABASE_URL", own_seeded.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COLUMNS", "140")
    yield partial(run_here, monkeypatch, capsys)


@pytest.fixture
def load(run: Callable[..., Done]) -> Callable[..., Done]:
    """A function that imports a file as the set `trial`."""
    return lambda file, *more: run("import", "boundaries", file, *ABOUT, *more)
