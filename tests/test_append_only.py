"""What is recorded stays: no row of the record is changed or removed, only closed, once."""

from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Engine,
    Executable,
    Integer,
    SmallInteger,
    Table,
    Text,
    TextClause,
    Uuid,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.domain.errors import RecordRuleError
from app.store.engine import writing
from app.store.tables import (
    actors,
    citations,
    event_versions,
    events,
    imports,
    metadata,
    revisions,
    seals,
    sources,
)

RECORD = (revisions, actors, sources, events, event_versions, citations, imports, seals)
UNDER_A_REVISION = (actors, sources, events, event_versions, citations, imports)
CLOSABLE = (event_versions, citations)
# Another value of each type, whatever the value is now.
OTHER = {
    BigInteger: "coalesce({0}, 0) + 1",
    Integer: "coalesce({0}, 0) + 1",
    SmallInteger: "coalesce({0}, 0) % 6 + 1",
    DateTime: "coalesce({0}, now()) - interval '1 hour'",
    Text: "coalesce({0}, '') || 'x'",
    Uuid: "gen_random_uuid()",
    ARRAY: "array_append({0}, 'x')",
    JSONB: """{0} || '{{"x": 1}}'""",
}
REVISE = text("""
    INSERT INTO revisions (revision, recorded_at, author, action)
    SELECT max(revision) + 1, greatest(clock_timestamp(), max(recorded_at) + interval '1 us'),
           'ann', 'cite'
    FROM revisions
""")
# Close a row that the first revision opened, at the instant of the newest one.
CLOSE = """
    UPDATE {0} SET known_until = recorded_at, closing_revision = newest.revision {1}
    FROM (SELECT * FROM revisions ORDER BY revision DESC LIMIT 1) AS newest
    WHERE {0}.ctid = (
        SELECT ctid FROM {0}
        ORDER BY revision, to_jsonb({0}) ->> 'event_id', to_jsonb({0}) ->> 'id' LIMIT 1
    )
"""


def another(column: Column[Any]) -> TextClause:
    """Another value for a column; a counted one PostgreSQL lets be set to its next value only."""
    value = OTHER[type(column.type)].format(f"{column.table.name}.{column.name}")
    return text("DEFAULT" if column.identity else value)


def refusal(engine: Engine, *statements: Executable, revise: bool = True) -> str:
    """The rule that the last of these statements breaks, after the others have changed a row."""
    *before, last = statements
    with pytest.raises(RecordRuleError) as refused, writing(engine) as connection:
        if revise:
            connection.execute(REVISE)
        for statement in before:
            assert connection.execute(statement).rowcount == 1
        connection.execute(last)
        raise AssertionError("accepted")
    return refused.value.constraint


def close(table: Table, also: str = "") -> TextClause:
    return text(CLOSE.format(table.name, also))


@pytest.mark.parametrize("column", [c for table in RECORD for c in table.columns], ids=str)
def test_no_column_changes(seeded: Engine, column: Column[Any]) -> None:
    # A period is closed by its bound and its revision together: the bound alone has none.
    rule = "own_revision" if column.name == "known_until" else "append_only"
    changed = update(column.table).values({column: another(column)})
    assert refusal(seeded, changed) == f"{column.table.name}_{rule}"


@pytest.mark.parametrize("table", RECORD, ids=str)
def test_nothing_is_removed(seeded: Engine, table: Table) -> None:
    rule = f"{table}_append_only"
    assert refusal(seeded, delete(table)) == rule
    # Without a revision of its own: while that one waits for its seal, PostgreSQL itself refuses.
    assert refusal(seeded, text(f"TRUNCATE {table} CASCADE"), revise=False) == rule
    # An update that changes nothing is one all the same.
    assert refusal(seeded, update(table).values(revision=table.c.revision)) == rule


