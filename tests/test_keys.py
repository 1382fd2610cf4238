"""API keys: what is kept of them, when they work, and the commands that make and revoke them."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event, select, text
from typer.testing import CliRunner, Result

from app.cli import cli
from app.domain.errors import InvalidValueError, NotReadyError, UnknownRecordError
from app.settings import PROJECT
from app.store import keys
from app.store.engine import reading, writing
from app.store.keys import Key, Scope
from app.store.tables import api_keys

IN_A_DAY = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def connection(migrated: Engine) -> Iterator[Connection]:
    """A transaction that is not committed."""
    with migrated.connect() as connection:
        yield connection


def id_of(token: str) -> str:
    return token.split("_")[1]


def listed(connection: Connection, token: str) -> Key:
    (found,) = [key for key in keys.list_keys(connection) if key.id == id_of(token)]
    return found


def expire(connection: Connection, token: str, interval: str) -> None:
    connection.execute(
        text(f"UPDATE api_keys SET expires_at = now() + interval '{interval}' WHERE id = :id"),
        {"id": id_of(token)},
    )


def test_a_token_finds_its_key(connection: Connection) -> None:
    token = keys.create(connection, " desk ", [Scope.WRITE], IN_A_DAY)
    found = keys.find(connection, token)
    assert found == listed(connection, token)
    assert found.owner == "desk"
    assert found.scopes == (Scope.WRITE,)
    assert found.expires_at == IN_A_DAY
    assert found.revoked_at is None
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_token_splits_in_one_way_and_no_two_are_alike(connection: Connection) -> None:
    tokens = {keys.create(connection, "desk", [Scope.READ], None) for _ in range(50)}
    assert len({id_of(token) for token in tokens}) == 50
    for token in tokens:
        assert re.fullmatch("dc_[0-9a-f]{12}_[0-9A-Za-z]{43}", token)


def test_of_a_secret_only_the_hash_is_kept(connection: Connection) -> None:
    token = keys.create(connection, "desk", [Scope.READ], None)
    secret = token.split("_")[2]
    row = connection.execute(select(api_keys)).one()
    assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)
    assert row.secret_hash not in repr(keys.find(connection, token))
    assert row.secret_hash not in repr(keys.list_keys(connection))


def test_scopes_are_kept_once_and_in_their_order(connection: Connection) -> None:
    token = keys.create(connection, "desk", [Scope.WRITE, Scope.READ, Scope.WRITE], None)
    assert listed(connection, token).scopes == (Scope.READ, Scope.WRITE)


@pytest.mark.parametrize(
    ("held", "may"),
    [
        ([Scope.READ], [Scope.READ]),
        ([Scope.WRITE], [Scope.READ, Scope.WRITE]),
        ([Scope.ADMIN], [Scope.READ, Scope.WRITE, Scope.ADMIN]),
        ([Scope.READ, Scope.ADMIN], [Scope.READ, Scope.WRITE, Scope.ADMIN]),
    ],
)
def test_a_scope_includes_those_before_it(
    connection: Connection, held: list[Scope], may: list[Scope]
) -> None:
    key = listed(connection, keys.create(connection, "desk", held, None))
    assert [scope for scope in Scope if key.may(scope)] == may


@pytest.mark.parametrize(
    ("owner", "scopes", "expires_at", "field"),
    [
        ("", [Scope.READ], None, "owner"),
        (" ", [Scope.READ], None, "owner"),
        ("a\x00b", [Scope.READ], None, "owner"),
        ("a\nb", [Scope.READ], None, "owner"),
        ("desk", [], None, "scopes"),
        ("desk", [Scope.READ], datetime(2021, 6, 10, tzinfo=UTC), "expires_at"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    connection: Connection,
    owner: str,
    scopes: list[Scope],
    expires_at: datetime | None,
    field: str,
) -> None:
    with pytest.raises(InvalidValueError) as refused:
        keys.create(connection, owner, scopes, expires_at)
    assert refused.value.field == field
    assert keys.list_keys(connection) == []


TOKEN = "dc_0123456789ab_" + "x" * 43
NO_TOKENS = [
    "",
    "dc_",
    "dc__",
    TOKEN[:-1],
    TOKEN + "x",
    TOKEN + "\n",
    " " + TOKEN,
    TOKEN.upper(),
    TOKEN.replace("dc_", ""),
    TOKEN.replace("_", "-"),
    TOKEN.replace("x", "é"),
    TOKEN.replace("x", "\x00"),
    TOKEN.replace("0123456789ab", "0123456789AB"),
    TOKEN.replace("0123456789ab", "' OR 1=1 -- "),
    TOKEN * 1000,
]


@pytest.mark.parametrize("token", NO_TOKENS, ids=range(len(NO_TOKENS)))
def test_what_is_no_token_finds_nothing(connection: Connection, token: str) -> None:
    assert keys.find(connection, token) is None


def test_the_id_alone_or_with_another_secret_finds_nothing(connection: Connection) -> None:
    first, second = (keys.create(connection, "desk", [Scope.READ], None) for _ in range(2))
    assert keys.find(connection, f"dc_{id_of(first)}_{second.split('_')[2]}") is None
    assert keys.find(connection, f"dc_{id_of(first)}_{'0' * 43}") is None
    assert keys.find(connection, f"dc_{id_of(first)}_") is None


def test_a_key_works_until_it_expires_by_the_clock_of_the_database(connection: Connection) -> None:
    token = keys.create(connection, "desk", [Scope.READ], IN_A_DAY)
    expire(connection, token, "1 microsecond")
    assert keys.find(connection, token)
    # At the very instant it is over: `now()` is that of the transaction, and stands still.
    expire(connection, token, "0")
    assert keys.find(connection, token) is None
    assert listed(connection, token)


def test_a_revoked_key_does_not_work_and_keeps_the_first_instant(migrated: Engine) -> None:
    with writing(migrated) as connection:
        token = keys.create(connection, "desk", [Scope.READ], None)
        other = keys.create(connection, "desk", [Scope.READ], None)
    with writing(migrated) as connection:
        keys.revoke(connection, id_of(token))
    with reading(migrated) as connection:
        first = listed(connection, token).revoked_at
    with writing(migrated) as connection:
        keys.revoke(connection, id_of(token))
    with reading(migrated) as connection:
        assert first is not None
        assert listed(connection, token).revoked_at == first
        assert keys.find(connection, token) is None
        assert keys.find(connection, other)


def test_no_key_with_that_id_is_an_error_that_does_not_repeat_it(connection: Connection) -> None:
    with pytest.raises(UnknownRecordError) as unknown:
        keys.revoke(connection, TOKEN)
    assert "x" * 43 not in unknown.value.detail
    assert unknown.value.field == "id"


def test_whatever_is_wrong_with_a_token_takes_the_same_work(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time one statement, one hash, and one comparison in constant time of the same length."""
    fine, revoked, expired = (keys.create(connection, "desk", [Scope.READ], None) for _ in range(3))
    keys.revoke(connection, id_of(revoked))
    expire(connection, expired, "-1 hour")
    wrong = f"dc_{id_of(fine)}_{'0' * 43}"
    compare = hmac.compare_digest
    done: list[str] = []

    def watched(a: str, b: str) -> bool:
        done.append(f"compared {len(a)} with {len(b)}")
        return compare(a, b)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        done.append(statement)

    monkeypatch.setattr(keys.hmac, "compare_digest", watched)
    event.listen(connection, "before_cursor_execute", note)
    work = []
    for token in (fine, revoked, expired, wrong, TOKEN):
        done.clear()
        assert (keys.find(connection, token) is not None) == (token == fine)
        work.append(list(done))
    assert work == [work[0]] * 5
    assert work[0][1:] == ["compared 64 with 64"]


