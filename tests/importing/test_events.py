"""Events of one service taken over by another: the same answers, under the same ids."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, select

from app import seeding
from app.api.app import create_app
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.domain.errors import InvalidValueError
from app.importing.files import import_file
from app.importing.report import Order, Report
from app.recording import Correction, add_source, cite, correct, record, retract
from app.settings import PROJECT, Settings
from app.store import keys, tables
from app.store.engine import make_engine, writing
from app.store.keys import Scope
from app.store.seals import Break, check, last_revision
from app.store.states import first_wrong
from tests.api.asking import READS, WITHOUT_CLOCKS, ask, assert_problem

from .record import claim, everything
from .record import take as take_claims
from .test_reports import run_here

Clone = Callable[[str | None], AbstractContextManager[str]]

QAISAR = "AF2907"


# Two services -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def origin(clone: Clone) -> Iterator[Engine]:
    """The seeds, and what editors did since."""
    with clone("template_seeded") as url:
        engine = make_engine(url)
        with writing(engine) as connection:
            make_history(connection)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def bare(clone: Clone) -> Iterator[str]:
    """The name of a database with the places, parties and publishers of the seeds, and no event."""
    with clone("template_migrated") as url:
        engine = make_engine(url)
        folder = PROJECT / "seeds"
        with writing(engine) as connection:
            seeding._load_places(connection, folder, lambda *_: None)
            seeding._load_shapes(connection, folder)
            seeding._load_parties(connection, folder)
        database = engine.url.database
        engine.dispose()
        assert database
        yield database


@pytest.fixture
def target(clone: Clone, bare: str) -> Iterator[Engine]:
    """A service without events, of the test's own."""
    with clone(bare) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()


def document(source: str, on: str, stance: Stance = Stance.SUPPORTS, **more: Any) -> Citation:
    return Citation(
        stance, source, "Agence,\n“quoted”".replace("\n", " "), on, Basis.AGENCY, **more
    )


def make_history(connection: Connection) -> None:
    """Events of every sort: contested, pinned, graded, corrected, moved, retracted, disputed."""
    add_source(connection, "daily", "Daily, “the”", author="editor")
    taken = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    fought = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None), -3)
    cited = document("daily", "2021-06-05", asserted="../2021-06-04", note="two\nlines; “so”, =1+1")
    graded = document("kabul-now", "2021-06", reliability="A", credibility=1, title="قیصار")
    denied = document("daily", "2021-06-08?", Stance.DISPUTES, speaker="afghan-government")
    record(connection, QAISAR, fought, (cited, graded, denied), author="editor")
    pin = Pin("2021-06-09T06:00+04:30", "seen on\na photograph")
    pinned = Content(Kind.TRANSFER, Outcome(Status.CONTROLLED, "afghan-government"), 2, pin)
    record(connection, QAISAR, pinned, (document("daily", "2021-06-10"),), author="editor")
    for target in ("AF2906", "AF2905", "AF2904"):
        receipt = record(
            connection, target, taken, (document("daily", "2021-05-01"),), author="editor"
        )
        event = receipt.event_id
        if target == "AF2906":
            retract(connection, event, 1, author="editor", reason="wrong place")
        elif target == "AF2905":
            correct(connection, event, 1, Correction(district="AF2903"), author="e", reason="r")
        else:
            cite(connection, event, document("kabul-now", "2021-05-02"), author="editor")
            correct(connection, event, 1, Correction(fought), author="editor", reason="r")


def exported(engine: Engine, form: str) -> bytes:
    response = service(engine).get(f"/events?f={form}")
    assert response.status_code == 200
    return response.content


def service(engine: Engine) -> TestClient:
    return TestClient(create_app(Settings(_env_file=None), engine))


def with_key(engine: Engine) -> TestClient:
    with writing(engine) as connection:
        token = keys.create(connection, "desk", [Scope.WRITE], None)
    client = TestClient(create_app(Settings(_env_file=None), engine), raise_server_exceptions=False)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def take(
    connection: Connection, content: bytes | list[Any], form: str = "ndjson", **how: bool
) -> Report:
    if isinstance(content, list):
        content = "".join(json.dumps(one) + "\n" for one in content).encode()
    order = Order(f"events.{form}", "AF", "importer", **how)
    return import_file(connection, io.BytesIO(content), cast(Any, form), order, None)


