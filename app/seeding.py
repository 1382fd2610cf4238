"""Loading the seeds: the files under `seeds/` into the gazetteer, and into the record once."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, select

from app.boundaries.deriving import derive
from app.domain.control import Action
from app.domain.places import name_key, sound_key
from app.importers.mapping import Mapping
from app.importers.reader import read_claims
from app.importing import Order, import_claims
from app.importing.names import id_of_name
from app.importing.report import Progress
from app.store import boundaries, sources, tables
from app.store.changes import changing
from app.store.drawings import is_derived
from app.store.engine import writing
from app.store.gazetteer import upsert
from app.store.revisions import take_turn

AUTHOR = "seeds"
"""The name that revisions made from the seeds carry."""


Row = dict[str, str]


def seed(engine: Engine, folder: Path, progress: Progress = lambda *_: None) -> int:
    """Load the seeds in one transaction; returns the number of events that were new.

    Places are added, or brought to what the files say; none is removed. Shapes are loaded once.
    Parties, publishers and claims go into the record as any import does: what is there already
    stays, and so does what an editor corrected or retracted. Safe to run at the same time from
    several processes.
    """
    with writing(engine) as connection:
        take_turn(connection)
        _load_places(connection, folder, progress)
        _load_shapes(connection, folder)
        _load_parties(connection, folder)
        return _load_claims(connection, folder, progress)


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
        reduced = {"key": name_key(name), "sound": sound_key(name)}
        yield {f"{kind}_id": place, "name": name, **reduced, **about}


def _actors(folder: Path) -> Iterator[dict[str, Any]]:
    for row in _read(folder / "actors.csv"):
        yield {**row, "aliases": row["aliases"].split("; ")}


def _load_shapes(connection: Connection, folder: Path) -> None:
    for row in _read(folder / "boundary_sets.csv"):
        if sets := boundaries.list_sets(connection, row["country_code"]):
            # An operator may have taken ours away. Those of earlier versions have no borders yet.
            for loaded in sets:
                if not is_derived(connection, loaded.id):
                    derive(connection, loaded.id)
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
        derive(connection, row["id"])


def _load_parties(connection: Connection, folder: Path) -> None:
    """Record the parties and publishers that are not on record, and the names files give them."""
    known = {actor.id for actor in sources.list_actors(connection)}
    parties = [row for row in _actors(folder) if row["id"] not in known]
    listed = list(_read(folder / "publishers.csv"))
    named = {id_of_name(row["publisher"]): row["publisher"] for row in listed}
    on_record = {publisher.id for publisher in sources.known_publishers(connection).values()}
    publishers = [{"id": id_, "name": named[id_]} for id_ in sorted(named.keys() - on_record)]
    if parties or publishers:
        reason = "parties and publishers of the seeds"
        with changing(connection, author=AUTHOR, action=Action.IMPORT, reason=reason) as change:
            change.add_actors(parties)
            change.add_sources(publishers)
    upsert(
        connection,
        tables.source_names,
        (
            {
                "name": row["source_name"],
                "source_id": id_of_name(row["publisher"]),
                "origin": row["origin"] or None,
            }
            for row in listed
        ),
    )


def _load_claims(connection: Connection, folder: Path, progress: Progress) -> int:
    """Import the claims that are not on record; the number of events that were new.

    Rows about places that are no district of the scheme are left out: they are errors of the
    report, and stay in the file, so that nobody has to wonder whether they were overlooked.
    """
    mapping = Mapping.parse((folder / "mappings" / "claims.json").read_text(encoding="utf-8"))
    (country,) = _read(folder / "countries.csv")
    zone = ZoneInfo(country["time_zone"])
    with ExitStack() as files:
        opened = [
            files.enter_context((folder / f"{name}.csv").open("rb"))
            for name in ("claims_2021", "claims_added")
        ]
        rows = chain(*(read_claims(file, "csv", mapping, zone) for file in opened))
        order = Order("the seeds", country["code"], AUTHOR, partial=True)
        report = import_claims(connection, rows, order, mapping.columns, progress)
    return report.events_created


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
