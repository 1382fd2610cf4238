"""Files for GIS programs: read back, they say what `/control` says."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.api.listing import COLUMNS
from app.store.engine import writing

from .asking import Answer, ask, assert_problem, cursor_of
from .test_cost import counted
from .test_formats import rows_of
from .writing import Desk, a_citation, an_event

MEDIA = {"gpkg": "application/geopackage+sqlite3", "fgb": "application/vnd.flatgeobuf"}
WITHOUT_SHAPE = {"AF2506", "AF2507"}
THEN = "as_of=2021-08-15"
OF_THE_SET = ("boundary_set", "attribution", "licence")


@dataclass(frozen=True)
class Content:
    """A file, read: its rows by id, its geometries by id, and what it says about itself."""

    rows: dict[str, dict[str, Any]]
    shapes: dict[str, Any]
    about: dict[str, Any]


@contextmanager
def saved(content: bytes) -> Iterator[Path]:
    """As somebody saves it."""
    form = "gpkg" if content.startswith(b"SQLite") else "fgb"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"file.{form}"
        file.write_bytes(content)
        yield file


def read(content: bytes) -> Content:
    with saved(content) as file:
        about = pyogrio.read_info(file, layer="district_control")
        meta, _, wkb, columns = pyogrio.raw.read(file, layer="district_control")
    named = dict(zip(meta["fields"], columns, strict=True))
    rows = {
        key: {name: plain(values[number]) for name, values in named.items()}
        for number, key in enumerate(named["id"])
    }
    geometries = dict(zip(named["id"], shapely.from_wkb(wkb), strict=True))
    return Content(rows, geometries, about)


def plain(value: Any) -> Any:
    """NumPy's value as JSON would have it."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value.astype("datetime64[D]"))
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def flat(item: Answer) -> dict[str, Any]:
    """A district of the JSON as a row."""
    controller = item["controller"] or {"id": None, "name": None}
    match = item["match"] or {"name": None, "score": None, "how": None}
    return {
        **{name: value for name, value in item.items() if name in COLUMNS},
        "province_id": item["province"]["id"],
        "province_name": item["province"]["name"],
        "controller_id": controller["id"],
        "controller_name": controller["name"],
        **{f"match_{name}": value for name, value in match.items()},
    }


CLOCKS = [
    THEN,
    "as_of=2021-06-14T06:00%2B04:30",
    "as_of=2021-07-15&reported_by=2021-06-20&min_confidence=claimed",
    "as_of=2021-08-15&known_at=2021-12-31",
    "as_of=2021-07-20&province=AF29&status=controlled",
]


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize("asked", CLOCKS)
def test_a_file_says_what_the_json_says(client: TestClient, form: str, asked: str) -> None:
    answer = ask(client, f"/control?{asked}")
    file = read(client.get(f"/control?{asked}&f={form}").content)
    clocks = {
        name: answer[name]
        for name in ("as_of", "reported_by", "known_at", "min_confidence", "revision")
    }
    shapes = answer["boundary_set"]
    of_the_set = {"boundary_set": shapes["id"], **{n: shapes[n] for n in OF_THE_SET[1:]}}
    assert file.rows == {
        item["id"]: flat(item) | clocks | of_the_set for item in answer["districts"]
    }
    assert file.rows
    assert list(next(iter(file.rows.values()))) == [*COLUMNS, *OF_THE_SET]


@pytest.fixture(scope="module", params=MEDIA)
def whole(request: pytest.FixtureRequest, client: TestClient) -> Content:
    return read(client.get(f"/control?{THEN}&f={request.param}").content)


def test_every_district_is_there_with_or_without_its_shape(whole: Content) -> None:
    assert len(whole.rows) == whole.about["features"] == 401
    assert {key for key, shape in whole.shapes.items() if shape is None} == WITHOUT_SHAPE


def test_shapes_are_those_of_the_boundary_set_in_full(whole: Content, seeded: Engine) -> None:
    stored = text(
        "SELECT district_id, ST_AsBinary(geom) AS wkb FROM district_shapes"
        " WHERE boundary_set_id = 'af-voronoi'"
    )
    with seeded.connect() as connection:
        expected = {row.district_id: row.wkb for row in connection.execute(stored)}
    for key, wkb in expected.items():
        assert whole.shapes[key].equals(shapely.from_wkb(wkb)), key
    assert whole.about["crs"] == "EPSG:4326"
    assert whole.about["geometry_type"] == "MultiPolygon"
    west, south, east, north = whole.about["total_bounds"]
    assert (west > 60, south > 29, east < 75, north < 39) == (True,) * 4


