"""Reading boundary files: polygons in degrees (WGS 84), repaired, with their names and codes."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from app.domain.errors import InvalidValueError
from app.importers.drafts import shown
from app.importers.layouts import Fields, Layout, Level, layout_of

FORMATS = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".shp": "ESRI Shapefile",
    ".gpkg": "GPKG",
    ".zip": "ESRI Shapefile",
}
"""What can be read, by the ending of the file's name; a .zip holds one Shapefile."""

SLIVER = 0.01
"""Square kilometres: a part of a shape that is smaller, beside larger ones, is left out."""

_EARTH = 6378137.0  # metres; WGS 84's equatorial radius
_ECCENTRICITY = 0.0818191908426215  # of WGS 84's ellipsoid
_NOTHING_SAID = frozenset(("", "NA", "N/A", "NULL", "None"))  # what publishers write for nothing
_POLYGON = 3


@dataclass(frozen=True)
class Reading:
    """How to read a file: which layer, in which reference system and encoding, which fields.

    `crs` is for a file that does not say it, `encoding` for a Shapefile that says it wrongly.
    `sliver` is in square kilometres.
    """

    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    fields: Fields = field(default_factory=Fields)
    sliver: float = SLIVER


@dataclass(frozen=True, eq=False)
class Feature:
    """One shape of a file: names and codes as written, polygons in degrees (WGS 84).

    `row` counts from 1; `id` is the file's own, or the row. `names` may stand in several scripts;
    the first one is to be shown. `shape` is a valid MultiPolygon without heights, or None where
    the file has no polygon. `notes` say what was changed in it.
    """

    row: int
    id: str
    names: tuple[str, ...]
    codes: tuple[str, ...]
    parent_names: tuple[str, ...]
    parent_codes: tuple[str, ...]
    shape: Any
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name to show, or the id of a shape without one."""
        return self.names[0] if self.names else self.id


@dataclass(frozen=True, eq=False)
class ShapeFile:
    """What a file holds. `crs` is the reference system that it was in; `notes` are its own."""

    name: str
    layer: str
    crs: str
    layout: str
    features: tuple[Feature, ...]
    notes: tuple[str, ...]


def read_shapes(path: Path, level: Level, how: Reading) -> ShapeFile:
    """Read the shapes of one layer of a GeoJSON, Shapefile (also zipped) or GeoPackage file.

    Raises InvalidValueError, naming `file`, `layer`, `crs` or a field's parameter, where the file
    cannot be read, or says too little.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        layer = _layer(path, how)
        meta, wkb, columns = _read(path, layer, how)
    names = [str(name) for name in meta["fields"]]
    layout_name, layout = layout_of(path.name, names, level, how.fields)
    reference = _reference(path, meta["crs"], how.crs)
    given = shapely.from_wkb(wkb, on_invalid="ignore")
    shapes, notes = _repaired(_in_degrees(given, reference), given, how.sliver)
    texts = {name: [_text(v) for v in values] for name, values in zip(names, columns, strict=True)}
    features = tuple(_features(layout, texts, shapes, notes))
    if not features:
        raise InvalidValueError(f"{path.name} has no shapes in it", field="file")
    said = dict.fromkeys(f"the reader says: {shown(str(warning.message))}" for warning in told)
    return ShapeFile(path.name, layer, reference.name, layout_name, features, tuple(said))


def area_km2(shapes: Any) -> Any:
    """Areas in square kilometres of shapes in degrees, on the WGS 84 ellipsoid.

    Edges are straight in the cylindrical equal-area projection, which moves the area of a district
    by far less than its survey. Source of the formula: Snyder, Map Projections (1987), eq. 10-1
    and 3-12.
    """
    return shapely.area(shapely.transform(shapes, _equal_area)) / 1e6


def _equal_area(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    longitude, latitude = np.radians(degrees).T
    e, sine = _ECCENTRICITY, np.sin(latitude)
    q = (1 - e**2) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return np.column_stack((_EARTH * longitude, _EARTH * q / 2))


def _layer(path: Path, how: Reading) -> str:
    """The layer to read: the one that is named, or the only one with shapes."""
    driver = FORMATS.get(path.suffix.lower())
    if driver is None:
        detail = f"{path.name} is no file that can be read: give {', '.join(FORMATS)}"
        raise InvalidValueError(detail, field="file")
    try:
        listed = pyogrio.list_layers(path)
    except (DataSourceError, DataLayerError) as error:
        raise _unreadable(path, error) from error
    layers = [str(name) for name, kind in listed if kind is not None]
    if how.layer is not None:
        if how.layer not in layers:
            detail = f"{path.name} has no layer {how.layer!r}; it has {', '.join(layers)}"
            raise InvalidValueError(detail, field="layer")
        return how.layer
    if len(layers) != 1:
        there = f"several layers, {', '.join(layers)}: name one" if layers else "no layer of shapes"
        raise InvalidValueError(f"{path.name} has {there}", field="layer")
    return layers[0]


def _read(
    path: Path, layer: str, how: Reading
) -> tuple[Mapping[str, Any], NDArray[Any], Sequence[NDArray[Any]]]:
    try:
        driver = pyogrio.read_info(path, layer=layer, encoding=how.encoding)["driver"]
        if driver != FORMATS[path.suffix.lower()]:
            detail = f"{path.name} is not what its name says, but {driver}"
            raise InvalidValueError(detail, field="file")
        meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, encoding=how.encoding)
    except (DataSourceError, DataLayerError, UnicodeDecodeError, LookupError) as error:
        raise _unreadable(path, error) from error
    return meta, wkb, columns


