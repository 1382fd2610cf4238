"""The whole service's data as a folder, and back: after it every read is answered the same.

The folder is a Frictionless tabular data package: `datapackage.json` and a CSV file for each
table. Keys of clients and what they were answered are not part of it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from geoalchemy2 import Geometry
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Float,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.boundaries.deriving import derive_all
from app.domain.errors import InvalidValueError, NotReadyError
from app.store import dump, seals, states
from app.store.engine import reading, writing
from app.store.gazetteer import reduce_names
from app.store.revisions import Revision, current, take_turn
from app.store.schema import is_at_head

DESCRIPTOR = "datapackage.json"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""

_DESCRIPTION = (
    "Who controls which district, since when, according to whom, and what was known when: the "
    "whole record of a District Control service with its gazetteer. `district-control restore` "
    "gives it to an empty service. No licence is stated: whoever publishes this adds `licenses`; "
    "boundary_sets.csv has the licence of each set of shapes. `revision`, `known_at` and `seal` "
    "are the newest revision, its instant and its seal; `schema` is the migration of the tables."
)
_ABOUT = {
    "countries": "Countries, with the time zone in which their days are counted.",
    "provinces": "Provinces (admin level 1), by P-code.",
    "districts": "Districts (admin level 2), by P-code.",
    "province_names": "Spellings and aliases of provinces.",
    "district_names": "Spellings and aliases of districts.",
    "province_codes": "Codes of provinces in other schemes.",
    "district_codes": "Codes of districts in other schemes.",
    "boundary_sets": "Dated collections of shapes, with origin, licence and quality.",
    "province_shapes": "Shapes of provinces, by boundary set.",
    "district_shapes": "Shapes of districts, by boundary set.",
    "actors": "Parties that can hold a district.",
    "sources": "Publishers.",
    "source_names": "Names under which publishers are written.",
    "revisions": "What was recorded: by whom, when, and why. The clock of `known_at`.",
    "events": "Control events: changes of control of one district, or assessments of it.",
    "event_versions": "What each event was recorded to say, with the period of that knowledge.",
    "citations": "What one document says about one event, with the period of that knowledge.",
    "imports": "What each import of a file did.",
    "seals": "The chain of hashes over the revisions.",
}
_FIELDS: tuple[tuple[type, dict[str, Any]], ...] = (
    (Geometry, {"type": "string", "description": "WGS 84, as hexadecimal EWKB"}),
    (ARRAY, {"type": "string", "description": "an array as PostgreSQL writes it"}),
    (JSONB, {"type": "object"}),
    (Boolean, {"type": "boolean", "trueValues": ["t"], "falseValues": ["f"]}),
    (DateTime, {"type": "datetime", "format": "any"}),
    (Date, {"type": "date"}),
    (Integer, {"type": "integer"}),
    (Float, {"type": "number"}),
    (Uuid, {"type": "string", "format": "uuid"}),
    (Text, {"type": "string"}),
)


@dataclass(frozen=True)
class Summary:
    """What a folder holds: the newest revision with its seal, and the rows of each table."""

    revision: Revision
    seal: str | None
    rows: Mapping[str, int]


class _Print(NamedTuple):
    bytes: int
    hash: str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Field(_Part):
    name: str


class _Schema(_Part):
    fields_: tuple[_Field, ...] = Field(alias="fields")


class _Resource(_Part):
    name: str
    path: str
    bytes: int
    hash: str
    table: _Schema = Field(alias="schema")

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.table.fields_]


class _Package(_Part):
    """What a descriptor says that restoring needs; the rest is for other readers."""

    profile: Literal["tabular-data-package"]
    resources: tuple[_Resource, ...]
    revision: int
    known_at: AwareDatetime
    seal: str | None
    migration: str = Field(alias="schema")


def export(engine: Engine, folder: Path, progress: Progress = lambda *_: None) -> Summary:
    """Write all data, as one moment saw it, to a folder that does not exist yet or is empty.

    The same data makes the same bytes. Raises InvalidValueError when the folder holds something
    or cannot be written, and then leaves nothing behind; NotReadyError when the database is not
    reached or not migrated.
    """
    with _whole_or_absent(folder.resolve()) as partial, reading(engine) as connection:
        _check_migrated(connection)
        revision, seal = current(connection), seals.newest(connection)
        (partial / "data").mkdir()
        rows, resources = {}, []
        for done, table in enumerate(dump.TABLES, start=1):
            path = partial / _path(table.name)
            rows[table.name] = dump.dump_table(connection, table, path)
            resources.append(_resource(table, _print(path)))
            progress("tables", done, len(dump.TABLES))
        summary = Summary(revision, seal.hash if seal else None, rows)
        package = _package(summary, dump.schema_of(connection), resources)
        written = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
        (partial / DESCRIPTOR).write_text(written, encoding="utf-8", newline="\n")
    return summary


def restore(engine: Engine, folder: Path, progress: Progress = lambda *_: None) -> Summary:
    """Load an exported folder into a migrated database without data, all of it or nothing.

    Raises InvalidValueError when the database has data, when a file is missing, was altered or is
    of a newer schema, for a row that the database refuses (naming file and line), and when the
    record is not what its seals say; NotReadyError when the database is not migrated.
    """
    package = _read_package(folder)
    with writing(engine) as connection:
        _check_migrated(connection)
        _check_schema(package, dump.schema_of(connection))
        for done, resource in enumerate(package.resources, start=1):
            _check_unaltered(folder, resource)
            progress("files", done, len(package.resources))
        take_turn(connection)
        if held := dump.holding(connection):
            raise InvalidValueError(
                f"the database already has data ({', '.join(held)}): make an empty one, set "
                "DATABASE_URL to it, run `district-control migrate`, and restore there",
                field="database",
            )
        resources = {resource.name: resource for resource in package.resources}
        tables = [table for table in dump.TABLES if table.name in resources]
        rows = {}
        for done, table in enumerate(tables, start=1):
            columns = resources[table.name].columns
            rows[table.name] = dump.load_table(
                connection, table, folder / _path(table.name), columns
            )
            progress("tables", done, len(tables))
        states.rebuild(connection)
        reduce_names(connection)
        derive_all(connection)
        return Summary(*_checked_record(connection, package), rows)


# Writing ------------------------------------------------------------------------------------


@contextmanager
def _whole_or_absent(folder: Path) -> Iterator[Path]:
    """A folder beside the one asked for, which takes its name at the end, or goes away."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValueError(
            f"{folder} exists and is not an empty folder: name one that does not", field="folder"
        )
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.replace(folder)
    except OSError as error:
        raise InvalidValueError(
            f"{folder} cannot be written: {error.strerror}", field="folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _package(
    summary: Summary, schema: str | None, resources: list[dict[str, Any]]
) -> dict[str, Any]:
    recorded_at = summary.revision.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {
        "profile": "tabular-data-package",
        "name": "district-control",
        "title": "District Control",
        "description": _DESCRIPTION,
        "version": version("district-control"),
        # Not the wall clock's: the same record is the same package.
        "created": recorded_at,
        "schema": schema,
        "revision": summary.revision.number,
        "known_at": recorded_at,
        "seal": summary.seal,
        "resources": resources,
    }


