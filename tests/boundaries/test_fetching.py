"""Fetching from a publisher's API, which a server on this machine plays."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2 as httpx
import pytest
import shapely
from sqlalchemy import Engine, text

from app.boundaries import fetching
from app.domain.errors import InvalidValueError, NotReadyError
from app.store import boundaries
from app.store.engine import reading
from tests.boundaries.commands import Done, Drawn, told

BODY = b'{"type": "FeatureCollection", "features": []}'


class Publisher:
    """What a server answers, by path: a status, headers, and a body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked.append(self.path)
                status, headers, body = publisher.answers.get(self.path, (404, {}, b"nothing"))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                # A client that has read enough hangs up.
                with suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def offer(self, level: str, **other: Any) -> None:
        """Answer for a level of AFG as geoBoundaries does, with a file of that level."""
        said = {
            "boundaryID": f"AFG-{level}-17698898",
            "boundaryISO": "AFG",
            "boundaryYearRepresented": "2018",
            "boundarySource": "A survey, an office",
            "boundaryLicense": "Public Domain",
            "boundarySourceURL": "example.org/afg",
            "admUnitCount": "7",
            "gjDownloadURL": f"{self.url}/files/{level}.geojson",
        }
        body = json.dumps({k: v for k, v in (said | other).items() if v is not None}).encode()
        self.answers[f"/api/AFG/{level}/"] = (200, {"Content-Type": "application/json"}, body)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with closing(Publisher()) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with fetching.client() as opened:
        yield opened


@pytest.fixture
def fetch(client: httpx.Client, publisher: Publisher, tmp_path: Path) -> Callable[..., Any]:
    """A function that fetches /file.geojson."""

    def fetch(max_mb: int = 1, path: str = "/file.geojson") -> fetching.Fetched:
        to = tmp_path / "file.geojson"
        return fetching.download(client, publisher.url + path, to, max_mb, lambda *_: None)

    return fetch


def nothing_is_left(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_an_offer_says_where_a_file_comes_from(client: httpx.Client, publisher: Publisher) -> None:
    publisher.offer("ADM2")
    offer = fetching.geoboundaries(client, f"{publisher.url}/api/", "AFG", "ADM2")
    assert (offer.id, offer.dated.isoformat()) == ("AFG-ADM2-17698898", "2018-01-01")
    assert (offer.source, offer.licence) == ("A survey, an office", "Public Domain")
    assert (offer.source_url, offer.shapes) == ("https://example.org/afg", 7)
    assert offer.download == f"{publisher.url}/files/ADM2.geojson"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"boundaryLicense": None}, "does not say boundaryLicense"),
        ({"boundaryYearRepresented": "unknown"}, "does not say boundaryYearRepresented"),
    ],
)
def test_an_offer_that_says_too_little(
    client: httpx.Client, publisher: Publisher, other: dict[str, Any], message: str
) -> None:
    publisher.offer("ADM2", **other)
    with pytest.raises(InvalidValueError, match=message):
        fetching.geoboundaries(client, f"{publisher.url}/api", "AFG", "ADM2")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_offer(
    client: httpx.Client, publisher: Publisher, body: bytes
) -> None:
    publisher.answers["/api/AFG/ADM2/"] = (200, {}, body)
    with pytest.raises(InvalidValueError, match=r"JSON|one object"):
        fetching.geoboundaries(client, f"{publisher.url}/api", "AFG", "ADM2")


@pytest.mark.parametrize("country", ["AF", "afg", "../x"])
def test_countries_have_three_letters(client: httpx.Client, country: str) -> None:
    with pytest.raises(InvalidValueError, match="three letters"):
        fetching.geoboundaries(client, "http://127.0.0.1:1", country, "ADM2")


def test_a_file_comes_whole_with_its_digest(
    fetch: Callable[..., Any], publisher: Publisher
) -> None:
    publisher.answers["/file.geojson"] = (200, {}, BODY)
    fetched = fetch()
    assert fetched.path.read_bytes() == BODY
    assert fetched.sha256 == hashlib.sha256(BODY).hexdigest()
    assert [path.name for path in fetched.path.parent.iterdir()] == ["file.geojson"]


def test_redirects_are_followed(fetch: Callable[..., Any], publisher: Publisher) -> None:
    publisher.answers["/old"] = (302, {"Location": "/file.geojson"}, b"")
    publisher.answers["/file.geojson"] = (200, {}, BODY)
    assert fetch(path="/old").sha256 == hashlib.sha256(BODY).hexdigest()
    publisher.answers["/round"] = (302, {"Location": "/round"}, b"")
    with pytest.raises(InvalidValueError, match="in circles"):
        fetch(path="/round")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_only_the_web_is_fetched_from(
    fetch: Callable[..., Any],
    client: httpx.Client,
    publisher: Publisher,
    address: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidValueError):
        fetching.download(client, address, tmp_path / "f", 1, lambda *_: None)
    publisher.answers["/away"] = (302, {"Location": address}, b"")
    with pytest.raises(InvalidValueError):
        fetch(path="/away")
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ((404, {}, b""), InvalidValueError, "there is nothing at .* \\(404\\)"),
        ((403, {}, b""), InvalidValueError, "answered 403"),
        ((503, {}, b""), NotReadyError, "answered 503: try again later"),
        ((200, {"Content-Length": "9999"}, BODY), NotReadyError, "cannot be fetched|broke off"),
        ((200, {"Content-Length": str(2 << 20)}, BODY), InvalidValueError, "larger than 1 MiB"),
        ((200, {}, b"{" + b" " * (1 << 20)), InvalidValueError, "larger than 1 MiB"),
        ((200, {}, b"<html>sorry</html>"), InvalidValueError, "gave no GeoJSON"),
        ((200, {}, b"<OGRVRTDataSource/>"), InvalidValueError, "gave no GeoJSON"),
        ((200, {}, b""), InvalidValueError, "gave no GeoJSON"),
    ],
)
def test_what_goes_wrong_leaves_nothing(
    fetch: Callable[..., Any],
    publisher: Publisher,
    tmp_path: Path,
    answer: tuple[int, dict[str, str], bytes],
    kind: type[Exception],
    message: str,
) -> None:
    publisher.answers["/file.geojson"] = answer
    with pytest.raises(kind, match=message):
        fetch()
    assert nothing_is_left(tmp_path)


