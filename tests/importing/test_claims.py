"""Claims become events: the same record whatever the order, and what editors did stays."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pprint import pformat
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select, text

from app.domain.clocks import to_edtf
from app.domain.control import Basis, Confidence, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.recording import Correction, cite, correct, record, retract
from app.store import tables
from app.store.engine import make_engine
from app.store.revisions import current
from app.store.states import first_wrong
from app.store.status import Which, statuses

from .record import (
    CLAIM,
    FAR,
    NEAR,
    PARTIES,
    PUBLISHERS,
    ZONE,
    Row,
    answers,
    asking,
    claim,
    everything,
    prepare,
    recorded,
    said,
    standing,
    take,
    taken,
    told,
    undoing,
)


@pytest.fixture(scope="module")
def country(clone: Callable[[str | None], AbstractContextManager[str]]) -> Iterator[Engine]:
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


# Random claims ------------------------------------------------------------------------------

# Few days near each other, so that dates meet, and some beyond the window of a week.
days = st.sampled_from([*range(1, 8), 12, 16, 20]).map(lambda day: f"2021-06-{day:02}")
hours = st.builds(lambda day, hour: f"{day}T{hour:02}:00+04:30", days, st.sampled_from([0, 18]))


def interval(one: str, other: str) -> str:
    return f"{min(one, other)}/{max(one, other)}"


when = st.one_of(
    days,
    days,
    days,
    hours,
    hours,
    days.map(lambda day: f"../{day}"),
    st.builds(interval, days, days),
    days.map(lambda day: f"{day}?"),
    st.just("2021-06"),
)


def row(
    district: str,
    says: tuple[str, str],
    asserted: str | None,
    published: str,
    by: tuple[str, str, str],
    grades: tuple[str, str],
) -> Row:
    kind, controller = says
    basis, speaker, source = by
    return claim(
        adm2_pcode=district,
        event_kind=kind,
        new_controller=controller,
        event_date="",
        date_precision=f"edtf:{asserted}" if asserted else "",
        published_date=published,
        claim_basis=basis,
        speaker=speaker,
        source_name=source,
        reliability=grades[0],
        credibility=grades[1],
    )


HOLDERS = ["Taliban", "Government", "NRF"]
BASES = ["local", "agency", "journalist", "claimant", "social"]
OUTLETS = ["Kabul Now", "Reuters", "Kabul Now (Reuters)", "AFP via UrduPoint", "Daily (AFP)"]
kinds = st.sampled_from(["capture", "capture", "recapture", "transfer", "assessment"])
reports = st.one_of(
    st.tuples(kinds, st.sampled_from(HOLDERS[:2])),
    st.tuples(kinds, st.sampled_from(HOLDERS)),
    st.tuples(st.sampled_from(["contested", "assessment"]), st.just("contested")),
)
denials = st.tuples(st.just("denial"), st.sampled_from([*HOLDERS, "contested"]))


def rows_of(says: Any) -> Any:
    return st.builds(
        row,
        st.sampled_from([NEAR, NEAR, NEAR, FAR]),
        says,
        st.one_of(when, when, when, st.none()),
        days,
        st.tuples(
            st.sampled_from(BASES), st.sampled_from(["", "", "Taliban"]), st.sampled_from(OUTLETS)
        ),
        st.sampled_from([("", ""), ("", ""), ("A", "1"), ("C", "4")]),
    )


@dataclass
class Files:
    """Rows split over files; each denial comes with or after something that it can deny."""

    files: list[list[Row]]

    def __repr__(self) -> str:
        """The cells that differ from a usual claim's, a line for each row."""
        rows = [[set(row.items()) - set(CLAIM.items()) for row in file] for file in self.files]
        return pformat(rows, width=200)

    @property
    def rows(self) -> list[Row]:
        return [row for file in self.files for row in file]