LEFT_OUT = {"known_at", "revision", "version", "versions", "changes", "sequence"}


def without_numbers(answer: Any) -> Any:
    """An answer without what two services number in their own ways."""
    if isinstance(answer, dict):
        return {k: without_numbers(v) for k, v in answer.items() if k not in LEFT_OUT}
    if isinstance(answer, list):
        return [without_numbers(item) for item in answer]
    return answer


CLOCKS = ["", "as_of=2021-06-07", "reported_by=2021-06-08", "min_confidence=claimed"]


def answers(engine: Engine) -> dict[str, Any]:
    """Every read, at several settings of the clocks."""
    client = service(engine)
    # /imports tells of this very service, /tiles.json and /cite name its instants in addresses.
    own = ("/imports", "/tiles", "/cite")
    reads = {path: asked for path, asked in READS.items() if not path.startswith(own)}
    found = {}
    for path, asked in (reads | {"more events": "/events?limit=500"}).items():
        for clocks in CLOCKS if path not in WITHOUT_CLOCKS else CLOCKS[:1]:
            if clocks.partition("=")[0] in asked or ("from=" in asked and "as_of" in clocks):
                continue
            address = f"{asked}{'&' if '?' in asked else '?'}{clocks}".rstrip("?&")
            found[address] = without_numbers(ask(client, address))
    return found


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_another_service_answers_the_same(origin: Engine, target: Engine, form: str) -> None:
    content = exported(origin, form)
    expected = answers(origin)
    with writing(target) as connection:
        report = take(connection, content, form)
    assert not report.errors
    assert report.sources_added == ["daily"]
    assert (report.events_changed, report.duplicates) == (0, 0)
    found = answers(target)
    for asked, answer in expected.items():
        assert found[asked] == answer, asked
    with target.connect() as connection:
        assert first_wrong(connection) is None
        assert not [s for s in check(connection, last_revision(connection)) if isinstance(s, Break)]


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_importing_again_changes_nothing(origin: Engine, target: Engine, form: str) -> None:
    content = exported(origin, form)
    with target.begin() as connection:
        first = take(connection, content, form)
        before = everything(connection)
        for _ in range(2):
            report = take(connection, content, form)
            assert (report.revision, report.duplicates) == (None, first.events_created)
            assert not report.errors
        assert everything(connection) == before


def test_what_comes_back_is_what_was_sent(origin: Engine, target: Engine) -> None:
    """Through CSV and NDJSON in turn, byte for byte but for the numbers."""
    first = exported(origin, "csv")
    with writing(target) as connection:
        take(connection, first, "csv")
    sent, back = (
        [without_numbers(json.loads(line)) for line in exported(engine, "ndjson").splitlines()]
        for engine in (origin, target)
    )
    assert back == sent


# What is on record already ------------------------------------------------------------------


@pytest.fixture
def connection(target: Engine) -> Iterator[Connection]:
    """A service without events, in which nothing is committed."""
    with target.connect() as connection:
        yield connection
        connection.rollback()


def cited(number: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(int=1000 + number)),
        "stance": "supports",
        "source": {"id": "kabul-now", "name": "Kabul Now"},
        "origin": "Kabul Now",
        "published": "2021-06-07",
        "basis": "local",
        **members,
    }


def event(number: int = 1, *citations: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "district": {"id": QAISAR, "name": "Qaisar"},
        "kind": "capture",
        "status": "controlled",
        "controller": {"id": "taliban", "name": "Taliban"},
        "sequence": number,
        "citations": list(citations) or [cited(number)],
        **members,
    }


def documents(connection: Connection) -> list[tuple[UUID, UUID]]:
    """The event and the id of each citation that stands."""
    table = tables.citations.c
    standing = select(table.event_id, table.id).where(table.known_until.is_(None))
    rows = connection.execute(standing.order_by(table.id))
    return [(row.event_id, row.id) for row in rows]


