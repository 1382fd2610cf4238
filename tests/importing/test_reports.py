"""What an import tells: its report, on the command line and over HTTP, and errors by line."""

import csv
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine

from app.api.app import create_app
from app.cli import main
from app.importing.files import ERROR_COLUMNS, built_in_mappings, import_file, mapping_of
from app.importing.report import LISTED, Order, Report
from app.settings import PROJECT, Settings
from app.store import keys
from app.store.engine import make_engine, writing
from app.store.keys import Scope
from tests.api.asking import assert_problem

from .record import FAR, Row, claim, csv_of, everything, prepare, said, take, taken, told, undoing

Clone = Callable[[str | None], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def country(clone: Clone) -> Iterator[Engine]:
    """A database with a small country, in which no test commits what it writes."""
    with clone("template_migrated") as url:
        engine = make_engine(url)
        prepare(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(country: Engine) -> Iterator[Connection]:
    with undoing(country) as connection:
        yield connection


@pytest.fixture
def own(clone: Clone) -> Iterator[Engine]:
    """A database with a small country of the test's own."""
    with clone("template_migrated") as url:
        engine = make_engine(url)
        prepare(engine)
        yield engine
        engine.dispose()


SOUND = [said("a", "T", "5"), said("a", "T", "5"), said("b", "G", "8", source_name="Daily")]
# Each row with what is wrong with it: column, value, and the beginning of the reason.
WRONG: list[tuple[Row, list[tuple[str | None, str, str]]]] = [
    (
        said("c", "T", "5", adm2_pcode="", district_reported="Nearby"),
        [("district_reported", "Nearby", "no district has this very name")],
    ),
    (said("d", "T", "5", adm2_pcode="XX7"), [("adm2_pcode", "XX7", "no district of XX")]),
    (
        said("e", "T", "5", new_controller="Nobody", claim_basis="claimant"),
        [("new_controller", "Nobody", "no party on record has this name; there are afghan-")],
    ),
    (
        claim("f", event_date="6 June", claim_basis="rumour", published_basis=""),
        [
            ("claim_basis", "rumour", "write one of official, "),
            ("event_date", "6 June", "'6 June' is not a date"),
            ("published_basis", "", "write shown, "),
        ],
    ),
    (said("g", "T", "5", source_name=""), [("source_name", "", "this is needed")]),
    (said("h", "T", "5", article_title="a\x07b"), [("article_title", "a�b", "a control")]),
    (
        said("i", "-G", "5", adm2_pcode=FAR, district_reported="Far"),
        [(None, "Far", "no report that it could deny")],
    ),
]
MESSY = csv_of([SOUND[0] | {"note": "on\ntwo lines"}, *SOUND[1:], *(row for row, _ in WRONG)]) + (
    b"only,three,cells\n" + b"\xff" * 5 + b",not text\n"
)
FIRST_WRONG = 6  # the header, a row of two lines, and two more rows come before


def messy(connection: Connection, **how: bool) -> Report:
    order = Order("messy.csv", "XX", "importer", **how)
    return import_file(connection, _file(MESSY), "csv", order, mapping_of("claims"))


def _file(content: bytes) -> Any:
    return io.BytesIO(content)


# The report ---------------------------------------------------------------------------------


def test_every_error_is_told_by_line_and_column(connection: Connection) -> None:
    report = messy(connection)
    found = {(e.line, e.column, e.value): e for e in report.errors}
    lines = [
        *((FIRST_WRONG + n, wrong) for n, (_, wrong) in enumerate(WRONG)),
        (FIRST_WRONG + len(WRONG), [(None, "only,three,cells", "the row has 3 cells")]),
        (FIRST_WRONG + len(WRONG) + 1, [(None, "", f"line {FIRST_WRONG + len(WRONG) + 1} is not")]),
    ]
    for line, wrong in lines:
        for column, value, reason in wrong:
            error = found.pop((line, column, value))
            assert error.reason.startswith(reason), error
            asked = [candidate.id for candidate in error.candidates]
            assert asked == (["XX0101"] if value in ("Nearby", "XX7") else [])
    assert not found
    assert report.errors_total == len(report.errors) == sum(len(wrong) for _, wrong in lines)


def test_the_figures_are_those_of_the_sound_rows(connection: Connection) -> None:
    report = messy(connection, partial=True)
    assert report.rows == len(SOUND) + len(WRONG) + 2
    assert (report.duplicates, report.citations_added, report.events_created) == (1, 2, 2)
    assert (report.events_changed, report.events_retracted, report.citations_moved) == (0, 0, 0)
    assert report.sources_added == ["daily"]
    assert report.skipped == {}
    assert told(connection) == ["T:a", "G:b"]


def test_errors_leave_no_trace(connection: Connection) -> None:
    taken(connection, said("z", "T", "1"))
    before = everything(connection)
    report = messy(connection)
    assert report.refused
    assert report.revision is None
    assert report.citations_added == 2, "what it would have been"
    assert everything(connection) == before


@pytest.mark.parametrize("in_part", [False, True])
def test_a_dry_run_tells_what_the_real_one_does(connection: Connection, in_part: bool) -> None:
    taken(connection, said("m", "T", "1"), said("n", "T", "12"))
    before = everything(connection)
    rows = [said("o", "T", "6"), said("p", "C", "6"), said("q", "T", "6", source_name="Daily")]
    if in_part:
        rows += [row for row, _ in WRONG]
    tried = take(connection, *rows, dry_run=True, partial=in_part)
    assert everything(connection) == before
    done = take(connection, *rows, partial=in_part)
    assert done.revision
    assert tried.revision is None
    told_apart = {"revision": None, "dry_run": None}
    assert tried.as_document() | told_apart == done.as_document() | told_apart
    assert tried.events_retracted == 1
    assert tried.sources_added == ["daily"]


def test_a_long_list_of_errors_is_cut_and_counted(connection: Connection) -> None:
    rows = [said(str(n), "T", "5", new_controller=f"Nobody {n}") for n in range(LISTED + 5)]
    report = take(connection, *rows)
    assert (len(report.errors), report.errors_total) == (LISTED, LISTED + 5)


# Mappings -----------------------------------------------------------------------------------

OWN_MAPPING = {
    "columns": {
        "district": "place",
        "controller": "who",
        "asserted": "when",
        "published": "out",
        "source": "paper",
        "url": "link",
    },
    "constants": {"kind": "capture", "basis": "journalist"},
    "values": {"controller": {"reds": "taliban", "blues": "Government"}},
    "dates": "edtf",
}
OWN_ROWS = (
    "place,who,when,out,paper,link,more\n"
    "Near,reds,2021-06,2021-07-01,Reuters,https://example.org/a,x\n"
    "Near,greens,2021-06,2021-07-01,Reuters,https://example.org/b,x\n"
    "Near,blues,2021-07-03,2021-07-04,Reuters,https://example.org/c,x\n"
)


def test_a_mapping_of_ones_own(connection: Connection) -> None:
    order = Order("own.csv", "XX", "importer", partial=True)
    mapping = mapping_of(json.dumps(OWN_MAPPING))
    report = import_file(connection, _file(OWN_ROWS.encode()), "csv", order, mapping)
    assert told(connection) == ["T:a", "G:c"]
    assert [(e.line, e.column, e.value) for e in report.errors] == [(3, "who", "greens")]


ACLED = {
    "event_id_cnty": "AFG1",
    "event_date": "06 June 2021",
    "time_precision": "1",
    "sub_event_type": "Non-state actor overtakes territory",
    "actor1": "Taliban",
    "country": "Afghanistan",
    "admin1": "One",
    "admin2": "Near",
    "location": "Near",
    "geo_precision": "1",
    "source": "Voice of Jihad; Kabul Now; AFP via UrduPoint",
    "timestamp": "1623240000",
}
ACLED_ROWS = [
    ACLED,
    ACLED | {"event_id_cnty": "AFG2", "sub_event_type": "Government regains territory",
             "actor1": "Military Forces of Afghanistan (2014-2021)", "event_date": "2021-06-09",
             "source": "Kabul Now"},
    ACLED | {"event_id_cnty": "AFG3", "sub_event_type": "Armed clash"},
    ACLED | {"event_id_cnty": "AFG4", "country": "Pakistan"},
    ACLED | {"event_id_cnty": "AFG5", "location": "Some village"},
    ACLED | {"event_id_cnty": "AFG6", "geo_precision": "3"},
    ACLED | {"event_id_cnty": "AFG7", "actor1": "Unidentified Armed Group"},
]  # fmt: skip


def test_acled_is_built_in(connection: Connection) -> None:
    assert built_in_mappings() == ["acled", "claims"]
    order = Order("acled.csv", "XX", "importer", partial=True)
    report = import_file(connection, _file(csv_of(ACLED_ROWS)), "csv", order, mapping_of("acled"))
    assert report.rows == len(ACLED_ROWS)
    assert sorted(report.skipped.values()) == [1, 1, 1]
    assert {(e.line, e.column) for e in report.errors} == {(7, "geo_precision"), (8, "actor1")}
    assert (report.events_created, report.citations_added) == (2, 4)
    assert [word[0] for word in told(connection)] == ["T", "G"]
    assert report.sources_added == ["acled"]


# The command line ---------------------------------------------------------------------------


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_apart(engine: Engine, *arguments: object) -> Done:
    """Run the command as a shell would."""
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "import", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | _environment(engine),
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _environment(engine: Engine) -> dict[str, str]:
    url = engine.url.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "DEFAULT_COUNTRY": "XX", "COLUMNS": "120"}


def run_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> Done:
    """Run the command within this process, which need not start one."""
    monkeypatch.setattr(sys, "argv", ["district-control", "import", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return Done(code if isinstance(code, int) else 0, *capsys.readouterr())


@pytest.fixture
def run(
    own: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """A function that runs the command on the test's own database."""
    for name, value in _environment(own).items():
        monkeypatch.setenv(name, value)
    return partial(run_here, monkeypatch, capsys)


def figures(printed: str) -> dict[str, str]:
    """The rows of the printed table."""
    rows = (re.fullmatch(r"\W*(\w.*?)\s*│\s*([\d,]+)\s*\W*", line) for line in printed.splitlines())
    return {row[1]: row[2] for row in rows if row}


def test_the_command_line_refuses_tells_and_records(
    own: Engine, tmp_path: Path, run: Callable[..., Done]
) -> None:
    file = tmp_path / "messy.csv"
    file.write_bytes(MESSY)
    table, document = tmp_path / "errors.csv", tmp_path / "report.json"
    with own.connect() as connection:
        before = everything(connection)
    refused = run_apart(own, "claims", file, "--report", table)
    assert refused.returncode == 1
    assert "Nothing was recorded: correct the errors, or use --partial." in refused.stderr
    errors = 11
    assert figures(refused.stdout) == {
        "rows read": "12",
        "duplicates": "1",
        "events created": "2",
        "events with a new version": "0",
        "events retracted: their claims belong to others": "0",
        "citations added": "2",
        "citations moved to another event": "0",
        "publishers added": "1",
        "errors": str(errors),
    }
    assert "new_controller" in refused.stdout
    with table.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows[0] == list(ERROR_COLUMNS)
    assert len(rows) == 1 + errors
    assert ["6", "district_reported", "Nearby", "XX0101 (Near)"] in [
        row[:3] + row[4:] for row in rows
    ]
    with own.connect() as connection:
        assert everything(connection) == before

    done = run("claims", file, "--partial", "--json", "--report", document, "--author", "ed")
    assert done.returncode == 0, done.stderr
    told_ = json.loads(done.stdout)
    assert told_ == json.loads(document.read_text(encoding="utf-8"))
    assert (told_["name"], told_["errors_total"], told_["partial"]) == ("messy.csv", errors, True)
    assert f"Recorded as revision {told_['revision']}." in done.stderr
    kept = TestClient(create_app(Settings(_env_file=None), own)).get(
        f"/imports/{told_['revision']}"
    )
    assert kept.json() == told_
    with own.connect() as connection:
        before = everything(connection)
        assert any('"ed"' in row or ",ed," in row for row in before["revisions"])

    again = run("claims", file, "--partial")
    assert again.returncode == 0, again.stderr
    assert "Nothing was recorded" in again.stderr
    with own.connect() as connection:
        assert everything(connection) == before


def test_the_command_line_takes_mappings_ndjson_and_tries(
    own: Engine, tmp_path: Path, run: Callable[..., Done]
) -> None:
    mapping, rows = tmp_path / "mapping.json", tmp_path / "own.csv"
    mapping.write_text(json.dumps(OWN_MAPPING), encoding="utf-8")
    rows.write_text(OWN_ROWS.replace("greens", "reds"), encoding="utf-8")
    with own.connect() as connection:
        before = everything(connection)
    tried = run("claims", rows, "--mapping", mapping, "--dry-run", "--json", "--country", "XX")
    assert tried.returncode == 0, tried.stderr
    assert json.loads(tried.stdout)["citations_added"] == 3
    assert "Nothing was recorded: this was a dry run." in tried.stderr
    with own.connect() as connection:
        assert everything(connection) == before
    lines = tmp_path / "claims.ndjson"
    lines.write_text("".join(json.dumps(row) + "\n" for row in SOUND), encoding="utf-8")
    done = run("claims", lines)
    assert done.returncode == 0, done.stderr
    with own.connect() as connection:
        assert told(connection) == ["T:a", "G:b"]


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("a,b\n", [], 1, "the file has no column"),
        ("a,b\n", ["--mapping", "nothing"], 1, "there is no mapping 'nothing'"),
        ("a,b\n", ["--country", "QQ"], 1, "there is no country 'QQ' on record"),
        (None, [], 2, "does not exist"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(
    run: Callable[..., Done],
    tmp_path: Path,
    content: str | None,
    options: list[str],
    code: int,
    message: str,
) -> None:
    file = tmp_path / "claims.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    done = run("claims", file, *options)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# Over HTTP ----------------------------------------------------------------------------------


def client_of(engine: Engine, **settings: Any) -> TestClient:
    """A client with a key that may write, which gets a 500 where there is an error."""
    with writing(engine) as connection:
        token = keys.create(connection, "desk", [Scope.WRITE], None)
    app = create_app(Settings(_env_file=None, default_country="XX", **settings), engine)
    return TestClient(
        app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False
    )


@pytest.fixture(scope="module")
def client(country: Engine) -> TestClient:
    """A client whose imports are all refused, or only tried."""
    return client_of(country, max_import_mb=4)


def test_a_file_is_recorded_and_its_report_kept(own: Engine) -> None:
    client = client_of(own)
    response = client.post("/imports?name=c.csv", content=csv_of(SOUND))
    assert response.status_code == 201, response.text
    report = response.json()
    assert (report["name"], report["citations_added"], report["errors"]) == ("c.csv", 2, [])
    assert response.headers["location"] == f"/imports/{report['revision']}"
    assert client.get(response.headers["location"]).json() == report
    again = client.post("/imports?name=c.csv", content=csv_of(SOUND))
    assert (again.status_code, again.json()["revision"]) == (200, None)
    assert "location" not in again.headers
    assert again.json()["duplicates"] == 3
    assert_problem(client.get(f"/imports/{report['revision'] - 1}"), 404, "revision")
    sound = client.post("/imports", params={"partial": True}, content=MESSY)
    assert sound.status_code == 200, "all that is sound is on record"
    with own.connect() as connection:
        assert told(connection) == ["T:a", "G:b"]


def test_a_key_makes_an_import_happen_once(own: Engine) -> None:
    client = client_of(own)
    key = {"Idempotency-Key": "one"}
    first = client.post("/imports", content=csv_of(SOUND), headers=key)
    again = client.post("/imports", content=csv_of(SOUND), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post("/imports", content=csv_of(SOUND[:1]), headers=key)
    assert_problem(other, 422, "Idempotency-Key")


FORMS = {
    "text/csv": csv_of(SOUND),
    "text/csv; charset=utf-8": csv_of(SOUND),
    "application/x-www-form-urlencoded": csv_of(SOUND),  # as curl says unless told
    "application/octet-stream": b"\xef\xbb\xbf" + csv_of(SOUND),
    "application/x-ndjson": "".join(json.dumps(row) + "\n" for row in SOUND).encode(),
    "": "".join(json.dumps(row) + "\n" for row in SOUND).encode(),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_file_is_read_by_its_type_or_by_itself(client: TestClient, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = client.post("/imports?dry_run=true", content=FORMS[kind], headers=headers)
    assert response.status_code == 200, response.text
    report = response.json()
    assert (report["rows"], report["citations_added"], report["revision"]) == (3, 2, None)


def test_errors_are_a_problem_with_the_report(client: TestClient) -> None:
    problem = assert_problem(client.post("/imports?name=m.csv", content=MESSY), 422)
    assert problem["report"]["errors_total"] == 11
    assert problem["report"]["revision"] is None
    (asked,) = [e for e in problem["report"]["errors"] if e["value"] == "Nearby"]
    assert asked["candidates"][0]["id"] == "XX0101"


def test_the_errors_can_be_asked_for_as_a_table(client: TestClient) -> None:
    response = client.post("/imports?dry_run=true&partial=true&f=csv", content=MESSY)
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(response.text.splitlines()))
    assert (rows[0], len(rows)) == (list(ERROR_COLUMNS), 12)


def test_a_mapping_is_named_or_sent(client: TestClient) -> None:
    sent = {"mapping": json.dumps(OWN_MAPPING), "dry_run": True, "partial": True}
    report = client.post("/imports", params=sent, content=OWN_ROWS).json()
    assert (report["citations_added"], report["errors_total"]) == (2, 1)
    named = {"mapping": "acled", "dry_run": True, "partial": True}
    report = client.post("/imports", params=named, content=csv_of(ACLED_ROWS)).json()
    assert report["citations_added"] == 4
    for wrong in ("nothing", "{", "{}", '{"columns": {"x": "y"}}', "../claims"):
        response = client.post("/imports", params={"mapping": wrong}, content=OWN_ROWS)
        assert_problem(response, 422, "mapping")


def test_a_form_is_refused(client: TestClient) -> None:
    response = client.post("/imports", files={"file": ("claims.csv", csv_of(SOUND))})
    assert "--data-binary" in assert_problem(response, 415)["detail"]


def test_a_file_that_is_too_large_is_refused(client: TestClient) -> None:
    response = client.post("/imports", content=csv_of(SOUND) + b" " * (4 << 20))
    assert_problem(response, 413)


HEADER = csv_of([])
ROW = csv_of(SOUND[:1]).removeprefix(HEADER)
BROKEN = {
    "an empty file": (b"", 422),
    "blank lines": (b"\n\n \n", 422),
    "another table": (b"a,b,c\n1,2,3\n", 422),
    "a column twice": (HEADER.strip() + b",source_url\n", 422),
    "a header alone": (HEADER, 200),
    "a header that is no text": (b"\xff\xfe" + HEADER, 422),
    "a header with NUL": (b"\0" + HEADER, 422),
    "not UTF-8": (HEADER + ROW.replace(b"Near", b"N\xe9ar"), 422),
    "NUL": (HEADER + ROW.replace(b"Near", b"N\0ar"), 422),
    "NUL alone": (b"\0" * 5000, 422),
    "an open quote": (HEADER + b'"' + ROW * 9, 422),
    "a cell of 2 MB": (HEADER + ROW.replace(b"Near", b"x" * (2 << 20)), 422),
    "a header of 2 MB": (b"x" * (2 << 20), 422),
    "quotes of 2 MB": (HEADER + ROW.replace(b"Near", b'"' + b'""' * (1 << 20) + b'"'), 422),
    "two million cells": (HEADER + b"," * 2_000_000 + b"\n" + ROW, 422),
    "a million lines": (HEADER + b"\n" * 1_000_000, 200),
    "JSON that is none": (b'{"adm2_pcode": \n', 422),
    "JSON with NUL": (json.dumps(SOUND[0] | {"note": "\0"}).encode(), 422),
    "JSON with half a letter": (json.dumps(SOUND[0] | {"note": "\ud800"}).encode(), 422),
    "JSON within JSON": (b'{"note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422),
    "a number of 5,000 digits": (b'{"note": ' + b"9" * 5000 + b"}", 422),
    "a publisher without letters": (csv_of([said("a", "T", "5", source_name="..")]), 422),
    "a long name of a publisher": (csv_of([said("a", "T", "5", source_name="x y " * 400)]), 200),
    "dates of long ago": (csv_of([said("a", "T", "0001-01-01")]), 422),
    "dates to come": (csv_of([said("a", "T", "9999-12-31")]), 422),
    "blanks in brackets": (csv_of([said("a", "T", "5", source_name="x" + " " * 1998 + "(")]), 200),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_no_file_is_too_broken_to_be_told(client: TestClient, what: str) -> None:
    content, status = BROKEN[what]
    response = client.post("/imports?dry_run=true", content=content)
    if status == 200:
        assert response.status_code == 200, response.text
    else:
        assert_problem(response, status)


def test_only_those_who_may_write_can_import(country: Engine, client: TestClient) -> None:
    stranger = TestClient(create_app(Settings(_env_file=None), country))
    assert_problem(stranger.post("/imports", content=csv_of(SOUND)), 401)


@pytest.mark.parametrize(
    ("query", "field"),
    [("country=QQ", "country"), ("of=nothing", "of"), ("name=%00", "name"), ("x=1", "x")],
)
def test_parameters_are_checked(client: TestClient, query: str, field: str) -> None:
    response = client.post(f"/imports?{query}", content=csv_of(SOUND))
    assert_problem(response, 404 if field == "country" else 422, field)


# Memory -------------------------------------------------------------------------------------

SERVER = """
import sys, uvicorn
from app.api.app import create_app
from app.settings import Settings
from app.store.engine import make_engine
settings = Settings(_env_file=None)
app = create_app(settings, make_engine(settings.database_url))
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def peak(process: subprocess.Popen[bytes]) -> int:
    """The most memory that a process ever had, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) >> 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_a_large_file_takes_no_more_memory_than_a_small_one(own: Engine) -> None:
    """It is kept on disk as it comes, and read a row at a time."""
    row = ROW.replace(b"Near", b"x" * 900_000)

    def content(rows: int) -> Iterator[bytes]:
        yield HEADER
        for _ in range(rows):
            yield row

    with writing(own) as connection:
        token = keys.create(connection, "desk", [Scope.WRITE], None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = own.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": url, "DEFAULT_COUNTRY": "XX"},
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert process.poll() is None
            try:
                if httpx.get(f"{address}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        peaks = []
        for rows in (3, 70):
            response = httpx.post(
                f"{address}/imports", content=content(rows), headers=headers, timeout=60
            )
            assert response.status_code == 422
            assert response.json()["report"]["errors_total"] == rows
            peaks.append(peak(process))
        assert peaks[1] - peaks[0] < 20, peaks
    finally:
        process.terminate()
        process.wait(timeout=20)
