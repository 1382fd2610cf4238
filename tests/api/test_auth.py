"""Who may ask and write: API keys over HTTP, their scopes, and limits for everybody."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from limits.storage import MemoryStorage
from pydantic import ValidationError
from sqlalchemy import Engine, event, text
from structlog.testing import capture_logs

from app.api.app import create_app
from app.api.auth import READS_BY_POST, Admin, Writer
from app.api.limits import Limits
from app.domain.errors import InvalidValueError
from app.settings import OFF, Settings
from app.store import keys
from app.store.engine import make_engine, writing
from app.store.keys import Scope

from .asking import assert_problem

NO_ERROR = 'Bearer realm="district-control"'
INVALID = NO_ERROR + ', error="invalid_token"'
UNKNOWN = "dc_0123456789ab_" + "x" * 43
OPEN = [
    "/docs",
    "/openapi.json",
    "/static-offline-docs/swagger-ui.css",
    "/healthz",
    "/metrics",
]


def make_app(engine: Engine, **settings: Any) -> FastAPI:
    """The application with a route that writes and one for administrators."""
    app = create_app(Settings(_env_file=None, **settings), engine)

    def write(caller: Writer, number: int = 0) -> dict[str, str]:
        return {"owner": caller.owner, "key": caller.key_id}

    def administer(caller: Admin) -> dict[str, str]:
        return {"owner": caller.owner}

    app.add_api_route("/written", write, methods=["POST"])
    app.add_api_route("/administered", administer, methods=["POST"])
    return app


def at(app: FastAPI, token: str | None = None, host: str = "192.0.2.1") -> TestClient:
    """A client of the application with an address, and perhaps a key."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return TestClient(app, headers=headers, client=(host, 50_000), follow_redirects=False)


def make_key(engine: Engine, *scopes: Scope) -> str:
    with writing(engine) as connection:
        return keys.create(connection, "desk", scopes or (Scope.WRITE,), None)


def change_key(engine: Engine, token: str, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(f"UPDATE api_keys SET {change} WHERE id = :id"), {"id": token.split("_")[1]}
        )


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the block sends to the database."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def assert_unauthorized(response: Response, challenge: str) -> None:
    assert_problem(response, 401)
    assert response.headers["www-authenticate"] == challenge


def assert_limited(response: Response, most: int) -> int:
    """A 429 that says after how many seconds to come back, at most that many."""
    assert_problem(response, 429)
    assert re.fullmatch("[0-9]+", response.headers["retry-after"])
    seconds = int(response.headers["retry-after"])
    assert 1 <= seconds <= most
    return seconds


# Keys and scopes ------------------------------------------------------------------------------


def test_a_key_writes_in_the_name_of_its_owner(migrated: Engine) -> None:
    token = make_key(migrated)
    answer = at(make_app(migrated), token).post("/written")
    assert answer.status_code == 200
    assert answer.json() == {"owner": "desk", "key": token.split("_")[1]}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer ", "Bearer  "])
