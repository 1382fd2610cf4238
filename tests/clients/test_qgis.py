"""QGIS's OAPIF provider reads `/ogc` and draws the map of 15 August 2021."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.settings import PROJECT

from ..services import Service

PYTHON = "/usr/bin/python3"
"""The interpreter that the distribution's `python3-qgis` belongs to."""


@pytest.fixture(scope="module")
def told(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS found, told by a process of its own."""
    folder = tmp_path_factory.mktemp("qgis")
    # It writes settings and a cache into the home of whoever runs it.
    homes = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"} | homes
    command = [PYTHON, "-c", "import qgis.core"]
    if (
        not Path(PYTHON).exists()
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("QGIS's Python modules are not installed: apt-get install python3-qgis")
    script = PROJECT / "tests" / "clients" / "qgis_oapif.py"
    image = folder / "map.png"
    ended = subprocess.run(
        [PYTHON, str(script), service.url, str(image)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert image.stat().st_size > 10_000
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_it_opens_every_collection(told: dict[str, Any]) -> None:
    layers = told["layers"]
    numbers = {name: layer["features"] for name, layer in layers.items()}
    assert numbers == {"districts": 401, "provinces": 34, "events": 136, "frontline": 3}
    # Well-known binary: 1 point, 5 several lines, 6 several polygons.
    kinds = {name: layer["geometry"] for name, layer in layers.items()}
    assert kinds == {"districts": 6, "provinces": 6, "events": 1, "frontline": 5}
    assert {layer["crs"] for layer in layers.values()} <= {"EPSG:4326", "OGC:CRS84"}
    assert layers["districts"]["fields"]["since"] == "Date"
    assert layers["districts"]["fields"]["disputed"] == "Boolean"
    assert layers["districts"]["extent"] == pytest.approx([60.49, 29.39, 74.89, 38.47], abs=0.01)


def test_it_reads_all_pages(told: dict[str, Any]) -> None:
    assert told["now"] == 401
    assert sum(told["then"].values()) == 401
    assert told["with_geometry"] == 399


def test_it_shows_15_august_2021(told: dict[str, Any], service: Service) -> None:
    with service.client() as client:
        held = client.get("/control?as_of=2021-08-15").json()["districts"]
    expected: dict[str, int] = {}
    for district in held:
        holder = district["controller"]["id"] if district["controller"] else district["status"]
        expected[holder] = expected.get(holder, 0) + 1
    assert told["then"] == told["then_by_filter"] == expected
    assert told["as_of"] == ["2021-08-15"]
    assert told["since_august"] == 11


def test_it_asks_for_what_lies_in_a_box(told: dict[str, Any], service: Service) -> None:
    with service.client() as client:
        answer = client.get("/ogc/collections/districts/items?bbox=63.5,35,65.5,36.5")
    assert told["in_faryab"] == sorted(feature["id"] for feature in answer.json()["features"])


def test_it_draws_who_held_what(told: dict[str, Any]) -> None:
    """The colours of both parties, of contested and of unknown districts are on the map."""
    assert all(number > 20 for number in told["pixels"].values()), told["pixels"]