def test_a_file_without_a_length_is_limited_too(
    fetch: Callable[..., Any], publisher: Publisher, tmp_path: Path
) -> None:
    headers = {"Content-Length": "", "Connection": "close"}
    publisher.answers["/file.geojson"] = (200, headers, b"{" * (2 << 20))
    with pytest.raises((InvalidValueError, NotReadyError)):
        fetch()
    assert nothing_is_left(tmp_path)


def test_nobody_listens(client: httpx.Client, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/file.geojson"
    with pytest.raises(NotReadyError, match="cannot be fetched"):
        fetching.download(client, address, tmp_path / "f", 1, lambda *_: None)
    assert nothing_is_left(tmp_path)


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fetching, "_TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent, fetching.client() as client:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/file.geojson"
        with pytest.raises(NotReadyError, match="does not answer in time"):
            fetching.download(client, address, tmp_path / "f", 1, lambda *_: None)


@pytest.fixture
def offered(seeded: Engine, publisher: Publisher, drawn: Drawn, tmp_path: Path) -> Publisher:
    """The districts of Bamyan, and the outlines of all provinces, as a publisher has them."""
    with seeded.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT name, ST_AsBinary(geom) AS shape FROM province_shapes "
                "JOIN provinces ON id = province_id"
            )
        ).all()
    names = [row.name for row in rows]
    outlines = Drawn(names, names, [shapely.from_wkb(bytes(row.shape)) for row in rows])
    for level, of in (("ADM1", outlines), ("ADM2", drawn)):
        body = of.write(tmp_path / f"{level}.geojson").read_bytes()
        publisher.offer(level)
        publisher.answers[f"/files/{level}.geojson"] = (200, {}, body)
    return publisher


def test_the_command_fetches_and_loads(
    own_seeded: Engine, run: Callable[..., Done], offered: Publisher
) -> None:
    done = run(
        *("import", "boundaries", "--fetch", "geoboundaries", "AFG"),
        *("--api-url", f"{offered.url}/api"),
    )
    assert done.code == 0, told(done)
    digest = hashlib.sha256(offered.answers["/files/ADM2.geojson"][2]).hexdigest()
    assert f"SHA-256 {digest}" in told(done)
    with reading(own_seeded) as connection:
        loaded = boundaries.one_set(connection, "geoboundaries-afg-adm2-17698898")
    assert loaded
    assert (loaded.sha256, loaded.licence) == (digest, "Public Domain")
    assert (loaded.dated.isoformat(), loaded.quality) == ("2018-01-01", "compiled")
    assert "A survey, an office" in loaded.origin
    assert loaded.source_url == "https://example.org/afg"


def test_what_is_said_on_the_command_line_wins(
    own_seeded: Engine, run: Callable[..., Done], offered: Publisher
) -> None:
    done = run(
        *("import", "boundaries", "--fetch", "geoboundaries", "AFG", "--set", "mine"),
        *("--api-url", f"{offered.url}/api", "--name", "My name", "--dated", "2018-06-30"),
    )
    assert done.code == 0, told(done)
    with reading(own_seeded) as connection:
        loaded = boundaries.one_set(connection, "mine")
    assert loaded
    assert (loaded.name, loaded.dated.isoformat()) == ("My name", "2018-06-30")


def test_another_file_than_the_one_that_is_asked_for(
    run: Callable[..., Done], offered: Publisher, own_seeded: Engine
) -> None:
    arguments = (
        *("import", "boundaries", "--fetch", "geoboundaries", "AFG"),
        *("--api-url", f"{offered.url}/api", "--sha256", "0" * 64),
    )
    done = run(*arguments)
    assert (done.code, "its SHA-256 is" in told(done)) == (1, True)
    with reading(own_seeded) as connection:
        assert [one.id for one in boundaries.list_sets(connection, "AF")] == ["af-voronoi"]


def test_a_publisher_that_is_not_known(run: Callable[..., Done]) -> None:
    done = run("import", "boundaries", "--fetch", "gadm", "AFG")
    assert (done.code, "only from geoboundaries" in told(done)) == (1, True)


def test_a_count_that_differs_is_told(run: Callable[..., Done], offered: Publisher) -> None:
    offered.offer("ADM2", admUnitCount="9")
    done = run(
        *("import", "boundaries", "--fetch", "geoboundaries", "AFG", "--dry-run"),
        *("--api-url", f"{offered.url}/api"),
    )
    assert "The publisher counts 9 shapes, the file has 7" in told(done)