def test_columns_have_their_types(whole: Content) -> None:
    info = whole.about
    types = dict(
        zip(info["fields"], zip(info["ogr_types"], info["ogr_subtypes"], strict=True), strict=True)
    )
    # FlatGeobuf knows no days, only instants.
    day = "OFTDate" if info["driver"] == "GPKG" else "OFTDateTime"
    expected = dict.fromkeys((*COLUMNS, *OF_THE_SET), ("OFTString", "OFSTNone"))
    expected |= dict.fromkeys(("since", "last_reported"), (day, "OFSTNone"))
    expected |= dict.fromkeys(("disputed", "is_provincial_capital"), ("OFTInteger", "OFSTBoolean"))
    expected |= dict.fromkeys(
        ("population", "supporting_citations", "disputing_citations", "revision"),
        ("OFTInteger64", "OFSTNone"),
    )
    expected |= dict.fromkeys(("area_km2", "match_score"), ("OFTReal", "OFSTNone"))
    assert types == expected


def test_names_in_dari_come_through(whole: Content) -> None:
    assert whole.rows["AF2907"]["name_local"] == "قیصار"
    assert whole.rows["AF0101"]["name_local"] == "کابل"


def test_a_file_says_where_it_comes_from(whole: Content, client: TestClient) -> None:
    answer = ask(client, f"/control?{THEN}")
    said = whole.about["layer_metadata"]
    assert said["attribution"] == answer["boundary_set"]["attribution"]
    assert said["licence"] == "Public domain"
    assert (said["as_of"], said["known_at"]) == ("2021-08-15", answer["known_at"])
    title, description = said.get("IDENTIFIER", said.get("TITLE")), said["DESCRIPTION"]
    assert title == "District control, AF, 2021-08-15"
    for part in (answer["known_at"], "Natural Earth", "2021-08-15", "Public domain"):
        assert part in description


def test_a_null_is_a_null_and_not_a_nought(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient]
) -> None:
    with writing(own_seeded) as connection:
        connection.execute(
            text(
                "UPDATE districts SET population = NULL, population_year = NULL, area_km2 = NULL,"
                " area_year = NULL WHERE id = 'AF2907'"
            )
        )
    client = make_client(own_seeded)
    for form in MEDIA:
        rows = read(client.get(f"/control?province=AF29&f={form}").content).rows
        assert (rows["AF2907"]["population"], rows["AF2907"]["area_km2"]) == (None, None)
        assert rows["AF2908"]["population"] > 0


# As files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (THEN, "district-control-AF-2021-08-15"),
        ("as_of=2021-08-15&province=AF29", "district-control-AF29-2021-08-15"),
        ("as_of=2021-06-14T06:00%2B04:30", "district-control-AF-2021-06-14T0600+0430"),
    ],
)
def test_a_file_is_saved_under_a_name_that_tells(
    client: TestClient, form: str, asked: str, name: str
) -> None:
    plain = {"Accept-Encoding": "identity"}
    response = client.get(f"/control?{asked}&f={form}", headers=plain)
    assert response.headers["content-disposition"] == f'attachment; filename="{name}.{form}"'
    assert response.headers["content-type"] == MEDIA[form]
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize("address", ["/control", "/districts"])
def test_the_accept_header_gets_a_file_too(client: TestClient, address: str, form: str) -> None:
    asked = f"{address}?{THEN}&province=AF29"
    by_header = client.get(asked, headers={"Accept": f"{MEDIA[form]}, text/html;q=0.1"})
    assert by_header.headers["content-type"] == MEDIA[form]
    assert by_header.content == client.get(f"{asked}&f={form}").content
    assert client.get(asked, headers={"Accept": "application/*"}).json()["districts"]


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize(
    "address", ["/events", "/summary", "/frontline", "/districts/AF2907", "/tiles.json", "/actors"]
)
def test_only_lists_of_districts_come_as_files(client: TestClient, form: str, address: str) -> None:
    assert_problem(client.get(f"{address}?f={form}"), 422, "f")
    assert client.get(address, headers={"Accept": MEDIA[form]}).status_code == 406


@pytest.mark.parametrize("form", MEDIA)
def test_the_same_question_gives_the_same_bytes(
    client: TestClient, seeded: Engine, make_client: Callable[[Engine], TestClient], form: str
) -> None:
    asked = f"/control?{THEN}&f={form}"
    first = client.get(asked)
    again = make_client(seeded).get(asked)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    known_at = ask(client, f"/control?{THEN}")["known_at"]
    assert client.get(f"{asked}&known_at={known_at}").content == first.content
    kept = client.get(asked, headers={"If-None-Match": first.headers["etag"]})
    assert (kept.status_code, kept.content) == (304, b"")
    head = client.head(asked)
    assert (head.content, head.headers["etag"]) == (b"", first.headers["etag"])
    other = client.get(asked.replace("08-15", "08-14"))
    assert other.headers["etag"] != first.headers["etag"]


