"""Kept answers: given again as long as they are true, to whoever may have them, and no longer."""

import asyncio
import gzip
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from os import urandom
from typing import Any

import httpx2 as httpx
import pytest
import zstandard
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.api.keeping import STATUS_HEADER, Kept, kept, layer
from app.api.keeping.kept import Answer, Origin, preferred
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import record
from app.service import create_service
from app.settings import Settings
from app.store.engine import writing
from app.store.revisions import State

from .asking import NEWS, OGC, PICTURES, READS
from .test_cost import counted
from .writing import Desk, an_event, client_of

CONTROL = "/districts/AF2907/control"
FIXED = f"{CONTROL}?as_of=2021-06-10&known_at=2022-01-01"
EVERYTHING = {
    name: address
    for name, address in {**READS, **OGC, **PICTURES, **NEWS}.items()
    if name != "/stream"  # it has no end
}
UNREAD = ("/ogc/api", "/ogc/conformance", "/ogc/collections/districts/queryables")
"""Made without the database."""
NEVER_KEPT = ("/healthz", "/readyz", "/metrics")


def told(answer: Any) -> str:
    """Hit or miss, as the answer says it."""
    says: str = answer.headers[STATUS_HEADER]
    return says.removeprefix("district-control; ")


def service_on(engine: Engine, **settings: Any) -> FastAPI:
    chosen = {"rate_limit_reads": "off", "rate_limit_writes": "off"} | settings
    return create_service(Settings(_env_file=None, **chosen), engine)


@pytest.fixture
def fresh(seeded: Engine) -> TestClient:
    """A client of a service that has not been asked for anything yet."""
    return TestClient(service_on(seeded), follow_redirects=False)


def record_capture(engine: Engine, district: str = "AF0102") -> int:
    citation = Citation(
        Stance.SUPPORTS, "kabul-now", "Kabul Now", "2021-07-03", Basis.JOURNALIST, "2021-07-02"
    )
    content = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    with writing(engine) as connection:
        receipt = record(connection, district, content, (citation,), author="test")
    return receipt.revision.number


@pytest.mark.parametrize("address", EVERYTHING.values())
def test_an_answer_is_made_once_and_given_again(fresh: TestClient, address: str) -> None:
    first, again = fresh.get(address), fresh.get(address)
    assert told(first) == "fwd=miss; stored"
    assert told(again) == "hit"
    assert again.content == first.content
    changing = {"x-request-id", "cache-status"}
    assert {k: v for k, v in again.headers.items() if k not in changing} == {
        k: v for k, v in first.headers.items() if k not in changing
    }
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_what_is_changed_outside_of_the_record_is_noticed(own_seeded: Engine) -> None:
    """Names and shapes have no revision; an answer that forgot what it read would stay for ever."""
    client = TestClient(service_on(own_seeded))

    def ask_all() -> dict[str, str]:
        return {address: told(client.get(address)) for address in EVERYTHING.values()}

    made = dict.fromkeys(EVERYTHING.values(), "fwd=miss; stored")
    assert ask_all() == made
    with own_seeded.begin() as connection:
        connection.execute(text("UPDATE boundary_sets SET attribution = attribution || '!'"))
    assert ask_all() == made | dict.fromkeys(UNREAD, "hit")
    assert ask_all() == dict.fromkeys(made, "hit")


def test_a_hit_asks_the_database_nothing_but_how_it_stands(
    fresh: TestClient, seeded: Engine
) -> None:
    first = fresh.get("/control")
    with counted(seeded) as sent:
        assert fresh.get("/control").content == first.content
    assert len(sent) == 1  # this process hears nothing: it has to ask
    with TestClient(service_on(seeded)) as listening:
        wait_to_hear(listening)
        listening.get("/control")
        with counted(seeded) as sent:
            assert told(listening.get("/control")) == "hit"
        assert sent == []


def wait_to_hear(client: TestClient) -> None:
    listener = client.app.state.listener  # type: ignore[attr-defined]
    for _ in range(600):
        if listener.state:
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never heard")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "/control?as_of=2021-06-10&province=AF29",
            "/control?province=AF29&as_of=2021-06-10",
        ),
        ("/control?as_of=2021-06-10T12:00%2B04:30", "/control?as_of=2021%2D06-10T12%3A00%2b04:30"),
        (CONTROL, f"{CONTROL}?min_revision=1"),
        (f"{CONTROL}?min_revision=2", f"{CONTROL}?min_revision=1"),
    ],
)
def test_different_spellings_of_a_question_share_an_answer(
    fresh: TestClient, one: str, other: str
) -> None:
    first = fresh.get(one)
    again = fresh.get(other)
    assert first.status_code == again.status_code == 200
    assert (told(again), again.content) == ("hit", first.content)