def test_events_on_record_get_only_the_citations_that_they_lack(connection: Connection) -> None:
    take(connection, [event(1)])
    changed = event(1, cited(1, origin="Somebody else"), cited(2), kind="transfer", day_order=5)
    report = take(connection, [changed, event(2, cited(3))])
    assert (report.events_created, report.events_changed, report.citations_added) == (1, 1, 2)
    pairs = [(1, 1001), (1, 1002), (2, 1003)]
    assert documents(connection) == [(UUID(int=one), UUID(int=other)) for one, other in pairs]
    version = tables.event_versions.c
    row = connection.execute(
        select(version.kind, version.version).where(version.event_id == UUID(int=1))
    ).one()
    assert tuple(row) == ("capture", 1)
    origins = set(connection.scalars(select(tables.citations.c.origin)))
    assert origins == {"Kabul Now"}
    assert first_wrong(connection) is None


def test_what_an_editor_took_back_here_stays_so(connection: Connection) -> None:
    take(connection, [event(1), event(2, cited(2), cited(3))])
    retract(connection, UUID(int=1), 1, author="editor", reason="r")
    correct(
        connection,
        UUID(int=2),
        1,
        Correction(withdrawn=frozenset([UUID(int=1003)])),
        author="editor",
        reason="r",
    )
    before = everything(connection)
    report = take(connection, [event(1), event(2, cited(2), cited(3))])
    assert (report.revision, report.duplicates) == (None, 2)
    assert everything(connection) == before


def test_events_are_recorded_in_the_order_in_which_they_were(connection: Connection) -> None:
    take(connection, [event(n, sequence=100 - n) for n in (1, 2, 3)])
    found = connection.scalars(select(tables.events.c.id).order_by(tables.events.c.sequence))
    assert list(found) == [UUID(int=n) for n in (3, 2, 1)]


def test_claims_respect_what_editors_did_in_the_other_service(connection: Connection) -> None:
    """An event put together by hand is not split, a corrected one not taken back."""
    says = {"kind": "capture", "status": "controlled"}
    taliban = says | {"controller": {"id": "taliban", "name": "Taliban"}}
    by_hand = event(1, cited(1, asserted="2021-06-01"), cited(2, asserted="2021-06-05"))
    corrected = event(
        2,
        cited(3, asserted="2021-07-01", says=taliban),
        cited(4, asserted="2021-07-02", says=taliban),
        kind="recapture",
        controller={"id": "afghan-government", "name": "Afghan government"},
    )
    grouped = event(
        3,
        cited(5, asserted="2021-08-01", says=taliban, url="https://example.org/5"),
        cited(6, asserted="2021-08-05", says=taliban, url="https://example.org/6"),
    )
    take(connection, [by_hand, corrected, grouped])
    cells = {"adm2_pcode": QAISAR, "district_reported": "Qaysar", "new_controller": "Taliban"}
    report = take_claims(
        connection,
        *(
            claim(url, event_date=day, published_date="2021-09-01", **cells | party)
            for url, day, party in (
                ("a", "2021-06-03", {"new_controller": "Afghan government"}),
                ("b", "2021-07-03", {}),
                ("c", "2021-08-03", {"new_controller": "Afghan government"}),
            )
        ),
        country="AF",
    )
    assert not report.errors
    homes = {one.int: home.int for home, one in documents(connection)}
    assert [homes[1000 + n] for n in range(1, 6)] == [1, 1, 2, 2, 3]
    assert report.citations_moved == 1, "what was grouped from claims is grouped anew"


def test_publishers_are_added_once_and_parties_are_not(connection: Connection) -> None:
    daily = {"id": "daily", "name": "Daily"}
    rows = [event(n, cited(n, source=daily)) for n in (1, 2)]
    report = take(connection, rows)
    assert (report.sources_added, report.errors) == (["daily"], [])
    renamed = [event(3, cited(3, source={"id": "daily", "name": "The Daily"}))]
    assert take(connection, renamed).sources_added == []


# Documents that are none --------------------------------------------------------------------

