"""Files of claims: the real ones, and every way in which a file can be broken."""

import hashlib
import io
import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clocks import parse_edtf
from app.domain.errors import DomainError, InvalidValueError
from app.importers.drafts import Draft, Fault
from app.importers.reader import MAX_RECORD, Form, read_claims, sniff
from tests.importers.reading import (
    CLAIM,
    CLAIMS,
    KABUL,
    SEEDS,
    draft,
    faults,
    mapping,
    ndjson,
    read,
    table,
)

HEADER = ",".join(CLAIM)
ROW = ",".join(CLAIM.values())
IDS = {
    "Taliban": "taliban",
    "Islamic Republic of Afghanistan (government)": "afghan-government",
    "National Resistance Front (anti-Taliban resistance)": "national-resistance-front",
}


def drafts(data: bytes, form: Form = "csv") -> list[Draft]:
    rows = read(data, form)
    assert [row for row in rows if not isinstance(row, Draft)] == []
    return [row for row in rows if isinstance(row, Draft)]


def digest(read_drafts: list[Draft]) -> str:
    """Of all that the seeds' own script made of each row, when it still made events."""
    rows = [
        [
            d.kind.value,
            d.status.value,
            d.controller and IDS[d.controller],
            d.stance.value,
            d.published,
            d.asserted,
            d.basis.value,
            d.speaker and IDS.get(d.speaker, d.speaker),
        ]
        for d in read_drafts
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def test_the_claims_of_2021_are_what_the_seeds_script_made_of_them() -> None:
    claims = drafts((SEEDS / "claims_2021.csv").read_bytes())
    assert len(claims) == 217
    assert [claim.line for claim in claims] == list(range(2, 219))
    assert Counter(claim.kind for claim in claims) == {
        "capture": 183, "assessment": 5, "contested": 3, "recapture": 26,
    }  # fmt: skip
    assert Counter(claim.stance for claim in claims) == {"supports": 212, "disputes": 5}
    assert Counter(claim.basis for claim in claims) == {
        "official": 93, "claimant": 21, "local": 58, "analyst": 26, "agency": 4, "journalist": 14,
        "social": 1,
    }  # fmt: skip
    assert Counter(IDS.get(c.speaker or "", c.speaker) for c in claims) == {
        "afghan-government": 93, "taliban": 18, "national-resistance-front": 3, None: 103,
    }  # fmt: skip
    assert sum(claim.published.endswith("?") for claim in claims) == 82
    assert sum(len(claim.published) == len("2021-06") for claim in claims) == 37
    assert sum((claim.asserted or "").startswith("../") for claim in claims) == 80
    assert sum(claim.district_code is None for claim in claims) == 3
    assert sum(claim.title is None for claim in claims) == 26
    assert digest(claims) == "4969d6b07393743bd59536bf530da879941744a7f1af7f7cba33e8e2fa4c8fb2"


def test_the_added_claims_are_what_the_seeds_script_made_of_them() -> None:
    claims = drafts((SEEDS / "claims_added.csv").read_bytes())
    assert len(claims) == 17
    assert claims[0].asserted == "2021-06-14T06:00+04:30"
    assert claims[0].speaker is None  # an elected official speaks for no party
    assert claims[2].speaker == "afghan-government"
    assert claims[14].note is not None
    assert claims[14].note.endswith("the chief of police among them.")
    assert digest(claims) == "6ce1d65786ecc80c33014c318047cc17fce0633af15726727fe01754e42c8186"


def test_the_source_table_gives_the_same_claims(shared_data: Path) -> None:
    claims = drafts((shared_data / "claims_2021.csv").read_bytes())
    assert digest(claims) == digest(drafts((SEEDS / "claims_2021.csv").read_bytes()))
    assert not [c.title for c in claims if c.title and c.title.startswith("(title not shown")]


@pytest.mark.parametrize(
    ("name", "first", "form"),
    [
        ("claims.csv", b"{", "csv"),
        ("CLAIMS.NDJSON", b"a,b", "ndjson"),
        ("claims.jsonl", b"", "ndjson"),
        ("upload", b' \n{"a": 1}', "ndjson"),
        ("upload.json", b'\xef\xbb\xbf{"a": 1}', "ndjson"),
        ("upload.txt", b"a,b\n{", "csv"),
        ("csv", b"{}", "csv"),
        ("", b"", "csv"),
    ],
)
def test_the_form_is_told_by_name_or_else_by_content(name: str, first: bytes, form: Form) -> None:
    assert sniff(name, first) == form


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_line_ends_and_blank_lines_do_not_matter(mark: bytes, end: str) -> None:
    text = end.join(["", HEADER, "", ROW, "   ", "," * (len(CLAIM) - 1), ROW])
    assert [row.line for row in read(mark + text.encode())] == [4, 7]
    assert read(mark + text.encode())[0] == drafts(f"\n{HEADER}\n\n{ROW}\n".encode())[0]


def test_a_line_number_is_where_the_row_begins_across_quoted_newlines() -> None:
    noted = {**CLAIM, "note": "one\ntwo\nthree"}
    wrong = {**noted, "event_kind": "rumour"}
    rows = read(table(noted, wrong, noted))
    assert [row.line for row in rows] == [2, 5, 8]
    assert isinstance(rows[0], Draft)
    assert rows[0].note == "one\ntwo\nthree"
    assert isinstance(rows[1], Fault)


def test_a_missing_column_is_one_error_that_names_it_and_those_there_are() -> None:
    header = HEADER.replace("event_kind", "event_sort").replace("source_url", "link")
    with pytest.raises(InvalidValueError) as error:
        read(f"{header}\n{ROW}\n".encode())
    assert error.value.field == "event_kind"
    for name in ("event_kind", "source_url", "event_sort", "link"):
        assert name in error.value.detail


def test_columns_nobody_asked_for_are_ignored_and_their_order_is_free() -> None:
    other = {"row_id": "7\x00", **dict(reversed(CLAIM.items())), "adm0": "AF" * 5000}
    assert drafts(table(other)) == [draft()]


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="source_name twice"):
        read(f"{HEADER},source_name\n{ROW},TOLOnews\n".encode())


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xff\xfe", b'"a', b"a" * (MAX_RECORD + 1)])
def test_a_table_without_a_readable_header_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValueError) as error:
        read(data)
    assert error.value.field == "file"


