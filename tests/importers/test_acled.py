"""An export of ACLED, in its 31 columns. The rows are made up; no data of ACLED is here."""

import json

import pytest

from app.domain.clocks import parse_edtf
from app.importers.drafts import Draft, Fault, Row, Skipped
from tests.importers.reading import KABUL, faults, mapping, ndjson, read, read_one, table

ACLED = mapping("acled")
COLUMNS = [
    "event_id_cnty", "event_date", "year", "time_precision", "disorder_type", "event_type",
    "sub_event_type", "actor1", "assoc_actor_1", "inter1", "actor2", "assoc_actor_2", "inter2",
    "interaction", "civilian_targeting", "iso", "region", "country", "admin1", "admin2", "admin3",
    "location", "latitude", "longitude", "geo_precision", "source", "source_scale", "notes",
    "fatalities", "tags", "timestamp",
]  # fmt: skip
EVENT = dict.fromkeys(COLUMNS, "") | {
    "event_id_cnty": "AFG99001",
    "event_date": "06 June 2021",
    "year": "2021",
    "time_precision": "1",
    "event_type": "Battles",
    "sub_event_type": "Non-state actor overtakes territory",
    "actor1": "Taliban",
    "actor2": "Military Forces of Afghanistan (2014-2021)",
    "iso": "4",
    "country": "Afghanistan",
    "admin1": "Faryab",
    "admin2": "Qaysar",
    "location": "Qaysar",
    "geo_precision": "2",
    "source": "Afghan Paper",
    "notes": "A made-up event,\nin two lines.",
    "fatalities": "3",
    "timestamp": "1623326400",
}


def one(**cells: str) -> Row:
    (row,) = read_one(ACLED, EVENT, **cells)
    return row


def said(field: str, **cells: str) -> object:
    row = one(**cells)
    assert isinstance(row, Draft), row
    return getattr(row, field)


def test_an_export_has_31_columns_and_makes_a_draft() -> None:
    assert len(COLUMNS) == 31
    assert one() == Draft(
        line=2,
        district_code=None,
        district="Qaysar",
        province="Faryab",
        kind="capture",  # type: ignore[arg-type]
        status="controlled",  # type: ignore[arg-type]
        controller="taliban",
        stance="supports",  # type: ignore[arg-type]
        source="ACLED",
        origin="Afghan Paper",
        published="2021-06-10T12:00:00Z",
        asserted="2021-06-06",
        basis="analyst",  # type: ignore[arg-type]
        speaker=None,
        title="AFG99001",
        url=None,
        archived_url=None,
        reliability=None,
        credibility=None,
        note=None,
    )


def test_ndjson_with_numbers_says_the_same() -> None:
    numbers = {"year", "time_precision", "iso", "geo_precision", "fatalities", "timestamp"}
    record = {name: json.loads(text) if name in numbers else text for name, text in EVENT.items()}
    (row,) = read(b"\n" + ndjson(record), "ndjson", ACLED)
    assert row == one()


@pytest.mark.parametrize(
    ("sub_event_type", "kind"),
    [
        ("Non-state actor overtakes territory", "capture"),
        ("Government regains territory", "recapture"),
        ("non-violent transfer of territory", "transfer"),
    ],
)
def test_what_is_a_claim_of_control(sub_event_type: str, kind: str) -> None:
    assert said("kind", sub_event_type=sub_event_type) == kind


@pytest.mark.parametrize(
    "cells",
    [
        {"sub_event_type": "Armed clash"},
        {"sub_event_type": ""},
        {"country": "Pakistan"},
        {"sub_event_type": "Armed clash", "geo_precision": "3", "event_date": "soon"},
    ],
)
def test_other_events_are_skipped_with_a_reason(cells: dict[str, str]) -> None:
    row = one(**cells)
    assert isinstance(row, Skipped)
    assert next(iter(cells)) in row.reason
    assert "no claim" in row.reason


@pytest.mark.parametrize(
    ("actor", "controller"),
    [
        ("Taliban", "taliban"),
        ("Taliban and/or Somebody", "taliban"),
        ("Military Forces of Afghanistan (2014-2021)", "afghan-government"),
        ("Military Forces of Afghanistan (2014-2021) Special Forces", "afghan-government"),
        ("Military Forces of Afghanistan (2021-)", "taliban"),
        ("Military Forces of Afghanistan (2021-) Intelligence", "taliban"),
        ("Police Forces of Afghanistan (2014-2021)", "afghan-government"),
        ("Police Forces of Afghanistan (2021-)", "taliban"),
        ("NRF: National Resistance Front", "national-resistance-front"),
        ("National Resistance Front", "national-resistance-front"),
        ("Somebody Else", "Somebody Else"),
    ],
)
def test_who_holds_it_then(actor: str, controller: str) -> None:
    assert said("controller", actor1=actor) == controller


