"""`district-control verify`: what its owner changes in the database behind the record's back."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from typer.testing import Result

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.recording import Correction, add_actor, add_source, cite, correct, record, retract
from app.settings import PROJECT
from app.store import seals
from app.store.engine import make_engine, reading, writing
from app.store.states import rebuild

from .services import COMMAND, verify

TALIBAN = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
FIGHT = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None), pin=Pin("2021-07-03", "seen"))
CONTENT = "what it recorded was changed since it was sealed"
Clone = Callable[[str], AbstractContextManager[str]]


def a_report(source: str, stance: Stance = Stance.SUPPORTS) -> Citation:
    return Citation(stance, source, source, "2021-07-03", Basis.LOCAL, asserted="2021-07-02")


@dataclass(frozen=True)
class Story:
    """A record in which everything was done once: its database, and what has which number."""

    database: str
    revisions: dict[str, int]
    event: UUID
    moved: UUID
    withdrawn: UUID


@pytest.fixture(scope="module")
def story(clone: Clone) -> Iterator[Story]:
    with clone("template_seeded") as url:
        engine = make_engine(url)
        done: dict[str, int] = {}
        report, doubtful = a_report("tolonews"), a_report("kabul-now")

        def step(name: str, write: Callable[[Connection], object]) -> object:
            with writing(engine) as connection:
                made = write(connection)
            with engine.connect() as connection:
                number = connection.execute(text("SELECT max(revision) FROM revisions"))
                done[name] = number.scalar_one()
            return made

        by = {"author": "ann"}
        why = {"author": "bob", "reason": "misread"}
        first = record_of(
            step("record", lambda c: record(c, "AF0102", TALIBAN, (report, doubtful), **by))
        )
        step("cite", lambda c: cite(c, first, a_report("rfe-rl", Stance.DISPUTES), **by))
        step("correct", lambda c: correct(c, first, 1, Correction(FIGHT), **why))
        withdraw = Correction(withdrawn=frozenset({doubtful.id}))
        step("withdraw", lambda c: correct(c, first, 2, withdraw, **why))
        moved = record_of(
            step("move", lambda c: correct(c, first, 3, Correction(district="AF0103"), **why))
        )
        other = record_of(
            step("another", lambda c: record(c, "AF0104", TALIBAN, (a_report("tolonews"),), **by))
        )
        step("retract", lambda c: retract(c, other, 1, **why))
        step("source", lambda c: add_source(c, "paper", "A paper", author="ann"))
        party = {"id": "iskp", "name": "ISKP", "full_name": "x", "kind": "non-state", "aliases": []}
        step("actor", lambda c: add_actor(c, party, author="ann"))
        step("last", lambda c: record(c, "AF0105", TALIBAN, (a_report("paper"),), **by))
        engine.dispose()
        done |= {"gazetteer": 1, "import": 2}
        yield Story(str(make_url(url).database), done, first, moved, doubtful.id)


def record_of(receipt: object) -> UUID:
    event: UUID = receipt.event_id  # type: ignore[attr-defined]
    return event


@pytest.fixture
def url(story: Story, clone: Clone) -> Iterator[str]:
    """A copy of the record, to be changed."""
    with clone(story.database) as copy:
        yield copy


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


def as_superuser(engine: Engine, *statements: str, **values: object) -> None:
    """Change the database past its triggers, foreign keys included; each statement finds a row."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(text(statement), values).rowcount > 0, statement


def newest_seal(engine: Engine) -> str:
    with reading(engine) as connection:
        newest = seals.newest(connection)
        assert newest
        return f"{newest.revision}:{newest.hash}"


def assert_broken(told: Result, revision: int, what: str) -> None:
    assert told.exit_code == 1, told.output
    assert told.stdout == ""
    assert told.stderr.strip() == f"The record was changed. revision {revision}: {what}"


# Whole ----------------------------------------------------------------------------------------


def test_a_whole_record_passes_and_tells_its_newest_seal(
    story: Story, url: str, engine: Engine
) -> None:
    told = verify(url)
    assert (told.exit_code, told.stderr.strip()) == (0, "")
    assert told.stdout == f"The record is whole up to {newest_seal(engine)}\n"
    assert told.stdout.split()[-1].startswith(f"{story.revisions['last']}:")


def test_an_empty_record_passes(migrated: Engine) -> None:
    told = verify(migrated.url.render_as_string(hide_password=False))
    assert (told.exit_code, told.stdout) == (0, "The record is empty.\n")


