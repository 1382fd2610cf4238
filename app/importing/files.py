"""Importing one file, wherever it comes from: the command line or a request."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Literal, TextIO

from sqlalchemy import Connection

from app.domain.errors import InvalidValueError, UnknownPlaceError
from app.importers.mapping import Mapping
from app.importers.reader import Form, read_claims
from app.importing.claims import import_claims
from app.importing.events import import_events
from app.importing.report import Order, Progress, Report
from app.settings import PROJECT
from app.store import places

Content = Literal["claims", "events"]
"""What the rows of a file are: what documents say, or events as `GET /events` gives them."""

_MAPPINGS = PROJECT / "seeds" / "mappings"
ERROR_COLUMNS = ("line", "column", "value", "reason", "candidates")


def built_in_mappings() -> list[str]:
    """The names of the mappings that come with the service."""
    return sorted(path.stem for path in _MAPPINGS.glob("*.json"))


def mapping_of(given: str) -> Mapping:
    """The mapping that a text means: the name of a built-in one, or a mapping file's own text.

    Raises InvalidValueError, naming `mapping`, for anything else.
    """
    if given.lstrip().startswith("{"):
        return Mapping.parse(given)
    if given not in built_in_mappings():
        raise InvalidValueError(
            f"there is no mapping {given[:40]!r}: name one of {', '.join(built_in_mappings())}, "
            "or give a mapping file",
            field="mapping",
        )
    return Mapping.parse((_MAPPINGS / f"{given}.json").read_text(encoding="utf-8"))


def import_file(
    connection: Connection,
    file: BinaryIO,
    form: Form,
    order: Order,
    mapping: Mapping | None,
    progress: Progress = lambda *_: None,
) -> Report:
    """Import a file of claims by a mapping, or of events (no mapping); see `import_claims`.

    Raises UnknownPlaceError for a country that is not on record.
    """
    country = places.country(connection, order.country)
    if country is None:
        raise UnknownPlaceError(f"there is no country {order.country!r} on record", field="country")
    if mapping is None:
        return import_events(connection, file, form, order, progress)
    rows = read_claims(file, form, mapping, country.zone)
    return import_claims(connection, rows, order, mapping.columns, progress)


def error_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The errors of a report as rows of a table; a place that may be meant is `id (name)`."""
    for fault in report.errors:
        meant = "; ".join(f"{one.id} ({one.name})" for one in fault.candidates)
        yield str(fault.line), fault.column or "", fault.value, fault.reason, meant


def write_errors(report: Report, file: TextIO) -> None:
    """Write the errors as CSV."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(ERROR_COLUMNS)
    table.writerows(error_rows(report))
