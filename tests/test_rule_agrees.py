"""The control rule in SQL and in Python give the same answers on random histories.

A history is any mix of events recorded, corrected, moved and retracted and of citations added,
withdrawn, late, uncertain, without a date, syndicated, disputing or graded. Each is asked about
at random settings of all three clocks. Python reads everything that was ever recorded and applies
the specification; SQL is asked as the API asks it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from app.domain.clocks import Clocks, Moment, parse_moment
from app.domain.control import (
    UNKNOWN,
    Action,
    Basis,
    Confidence,
    EventHistory,
    Kind,
    Outcome,
    Question,
    Reason,
    Stance,
    Status,
    counting,
    other_claims,
    state_of,
)
from app.domain.entries import Citation, Content, Pin
from app.domain.timeline import periods
from app.recording import Correction, cite, correct, record, retract
from app.store import tables
from app.store.changes import changing
from app.store.engine import make_engine
from app.store.events import bearing_on, told_of
from app.store.states import first_wrong
from app.store.status import Which, statuses
from tests.histories import histories

ZONE = ZoneInfo("Asia/Kabul")
DISTRICTS = ("XX0101", "XX0102")
PARTIES = ("taliban", "afghan-government")
GAZETTEER: dict[str, list[dict[str, str]]] = {
    "countries": [{"code": "XX", "name": "Testland", "time_zone": ZONE.key}],
    "provinces": [{"id": "XX01", "country_code": "XX", "name": "One"}],
    "districts": [{"id": code, "province_id": "XX01", "name": code} for code in DISTRICTS],
}
ACTORS = [{"id": p, "name": p, "full_name": p, "kind": "non-state"} for p in PARTIES]
SOURCES = [{"id": "kabul-now", "name": "Kabul Now"}]


@pytest.fixture(scope="module")
def undone(clone: Callable[[str | None], AbstractContextManager[str]]) -> Iterator[Engine]:
    """A database with two districts, in which no example commits what it writes."""
    with clone("template_migrated") as url:
        engine = make_engine(url)
        with engine.begin() as connection:
            for table, rows in GAZETTEER.items():
                connection.execute(tables.metadata.tables[table].insert(), rows)
            with changing(connection, author="test", action=Action.IMPORT) as change:
                change.add_actors(ACTORS)
                change.add_sources(SOURCES)
        yield engine
        engine.dispose()


# Few days and hours, so that events, publications and questions meet at the same instants.
days = st.integers(1, 3).map(lambda day: f"2021-06-{day:02}")
hours = st.builds(lambda day, hour: f"{day}T{hour:02}:00+04:30", days, st.sampled_from([0, 18]))


def interval(one: str, other: str) -> str:
    return f"{min(one, other)}/{max(one, other)}"


dates = st.one_of(
    days,
    days,
    hours,
    hours,
    st.just("2021-06"),
    st.builds(interval, days, days),
    days.map(lambda day: f"../{day}"),
    days.map(lambda day: f"{day}?"),
)
outcomes = st.one_of(
    st.sampled_from(PARTIES).map(lambda party: Outcome(Status.CONTROLLED, party)),
    st.just(Outcome(Status.CONTESTED, None)),
)
contents = st.builds(
    lambda outcome, day_order, pinned: Content(
        Kind.ASSESSMENT, outcome, day_order, Pin(pinned, "seen on a photograph") if pinned else None
    ),
    outcomes,
    st.integers(-1, 1),
    st.one_of(st.none(), st.none(), dates),
)
citations = st.builds(
    Citation,
    stance=st.sampled_from([Stance.SUPPORTS, Stance.SUPPORTS, Stance.DISPUTES]),
    source=st.just("kabul-now"),
    origin=st.sampled_from(["dpa", "DPA", "Reuters", "Kabul Now"]),
    published=dates,
    asserted=st.one_of(st.none(), dates),
    basis=st.sampled_from(list(Basis)),
    speaker=st.sampled_from([None, None, *PARTIES]),
    reliability=st.sampled_from([None, None, "A", "C"]),
    credibility=st.sampled_from([None, 1, 4]),
)


@dataclass
class Step:
    """One write; `target` picks among the events that stand."""

    what: str
    district: str
    target: int
    content: Content
    cited: list[Citation] = field(default_factory=list)
    withdraw: int = 0


# Most steps add to what there is, so that it becomes a tangle.
WHAT = ["record"] * 3 + ["correct", "amend", "move", "cite", "cite", "retract"]
steps = st.builds(
    Step,
    what=st.sampled_from(WHAT),
    district=st.sampled_from([DISTRICTS[0], DISTRICTS[0], DISTRICTS[1]]),
    target=st.integers(0, 5),
    content=contents,
    cited=st.lists(citations, min_size=1, max_size=4),
    withdraw=st.integers(0, 3),
)
moments = st.one_of(days, hours, st.just("2021-05-01"), st.just("2021-08-01"))
asked = st.tuples(
    moments,
    st.one_of(st.none(), moments),
    st.integers(-1, 40),
    st.booleans(),
    st.sampled_from(list(Confidence)),
)


def correction(connection: Connection, event: UUID, step: Step) -> Correction:
    """What a step corrects: what the event says, its documents too, or its district."""
    if step.what == "correct":
        return Correction(step.content)
    table = tables.citations
    # By what they say and not by their ids, so that a history can be told again.
    alike = ("id", "event_id", "revision", "known_from")
    held = connection.scalars(
        select(table.c.id)
        .where(table.c.event_id == event, table.c.known_until.is_(None))
        .order_by(*(column for column in table.columns if column.name not in alike))
    ).all()
    # One that supports it comes in, so that any number may go.
    cited = (replace(step.cited[0], stance=Stance.SUPPORTS), *step.cited[1:])
    return Correction(
        content=step.content,
        district=step.district if step.what == "move" else None,
        cited=tuple(replace(citation, id=uuid4()) for citation in cited),
        withdrawn=frozenset(held[: step.withdraw]),
    )


def write(connection: Connection, history: list[Step]) -> list[datetime]:
    """Carry the steps out; the instants of their revisions."""
    standing: dict[UUID, int] = {}
    instants = []
    for step in history:
        what = step.what if standing else "record"
        target = list(standing)[step.target % len(standing)] if standing else None
        if what == "record" or target is None:
            first = replace(step.cited[0], stance=Stance.SUPPORTS)
            cited = (first, *step.cited[1:])
            receipt = record(connection, step.district, step.content, cited, author="a")
        elif what in ("correct", "amend", "move"):
            corrected = correction(connection, target, step)
            receipt = correct(
                connection, target, standing.pop(target), corrected, author="b", reason="r"
            )
        elif what == "cite":
            receipt = cite(connection, target, step.cited[0], author="c")
        else:
            receipt = retract(connection, target, standing[target], author="d", reason="r")
        standing[receipt.event_id] = receipt.version
        if what == "retract":
            del standing[receipt.event_id]
        instants.append(receipt.revision.recorded_at)
    return instants


def moment(text: str) -> Moment:
    return parse_moment(text, ZONE, field="as_of")


def question(
    setting: tuple[str, str | None, int, bool, Confidence], instants: list[datetime]
) -> Question:
    """The question at one setting; knowledge is that of some revision, or of just before it."""
    as_of, reported_by, known, just_before, minimum = setting
    known_at = instants[min(known, len(instants) - 1)] if known >= 0 else instants[0]
    if just_before or known < 0:
        known_at -= timedelta(microseconds=1)
    clocks = Clocks(moment(as_of), moment(reported_by) if reported_by else None, known_at)
    return Question(clocks, minimum, ZONE, revision=0)


def specified(recorded: list[EventHistory], asking: Question) -> dict[str, object]:
    """What the specification answers for one district."""
    states = [state for event in recorded if (state := state_of(event, asking.clocks))]
    deciding = counting(states, asking.clocks, asking.minimum)
    decider = deciding[-1] if deciding else None
    stretch = periods(deciding, ZONE)[-1]
    return {
        "outcome": decider.outcome if decider else UNKNOWN,
        "event": decider.event_id if decider else None,
        "reading": decider.reading if decider else None,
        "since": stretch.start,
        "since_at": stretch.start_at,
        "last_reported": last_reported(recorded, asking.clocks),
        "told": sorted(states, key=lambda state: state.sequence),
        "others": other_claims(states, asking.clocks, asking.minimum),
    }


def last_reported(recorded: list[EventHistory], clocks: Clocks) -> object:
    out = [
        held.claim.published.latest
        for event in recorded
        if any(version.known_at(clocks.known_at) for version in event.versions)
        for held in event.claims
        if held.known_at(clocks.known_at)
        and (clocks.reported_by is None or held.claim.published.latest <= clocks.reported_by.until)
    ]
    return max(out).astimezone(ZONE).date() if out else None


def answered(connection: Connection, district: str, asking: Question) -> dict[str, object]:
    """What SQL answers for one district."""
    (status,) = statuses(connection, asking, Which(district=district))
    told = [event.state for event in told_of(connection, asking, district)]
    readings = {state.event_id: state.reading for state in told}
    bearing = {event.id: event.state for event in bearing_on(connection, asking, district)}
    assert status.event_id is None or status.event_id in bearing
    return {
        "outcome": status.outcome,
        "event": status.event_id,
        "reading": readings[status.event_id] if status.event_id else None,
        "since": status.since,
        "since_at": status.since_at,
        "last_reported": status.last_reported,
        "told": sorted(told, key=lambda state: state.sequence),
        "others": other_claims(bearing.values(), asking.clocks, asking.minimum),
    }


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    history=st.lists(steps, min_size=4, max_size=12),
    settings_=st.lists(asked, min_size=3, max_size=8),
)
def test_sql_and_python_agree(
    undone: Engine,
    history: list[Step],
    settings_: list[tuple[str, str | None, int, bool, Confidence]],
) -> None:
    with undone.connect() as connection:
        instants = write(connection, history)
        recorded: dict[str, list[EventHistory]] = {district: [] for district in DISTRICTS}
        rows = connection.execute(
            tables.events.select().where(tables.events.c.district_id.in_(DISTRICTS))
        )
        where = {str(row.id): row.district_id for row in rows}
        for event in histories(connection, [UUID(event) for event in where]):
            recorded[where[event.event_id]].append(event)
        for setting in settings_:
            asking = question(setting, instants)
            for district in DISTRICTS:
                assert answered(connection, district, asking) == specified(
                    recorded[district], asking
                )
        # What each write kept for reads is what the whole record says afterwards.
        assert first_wrong(connection) is None
        connection.rollback()


# One district that mostly stays with one party: what bears on the answer is told by dates alone.
week = st.integers(1, 8).map(lambda day: f"2021-06-{day:02}")
reports = st.builds(
    Citation,
    stance=st.just(Stance.SUPPORTS),
    source=st.just("kabul-now"),
    origin=st.just("dpa"),
    published=st.just("2021-06-10"),
    asserted=st.one_of(week, st.builds(interval, week, week), week.map(lambda day: f"../{day}")),
    basis=st.sampled_from([Basis.AGENCY, Basis.AGENCY, Basis.CLAIMANT]),
)
long_held = st.builds(
    Step,
    what=st.just("record"),
    district=st.just(DISTRICTS[0]),
    target=st.just(0),
    content=st.sampled_from([*PARTIES[:1] * 4, *PARTIES]).map(
        lambda party: Content(Kind.ASSESSMENT, Outcome(Status.CONTROLLED, party))
    ),
    cited=st.builds(
        lambda report, denied: (
            [report, replace(report, stance=Stance.DISPUTES, id=uuid4())] if denied else [report]
        ),
        reports,
        st.sampled_from([False, False, True]),
    ),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(long_held, min_size=5, max_size=9))
def test_all_that_bears_on_an_answer_is_found(undone: Engine, history: list[Step]) -> None:
    with undone.connect() as connection:
        instants = write(connection, history)
        for day in (3, 5, 7):
            for minimum in (Confidence.CLAIMED, Confidence.REPORTED):
                setting = (f"2021-06-{day:02}", None, 40, False, minimum)
                asking = question(setting, instants)
                told = [event.state for event in told_of(connection, asking, DISTRICTS[0])]
                some = [event.state for event in bearing_on(connection, asking, DISTRICTS[0])]
                assert other_claims(some, asking.clocks, minimum) == other_claims(
                    told, asking.clocks, minimum
                )
        connection.rollback()


def test_a_given_order_goes_before_the_order_of_recording(undone: Engine) -> None:
    """Two events of one day, recorded in the other order than they happened in."""
    reported = Citation(
        Stance.SUPPORTS, "kabul-now", "dpa", "2021-06-02", Basis.AGENCY, "2021-06-01"
    )
    taken, retaken = (Outcome(Status.CONTROLLED, party) for party in PARTIES)
    with undone.connect() as connection:
        for outcome, day_order in ((retaken, 1), (taken, 0)):
            content = Content(Kind.ASSESSMENT, outcome, day_order)
            cited = (replace(reported, id=uuid4()),)
            receipt = record(connection, DISTRICTS[0], content, cited, author="a")
        asking = question(
            ("2021-06-01", None, 0, False, Confidence.REPORTED), [receipt.revision.recorded_at]
        )
        assert answered(connection, DISTRICTS[0], asking)["outcome"] == retaken
        connection.rollback()


def test_an_earlier_hold_by_the_same_party_on_days_that_are_not_sure_bears_too(
    undone: Engine,
) -> None:
    """Taken by the 4th, lost by the 4th, retaken by the 6th: the first may be within the last."""
    reported = Citation(
        Stance.SUPPORTS, "kabul-now", "dpa", "2021-06-10", Basis.AGENCY, "../2021-06-04"
    )
    party, other = (Outcome(Status.CONTROLLED, party) for party in PARTIES)
    with undone.connect() as connection:
        made = []
        for outcome, by in ((party, "2021-06-04"), (other, "2021-06-04"), (party, "2021-06-06")):
            cited = (replace(reported, id=uuid4(), asserted=f"../{by}"),)
            content = Content(Kind.ASSESSMENT, outcome)
            made.append(record(connection, DISTRICTS[0], content, cited, author="a"))
        asking = question(
            ("2021-06-08", None, 0, False, Confidence.REPORTED), [made[-1].revision.recorded_at]
        )
        found = answered(connection, DISTRICTS[0], asking)
        told: Any = found["others"]
        others = [(state.event_id, reason) for state, reason in told]
        first, second, last = (str(one.event_id) for one in made)
        assert found["event"] == last
        assert others == [(first, Reason.CONTRADICTS), (second, Reason.CONTRADICTS)]
        connection.rollback()