@st.composite
def split(draw: st.DrawFn) -> Files:
    supporting = draw(st.lists(rows_of(reports), min_size=2, max_size=9))
    denying = draw(st.lists(rows_of(denials), max_size=3))
    number = draw(st.integers(1, 4))
    files: list[list[Row]] = [[] for _ in range(number)]
    places = st.integers(0, number - 1)
    addresses = iter(range(100))
    for one in supporting:
        one = one | {"source_url": f"https://example.org/{next(addresses)}"}  # noqa: PLW2901
        files[draw(places)].append(one)
        if draw(st.integers(0, 5)) == 0:
            files[draw(places)].append(one)
    for one in denying:
        one = one | {"source_url": f"https://example.org/{next(addresses)}"}  # noqa: PLW2901
        first = next((n for n, file in enumerate(files) if any(denies(one, r) for r in file)), None)
        if first is not None:
            files[max(first, draw(places))].append(one)
    return Files([draw(st.permutations(file)) for file in files])


def denies(denial: Row, other: Row) -> bool:
    return (
        denial["adm2_pcode"] == other["adm2_pcode"]
        and other["event_kind"] != "denial"
        and other["new_controller"] not in ("contested", denial["new_controller"])
    )


settings_ = st.lists(
    st.tuples(
        st.sampled_from(["2021-06-02", "2021-06-05T18:00+04:30", "2021-08-01"]),
        st.sampled_from([None, "2021-06-02", "2021-06-05", "2021-06-07"]),
        st.sampled_from([Confidence.CLAIMED, Confidence.REPORTED]),
    ),
    min_size=3,
    max_size=3,
)
Settings = list[tuple[str, str | None, Confidence]]


def answered(connection: Connection, asked: Settings) -> list[object]:
    """What is answered at these settings, and at the widest of them."""
    widest = ("2021-08-01", None, Confidence.CLAIMED)
    return [answers(connection, asking(connection, *one)) for one in (widest, *asked)]


examples = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@examples
@given(files=split(), asked=settings_)
def test_files_in_any_order_give_the_record_of_one(
    country: Engine, files: Files, asked: Settings
) -> None:
    with undoing(country) as connection:
        taken(connection, *files.rows)
        expected = standing(connection), answered(connection, asked)
        connection.rollback()
        for file in files.files:
            taken(connection, *file)
        assert standing(connection) == expected[0]
        assert answered(connection, asked) == expected[1]
        assert first_wrong(connection) is None


@examples
@given(files=split(), asked=settings_, random=st.randoms(use_true_random=False))
def test_rows_in_any_order_give_the_same_record(
    country: Engine, files: Files, asked: Settings, random: Random
) -> None:
    """With the same ids and the same order of recording."""
    shuffled = files.rows
    random.shuffle(shuffled)
    found = []
    for rows in (files.rows, shuffled):
        with undoing(country) as connection:
            taken(connection, *rows)
            found.append((recorded(connection), answered(connection, asked)))
    assert found[0] == found[1]


@examples
@given(files=split())
def test_a_file_again_changes_nothing(country: Engine, files: Files) -> None:
    with undoing(country) as connection:
        for file in files.files:
            taken(connection, *file)
        before = everything(connection)
        for again in (*files.files, files.rows):
            report = taken(connection, *again)
            assert report.revision is None
            assert report.duplicates == len(again)
        assert everything(connection) == before


# What editors did ---------------------------------------------------------------------------


@dataclass
class Edit:
    """What an editor does to one of the events that stand."""

    what: str
    target: int
    party: str
    on: str


edits = st.builds(
    Edit,
    st.sampled_from(["record", "correct", "pin", "cite", "deny", "withdraw", "retract", "move"]),
    st.integers(0, 9),
    st.sampled_from([*PARTIES]),
    days,
)