BAD: dict[str, tuple[Any, str | None]] = {
    "no object": ([1], ""),
    "a word": ("event", ""),
    "no id": ({k: v for k, v in event().items() if k != "id"}, "id"),
    "an id that is none": (event(id="x"), "id"),
    "an unknown district": (event(district={"id": "AF9999"}), "district"),
    "an impossible district": (event(district={"id": "\0"}), "district.id"),
    "an unknown party": (event(controller={"id": "nobody", "name": "N"}), "controller"),
    "an unknown speaker": (event(1, cited(speaker={"id": "nobody", "name": "N"})), "controller"),
    "an unknown party that it says": (
        event(
            1,
            cited(
                says={
                    "kind": "capture",
                    "status": "controlled",
                    "controller": {"id": "nobody", "name": "N"},
                }
            ),
        ),
        "controller",
    ),
    "held by nobody": (event(controller=None), "controller"),
    "contested and held": (event(status="contested"), "controller"),
    "fought over and held": (event(kind="contested"), "kind"),
    "an unknown kind": (event(kind="conquest"), "kind"),
    "status unknown": (event(status="unknown"), "status"),
    "no citation": (event(citations=[]), "citations"),
    "only a denial": (event(1, cited(stance="disputes")), "citations"),
    "a date that is none": (event(1, cited(published="June")), "citations.0.published"),
    "a second date that is none": (
        event(1, cited(1), cited(2, asserted="../..")),
        "citations.1.asserted",
    ),
    "a pin that is none": (
        event(pinned={"occurred": "soon", "reason": "r"}),
        "pinned.occurred",
    ),
    "a pin without a reason": (event(pinned={"occurred": "2021", "reason": ""}), "pinned.reason"),
    "a publisher under another id": (
        event(1, cited(source={"id": "kabulnow", "name": "Kabul Now"})),
        "source",
    ),
    "two publishers of one name": (
        event(
            1,
            cited(1, source={"id": "daily", "name": "Daily"}),
            cited(2, source={"id": "daily-2", "name": "Daily"}),
        ),
        "source",
    ),
    "a citation twice": (event(1, cited(1), cited(1)), "citations"),
    "a citation that says half of it": (
        event(1, cited(says={"kind": "capture", "status": "controlled", "controller": None})),
        "controller",
    ),
    "a citation that says too much": (
        event(
            1,
            cited(
                says={
                    "kind": "contested",
                    "status": "contested",
                    "controller": {"id": "taliban", "name": "Taliban"},
                }
            ),
        ),
        "controller",
    ),
    "an address that is none": (event(1, cited(url="ftp://x")), "citations.0.url"),
    "a control character": (event(1, cited(title="a\0b")), "citations.0.title"),
    "half a letter": (event(1, cited(title="\ud800")), "citations.0.title"),
    "half a letter in a note": (event(1, cited(note="\ud800")), "citations.0.note"),
    "too long": (event(1, cited(note="x" * 6000)), "citations.0.note"),
    "a grade that is none": (event(1, cited(credibility=7)), "citations.0.credibility"),
    "a rank without end": (event(day_order=2**31), "day_order"),
    "a number without end": (event(sequence=2**63), "sequence"),
    "a number that is none": (event(sequence=float("nan")), "sequence"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_document_that_is_none_is_an_error_of_its_row(connection: Connection, what: str) -> None:
    document, column = BAD[what]
    sound = [event(8, cited(8)), event(9, cited(9))]
    before = everything(connection)
    with connection.begin_nested():
        report = take(connection, [sound[0], document, sound[1]])
    assert [(e.line, e.column) for e in report.errors] == [(2, column)], report.errors
    assert report.revision is None
    assert everything(connection) == before
    report = take(connection, [sound[0], document, sound[1]], partial=True)
    assert (report.events_created, report.errors_total) == (2, 1)
    assert first_wrong(connection) is None


def test_a_broken_event_does_not_take_its_id(connection: Connection) -> None:
    """The next row of that id is an event of its own right."""
    broken = event(1, cited(1), controller={"id": "nobody", "name": "N"})
    report = take(connection, [broken, event(1, cited(2))], partial=True)
    assert (report.events_created, report.errors_total) == (1, 1)
    report = take(
        connection, [event(2, cited(3), kind="contested"), event(2, cited(3))], partial=True
    )
    assert (report.events_created, report.errors_total) == (1, 1)


def test_an_event_of_another_district_is_not_taken_for_it(connection: Connection) -> None:
    take(connection, [event(1)])
    (error,) = take(connection, [event(1, cited(2), district={"id": "AF2901"})]).errors
    assert (error.line, error.column) == (1, "district")


LINES = {
    "no JSON": (b"{", 1),
    "half a line": (json.dumps(event()).encode()[:-1] + b"\n" + json.dumps(event()).encode(), 1),
    "nested": (b"[" * 100_000 + b"]" * 100_000, 1),
    "deep": (b"\n".join(b"[" * n + b"]" * n for n in range(700, 1000, 7)), 43),
    "a long number": (b"9" * 5000, 1),
    "NUL": (b"\0", 1),
}


@pytest.mark.parametrize("what", LINES)
def test_lines_that_are_no_json_are_errors(connection: Connection, what: str) -> None:
    content, errors = LINES[what]
    report = take(connection, content)
    assert report.errors_total == errors
    assert report.errors[0].line == 1


TABLE_ROW = {
    "id": str(UUID(int=1)),
    "district_id": QAISAR,
    "kind": "capture",
    "status": "controlled",
    "controller_id": "taliban",
    "day_order": "0",
    "citations": json.dumps([cited()]),
}


def table(*rows: dict[str, str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_a_table_needs_only_the_columns_that_say_something(connection: Connection) -> None:
    report = take(connection, table(TABLE_ROW), "csv")
    assert (report.events_created, report.errors) == (1, [])


@pytest.mark.parametrize("column", TABLE_ROW)
def test_a_table_that_lacks_a_column_is_refused(connection: Connection, column: str) -> None:
    row = {name: text for name, text in TABLE_ROW.items() if name != column}
    with pytest.raises(InvalidValueError) as refused:
        take(connection, table(row), "csv")
    assert refused.value.field == column


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"citations": "{"}, "citations"),
        ({"citations": ""}, "citations"),
        ({"citations": "3"}, "citations"),
        ({"controller_id": ""}, "controller"),
        ({"day_order": "x"}, "day_order"),
    ],
)
def test_a_row_of_a_table_that_is_none_is_an_error(
    connection: Connection, cells: dict[str, str], column: str
) -> None:
    report = take(connection, table(TABLE_ROW | cells), "csv")
    assert [(e.line, e.column) for e in report.errors] == [(2, column)]