def test_files_made_at_once_are_not_mixed_up(client: TestClient) -> None:
    asked = [
        f"/control?as_of=2021-0{month}-15&province=AF{province}&f={form}"
        for month in (6, 7)
        for province in ("29", "19")
        for form in MEDIA
    ]
    alone = {address: client.get(address).content for address in asked}

    async def ask_all() -> list[tuple[str, bytes]]:
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as together:
            answers = await asyncio.gather(*(together.get(address) for address in asked * 3))
        return [(str(a.request.url.raw_path, "ascii"), a.content) for a in answers]

    told = asyncio.run(ask_all())
    assert len(told) == 3 * len(asked)
    assert all(alone[address] == content for address, content in told)


def test_the_only_instant_in_a_geopackage_is_that_of_the_record(client: TestClient) -> None:
    response = client.get(f"/control?{THEN}&f=gpkg")
    with saved(response.content) as file, closing(sqlite3.connect(file)) as database:
        changed = database.execute("SELECT last_change FROM gpkg_contents").fetchall()
        told = database.execute("SELECT timestamp FROM gpkg_metadata_reference").fetchall()
    known_at = ask(client, f"/control?{THEN}")["known_at"]
    for ((instant,),) in (changed, told):
        assert instant.removesuffix("Z") == known_at.removesuffix("Z")[:23]
    # And the program's clock goes on as before.
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


