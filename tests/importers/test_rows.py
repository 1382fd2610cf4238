"""What one row of claims becomes, and all that can be wrong with it."""

import io
from zoneinfo import ZoneInfo

import pytest

from app.importers.drafts import Draft
from app.importers.reader import read_claims
from tests.importers.reading import (
    CLAIM,
    CLAIMS,
    draft,
    faults,
    ndjson,
    read,
    read_one,
    table,
)


def test_a_row_gives_every_fault_and_no_draft() -> None:
    found = faults(
        read_one(
            district_reported="", adm2_pcode=" ", event_kind="rumour", new_controller="",
            claim_basis="", source_name="", event_date="6 June", published_basis="heard",
            source_url="ftp://x", reliability="G", credibility="7", stance="denies",
        )
    )  # fmt: skip
    assert [fault.column for fault in found] == [
        "district_reported", "event_kind", "stance", "new_controller", "published_basis",
        "claim_basis", "source_name", "event_date", "source_url", "reliability", "credibility",
    ]  # fmt: skip
    assert {fault.line for fault in found} == {2}
    assert found[1].value == "rumour"
    assert "denial" in found[1].reason


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"source_name": "Kabul\x00Now"}, "source_name"),
        ({"article_title": "two\nlines"}, "article_title"),
        ({"note": "bell\x07"}, "note"),
        ({"article_title": "x" * 2001}, "article_title"),
        ({"source_url": "https://"}, "source_url"),
        ({"source_url": "https://a b"}, "source_url"),
        ({"source_url": "javascript:alert(1)"}, "source_url"),
        ({"archived_url": "web.archive.org"}, "archived_url"),
        ({"date_precision": "range:2021-06-05"}, "date_precision"),
        ({"date_precision": "range:2021-06-05/2021-06-01"}, "event_date"),
        ({"date_precision": "edtf:"}, "date_precision"),
        ({"date_precision": "about"}, "date_precision"),
        ({"date_precision": ""}, "date_precision"),
        ({"event_date": ""}, "event_date"),
        ({"published_date": ""}, "published_date"),
        ({"published_date": "7 June 2021"}, "published_date"),
        ({"event_kind": "denial", "stance": "supports"}, "stance"),
        ({"event_kind": "contested"}, "new_controller"),
        ({"credibility": "B2"}, "credibility"),
    ],
)
def test_a_wrong_value_is_one_fault_on_its_column(cells: dict[str, str], column: str) -> None:
    (fault,) = faults(read_one(**cells))
    assert fault.column == column
    assert len(fault.value) <= 200
    assert "\x00" not in fault.value


def test_half_of_a_surrogate_pair_is_a_fault_that_can_be_written_down() -> None:
    (fault,) = faults(read(ndjson({**CLAIM, "source_name": "\ud800"}), "ndjson"))
    assert fault.column == "source_name"
    fault.value.encode()


@pytest.mark.parametrize(
    ("cells", "field", "expected"),
    [
        ({"event_kind": "denial"}, "stance", "disputes"),
        ({"event_kind": "denial"}, "kind", "assessment"),
        ({"stance": "disputes"}, "stance", "disputes"),
        ({"event_kind": " CLAIM "}, "kind", "capture"),
        ({"event_kind": "withdrawal"}, "kind", "withdrawal"),
        ({"new_controller": "Contested"}, "status", "contested"),
        ({"new_controller": "Contested"}, "controller", None),
        ({"event_kind": "contested", "new_controller": ""}, "status", "contested"),
        ({"claim_basis": "Social Media"}, "basis", "social"),
        ({"claim_basis": "social"}, "basis", "social"),
        ({"claim_basis": "claimant"}, "speaker", "Taliban"),
        ({"claim_basis": "claimant", "speaker": "NRF"}, "speaker", "NRF"),
        ({"claim_basis": "claimant", "new_controller": "contested"}, "speaker", None),
        ({"claim_basis": "official+claimant"}, "speaker", "afghan-government"),
        ({"claim_basis": "official+claimant"}, "basis", "official"),
        ({"claim_basis": "official", "speaker": "Taliban"}, "speaker", "Taliban"),
        ({"claim_basis": "press"}, "speaker", None),
        ({"article_title": "(not shown; two districts)"}, "title", None),
        ({"article_title": "[not shown (yet)]"}, "title", None),
        ({"article_title": "(bn) Qaysar (Faryab)"}, "title", "(bn) Qaysar (Faryab)"),
        ({"reliability": "b"}, "reliability", "B"),
        ({"credibility": "6"}, "credibility", 6),
        ({"origin": "dpa"}, "origin", "dpa"),
        ({"note": "one\ntwo"}, "note", "one\ntwo"),
        ({"note": " "}, "note", None),
        ({"district_reported": "قیصار\u200cها"}, "district", "قیصار\u200cها"),
        ({"source_url": ""}, "url", None),
        ({"date_precision": "by"}, "asserted", "../2021-06-06"),
        ({"date_precision": "inferred"}, "asserted", "../2021-06-06"),
        ({"date_precision": "edtf:2021-06", "event_date": ""}, "asserted", "2021-06"),
        ({"date_precision": "", "event_date": ""}, "asserted", None),
        ({"published_basis": "inferred"}, "published", "2021-06-07?"),
        ({"published_basis": "inferred", "published_date": "2021-06"}, "published", "2021-06"),
        ({"published_basis": "inferred", "published_date": "2021-06-07?"}, "published",
         "2021-06-07?"),
        ({"published_basis": "url"}, "published", "2021-06-07"),
    ],
)  # fmt: skip
def test_what_a_cell_becomes(cells: dict[str, str], field: str, expected: object) -> None:
    assert getattr(draft(**cells), field) == expected


@pytest.mark.parametrize(
    ("published", "basis", "speaks"),
    [
        ("2021-08-14", "shown", True),
        ("2021-08-15", "shown", False),
        ("2021-08-15T23:59+04:30", "shown", True),
        ("2021-08-14T23:00Z", "shown", True),
        ("2021-08-15T19:30Z", "shown", False),  # midnight in Kabul
        ("2021-08-14", "inferred", False),  # or the day after
        ("2021-08", "text", False),
    ],
)
def test_officials_speak_for_the_government_until_it_fell(
    published: str, basis: str, speaks: bool
) -> None:
    cells = {"claim_basis": "official", "published_date": published, "published_basis": basis}
    if speaks:
        assert draft(**cells).speaker == "afghan-government"
        return
    (fault,) = faults(read_one(**cells))
    assert fault.column == "speaker"
    assert draft(**cells, speaker="Taliban").speaker == "Taliban"
    assert draft(**{**cells, "claim_basis": "elected official"}).speaker is None


def test_days_are_those_of_the_zone_given() -> None:
    cells = {**CLAIM, "claim_basis": "official", "published_date": "2021-08-15T19:30Z"}
    rows = list(read_claims(io.BytesIO(table(cells)), "csv", CLAIMS, ZoneInfo("UTC")))
    assert isinstance(rows[0], Draft)
