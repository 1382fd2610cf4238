"""What every answer gets: a request id, a log line, a measurement, an ETag, limits in browsers."""

import hashlib
import re
import time
from http import HTTPMethod, HTTPStatus

import structlog
from asgi_correlation_id import correlation_id
from fastapi import Request
from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import unexpected

log = structlog.get_logger("app.http")

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
MAX_BODY = 1 << 20
"""Bytes that the body of a write may have."""
_FILES = "/imports"
_KEPT = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
"""What caches may keep; they would keep "no content" for as long as they like, if not told."""
_NOT_CACHED = ("/healthz", "/readyz", "/metrics")

SAFE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Everything here is for whoever asks, from whatever page.
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Which district somebody reads about is nobody's business at the end of a link.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What browsers are told of each answer that does not say otherwise: it is data, not a page."""


class Protect:
    """Tell browsers what an answer may do there: nothing, unless a page says what it needs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, protected)


class Observe:
    """Log and measure each request, and turn what nobody caught into a problem document."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Time from a request to the end of its answer",
            ("method", "route", "status"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        method = scope["method"]
        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if status:  # too late for another answer: let the server cut the connection
                raise
            answer = await unexpected(Request(scope), error)
            # Made outside of the CORS middleware, and browsers should be able to read it too.
            answer.headers["Access-Control-Allow-Origin"] = "*"
            await answer(scope, receive, watch)
        finally:
            seconds = time.perf_counter() - started
            # The template, not the path: there is one for each place otherwise.
            route = getattr(scope.get("route"), "path", "none")
            # A client can make up methods without end; the label must not grow with them.
            known = method if method in HTTPMethod.__members__ else "other"
            self.seconds.labels(known, route, status).observe(seconds)
            log.info(
                "request",
                request_id=correlation_id.get(),
                method=method,
                route=route,
                path=scope["path"],
                status=status,
                duration_ms=round(seconds * 1000, 1),
            )


class LimitBodies:
    """Refuse bodies that no write needs before they fill the memory; files have their own limit.

    FastAPI's own limit answers with plain text, and errors are problem documents here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] == _FILES:
            await self.app(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"a body has at most {MAX_BODY >> 20} MiB here",
                )
            return message

        await self.app(scope, counted, send)


class Validate:
    """Give answers a strong ETag, answer 304 to clients that have them, and serve HEAD.

    What is sent as it comes, whole exports and the stream of revisions, has no tag.

    The tag is a hash of the very bytes, so it changes exactly when the answer does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        asked_with = Headers(scope=scope).get("if-none-match", "")
        start: Message = {}
        body = bytearray()
        streamed = False

        async def collect(message: Message) -> None:
            nonlocal streamed
            if message["type"] == "http.response.start":
                # An answer of unknown length may be longer than memory: it goes on as it comes.
                unknown = "content-length" not in Headers(raw=message["headers"])
                streamed = unknown and message["status"] != HTTPStatus.NO_CONTENT
                if streamed:
                    MutableHeaders(raw=message["headers"]).setdefault("Cache-Control", "no-store")
                    await send(message)
                else:
                    start.update(message)
                return
            if streamed:
                await send({**message, "body": b""} if head else message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(raw=start["headers"])
            answer = bytes(body)
            if start["status"] in _KEPT and scope["path"] not in _NOT_CACHED:
                # What takes a key is not for the caches that others share.
                closed = scope["app"].state.settings.reads_need_key
                headers.setdefault(
                    "Cache-Control", "private, no-cache" if closed else "public, no-cache"
                )
                headers.add_vary_header("Accept")
            if start["status"] == HTTPStatus.OK and scope["path"] not in _NOT_CACHED:
                headers.setdefault("ETag", f'"{hashlib.sha256(answer).hexdigest()[:32]}"')
                if _matches(asked_with, headers["ETag"]):
                    start["status"] = HTTPStatus.NOT_MODIFIED
                    del headers["Content-Length"], headers["Content-Type"]
                    answer = b""
            await send(start)
            await send({"type": "http.response.body", "body": b"" if head else answer})

        scope["method"] = "GET"
        scope["head"] = head
        await self.app(scope, receive, collect)


def _matches(if_none_match: str, etag: str) -> bool:
    """Whether a client has the answer: weak comparison, as RFC 9110 asks for here."""
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in _ENTITY_TAG.findall(if_none_match)
