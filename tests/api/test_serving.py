"""The service as it is started, over a real socket: its log, its health, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine

from app.settings import PROJECT


@dataclass(frozen=True)
class Service:
    """A running service, and the file that its log goes to."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def entries(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def requests(self, path: str) -> list[dict[str, Any]]:
        """The log lines of requests to that path, once the last of them is written."""
        for _ in range(50):
            found = [e for e in self.entries() if e.get("path") == path]
            if found:
                return found
            time.sleep(0.05)
        return []


@contextmanager
def serving(engine: Engine, log: Path) -> Iterator[Service]:
    """`district-control serve` on a database and on some free port, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = engine.url.render_as_string(hide_password=False)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "serve", f"--port={port}"],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": url, "LOG_FORMAT": "json"},
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    service = Service(f"http://127.0.0.1:{port}", log, process)
    try:
        wait_until_ready(service)
        yield service
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def service(seeded: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(seeded, tmp_path_factory.mktemp("service") / "log") as running:
        yield running


def wait_until_ready(service: Service) -> None:
    for _ in range(300):
        assert service.process.poll() is None, service.log.read_text()
        try:
            if httpx.get(f"{service.url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(service.log.read_text())


def test_qaisar_is_answered_over_http(service: Service) -> None:
    address = f"{service.url}/districts/qaisar/control?as_of=2021-06-10"
    answer = httpx.get(address, follow_redirects=True).json()
    assert answer["controller"]["id"] == "taliban"


def test_a_request_is_one_line_of_json_without_its_query(service: Service) -> None:
    response = httpx.get(f"{service.url}/districts/AF2306/control?as_of=2021-06-10")
    (entry,) = service.requests("/districts/AF2306/control")
    assert entry["request_id"] == response.headers["x-request-id"]
    assert entry["method"] == "GET"
    assert entry["route"] == "/districts/{id}/control"
    assert entry["status"] == 200
    assert 0 < entry["duration_ms"] < 60_000
    assert {"timestamp", "level"} <= entry.keys()
    assert "as_of" not in service.log.read_text(encoding="utf-8")


def test_nobody_can_write_a_second_line_into_the_log(service: Service) -> None:
    httpx.get(f"{service.url}/nothing%0A%7B%22status%22%3A200%7D")
    (entry,) = service.requests('/nothing\n{"status":200}')
    assert entry["status"] == 404
    assert {"status": 200} not in service.entries()


def test_head_and_304_have_no_body_on_the_wire(service: Service) -> None:
    """An answer with a body where none may be breaks the connection for what follows."""
    plain = {"Accept-Encoding": "identity"}
    with httpx.Client(base_url=service.url, headers=plain) as client:
        first = client.get("/provinces")
        for _ in range(3):
            head = client.head("/provinces")
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(len(first.content))
            again = client.get("/provinces", headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert client.get("/provinces").content == first.content


RAW = [
    b"GET /districts/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /districts/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /districts?q=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /districts?q=\xc3\x28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET //districts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /districts/../control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET http://elsewhere.example/control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /control HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
    b"GET /districts/qaisar HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
    b"GET /control HTTP/1.1\r\nHost: x\r\nAccept: \xff;q=x,,;;=\r\nConnection: close\r\n\r\n",
    b'GET /control HTTP/1.1\r\nHost: x\r\nIf-None-Match: "\xff\r\nConnection: close\r\n\r\n',
    b"GET /control HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff\xff\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", RAW, ids=range(len(RAW)))
def test_no_request_however_odd_is_a_server_error(service: Service, request_bytes: bytes) -> None:
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request_bytes)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    status = int(received.split(b" ", 2)[1])
    assert 200 <= status < 500, received[:500]
    assert service.process.poll() is None


def test_it_ends_when_it_is_told_to(seeded: Engine, tmp_path: Path) -> None:
    """A supervisor sends SIGTERM, and expects the process to be gone soon."""
    with serving(seeded, tmp_path / "log") as service:
        pass
    assert service.process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in service.log.read_text(encoding="utf-8")
