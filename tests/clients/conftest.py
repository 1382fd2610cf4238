"""A real server for programs that are not ours."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from ..services import Service, serving


@pytest.fixture(scope="session")
def service(seeded: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on the seeds, over a real socket."""
    url = seeded.url.render_as_string(hide_password=False)
    with serving(url, tmp_path_factory.mktemp("service") / "log") as running:
        yield running
