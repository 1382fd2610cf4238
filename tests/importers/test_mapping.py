"""Mappings: what they may say, and what they do to a row."""

import json

import pytest

from app.domain.errors import InvalidValueError
from app.importers.drafts import Draft, Skipped
from app.importers.mapping import Mapping, Words
from tests.importers.reading import CLAIM, CLAIMS, changed, faults, mapping, read_one

WHOLE = CLAIMS.model_dump(mode="json")
EDTF = {
    "columns": {
        "district": "place", "kind": "what", "controller": "who", "source": "paper",
        "published": "printed", "asserted": "happened",
    },
    "constants": {"basis": "journalist", "province": "Faryab"},
    "dates": "edtf",
}  # fmt: skip


@pytest.mark.parametrize("name", ["claims", "acled"])
def test_the_mappings_that_come_with_it_can_be_read_and_not_changed(name: str) -> None:
    one = mapping(name)
    with pytest.raises(ValueError, match="frozen"):
        one.dates = "edtf"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 10_000, "it is not JSON"),
        ("\ud800", "unicode"),
        ("[]", "object"),
        (json.dumps({**WHOLE, "colums": {}}), "colums is no member; a mapping has columns,"),
        (json.dumps({**WHOLE, "columns": {"colour": "x"}}), "columns.colour names no field"),
        (json.dumps({**WHOLE, "values": {"knd": {}}}), "values.knd names no field"),
        (json.dumps({**WHOLE, "dates": "iso"}), "dates: .*'claims', 'edtf' or 'acled'"),
        (json.dumps({**WHOLE, "officials": {"speak_for": "x"}}), "officials.until is missing"),
        (json.dumps({**WHOLE, "officials": {"speakfor": "x"}}), "officials.speakfor is no member"),
        (json.dumps({"columns": {}, "dates": "edtf"}), "no column and no constant for basis,"),
        (json.dumps({**WHOLE, "constants": {"kind": "capture"}}), "both a column and a constant"),
        (json.dumps({**EDTF, "optional": ["note"]}), "without a column: note"),
        (json.dumps({**EDTF, "split_sources": ";"}), "needs a column for origin"),
        (json.dumps({**EDTF, "split_sources": ""}), "split_sources: "),
        (json.dumps({**EDTF, "constants": {"basis": "a\u0000b"}}), "constants.basis: "),
        (json.dumps({**EDTF, "columns": {**EDTF["columns"], "district": ""}}), "columns.district:"),
        (
            json.dumps({**EDTF, "columns": {k: v for k, v in EDTF["columns"].items()
                                            if k != "district"}}),
            "no column for district_code or for district",
        ),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_in_plain_words(text: str, said: str) -> None:
    with pytest.raises(InvalidValueError, match=said) as error:
        Mapping.parse(text)
    assert error.value.field == "mapping"
    assert "pydantic" not in error.value.detail


@pytest.mark.parametrize("style", ["claims", "acled"])
def test_each_style_of_dates_needs_its_columns(style: str) -> None:
    with pytest.raises(InvalidValueError, match="no column and no constant for precision"):
        Mapping.parse(json.dumps({**EDTF, "dates": style}))


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("Taliban", "exact"),
        ("TALIBAN", "exact"),
        ("Taliban (2021-)", "prefix"),
        ("taliban forces of X", "longer prefix"),
        ("Tal", None),
        ("", None),
    ],
)
def test_the_longest_key_counts_and_case_does_not(written: str, ours: str | None) -> None:
    table = {"tali*": "short", " Taliban* ": "prefix", "taliban Forces*": "longer prefix"}
    assert Words({**table, "taliban": "exact"}).get(written) == ours


def test_a_star_alone_is_every_other_word_and_an_empty_value_says_nothing() -> None:
    words = Words({"*": "", "x*": "y"})
    assert [words.get(written) for written in ("xa", "a", "")] == ["y", "", ""]


def test_the_values_of_a_mapping_come_before_the_standard_words() -> None:
    kinds = {"capture": "recapture", "fell": "capture"}
    by = changed(CLAIMS, values={**CLAIMS.values, "kind": kinds})
    rows = [read_one(by, event_kind=kind)[0] for kind in ("capture", "FELL ", "transfer")]
    assert [row.kind for row in rows if isinstance(row, Draft)] == [
        "recapture", "capture", "transfer",
    ]  # fmt: skip


def test_constants_and_edtf_columns() -> None:
    by = Mapping.parse(json.dumps(EDTF))
    base = {
        "place": "Qaysar", "what": "capture", "who": "Taliban", "paper": "TOLOnews",
        "printed": "2021-06-05?", "happened": "2021-06-01/2021-06-04",
    }  # fmt: skip
    (row,) = read_one(by, base)
    assert isinstance(row, Draft)
    assert (row.basis, row.province, row.title) == ("journalist", "Faryab", None)
    assert (row.published, row.asserted) == ("2021-06-05?", "2021-06-01/2021-06-04")
    (row,) = read_one(by, base, happened="")
    assert isinstance(row, Draft)
    assert row.asserted is None
    found = faults(read_one(by, base, happened="2021-06-01/..", printed="June"))
    assert [fault.column for fault in found] == ["printed", "happened"]


def test_a_constant_can_be_at_fault_too() -> None:
    by = Mapping.parse(json.dumps({**EDTF, "constants": {"basis": "hearsay"}}))
    base = dict.fromkeys(EDTF["columns"].values(), "2021-06-05") | {"what": "capture"}
    (fault,) = faults(read_one(by, base))
    assert (fault.column, fault.value) == (None, "hearsay")


def test_rows_that_are_not_kept_are_skipped_whatever_else_is_wrong() -> None:
    by = changed(CLAIMS, keep={"event_kind": ["Capture"]})
    assert isinstance(read_one(by)[0], Draft)
    (row,) = read_one(by, event_kind="armed\x00clash", source_name="")
    assert isinstance(row, Skipped)
    assert row.line == 2
    assert row.reason.startswith("event_kind is 'armed\N{REPLACEMENT CHARACTER}clash'")


def test_a_refused_word_is_a_fault_beside_others() -> None:
    by = changed(CLAIMS, refuse={"province_reported": {"far*": "too far"}})
    found = faults(read_one(by, event_kind="rumour"))
    assert (found[0].value, found[0].reason) == ("Faryab", "too far")
    assert [fault.column for fault in found] == ["province_reported", "event_kind"]


def test_columns_of_rules_must_be_there_and_optional_ones_need_not() -> None:
    by = changed(CLAIMS, keep={"iso": ["4"]}, refuse={"geo": {"3": "no"}})
    assert {"iso", "geo", *CLAIM} == set(by.required)
    assert {*by.wanted} - {*by.required} == {
        "stance", "origin", "speaker", "archived_url", "reliability", "credibility", "note",
    }  # fmt: skip
    # A column that a rule or another field needs is not made optional by one field.
    shared = changed(CLAIMS, columns={**CLAIMS.columns, "stance": "event_kind"})
    assert "event_kind" in shared.required