@pytest.mark.parametrize("written", ["06 June 2021", "6 jun 2021", "2021-06-06", "06-06-2021"])
@pytest.mark.parametrize(
    ("precision", "edtf"),
    [("1", "2021-06-06"), ("2", "2021-05-31/2021-06-12"), ("3", "2021-06")],
)
def test_when_it_was(written: str, precision: str, edtf: str) -> None:
    assert said("asserted", event_date=written, time_precision=precision) == edtf


@pytest.mark.parametrize(
    ("written", "edtf"),
    [
        ("1628985600", "2021-08-15T00:00:00Z"),
        ("2021-06-10T18:00:00+04:30", "2021-06-10T13:30:00Z"),
        ("2021-06-10 12:00:00", "2021-06-10T12:00:00Z"),
        ("2021-06-10", "2021-06-10"),
    ],
)
def test_when_it_was_published(written: str, edtf: str) -> None:
    assert said("published", timestamp=written) == edtf
    parse_edtf(edtf, KABUL)


@pytest.mark.parametrize(
    "cells",
    [
        {"event_date": "31 June 2021"},
        {"event_date": "06 Juni 2021"},
        {"event_date": "06/06/2021"},
        {"event_date": "2021-06-06T12:00Z"},
        {"event_date": ""},
        {"event_date": "0001-01-01"},
        {"time_precision": "4"},
        {"time_precision": ""},
        {"timestamp": ""},
        {"timestamp": "20210610"},
        {"timestamp": "1623326400000"},
        {"timestamp": "-1623326400"},
        {"timestamp": "yesterday"},
        {"admin2": "", "location": ""},
        {"actor1": ""},
    ],
)
def test_a_wrong_value_is_one_fault_on_its_column(cells: dict[str, str]) -> None:
    (fault,) = faults(read_one(ACLED, EVENT, **cells))
    assert fault.column == next(iter(cells))
    assert fault.value == next(iter(cells.values()))


def test_the_first_and_the_last_day_have_no_week_around_them() -> None:
    for day in ("0001-01-01", "9999-12-31"):
        assert isinstance(one(event_date=day, time_precision="2"), Fault)


def test_a_place_known_only_to_the_province_is_a_fault_and_not_skipped() -> None:
    row = one(geo_precision="3", location="Maymana")
    assert isinstance(row, Fault)
    assert (row.column, row.value, row.reason) == (
        "geo_precision", "3", "known only to the province",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("location", "whole"),
    [
        ("Qaysar", True),
        ("qaysar ", True),
        ("Qaysar District", True),
        ("Qaysar - District Center", True),
        ("Qaysar Centre", True),
        ("Qaysar City", True),
        ("Qaysar Bazaar", False),
        ("Qaysar Police District 5", False),
        ("Khwaja Qaysar", False),
        ("Qay", False),
        ("", False),
    ],
)
def test_a_village_is_not_its_district(location: str, whole: bool) -> None:
    row = one(location=location)
    assert isinstance(row, Draft if whole else Skipped)
    if isinstance(row, Skipped):
        assert row.reason == f"it speaks of {location!r}, not of the whole district"


def test_each_outlet_is_an_origin_and_acled_the_publisher() -> None:
    rows = read_one(ACLED, EVENT, source="Afghan Paper; Voice of Jihad;; Afghan Paper ;Radio")
    assert [(r.origin, r.source, r.basis, r.speaker) for r in rows if isinstance(r, Draft)] == [
        ("Afghan Paper", "ACLED", "analyst", None),
        ("Voice of Jihad", "ACLED", "claimant", "taliban"),
        ("Radio", "ACLED", "analyst", None),
    ]
    assert {row.line for row in rows} == {2}


def test_a_row_without_an_outlet_has_no_origin() -> None:
    assert said("origin", source=" ; ") is None


def test_a_fault_of_the_row_is_told_once_for_all_outlets() -> None:
    found = faults(read_one(ACLED, EVENT, source="A; B; C", event_date="soon", actor1=""))
    assert [fault.column for fault in found] == ["actor1", "event_date"]


def test_outlets_beyond_a_cells_length_are_not_split() -> None:
    (fault,) = faults(read_one(ACLED, EVENT, source="a;b" * 700))
    assert fault.column == "source"


def test_a_ministry_speaks_for_the_government_until_it_fell() -> None:
    assert said("speaker", source="Ministry of Defense") == "afghan-government"
    (fault,) = faults(
        read_one(ACLED, EVENT, source="Ministry of Defense; Radio", timestamp="1629086400")
    )
    assert (fault.column, fault.value) == ("source", "Ministry of Defense")


def test_lines_are_counted_through_notes_of_several_lines() -> None:
    assert [row.line for row in read(table(EVENT, EVENT), by=ACLED)] == [2, 4]