def edit(connection: Connection, one: Edit, url: str) -> None:
    """Carry out an edit, if it is possible."""
    events = newest(connection)
    stance = Stance.DISPUTES if events and one.what == "deny" else Stance.SUPPORTS
    document = by_hand(url, one.on, stance)
    content = Content(Kind.ASSESSMENT, Outcome(Status.CONTROLLED, one.party))
    if one.what == "record" or not events:
        record(connection, NEAR, content, (document,), author="editor")
        return
    event = events[one.target % len(events)]
    if one.what in ("cite", "deny"):
        cite(connection, event.event_id, document, author="editor")
    elif one.what == "retract":
        retract(connection, event.event_id, event.version, author="editor", reason="r")
    else:
        now = Content(Kind(event.kind), Outcome(Status(event.status), event.controller_id))
        change = {
            "correct": Correction(content),
            "pin": Correction(replace(now, pin=Pin(one.on, "seen"))),
            "move": Correction(district=FAR if event.district_id == NEAR else NEAR),
            "withdraw": Correction(
                cited=(document,), withdrawn=frozenset(list(cited_by(connection, event))[:1])
            ),
        }[one.what]
        correct(connection, event.event_id, event.version, change, author="editor", reason="r")


def by_hand(url: str, on: str, stance: Stance = Stance.SUPPORTS) -> Citation:
    return Citation(
        stance,
        "kabul-now",
        "Kabul Now",
        on,
        Basis.LOCAL,
        asserted=on,
        url=f"https://example.org/{url}",
        place_as_written="Near",
    )


def newest(connection: Connection) -> Sequence[Any]:
    """The newest version of every event that stands."""
    version = tables.event_versions.c
    return connection.execute(
        select(tables.events.c.district_id, tables.event_versions)
        .join_from(tables.events, tables.event_versions)
        .where(version.known_until.is_(None))
        .order_by(tables.events.c.sequence)
    ).all()


def cited_by(connection: Connection, event: Any) -> dict[UUID, Any]:
    cited = tables.citations.c
    rows = connection.execute(
        select(tables.citations)
        .where(cited.event_id == event.event_id, cited.known_until.is_(None))
        .order_by(cited.id)
    )
    return {row.id: row for row in rows}


def edited(connection: Connection) -> dict[UUID, tuple[Any, dict[UUID, Any]]]:
    """The events that editors touched: what each says, and its citations."""
    touched = set(
        connection.scalars(
            text(
                "SELECT event_id FROM (SELECT event_id, revision FROM event_versions UNION ALL"
                " SELECT event_id, closing_revision FROM event_versions UNION ALL"
                " SELECT event_id, revision FROM citations UNION ALL"
                " SELECT event_id, closing_revision FROM citations) AS touched"
                " JOIN revisions USING (revision) WHERE action <> 'import'"
            )
        )
    )
    return {
        event.event_id: (event, cited_by(connection, event))
        for event in newest(connection)
        if event.event_id in touched
    }


@examples
@given(files=split(), edits=st.lists(st.lists(edits, max_size=2), min_size=4, max_size=4))
def test_what_editors_did_stays(country: Engine, files: Files, edits: list[list[Edit]]) -> None:
    with undoing(country) as connection:
        addresses = iter("abcdefgh")
        done: list[list[Row]] = []
        for file, edits_after in zip(files.files, edits, strict=False):
            before = edited(connection)
            take(connection, *file, partial=True)
            after = edited(connection)
            assert after.keys() == before.keys()
            for event, (version, citations) in before.items():
                assert after[event][0] == version
                assert citations.items() <= after[event][1].items()
            done.append(file)
            for one in edits_after:
                edit(connection, one, next(addresses))
            as_edited = everything(connection)
            for again in done:
                assert take(connection, *again, partial=True).citations_added == 0
            assert everything(connection) == as_edited
            assert first_wrong(connection) is None


# Joining, merging, splitting ----------------------------------------------------------------


def now(connection: Connection) -> Any:
    return current(connection).recorded_at


def test_a_later_claim_joins_the_event(connection: Connection) -> None:
    taken(connection, said("a", "T", "5"))
    before = now(connection)
    report = taken(connection, said("b", "T", "7"))
    assert (report.events_created, report.events_changed, report.citations_added) == (0, 0, 1)
    assert told(connection) == ["T:ab"]
    assert told(connection, before) == ["T:a"]