def test_the_command_itself_ends_with_the_status(url: str, engine: Engine) -> None:
    def status() -> int:
        command = [*COMMAND, "verify"]
        how = {"cwd": PROJECT, "env": os.environ | {"DATABASE_URL": url}, "timeout": 60}
        return subprocess.run(command, check=False, capture_output=True, **how).returncode  # type: ignore[call-overload,no-any-return]

    assert status() == 0
    as_superuser(engine, "UPDATE sources SET name = 'The Paper' WHERE id = 'paper'")
    assert status() == 1


def test_a_rebuild_changes_no_seal(url: str, engine: Engine) -> None:
    before = newest_seal(engine)
    with writing(engine) as connection:
        rebuild(connection)
    assert verify(url, "--seal", before).exit_code == 0


# Changed --------------------------------------------------------------------------------------

CITATION = "WHERE event_id = :event AND source_id = 'tolonews'"
EDITS: dict[str, tuple[str, str]] = {
    "a citation's date": (
        f"UPDATE citations SET published_edtf = '2021-07-01' {CITATION}",
        "record",
    ),
    "a citation's bounds": (
        "UPDATE citations SET asserted_latest = asserted_latest - interval '1 microsecond'"
        f" {CITATION}",
        "record",
    ),
    "a citation's stance": (f"UPDATE citations SET stance = 'disputes' {CITATION}", "record"),
    "a citation's note": (f"UPDATE citations SET note = 'added later' {CITATION}", "record"),
    "a citation's publisher": (f"UPDATE citations SET source_id = 'rfe-rl' {CITATION}", "record"),
    "a citation put to another event": (
        f"UPDATE citations SET event_id = :moved {CITATION}",
        "record",
    ),
    "a citation's id": (f"UPDATE citations SET id = gen_random_uuid() {CITATION}", "record"),
    "a citation of the import": (
        "UPDATE citations SET basis = 'official' WHERE id = (SELECT id FROM citations"
        " WHERE revision = 2 AND basis <> 'official' ORDER BY id LIMIT 1)",
        "import",
    ),
    "a citation as if of another revision": (
        f"UPDATE citations SET revision = revision + 1 {CITATION}",
        "record",
    ),
    "a citation as if known before": (
        f"UPDATE citations SET known_from = known_from - interval '1 hour' {CITATION}",
        "record",
    ),
    "a deleted citation": (f"DELETE FROM citations {CITATION}", "record"),
    "a deleted denial": (
        "DELETE FROM citations WHERE event_id = :event AND stance = 'disputes'",
        "cite",
    ),
    "an added citation": (
        "INSERT INTO citations SELECT (jsonb_populate_record(citations,"
        " jsonb_build_object('id', gen_random_uuid()))).* FROM citations"
        f" {CITATION}",
        "record",
    ),
    "a citation that was never withdrawn": (
        "UPDATE citations SET known_until = NULL, closing_revision = NULL WHERE id = :withdrawn",
        "withdraw",
    ),
    "a citation withdrawn sooner": (
        "UPDATE citations SET (known_until, closing_revision) = (SELECT recorded_at, revision"
        " FROM revisions WHERE revision = :correct) WHERE id = :withdrawn",
        "correct",
    ),
    "a citation withdrawn after all": (
        "UPDATE citations SET (known_until, closing_revision) = (SELECT recorded_at, revision"
        " FROM revisions WHERE revision = :last) WHERE event_id = :moved",
        "last",
    ),
    "a version's controller": (
        "UPDATE event_versions SET controller_id = 'afghan-government'"
        " WHERE event_id = :event AND version = 1",
        "record",
    ),
    "a pinned date": (
        "UPDATE event_versions SET pinned_edtf = '2021-07-04'"
        " WHERE event_id = :event AND version = 2",
        "correct",
    ),
    "a re-opened version": (
        "UPDATE event_versions SET known_until = NULL, closing_revision = NULL"
        " WHERE event_id = :event AND version = 3",
        "move",
    ),
    "an event that was never retracted": (
        "UPDATE event_versions SET known_until = NULL, closing_revision = NULL"
        " WHERE closing_revision = :retract",
        "retract",
    ),
    "a retraction of now": (
        "UPDATE event_versions SET (known_until, closing_revision) = (SELECT recorded_at, revision"
        " FROM revisions WHERE revision = :last) WHERE event_id = :moved",
        "last",
    ),
    "an added version": (
        "INSERT INTO event_versions SELECT (jsonb_populate_record(event_versions,"
        " jsonb_build_object('version', 9, 'known_until', known_from,"
        " 'known_from', known_from - interval '1 hour'))).* FROM event_versions"
        " WHERE event_id = :event AND version = 1",
        "record",
    ),
    "a deleted version": (
        "DELETE FROM event_versions WHERE event_id = :event AND version = 2",
        "correct",
    ),
    "an event's district": ("UPDATE events SET district_id = 'AF0109' WHERE id = :event", "record"),
    "an event's origin": ("UPDATE events SET replaces = NULL WHERE id = :moved", "move"),
    "a deleted event": ("DELETE FROM events WHERE id = :event", "record"),
    "an added event": (
        "INSERT INTO events (id, district_id, revision)"
        " VALUES (gen_random_uuid(), 'AF0102', :cite)",
        "cite",
    ),
    "a revision's author": ("UPDATE revisions SET author = 'eve' WHERE revision = :cite", "cite"),
    "a revision's reason": (
        "UPDATE revisions SET reason = 'ordered' WHERE revision = :retract",
        "retract",
    ),
    "a revision's instant": (
        "UPDATE revisions SET recorded_at = recorded_at - interval '1 microsecond'"
        " WHERE revision = :cite",
        "cite",
    ),
    "what a revision did": (
        "UPDATE revisions SET action = 'import' WHERE revision = :cite",
        "cite",
    ),
    "a publisher's name": ("UPDATE sources SET name = 'The Paper' WHERE id = 'paper'", "source"),
    "a deleted publisher": ("DELETE FROM sources WHERE id = 'paper'", "source"),
    "a party's name": ("UPDATE actors SET full_name = 'y' WHERE id = 'iskp'", "actor"),
    "a party's names": ("UPDATE actors SET aliases = '{IS}' WHERE id = 'iskp'", "actor"),
    "a party of the gazetteer": (
        "UPDATE actors SET kind = 'state' WHERE id = 'taliban'",
        "gazetteer",
    ),
    "an added party": (
        "INSERT INTO actors (id, name, full_name, kind, revision)"
        " VALUES ('new', 'New', 'New', 'state', :cite)",
        "cite",
    ),
    "an import's report": (
        """UPDATE imports SET report = report || '{"errors_total": 0}'""",
        "import",
    ),
    "a deleted report": ("DELETE FROM imports", "import"),
}


