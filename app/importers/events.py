"""Events as `GET /events` gives them, read back: a JSON document a line, or a row of its CSV."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.control import Basis, Kind, Stance, Status
from app.domain.errors import InvalidValueError
from app.importers.drafts import Fault, shown
from app.importers.fields import Address, Edtf, Line, PlaceId, Prose, Slug
from app.importers.reader import Form

_NEEDED = ("id", "district_id", "kind", "status", "controller_id", "day_order", "citations")


class _Part(BaseModel):
    # A document has more members: what it was asked at, and what follows from the rest.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Ref(_Part):
    """An id and the name that goes with it."""

    id: Slug
    name: Line


class Says(_Part):
    """What a document itself says."""

    kind: Kind
    status: Literal[Status.CONTROLLED, Status.CONTESTED]
    controller: Ref | None


class Cited(_Part):
    """One citation of an event."""

    id: UUID
    stance: Stance
    source: Ref
    origin: Line
    title: Line | None = None
    url: Address | None = None
    archived_url: Address | None = None
    published: Edtf
    asserted: Edtf | None = None
    place_as_written: Line | None = None
    basis: Basis
    speaker: Ref | None = None
    reliability: Literal["A", "B", "C", "D", "E", "F"] | None = None
    credibility: Annotated[int, Field(ge=1, le=6)] | None = None
    note: Prose | None = None
    says: Says | None = None


class Pinned(_Part):
    """An editor's date."""

    occurred: Edtf
    reason: Prose


class District(_Part):
    """The place of an event."""

    id: PlaceId


class Event(_Part):
    """One event."""

    id: UUID
    district: District
    kind: Kind
    status: Literal[Status.CONTROLLED, Status.CONTESTED]
    controller: Ref | None
    day_order: Annotated[int, Field(ge=-(2**31), lt=2**31)] = 0
    sequence: Annotated[int, Field(ge=0, lt=2**63)] = 0
    pinned: Pinned | None = None
    citations: list[Cited]


@dataclass(frozen=True)
class EventDraft:
    """One event of a file, and the line where it begins."""

    line: int
    event: Event


def read_events(file: BinaryIO, form: Form) -> Iterator[EventDraft | Fault]:
    """Read a file of events, one at a time.

    Raises InvalidValueError for a table that lacks a column, and for bytes that are not UTF-8.
    """
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for number, document in _csv(lines) if form == "csv" else _ndjson(lines):
            if isinstance(document, Fault):
                yield document
                continue
            try:
                yield EventDraft(number, Event.model_validate(document))
            except ValidationError as error:
                for fault in error.errors():
                    field = ".".join(map(str, fault["loc"]))
                    yield Fault(number, field, shown(str(fault["input"])), fault["msg"])
    except UnicodeDecodeError:
        raise InvalidValueError("the file is not UTF-8 text", field="file") from None
    finally:
        lines.detach()


def _ndjson(lines: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json(number, None, line)


def _csv(lines: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(1 << 27)
    rows = csv.DictReader(lines, strict=True)
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise InvalidValueError(f"the table has no column {missing[0]!r}", field=missing[0])
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            # Where a quote is open, nobody knows where the next row begins.
            yield number, Fault(number, None, "", f"the table cannot be read on: {error}")
            return
        if row is None:
            return
        if None in row or None in row.values():
            width = len(rows.fieldnames or ())
            yield number, Fault(number, None, "", f"the row has not {width} cells, as the header")
        else:
            yield number, _document(number, row)


def _document(number: int, row: dict[str, str]) -> Any:
    """A row as the document that it is made from, or what is wrong with it."""
    cited = _json(number, "citations", row["citations"])
    controller = row["controller_id"]
    pinned = {"occurred": row.get("pinned_occurred"), "reason": row.get("pin_reason")}
    if isinstance(cited, Fault):
        return cited
    return {
        **{name: row[name] for name in ("id", "kind", "status")},
        "day_order": row["day_order"] or 0,
        "sequence": row.get("sequence") or 0,
        "district": {"id": row["district_id"]},
        "controller": {"id": controller, "name": row.get("controller_name") or controller}
        if controller
        else None,
        "pinned": pinned if pinned["occurred"] else None,
        "citations": cited,
    }


def _json(number: int, column: str | None, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        what = re.sub(r":.*", "", str(error))
        return Fault(number, column, shown(text), f"this is no JSON: {what}")
