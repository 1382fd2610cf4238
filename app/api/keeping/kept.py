"""Kept answers: whole, compressed once, and those unused for longest go first."""

import gzip
import hashlib
import re
import threading
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Literal

import zstandard
from cachetools import LRUCache
from starlette.datastructures import Headers
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from app.store.revisions import State

Raw = list[tuple[bytes, bytes]]
Target = tuple[str, ...]
"""What is asked: scheme, host, prefix, path and query."""
Encoding = Literal["identity", "gzip", "zstd"]

QUARTER = 900
"""Seconds. Midnight comes at a quarter of an hour, UTC, in every time zone there is; so an answer
about "today" that is kept until the next quarter begins is never one about yesterday."""

SMALLEST = 500
"""Bytes below which nothing is compressed: it would hardly be shorter."""

GZIP_LEVEL, ZSTD_LEVEL = 6, 9
"""Each answer is compressed once and sent often. Measured in docs/performance.md."""

_SQUEEZABLE = re.compile(
    r"text/|application/(.*\+)?(json|xml|javascript)|application/(geo\+json|x-ndjson|x-bibtex"
    r"|vnd\.mapbox-vector-tile|vnd\.flatgeobuf)|image/svg"
)
"""Media types that are not compressed already."""

_ENTRY = 3000
"""Bytes that an answer takes besides its bodies, roughly."""

LONGEST = 1000
"""Characters that what is asked may have, header included, for its answer to be kept."""

_ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_OF_BODY = (b"content-length", b"content-type", b"content-encoding", b"content-disposition")


@dataclass(frozen=True)
class Origin:
    """What an answer was made from: the state that was read, None for nothing, and when.

    `fixed` is whether it answers a question at fixed clocks, so that the record cannot change it.
    """

    state: State | None
    fixed: bool
    quarter: int


@dataclass
class Answer:
    """A finished answer (200 or 204) without what differs from request to request.

    `headers` are those of the identical, uncompressed body, without its tag and length. Threads
    may share it.
    """

    status: int
    headers: Raw
    body: bytes
    origin: Origin
    route: str
    tag: str = field(init=False)
    _forms: dict[Encoding, tuple[Raw, bytes]] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Make the tag: a hash of the very bytes, so that it changes exactly when they do."""
        given = Headers(raw=self.headers)
        own = given.get("etag", "").strip('"')
        self.tag = own or hashlib.sha256(self.body).hexdigest()[:32]
        self.squeezable = (
            len(self.body) >= SMALLEST
            and "content-encoding" not in given
            and bool(_SQUEEZABLE.match(given.get("content-type", "")))
        )
        self.headers = [
            pair for pair in self.headers if pair[0] not in (b"etag", b"content-length")
        ]

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, with all its forms."""
        forms = [body for _, body in self._forms.values() if body is not self.body]
        return _ENTRY + len(self.body) + sum(map(len, forms))

    def serves(self, now: State | None, least: int) -> bool:
        """Whether it may be given while the record stands like this; None is "nobody knows".

        `least` is the revision that whoever asks knows of (`min_revision`).
        """
        made = self.origin
        if not made.state:
            return made.quarter == quarter()
        if made.state.revision < least or (now and made.state.upkeep < now.upkeep):
            return False
        if made.fixed:
            return True
        return now is not None and made.state.revision >= now.revision and made.quarter == quarter()

    def has(self, encoding: Encoding) -> bool:
        """Whether that form is made already."""
        return encoding == "identity" or encoding in self._forms

    def form(self, encoding: Encoding) -> tuple[Raw, bytes]:
        """Headers and body in that encoding, made at the first call."""
        found = self._forms.get(encoding)
        if found is None:
            with self._lock:
                if encoding not in self._forms:
                    self._forms[encoding] = self._made(encoding)
                found = self._forms[encoding]
        return found

    def not_modified(self, encoding: Encoding) -> Raw:
        """The headers of a 304 to somebody who has that form."""
        return [pair for pair in self.form(encoding)[0] if pair[0] not in _OF_BODY]

    def matches(self, if_none_match: str, encoding: Encoding) -> bool:
        """Whether a client has the answer in the form that it takes: weak comparison (RFC 9110).

        The tag of another form does not count: a 304 would give those bytes this form's tag. Of an
        answer without content there is nothing to have.
        """
        if self.status == HTTPStatus.NO_CONTENT:
            return False
        if if_none_match.strip() == "*":
            return True
        return self._tagged(encoding) in _ENTITY_TAG.findall(if_none_match)

    def _tagged(self, encoding: Encoding) -> str:
        """The tag of a form: other bytes are another representation, with a tag of its own."""
        return self.tag if encoding == "identity" else f"{self.tag}-{encoding}"

    def _made(self, encoding: Encoding) -> tuple[Raw, bytes]:
        body = _squeeze(self.body, encoding)
        headers = list(self.headers)
        if encoding != "identity":
            headers.append((b"content-encoding", encoding.encode()))
        if self.status != HTTPStatus.NO_CONTENT:
            headers.append((b"content-length", str(len(body)).encode()))
            headers.append((b"etag", f'"{self._tagged(encoding)}"'.encode()))
        return headers, body