def values_of(story: Story) -> dict[str, object]:
    return {
        **story.revisions,
        "event": story.event,
        "moved": story.moved,
        "withdrawn": story.withdrawn,
    }


def edit(engine: Engine, story: Story, *statements: str) -> None:
    values = values_of(story)
    used = {name: value for name, value in values.items() if f":{name}" in " ".join(statements)}
    as_superuser(engine, *statements, **used)


@pytest.mark.parametrize(("statement", "step"), EDITS.values(), ids=EDITS)
def test_what_was_changed_is_found_at_its_revision(
    story: Story, url: str, engine: Engine, statement: str, step: str
) -> None:
    edit(engine, story, statement)
    assert_broken(verify(url), story.revisions[step], CONTENT)


def test_triggers_that_were_turned_off_change_nothing_about_it(
    story: Story, url: str, engine: Engine
) -> None:
    tables = ("citations", "event_versions")
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        connection.execute(
            text(f"UPDATE citations SET published_edtf = '2021-07-01' {CITATION}"),
            {"event": story.event},
        )
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))
    assert_broken(verify(url), story.revisions["record"], CONTENT)


def test_of_several_changes_the_first_is_named(story: Story, url: str, engine: Engine) -> None:
    edit(engine, story, EDITS["a party's name"][0], EDITS["a revision's author"][0])
    assert_broken(verify(url), story.revisions["cite"], CONTENT)


def test_it_is_found_though_the_states_for_reads_were_made_to_fit(
    story: Story, url: str, engine: Engine
) -> None:
    edit(engine, story, EDITS["a version's controller"][0])
    with writing(engine) as connection:
        rebuild(connection)
    assert_broken(verify(url), story.revisions["record"], CONTENT)


# Seals ----------------------------------------------------------------------------------------