def _resource(table: Table, found: _Print) -> dict[str, Any]:
    keys = sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys))
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": _path(table.name),
        "description": _ABOUT[table.name],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": found.bytes,
        "hash": found.hash,
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "skipInitialSpace": False,
            "header": True,
        },
        "schema": {
            "fields": [_field(column) for column in dump.columns_of(table)],
            "missingValues": [dump.NULL],
            "primaryKey": [column.name for column in table.primary_key],
            "foreignKeys": [
                {
                    "fields": list(key.column_keys),
                    "reference": {
                        # "" is the specification's name for the table itself.
                        "resource": "" if key.referred_table is table else key.referred_table.name,
                        "fields": [element.column.name for element in key.elements],
                    },
                }
                for key in keys
            ],
        },
    }


def _field(column: Column[Any]) -> dict[str, Any]:
    about = next(about for kind, about in _FIELDS if isinstance(column.type, kind))
    rules = {"required": not column.nullable, "unique": bool(column.unique)}
    constraints = {name: True for name, holds in rules.items() if holds}
    return {"name": column.name, **about} | ({"constraints": constraints} if constraints else {})


# Reading ------------------------------------------------------------------------------------


def _read_package(folder: Path) -> _Package:
    path = folder / DESCRIPTOR
    try:
        return _Package.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "it"
        raise InvalidValueError(
            f"{path} does not describe an export: {where}: {fault['msg']}", field="folder"
        ) from error


def _check_migrated(connection: Connection) -> None:
    if not is_at_head(connection):
        raise NotReadyError("the database is not migrated: run `district-control migrate`")


def _check_schema(package: _Package, schema: str | None) -> None:
    """Refuse what this version cannot load; an older export may lack tables and columns."""
    # Migrations are numbered, so that their ids sort.
    if schema is None or package.migration > schema:
        raise InvalidValueError(
            f"the export was made at schema {package.migration}, and this is {schema}: "
            "restore it with a newer version of the service",
            field="folder",
        )
    expected = {
        table.name: [column.name for column in dump.columns_of(table)] for table in dump.TABLES
    }
    given = {resource.name: resource.columns for resource in package.resources}
    older = package.migration < schema
    for name in sorted(expected.keys() | given.keys()):
        columns, fields = expected.get(name, []), given.get(name, [])
        if not (set(fields) <= set(columns) if older else fields == columns):
            raise InvalidValueError(
                f"{DESCRIPTOR} does not describe the table {name} of schema {package.migration}",
                field="folder",
            )


def _check_unaltered(folder: Path, resource: _Resource) -> None:
    path = folder / _path(resource.name)
    if _print(path) != (resource.bytes, resource.hash):
        raise InvalidValueError(
            f"{path} is not the file that was exported: it was altered, or not copied whole",
            field="folder",
        )


def _checked_record(connection: Connection, package: _Package) -> tuple[Revision, str | None]:
    """The newest revision and its seal, if they are those of the package and the record holds.

    The seals are checked against the whole record: hashes of files in a descriptor are easily
    made again by who alters the files, and the newest seal alone would then vouch for them.
    """
    revision, seal = current(connection), seals.newest(connection)
    for found in seals.check(connection, seals.last_revision(connection)):
        if isinstance(found, seals.Break):
            raise InvalidValueError(
                f"the exported record is not what was sealed: revision {found.revision}: "
                f"{found.what}",
                field="folder",
            )
    newest = (revision.number, revision.recorded_at, seal.hash if seal else None)
    if newest != (package.revision, package.known_at, package.seal):
        raise InvalidValueError(
            f"{DESCRIPTOR} names another revision or seal than its files hold", field="folder"
        )
    return revision, package.seal


def _path(table: str) -> str:
    return f"data/{table}.csv"


def _print(path: Path) -> _Print:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return _Print(file.tell(), f"sha256:{digest.hexdigest()}")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidValueError:
    return InvalidValueError(f"{path} cannot be read: {error.strerror}", field="folder")