def _unreadable(path: Path, error: Exception) -> InvalidValueError:
    return InvalidValueError(f"{path.name} cannot be read: {shown(str(error))}", field="file")


def _reference(path: Path, found: str | None, given: str | None) -> CRS:
    """The coordinate reference system of a file, which it says itself, or the operator."""
    if found and given:
        detail = f"{path.name} says its reference system itself ({shown(found, 60)}): leave it out"
        raise InvalidValueError(detail, field="crs")
    if not found and not given:
        detail = f"{path.name} does not say its coordinate reference system: give it, as EPSG:4326"
        raise InvalidValueError(detail, field="crs")
    try:
        return CRS.from_user_input(found or given)
    except CRSError as error:
        detail = f"no coordinate reference system can be read from {shown(found or given or '')!r}"
        raise InvalidValueError(detail, field="crs") from error


def _in_degrees(shapes: NDArray[Any], reference: CRS) -> NDArray[Any]:
    """The shapes in longitude and latitude (WGS 84), without heights."""
    flat = shapely.force_2d(shapes)
    wgs84 = CRS.from_epsg(4326)
    if reference.equals(wgs84, ignore_axis_order=True):
        return np.asarray(flat)
    try:
        transformer = Transformer.from_crs(reference, wgs84, always_xy=True)
        return np.asarray(
            shapely.transform(flat, lambda xy: np.column_stack(transformer.transform(*xy.T)))
        )
    except ProjError as error:
        detail = f"shapes cannot be brought from {reference.name} to WGS 84: {shown(str(error))}"
        raise InvalidValueError(detail, field="crs") from error


def _repaired(
    shapes: NDArray[Any], given: NDArray[Any], sliver: float
) -> tuple[list[Any], list[tuple[str, ...]]]:
    """Each shape as a valid MultiPolygon, or None, with notes of what was changed."""
    repaired, notes = [], []
    for shape, original in zip(shapes, given, strict=True):
        polygons, said = _polygons(shape, sliver)
        if polygons is not None and shapely.has_z(original):
            said.append("heights left out")
        repaired.append(polygons)
        notes.append(tuple(said))
    return repaired, notes


def _polygons(shape: Any, sliver: float) -> tuple[Any, list[str]]:
    if shape is None or shapely.is_empty(shape):
        return None, ["it has no geometry that can be read"]
    west, south, east, north = shapely.bounds(shape)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return None, ["it does not lie on the earth: is the reference system the right one?"]
    notes = []
    if not shapely.is_valid(shape):
        notes.append(f"repaired: {shapely.is_valid_reason(shape)}")
        # "structure" takes rings for what they enclose, as a map shows it, and keeps no lines.
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts, others = _parts(shape)
    if others:
        notes.append(f"{others} part{'s' * (others > 1)} that are no polygon left out")
    if len(parts) == 0:
        return None, [*notes, "it has no polygon"]
    areas = area_km2(parts)
    large = areas >= min(sliver, areas.max())
    if not large.all():
        number, together = (~large).sum(), areas[~large].sum()
        notes.append(f"slivers left out: {number}, together {together:.2g} km²")
    return shapely.multipolygons(parts[large]), notes


def _parts(shape: Any) -> tuple[NDArray[Any], int]:
    """The polygons of a valid geometry of any kind, and the number of its other parts."""
    parts = shapely.get_parts([shape])
    while (shapely.get_type_id(parts) > _POLYGON).any():
        parts = shapely.get_parts(parts)
    is_polygon = (shapely.get_type_id(parts) == _POLYGON) & ~shapely.is_empty(parts)
    return parts[is_polygon], int((~is_polygon).sum())


def _features(
    layout: Layout,
    texts: Mapping[str, Sequence[str]],
    shapes: Sequence[Any],
    notes: Sequence[tuple[str, ...]],
) -> Iterator[Feature]:
    ids = _identifiers(texts.get(layout.identifier or "", ()), len(shapes))

    def said(columns: Sequence[str], place: int) -> tuple[str, ...]:
        written = (part for c in columns for part in texts[c][place].split("|"))
        return tuple(dict.fromkeys(t for t in map(str.strip, written) if t not in _NOTHING_SAID))

    for place, shape in enumerate(shapes):
        yield Feature(
            row=place + 1,
            id=ids[place],
            names=said(layout.names, place),
            codes=said(layout.codes, place),
            parent_names=said(layout.parent_names, place),
            parent_codes=said(layout.parent_codes, place),
            shape=shape,
            notes=notes[place],
        )


def _identifiers(own: Sequence[str], number: int) -> list[str]:
    """The file's own ids, if each shape has one and no two the same; else the row numbers."""
    if len(own) == number and all(own) and len(set(own)) == number:
        return list(own)
    return [str(row) for row in range(1, number + 1)]


def _text(value: Any) -> str:
    """A value of a field as one line of text; a whole number has no decimals."""
    if value is None or value is np.ma.masked:
        return ""
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        value = int(value) if float(value).is_integer() else float(value)
    return shown(" ".join(str(value).split()), 1000)