def test_the_scheme_is_read_as_http_reads_it(migrated: Engine, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {make_key(migrated)}"}
    assert at(make_app(migrated)).post("/written", headers=headers).status_code == 200


def test_without_a_key_nothing_is_written(migrated: Engine) -> None:
    assert_unauthorized(at(make_app(migrated)).post("/written"), NO_ERROR)


HEADERS = [
    ("", NO_ERROR),
    (" ", NO_ERROR),
    ("Bearer", NO_ERROR),
    ("Bearer ", NO_ERROR),
    ("Basic ZGVzazpzZWNyZXQ=", NO_ERROR),
    (f"Token {UNKNOWN}", NO_ERROR),
    (UNKNOWN, NO_ERROR),
    (f"Bearer={UNKNOWN}", NO_ERROR),
    (f"Bearer {UNKNOWN}", INVALID),
    (f"Bearer {UNKNOWN[:-1]}", INVALID),
    (f"Bearer {UNKNOWN}, Bearer {UNKNOWN}", INVALID),
    ("Bearer dc_", INVALID),
    ("Bearer a b c", INVALID),
    (b"Bearer \xff\xfe", INVALID),
    ("Bearer " + "x" * 10_000, INVALID),
]


@pytest.mark.parametrize(("header", "challenge"), HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_header_that_has_no_key_is_a_401_everywhere(
    migrated: Engine, header: str | bytes, challenge: str, method: str
) -> None:
    """Also on reads, which are open: who sends a key should learn that it does not work."""
    client = at(make_app(migrated))
    path = "/written" if method == "POST" else "/actors"
    response = client.request(method, path, headers={"Authorization": header})
    if method == "HEAD":
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == challenge
    else:
        assert_unauthorized(response, challenge)


def test_of_two_headers_none_counts(migrated: Engine) -> None:
    header = ("Authorization", f"Bearer {make_key(migrated)}")
    client = at(make_app(migrated))
    assert_unauthorized(client.post("/written", headers=[header, header]), NO_ERROR)


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = now()",
        "expires_at = now() - interval '1 microsecond'",
        f"secret_hash = '{'0' * 64}'",
    ],
)
def test_a_key_that_stops_working_does_so_at_once_and_everywhere(
    migrated: Engine, change: str
) -> None:
    token = make_key(migrated)
    client = at(make_app(migrated), token)
    assert client.post("/written").status_code == 200
    assert client.get("/actors").status_code == 200
    change_key(migrated, token, change)
    assert_unauthorized(client.post("/written"), INVALID)
    assert_unauthorized(client.get("/actors"), INVALID)


def test_what_is_wrong_with_a_key_is_not_told(migrated: Engine) -> None:
    revoked, expired = make_key(migrated), make_key(migrated)
    change_key(migrated, revoked, "revoked_at = now()")
    change_key(migrated, expired, "expires_at = now()")
    app = make_app(migrated)
    told = {at(app, token).get("/actors").text for token in (revoked, expired, UNKNOWN, "dc_")}
    assert len(told) == 1


@pytest.mark.parametrize(
    ("path", "held", "wanted"),
    [
        ("/written", Scope.READ, "write"),
        ("/administered", Scope.READ, "admin"),
        ("/administered", Scope.WRITE, "admin"),
    ],
)
def test_a_key_without_the_scope_is_a_403_that_names_it(
    migrated: Engine, path: str, held: Scope, wanted: str
) -> None:
    response = at(make_app(migrated), make_key(migrated, held)).post(path)
    assert wanted in assert_problem(response, 403)["detail"]
    assert response.headers["www-authenticate"] == (
        f'{NO_ERROR}, error="insufficient_scope", scope="{wanted}"'
    )


def test_an_administrator_may_write(migrated: Engine) -> None:
    client = at(make_app(migrated), make_key(migrated, Scope.ADMIN))
    assert client.post("/written").status_code == 200
    assert client.post("/administered").status_code == 200


def test_who_may_not_write_does_not_learn_what_else_is_wrong(migrated: Engine) -> None:
    app = make_app(migrated)
    assert_unauthorized(at(app).post("/written?number=none"), NO_ERROR)
    assert_problem(at(app, make_key(migrated, Scope.READ)).post("/written?number=none"), 403)
    assert_problem(at(app, make_key(migrated)).post("/written?number=none"), 422, "number")


# Reads ----------------------------------------------------------------------------------------


def test_reads_are_open_and_take_a_key_of_any_scope(migrated: Engine) -> None:
    app = make_app(migrated)
    assert at(app).get("/actors").status_code == 200
    for scope in Scope:
        assert at(app, make_key(migrated, scope)).get("/actors").status_code == 200


def test_closed_reads_need_a_key_of_any_scope(migrated: Engine) -> None:
    app = make_app(migrated, reads_need_key=True)
    for path in ("/actors", "/control", "/districts/AF2907/control"):
        assert_unauthorized(at(app).get(path), NO_ERROR)
    assert at(app).head("/actors").status_code == 401
    for scope in Scope:
        client = at(app, make_key(migrated, scope))
        assert client.get("/actors").status_code == 200
        assert client.head("/actors").status_code == 200


