"""The three clocks: what held when, what was published by when, what this record held when."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content
from app.recording import Correction, cite, correct, record, retract
from app.store.engine import writing

from .asking import READS, WITHOUT_CLOCKS, ask, assert_problem, outcome, statuses

NOBODY = ("unknown", None)
TALIBAN = ("controlled", "taliban")
GOVERNMENT = ("controlled", "afghan-government")


@pytest.mark.parametrize(
    "clocks",
    [
        {"known_at": "2021-12-31", "as_of": "2021-08-16"},
        {"as_of": "2021-05-03"},
        {"as_of": "2021-08-16", "reported_by": "2021-05-03"},
        {"as_of": "1800-01-01"},
    ],
    ids="&".join,
)
def test_before_the_beginning_of_a_clock_all_401_districts_are_unknown(
    client: TestClient, clocks: dict[str, str]
) -> None:
    found = statuses(client, **clocks, min_confidence="claimed")
    assert len(found) == 401
    assert {outcome(district) for district in found.values()} == {NOBODY}
    summary = ask(client, "/summary", **clocks, min_confidence="claimed")
    assert (summary["unknown"], summary["by_controller"]) == (401, [])
    assert ask(client, "/events", **clocks)["events"] == []
    qaisar = ask(client, "/districts/AF2907/control", **clocks)
    assert outcome(qaisar) == NOBODY
    assert (qaisar["since"], qaisar["event"], qaisar["confidence"]) == (None, None, None)


def test_an_empty_record_is_revision_0(client: TestClient) -> None:
    assert ask(client, "/control", known_at="2021-12-31")["revision"] == 0
    assert ask(client, "/control")["revision"] > 0


@pytest.mark.parametrize("province", ["AF29", "AF23"])
def test_faryab_and_ghor_fill_up_article_by_article(client: TestClient, province: str) -> None:
    """No district drops out again, unless a document published since says something else."""
    held: set[str] = set()
    numbers = []
    for day in range(1, 31):
        clocks = {"as_of": "2021-06-30", "reported_by": f"2021-06-{day:02}"}
        districts = ask(client, "/control", province=province, **clocks)["districts"]
        now = {d["id"] for d in districts if outcome(d) == TALIBAN}
        for lost in held - now:
            told = ask(client, f"/districts/{lost}/control", **clocks)
            assert told["other_claims"] or outcome(told) != NOBODY, (lost, clocks)
        held = now
        numbers.append(len(now))
    assert numbers[0] == 0
    assert numbers[-1] >= 2
    assert len(set(numbers)) >= 3


def test_confidence_in_qaisar_rises_as_independent_reports_come_in(client: TestClient) -> None:
    rank = {None: 0, "claimed": 1, "reported": 2, "confirmed": 3}
    levels = []
    for day in range(1, 31):
        clocks = {"as_of": "2021-06-30", "reported_by": f"2021-06-{day:02}"}
        levels.append(rank[ask(client, "/districts/AF2907/control", **clocks)["confidence"]])
    assert levels == sorted(levels)
    assert set(levels) == {0, 2, 3}


def test_only_documents_published_by_then_are_cited(client: TestClient) -> None:
    clocks = {"as_of": "2021-06-30", "reported_by": "2021-06-08", "min_confidence": "claimed"}
    for event in ask(client, "/events", **clocks)["events"]:
        assert event["citations"]
        assert all(citation["published"] <= "2021-06-08" for citation in event["citations"])
        # An uncertain day counts from its latest bound.
        assert not any(c["published"] in ("2021-06", "2021-06-08?") for c in event["citations"])


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2021-06-13", NOBODY),
        ("2021-06-14T05:59+04:30", NOBODY),
        ("2021-06-14T06:00+04:30", TALIBAN),
        ("2021-06-14T01:30Z", TALIBAN),
        ("2021-06-14T12:00+04:30", TALIBAN),
        ("2021-06-14T23:59:59.999998+04:30", TALIBAN),
        ("2021-06-14T23:59:59.999999+04:30", GOVERNMENT),
        ("2021-06-14", GOVERNMENT),
        ("2021-06-15", GOVERNMENT),
    ],
)
def test_khanabad_is_told_by_the_hour(
    client: TestClient, moment: str, expected: tuple[str, str | None]
) -> None:
    """Lost at about 06:00 on 14 June 2021, and retaken at some hour of the same day."""
    answer = ask(client, "/districts/AF1904/control", as_of=moment)
    assert outcome(answer) == expected
    assert answer["as_of"] == moment
    assert answer["since"] == (None if expected == NOBODY else "2021-06-14")
    assert outcome(statuses(client, as_of=moment, province="AF19")["AF1904"]) == expected


def test_an_unescaped_plus_is_an_offset_too(client: TestClient) -> None:
    """In a query string it arrives as a space; people type it all the same."""
    address = "/districts/AF1904/control?as_of=2021-06-14T06:00"
    assert client.get(f"{address}+04:30").json() == client.get(f"{address}%2B04:30").json()


@pytest.mark.parametrize("path", [path for path in READS if path not in ("/changes", "/series")])
def test_an_answer_s_own_clocks_give_it_again_byte_for_byte(client: TestClient, path: str) -> None:
    first = client.get(READS[path].partition("?")[0])
    own = {name: first.json().get(name) for name in ("as_of", "known_at")}
    params = {name: value for name, value in own.items() if value is not None}
    again = client.get(READS[path].partition("?")[0], params=params)
    assert again.status_code == 200
    assert again.content == first.content


def a_report(published: str, asserted: str, stance: Stance = Stance.SUPPORTS) -> Citation:
    return Citation(
        stance=stance,
        source="kabul-now",
        origin="Kabul Now",
        published=published,
        asserted=asserted,
        basis=Basis.JOURNALIST,
    )


@pytest.fixture
def record_of_changes(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> Iterator[tuple[TestClient, list[str]]]:
    """A record that is added to, corrected, disputed and retracted; known_at of each state."""
    client = make_client(own_seeded)
    moments = []

    def note() -> None:
        moments.append(ask(client, "/control", limit=1)["known_at"])

    captured = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    contested = Content(Kind.CONTESTED, Outcome(Status.CONTESTED, None))
    note()
    with writing(own_seeded) as connection:
        event: UUID = record(
            connection, "AF0102", captured, (a_report("2021-07-03", "2021-07-02"),), author="test"
        ).event_id
    note()
    with writing(own_seeded) as connection:
        correct(connection, event, 1, Correction(contested), author="test", reason="misread")
    note()
    with writing(own_seeded) as connection:
        denial = a_report("2021-07-05", "2021-07-02", Stance.DISPUTES)
        cite(connection, event, denial, author="test")
    note()
    with writing(own_seeded) as connection:
        retract(connection, event, 2, author="test", reason="another district")
    note()
    yield client, moments


def test_known_at_gives_every_earlier_state_of_the_record(
    record_of_changes: tuple[TestClient, list[str]],
) -> None:
    client, moments = record_of_changes
    told = [
        ask(client, "/districts/AF0102/control", as_of="2021-07-10", known_at=moment)
        for moment in moments
    ]
    assert [outcome(answer) for answer in told] == [
        NOBODY,
        TALIBAN,
        ("contested", None),
        ("contested", None),
        NOBODY,
    ]
    assert [answer["disputed"] for answer in told] == [False, False, False, True, False]
    revisions = [answer["revision"] for answer in told]
    assert [revision - revisions[0] for revision in revisions] == [0, 1, 2, 3, 4]


def test_what_is_recorded_later_changes_no_earlier_answer(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    known_at = ask(client, "/control", limit=1)["known_at"]
    addresses = [
        f"{path}{'&' if '?' in path else '?'}known_at={known_at}"
        for name, path in READS.items()
        if name not in WITHOUT_CLOCKS
    ]
    before = [client.get(address).content for address in addresses]
    with writing(own_seeded) as connection:
        captured = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
        report = a_report("2021-06-05", "2021-06-04")
        record(connection, "AF2907", captured, (report,), author="test")
    assert [client.get(address).content for address in addresses] == before
    assert ask(client, "/control", limit=1)["known_at"] > known_at


def test_the_versions_of_an_event_are_told_as_they_were_known(
    record_of_changes: tuple[TestClient, list[str]],
) -> None:
    client, moments = record_of_changes
    event = ask(client, "/events", district="AF0102", known_at=moments[1])["events"][0]["id"]
    assert_problem(client.get(f"/events/{event}", params={"known_at": moments[0]}), 404, "id")
    for moment, versions in zip(moments[1:], ([1], [1, 2], [1, 2], [1, 2]), strict=True):
        told = ask(client, f"/events/{event}", known_at=moment)
        assert [version["version"] for version in told["versions"]] == versions
        closed = [version["closing_reason"] for version in told["versions"]]
        assert closed[0] == (None if versions == [1] else "misread")
        assert (told["event"] is None) == (moment == moments[-1])
    last = ask(client, f"/events/{event}")["versions"][-1]
    assert (last["closed_by"], last["closing_reason"]) == ("test", "another district")


def test_the_changes_of_an_event_are_told_as_they_were_known(
    record_of_changes: tuple[TestClient, list[str]],
) -> None:
    client, moments = record_of_changes
    event = ask(client, "/events", district="AF0102", known_at=moments[1])["events"][0]["id"]
    actions = ["record", "correct", "cite", "retract"]
    for number, moment in enumerate(moments[1:], start=1):
        changes = ask(client, f"/events/{event}", known_at=moment)["changes"]
        assert [change["action"] for change in changes] == actions[:number]
        assert {change["author"] for change in changes} == {"test"}
    assert [change["known_from"] for change in changes] == moments[1:]
    assert [change["version"] for change in changes] == [1, 2, None, None]
    assert [change["reason"] for change in changes] == [None, "misread", None, "another district"]
    assert [len(change["citations_added"]) for change in changes] == [1, 0, 1, 0]
    assert not any(change["citations_withdrawn"] for change in changes)


def test_an_event_that_was_moved_leads_to_the_other_one(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    client = make_client(own_seeded)
    captured = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, "taliban"))
    with writing(own_seeded) as connection:
        report = a_report("2021-07-03", "2021-07-02")
        first = record(connection, "AF0102", captured, (report,), author="test")
    with writing(own_seeded) as connection:
        there = Correction(
            district="AF0103",
            cited=(a_report("2021-07-04", "2021-07-02"),),
            withdrawn=frozenset({report.id}),
        )
        moved = correct(connection, first.event_id, 1, there, author="test", reason="namesake")
    left = ask(client, f"/events/{first.event_id}")
    come = ask(client, f"/events/{moved.event_id}")
    assert (left["event"], left["replaced_by"]) == (None, str(moved.event_id))
    assert (left["replaces"], come["replaced_by"]) == (None, None)
    assert (come["event"]["district"]["id"], come["replaces"]) == ("AF0103", str(first.event_id))
    # One revision: taken back there, recorded here.
    assert [change["revision"] for change in left["changes"]] == [
        first.revision.number,
        moved.revision.number,
    ]
    (change,) = come["changes"]
    assert (change["action"], change["reason"]) == ("correct", "namesake")
    assert change["known_from"] == left["versions"][0]["known_until"]
    assert left["changes"][1]["citations_withdrawn"] == [str(report.id)]
    # Before that, nobody knew of it.
    known_at = first.revision.recorded_at.isoformat()
    before = ask(client, f"/events/{first.event_id}", known_at=known_at)
    assert before["replaced_by"] is None
    assert before["event"]["district"]["id"] == "AF0102"
    unknown = client.get(f"/events/{moved.event_id}", params={"known_at": known_at})
    assert_problem(unknown, 404, "id")


def test_a_clock_set_to_the_future_is_refused(client: TestClient) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%MZ")
    for clock in ("as_of", "reported_by", "known_at"):
        assert_problem(client.get("/control", params={clock: ahead}), 422, clock)
        assert_problem(client.get("/control", params={clock: "2199-12-31"}), 422, clock)
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    assert_problem(client.get("/control", params={"known_at": soon}), 422, "known_at")


def test_today_is_the_country_s_today(client: TestClient) -> None:
    kabul = datetime.now(UTC) + timedelta(hours=4, minutes=30)
    told = ask(client, "/control", limit=1)["as_of"]
    # Midnight may pass between the question and this line.
    assert told in {kabul.date().isoformat(), (kabul - timedelta(minutes=1)).date().isoformat()}