# Over HTTP and on the command line ----------------------------------------------------------

BROKEN = {
    "an empty file": b"",
    "not UTF-8": b'{"id": "\xff"}',
    "a table with NUL": table(TABLE_ROW | {"kind": "\0"}),
    "an open quote": table(TABLE_ROW).strip() + b',"',
    "a quote within": table(TABLE_ROW).replace(b"capture", b'"cap"ture'),
    "a table of claims": b"adm2_pcode,new_controller\nAF2907,Taliban\n",
    "a cell of 2 MB": table(TABLE_ROW | {"kind": "x" * (2 << 20)}),
    "a row that is too short": table(TABLE_ROW) + b"x,y\n",
    "a row that is too long": table(TABLE_ROW) + b"," * 20 + b"\n",
    "a publisher that breaks off": json.dumps(event(1, cited(source={"id": "a" * 101}))).encode(),
}


@pytest.mark.parametrize("what", BROKEN)
def test_no_file_is_too_broken_to_be_told(target: Engine, what: str) -> None:
    response = with_key(target).post("/imports?of=events", content=BROKEN[what])
    assert_problem(response, 422)


def test_events_are_imported_over_http(origin: Engine, target: Engine) -> None:
    client = with_key(target)
    content = exported(origin, "ndjson")
    response = client.post("/imports?of=events&name=events.ndjson", content=content)
    assert response.status_code == 201, response.text
    report = response.json()
    assert client.get(response.headers["location"]).json() == report
    assert report["events_created"] == len(content.splitlines())
    again = client.post("/imports?of=events", content=content)
    assert (again.status_code, again.json()["revision"]) == (200, None)
    refused = client.post("/imports?of=events", content=b'{"id": 1}')
    assert assert_problem(refused, 422)["report"]["errors_total"] > 1


def test_events_are_imported_on_the_command_line(
    origin: Engine,
    target: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(exported(origin, "csv"))
    url = target.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    capsys.readouterr()  # without the log of the export
    tried, done, again = (
        run_here(monkeypatch, capsys, "events", file, "--json", *more)
        for more in (["--dry-run"], ["--author", "ed"], [])
    )
    figures = [json.loads(one.stdout) for one in (tried, done, again)]
    assert [one.returncode for one in (tried, done, again)] == [0, 0, 0]
    made = figures[1]["revision"]
    assert figures[0] == figures[1] | {"dry_run": True, "revision": None}
    assert (figures[2]["revision"], figures[2]["duplicates"]) == (None, figures[1]["rows"])
    assert f"Recorded as revision {made}." in done.stderr
