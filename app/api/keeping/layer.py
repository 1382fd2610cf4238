"""The layer before all others: gives kept answers, and keeps those that are made behind it."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from random import getrandbits
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.keeping.basis import Basis, noting, read
from app.api.keeping.figures import Figures
from app.api.keeping.kept import Answer, Encoding, Kept, Origin, Raw, Target, preferred, quarter
from app.store.revisions import State

STATUS_HEADER = "Cache-Status"
"""RFC 9211: whether an answer was kept (`hit`) or made for this request (`fwd`)."""

_HIT = b"district-control; hit"
_COLLAPSED = b"district-control; fwd=miss; collapsed"
_STORED = b"district-control; fwd=miss; stored"
_MISS = b"district-control; fwd=miss"
_BYPASS = b"district-control; fwd=bypass"

NEVER = ("/healthz", "/readyz", "/metrics", "/stream")
"""Paths whose answers nobody keeps: each is about the moment in which it is asked for."""

DEMAND = "min_revision"
"""The parameter that says which revision an answer must have; all that meet it are the same."""

_KEPT = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
_QUICK = 1 << 14
"""Bytes that are compressed at once: to hand them to a thread would take as long."""
_REQUEST_ID = b"x-request-id"
_CONDITIONS = (b"if-none-match", b"if-modified-since")
_Making = asyncio.Future[Answer | None]


class _Asked(NamedTuple):
    """One request, as far as it matters here; `keyed` is whether it carries a key."""

    target: Target
    least: int
    accept: str
    encoding: Encoding
    if_none_match: str | None
    head: bool
    keyed: bool
    request_id: str | None


@dataclass(frozen=True)
class Around:
    """What the layer asks the service for.

    `heard` tells how the record stands, None in a process that hears nothing; `asked` reads it
    then where that revision is known, if it is anywhere, and gives None where nobody can tell.
    `noted` is told what answers are made from. `admit` tells whether whoever asks may have an
    answer (if not, the routes tell them why); who carries no key need not be asked about where
    reads are `free`: neither limited nor `closed`, which is that they need a key.
    """

    heard: Callable[[], State | None]
    asked: Callable[[int], Awaitable[State | None]]
    noted: Callable[[State], None]
    admit: Callable[[Scope], Awaitable[bool]]
    closed: bool
    free: bool


class Keep:
    """Give kept answers and 304s before anything else runs; make each missing one once.

    Every answer to GET gets a strong ETag, `Cache-Control`, and an encoding that the client takes;
    HEAD is answered as GET without the body. What is sent as it comes (whole exports, the stream of
    revisions) goes through as it is.
    """

    def __init__(self, app: ASGIApp, kept: Kept, around: Around, figures: Figures) -> None:
        self.app = app
        self._kept = kept
        self._around = around
        self._figures = figures
        self._newest: State | None = None
        self._under_way: dict[object, _Making] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await self.app(self._demanding(scope), receive, send)
            return
        started = time.perf_counter()
        asked = _asked(scope)
        if asked is None:
            self._figures.count("bypass")
            await self._pass(scope, receive, send)
            return
        answer = self._kept.get(asked.target, asked.accept)
        if answer and await self._serves(answer, asked, scope):
            code = await self._give(answer, asked, _HIT, send)
            self._figures.given("hit", answer.route, code, time.perf_counter() - started)
            return
        # A loop of its own has futures of its own; a service has one loop, some tests have several.
        key = (asyncio.get_running_loop(), asked.target, asked.accept)
        if key in self._under_way:
            answer = await asyncio.shield(self._under_way[key])
            if answer and await self._serves(answer, asked, scope):
                code = await self._give(answer, asked, _COLLAPSED, send)
                self._figures.given("collapsed", answer.route, code, time.perf_counter() - started)
                return
        self._figures.count("miss")
        making: _Making = asyncio.get_running_loop().create_future()
        self._under_way[key] = making
        try:
            await self._make(asked, making, (scope, receive, send))
        finally:
            if not making.done():
                making.set_result(None)
            if self._under_way.get(key) is making:
                del self._under_way[key]

    async def _serves(self, answer: Answer, asked: _Asked, scope: Scope) -> bool:
        """Whether a kept answer may be given to this request."""
        state = answer.origin.state
        if not state:
            # Made without reading: pages' shells, scripts, documentation. They are for everybody.
            return answer.serves(None, asked.least)
        age = self._kept.age
        now = await self._now()
        if self._kept.age != age or not answer.serves(now, asked.least):
            return False
        if (asked.keyed or not self._around.free) and not await self._around.admit(scope):
            return False
        # What clocks fix is as true of a newer revision; names may be of the older upkeep.
        read(replace(max(state, now), upkeep=state.upkeep) if now else state)
        return True

    async def _now(self) -> State | None:
        """How the record stands; if it is another one than before, all that was kept goes.

        What is heard may be some milliseconds old; whoever listens looks after that.
        """
        heard = self._around.heard()
        if heard:
            self._note(heard)
            return heard
        before = self._newest
        now = await self._around.asked(before.revision if before else 0)
        if now and before and now.of_another_record(before):
            self._kept.forget()
            self._newest = now
        elif now:
            self._note(now)
        return now

    def _note(self, state: State) -> None:
        """Remember the newest state that was read; a replica's may be an older one."""
        if not self._newest or self._newest.revision < state.revision:
            self._newest = state

    async def _give(self, answer: Answer, asked: _Asked, status: bytes, send: Send) -> int:
        """Send an answer that was made for another request; its HTTP status."""
        code, headers, body = await self._shaped(answer, asked)
        own = ((b"cache-status", status), (_REQUEST_ID, _request_id(asked)))
        await _send(send, code, [*headers, *own], b"" if asked.head else body)
        return code

    async def _shaped(self, answer: Answer, asked: _Asked) -> tuple[int, Raw, bytes]:
        """Status, headers and body of an answer for one client."""
        encoding: Encoding = asked.encoding if answer.squeezable else "identity"
        if not answer.has(encoding):
            if len(answer.body) < _QUICK:
                answer.form(encoding)
            else:
                await asyncio.to_thread(answer.form, encoding)
            self._kept.grown(asked.target, answer)
        if asked.if_none_match is not None and answer.matches(asked.if_none_match, encoding):
            return HTTPStatus.NOT_MODIFIED, answer.not_modified(encoding), b""
        return answer.status, *answer.form(encoding)

    async def _make(
        self,
        asked: _Asked,
        making: _Making,
        connection: tuple[Scope, Receive, Send],
    ) -> None:
        """Have an answer made, give it to whoever asked first, and keep it."""
        scope, receive, send = connection
        began, age = quarter(), self._kept.age
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                if _is_streamed(start):
                    making.set_result(None)  # nobody need wait for its end
                    MutableHeaders(raw=start["headers"]).setdefault("Cache-Control", "no-store")
                    await send({**start, "headers": [*start["headers"], (b"cache-status", _MISS)]})
            elif not _is_streamed(start):
                body.extend(message.get("body", b""))
            else:
                await send({**message, "body": b""} if asked.head else message)

        inner = self._demanding(_whole(scope, asked))
        with noting() as made_from:
            await self.app(inner, receive, collect)
        if _is_streamed(start):
            return
        code, headers, whole = start["status"], start["headers"], bytes(body)
        status = _MISS
        if code in _KEPT:
            origin = _origin(made_from, start, began)
            if origin.state:
                self._note(origin.state)
                self._around.noted(origin.state)
            common = _common(start, fixed=origin.fixed, closed=self._around.closed)
            route = getattr(inner.get("route"), "path", "none")
            answer = Answer(code, common, whole, origin, route)
            now = self._around.heard()
            # Where nothing is heard, it is asked before the answer is given again.
            worth = self._kept.age == age and (now is None or answer.serves(now, 0))
            if worth and self._kept.keep(asked.target, asked.accept, answer):
                status = _STORED
            making.set_result(answer)
            own = [pair for pair in headers if pair[0] == _REQUEST_ID]
            code, headers, whole = await self._shaped(answer, asked)
            headers = [*headers, *own]
        else:
            # Caches may keep a 404 that says nothing of it, and it may be there in a moment.
            MutableHeaders(raw=headers).setdefault("Cache-Control", "no-store")
        sent = [*headers, (b"cache-status", status)]
        await _send(send, code, sent, b"" if asked.head else whole)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an answer made that nobody keeps."""
        head = scope["method"] == "HEAD"

        async def passed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", "no-store")
                headers[STATUS_HEADER] = _BYPASS.decode()
            elif head:
                message = {**message, "body": b""}
            await send(message)

        await self.app(self._demanding({**scope, "method": "GET", "head": head}), receive, passed)

    def _demanding(self, scope: Scope) -> Scope:
        """The request with a demand for what was heard of: a replica may be behind."""
        now = self._around.heard()
        if now:
            scope["state"] = {**scope.get("state", {}), "at_least": now.revision}
        return scope


def _asked(scope: Scope) -> _Asked | None:
    """Read a request; None for one whose answer is not to be kept."""
    root = scope.get("root_path", "")
    if scope["path"].removeprefix(root) in NEVER:
        return None
    accept = host = encodings = ""
    if_none_match = request_id = None
    keyed = False
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = f"{accept}, {value.decode('latin-1')}" if accept else value.decode("latin-1")
        elif name == b"host":
            host = value.decode("latin-1")
        elif name == b"accept-encoding":
            encodings = (
                f"{encodings}, {value.decode('latin-1')}" if encodings else value.decode("latin-1")
            )
        elif name == b"if-none-match":
            tags = value.decode("latin-1")
            if_none_match = f"{if_none_match}, {tags}" if if_none_match else tags
        elif name == _REQUEST_ID:
            request_id = value.decode("latin-1")
        elif name == b"authorization":
            keyed = True
        elif name == b"range":
            return None
    query, least = _normalised(scope["query_string"])
    # Answers have addresses in them, made of the scheme and the host.
    target = (scope["scheme"], host, root, scope["path"], query)
    return _Asked(
        target=target,
        least=least,
        accept=accept,
        encoding=preferred(encodings),
        if_none_match=if_none_match,
        head=scope["method"] == "HEAD",
        keyed=keyed,
        request_id=request_id,
    )


@lru_cache(4096)
def _normalised(query: bytes) -> tuple[str, int]:
    """The query in one spelling, without its demand for a revision; and that demand, 0 for none.

    A demand that is no number stays where it is, to be refused by the route.
    """
    pairs = sorted(
        parse_qsl(query.decode("latin-1"), keep_blank_values=True), key=lambda pair: pair[0]
    )
    demanded = [value for name, value in pairs if name == DEMAND]
    if (
        len(demanded) == 1
        and demanded[0].isascii()
        and demanded[0].isdigit()
        and len(demanded[0]) < 19
    ):
        rest = [pair for pair in pairs if pair[0] != DEMAND]
        return urlencode(rest), int(demanded[0])
    return urlencode(pairs), 0


def _whole(scope: Scope, asked: _Asked) -> Scope:
    """The request for what is behind: the whole answer is wanted, whatever the client has.

    What it knows is not part of the question: an answer's links must not demand it of others.
    """
    headers = [pair for pair in scope["headers"] if pair[0] not in _CONDITIONS]
    inner = {**scope, "method": "GET", "head": asked.head, "headers": headers}
    if asked.least:
        inner["query_string"] = asked.target[-1].encode()
        inner["state"] = {**scope.get("state", {}), "demanded": asked.least}
    return inner


def _is_streamed(start: Message) -> bool:
    """Whether an answer is of unknown length: it may be longer than memory."""
    has_length = any(name == b"content-length" for name, _ in start["headers"])
    return not has_length and start["status"] != HTTPStatus.NO_CONTENT


def _origin(made_from: Basis, start: Message, began: int) -> Origin:
    # A page is fixed in what it says, but not in how it looks.
    is_page = any(
        name == b"content-type" and value.startswith(b"text/html")
        for name, value in start["headers"]
    )
    return Origin(made_from.state, bool(made_from.fixed) and not is_page, began)


def _common(start: Message, *, fixed: bool, closed: bool) -> Raw:
    """The headers that an answer has for everybody."""
    raw = [pair for pair in start["headers"] if pair[0] not in (_REQUEST_ID, b"date")]
    headers = MutableHeaders(raw=raw)
    # What takes a key is not for the caches that others share.
    audience = "private" if closed else "public"
    until = "max-age=31536000, immutable" if fixed else "no-cache"
    headers.setdefault("Cache-Control", f"{audience}, {until}")
    headers.add_vary_header("Accept")
    headers.add_vary_header("Accept-Encoding")
    return headers.raw


def _request_id(asked: _Asked) -> bytes:
    """The id that the client gave, if it is one, else a new one."""
    if asked.request_id:
        try:
            return uuid.UUID(asked.request_id, version=4).hex.encode()
        except ValueError:
            pass
    # It only has to be another one, and `uuid4` takes a tenth of the time of a whole answer.
    return b"%032x" % getrandbits(128)


async def _send(send: Send, status: int, headers: Raw, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