@pytest.mark.parametrize("form", MEDIA)
def test_nothing_is_left_on_a_disk(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert client.get(f"/control?{THEN}&f={form}").status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert pyogrio.vsi_listtree("/vsimem/") == []


@pytest.mark.parametrize("form", MEDIA)
def test_a_list_without_districts_is_an_empty_table(client: TestClient, form: str) -> None:
    asked = f"/control?as_of=1900-01-01&controller=taliban&f={form}"
    response = client.get(asked)
    assert response.status_code == 200
    with saved(response.content) as file:
        meta, _, geometries, _ = pyogrio.raw.read(file)
    assert len(geometries) == 0
    assert list(meta["fields"]) == [*COLUMNS, *OF_THE_SET]


@pytest.mark.parametrize("form", MEDIA)
def test_files_come_in_pages_as_any_list(client: TestClient, form: str) -> None:
    asked = f"/control?{THEN}&limit=300&f={form}"
    first = client.get(asked)
    second = client.get(f"{asked}&cursor={cursor_of(first)}")
    ids = [*read(first.content).rows, *read(second.content).rows]
    assert sorted(ids) == [d["id"] for d in ask(client, "/control")["districts"]]


@pytest.mark.parametrize("form", MEDIA)
def test_without_a_boundary_set_all_rows_are_there_without_shapes(
    own_seeded: Engine, make_client: Callable[[Engine], TestClient], form: str
) -> None:
    with writing(own_seeded) as connection:
        connection.execute(text("UPDATE boundary_sets SET is_default = false"))
    file = read(make_client(own_seeded).get(f"/control?f={form}").content)
    assert len(file.rows) == 401
    assert set(file.shapes.values()) == {None}
    assert {row["attribution"] for row in file.rows.values()} == {None}


def test_a_flatgeobuf_has_an_index_where_every_row_has_a_shape(client: TestClient) -> None:
    """The format has no place in its index for a row without one."""
    for province, indexed in (("AF29", True), ("AF25", False)):
        content = client.get(f"/control?province={province}&f=fgb").content
        with saved(content) as file:
            found = pyogrio.read_info(file)["capabilities"]["fast_spatial_filter"]
        assert found is indexed


@pytest.mark.parametrize("form", MEDIA)
def test_a_box_finds_the_same_in_a_file_as_here(client: TestClient, form: str) -> None:
    content = client.get(f"/control?{THEN}&f={form}").content
    box = (64.0, 35.5, 64.4, 35.8)
    with saved(content) as file:
        meta, _, _, columns = pyogrio.raw.read(file, bbox=box, columns=["id"])
    assert list(meta["fields"]) == ["id"]
    here = ask(client, f"/control?bbox={','.join(map(str, box))}")["districts"]
    assert {d["id"] for d in here} <= set(columns[0])
    assert len(columns[0]) < 30


@pytest.mark.parametrize("form", MEDIA)
def test_ogrinfo_reads_a_file(client: TestClient, tmp_path: Path, form: str) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed (Debian: gdal-bin)")
    file = tmp_path / f"file.{form}"
    file.write_bytes(client.get(f"/control?{THEN}&f={form}").content)

    def ogrinfo(*options: str) -> str:
        found = subprocess.run(
            ["ogrinfo", "-ro", "-al", *options, str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        # Debian's is older than the one that writes.
        assert "ERROR" not in found.stderr
        assert "Warning" not in found.stderr
        return found.stdout

    summary = ogrinfo("-so")
    assert "Feature Count: 401" in summary
    assert "Geometry: Multi Polygon" in summary
    assert 'ID["EPSG",4326]' in summary
    qaisar = ogrinfo("-q", "-where", "id = 'AF2907'", "-geom=SUMMARY")
    expected = next(d for d in ask(client, f"/control?{THEN}")["districts"] if d["id"] == "AF2907")
    for line in (
        "name_local (String) = قیصار",
        "controller_id (String) = taliban",
        f"population (Integer64) = {expected['population']}",
        f"supporting_citations (Integer64) = {expected['supporting_citations']}",
        "is_provincial_capital (Integer(Boolean)) = 0",
        "Made with Natural Earth",
    ):
        assert line in qaisar
    since = date.fromisoformat(expected["since"])
    assert f"since (Date{'Time' if form == 'fgb' else ''}) = {since:%Y/%m/%d}" in qaisar
    assert "MULTIPOLYGON : 1 geometries" in qaisar


# Citation counts --------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/control", "/districts?limit=1000"])
@pytest.mark.parametrize("asked", CLOCKS[:4])
def test_counts_are_those_of_the_event_that_decides(
    client: TestClient, address: str, asked: str
) -> None:
    mark = "&" if "?" in address else "?"
    districts = ask(client, f"{address}{mark}{asked}")["districts"]
    some = [d for d in districts if d["event_id"]][::4]
    for district in some:
        event = ask(client, f"/districts/{district['id']}/control?{asked}")["event"]
        stances = [citation["stance"] for citation in event["citations"]]
        assert district["event_id"] == event["id"]
        assert district["supporting_citations"] == stances.count("supports")
        assert district["disputing_citations"] == stances.count("disputes")
    for district in districts:
        if district["event_id"] is None:
            counts = (district["supporting_citations"], district["disputing_citations"])
            assert counts == (0, 0)
        else:
            assert district["supporting_citations"] > 0
        assert district["disputed"] == (district["disputing_citations"] > 0)


def test_spin_boldak_was_denied(client: TestClient) -> None:
    told = ask(client, "/control?as_of=2021-07-14&min_confidence=claimed&province=AF27")
    (boldak,) = (d for d in told["districts"] if d["id"] == "AF2711")
    assert boldak["disputing_citations"] > 0


def test_counts_are_in_every_format(client: TestClient) -> None:
    asked = f"/control?{THEN}"
    items = ask(client, asked)["districts"]
    features = client.get(f"{asked}&f=geojson").json()["features"]
    rows = rows_of(client.get(f"{asked}&f=csv"))
    for item, feature, row in zip(items, features, rows, strict=True):
        for name in ("supporting_citations", "disputing_citations"):
            assert item[name] == feature["properties"][name] == int(row[name])
        assert row["name_local"] == (item["name_local"] or "")


def test_counts_follow_the_clocks(own_seeded: Engine) -> None:
    desk = Desk.on(own_seeded)
    event = an_event(citations=[a_citation(published="2021-07-02")])
    created = desk.bob.post("/events", json=event)
    assert created.status_code == 201, created.text
    before = ask(desk.nobody, "/control?limit=1")["known_at"]
    for published, stance in (("2021-07-05", "supports"), ("2021-07-07", "disputes")):
        citation = a_citation(published=published, stance=stance, source="kabul-now")
        address = f"/events/{created.json()['id']}/citations"
        response = desk.bob.post(address, json=citation)
        assert response.status_code == 201, response.text

    def counts(**clocks: str) -> tuple[int, int]:
        answer = ask(desk.nobody, "/control", as_of="2021-07-10", province="AF01", **clocks)
        (here,) = (d for d in answer["districts"] if d["id"] == "AF0102")
        return here["supporting_citations"], here["disputing_citations"]

    assert counts() == (2, 1)
    assert counts(known_at=before) == (1, 0)
    assert counts(reported_by="2021-07-06") == (2, 0)
    assert counts(reported_by="2021-07-03") == (1, 0)
    assert counts(reported_by="2021-07-01") == (0, 0)


@pytest.mark.parametrize("form", ["json", "gpkg", "fgb"])
def test_counting_and_files_cost_no_statement_for_each_district(
    forgetful: TestClient, seeded: Engine, form: str
) -> None:
    numbers = []
    for limit in (2, 400):
        with counted(seeded) as sent:
            answer = forgetful.get(f"/control?{THEN}&limit={limit}&f={form}")
            assert answer.status_code == 200
        numbers.append(len(sent))
    assert numbers[0] == numbers[1] <= 8


def test_the_documentation_shows_the_formats(client: TestClient) -> None:
    paths = ask(client, "/openapi.json")["paths"]
    for path in ("/control", "/districts"):
        content = paths[path]["get"]["responses"]["200"]["content"]
        assert set(MEDIA.values()) < content.keys()
    assert json.dumps(paths["/control"]).count("GeoPackage") >= 1