def test_who_has_an_old_answer_does_not_get_a_304_without_a_key(migrated: Engine) -> None:
    app = make_app(migrated, reads_need_key=True)
    etag = at(app, make_key(migrated)).get("/actors").headers["etag"]
    assert_unauthorized(at(app).get("/actors", headers={"If-None-Match": etag}), NO_ERROR)


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("header", [None, f"Bearer {UNKNOWN}", "Basic x"])
def test_what_operators_and_readers_of_the_documentation_need_stays_open(
    migrated: Engine, path: str, header: str | None
) -> None:
    app = make_app(
        migrated, reads_need_key=True, rate_limit_reads="1/hour", rate_limit_failures="1/hour"
    )
    headers = {"Authorization": header} if header else {}
    for _ in range(3):
        assert at(app).get(path, headers=headers).status_code in (200, 307)


def test_readiness_is_open_too(migrated: Engine) -> None:
    app = make_app(migrated, reads_need_key=True, rate_limit_reads="1/hour")
    for _ in range(3):
        response = at(app, UNKNOWN).get("/readyz")
        assert assert_problem(response, 503)["seeds"] is False


# The database ---------------------------------------------------------------------------------


def test_the_key_is_looked_up_once_and_only_when_there_is_one(migrated: Engine) -> None:
    app = make_app(migrated)
    token = make_key(migrated)
    at(app, token).post("/written")  # the first use of a connection may ask the server about itself
    with counted(migrated) as sent:
        assert at(app, token).post("/written").status_code == 200
        assert [statement for statement in sent if "api_keys" in statement] == sent
        assert len(sent) == 1
        at(app).post("/written")
        at(app, "dc_malformed").post("/written")
        assert len(sent) == 1
        at(app).get("/actors")
        assert not [statement for statement in sent[1:] if "api_keys" in statement]


def test_without_a_database_a_key_is_a_503_and_no_failure() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    app = make_app(engine, rate_limit_failures="1/hour")
    for _ in range(3):
        response = at(app, UNKNOWN).post("/written")
        assert_problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
    assert_unauthorized(at(app).post("/written"), NO_ERROR)


def test_without_migrations_a_key_is_a_503(blank_url: str) -> None:
    engine = make_engine(blank_url)
    assert_problem(at(make_app(engine), UNKNOWN).post("/written"), 503)
    engine.dispose()


