"""Files for GIS programs: districts at one moment as FlatGeobuf and GeoPackage."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from typing import Any

import numpy as np
from fastapi import Response
from numpy.typing import NDArray
from pyogrio import set_gdal_config_options
from pyogrio.raw import write

from app.api.formats import MEDIA_TYPES, clocks
from app.domain.control import Question
from app.store.boundaries import BoundarySet

LAYER = "district_control"

TEXT = np.dtype(object)
DAY = np.dtype("datetime64[D]")
NUMBER = np.dtype("float64")
WHOLE = np.dtype("int64")
YES_NO = np.dtype("bool")
_MISSING = {TEXT: None, DAY: "NaT", NUMBER: np.nan, WHOLE: 0, YES_NO: False}

_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z.+-]")
_one_at_a_time = threading.Lock()
"""GDAL takes the time from a setting of the whole process; and one file fills memory enough."""


@dataclass(frozen=True)
class Contents:
    """What a file has: rows as the JSON has them, their types, and shapes as WKB by a row's `id`.

    `place` is the code of the country or province that the rows are about.
    """

    place: str
    rows: Sequence[Mapping[str, Any]]
    columns: Mapping[str, np.dtype[Any]]
    shapes: Mapping[str, bytes]


def geo_file(
    form: str, contents: Contents, question: Question, boundary_set: BoundarySet | None
) -> Response:
    """A file to be saved, in the format of that name, `fgb` or `gpkg`, in degrees (WGS 84).

    It is made in memory, with nothing left on any disk. Rows without a shape stay, with none. The
    same question gives the same bytes: the only instant in it is that of the record.
    """
    said = _said(contents.place, question, boundary_set)
    title, description = said["title"], said["description"]
    if form == "gpkg":
        # Versions after 1.2 bring nothing that is used here, and warnings in older programs.
        options: dict[str, Any] = {
            "driver": "GPKG",
            "dataset_options": {"VERSION": "1.2"},
            "layer_options": {"IDENTIFIER": title, "DESCRIPTION": description},
        }
    else:
        # The format has no place in its index for a row without a shape.
        whole = all(row["id"] in contents.shapes for row in contents.rows)
        index = "YES" if whole else "NO"
        options = {
            "driver": "FlatGeobuf",
            "layer_options": {"TITLE": title, "DESCRIPTION": description, "SPATIAL_INDEX": index},
        }
    with _one_at_a_time:
        content = _written(contents, question, options | {"layer_metadata": said})
    moment = _NOT_IN_NAMES.sub("", question.clocks.as_of.text)
    name = f"district-control-{contents.place}-{moment}.{form}"
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _said(place: str, question: Question, boundary_set: BoundarySet | None) -> dict[str, str]:
    """What the file says about itself."""
    asked = {name: str(value) for name, value in clocks(question).items() if value is not None}
    said = {
        "title": f"District control, {place}, {asked['as_of']}",
        "description": "Who controls each district, by the documents on record. "
        + "; ".join(f"{name}: {value}" for name, value in asked.items()),
        **asked,
    }
    if boundary_set:
        said["description"] += f". Shapes: {boundary_set.attribution} ({boundary_set.licence})"
        said |= {
            "boundary_set": boundary_set.id,
            "attribution": boundary_set.attribution,
            "licence": boundary_set.licence,
        }
    return said


def _written(contents: Contents, question: Question, options: Mapping[str, Any]) -> bytes:
    names = list(contents.columns)
    values = {name: [row[name] for row in contents.rows] for name in names}
    recorded = question.clocks.known_at.astimezone(UTC).isoformat(timespec="milliseconds")
    into = BytesIO()
    # GeoPackages name the instant at which they were changed last.
    set_gdal_config_options({"OGR_CURRENT_DATE": recorded.replace("+00:00", "Z")})
    try:
        write(
            into,
            geometry=_objects([contents.shapes.get(row["id"]) for row in contents.rows]),
            field_data=[_array(values[name], contents.columns[name]) for name in names],
            fields=names,
            field_mask=[_mask(values[name], contents.columns[name]) for name in names],
            layer=LAYER,
            geometry_type="MultiPolygon",
            crs="EPSG:4326",
            **options,
        )
    finally:
        set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return into.getvalue()


def _array(values: Sequence[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    if kind == TEXT:
        return _objects(values)
    return np.array([_MISSING[kind] if value is None else value for value in values], kind)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), TEXT)
    array[:] = values
    return array


def _mask(values: Sequence[Any], kind: np.dtype[Any]) -> NDArray[Any] | None:
    """Which values are null, for the types that cannot say so themselves."""
    return np.array([value is None for value in values]) if kind in (WHOLE, YES_NO) else None
