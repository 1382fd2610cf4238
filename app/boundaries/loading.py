"""Loading a boundary set: shapes of a file, matched to districts, with all that follows from them.

A set that is loaded stays as it is: answers name it. So there is no changing one, only another
set beside it. Shapes are no part of the record, and loading takes no writer's turn: a set can be
read from the moment that its transaction commits, and nothing that was there before changes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy import Connection

from app.boundaries.deriving import derive
from app.boundaries.evidence import Parentage, Place, find, shares
from app.boundaries.matching import LIKE, LIKELIER, Judgement, judge
from app.boundaries.names import best_likeness, spellings
from app.boundaries.report import Matched, Mentioned, Order, Progress, Report, explained
from app.boundaries.settling import read_mapping
from app.domain.errors import InvalidValueError, UnknownPlaceError, UnknownRecordError
from app.domain.places import name_key
from app.importers.layouts import Fields
from app.importers.shapes import Feature, ShapeFile, read_shapes
from app.store import boundaries, places, shapes
from app.store.boundaries import BoundarySet
from app.store.places import PlaceKind
from app.store.shapes import Known

_PARTS_OF_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")

Shapes = dict[str, Any]
"""Polygons by place."""


def import_boundaries(
    connection: Connection, order: Order, progress: Progress = lambda *_: None
) -> Report:
    """Load a file's shapes as a new boundary set, inside the caller's transaction.

    With doubts nothing is written unless `order.partial`; see Report. Raises InvalidValueError
    where a file or an option is wrong, UnknownPlaceError where there is no such country.
    """
    country = order.new.country
    if places.country(connection, country) is None:
        raise UnknownPlaceError(f"there is no country {country!r} on record", field="country")
    if boundaries.one_set(connection, order.new.id):
        detail = (
            f"there is a boundary set {order.new.id!r}: a set stays as it was loaded, because "
            "answers name it; choose another name"
        )
        raise InvalidValueError(detail, field="set")
    districts, provinces = _read(order, progress)
    progress("matching shapes", 0, len(districts.features))
    default = boundaries.default_set(connection, country)
    outlines = shapes.known_provinces(connection, country, default.id if default else None)
    matched_provinces, province_shapes = (
        _matched(provinces, outlines, [], order.province_mapping) if provinces else (None, {})
    )
    known = shapes.known_districts(connection, country, shapes.compared_set(connection, country))
    lie = _parents(districts.features, outlines, province_shapes)
    matched, district_shapes = _matched(districts, known, lie, order.mapping)
    progress("matching shapes", len(districts.features), len(districts.features))
    report = Report(
        order.new.id, order.new.sha256, order.partial, order.dry_run, matched, matched_provinces
    )
    if not order.dry_run and not report.refused:
        if not provinces:
            province_shapes = _united(district_shapes, known)
        _write(connection, order, {"province": province_shapes, "district": district_shapes})
        progress("deriving borders and drawings", 0, None)
        derived = derive(connection, order.new.id)
        report.borders, report.alone, report.lost = derived.borders, derived.alone, derived.lost
        report.written = True
    return report


def _read(order: Order, progress: Progress) -> tuple[ShapeFile, ShapeFile | None]:
    progress("reading files", 0, None)
    districts = read_shapes(order.file, 2, order.reading)
    if order.provinces is None:
        return districts, None
    # What is said of the fields is said of the districts' file.
    reading = replace(order.reading, layer=order.province_layer, fields=Fields())
    return districts, read_shapes(order.provinces, 1, reading)


def _matched(
    file: ShapeFile, known: Sequence[Known], lie: Sequence[Parentage], mapping: Path | None
) -> tuple[Matched, Shapes]:
    """What each shape of a file is taken for, and the shapes of the places that are sure."""
    features = file.features
    settled = read_mapping(mapping, features, known) if mapping else {}
    candidates = [Place(place) for place in known]
    findings = find(features, candidates, lie or [Parentage()] * len(features))
    labels = [feature.label for feature in features]
    decided = {shape: decision.place for shape, decision in settled.items()}
    judgements = judge(findings, candidates, labels, decided)
    rows = [
        explained(feature, judgement, findings.pairs[i], candidates, settled.get(i))
        for i, (feature, judgement) in enumerate(zip(features, judgements, strict=True))
    ]
    sure = _sure(features, judgements, candidates)
    without = [Mentioned(place.id, place.name) for place in known if place.id not in sure]
    matched = Matched(file.name, file.layer, file.crs, file.layout, file.notes, rows, without)
    return matched, sure


def _sure(
    features: Sequence[Feature], judgements: Sequence[Judgement], known: Sequence[Place]
) -> Shapes:
    return {
        known[judgement.place].id: feature.shape
        for feature, judgement in zip(features, judgements, strict=True)
        if judgement.place is not None and judgement.is_sure
    }


def _parents(
    features: Sequence[Feature], outlines: Sequence[Known], found: Shapes
) -> list[Parentage]:
    """The province of each shape, by what the file says and by where it lies.

    Where it lies is told by the province shapes of the file that came along, else by known ones.
    """
    known = {place.id: shapely.from_wkb(place.shape) for place in outlines if place.shape}
    outlined = found or known
    lie = shares(features, outlined)
    meant: dict[tuple[str, ...], str | None] = {}
    for feature in features:
        said = (*feature.parent_codes, *feature.parent_names)
        if said not in meant:
            meant[said] = _province(said, outlines)
    return [
        Parentage(meant[(*feature.parent_codes, *feature.parent_names)], share, frozenset(outlined))
        for feature, share in zip(features, lie, strict=True)
    ]


def _province(said: Sequence[str], outlines: Sequence[Known]) -> str | None:
    """The one province that has this code or name, or the most similar name by far."""
    keys = {name_key(text) for text in said}
    named = {
        place.id
        for place in outlines
        if keys & {name_key(text) for text in (place.id, *place.codes, *place.names)}
    }
    if named or not said:
        return named.pop() if len(named) == 1 else None
    asked = spellings(said)
    ranked = sorted(
        (
            (likeness.score, place.id)
            for place in outlines
            if (likeness := best_likeness(asked, spellings(place.names)))
        ),
        reverse=True,
    )
    if not ranked or ranked[0][0] < LIKE:
        return None
    is_ahead = len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= LIKELIER
    return ranked[0][1] if is_ahead else None


def _united(district_shapes: Shapes, known: Sequence[Known]) -> Shapes:
    """Provinces as their districts together; without those of which a district has no shape.

    What is left of such a province is not its outline.
    """
    parts: dict[str, list[Any]] = {}
    for place in known:
        if place.province:
            parts.setdefault(place.province, []).append(district_shapes.get(place.id))
    return {
        province: shapely.union_all(of)
        for province, of in parts.items()
        if all(shape is not None for shape in of)
    }


def _write(
    connection: Connection, order: Order, found: Mapping[PlaceKind, Mapping[str, Any]]
) -> None:
    shapes.add_set(connection, order.new)
    for kind, of in found.items():
        wkb = {place: bytes(shapely.to_wkb(shape)) for place, shape in of.items()}
        shapes.add_shapes(connection, order.new.id, kind, wkb)
    if order.make_default:
        shapes.make_default(connection, order.new.id, order.new.country)


def set_default(connection: Connection, boundary_set: str) -> BoundarySet:
    """Let a country's geometry answers use this set; raises UnknownRecordError if there is none."""
    found = _one(connection, boundary_set)
    shapes.make_default(connection, found.id, found.country)
    return found


def remove(connection: Connection, boundary_set: str) -> None:
    """Take away a set and all its shapes.

    Raises UnknownRecordError if there is none, InvalidValueError if it is the default one.
    """
    found = _one(connection, boundary_set)
    if found.is_default:
        detail = f"{found.id} is the default set of {found.country}: make another one default first"
        raise InvalidValueError(detail, field="set")
    shapes.remove_set(connection, found.id)


def _one(connection: Connection, boundary_set: str) -> BoundarySet:
    found = boundaries.one_set(connection, boundary_set)
    if found is None:
        detail = f"there is no boundary set {boundary_set!r}"
        raise UnknownRecordError(detail, field="set")
    return found


def digest(path: Path) -> str:
    """The SHA-256 of a file in hex; of a Shapefile's parts one after the other.

    As `cat x.shp x.shx x.dbf x.prj x.cpg | sha256sum` gives it, without those that are missing.
    """
    parts = [path]
    if path.suffix.lower() == ".shp":
        beside = {p.suffix.lower(): p for p in path.parent.iterdir() if p.stem == path.stem}
        parts = [beside[suffix] for suffix in _PARTS_OF_SHAPEFILE if suffix in beside]
    total = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