# The commands ---------------------------------------------------------------------------------


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def run(engine: Engine, *arguments: str) -> Result:
    # Wide enough that no cell of a table is wrapped.
    environment = {"DATABASE_URL": url_of(engine), "COLUMNS": "200"}
    return CliRunner().invoke(cli, ["keys", *arguments], env=environment)


def created(engine: Engine, *arguments: str) -> str:
    done = run(engine, "create", "--owner", "desk", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def all_keys(engine: Engine) -> list[Key]:
    with reading(engine) as connection:
        return keys.list_keys(connection)


def test_create_writes_the_token_alone_to_standard_output(migrated: Engine) -> None:
    """As a shell has it: `TOKEN=$(district-control keys create …)`."""
    program = "from app.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "keys", "create", "--owner=desk", "--scope=write"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": url_of(migrated)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    token = done.stdout.removesuffix("\n")
    assert re.fullmatch(r"dc_\w+_\w+", token)
    assert done.stderr
    assert token not in done.stderr
    with reading(migrated) as connection:
        found = keys.find(connection, token)
    assert found
    assert (found.owner, found.scopes, found.expires_at) == ("desk", (Scope.WRITE,), None)


def test_create_takes_several_scopes(migrated: Engine) -> None:
    created(migrated, "--scope", "admin", "--scope", "read")
    assert all_keys(migrated)[0].scopes == (Scope.READ, Scope.ADMIN)


def test_a_key_expires_on_a_day_or_after_some(migrated: Engine) -> None:
    created(migrated, "--scope", "read", "--expires", "2199-01-01")
    created(migrated, "--scope", "read", "--expires", "90d")
    on_a_day, after_some = (key.expires_at for key in all_keys(migrated))
    assert on_a_day == datetime(2199, 1, 1, tzinfo=UTC)
    assert after_some
    assert abs(after_some - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "expires",
    ["", "soon", "90", "-1d", "1.5d", "2199-02-30", "21990101", "9" * 9 + "d", "9" * 5000 + "d"],
    ids=lambda given: given[:12],
)
def test_an_expiry_that_is_none_is_refused(migrated: Engine, expires: str) -> None:
    done = run(migrated, "create", "--owner=desk", "--scope=read", f"--expires={expires}")
    assert done.exit_code == 2
    assert "--expires" in done.stderr
    assert done.stdout == ""
    assert all_keys(migrated) == []


@pytest.mark.parametrize("expires", ["2021-06-10", "0d"])
def test_an_expiry_in_the_past_is_refused(migrated: Engine, expires: str) -> None:
    done = run(migrated, "create", "--owner=desk", "--scope=read", f"--expires={expires}")
    assert isinstance(done.exception, InvalidValueError)
    assert done.stdout == ""
    assert all_keys(migrated) == []


@pytest.mark.parametrize(
    "arguments",
    [["--owner=desk"], ["--scope=read"], ["--owner=desk", "--scope=everything"]],
    ids=" ".join,
)
def test_create_needs_an_owner_and_scopes_that_exist(
    migrated: Engine, arguments: list[str]
) -> None:
    assert run(migrated, "create", *arguments).exit_code == 2
    assert all_keys(migrated) == []


def test_list_shows_every_key_and_no_secret(migrated: Engine) -> None:
    fine = created(migrated, "--scope=read", "--scope=write", "--expires=2199-01-01")
    gone = created(migrated, "--scope=read")
    assert run(migrated, "revoke", id_of(gone)).exit_code == 0
    table = run(migrated, "list").stdout
    document = run(migrated, "list", "--json").stdout
    with migrated.connect() as connection:
        hashes = connection.scalars(select(api_keys.c.secret_hash)).all()
    for output in (table, document):
        assert id_of(fine) in output
        assert id_of(gone) in output
        assert "2199-01-01T00:00:00Z" in output
        for secret in (fine.split("_")[2], gone.split("_")[2], *hashes):
            assert secret not in output
    assert "read, write" in table
    first, second = json.loads(document)
    assert first.keys() == {"id", "owner", "scopes", "created", "expires", "revoked"}
    assert first["scopes"] == ["read", "write"]
    assert first["revoked"] is None
    assert second["expires"] is None
    assert second["revoked"]


def test_an_owner_is_shown_as_written(migrated: Engine) -> None:
    with writing(migrated) as connection:
        keys.create(connection, "[red]desk[/red] کابل", [Scope.READ], None)
    assert "[red]desk[/red] کابل" in run(migrated, "list").stdout
    assert json.loads(run(migrated, "list", "--json").stdout)[0]["owner"] == "[red]desk[/red] کابل"


def test_without_keys_the_list_is_empty(migrated: Engine) -> None:
    assert json.loads(run(migrated, "list", "--json").stdout) == []
    assert run(migrated, "list").exit_code == 0


def test_revoke_is_final_and_can_be_repeated(migrated: Engine) -> None:
    token = created(migrated, "--scope=read")
    for _ in range(2):
        done = run(migrated, "revoke", id_of(token))
        assert done.exit_code == 0
        assert id_of(token) in done.stderr
    with reading(migrated) as connection:
        assert keys.find(connection, token) is None


def test_revoking_what_is_no_key_is_told(migrated: Engine) -> None:
    done = run(migrated, "revoke", "0123456789ab")
    assert isinstance(done.exception, UnknownRecordError)


@pytest.mark.parametrize(
    "arguments",
    [["create", "--owner=desk", "--scope=read"], ["list"], ["revoke", "0123456789ab"]],
    ids=lambda arguments: arguments[0],
)
def test_a_database_that_is_not_migrated_is_told_and_not_migrated(
    blank_url: str, arguments: list[str]
) -> None:
    done = CliRunner().invoke(cli, ["keys", *arguments], env={"DATABASE_URL": blank_url})
    assert isinstance(done.exception, NotReadyError)
    assert "district-control migrate" in done.exception.detail
    assert done.stdout == ""