def test_no_row_is_replaced_by_an_insert(seeded: Engine) -> None:
    upsert = text(
        "INSERT INTO citations SELECT * FROM citations LIMIT 1"
        " ON CONFLICT (id) DO UPDATE SET title = 'another'"
    )
    assert refusal(seeded, upsert) == "citations_own_revision"


@pytest.mark.parametrize("table", UNDER_A_REVISION, ids=str)
def test_nothing_is_put_into_the_past(seeded: Engine, table: Table) -> None:
    """A row under an earlier revision would change answers that were given."""
    columns = [column.name for column in table.columns if not column.identity]
    new = {"id": "gen_random_uuid()", "name": "name || ' too'"}
    copied = ", ".join(new.get(name, name) for name in columns)
    backdated = text(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} FROM {table}")
    assert refusal(seeded, backdated) == f"{table}_own_revision"


def test_no_seal_is_put_into_the_past(seeded: Engine) -> None:
    """Neither a second one for a revision that has its own, nor one for a revision to come."""
    for revision in ("revision", "revision + 2"):
        again = text(
            f"INSERT INTO seals SELECT {revision}, content_hash, hash FROM seals"
            " ORDER BY revision DESC LIMIT 1"
        )
        assert refusal(seeded, again) == "seals_next_seal"


@pytest.mark.parametrize("table", CLOSABLE, ids=str)
def test_nothing_is_closed_in_the_past(seeded: Engine, table: Table) -> None:
    second = str(close(table)).replace("ORDER BY revision DESC", "WHERE revision = 2")
    assert refusal(seeded, text(second)) == f"{table}_own_revision"


def test_emptying_the_gazetteer_does_not_empty_the_record(seeded: Engine) -> None:
    for tables in ("countries", "provinces, districts"):
        rule = refusal(seeded, text(f"TRUNCATE {tables} CASCADE"))
        assert rule in {f"{table}_append_only" for table in RECORD}
    assert refusal(seeded, delete(metadata.tables["districts"])).endswith("_fkey")


@pytest.mark.parametrize("table", CLOSABLE, ids=str)
class TestClosing:
    def test_works(self, seeded: Engine, table: Table) -> None:
        with seeded.connect() as connection:
            connection.execute(REVISE)
            assert connection.execute(close(table)).rowcount == 1
            closed = select(func.count()).where(table.c.known_until.is_not(None))
            assert connection.execute(closed).scalar_one() == 1

    def test_works_only_once(self, seeded: Engine, table: Table) -> None:
        assert refusal(seeded, close(table), close(table)) == f"{table}_append_only"

    @pytest.mark.parametrize(
        "change",
        [
            {"known_until": "NULL", "closing_revision": "NULL"},
            {"known_until": "NULL"},
            {"known_until": "known_until + interval '1 hour'"},
            {"closing_revision": "closing_revision + 1"},
            {"closing_revision": "NULL"},
        ],
        ids=str,
    )
    def test_is_for_good(self, seeded: Engine, table: Table, change: dict[str, str]) -> None:
        again = (
            update(table)
            .where(table.c.known_until.is_not(None))
            .values({name: text(value) for name, value in change.items()})
        )
        assert refusal(seeded, close(table), again) == f"{table}_append_only"

    @pytest.mark.parametrize("bound", ["'infinity'", "recorded_at + interval '1 hour'"])
    def test_takes_the_instant_of_its_revision(
        self, seeded: Engine, table: Table, bound: str
    ) -> None:
        elsewhere = text(str(close(table)).replace("= recorded_at", f"= {bound}"))
        assert refusal(seeded, elsewhere) == f"{table}_closed_by_fkey"


@pytest.mark.parametrize(
    "column",
    [
        column
        for table in CLOSABLE
        for column in table.columns
        if column.name not in ("known_until", "closing_revision")
    ],
    ids=str,
)
def test_closing_changes_nothing_else(seeded: Engine, column: Column[Any]) -> None:
    also = f", {column.name} = {another(column)}"
    rule = f"{column.table.name}_append_only"
    assert refusal(seeded, close(column.table, also)) == rule