def test_a_claim_in_between_merges_two_events(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("b", "T", "12"))
    before = now(connection)
    first, second = newest(connection)
    assert told(connection) == ["T:a", "T:b"]
    report = taken(connection, said("m", "T", "6"))
    assert (report.events_retracted, report.citations_moved, report.events_created) == (1, 1, 0)
    assert told(connection) == ["T:abm"]
    assert told(connection, before) == ["T:a", "T:b"]
    (left,) = newest(connection)
    assert left.event_id == first.event_id
    ended = connection.execute(
        select(tables.event_versions).where(tables.event_versions.c.event_id == second.event_id)
    ).one()
    assert ended.known_until == now(connection)


def test_an_event_with_more_claims_stays_when_two_merge(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("b", "T", "12"), said("c", "T", "13"))
    _, larger = newest(connection)
    taken(connection, said("m", "T", "6"))
    assert [event.event_id for event in newest(connection)] == [larger.event_id]


def test_a_contrary_claim_splits_an_event(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("b", "T", "2"), said("c", "T", "5"))
    before = now(connection)
    (whole,) = newest(connection)
    report = taken(connection, said("g", "G", "3"))
    assert (report.events_created, report.citations_added, report.citations_moved) == (2, 1, 1)
    assert told(connection) == ["T:ab", "G:g", "T:c"]
    assert told(connection, before) == ["T:abc"]
    assert newest(connection)[0].event_id == whole.event_id


def test_an_event_that_loses_a_claim_says_what_the_others_say(connection: Connection) -> None:
    """Its version stays the same; what follows from its citations does not."""
    taken(connection, said("a", "T", "1", "2"), said("b", "T", "2", "3"))
    assert span(connection) == "2021-06-01/2021-06-02"
    taken(connection, said("g", "G", "1", "4"))
    assert told(connection) == ["T:a", "G:g", "T:b"]
    question = asking(connection, "2021-06-01")
    (near, _) = statuses(connection, question, Which(country="XX"))
    assert near.outcome.controller == "afghan-government"
    assert first_wrong(connection) is None


def span(connection: Connection, reported_by: str | None = None, known_at: Any = None) -> str:
    """The bounds of the deciding event in EDTF."""
    question = asking(connection, "2021-07-01", reported_by, known_at=known_at)
    status = statuses(connection, question, Which(district=NEAR))[0]
    return to_edtf(status.span, ZONE) if status.span else "unknown"


def test_dates_narrow_and_widen_as_claims_come_in(connection: Connection) -> None:
    assert span(connection) == "unknown"
    taken(connection, said("a", "T", "../10", "11", source_name="Reuters"))
    by_then = now(connection)
    taken(connection, said("b", "T", "2021-06-06/2021-06-08", "12"))
    narrowed = now(connection)
    taken(connection, said("c", "T", "9", "13", source_name="UrduPoint"))
    assert told(connection) == ["T:abc"]
    assert span(connection, "2021-06-10") == "unknown"
    assert span(connection, "2021-06-11") == "../2021-06-10"
    assert span(connection, "2021-06-12") == "2021-06-06/2021-06-08"
    assert span(connection, "2021-06-13") == "2021-06-06/2021-06-09"
    assert span(connection, known_at=by_then) == "../2021-06-10"
    assert span(connection, known_at=narrowed) == "2021-06-06/2021-06-08"
    assert span(connection, "2021-06-11", known_at=narrowed) == "../2021-06-10"


def test_events_of_one_day_are_ranked_by_the_rule_whatever_came_first(
    connection: Connection,
) -> None:
    taken(connection, said("a", "T", "5"))
    taken(connection, said("c", "C", "5"))
    assert told(connection) == ["C:c", "T:a"]
    taken(connection, said("g", "G", "2021-06-05T06:00+04:30", "7"))
    assert told(connection) == ["G:g", "C:c", "T:a"]


# What counts as one account -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "confidence"),
    [
        (["Kabul Now (AFP)", "Reuters (AFP)"], Confidence.REPORTED),
        (["Kabul Now (afp)", "AFP via UrduPoint"], Confidence.REPORTED),
        (["Daily (citing Reuters)", "Reuters"], Confidence.REPORTED),
        (["Daily (Reuters)", "Weekly (AFP)"], Confidence.CONFIRMED),
        (["Kabul Now (Dari)", "Kabul Now"], Confidence.REPORTED),
        (["Kabul Now", "Reuters"], Confidence.CONFIRMED),
    ],
)
def test_copies_of_one_agency_are_one_origin(
    connection: Connection, sources: list[str], confidence: Confidence
) -> None:
    taken(
        connection,
        *(said(str(n), "T", "5", source_name=name) for n, name in enumerate(sources)),
    )
    status = statuses(connection, asking(connection, "2021-07-01"), Which(district=NEAR))[0]
    assert status.confidence is confidence