HASH = "encode(sha256('x'), 'hex')"
SEALS: dict[str, tuple[list[str], str, str]] = {
    "a seal's content": (
        [f"UPDATE seals SET content_hash = {HASH} WHERE revision = :cite"],
        "cite",
        CONTENT,
    ),
    "a seal's hash": (
        [f"UPDATE seals SET hash = {HASH} WHERE revision = :cite"],
        "cite",
        "its seal does not follow from the one before it",
    ),
    "a seal that was made to fit its revision only": (
        [
            "UPDATE seals SET hash = encode(sha256(convert_to(content_hash, 'UTF8')), 'hex')"
            " WHERE revision = :cite"
        ],
        "cite",
        "its seal does not follow from the one before it",
    ),
    "a deleted seal": (["DELETE FROM seals WHERE revision = :cite"], "cite", "it has no seal"),
    "the deleted seal of the last one": (
        ["DELETE FROM seals WHERE revision = :last"],
        "last",
        "it has no seal",
    ),
    "all seals": (["DELETE FROM seals"], "gazetteer", "it has no seal"),
    "a missing revision in the middle": (
        ["DELETE FROM revisions WHERE revision = :source"],
        "source",
        CONTENT,
    ),
    "a missing revision with all that it recorded": (
        [
            "DELETE FROM sources WHERE revision = :source",
            "DELETE FROM revisions WHERE revision = :source",
        ],
        "source",
        "the revision is missing",
    ),
    "a missing revision with all that it recorded, and its seal": (
        [
            "DELETE FROM sources WHERE revision = :source",
            "DELETE FROM revisions WHERE revision = :source",
            "DELETE FROM seals WHERE revision = :source",
        ],
        "source",
        "the revision is missing",
    ),
    "the last revision, of which its seal is left": (
        [
            "DELETE FROM citations WHERE revision = :last",
            "DELETE FROM event_versions WHERE revision = :last",
            "DELETE FROM events WHERE revision = :last",
            "DELETE FROM revisions WHERE revision = :last",
        ],
        "last",
        "the revision is missing",
    ),
    "the last revision, of which a citation is left": (
        [
            "DELETE FROM event_versions WHERE revision = :last",
            "DELETE FROM events WHERE revision = :last",
            "DELETE FROM revisions WHERE revision = :last",
            "DELETE FROM seals WHERE revision = :last",
        ],
        "last",
        "it has no seal",
    ),
    "two revisions that changed places": (
        [
            "UPDATE revisions SET revision = 999 WHERE revision = :source",
            "UPDATE revisions SET revision = :source WHERE revision = :actor",
            "UPDATE revisions SET revision = :actor WHERE revision = 999",
        ],
        "source",
        CONTENT,
    ),
}


@pytest.mark.parametrize(("statements", "step", "what"), SEALS.values(), ids=SEALS)
def test_a_broken_chain_is_found_where_it_breaks(
    story: Story, url: str, engine: Engine, statements: list[str], step: str, what: str
) -> None:
    edit(engine, story, *statements)
    assert_broken(verify(url), story.revisions[step], what)