@pytest.mark.parametrize("row", [f"{ROW},more", ROW.rpartition(",")[0], '"Qaysar,\nFaryab"'])
def test_a_row_with_too_many_or_too_few_cells_is_a_fault(row: str) -> None:
    rows = read(f"{HEADER}\n{row}\n{ROW}\n".encode())
    assert isinstance(rows[0], Fault)
    assert rows[0].line == 2
    assert "cells" in rows[0].reason
    assert isinstance(rows[1], Draft)


def test_other_bytes_than_utf8_are_a_fault_and_reading_goes_on() -> None:
    latin = ROW.replace("Qaysar", "Qaïsar").encode("latin-1")
    rows = read(b"\n".join([HEADER.encode(), ROW.encode(), latin, ROW.encode()]))
    assert [type(row) for row in rows] == [Draft, Fault, Draft]
    assert isinstance(rows[1], Fault)
    assert rows[1].line == 3
    assert "line 3 is not UTF-8 text, from byte 3 on" in rows[1].reason


@pytest.mark.parametrize("broken", ['"Qay"sar', "a\rb", '"'])
def test_broken_quoting_is_a_fault(broken: str) -> None:
    rows = read(f"{HEADER}\n{ROW}\n{broken}{ROW}\n".encode())
    assert [type(row) for row in rows] == [Draft, Fault]
    assert rows[1].line == 3


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_line_of_any_length_takes_little_memory(form: Form) -> None:
    class Long(io.RawIOBase):
        """A sound row, one of 64 MiB, and a sound row."""

        def __init__(self) -> None:
            row = f"{HEADER}\n{ROW}\n".encode() if form == "csv" else ndjson(CLAIM)
            last = ROW.encode() if form == "csv" else ndjson(CLAIM)
            self.parts = iter([row, *[b"x" * (1 << 16)] * 1024, b"\n", last])
            self.left = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            self.left = self.left or next(self.parts, b"")
            part, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    rows = list(read_claims(io.BufferedReader(Long()), form, CLAIMS, KABUL))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(row) for row in rows] == [Draft, Fault, Draft]
    assert [row.line for row in rows] == ([2, 3, 4] if form == "csv" else [1, 2, 3])
    assert peak < 16 << 20


def test_a_quote_left_open_ends_at_the_limit_and_reading_goes_on() -> None:
    lines = [HEADER, f'{ROW},"', *[ROW] * 20_000]
    rows = read("\n".join(lines).encode())
    assert isinstance(rows[0], Fault)
    assert rows[0].line == 2
    assert "quote" in rows[0].reason
    assert all(isinstance(row, Draft) for row in rows[1:])
    assert rows[-1].line == 20_002