def _squeeze(body: bytes, encoding: Encoding) -> bytes:
    if encoding == "gzip":
        # Without the time of day, so that the same answer has the same bytes.
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    if encoding == "zstd":
        return zstandard.compress(body, ZSTD_LEVEL)
    return body


def quarter() -> int:
    """The number of the quarter of an hour that it is."""
    return int(time.time()) // QUARTER


@lru_cache(1024)
def preferred(accept_encoding: str) -> Encoding:
    """The encoding that a client likes best (RFC 9110); of equals zstd, which is the shortest.

    Without the header a client may take any, but those that send none mostly know none.
    """
    if not accept_encoding:
        return "identity"
    ranges: Accept = parse_accept_header(accept_encoding)
    offered: dict[Encoding, float] = {
        "zstd": ranges["zstd"],
        "gzip": ranges["gzip"],
    }
    best = max(offered, key=lambda name: offered[name])
    # Plain counts as named where it is: `*` speaks of encodings.
    plain = next((q for name, q in ranges if name == "identity"), 0)
    return best if offered[best] > 0 and offered[best] >= plain else "identity"


class Kept:
    """Answers by what was asked and the format that was given; `megabytes` (MiB) bounds them.

    The formats that an address gives to an `Accept` header are learnt from its answers. Threads
    may share it.
    """

    _LARGEST = 8
    """An answer of more than this part of the whole is not kept: it would drive out the rest."""

    _FORMATS = 1 << 14

    def __init__(self, megabytes: int) -> None:
        self._most = megabytes << 20
        self._answers: LRUCache[Hashable, Answer] = LRUCache(
            self._most, getsizeof=lambda answer: answer.size
        )
        self._formats: LRUCache[tuple[Target, str], str] = LRUCache(self._FORMATS)
        self._lock = threading.Lock()
        self.age = 0

    def get(self, target: Target, accept: str) -> Answer | None:
        """The answer to somebody who accepts that; it may be too old to serve."""
        with self._lock, suppress(KeyError):
            return self._answers[target, self._formats[target, accept]]
        return None

    def keep(self, target: Target, accept: str, answer: Answer) -> bool:
        """Keep an answer, in the place of an older one; False where it is too large."""
        if (
            answer.size * self._LARGEST > self._most
            or len(accept) + sum(map(len, target)) > LONGEST
        ):
            return False
        media_type = _media_type(answer.headers)
        with self._lock:
            self._formats[target, accept] = media_type
            self._answers[target, media_type] = answer
        return True

    def grown(self, target: Target, answer: Answer) -> None:
        """Weigh an answer again, if it is kept: it has got another form."""
        key = (target, _media_type(answer.headers))
        with self._lock, suppress(ValueError):  # larger than all that there is room for
            if self._answers.pop(key, None) is answer:
                self._answers[key] = answer

    def forget(self) -> None:
        """Forget all answers: the record is another one. `age` is how often that happened."""
        with self._lock:
            self.age += 1
            self._answers.clear()

    def figures(self) -> Mapping[str, float]:
        """How many answers there are, and the bytes that they take."""
        return {"answers": len(self._answers), "bytes": self._answers.currsize}


def _media_type(headers: Raw) -> str:
    return Headers(raw=headers).get("content-type", "")