def forge_seals(engine: Engine) -> None:
    """Seal everything anew, as who owns the database can."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM seals"))
        seals.seal_missing(connection)
        rebuild(connection)


def test_a_chain_that_was_forged_as_a_whole_is_caught_by_a_noted_seal(
    story: Story, url: str, engine: Engine
) -> None:
    noted = newest_seal(engine)
    assert verify(url, "--seal", noted).exit_code == 0
    edit(engine, story, EDITS["a citation's note"][0])
    forge_seals(engine)
    # Without the note nobody can tell.
    assert verify(url).exit_code == 0
    revision = noted.partition(":")[0]
    told = verify(url, "--seal", noted)
    assert told.exit_code == 1
    assert told.stderr.strip() == (
        f"The record was changed. revision {revision} has another seal than the one that was noted"
    )


def test_every_seal_that_was_noted_is_checked(story: Story, url: str, engine: Engine) -> None:
    with reading(engine) as connection:
        noted = connection.execute(text("SELECT revision, hash FROM seals ORDER BY 1")).all()
    for number, sealed in noted:
        assert verify(url, "--seal", f"{number}:{sealed.upper()}").exit_code == 0
    edit(engine, story, EDITS["a revision's author"][0])
    forge_seals(engine)
    caught = [
        number
        for number, sealed in noted
        if verify(url, "--seal", f"{number}:{sealed}").exit_code == 1
    ]
    assert caught == [number for number, _ in noted if number >= story.revisions["cite"]]


def test_a_tail_that_was_cut_off_is_caught_by_a_noted_seal(
    story: Story, url: str, engine: Engine
) -> None:
    noted, last = newest_seal(engine), story.revisions["last"]
    with reading(engine) as connection:
        before = connection.execute(
            text("SELECT hash FROM seals WHERE revision = :before"), {"before": last - 1}
        ).scalar_one()
    as_superuser(
        engine,
        *(
            f"DELETE FROM {table} WHERE revision = :last"
            for table in ("citations", "event_versions", "events", "revisions", "seals")
        ),
        last=last,
    )
    with writing(engine) as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        rebuild(connection)
    assert verify(url).exit_code == 0
    assert verify(url, "--seal", f"{last - 1}:{before}").exit_code == 0
    told = verify(url, "--seal", noted)
    assert told.exit_code == 1
    assert told.stderr.strip() == (
        f"The record was changed. revision {last} is missing; the record ends with {last - 1}"
    )


@pytest.mark.parametrize(
    "noted",
    [
        "",
        "x",
        "7",
        "7:",
        ":abc",
        "-1:abc",
        "1.5:abc",
        pytest.param("0:abc", marks=pytest.mark.xfail(reason="no revision 0, and no check")),
    ],
)
def test_a_seal_that_is_none_is_an_error(url: str, noted: str) -> None:
    told = verify(url, "--seal", noted)
    assert told.exit_code not in (0, None)


# What is derived ------------------------------------------------------------------------------

STATES = {
    "who held it": (
        "UPDATE event_states SET controller_id = 'taliban', status = 'controlled'"
        " WHERE event_id = :moved"
    ),
    "from when": (
        "UPDATE event_states SET latest = latest - interval '1 microsecond' WHERE event_id = :moved"
    ),
    "how sure": "UPDATE event_states SET confidence = confidence + 1 WHERE event_id = :moved",
    "a state that is missing": "DELETE FROM event_states WHERE event_id = :moved",
    "a state of another time": (
        "UPDATE event_states SET known_until = now() WHERE event_id = :moved"
    ),
    "another district": "UPDATE event_states SET district_id = 'AF0109' WHERE event_id = :moved",
    "a state too many": (
        "INSERT INTO event_states SELECT (jsonb_populate_record(event_states, jsonb_build_object("
        "'reported_from', reported_from - interval '1 day', 'reported_until', reported_from"
        "))).* FROM event_states WHERE event_id = :moved"
    ),
}


@pytest.mark.parametrize("statement", STATES.values(), ids=STATES)
def test_states_that_do_not_follow_from_the_record_are_found(
    story: Story, url: str, engine: Engine, statement: str
) -> None:
    edit(engine, story, statement)
    told = verify(url)
    assert (told.exit_code, told.stdout) == (1, "")
    assert f"event {story.moved}: the states kept for reads" in told.stderr
    with writing(engine) as connection:
        rebuild(connection)
    assert verify(url).exit_code == 0


@pytest.mark.xfail(reason="states.first_wrong looks at events only", strict=True)
def test_states_of_an_event_that_is_none_are_found(url: str, engine: Engine) -> None:
    as_superuser(
        engine,
        "INSERT INTO event_states SELECT (jsonb_populate_record(event_states,"
        " jsonb_build_object('event_id', gen_random_uuid()))).* FROM event_states LIMIT 1",
    )
    assert verify(url).exit_code == 1


@pytest.mark.xfail(reason="no seal covers known_until", strict=True)
@pytest.mark.parametrize("table", ["event_versions", "citations"])
def test_an_instant_of_closing_that_was_changed_is_found(
    story: Story, url: str, engine: Engine, table: str
) -> None:
    """It says until when `known_at` shows the old answer; the number of the revision is as was."""
    which = {"event_versions": "event_id = :event AND version = 1", "citations": "id = :withdrawn"}
    edit(
        engine,
        story,
        f"UPDATE {table} SET known_until = known_from + (known_until - known_from) / 2"
        f" WHERE {which[table]}",
    )
    with writing(engine) as connection:
        rebuild(connection)
    step = {"event_versions": "correct", "citations": "withdraw"}[table]
    assert_broken(verify(url), story.revisions[step], CONTENT)
