"""The measurements of `bench.service`, as far as they can be wrong without anybody noticing."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine

from app.local_postgis import find_postgis
from bench import document
from bench.scale import markdown as scale
from bench.scale.__main__ import plan_file
from bench.service import asking, load, markdown, results
from bench.service.cases import CASES, Numbers, moment
from bench.service.load import LoadError, Run, read_pgbench, read_wrk
from bench.service.statements import Recording, Sent, record, script

WRK = """Running 2s test @ http://127.0.0.1:8000/control
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.91ms    3.80ms  46.03ms   96.27%
    Req/Sec     6.43k     1.25k    8.60k    66.67%
  Latency Distribution
     50%  950.00us
     75%    1.40ms
     90%    2.28ms
     99%    1.05s{padding}
  13500 requests in 2.10s, 13.42MB read
Requests/sec:   6428.57
Transfer/sec:      6.39MB
""".replace("{padding}", " ")
PGBENCH = """pgbench (15.18)
transaction type: control.sql
number of transactions actually processed: 4780
number of failed transactions: 0 (0.000%)
latency average = 1.046 ms
tps = 955.910512 (without initial connection time)
"""


def test_reads_wrk() -> None:
    run = read_wrk(WRK)
    assert (run.rate, run.p50, run.p99) == pytest.approx((6428.57, 0.95, 1050))


@pytest.mark.parametrize(
    "wrong",
    [
        WRK + "  Non-2xx or 3xx responses: 3\n",
        WRK + "  Socket errors: connect 0, read 0, write 0, timeout 1\n",
        WRK.replace("6428.57", "0.00"),
        "unable to connect to 127.0.0.1:8000 Connection refused\n",
    ],
)
def test_figures_of_failures_are_none(wrong: str) -> None:
    with pytest.raises(LoadError):
        read_wrk(wrong)


def test_reads_pgbench() -> None:
    assert read_pgbench(PGBENCH) == Run(955.910512, None, None)
    with pytest.raises(LoadError):
        read_pgbench(PGBENCH.replace(": 0 (", ": 1 ("))
    with pytest.raises(LoadError):
        read_pgbench("pgbench: error: nothing came of it")


def test_no_moment_is_asked_about_twice() -> None:
    for case in CASES:
        numbers = [
            number
            for start in (0, 59_999_990, 74_000_000, 86_399_000_000)
            for number in range(start, start + 500)
        ]
        assert len({moment(case.days, number) for number in numbers}) == len(numbers)
        first, count = case.days
        days = {moment(case.days, number)[:10] for number in range(3 * count)}
        assert len(days) == count
        assert moment(case.days, 0) == f"{first}T00:00:00.000000Z"
    shares = Numbers()
    assert shares.share() + 10_000_000 <= shares.share()


@contextmanager
def _heard() -> Iterator[tuple[int, list[str]]]:
    """A server that notes what it is asked."""
    paths: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """At the end wrk leaves in the middle of an answer."""

    with Server(("127.0.0.1", 0), Noting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, paths
        server.shutdown()
        thread.join()


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed: tools/install --bench")
def test_wrk_asks_about_the_moments_that_python_counts() -> None:
    case, start = CASES[2], 3_659_999_990
    with _heard() as (port, paths):
        load.cold(port, case, start, clients=1, seconds=1)
    assert len(paths) > 10, "a second, a minute or an hour has to pass in between"
    # wrk has one request made beforehand, to see whether it is one, and does not send it.
    expected = [case.cold_path(start + 1 + number) for number in range(len(paths))]
    assert paths == expected


def test_statements_become_a_script() -> None:
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    sent = [
        Sent(
            "SELECT $1, $2 ,$10", ("it's", *[None] * 8, "7"), (None, "text", *["int2"] * 8), begin
        ),
        Sent("SELECT 'a:b' || $1, x[1:2], y::text", ("z",), (None,), None),
        Sent("SELECT 1;", (), (), begin),
    ]
    made = script(Recording(sent, "-c jit=off"))
    assert made.text.splitlines() == [
        f"{begin};",
        "SELECT :value_0, NULL::text ,:value_1::int2;",
        "SELECT :value_2::text || :value_3, x[1 : 2], y::text;",
        "ROLLBACK;",
        f"{begin};",
        "SELECT 1;",
        "ROLLBACK;",
    ]
    assert made.values == {"value_0": "it's", "value_1": "7", "value_2": "a:b", "value_3": "z"}
    assert made.environment() == {"PGOPTIONS": "-c jit=off"}


def test_pgbench_sends_what_the_service_sends(seeded: Engine, tmp_path: Path) -> None:
    programs = find_postgis()
    pgbench = programs / "pgbench" if programs else Path("pgbench")
    if not pgbench.exists():
        pytest.skip("pgbench is not installed with PostgreSQL")
    url = seeded.url.render_as_string(hide_password=False)
    scripts = record(url, CASES, Numbers())
    for case in CASES:
        made = scripts[case.key]
        assert made.statements > 1
        assert made.text.startswith("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n")
        command = made.command(pgbench, url, tmp_path / f"{case.key}.sql")
        done = subprocess.run(
            [command[0], "--transactions=2", *command[1:]],
            check=False,
            capture_output=True,
            text=True,
        )
        assert read_pgbench(done.stdout).rate > 0, done.stderr


def _median(rate: float, p99: float = 10) -> results.Median:
    return results.Median(rate, rate, rate, 1, p99)


def _verdicts(**kinds: results.Median) -> dict[tuple[str, str], bool]:
    usual = {kind: _median(100) for kind in ("hot", "floor", "cold", "alone", "pgbench")}
    found = {case.key: dict(usual) for case in CASES}
    for key in ("control", "country-shapes"):
        found[key] |= kinds
    return {(one.goal, one.case): one.met for one in results.verdicts(found)}


def test_goals_are_judged_by_unrounded_medians() -> None:
    judged = _verdicts(hot=_median(69.999), tipg=_median(10), cold=_median(20, 50.01))
    assert judged["hot : bare ASGI application", "control"] is False
    assert judged["hot : tipg", "control"] is False
    assert judged["cold : tipg", "control"] is True
    assert judged["cold : tipg, country with geometry", "country-shapes"] is False
    assert ("cold : tipg", "country-shapes") not in judged, "it has a goal of its own"
    assert ("hot : tipg", "timeline") not in judged, "tipg has no such question"
    assert judged["cold, one client : pgbench", "control"] is True
    assert judged["cold, p99 in ms", "control"] is False
    assert judged["cold, p99 in ms", "timeline"] is True


def test_medians_are_over_rounds() -> None:
    runs = [Run(10, 1.0, 5.0), Run(30, 3.0, 50.0), Run(20, 2.0, 7.0)]
    found = results.medians(
        {("control", "hot"): runs, ("control", "pgbench"): [Run(9, None, None)]}
    )
    assert found["control"]["hot"] == results.Median(20, 10, 30, 2.0, 7.0)
    assert found["control"]["pgbench"] == results.Median(9, 9, 9, None, None)
    assert found["timeline"] == {}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([("Cache-Status", "district-control; hit")], True),
        ([("cache-status", "district-control; fwd=miss; stored")], False),
        ([("cache-status", "district-control; fwd=miss; collapsed")], False),
        ([], None),
    ],
)
def test_a_header_tells_what_was_kept(told: list[tuple[str, str]], kept: bool | None) -> None:
    assert asking.Answer(200, told, b"x").was_kept is kept


def test_a_case_asks_the_same_question_hot_and_cold() -> None:
    def asked(path: str) -> str:
        return path.partition("?")[0]

    assert all(asked(case.path) == asked(case.cold) for case in CASES)
    assert len({case.key for case in CASES}) == len(CASES)
    assert [case.key for case in CASES if case.is_snapshot] == ["country-shapes"]


@pytest.mark.parametrize("of", [markdown, scale], ids=["service", "scale"])
def test_the_document_has_the_kept_figures(of: ModuleType) -> None:
    told = json.loads(of.RESULT.read_text(encoding="utf-8"))
    text = of.DOCUMENT.read_text(encoding="utf-8")
    assert document.part(of.__name__.rpartition(".")[0], of.tables(told)) in text


def test_each_figure_at_scale_has_the_plans_next_to_it() -> None:
    told = json.loads(scale.RESULT.read_text(encoding="utf-8"))
    plans = scale.RESULT.parent / "plans"
    expected = {
        plan_file(f"{read}, {clock}", size)
        for size, found in told.items()
        for read, by_clock in found["reads"].items()
        for clock in by_clock
    }
    assert {file.name for file in plans.iterdir()} == expected
    assert all("Execution Time" in file.read_text(encoding="utf-8") for file in plans.iterdir())
