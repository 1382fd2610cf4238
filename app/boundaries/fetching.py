"""Fetching boundary files and what is to be said of them from a publisher's public API."""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from app.boundaries.report import Progress
from app.domain.errors import InvalidValueError, NotReadyError
from app.importers.drafts import shown

GEOBOUNDARIES = "https://www.geoboundaries.org/api/current/gbOpen"
"""The address of geoBoundaries' open collection; a country's code and ADM1 or ADM2 follow."""

MAX_MB = 500
"""MiB that a file may have."""

_ANSWER_MB = 5  # of metadata
_CHUNK = 1 << 16
_TIMEOUT = httpx.Timeout(30, connect=10)  # seconds without a byte
_LONGEST = 3600  # seconds for one file
_FIELDS = {
    "boundaryID": "id",
    "boundarySource": "source",
    "boundaryLicense": "licence",
    "gjDownloadURL": "download",
}


@dataclass(frozen=True)
class Offer:
    """What a publisher offers: a file of one level of one country, and where it comes from."""

    id: str
    dated: date
    source: str
    licence: str
    source_url: str | None
    shapes: int | None
    download: str


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched whole, with its SHA-256 in hex."""

    path: Path
    sha256: str


@contextmanager
def client() -> Iterator[httpx.Client]:
    """An HTTP client; proxies and certificates are those of the environment."""

    def refuse_other_schemes(request: httpx.Request) -> None:
        if request.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"{request.url.scheme} is not fetched from")

    with httpx.Client(
        timeout=_TIMEOUT,
        follow_redirects=True,
        max_redirects=10,
        headers={"User-Agent": "district-control", "Accept-Encoding": "identity"},
        event_hooks={"request": [refuse_other_schemes]},
    ) as opened:
        yield opened


def geoboundaries(client: httpx.Client, api: str, country: str, level: str) -> Offer:
    """What geoBoundaries offers for a country (three letters, ISO 3166-1) and ADM1 or ADM2.

    `dated` is 1 January of the year that the boundaries represent. Raises InvalidValueError where
    it has no such file or its answer says too little, NotReadyError where it cannot be reached.
    """
    if not re.fullmatch("[A-Z]{3}", country):
        detail = f"{shown(country, 20)!r} is no country: write its three letters, as AFG"
        raise InvalidValueError(detail, field="fetch")
    answer = _answer(client, f"{api.rstrip('/')}/{country}/{level}/")
    missing = [name for name in _FIELDS if not isinstance(answer.get(name), str)]
    year = re.search(r"\d{4}", str(answer.get("boundaryYearRepresented", "")))
    if missing or not year:
        names = ", ".join(missing or ["boundaryYearRepresented"])
        detail = f"the answer for {country} {level} does not say {names}"
        raise InvalidValueError(detail, field="fetch")
    said = {ours: shown(answer[theirs].strip(), 2000) for theirs, ours in _FIELDS.items()}
    number = str(answer.get("admUnitCount", ""))
    return Offer(
        **said,
        dated=date(int(year[0]), 1, 1),
        source_url=_web_address(answer.get("boundarySourceURL")),
        shapes=int(number) if number.isdecimal() else None,
    )


def _answer(client: httpx.Client, address: str) -> Mapping[str, Any]:
    content = b"".join(_pieces(client, address, _ANSWER_MB, lambda *_: None))
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"{address} answered no JSON", field="fetch") from error
    if not isinstance(answer, dict):
        raise InvalidValueError(f"{address} did not answer with one object", field="fetch")
    return answer


def _web_address(given: object) -> str | None:
    """The address, if it is one; publishers leave the scheme out at times."""
    text = str(given or "").strip()
    if re.match(r"[\w-]+(\.[\w-]+)+(/|$)", text):
        text = f"https://{text}"
    return text if re.fullmatch(r"https?://\S{1,1900}", text) else None


def download(
    client: httpx.Client, address: str, path: Path, max_mb: int, progress: Progress
) -> Fetched:
    """Fetch a GeoJSON file whole to `path`, and compute its SHA-256 on the way.

    Nothing is left at `path` unless all of it came. Raises InvalidValueError for an answer that is
    no such file or larger than `max_mb` MiB, NotReadyError where the connection fails or breaks.
    """
    total = hashlib.sha256()
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            for piece in _pieces(client, address, max_mb, progress):
                total.update(piece)
                file.write(piece)
        with part.open("rb") as file:
            # The reader goes by content: what is fetched may not make it open other things.
            if not file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
                raise InvalidValueError(f"{address} gave no GeoJSON", field="fetch")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Fetched(path, total.hexdigest())


def _pieces(client: httpx.Client, address: str, max_mb: int, progress: Progress) -> Iterator[bytes]:
    """The body of an answer, piece by piece; an error if it is not whole at the end."""
    if urlsplit(address).scheme not in ("http", "https"):
        detail = f"{shown(address, 100)!r} is no address to fetch from: it has to begin with https"
        raise InvalidValueError(detail, field="fetch")
    limit, name, started = max_mb << 20, urlsplit(address).path.rsplit("/", 1)[-1], time.monotonic()
    try:
        with client.stream("GET", address) as response:
            if response.status_code != httpx.codes.OK:
                raise _refused(address, response.status_code)
            schemes = {hop.url.scheme for hop in (*response.history, response)}
            if address.startswith("https:") and schemes != {"https"}:
                raise InvalidValueError(f"{address} leads away from https", field="fetch")
            expected = _expected(response)
            if expected is not None and expected > limit:
                raise InvalidValueError(f"{address} is larger than {max_mb} MiB", field="fetch")
            got = 0
            for piece in response.iter_bytes(_CHUNK):
                got += len(piece)
                if got > limit:
                    raise InvalidValueError(f"{address} is larger than {max_mb} MiB", field="fetch")
                if time.monotonic() - started > _LONGEST:
                    raise NotReadyError(f"{address} took more than {_LONGEST} seconds")
                progress(f"fetching {name}", got, expected)
                yield piece
            if expected is not None and response.num_bytes_downloaded != expected:
                raise NotReadyError(f"{address} broke off: {got} of {expected} bytes came")
    except httpx.TooManyRedirects as error:
        raise InvalidValueError(f"{address} leads round in circles", field="fetch") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise InvalidValueError(f"{address}: {error}", field="fetch") from error
    except httpx.TimeoutException as error:
        raise NotReadyError(f"{address} does not answer in time") from error
    except httpx.HTTPError as error:
        raise NotReadyError(f"{address} cannot be fetched: {shown(str(error))}") from error


def _expected(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _refused(address: str, status: int) -> Exception:
    if status == httpx.codes.NOT_FOUND:
        return InvalidValueError(f"there is nothing at {address} (404)", field="fetch")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        return NotReadyError(f"{address} answered {status}: try again later")
    return InvalidValueError(f"{address} answered {status}", field="fetch")