def test_rows_come_one_by_one() -> None:
    file = io.BytesIO(table(*[CLAIM] * 50_000))
    next(read_claims(file, "csv", CLAIMS, KABUL))
    assert file.tell() < 10_000


def test_ndjson_says_the_same_as_csv() -> None:
    (row,) = drafts(b"\n\n" + ndjson({**CLAIM, "extra": {"nested": []}}), "ndjson")
    assert row.line == 3
    (other,) = drafts(b"\n" + table(CLAIM))
    assert row == other


def test_numbers_truth_and_null_become_text() -> None:
    record = {**CLAIM, "credibility": 2.0, "article_title": 7, "note": True, "adm2_pcode": None}
    (row,) = drafts(ndjson(record), "ndjson")
    assert (row.credibility, row.title, row.note, row.district_code) == (2, "7", "true", None)
    (row,) = drafts(ndjson({**CLAIM, "note": 0.5, "article_title": 10**30}), "ndjson")
    assert (row.note, row.title) == ("0.5", "1" + "0" * 30)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "one JSON object"),
        ('"text"', "one JSON object"),
        ("{'a': 1}", "no JSON"),
        ('{"a": 1', "no JSON"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_line_that_is_no_object_is_a_fault(line: str, reason: str) -> None:
    rows = read(f"{line}\n".encode() + ndjson(CLAIM), "ndjson")
    assert [type(row) for row in rows] == [Fault, Draft]
    assert isinstance(rows[0], Fault)
    assert reason in rows[0].reason
    assert rows[0].line == 1


def test_nested_values_are_faults_beside_all_others() -> None:
    record = {**CLAIM, "source_name": ["a"], "note": {}, "event_kind": "rumour"}
    found = faults(read(ndjson(record), "ndjson"))
    assert {fault.column for fault in found} == {"source_name", "note", "event_kind"}
    assert len(found) == 3


SIGN = st.sampled_from([*',"\n\r\t \x00{}[]:', "a", "2021-06-06", "day", "capture", "é", "\ufeff"])
ANY_BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(SIGN).map(lambda signs: "".join(signs).encode()),
    st.lists(st.sampled_from([*CLAIM.values(), ",", "\n", '"', "\r"])).map(
        lambda parts: ",".join(parts).encode()
    ),
)


@given(data=ANY_BYTES, headed=st.booleans(), form=st.sampled_from(["csv", "ndjson"]))
@pytest.mark.parametrize("by", ["claims", "acled"])
def test_any_bytes_give_rows_or_a_domain_error(
    by: str, data: bytes, headed: bool, form: Form
) -> None:
    chosen = mapping(by)
    if headed:
        data = ",".join(chosen.required).encode() + b"\n" + data
    try:
        rows = read(data, form, chosen)
    except DomainError as error:
        assert not headed or form == "csv"
        assert error.field
        return
    lines = [row.line for row in rows]
    assert lines == sorted(lines)
    assert all(1 <= line <= data.count(b"\n") + 1 for line in lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=3,
)


@given(cells=st.dictionaries(st.sampled_from([*CLAIMS.wanted]), JSON, max_size=6))
def test_any_members_give_a_draft_that_holds_or_faults_that_can_be_written(
    cells: dict[str, object],
) -> None:
    for row in read(ndjson({**CLAIM, **cells}), "ndjson"):
        if isinstance(row, Draft):
            parse_edtf(row.published, KABUL)
            assert row.source.isprintable() or row.source
        else:
            json.dumps([row.value if isinstance(row, Fault) else "", row.reason]).encode()


CELL = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from(',"'), min_size=1, max_size=50
).map(str.strip)


@given(
    district=CELL.filter(bool),
    source=CELL.filter(bool),
    note=st.text(st.sampled_from(',"\n a[]')).map(str.strip),
)
def test_what_is_quoted_is_read_back(district: str, source: str, note: str) -> None:
    row = {**CLAIM, "district_reported": district, "source_name": source, "note": note}
    for data, form in ((table(row, row), "csv"), (ndjson(row, row), "ndjson")):
        first, second = drafts(data, form)
        assert (first.district, first.source, first.note or "") == (district, source, note)
        assert second.line - first.line == (1 + note.count("\n") if form == "csv" else 1)