def test_a_column_of_origins_goes_before_the_name_in_brackets(connection: Connection) -> None:
    taken(connection, said("a", "T", "5", source_name="Kabul Now (AFP)", origin="Reuters"))
    assert origins(connection) == [("kabul-now", "Reuters")]


def origins(connection: Connection) -> list[tuple[str, str]]:
    cited = tables.citations.c
    rows = connection.execute(select(cited.source_id, cited.origin).order_by(cited.url))
    return [(row.source_id, row.origin) for row in rows]


# Denials ------------------------------------------------------------------------------------


def test_a_denial_attaches_to_what_it_denies(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("g", "G", "5"), said("b", "T", "10"))
    taken(connection, said("n", "-G", "9"), said("m", "-T", "9"))
    assert told(connection) == ["T:a", "G:g~m", "T:b~n"]


def test_a_denial_moves_to_what_is_nearer(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("n", "-G", "12"))
    assert told(connection) == ["T:a~n"]
    before = now(connection)
    report = taken(connection, said("b", "T", "11"))
    assert (report.events_created, report.citations_moved) == (1, 1)
    assert told(connection) == ["T:a", "T:b~n"]
    assert told(connection, before) == ["T:a~n"]
    assert first_wrong(connection) is None


def test_a_denial_of_nothing_is_an_error_until_there_is_something(connection: Connection) -> None:
    denial = said("n", "-G", "5")
    before = everything(connection)
    for partial in (False, True):
        report = take(connection, denial, said("c", "C", "5"), partial=partial, dry_run=True)
        (error,) = report.errors
        assert (error.line, error.column, error.value) == (2, None, "Near")
        assert "deny" in error.reason
    assert take(connection, denial, partial=True).revision is None
    assert everything(connection) == before
    taken(connection, said("g", "G", "5"))
    assert take(connection, denial).errors_total == 1, "nobody denies his own gain"
    taken(connection, said("a", "T", "5"))
    assert taken(connection, denial).citations_added == 1
    assert told(connection) == ["T:a~n", "G:g"]


# What editors did: the cases one by one -----------------------------------------------------


def hand(connection: Connection, url: str, on: int, party: str = "taliban") -> UUID:
    """An event that an editor records."""
    content = Content(Kind.CAPTURE, Outcome(Status.CONTROLLED, party))
    document = by_hand(url, f"2021-06-{on:02}")
    return record(connection, NEAR, content, (document,), author="editor").event_id


def change(connection: Connection, event: UUID, correction: Correction) -> None:
    (version,) = [one.version for one in newest(connection) if one.event_id == event]
    correct(connection, event, version, correction, author="editor", reason="r")


def test_claims_join_an_event_recorded_by_hand(connection: Connection) -> None:
    event = hand(connection, "h", 5)
    taken(connection, said("a", "T", "7"), said("x", "T", "20"))
    assert told(connection) == ["T:ah", "T:x"]
    assert newest(connection)[0].event_id == event


@pytest.mark.parametrize("day", [2, 8])
def test_claims_from_before_and_after_join_it(connection: Connection, day: int) -> None:
    taken(connection, said("a", "T", str(day)))
    event = hand(connection, "h", 5)
    report = taken(connection, said("b", "T", str(day)))
    assert told(connection) == ["T:abh"]
    assert [one.event_id for one in newest(connection)] == [event]
    assert (report.events_retracted, report.citations_moved, report.citations_added) == (1, 1, 1)
    assert first_wrong(connection) is None