def test_formats_are_apart_and_shared_by_all_who_accept_them(fresh: TestClient) -> None:
    answers = {}
    for accept in ("application/json", "text/csv", "application/geo+json"):
        answer = fresh.get("/control", headers={"Accept": accept})
        assert told(answer) == "fwd=miss; stored"
        answers[accept] = answer.content
    assert len(set(answers.values())) == 3
    for accept, content in answers.items():
        assert fresh.get("/control", headers={"Accept": accept}).content == content
    # What a header comes to is learnt from the first answer to it; the answer itself is one.
    size = fresh.app.state.kept.figures()["answers"]  # type: ignore[attr-defined]
    for accept in ("application/json;q=0.9", "text/html, */*;q=0.1"):
        fresh.get("/control", headers={"Accept": accept})
        assert told(fresh.get("/control", headers={"Accept": accept})) == "hit"
    assert fresh.app.state.kept.figures()["answers"] == size  # type: ignore[attr-defined]


def test_an_answer_with_addresses_in_it_is_for_one_host_only(fresh: TestClient) -> None:
    for host in ("one.example", "two.example"):
        for _ in range(2):
            answer = fresh.get("/tiles.json", headers={"Host": host})
            assert answer.json()["tiles"][0].startswith(f"http://{host}/tiles/")


def test_a_record_makes_new_answers_and_leaves_those_at_a_fixed_known_at(
    own_seeded: Engine,
) -> None:
    client = TestClient(service_on(own_seeded))
    open_, fixed = "/control?as_of=2021-07-10", "/control?as_of=2021-07-10&known_at=2022-01-01"
    before = {address: client.get(address) for address in (open_, fixed)}
    revision = record_capture(own_seeded)
    after = client.get(open_)
    assert told(after) == "fwd=miss; stored"
    assert after.json()["revision"] == revision
    assert after.headers["etag"] != before[open_].headers["etag"]
    assert told(client.get(fixed)) == "hit"
    assert client.get(fixed).content == before[fixed].content


def test_kept_answers_are_those_that_would_be_made(own_seeded: Engine) -> None:
    """Asked again after each of several writes, all is as a service without memory has it."""
    keeping = TestClient(service_on(own_seeded))
    forgetful = TestClient(service_on(own_seeded, cache_mb=0))
    addresses = [*READS.values(), *OGC.values()]
    for district in ("AF0102", "AF2907", "AF2306"):
        for address in addresses * 2:
            kept_one, made = keeping.get(address), forgetful.get(address)
            assert kept_one.content == made.content, address
            assert kept_one.headers["etag"] == made.headers["etag"]
        record_capture(own_seeded, district)


