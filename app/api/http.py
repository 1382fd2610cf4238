"""What every answer gets: a request id, a log line, a measurement, limits in browsers."""

import time
from http import HTTPMethod, HTTPStatus

import structlog
from asgi_correlation_id import correlation_id
from fastapi import Request
from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import unexpected

log = structlog.get_logger("app.http")

MAX_BODY = 1 << 20
"""Bytes that the body of a write may have."""
_FILES = "/imports"

EXPOSED = (
    "Cache-Status",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
"""Headers that scripts of other pages may read."""

SAFE = {
    # Not only to requests with an `Origin`: a kept answer is given to others too.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ", ".join(EXPOSED),
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
    """Log and measure each request, and turn what nobody caught into a problem document.

    `seconds` is a histogram with the labels method, route and status.
    """

    def __init__(self, app: ASGIApp, seconds: Histogram) -> None:
        self.app = app
        self.seconds = seconds

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

        method = "HEAD" if scope.get("head") else scope["method"]
        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if status:  # too late for another answer: let the server cut the connection
                raise
            answer = await unexpected(Request(scope), error)
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
