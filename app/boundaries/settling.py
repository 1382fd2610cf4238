"""A mapping file: what an operator decided about shapes that matching is not sure of."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidValueError
from app.importers.drafts import shown
from app.importers.shapes import Feature
from app.store.shapes import Known

_COLUMNS = ("shape", "district", "comment")


@dataclass(frozen=True)
class Settled:
    """One decision: the place of a shape, by its position in the gazetteer (None: left out)."""

    place: int | None
    comment: str


def read_mapping(
    path: Path, features: Sequence[Feature], places: Sequence[Known]
) -> dict[int, Settled]:
    """Read decisions from CSV, by the shapes' positions.

    Its columns are `shape` (the id of a shape in the file, or its row number where the file has no
    ids), `district` (a P-code; empty: the shape is left out), and `comment`, which may be left
    out. Raises InvalidValueError, naming the row, for whatever is not there or stands twice.
    """
    shapes = {feature.id: index for index, feature in enumerate(features)}
    codes = {place.id: index for index, place in enumerate(places)}
    found: dict[int, Settled] = {}
    taken: dict[int, int] = {}
    for number, row in _rows(path):
        shape, district = row["shape"], row["district"].upper()
        if shape not in shapes:
            raise _wrong(path, number, f"the file has no shape {shown(shape, 60)!r}")
        if shapes[shape] in found:
            raise _wrong(path, number, f"the shape {shown(shape, 60)!r} stands here twice")
        if district and district not in codes:
            raise _wrong(path, number, f"there is no district {shown(district, 60)!r} on record")
        place = codes[district] if district else None
        if place is not None and place in taken:
            detail = f"the district {district} is row {taken[place]}'s already"
            raise _wrong(path, number, detail)
        if place is not None:
            if features[shapes[shape]].shape is None:
                raise _wrong(path, number, f"the shape {shown(shape, 60)!r} has no polygon")
            taken[place] = number
        found[shapes[shape]] = Settled(place, row["comment"])
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row with its number: the header is row 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        detail = f"{path.name} cannot be read: it has to be CSV in UTF-8"
        raise InvalidValueError(detail, field="mapping") from error
    table = csv.reader(text.splitlines(), strict=True)
    try:
        header = [cell.strip() for cell in next(table, [])]
        if header not in (list(_COLUMNS), list(_COLUMNS[:2])):
            raise _wrong(path, 1, f"the columns are {', '.join(_COLUMNS)}")
        for cells in table:
            if not "".join(cells).strip():
                continue
            if len(cells) != len(header):
                detail = f"the row has {len(cells)} cells, the header {len(header)}"
                raise _wrong(path, table.line_num, detail)
            row = dict.fromkeys(_COLUMNS, "")
            row |= dict(zip(header, (cell.strip() for cell in cells), strict=True))
            yield table.line_num, row
    except csv.Error as error:
        raise _wrong(path, table.line_num, f"this is no CSV: {error}") from error


def _wrong(path: Path, row: int, detail: str) -> InvalidValueError:
    return InvalidValueError(f"{path.name}, row {row}: {detail}", field="mapping")
