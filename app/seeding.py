"""Loading the seeds: the files under `seeds/` into the gazetteer, and into the record once."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.places import name_key
from app.recording import Citation, Content, cite, record, retract
from app.store import boundaries, tables
from app.store.engine import writing
from app.store.gazetteer import upsert
from app.store.revisions import take_turn

AUTHOR = "seeds"
"""The name that revisions made from the seeds carry."""


class _Version(NamedTuple):
    number: int
    author: str


Row = dict[str, str]
Progress = Callable[[str, int, int], None]
"""Called with what is being loaded, how many are done, and how many there are."""


def seed(engine: Engine, folder: Path, progress: Progress = lambda *_: None) -> int:
    """Load the seeds in one transaction; returns the number of events that were new.

    Places, parties and publishers are added, or brought to what the files say; none is removed.
    Shapes are loaded once. An event of the files is recorded if it never was; else it only gets
    the citations that it lacks, and what an editor corrected or retracted stays so. An event that
    only the seeds ever wrote and that the files no longer have is retracted. Safe to run at the
    same time from several processes.
    """
    with writing(engine) as connection:
        take_turn(connection)
        _load_places(connection, folder, progress)
        _load_shapes(connection, folder)
        return _load_events(connection, folder, progress)


def is_seeded(connection: Connection) -> bool:
    """Whether there is a country with districts to ask about."""
    return connection.execute(select(func.count()).select_from(tables.districts)).scalar_one() > 0


def _load_places(connection: Connection, folder: Path, progress: Progress) -> None:
    steps = [
        (tables.countries, _read(folder / "countries.csv")),
        (tables.provinces, _provinces(folder)),
        (tables.province_names, _names(folder, "province")),
        (tables.province_codes, _province_codes(folder)),
        (tables.districts, _districts(folder)),
        (tables.district_names, _names(folder, "district")),
        (tables.actors, _actors(folder)),
        (tables.sources, _read(folder / "sources.csv")),
    ]
    for done, (table, rows) in enumerate(steps, start=1):
        upsert(connection, table, rows)
        progress("places", done, len(steps))


def _provinces(folder: Path) -> Iterator[dict[str, Any]]:
    for row in _read(folder / "provinces.csv"):
        yield {
            "id": row["pcode"],
            "country_code": row["country_code"],
            "name": row["name"],
            "name_local": row["name_local"] or None,
        }


def _province_codes(folder: Path) -> Iterator[Row]:
    for row in _read(folder / "provinces.csv"):
        yield {"province_id": row["pcode"], "scheme": "iso-3166-2", "code": row["iso_3166_2"]}


def _districts(folder: Path) -> Iterator[dict[str, Any]]:
    for row in _read(folder / "districts.csv"):
        point = f"SRID=4326;POINT({row['lon']} {row['lat']})" if row["lon"] else None
        yield {
            "id": row["pcode"],
            "province_id": row["province_pcode"],
            "name": row["name"],
            "name_local": row["name_local"] or None,
            "point": point,
            "area_km2": float(row["area_km2"]) if row["area_km2"] else None,
            "area_year": row["area_year"] or None,
            "population": int(row["population"]) if row["population"] else None,
            "population_year": row["population_year"] or None,
            "is_provincial_capital": row["provincial_capital"] == "true",
            "is_national_capital": row["national_capital"] == "true",
        }


def _names(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Every listed spelling, and the place's own names where no list has them."""
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _read(folder / f"{kind}_names.csv"):
        listed[row["pcode"], row["name"]] = {
            "languages": row["language"].split(),
            "script": row["script"] or None,
            "lists": row["lists"].split("; ") if row["lists"] else [],
        }
    for row in _read(folder / f"{kind}s.csv"):
        for column, script in (("name", "Latn"), ("name_local", "Arab")):
            own = {"languages": [], "script": script, "lists": []}
            if row[column]:
                listed.setdefault((row["pcode"], row[column]), own)
    for (place, name), about in listed.items():
        yield {f"{kind}_id": place, "name": name, "key": name_key(name), **about}


def _actors(folder: Path) -> Iterator[dict[str, Any]]:
    for row in _read(folder / "actors.csv"):
        yield {**row, "aliases": row["aliases"].split("; ")}


def _load_shapes(connection: Connection, folder: Path) -> None:
    for row in _read(folder / "boundary_sets.csv"):
        if boundaries.exists(connection, row["id"]):
            continue
        values = {**row, "is_default": row["is_default"] == "true"}
        upsert(connection, tables.boundary_sets, [values])
        outlines = json.loads((folder / "province_shapes.geojson").read_text(encoding="utf-8"))
        geometries = {
            feature["properties"]["pcode"]: json.dumps(feature["geometry"])
            for feature in outlines["features"]
        }
        boundaries.add_province_shapes(connection, row["id"], geometries)
        boundaries.divide_provinces(connection, row["id"])


def _load_events(connection: Connection, folder: Path, progress: Progress) -> int:
    """Bring the record to what the files say, by recording, citing and retracting."""
    cited: dict[UUID, list[Citation]] = {}
    for row in _read(folder / "citations.csv"):
        cited.setdefault(UUID(row["event"]), []).append(_citation(row))
    rows = {UUID(row["id"]): row for row in _read(folder / "events.csv")}
    recorded = set(connection.scalars(select(tables.events.c.id)))
    standing = _standing(connection)
    known_documents = set(connection.scalars(select(tables.citations.c.id)))
    for event, version in standing.items():
        if event not in rows and version.author == AUTHOR:
            reason = "the seeds no longer have it: its claims belong to other events"
            retract(connection, event, version.number, author=AUTHOR, reason=reason)
    for done, (event, row) in enumerate(rows.items(), start=1):
        documents = cited[event]
        if event not in recorded:
            outcome = Outcome(Status(row["status"]), row["controller"] or None)
            content = Content(Kind(row["kind"]), outcome, int(row["day_order"]))
            district = row["district"]
            record(connection, district, content, tuple(documents), author=AUTHOR, event_id=event)
        elif event in standing:
            for document in documents:
                if document.id not in known_documents:
                    cite(connection, event, document, author=AUTHOR)
        progress("events", done, len(rows))
    return len(rows.keys() - recorded)


def _standing(connection: Connection) -> dict[UUID, _Version]:
    """The newest version of every event that is not retracted, and who recorded it."""
    versions, revisions = tables.event_versions, tables.revisions
    rows = connection.execute(
        select(versions.c.event_id, versions.c.version, revisions.c.author)
        .join(revisions, revisions.c.revision == versions.c.revision)
        .where(versions.c.known_until.is_(None))
    )
    return {row.event_id: _Version(row.version, row.author) for row in rows}


def _citation(row: Row) -> Citation:
    return Citation(
        id=UUID(row["id"]),
        stance=Stance(row["stance"]),
        source=row["source"],
        origin=row["origin"],
        title=row["title"] or None,
        url=row["url"] or None,
        published=row["published"],
        asserted=row["asserted"] or None,
        place_as_written=row["place"] or None,
        basis=Basis(row["basis"]),
        speaker=row["speaker"] or None,
        note=row["note"] or None,
    )


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
