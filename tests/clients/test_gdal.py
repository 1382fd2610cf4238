"""GDAL's command line (`ogrinfo`, `ogr2ogr`) reads `/ogc` with its OAPIF driver."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ..api.asking import Answer
from ..services import Service

pytestmark = pytest.mark.skipif(
    shutil.which("ogrinfo") is None or shutil.which("ogr2ogr") is None,
    reason="gdal-bin is not installed: tools/install --dev installs it",
)

TALIBAN_THEN = 103
"""Districts that they held on 15 August 2021, by what the seeds have on record."""


SINCE_AUGUST = 11
"""Districts that changed hands for good from 1 August 2021 on."""


def run(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    assert "ERROR" not in told, told
    return ended.stdout


def read(service: Service, collection: str, folder: Path, *options: str, asked: str = "") -> Any:
    """What `ogr2ogr` makes of a collection, as GeoJSON features."""
    path = folder / "out.geojson"
    path.unlink(missing_ok=True)
    source = f"OAPIF:{service.url}/ogc{asked}"
    run("ogr2ogr", "-f", "GeoJSON", *options, str(path), source, collection)
    return json.loads(path.read_text(encoding="utf-8"))["features"]


def asked_of(service: Service, path: str) -> Answer:
    with service.client() as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    document: Answer = answer.json()
    return document


def test_ogrinfo_lists_the_collections(service: Service) -> None:
    told = run("ogrinfo", "-ro", f"OAPIF:{service.url}/ogc")
    layers = [line.split()[1] for line in told.splitlines() if line[:1].isdigit()]
    assert layers == ["districts", "provinces", "events", "frontline"]


@pytest.mark.parametrize(
    ("collection", "geometry", "number"),
    [
        ("districts", "Multi Polygon", 401),
        ("provinces", "Multi Polygon", 34),
        ("events", "Point", 136),
        ("frontline", "Multi Line String", 3),
    ],
)
def test_ogrinfo_describes_a_collection(
    service: Service, collection: str, geometry: str, number: int
) -> None:
    told = run("ogrinfo", "-ro", "-so", f"OAPIF:{service.url}/ogc", collection)
    assert f"Geometry: {geometry}\n" in told
    assert f"Feature Count: {number}\n" in told
    assert "Extent: (60.4869" in told
    assert 'ID["EPSG",4326]' in told
    assert "TEMPORAL_INTERVAL_MIN=2021-05-0" in told
    assert "as_of: Date" in told
    assert "Natural Earth" in told
    if collection == "districts":
        for field in ("since: Date", "disputed: Integer(Boolean)", "population: Integer"):
            assert field in told


def test_ogr2ogr_reads_all_pages_of_15_august(service: Service, tmp_path: Path) -> None:
    """Parameters of the address hold for every request; by default there are ten on a page."""
    found = read(service, "districts", tmp_path, asked="?datetime=2021-08-15")
    expected = asked_of(service, "/control?as_of=2021-08-15&f=geojson")["features"]
    assert [f["properties"]["id"] for f in found] == [f["id"] for f in expected]
    for feature, other in zip(found, expected, strict=True):
        assert feature["properties"]["status"] == other["properties"]["status"]
        assert feature["properties"]["as_of"] in ("2021-08-15", "2021/08/15")
        assert (feature["geometry"] is None) == (other["geometry"] is None)
    holders = Counter(f["properties"]["controller"] for f in found)
    assert holders["taliban"] == TALIBAN_THEN
    assert holders["afghan-government"] == 2


def test_a_larger_page_gives_the_same(service: Service, tmp_path: Path) -> None:
    large = read(service, "events", tmp_path, "-oo", "PAGE_SIZE=1000")
    assert read(service, "events", tmp_path) == large
    assert len(large) == 136


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("as_of = '2021-08-15' AND controller = 'taliban'", TALIBAN_THEN),
        ("as_of = '2021-08-15' AND status = 'contested'", 2),
        ("name = 'Qaysar'", 1),
        ("id = 'AF2907'", 1),
        ("province = 'AF29' AND is_provincial_capital = 1", 1),
        ("population > 1000000", 1),
        # Of a bare date field GDAL would make `datetime`.
        ("CAST(since AS character(10)) >= '2021/08/01'", SINCE_AUGUST),
    ],
)
def test_a_filter_means_the_same_here_as_there(
    service: Service, tmp_path: Path, where: str, expected: int
) -> None:
    """Equality and dates are asked of the service, other conditions GDAL looks at itself."""
    options = ("-where", where, "-oo", "PAGE_SIZE=1000")
    assert len(read(service, "districts", tmp_path, *options)) == expected


def test_a_box_is_asked_of_the_service(service: Service, tmp_path: Path) -> None:
    box = ("63.5", "35.0", "65.5", "36.5")
    for collection in ("districts", "provinces", "events"):
        path = f"/ogc/collections/{collection}/items?limit=1000&bbox={','.join(box)}"
        expected = {feature["id"] for feature in asked_of(service, path)["features"]}
        found = read(service, collection, tmp_path, "-spat", *box, "-oo", "PAGE_SIZE=1000")
        assert {feature["properties"]["id"] for feature in found} == expected
        assert expected


def test_everything_goes_into_a_geopackage(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    source = f"OAPIF:{service.url}/ogc?datetime=2021-08-10&kinds=front,contested,unknown"
    run("ogr2ogr", "-f", "GPKG", "-oo", "PAGE_SIZE=1000", str(path), source)
    for layer in ("districts", "provinces", "events", "frontline"):
        told = run("ogrinfo", "-ro", "-so", str(path), layer)
        answer = asked_of(
            service,
            f"/ogc/collections/{layer}/items?limit=1"
            "&datetime=2021-08-10&kinds=front,contested,unknown",
        )
        assert f"Feature Count: {answer['numberMatched']}\n" in told
