"""What PostgreSQL writes and adds up is what the documents and the domain's folds say.

The histories and questions are those of `test_rule_agrees`; the names and figures of the districts
are whatever the gazetteer lets in.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from app.api.ogc.documents import DistrictProperties
from app.api.schemas.places import DistrictItem
from app.api.timelines import series
from app.domain.clocks import Clocks, Moment
from app.domain.control import Confidence, Question, Status, counting
from app.domain.summary import Place
from app.domain.timeline import counts_over, periods
from app.store import citations, documents, tables, totals
from app.store.events import told_of
from app.store.status import DistrictStatus, Which, statuses
from tests.test_rule_agrees import (
    DISTRICTS,
    ZONE,
    Step,
    asked,
    question,
    steps,
    undone,
    write,
)

__all__ = ["undone"]

Setting = tuple[str, str | None, int, bool, Confidence]
COUNTRY = Which(country="XX")

# Quotes, emoji, control characters: all that a text of PostgreSQL can hold.
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
awkward = st.sampled_from(
    ['"\\', "\x01\x1f\x7f\x85", "\n\t\b\f\r", "</script>", "😀\u2028", "قیصار"]
)
areas = st.one_of(
    st.none(),
    st.sampled_from([0.1, 1.0, 12.0, 350.1, 100000.0, 0.0001, 2.5000000000000004, 5.1e8]),
    st.floats(1e-4, 9e14),
)
place = st.fixed_dictionaries(
    {
        "name": names | awkward,
        "name_local": st.none() | awkward | names,
        "area_km2": areas,
        "population": st.none() | st.integers(0, 2**31 - 1),
    }
)


def rename(connection: Connection, gazetteer: Sequence[dict[str, Any]]) -> None:
    """Give the districts these names and figures, and their province the first of the names."""
    table = tables.districts
    for district, members in zip(DISTRICTS, gazetteer, strict=True):
        dated = {
            "area_year": None if members["area_km2"] is None else "2021",
            "population_year": None if members["population"] is None else "2021",
        }
        connection.execute(table.update().where(table.c.id == district).values(**members, **dated))
    connection.execute(tables.provinces.update().values(name=gazetteer[0]["name"]))


def item_of(status: DistrictStatus, cited: Sequence[citations.Cited]) -> DistrictItem:
    """The document of one district, by way of Python."""
    stances = [one.stance for one in cited]
    return DistrictItem.model_validate(
        {
            **vars(status),
            "confidence": status.confidence.label if status.confidence else None,
            "supporting_citations": stances.count("supports"),
            "disputing_citations": stances.count("disputes"),
        }
    )


def assert_written(connection: Connection, asking: Question, which: Which) -> None:
    """The JSON of a list is that of the documents, to the byte."""
    held = statuses(connection, asking, which)
    deciding = [status.event_id for status in held if status.event_id]
    cited = citations.of_events(connection, asking, deciding)
    written = documents.district_items(connection, asking, which)
    items = [item_of(status, cited.get(status.event_id or "", [])) for status in held]
    assert [one.members for one in written] == [item.model_dump_json() for item in items]
    # GeoJSON and CSV were made by way of Python's own numbers.
    assert [json.loads(one.members) for one in written] == [
        item.model_dump(mode="json") for item in items
    ]
    for one in written:
        read = DistrictItem.model_validate_json(one.members, strict=True)
        assert (read.id, read.model_dump_json()) == (one.id, one.members)


def assert_features(connection: Connection, asking: Question) -> None:
    """The properties of OGC's features are those of the list."""
    said = {"as_of": "", "revision": 0}
    held = statuses(connection, asking, COUNTRY)
    properties = [DistrictProperties.of(status, asking) for status in held]
    expected = [one.model_copy(update=said).model_dump_json() for one in properties]
    found = documents.district_features(connection, asking, COUNTRY)
    start = json.dumps(said, separators=(",", ":"))[:-1]
    assert [f"{start},{one.members[1:]}" for one in found] == expected


def assert_counted(connection: Connection, asking: Question) -> None:
    """Totals look at what the list of all districts says, at this moment and at two before."""
    day = asking.clocks.as_of.until
    before = (day - timedelta(days=1), day - timedelta(hours=30))
    then = [
        [status.outcome for status in statuses(connection, moved(asking, moment), COUNTRY)]
        for moment in before
    ]
    held = statuses(connection, asking, COUNTRY)
    counted = totals.counted(connection, asking, COUNTRY, before)
    assert [one.place for one in counted] == [
        Place(status.outcome, status.since, status.area_km2, status.population) for status in held
    ]
    assert [(one.district.id, one.district.name, one.controller) for one in counted] == [
        (status.id, status.name, status.controller) for status in held
    ]
    assert [one.changed for one in counted] == [
        (old[0] != now.outcome, old[1] != now.outcome)
        for now, *old in zip(held, *then, strict=True)
    ]


def moved(asking: Question, moment: Any) -> Question:
    """The question at another moment in the world."""
    clocks = asking.clocks
    at = Clocks(Moment("", moment), clocks.reported_by, clocks.known_at)
    return Question(at, asking.minimum, asking.zone, asking.revision)


def assert_series(connection: Connection, asking: Question, first: date, number: int) -> None:
    """The points of a series are the fold of the events of each district."""
    days = [first + timedelta(days=2 * step) for step in range(number)]
    until = moved(asking, Moment.of_day(days[-1], ZONE).until)
    told = [[event.state for event in told_of(connection, until, place)] for place in DISTRICTS]
    stretches = [periods(counting(states, until.clocks, until.minimum), ZONE) for states in told]
    points = series(connection, until, COUNTRY, days)
    assert [point.date for point in points] == days
    for point, counts in zip(points, counts_over(stretches, days), strict=True):
        assert point.by_controller == {o.controller: n for o, n in counts.items() if o.controller}
        by_status: Counter[Status] = Counter()
        for outcome, held in counts.items():
            by_status[outcome.status] += held
        assert (point.contested, point.unknown) == (
            by_status[Status.CONTESTED],
            by_status[Status.UNKNOWN],
        )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=st.lists(steps, min_size=2, max_size=10),
    settings_=st.lists(asked, min_size=2, max_size=5),
    gazetteer=st.tuples(place, place),
    first=st.dates(date(2021, 5, 31), date(2021, 6, 3)),
    number=st.integers(1, 4),
)
def test_what_the_database_writes_is_what_python_says(
    undone: Engine,
    history: list[Step],
    settings_: list[Setting],
    gazetteer: tuple[dict[str, Any], dict[str, Any]],
    first: date,
    number: int,
) -> None:
    with undone.connect() as connection:
        rename(connection, gazetteer)
        instants = write(connection, history)
        questions = [question(setting, instants) for setting in settings_]
        for asking in questions:
            for which in (
                COUNTRY,
                Which(country="XX", after=DISTRICTS[0], limit=1),
                Which(districts=DISTRICTS[1:]),
                Which(status=Status.UNKNOWN),
                Which(controller="taliban"),
            ):
                assert_written(connection, asking, which)
            assert_features(connection, asking)
            assert_counted(connection, asking)
            assert_series(connection, asking, first, number)
        for asked_before, after in pairwise(questions):
            before = replace(asked_before, minimum=after.minimum)
            outcomes = [
                [status.outcome for status in statuses(connection, asking, COUNTRY)]
                for asking in (before, after)
            ]
            assert totals.differing(connection, before, after, COUNTRY) == tuple(
                place for place, old, new in zip(DISTRICTS, *outcomes, strict=True) if old != new
            )
        connection.rollback()