def test_events_of_one_day_are_ranked_around_one_recorded_by_hand(connection: Connection) -> None:
    hand(connection, "h", 5)
    taken(connection, said("c", "C", "5"))
    assert told(connection) == ["C:c", "T:h"]
    taken(connection, said("g", "G", "5", "9"))
    assert told(connection) == ["C:c", "T:h", "G:g"]
    assert [one.day_order for one in newest(connection)] == [0, -1, 1]


def test_a_contrary_claim_does_not_split_what_an_editor_put_together(
    connection: Connection,
) -> None:
    taken(connection, said("a", "T", "1"), said("b", "T", "2"))
    (event,) = newest(connection)
    cite(connection, event.event_id, by_hand("h", "2021-06-05"), author="editor")
    taken(connection, said("g", "G", "3"))
    assert told(connection) == ["G:g", "T:abh"]
    assert newest(connection)[0] == event


def test_of_two_events_that_merge_the_one_cited_by_hand_stays(connection: Connection) -> None:
    taken(connection, said("a", "T", "1"), said("b", "T", "2"), said("c", "T", "12"))
    _, event = newest(connection)
    cite(connection, event.event_id, by_hand("h", "2021-06-12"), author="editor")
    taken(connection, said("m", "T", "6"))
    assert [one.event_id for one in newest(connection)] == [event.event_id]
    assert told(connection) == ["T:abchm"]


def test_two_events_kept_by_hand_do_not_merge(connection: Connection) -> None:
    hand(connection, "h", 1)
    hand(connection, "i", 3)
    taken(connection, said("a", "T", "2"))
    assert sorted(told(connection)) == ["T:ah", "T:i"]


def test_a_corrected_event_keeps_its_claims(connection: Connection) -> None:
    rows = [said("a", "T", "5"), said("b", "T", "6")]
    taken(connection, *rows)
    (event,) = newest(connection)
    outcome = Outcome(Status.CONTROLLED, "afghan-government")
    change(connection, event.event_id, Correction(Content(Kind.RECAPTURE, outcome, 3)))
    assert taken(connection, *rows).revision is None
    taken(connection, said("x", "T", "5"), said("g", "G", "7"))
    assert told(connection) == ["T:x", "G:abg"]
    (corrected, _) = newest(connection)
    assert (corrected.version, corrected.kind, corrected.day_order) == (2, "recapture", 3)


def test_a_pinned_date_stays(connection: Connection) -> None:
    taken(connection, said("a", "T", "5"))
    (event,) = newest(connection)
    outcome = Outcome(Status.CONTROLLED, "taliban")
    pin = Pin("2021-06-03", "seen on a photograph")
    change(connection, event.event_id, Correction(Content(Kind.CAPTURE, outcome, pin=pin)))
    taken(connection, said("b", "T", "7"), said("g", "G", "4"))
    assert told(connection) == ["T:a", "G:g", "T:b"], "it is an event of the third now"
    assert span(connection, "2021-06-06") == "2021-06-04"


def test_what_was_retracted_stays_so(connection: Connection) -> None:
    rows = [said("a", "T", "5"), said("b", "T", "6"), said("n", "-G", "6")]
    taken(connection, *rows)
    (event,) = newest(connection)
    retract(connection, event.event_id, 1, author="editor", reason="it was another place")
    assert taken(connection, *rows).revision is None
    assert told(connection) == []
    report = taken(connection, said("c", "T", "7"))
    assert (report.events_created, report.citations_added) == (1, 1)
    assert told(connection) == ["T:c"]


def test_a_withdrawn_claim_stays_so(connection: Connection) -> None:
    rows = [said("a", "T", "5"), said("b", "T", "6")]
    taken(connection, *rows)
    (event,) = newest(connection)
    (wrong,) = [one.id for one in cited_by(connection, event).values() if one.url.endswith("b")]
    change(connection, event.event_id, Correction(withdrawn=frozenset([wrong])))
    assert taken(connection, *rows).revision is None
    taken(connection, said("c", "T", "7"))
    assert told(connection) == ["T:ac"]