def test_more_callers_at_once_than_threads_and_connections_are_all_answered(
    migrated: Engine,
) -> None:
    """Nobody waits for a second connection with the first in hand."""
    url = migrated.url.render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=1)
    app = make_app(engine, pool_size=1)
    headers = {"Authorization": f"Bearer {make_key(migrated)}"}

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://here", headers=headers
        ) as client:
            asked = [client.get("/actors") for _ in range(60)]
            asked += [client.post("/written") for _ in range(60)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    async def in_time() -> list[int]:
        return await asyncio.wait_for(ask_all(), timeout=25)

    statuses = asyncio.run(in_time())
    engine.dispose()
    assert Counter(statuses) == {200: 120}


# Limits ---------------------------------------------------------------------------------------


def test_reads_and_writes_are_counted_apart(migrated: Engine) -> None:
    app = make_app(migrated, rate_limit_reads="2/hour", rate_limit_writes="1/hour")
    client = at(app, make_key(migrated))
    assert client.get("/actors").status_code == 200
    assert client.head("/actors").status_code == 200
    assert assert_limited(client.get("/actors"), 3600) > 3500
    assert client.post("/written").status_code == 200
    assert assert_limited(client.post("/written"), 3600) > 3500


def test_who_has_a_key_is_counted_by_it_wherever_they_are(migrated: Engine) -> None:
    app = make_app(migrated, rate_limit_reads="1/hour")
    first, second = make_key(migrated), make_key(migrated)
    assert at(app, first, "192.0.2.1").get("/actors").status_code == 200
    assert_limited(at(app, first, "192.0.2.2").get("/actors"), 3600)
    assert at(app, second, "192.0.2.1").get("/actors").status_code == 200
    assert at(app, None, "192.0.2.1").get("/actors").status_code == 200


def test_who_has_no_key_is_counted_by_the_address(migrated: Engine) -> None:
    app = make_app(migrated, rate_limit_reads="1/hour", rate_limit_writes="1/hour")
    assert at(app, host="192.0.2.1").get("/actors").status_code == 200
    assert_limited(at(app, host="192.0.2.1").get("/actors"), 3600)
    assert at(app, host="2001:db8::1").get("/actors").status_code == 200
    # Writes without a key are refused, and counted all the same.
    assert_unauthorized(at(app).post("/written"), NO_ERROR)
    assert_limited(at(app).post("/written"), 3600)


def test_requests_without_an_address_are_counted_together(migrated: Engine) -> None:
    """As over a Unix socket."""
    app = make_app(migrated, rate_limit_reads="1/hour")

    async def without_client(scope: Any, receive: Any, send: Any) -> None:
        await app(
            dict(scope) | {"client": None} if scope["type"] == "http" else scope, receive, send
        )

    client = TestClient(without_client)
    assert client.get("/actors").status_code == 200
    assert_limited(client.get("/actors"), 3600)


def test_closed_reads_are_counted_before_they_are_refused(migrated: Engine) -> None:
    app = make_app(migrated, reads_need_key=True, rate_limit_reads="1/hour")
    assert_unauthorized(at(app).get("/actors"), NO_ERROR)
    assert_limited(at(app).get("/actors"), 3600)


def test_after_retry_after_the_next_request_is_answered(migrated: Engine) -> None:
    client = at(make_app(migrated, rate_limit_reads="1/second"))
    assert client.get("/actors").status_code == 200
    time.sleep(assert_limited(client.get("/actors"), 1))
    assert client.get("/actors").status_code == 200


def test_guesses_are_limited_for_each_address_and_then_not_even_looked_up(
    migrated: Engine,
) -> None:
    app = make_app(migrated, rate_limit_failures="3/hour")
    token = make_key(migrated)
    for guess in (UNKNOWN, "dc_malformed", token[:-1] + "_"):
        assert_unauthorized(at(app, guess).get("/actors"), INVALID)
    with counted(migrated) as sent:
        assert_limited(at(app, UNKNOWN).get("/actors"), 3600)
        # Nor does the address learn that a guess was right.
        assert_limited(at(app, token).get("/actors"), 3600)
    assert sent == []
    assert at(app, token, "192.0.2.2").get("/actors").status_code == 200
    assert at(app).get("/actors").status_code == 200


def test_keys_that_work_are_no_failures(migrated: Engine) -> None:
    client = at(make_app(migrated, rate_limit_failures="1/hour"), make_key(migrated, Scope.READ))
    for _ in range(3):
        assert client.get("/actors").status_code == 200
        assert_problem(client.post("/written"), 403)


@pytest.mark.parametrize("off", ["off", "OFF", ""])
def test_a_limit_can_be_turned_off(migrated: Engine, off: str) -> None:
    app = make_app(
        migrated, rate_limit_reads=off, rate_limit_writes="1/hour", rate_limit_failures=off
    )
    for _ in range(40):
        assert at(app).get("/actors").status_code == 200
        assert_unauthorized(at(app, "dc_malformed").get("/actors"), INVALID)


LIMITS = ["rate_limit_reads", "rate_limit_writes", "rate_limit_failures"]


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    "limit", ["many", "10", "10/fortnight", "-1/minute", "0/minute", "1/second;10/minute", "none"]
)
def test_a_limit_that_cannot_be_read_is_an_error_of_its_setting(name: str, limit: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, **{name: limit})
    assert [fault["loc"] for fault in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize("name", LIMITS)
def test_limits_come_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), "7 per 2 minutes")
    assert getattr(Settings(_env_file=None), name) == "7 per 2 minutes"
    monkeypatch.setenv(name.upper(), OFF)
    assert getattr(Settings(_env_file=None), name) == OFF
    # An empty variable is one that is not set.
    monkeypatch.setenv(name.upper(), "")
    assert getattr(Settings(_env_file=None), name) == Settings.model_fields[name].default


def test_each_application_counts_for_itself_in_memory(migrated: Engine) -> None:
    apps = [make_app(migrated, rate_limit_reads="1/hour") for _ in range(2)]
    assert [at(app).get("/actors").status_code for app in apps] == [200, 200]


class Shared(MemoryStorage):
    """What a server would be: every application with this URL counts in the same place."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["shared"]
    counts: ClassVar[Counter[str]] = Counter()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self.counts[key] += amount
        return self.counts[key]


class Gone(MemoryStorage):
    """A server that cannot be reached."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["gone"]

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise ValueError("password hunter2 was refused")


