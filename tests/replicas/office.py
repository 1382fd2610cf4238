"""The service on a pair of servers, within this process, and what it says of who answered."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from app.service import create_service
from app.settings import Settings
from app.store.engine import Engine

from ..api.writing import an_event, written
from .pair import DATABASE, ROLE, Node, Pair

_READS = re.compile(r'^reads_total\{from="(\w+)"\} (\S+)$', re.MULTILINE)
_IN_USE = re.compile(r"^replicas_in_use (\S+)$", re.MULTILINE)


def several(*nodes: Node) -> str:
    """READ_DATABASE_URL, as libpq writes several hosts."""
    return f"postgresql://{ROLE}@{','.join(node.address for node in nodes)}/{DATABASE}"


def who_answered(client: TestClient, address: str) -> tuple[Response, set[str]]:
    """An answer, and whom the service says that it has asked for it."""
    before = reads(client)
    answer = client.get(address)
    after = reads(client)
    return answer, {who for who in after if after[who] > before[who]}


def reads(client: TestClient) -> dict[str, float]:
    return {who: float(times) for who, times in _READS.findall(client.get("/metrics").text)}


def replicas_in_use(client: TestClient) -> int:
    found = _IN_USE.search(client.get("/metrics").text)
    assert found
    return int(float(found[1]))


@dataclass(frozen=True)
class Office:
    """One engine on the primary, and clients of services on it."""

    pair: Pair
    engine: Engine
    token: str
    stack: ExitStack

    def client(
        self, *, replicas: bool = True, cache_mb: int = 0, hearing: bool = False, **more: Any
    ) -> TestClient:
        """A client of a new service; `hearing` is whether its process hears of revisions."""
        given = more if "read_database_url" in more or not replicas else {}
        if replicas and not given:
            given = {"read_database_url": several(self.pair.replica)}
        settings = Settings(
            _env_file=None,
            cache_mb=cache_mb,
            rate_limit_reads="off",
            rate_limit_writes="off",
            **given,
        )
        app = create_service(settings, self.engine)
        self.stack.callback(app.state.databases.dispose)
        client = TestClient(app, follow_redirects=False)
        return self.stack.enter_context(client) if hearing else client

    def send(self, client: TestClient, key: str, **members: Any) -> Response:
        """An answer to a report that is sent under a key."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return client.post("/events", json=an_event(**members), headers=headers)

    def record(self, client: TestClient, key: str, **members: Any) -> int:
        """The revision under which an event was recorded."""
        revision: int = written(self.send(client, key, **members))["revision"]
        return revision


@contextmanager
def office(pair: Pair, engine: Engine, token: str) -> Iterator[Office]:
    with ExitStack() as stack:
        yield Office(pair, engine, token, stack)


def newest(pair: Pair) -> int:
    """The number of the newest revision on the primary."""
    revision: int = pair.primary.ask("SELECT max(revision) FROM revisions")
    return revision


def instant_of(pair: Pair, revision: int) -> datetime:
    found = pair.primary.ask("SELECT recorded_at FROM revisions WHERE revision = %s", revision)
    assert isinstance(found, datetime)
    return found


def revision_of(answer: Response) -> int:
    assert answer.status_code == 200, answer.text[:500]
    revision: int = answer.json()["revision"]
    return revision


def assert_refused(answer: Response, status: int, parameter: str | None = None) -> None:
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    if parameter:
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0
