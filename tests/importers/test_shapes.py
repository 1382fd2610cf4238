"""Reading boundary files: formats, layers, reference systems, fields, repairs."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from app.domain.errors import InvalidValueError
from app.importers.layouts import Fields, layout_of
from app.importers.shapes import Feature, Reading, ShapeFile, area_km2, read_shapes

SQUARE = shapely.box(69, 34, 69.1, 34.1)
OTHER = shapely.box(69.2, 34, 69.3, 34.1)


def write(
    path: Path,
    shapes: Sequence[Any] = (SQUARE, OTHER),
    columns: Mapping[str, Sequence[Any]] | None = None,
    crs: str | None = "EPSG:4326",
    **how: Any,
) -> Path:
    given = columns or {"shapeName": [f"Place {i}" for i in range(len(shapes))]}
    pyogrio.raw.write(
        path,
        np.array([None if s is None else shapely.to_wkb(s) for s in shapes], dtype=object),
        [np.array(values, dtype=object) for values in given.values()],
        list(given),
        geometry_type=how.pop("geometry_type", "Unknown"),
        crs=crs,
        **how,
    )
    return path


def read(path: Path, **how: Any) -> ShapeFile:
    return read_shapes(path, 2, Reading(**how))


def one(path: Path, **how: Any) -> Feature:
    (feature,) = read(path, **how).features
    return feature


@pytest.mark.parametrize("ending", ["geojson", "json", "gpkg", "shp"])
def test_formats(tmp_path: Path, ending: str) -> None:
    driver = {"json": "GeoJSON"}.get(ending)
    kind = {"shp": "Polygon"}.get(ending, "Unknown")
    file = read(write(tmp_path / f"a.{ending}", geometry_type=kind, driver=driver))
    assert [feature.names for feature in file.features] == [("Place 0",), ("Place 1",)]
    assert [feature.id for feature in file.features] == ["1", "2"]
    assert [feature.row for feature in file.features] == [1, 2]
    assert all(f.shape.geom_type == "MultiPolygon" for f in file.features)
    assert shapely.equals(file.features[0].shape, shapely.multipolygons([SQUARE]))


def test_a_zipped_shapefile(tmp_path: Path) -> None:
    write(tmp_path / "a.shp", geometry_type="Polygon")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("a.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert len(read(tmp_path / "a.zip").features) == 2


def test_a_layer_has_to_be_named_where_there_are_several(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", layer="districts")
    write(path, [SQUARE], {"shapeName": ["All"]}, layer="provinces", append=True)
    with pytest.raises(InvalidValueError, match="several layers, districts, provinces") as error:
        read(path)
    assert error.value.field == "layer"
    assert one(path, layer="provinces").label == "All"
    with pytest.raises(InvalidValueError, match="no layer 'roads'"):
        read(path, layer="roads")


def test_shapes_are_brought_to_degrees(tmp_path: Path) -> None:
    # The square between 500 and 510 km east, 3,700 and 3,710 km north of UTM zone 42N.
    path = write(tmp_path / "a.gpkg", [shapely.box(5e5, 3.7e6, 5.1e5, 3.71e6)], crs="EPSG:32642")
    file = read(path)
    west, south, *_ = shapely.bounds(file.features[0].shape)
    assert (west, south) == pytest.approx((69, 33.4385), abs=1e-3)
    assert "UTM zone 42N" in file.crs
    assert area_km2(file.features[0].shape) == pytest.approx(100, rel=2e-3)


def test_a_file_has_to_say_its_reference_system(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        path = write(tmp_path / "a.shp", crs=None, geometry_type="Polygon")
    with pytest.raises(InvalidValueError, match=r"a\.shp does not say") as error:
        read(path)
    assert error.value.field == "crs"
    assert len(read(path, crs="EPSG:4326").features) == 2
    with pytest.raises(InvalidValueError, match="no coordinate reference system"):
        read(path, crs="EPSG:nonsense")


def test_a_reference_system_cannot_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="leave it out"):
        read(write(tmp_path / "a.gpkg"), crs="EPSG:4326")


def test_shapes_that_lie_nowhere(tmp_path: Path) -> None:
    feature = one(write(tmp_path / "a.gpkg", [shapely.box(5e5, 3e6, 6e5, 4e6)]))
    assert feature.shape is None
    assert "reference system" in feature.notes[0]


def test_a_bowtie_is_repaired(tmp_path: Path) -> None:
    bowtie = shapely.Polygon([(69, 34), (69.1, 34.1), (69.1, 34), (69, 34.1), (69, 34)])
    feature = one(write(tmp_path / "a.gpkg", [bowtie]))
    assert shapely.is_valid(feature.shape)
    assert shapely.get_num_geometries(feature.shape) == 2
    assert "repaired: Self-intersection" in feature.notes[0]


def test_what_is_no_polygon_is_left_out(tmp_path: Path) -> None:
    mixed = shapely.GeometryCollection(
        [SQUARE, shapely.LineString([(0, 0), (1, 1)]), shapely.MultiPoint([(1, 1), (2, 2)])]
    )
    line = shapely.LineString([(69, 34), (70, 35)])
    features = read(write(tmp_path / "a.gpkg", [mixed, line, None])).features
    assert shapely.equals(features[0].shape, SQUARE)
    assert features[0].notes == ("3 parts that are no polygon left out",)
    assert [feature.shape for feature in features[1:]] == [None, None]
    assert features[1].notes[-1] == "it has no polygon"
    assert features[2].notes == ("it has no geometry that can be read",)


def test_slivers_are_left_out(tmp_path: Path) -> None:
    sliver = shapely.box(69.5, 34, 69.5005, 34.0005)  # about 0.0026 km²
    path = write(tmp_path / "a.gpkg", [shapely.MultiPolygon([SQUARE, sliver])])
    feature = one(path)
    assert shapely.equals(feature.shape, SQUARE)
    assert feature.notes == ("slivers left out: 1, together 0.0026 km²",)
    assert shapely.get_num_geometries(one(path, sliver=0.001).shape) == 2
    # A shape that is small altogether is none.
    alone = one(write(tmp_path / "b.gpkg", [sliver]))
    assert shapely.equals(alone.shape, sliver)


def test_heights_are_left_out(tmp_path: Path) -> None:
    feature = one(write(tmp_path / "a.gpkg", [shapely.force_3d(SQUARE, 1500)]))
    assert not shapely.has_z(feature.shape)
    assert feature.notes == ("heights left out",)


@pytest.mark.parametrize(
    ("columns", "layout", "names", "codes", "parents"),
    [
        (
            {"shapeName": ["A"], "shapeID": ["7"], "shapeISO": [""]},
            "geoboundaries",
            ("A",),
            (),
            (),
        ),
        (
            {
                "ADM2_EN": ["A"],
                "ADM2_DA": ["ا"],
                "ADM2_PCODE": ["AF01"],
                "ADM1_EN": ["P"],
                "ADM1_PCODE": ["AF0"],
                "ADM0_EN": ["C"],
            },
            "cod-ab",
            ("A", "ا"),
            ("AF01",),
            ("P", "AF0"),
        ),
        (
            {"adm2_name": ["A"], "adm2_name1": ["ا"], "adm2_pcode": ["AF01"], "adm1_name": ["P"]},
            "cod-ab",
            ("A", "ا"),
            ("AF01",),
            ("P",),
        ),
        (
            {
                "GID_2": ["AFG.1.1_1"],
                "NAME_2": ["A"],
                "VARNAME_2": ["Aa|Aaa"],
                "NL_NAME_2": ["NA"],
                "NAME_1": ["P"],
                "GID_1": ["AFG.1_1"],
            },
            "gadm",
            ("A", "Aa", "Aaa"),
            ("AFG.1.1_1",),
            ("P", "AFG.1_1"),
        ),
    ],
)
def test_layouts_are_told_by_their_fields(
    tmp_path: Path,
    columns: dict[str, list[str]],
    layout: str,
    names: tuple[str, ...],
    codes: tuple[str, ...],
    parents: tuple[str, ...],
) -> None:
    file = read(write(tmp_path / "a.gpkg", [SQUARE], columns))
    (feature,) = file.features
    assert file.layout == layout
    assert feature.names == names
    assert feature.codes == codes
    assert (*feature.parent_names, *feature.parent_codes) == parents


def test_own_fields_can_be_named(tmp_path: Path) -> None:
    columns = {"district": ["A\n B"], "code": [12], "region": ["P"]}
    path = write(tmp_path / "a.gpkg", [SQUARE], columns)
    with pytest.raises(InvalidValueError, match="among the fields district, code, region"):
        read(path)
    feature = one(path, fields=Fields(name="district", code="code", province="region"))
    assert (feature.names, feature.codes, feature.id) == (("A B",), ("12",), "12")
    assert feature.parent_names == ("P",)
    with pytest.raises(InvalidValueError, match="no field 'nom'") as error:
        read(path, fields=Fields(name="nom"))
    assert error.value.field == "name_field"


def test_a_field_can_be_left_unused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], {"ADM2_EN": ["A"], "ADM2_PCODE": ["X1"]})
    assert one(path, fields=Fields(code="-")).codes == ()


def test_layouts_that_are_named() -> None:
    columns = ["shapeName", "NAME_2"]
    assert layout_of("a", columns, 2, Fields("gadm"))[1].names == ("NAME_2",)
    with pytest.raises(InvalidValueError, match="no layout 'mine'"):
        layout_of("a", columns, 2, Fields("mine"))
    with pytest.raises(InvalidValueError, match="a has no fields of cod-ab"):
        layout_of("a", columns, 2, Fields("cod-ab"))
    assert layout_of("a", ["NAME_1", "NAME_2"], 1, Fields())[1].names == ("NAME_1",)


def test_ids_that_stand_twice_are_none(tmp_path: Path) -> None:
    columns = {"shapeName": ["A", "B"], "shapeID": ["7", "7"]}
    features = read(write(tmp_path / "a.gpkg", columns=columns)).features
    assert [feature.id for feature in features] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", b"{]"),
        ("a.geojson", b""),
        ("a.gpkg", b"nothing"),
        ("a.txt", b"hello"),
        ("a.geojson", b"<OGRVRTDataSource></OGRVRTDataSource>"),
        ("a.geojson", json.dumps({"type": "FeatureCollection", "features": []}).encode()),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidValueError) as error:
        read(path)
    assert error.value.field in ("file", "layer", "name_field")


def test_areas_are_those_of_the_ellipsoid() -> None:
    # Of the whole earth: 510,065,622 km² (WGS 84).
    assert area_km2(shapely.box(-180, -90, 180, 90)) == pytest.approx(510_065_622, rel=1e-6)
    # A degree by a degree at the equator: 12,308.8 km² (Karney's geodesics).
    assert area_km2(shapely.box(0, 0, 1, 1)) == pytest.approx(12_308.8, rel=1e-4)