def test_any_storage_that_the_library_knows_can_be_shared(migrated: Engine) -> None:
    settings = {"rate_limit_reads": "1/hour", "rate_limit_storage": "shared://"}
    first, second = (make_app(migrated, **settings) for _ in range(2))
    assert at(first).get("/actors").status_code == 200
    assert_limited(at(second).get("/actors"), 3600)
    assert all("district-control" in name for name in Shared.counts)


def test_a_storage_that_cannot_be_reached_is_a_503(migrated: Engine) -> None:
    response = at(make_app(migrated, rate_limit_storage="gone://")).get("/actors")
    assert_problem(response, 503)
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    "url",
    ["", "memory", "nowhere://user:hunter2@host", "async+memory://", "redis://:hunter2@host:x"],
)
def test_a_storage_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(InvalidValueError, match="RATE_LIMIT_STORAGE") as refused:
        Limits(Settings(_env_file=None, rate_limit_storage=url))
    assert "hunter2" not in refused.value.detail


# What others see ------------------------------------------------------------------------------


def test_no_token_is_ever_repeated(migrated: Engine, caplog: pytest.LogCaptureFixture) -> None:
    fine, revoked = make_key(migrated, Scope.READ), make_key(migrated)
    change_key(migrated, revoked, "revoked_at = now()")
    app = make_app(migrated, rate_limit_failures="2/hour", rate_limit_reads="1/hour")
    seen = []
    with capture_logs() as log, caplog.at_level(0):
        for token in (fine, revoked, UNKNOWN, UNKNOWN):
            for method, path in (("GET", "/actors"), ("POST", "/written")):
                response = at(app, token).request(method, path)
                seen.append(f"{response.headers} {response.text}")
    assert len(log) == 8
    with migrated.connect() as connection:
        hashes = connection.scalars(text("SELECT secret_hash FROM api_keys")).all()
    told = f"{seen} {log} {caplog.text}"
    for secret in (fine.split("_")[2], revoked.split("_")[2], UNKNOWN.split("_")[2], *hashes):
        assert secret not in told


def test_refusals_are_logged_and_measured_like_every_answer(migrated: Engine) -> None:
    client = at(make_app(migrated))
    with capture_logs() as log:
        response = client.post("/written")
    (entry,) = log
    assert entry["status"] == 401
    assert entry["route"] == "/written"
    assert entry["request_id"] == response.headers["x-request-id"]
    measured = 'method="POST",route="/written",status="401"'
    assert measured in client.get("/metrics").text


def test_pages_of_other_origins_may_write_and_read_the_refusal(migrated: Engine) -> None:
    client = at(make_app(migrated))
    asked = client.options(
        "/written",
        headers={
            "Origin": "https://map.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert asked.status_code == 200
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    refused = client.post("/written", headers={"Origin": "https://map.example"})
    assert_unauthorized(refused, NO_ERROR)
    shown = refused.headers["access-control-expose-headers"]
    assert {"Location", "Retry-After", "WWW-Authenticate"} <= set(shown.split(", "))


def document_of(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = at(app).get("/openapi.json").json()
    return document


def test_the_documentation_offers_to_send_a_key_where_one_is_needed(migrated: Engine) -> None:
    document = document_of(make_app(migrated))
    scheme = document["components"]["securitySchemes"]["ApiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["paths"]["/written"]["post"]["security"] == [{"ApiKey": []}]
    assert "security" not in document["paths"]["/actors"]["get"]
    closed = document_of(make_app(migrated, reads_need_key=True))
    assert closed["paths"]["/actors"]["get"]["security"] == [{"ApiKey": []}]
    assert "security" not in closed["paths"]["/healthz"]["get"]


def test_every_operation_documents_that_it_can_refuse(migrated: Engine) -> None:
    for path in document_of(make_app(migrated))["paths"].values():
        for operation in path.values():
            for status in ("401", "429"):
                content = operation["responses"][status]["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_no_operation_that_is_no_read_is_without_a_key(migrated: Engine) -> None:
    for path, operations in document_of(create_app(Settings(_env_file=None), migrated))[
        "paths"
    ].items():
        for method, operation in operations.items():
            if method != "get" and path not in READS_BY_POST:
                assert operation.get("security") == [{"ApiKey": []}], f"{method} {path}"
