"""Where the marks of the drawings lie."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.web.drawing import Axis, Palette, draw_counts, draw_timeline, in_order

TALIBAN = {"id": "taliban", "name": "Taliban"}
GOVERNMENT = {"id": "government", "name": "Government"}
PALETTE = Palette(
    [{"id": "government", "colour": "#56a9de"}, {"id": "taliban", "colour": "#8a2f0c"}]
)


def an_event(number: int, earliest: str | None, latest: str, **others: Any) -> dict[str, Any]:
    state = {"status": "controlled", "controller": TALIBAN}
    return {
        "id": str(number),
        "occurred_earliest": earliest,
        "occurred_latest": latest,
        **state,
        **others,
    }


def a_timeline(*events: dict[str, Any], as_of: str = "2021-08-15") -> dict[str, Any]:
    """What the API would say, each event beginning a period."""
    counted = [event for event in events if "reason" not in event]
    starts = [event["occurred_latest"] for event in counted]
    states = [{"status": "unknown", "controller": None}, *counted]
    periods = [
        {"status": s["status"], "controller": s["controller"], "from_at": a, "to_at": b}
        for s, a, b in zip(states, [None, *starts], [*starts, None], strict=True)
    ]
    others = [event for event in events if "reason" in event]
    return {"as_of": as_of, "periods": periods, "events": counted, "other_claims": others}


def drawn(*events: dict[str, Any], reported: str | None = None, as_of: str = "2021-08-15") -> Any:
    timeline = a_timeline(*events, as_of=as_of)
    return draw_timeline(timeline, in_order(timeline), reported)


FIRST = an_event(1, "2021-06-05T19:30:00Z", "2021-06-07T19:29:59.999999Z")
SECOND = an_event(2, None, "2021-07-01T00:00:00Z", controller=GOVERNMENT)


def test_nothing_on_record_is_not_drawn() -> None:
    assert drawn() is None


def test_bars_fill_the_width_without_a_gap() -> None:
    drawing = drawn(FIRST, SECOND)
    edges = [(bar.x, round(bar.x + bar.width, 1)) for bar in drawing.bars]
    assert edges[0][0] == 0 and edges[-1][1] == 100
    for (_, end), (start, _) in pairwise(edges):
        assert start == pytest.approx(end, abs=0.1)


def test_marks_lie_where_the_bars_change() -> None:
    drawing = drawn(FIRST, SECOND)
    assert [mark.end for mark in drawing.marks] == [bar.x for bar in drawing.bars[1:]]
    first, second = drawing.marks
    assert 0 < first.start < first.end and not first.is_open
    assert second.start == 0 and second.is_open, "no one says how early"


def test_what_outlasts_the_newest_report_is_faded_but_for_the_unknown() -> None:
    drawing = drawn(FIRST, reported="2021-06-20")
    assert [bar.faded for bar in drawing.bars] == [False, False, True]
    unfaded = drawing.bars[1]
    assert unfaded.x + unfaded.width == pytest.approx(
        drawing.axis.at(datetime(2021, 6, 21, tzinfo=UTC)), abs=0.1
    )


def test_marks_near_each_other_get_rows_of_their_own() -> None:
    near = an_event(2, "2021-06-06T00:00:00Z", "2021-06-07T20:00:00Z")
    far = an_event(3, "2021-08-01T00:00:00Z", "2021-08-02T00:00:00Z")
    drawing = drawn(FIRST, near, far)
    assert [mark.lane for mark in drawing.marks] == [0, 1, 0]
    assert drawing.lanes == 2


def test_events_that_do_not_count_are_numbered_with_the_others_and_begin_no_bar() -> None:
    weak = an_event(2, "2021-06-10T00:00:00Z", "2021-06-11T00:00:00Z", reason="contradicts")
    drawing = drawn(FIRST, weak, SECOND)
    assert [(mark.number, mark.counts) for mark in drawing.marks] == [
        (1, True),
        (2, False),
        (3, True),
    ]
    assert len(drawing.bars) == 3


def test_years_without_a_report_are_cut_off() -> None:
    assert drawn(FIRST, as_of="2026-11-23").axis.broken
    near = drawn(FIRST, as_of="2021-06-12").axis
    assert not near.broken
    assert near.last == datetime(2021, 6, 13, tzinfo=UTC), "as_of is its whole day"


@pytest.mark.parametrize("days", [1, 4, 10, 20, 45, 70, 200, 700, 3000, 20_000, 140_000])
def test_an_axis_has_a_few_ticks_that_rise_and_can_be_told_apart(days: int) -> None:
    first = datetime(2021, 6, 9, 12, tzinfo=UTC)
    axis = Axis(first, first + timedelta(days=days), broken=False)
    ticks = axis.ticks()
    places = [tick.x for tick in ticks]
    assert len(ticks) <= 7
    assert days < 4 or ticks
    assert all(b - a > 8 for a, b in pairwise(places))
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_columns_add_up_to_the_height_and_leave_no_gap() -> None:
    timeline = {
        "as_of": "2021-08-15",
        "counts": [
            {"date": "2021-06-05", "by_controller": {}, "contested": 0, "unknown": 4},
            {"date": "2021-06-06", "by_controller": {"taliban": 1}, "contested": 1, "unknown": 2},
            {
                "date": "2021-07-06",
                "by_controller": {"taliban": 2, "government": 1},
                "contested": 1,
                "unknown": 0,
            },
        ],
    }
    chart = draw_counts(timeline, PALETTE, total=4, height=160)
    assert chart
    columns: dict[float, list[Any]] = {}
    for block in chart.blocks:
        columns.setdefault(block.x, []).append(block)
    assert [sum(b.height for b in column) for column in columns.values()] == [160, 160, 160]
    assert [(b.controller or b.status) for b in list(columns.values())[-1]] == [
        "government",
        "taliban",
        "contested",
    ]
    edges = sorted((b[0].x, b[0].x + b[0].width) for b in columns.values())
    assert edges[0][0] == 0 and edges[-1][1] == pytest.approx(100)


def test_numbers_can_be_read_on_every_colour() -> None:
    assert PALETTE.ink({"status": "controlled", "controller": TALIBAN}) == "#ffffff"
    assert PALETTE.ink({"status": "controlled", "controller": GOVERNMENT}) == "#000000"
    assert PALETTE.ink({"status": "contested", "controller": None}) == "#000000"
