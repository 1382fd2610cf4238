"""Writing over HTTP, as the tests in this folder do."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, text

from app.api.app import create_app
from app.settings import Settings
from app.store.keys import Scope

from ..services import make_token

Body = dict[str, Any]
THEN = "2021-08-31"
"""A day after all that the seeds and these tests speak of."""


def a_citation(**members: Any) -> Body:
    return {
        "source": "tolonews",
        "published": "2021-07-02",
        "asserted": "2021-07-01",
        "basis": "local",
    } | members


def an_event(**members: Any) -> Body:
    return {
        "district": "AF0102",
        "kind": "capture",
        "controller": "taliban",
        "citations": [a_citation()],
    } | members


def client_of(engine: Engine, token: str | None = None, **settings: Any) -> TestClient:
    """A client with a key, of an application of its own."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    chosen = {"rate_limit_reads": "off", "rate_limit_writes": "off"} | settings
    app = create_app(Settings(_env_file=None, **chosen), engine)
    return TestClient(app, headers=headers, follow_redirects=False)


@dataclass(frozen=True)
class Desk:
    """A seeded database, and clients with keys: Ann may do all, Bob may write, Eve may read."""

    engine: Engine
    ann: TestClient
    bob: TestClient
    eve: TestClient
    nobody: TestClient

    @classmethod
    def on(cls, engine: Engine) -> "Desk":
        scopes = {"ann": Scope.ADMIN, "bob": Scope.WRITE, "eve": Scope.READ}
        tokens = {owner: make_token(engine, owner, scope) for owner, scope in scopes.items()}
        return cls(
            engine,
            nobody=client_of(engine),
            **{owner: client_of(engine, token) for owner, token in tokens.items()},
        )

    def revision(self) -> int:
        with self.engine.connect() as connection:
            newest: int = connection.execute(
                text("SELECT max(revision) FROM revisions")
            ).scalar_one()
            return newest

    def record(self, **members: Any) -> Body:
        """Let Ann record an event, and give the answer."""
        return written(self.ann.post("/events", json=an_event(**members)))


def written(response: Response) -> Body:
    """What a write has answered that was done."""
    assert response.status_code == 201, f"{response.status_code}: {response.text[:500]}"
    answer: Body = response.json()
    return answer


def at_version(version: int | str) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}
