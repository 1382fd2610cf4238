"""Reading made-up files of claims in tests."""

import csv
import io
import json
from typing import Any
from zoneinfo import ZoneInfo

from app.importers.drafts import Draft, Fault, Row
from app.importers.mapping import Mapping
from app.importers.reader import Form, read_claims
from app.settings import PROJECT

KABUL = ZoneInfo("Asia/Kabul")
SEEDS = PROJECT / "seeds"


def mapping(name: str) -> Mapping:
    return Mapping.parse((SEEDS / "mappings" / f"{name}.json").read_text("utf-8"))


CLAIMS = mapping("claims")

CLAIM = {
    "district_reported": "Qaysar",
    "province_reported": "Faryab",
    "adm2_pcode": "AF2907",
    "event_date": "2021-06-06",
    "date_precision": "day",
    "new_controller": "Taliban",
    "event_kind": "capture",
    "claim_basis": "local sources",
    "source_name": "Kabul Now",
    "source_url": "https://kabulnow.com/qaysar",
    "article_title": "Qaysar falls",
    "published_date": "2021-06-07",
    "published_basis": "shown",
}


def read(data: bytes, form: Form = "csv", by: Mapping = CLAIMS) -> list[Row]:
    return list(read_claims(io.BytesIO(data), form, by, KABUL))


def table(*rows: dict[str, str]) -> bytes:
    """Rows with the same columns as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def ndjson(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def read_one(by: Mapping = CLAIMS, base: dict[str, str] = CLAIM, **cells: str) -> list[Row]:
    """What a sound row gives with some of its cells changed or added."""
    return read(table({**base, **cells}), by=by)


def draft(**cells: str) -> Draft:
    (row,) = read_one(**cells)
    assert isinstance(row, Draft), row
    return row


def faults(rows: list[Row]) -> list[Fault]:
    assert all(isinstance(row, Fault) for row in rows), rows
    return [row for row in rows if isinstance(row, Fault)]


def changed(by: Mapping, **members: Any) -> Mapping:
    """A mapping with some members changed, read anew."""
    return Mapping.parse(json.dumps({**by.model_dump(mode="json"), **members}))