def test_an_answer_about_today_is_not_given_tomorrow(
    fresh: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.get(CONTROL)
    fresh.get(FIXED)
    later = kept.quarter() + 1
    monkeypatch.setattr(kept, "quarter", lambda: later)
    monkeypatch.setattr(layer, "quarter", lambda: later)
    assert told(fresh.get(FIXED)) == "hit"
    assert told(fresh.get(CONTROL)) == "fwd=miss; stored"
    assert told(fresh.get(CONTROL)) == "hit"


def test_midnight_everywhere_begins_a_quarter_of_an_hour(seeded: Engine) -> None:
    """Of all time zones that PostgreSQL knows, at any time in this century that it knows of."""
    with seeded.connect() as connection:
        offsets = connection.scalars(
            text(
                "SELECT DISTINCT moment - (moment AT TIME ZONE name) AT TIME ZONE 'UTC' FROM"
                " pg_timezone_names, unnest(ARRAY['2021-01-01', '2021-07-01', '2026-01-01',"
                " '2026-07-01']::timestamptz[]) AS of (moment)"
            )
        ).all()
    assert len(offsets) > 30
    assert {offset % timedelta(seconds=kept.QUARTER) for offset in offsets} == {timedelta()}


# Encodings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/control", "/control?f=geojson", "/control?f=csv", "/docs"])
def test_answers_are_compressed_as_the_client_likes(fresh: TestClient, address: str) -> None:
    def fetch(encodings: str, **headers: str) -> tuple[httpx.Response, bytes]:
        asked = {"Accept-Encoding": encodings, **headers}
        with fresh.stream("GET", address, headers=asked) as answer:
            return answer, b"".join(answer.iter_raw())

    plain, body = fetch("identity")
    assert "content-encoding" not in plain.headers
    tags = {plain.headers["etag"]}
    for encodings, name, decode in (
        ("gzip", "gzip", gzip.decompress),
        ("zstd, gzip;q=0.9", "zstd", zstandard.decompress),
        ("br, gzip, deflate, zstd", "zstd", zstandard.decompress),
    ):
        for _ in range(2):
            answer, raw = fetch(encodings)
            assert answer.headers["content-encoding"] == name
            assert answer.headers["content-length"] == str(len(raw))
            assert len(raw) < len(body) * 0.6
            assert decode(raw) == body
            assert "Accept-Encoding" in answer.headers["vary"]
        tags.add(answer.headers["etag"])
        not_modified, nothing = fetch(encodings, **{"If-None-Match": answer.headers["etag"]})
        assert (not_modified.status_code, nothing) == (304, b"")
        assert not_modified.headers["etag"] == answer.headers["etag"]
        # Another form's bytes must not get this one's tag in a cache between here and there.
        whole, _ = fetch(encodings, **{"If-None-Match": plain.headers["etag"]})
        assert (whole.status_code, whole.headers["etag"]) == (200, answer.headers["etag"])
    assert len(tags) == 3


def test_an_answer_is_compressed_once(fresh: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    squeezed: Counter[str] = Counter()
    squeeze = kept._squeeze

    def note(body: bytes, encoding: Any) -> bytes:
        squeezed[encoding] += 1
        return squeeze(body, encoding)

    monkeypatch.setattr(kept, "_squeeze", note)
    for encodings in ("gzip", "gzip, zstd", "identity", "zstd", "gzip"):
        fresh.get("/control?f=geojson", headers={"Accept-Encoding": encodings})
    assert squeezed == {"gzip": 1, "zstd": 1, "identity": 1}


def test_what_is_compressed_already_or_short_is_left(fresh: TestClient) -> None:
    for address in ("/map.png?as_of=2021-08-15&province=AF29", "/healthz"):
        answer = fresh.get(address, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("*", "zstd"),
        ("gzip;q=0", "identity"),
        ("*;q=0", "identity"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip, zstd;q=0.2", "gzip"),
        ("br", "identity"),
        ("zstd;q=0, *", "gzip"),
        ("gzip;q=x", "identity"),
        (",;,", "identity"),
    ],
)
def test_the_best_encoding(header: str, encoding: str) -> None:
    assert preferred(header) == encoding


# Many at once -----------------------------------------------------------------------------------


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        yield client


def all_at_once(app: FastAPI, *addresses: str) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        async with asking(app) as client:
            return await asyncio.gather(*(client.get(address) for address in addresses))

    return asyncio.run(ask())


def test_many_who_miss_the_same_answer_wait_for_one(own_seeded: Engine) -> None:
    address = "/control?as_of=2021-07-10"
    with counted(own_seeded) as sent:
        all_at_once(service_on(own_seeded), address)
    alone = len(sent)
    with counted(own_seeded) as sent:
        answers = all_at_once(service_on(own_seeded), *[address] * 50)
    assert len(sent) <= alone
    assert Counter(told(answer) for answer in answers) == {
        "fwd=miss; stored": 1,
        "fwd=miss; collapsed": 49,
    }
    assert len({answer.content for answer in answers}) == 1


def test_nobody_gets_the_error_of_another(own_seeded: Engine) -> None:
    answers = all_at_once(service_on(own_seeded), *["/districts/none/control"] * 20)
    assert {answer.status_code for answer in answers} == {404}
    assert {told(answer) for answer in answers} == {"fwd=miss"}
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


def test_nobody_waits_for_the_end_of_an_export(own_seeded: Engine) -> None:
    answers = all_at_once(service_on(own_seeded), *["/events?f=csv"] * 5)
    assert len({answer.content for answer in answers}) == 1
    assert {told(answer) for answer in answers} == {"fwd=miss"}


# Who may have them ------------------------------------------------------------------------------


def test_kept_answers_count_for_the_limit(own_seeded: Engine) -> None:
    client = client_of(own_seeded, rate_limit_reads="5/minute")
    answers = [client.get(CONTROL) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[-1].headers["retry-after"]
    assert told(answers[4]) == "hit"


def test_kept_answers_need_a_key_where_reads_do(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    key = desk.eve.headers["Authorization"]
    closed = client_of(own_seeded, reads_need_key=True)
    for _ in range(2):
        answer = closed.get(FIXED, headers={"Authorization": key})
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
        assert closed.get(FIXED).status_code == 401
        assert closed.get(FIXED, headers={"Authorization": "Bearer dc_no"}).status_code == 401
    assert told(answer) == "hit"
    with writing(own_seeded) as connection:
        connection.execute(text("UPDATE api_keys SET revoked_at = now()"))
    assert closed.get(FIXED, headers={"Authorization": key}).status_code == 401


def test_a_key_that_does_not_work_is_refused_for_a_kept_answer_too(own_seeded: Engine) -> None:
    client = client_of(own_seeded, rate_limit_failures="3/minute")
    client.get(CONTROL)
    wrong = {"Authorization": "Bearer dc_1_wrong"}
    # Each try counts once.
    assert [client.get(CONTROL, headers=wrong).status_code for _ in range(4)] == [401] * 3 + [429]
    assert client.get(CONTROL).status_code == 200


def test_scripts_of_pages_need_no_key_and_no_database(own_seeded: Engine) -> None:
    closed = TestClient(service_on(own_seeded, reads_need_key=True))
    first = closed.get("/static/base.css")
    with counted(own_seeded) as sent:
        assert closed.get("/static/base.css").content == first.content
    assert sent == []
    part = closed.get("/static/base.css", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, first.content[:10])


# What others are told ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "fixed"),
    [
        (FIXED, True),
        ("/control?f=geojson&as_of=2021-06-10&known_at=2022-01-01", True),
        ("/changes?from=2021-06-01&to=2021-06-10&known_at=2022-01-01", True),
        ("/series?from=2021-06-01&to=2021-06-10&known_at=2022-01-01", True),
        ("/changes?known_from=2021-06-01&known_to=2022-01-01&as_of=2021-06-10", True),
        ("/ogc/collections/districts/items?datetime=2021-06-10&known_at=2022-01-01", True),
        ("/map.svg?as_of=2021-06-10&known_at=2022-01-01", True),
        ("/tiles/6/44/25.mvt?as_of=2021-06-10&known_at=2022-01-01", True),
        ("/tiles/6/0/0.mvt?as_of=2021-06-10&known_at=2022-01-01", True),  # nothing lies there
        (f"{CONTROL}?known_at=2022-01-01", False),  # today's date is in it
        (f"{CONTROL}?as_of=2021-06-10", False),
        (CONTROL, False),
        ("/changes?known_from=2021-06-01&known_to=2022-01-01", False),
        ("/d/AF2907?as_of=2021-06-10&known_at=2022-01-01", False),  # a page may look otherwise
        ("/boundary-sets", False),
        ("/static/base.css", False),
    ],
)
def test_only_what_can_never_change_is_kept_for_a_year_elsewhere(
    fresh: TestClient, address: str, fixed: bool
) -> None:
    for _ in range(2):
        says = fresh.get(address).headers["cache-control"]
        assert says == ("public, max-age=31536000, immutable" if fixed else "public, no-cache")


@pytest.mark.parametrize("address", NEVER_KEPT)
def test_what_is_about_this_moment_is_never_kept(fresh: TestClient, address: str) -> None:
    for _ in range(2):
        answer = fresh.get(address)
        assert told(answer) == "fwd=bypass"
        assert answer.headers["cache-control"] == "no-store"


def test_hits_and_misses_are_counted(fresh: TestClient) -> None:
    for _ in range(3):
        fresh.get(CONTROL)
    figures = fresh.get("/metrics").text
    assert 'answers_total{result="hit"} 2.0' in figures
    assert 'answers_total{result="miss"} 1.0' in figures
    assert 'result="bypass"} 1.0' in figures
    assert "kept_answers 1.0" in figures
    timed = 'http_request_duration_seconds_count{method="GET",route="/districts/{id}/control"'
    assert f'{timed},status="200"}} 3.0' in figures


def test_a_page_at_fixed_clocks_is_kept_over_other_revisions(own_seeded: Engine) -> None:
    """It is made of answers, of which some are older than the newest revision, and as true."""
    fixed = "/d/AF0102?as_of=2021-08-31&known_at="
    with own_seeded.connect() as connection:
        instant = connection.execute(text("SELECT max(recorded_at) FROM revisions")).scalar_one()
    address = f"{fixed}{instant:%Y-%m-%dT%H:%M:%S.%fZ}"
    client = TestClient(service_on(own_seeded))
    assert [told(client.get(address)) for _ in range(2)] == ["fwd=miss; stored", "hit"]
    record_capture(own_seeded, "AF0103")
    client.get(address)
    assert [told(client.get(address)) for _ in range(2)] == ["hit", "hit"]


def test_what_one_client_knows_is_not_in_the_answers_of_others(fresh: TestClient) -> None:
    for address in ("/districts?limit=2", "/ogc/collections/districts/items?limit=2", "/feed.json"):
        demanding = f"{address}{'&' if '?' in address else '?'}min_revision=1"
        answers = [fresh.get(demanding), fresh.get(address)]
        assert [told(answer) for answer in answers] == ["fwd=miss; stored", "hit"]
        for answer in answers:
            assert "min_revision" not in answer.text + answer.headers.get("link", "")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/districts/AF9999", 404),
        ("/nowhere", 404),
        ("/control?as_of=soon", 422),
        ("/districts/qaisar", 307),
    ],
)
def test_what_is_no_answer_is_kept_by_nobody(fresh: TestClient, path: str, status: int) -> None:
    answer = fresh.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")


# Bounds -----------------------------------------------------------------------------------------


def an_answer(body: bytes, revision: int = 1) -> Answer:
    origin = Origin(State(revision, 0), False, kept.quarter())
    headers = [(b"content-type", b"application/json")]
    return Answer(200, headers, body, origin, "/")


def target(name: object) -> tuple[str, ...]:
    return ("http", "here", "", f"/{name}", "")


def test_the_memory_is_bounded_and_what_is_longest_unused_goes() -> None:
    memory = Kept(1)
    for number in range(20):
        assert memory.keep(target(number), "*/*", an_answer(bytes(100_000)))
        memory.get(target(0), "*/*")
    assert memory.figures()["bytes"] <= 1 << 20
    there = [number for number in range(20) if memory.get(target(number), "*/*")]
    assert there == [0, *range(11, 20)]
    # One that is a large part of all of it would drive out the rest.
    assert not memory.keep(target("large"), "*/*", an_answer(bytes(200_000)))
    assert not memory.keep(("x" * 2000,), "*/*", an_answer(b"1"))
    assert not memory.keep(target("small"), "x" * 2000, an_answer(b"1"))
    assert not Kept(0).keep(target("small"), "*/*", an_answer(b"1"))
    memory.forget()
    assert memory.figures() == {"answers": 0, "bytes": 0}


def test_a_form_that_is_made_later_counts() -> None:
    memory = Kept(1)
    answer = an_answer(urandom(100_000))
    memory.keep(target(1), "*/*", answer)
    before = memory.figures()["bytes"]
    _, form = answer.form("gzip")
    memory.grown(target(1), answer)
    assert memory.figures() == {"answers": 1, "bytes": before + len(form)}
    memory.grown(target(2), answer)
    assert memory.figures()["answers"] == 1


@pytest.fixture
def threads() -> Iterator[Callable[[Callable[[int], None]], None]]:
    def run(work: Callable[[int], None]) -> None:
        running = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    yield run


def test_many_threads_share_a_memory(threads: Callable[[Callable[[int], None]], None]) -> None:
    memory, wrong = Kept(1), []

    def work(seed: int) -> None:
        for n in range(3000):
            key = (n * 7 + seed) % 900
            found = memory.get(target(key), "*/*")
            if found is None:
                memory.keep(target(key), "*/*", an_answer(key.to_bytes(2) * 1000))
            elif found.body[:2] != key.to_bytes(2):
                wrong.append(key)

    threads(work)
    assert wrong == []


@pytest.mark.parametrize(
    ("made", "fixed", "now", "least", "serves"),
    [
        (State(5, 5), False, State(5, 5), 0, True),
        (State(5, 5), False, State(6, 5), 0, False),
        (State(5, 5), False, State(5, 6), 0, False),
        (State(6, 6), False, State(5, 5), 0, True),  # made after what was heard of
        (State(5, 5), False, State(5, 5), 5, True),
        (State(5, 5), False, State(5, 5), 6, False),
        (State(5, 5), True, State(9, 5), 0, True),
        (State(5, 5), True, State(9, 5), 6, False),
        (State(5, 5), True, State(9, 6), 0, False),
        (State(5, 5), False, None, 0, False),
        (State(5, 5), True, None, 0, True),
    ],
)
def test_when_an_answer_serves(
    made: State, fixed: bool, now: State | None, least: int, serves: bool
) -> None:
    answer = Answer(200, [], b"", Origin(made, fixed, kept.quarter()), "/")
    assert answer.serves(now, least) is serves


def test_writes_pass_through(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    answer = desk.bob.post("/events", json=an_event())
    assert answer.status_code == 201
    assert STATUS_HEADER not in answer.headers
