"""What an import of boundaries is asked to do, and what it tells afterwards."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from app.boundaries.evidence import Evidence, Place
from app.boundaries.matching import Judgement, Verdict
from app.boundaries.settling import Settled
from app.importers.shapes import Feature, Reading
from app.store.shapes import NewSet

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and how much there is (None: not known)."""

COLUMNS = (
    "row", "shape", "name", "verdict", "district", "district_name", "points", "lead", "runner_up",
    "speaks_for", "speaks_against", "doubts", "candidates", "notes",
)  # fmt: skip
"""Of the report as CSV."""

_PARTS = ("districts", "provinces")
_OPEN = (Verdict.DOUBTFUL, Verdict.UNMATCHED)


@dataclass(frozen=True)
class Order:
    """Which files to import, as which set, and how.

    Nothing is written while a shape is doubtful or unmatched, unless `partial`: then the others
    are. `dry_run` writes nothing and tells what would be.
    """

    file: Path
    new: NewSet
    reading: Reading = field(default_factory=Reading)
    mapping: Path | None = None
    provinces: Path | None = None
    province_layer: str | None = None
    province_mapping: Path | None = None
    make_default: bool = False
    partial: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Mentioned:
    """A place that a report mentions; `points` are what speaks for it."""

    id: str
    name: str
    points: int | None = None


@dataclass(frozen=True)
class Row:
    """What was decided about one shape, and why. `place` is the district, or the province."""

    row: int
    shape: str
    name: str
    verdict: Verdict
    place: Mentioned | None
    lead: int
    runner_up: Mentioned | None
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    doubts: tuple[str, ...]
    candidates: tuple[Mentioned, ...]
    notes: tuple[str, ...]


@dataclass
class Matched:
    """The shapes of one file, and the places that none of them is."""

    file: str
    layer: str
    crs: str
    layout: str
    notes: tuple[str, ...]
    shapes: list[Row]
    without_shape: list[Mentioned]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many shapes there are of each verdict."""
        counted = Counter(row.verdict for row in self.shapes)
        return {verdict.value: counted[verdict] for verdict in Verdict}

    @property
    def open(self) -> list[Row]:
        """The shapes that somebody has to decide about."""
        return [row for row in self.shapes if row.verdict in _OPEN]

    def as_document(self) -> dict[str, Any]:
        """The shapes as JSON has them."""
        return {"counts": dict(self.counts), **asdict(self)}


@dataclass
class Report:
    """What an import found and did; what is derived is empty until the shapes are written.

    `borders` are those between two districts. `alone` are the districts that border no other one;
    of those in `lost` nothing was left when the shapes were brought together, so that they have no
    border either and are in no tile.
    """

    boundary_set: str
    sha256: str
    partial: bool
    dry_run: bool
    districts: Matched
    provinces: Matched | None
    written: bool = False
    borders: int = 0
    alone: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def open(self) -> int:
        """How many shapes somebody has to decide about."""
        return len(self.districts.open) + (len(self.provinces.open) if self.provinces else 0)

    @property
    def refused(self) -> bool:
        """Whether nothing was written because of doubts, or for want of any sure shape."""
        counts = self.districts.counts
        sure = counts[Verdict.MATCHED] + counts[Verdict.SETTLED]
        return not sure or (bool(self.open) and not self.partial)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            **{name: value for name, value in vars(self).items() if name not in _PARTS},
            "refused": self.refused,
            "districts": self.districts.as_document(),
            "provinces": self.provinces.as_document() if self.provinces else None,
        }


def explained(
    feature: Feature,
    judgement: Judgement,
    pairs: Mapping[int, Evidence],
    places: Sequence[Place],
    settled: Settled | None,
) -> Row:
    """What was decided about a shape, in words."""
    place = judgement.place
    evidence = pairs.get(place) if place is not None else None
    said = list(_said(evidence, feature, places[place])) if evidence and place is not None else []
    comment = [f"settled: {settled.comment}"] if settled and settled.comment else []
    listed = tuple(
        Mentioned(places[one.place].id, places[one.place].name, one.points)
        for one in judgement.candidates
    )
    runner_up = judgement.runner_up if place is not None else None
    return Row(
        row=feature.row,
        shape=feature.id,
        name=feature.label,
        verdict=judgement.verdict,
        place=_mentioned(places[place], judgement.points) if place is not None else None,
        lead=judgement.lead,
        runner_up=_mentioned(places[runner_up.place], runner_up.points) if runner_up else None,
        speaks_for=tuple(text for is_for, text in said if is_for),
        speaks_against=tuple(text for is_for, text in said if not is_for),
        doubts=judgement.doubts,
        candidates=listed,
        notes=(*feature.notes, *comment),
    )


def _mentioned(place: Place, points: int | None = None) -> Mentioned:
    return Mentioned(place.id, place.name, points)


def _said(evidence: Evidence, feature: Feature, place: Place) -> Iterator[tuple[bool, str]]:
    """Each thing that is known of a shape and a place: whether it speaks for a match, and what."""
    if evidence.code is not None:
        whose = "its own" if evidence.code else "another place's"
        yield evidence.code, f"the code {', '.join(feature.codes)} is {whose}"
    if evidence.name is not None:
        like = f"the name is like {evidence.name.recorded!r}: {evidence.likeness:.2f}"
        text = "the name is on record" if evidence.is_named else like
        yield evidence.likeness >= 0.5, text
    if evidence.km_off is not None:
        away = f"the known point lies {evidence.km_off:.1f} km outside"
        yield evidence.km_off == 0, away if evidence.km_off else "the known point lies inside"
    if evidence.overlap is not None:
        text = f"{evidence.overlap:.0%} in common with the known shape"
        yield evidence.overlap >= 0.5, text
    if evidence.parent is not None:
        share = "as the file says" if evidence.parent_said else f"{evidence.parent:.0%} of it"
        yield evidence.parent >= 0.5, f"in the province {place.parent}: {share}"
    if evidence.area is not None:
        text = f"{evidence.area:.2f} times the area on record"
        yield 0.5 <= evidence.area <= 2, text


def write_rows(report: Report, file: TextIO) -> None:
    """Write the shapes as CSV, one row each; those of provinces are not in it."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in report.districts.shapes:
        table.writerow(
            (
                row.row,
                row.shape,
                row.name,
                row.verdict.value,
                row.place.id if row.place else "",
                row.place.name if row.place else "",
                row.place.points if row.place else "",
                row.lead if row.place else "",
                called(row.runner_up) if row.runner_up else "",
                *("; ".join(texts) for texts in (row.speaks_for, row.speaks_against, row.doubts)),
                "; ".join(called(one) for one in row.candidates),
                "; ".join(row.notes),
            )
        )


def called(place: Mentioned) -> str:
    """A place in one cell of a table: `id (name, points)`."""
    points = "" if place.points is None else f", {place.points}"
    return f"{place.id} ({place.name}{points})"