def test_a_moved_event_is_not_recorded_again_where_it_was(connection: Connection) -> None:
    rows = [said("a", "T", "5")]
    taken(connection, *rows)
    (event,) = newest(connection)
    change(connection, event.event_id, Correction(district=FAR))
    assert taken(connection, *rows).revision is None
    assert told(connection) == []
    (moved,) = newest(connection)
    assert moved.district_id == FAR
    assert taken(connection, *(one | {"adm2_pcode": FAR} for one in rows)).revision is None


# Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "source", "origin"),
    [
        ("Kabul Now", "kabul-now", "Kabul Now"),
        ("KABUL NOW", "kabul-now", "Kabul Now"),
        ("Kabul Now (Dari)", "kabul-now", "Kabul Now"),
        ("AFP via UrduPoint", "urdupoint", "AFP"),
        ("Kabul Now (via Reuters)", "kabul-now", "Reuters"),
        ("Kabul Now (reuters)", "kabul-now", "Reuters"),
        ("Kabul Now (AFP)", "kabul-now", "AFP"),
        ("Daily Outlook", "daily-outlook", "Daily Outlook"),
        ("Daily Outlook (AFP)", "daily-outlook", "AFP"),
        ("طلوع نیوز", "tlw-nywz", "طلوع نیوز"),
        ("طلوع نیوز (رویترز)", "tlw-nywz", "رویترز"),
    ],
)
def test_publishers_are_known_by_name(
    connection: Connection, written: str, source: str, origin: str
) -> None:
    known = source in PUBLISHERS
    rows = [said(url, "T", "5", source_name=written) for url in "ab"]
    assert taken(connection, rows[0]).sources_added == ([] if known else [source])
    assert taken(connection, rows[1]).sources_added == []
    assert origins(connection) == [(source, origin)] * 2
    if not known:
        name = connection.scalar(select(tables.sources.c.name).where(tables.sources.c.id == source))
        assert name == written.partition(" (")[0]


def test_names_alike_get_ids_of_their_own(connection: Connection) -> None:
    names = ["Daily!", "Daily", "daily"]
    for url, name in zip("abc", names, strict=True):
        taken(connection, said(url, "T", "5", source_name=name))
    assert [source for source, _ in origins(connection)] == ["daily", "daily-2", "daily-2"]


def test_publishers_of_rows_with_errors_are_not_added(connection: Connection) -> None:
    before = everything(connection)["sources"]
    rows = [
        said("a", "T", "5", source_name="Daily", new_controller="Nobody"),
        said("n", "-G", "5", source_name="Weekly"),
        said("b", "T", "5", source_name="🤷"),
    ]
    report = take(connection, *rows, partial=True)
    assert (report.errors_total, report.sources_added) == (3, [])
    assert everything(connection)["sources"] == before


@pytest.mark.parametrize("written", ["taliban", "TALIBAN", "Taliban (in full)", "طالبان"])
def test_parties_are_known_by_any_name(connection: Connection, written: str) -> None:
    taken(connection, said("a", "T", "5", new_controller=written))
    assert told(connection) == ["T:a"]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"new_controller": "Nobody"}, "new_controller"),
        ({"new_controller": "Nobody", "claim_basis": "claimant"}, "new_controller"),
        ({"speaker": "Nobody"}, "speaker"),
        ({"source_name": "🤷"}, "source_name"),
        ({"adm2_pcode": "XX9999"}, "adm2_pcode"),
        ({"adm2_pcode": "", "district_reported": "Nowhere"}, "district_reported"),
        ({"adm2_pcode": "", "province_reported": "Nowhere"}, "province_reported"),
    ],
)
def test_unknown_names_are_errors_of_their_column(
    connection: Connection, cells: Row, column: str
) -> None:
    report = take(connection, said("a", "T", "5"), said("b", "T", "5", **cells))
    assert [(e.line, e.column, e.value) for e in report.errors] == [(3, column, cells[column])]
    assert report.revision is None
    assert told(connection) == []


@pytest.mark.parametrize("cells", [{"district_reported": "نزدیک"}, {"district_reported": "near"}])
def test_districts_are_known_by_name(connection: Connection, cells: Row) -> None:
    taken(connection, said("a", "T", "5", adm2_pcode="", **cells))
    assert told(connection) == ["T:a"]
