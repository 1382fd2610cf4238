"""A file in, rows out: CSV or NDJSON, line by line, in memory that does not grow with the file."""

import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

from app.domain.errors import InvalidValueError
from app.importers.drafts import Fault, Row, shown
from app.importers.mapping import Mapping
from app.importers.rows import RowReader

Form = Literal["csv", "ndjson"]

MAX_RECORD = 1 << 20
"""Bytes that a row may have."""

_BOM = b"\xef\xbb\xbf"


def sniff(name: str, first_bytes: bytes) -> Form:
    """Which form a file has: by the ending of its name, or else by whether it begins with `{`."""
    ending = name.lower().rpartition(".")[2]
    if ending in ("ndjson", "jsonl"):
        return "ndjson"
    if ending == "csv":
        return "csv"
    return "ndjson" if first_bytes.removeprefix(_BOM).lstrip().startswith(b"{") else "csv"


def read_claims(file: BinaryIO, form: Form, mapping: Mapping, zone: ZoneInfo) -> Iterator[Row]:
    """Read a file of claims, one row at a time, in the order of its lines.

    A row gives its claim (several, where the mapping splits its sources), a fault for each thing
    that is wrong with it, or why it is skipped. The text is UTF-8, with or without a byte order
    mark; a row has at most 1 MiB. Dates are days of `zone`.

    Raises InvalidValueError, before the first row, for a table whose header cannot be read or
    lacks a column of the mapping.
    """
    reader = RowReader(mapping, zone)
    rows = _csv_rows if form == "csv" else _ndjson_rows
    return rows(_Lines(file), reader, mapping)


class _UnreadableLineError(Exception):
    """A line is no text or too long; the next one can be read."""


class _Lines:
    """The lines of a file as text. `number` is that of the last one, from 1.

    A line that cannot be read raises _UnreadableLineError, and iteration can go on after it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._readline = file.readline
        self.number = 0
        self._left = MAX_RECORD

    def begin_record(self) -> int:
        """The line on which the next record begins; its length counts from there."""
        self._left = MAX_RECORD
        return self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._readline(MAX_RECORD + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left < 0:
            while not line.endswith(b"\n") and line:
                line = self._readline(MAX_RECORD)
            raise _UnreadableLineError(
                f"the row is longer than 1 MiB, to line {self.number}: is a quote not closed?"
            )
        try:
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _UnreadableLineError(
                f"line {self.number} is not UTF-8 text, from byte {error.start + 1} on"
            ) from None


def _csv_rows(lines: _Lines, reader: RowReader, mapping: Mapping) -> Iterator[Row]:
    table = csv.reader(lines, strict=True)
    header = _header(table)
    places = _places(header, mapping)
    width = len(header)
    while True:
        line = lines.begin_record()
        try:
            cells = next(table)
        except StopIteration:
            return
        except _UnreadableLineError as error:
            yield Fault(line, None, "", str(error))
            continue
        except csv.Error as error:
            reason = f"this is no CSV, to line {lines.number}: {error}; is a quote left open?"
            yield Fault(line, None, "", reason)
            continue
        if not "".join(cells).strip():
            continue
        if len(cells) != width:
            reason = f"the row has {len(cells)} cells, the header {width}"
            yield Fault(line, None, shown(",".join(cells[:10])), reason)
            continue
        yield from reader.read(line, {column: cells[place] for column, place in places})


def _header(table: Iterator[list[str]]) -> list[str]:
    try:
        for cells in table:
            if "".join(cells).strip():
                return [cell.strip() for cell in cells]
    except (_UnreadableLineError, csv.Error) as error:
        raise InvalidValueError(f"the header cannot be read: {error}", field="file") from None
    raise InvalidValueError("the file is empty: it needs a header", field="file")


def _places(header: list[str], mapping: Mapping) -> list[tuple[str, int]]:
    """Each column of the mapping that the table has, and the place of its cell in a row."""
    missing = [column for column in mapping.required if column not in header]
    if missing:
        there = ", ".join(shown(column, 60) for column in header[:60])
        raise InvalidValueError(
            f"the file has no column {', '.join(missing)}; its columns are {there}",
            field=missing[0],
        )
    columns = [column for column in mapping.wanted if column in header]
    for column in columns:
        if header.count(column) > 1:
            raise InvalidValueError(f"the file has the column {column} twice", field=column)
    return [(column, header.index(column)) for column in columns]


def _ndjson_rows(lines: _Lines, reader: RowReader, mapping: Mapping) -> Iterator[Row]:
    decode = json.JSONDecoder(
        object_pairs_hook=_each_once,
        parse_int=str,
        parse_float=_number_text,
        parse_constant=_no_constant,
    ).decode
    while True:
        line = lines.begin_record()
        try:
            text = next(lines).strip()
            if not text:
                continue
            record = decode(text)
        except StopIteration:
            return
        except _UnreadableLineError as error:
            yield Fault(line, None, "", str(error))
            continue
        except (ValueError, RecursionError) as error:
            yield Fault(line, None, shown(text), f"this is no JSON: {shown(str(error))}")
            continue
        if not isinstance(record, dict):
            yield Fault(line, None, shown(text), "a line holds one JSON object: {...}")
            continue
        nested = [
            Fault(line, column, "", "this is a list or an object: one value is needed")
            for column in mapping.wanted
            if isinstance(record.get(column), list | dict)
        ]
        yield from reader.read(line, {c: _text(record.get(c)) for c in mapping.wanted}, nested)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _number_text(number: str) -> str:
    """A number as written; `2.0` is 2, as tables with gaps write whole numbers."""
    return number.removesuffix(".0")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _text(value: object) -> str:
    """A member as text: numbers come as text already; what is nested has its own fault."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return ""
