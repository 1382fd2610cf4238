"""Who asks, and what they may do: API keys, their scopes, and the limits for everybody.

`admit` stands before every route. Handlers that write take a `Writer` or an `Admin`.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from starlette.types import Scope as Asked

from app.api.errors import NotAdmittedError
from app.api.limits import Kind, Limits
from app.domain.errors import NotReadyError
from app.settings import Settings
from app.store.databases import Databases
from app.store.engine import Connection, reading
from app.store.keys import Scope, find

OPEN = ("/docs", "/healthz", "/readyz", "/metrics")
"""Routes for everybody, without limits: supervisors and readers of the documentation have no key.

`/openapi.json` and the files of `/docs` are not here, because no dependency stands before them.
"""

READS_BY_POST = ("/reconcile",)
"""Routes where POST reads: what is asked there can be too long for an address."""

SCHEME = HTTPBearer(
    bearerFormat="dc_<id>_<secret>",
    scheme_name="ApiKey",
    description="An API key, as `district-control keys create` gives it.",
    auto_error=False,
)
"""Makes the documentation offer to send a key. It decides nothing: `admit` reads the header."""

_REFUSED = "refused"
_CHALLENGE = 'Bearer realm="district-control"'


@dataclass(frozen=True)
class Caller:
    """Who asks, by a key that works."""

    owner: str
    key_id: str
    scopes: tuple[Scope, ...]

    def may(self, wanted: Scope) -> bool:
        """Whether the caller's scopes include this one."""
        return any(held.includes(wanted) for held in self.scopes)


async def _caller(request: Request, kind: Kind) -> Caller | None:
    """Who asks, by the `Authorization` header; None if there is none.

    Whatever else is in that header is a 401, even where no key is needed: who sends a key should
    learn that it does not work.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    # Waiting for a connection must hold no thread, as in `deps._turn`. The turn is over before
    # the handler's own begins: who waited for a second one with the first in hand could wait for
    # others that do the same.
    async with request.app.state.readers:
        return await run_in_threadpool(_authenticate, request, given, kind)


def _authenticate(request: Request, given: list[str], kind: Kind) -> Caller:
    limits: Limits = request.app.state.limits
    address = _address(request)
    # Before the lookup: after too many guesses an address does not learn whether one was right.
    limits.check("failures", address)
    token = _token(given)
    key = None
    if token is not None:
        with _keys(request, kind) as connection:
            key = find(connection, token)
    if key is None:
        limits.take("failures", address)
        raise NotAdmittedError(
            HTTPStatus.UNAUTHORIZED,
            "the `Authorization` header has no API key that works (any more)",
            {"WWW-Authenticate": _CHALLENGE + (', error="invalid_token"' if token else "")},
        )
    return Caller(key.owner, key.id, key.scopes)


def _keys(request: Request, kind: Kind) -> AbstractContextManager[Connection]:
    """Where keys are looked up: for reads also on replicas; they go on without the primary.

    Who comes to write is told of a lost primary as a writer is: to send it again.
    """
    if kind == "reads":
        databases: Databases = request.app.state.databases
        return databases.reading()
    return reading(request.app.state.engine, to_write=True)


async def admit(request: Request) -> Caller | None:
    """Let a request in, once, and say whose it is; None for somebody without a key.

    Raises NotAdmittedError: 401 for a key that does not work, and for none where reads need one;
    429 over a limit, counted for each key, or for each address without one. NotReadyError when
    the database, or the storage of the counts, cannot be reached.
    """
    if refused := getattr(request.state, _REFUSED, None):
        raise refused
    if not hasattr(request.state, "admitted"):
        if _is_open(request):
            return None
        route = request.scope["route"].path
        is_read = request.method in ("GET", "HEAD") or route in READS_BY_POST
        request.state.admitted = await _let_in(request, "reads" if is_read else "writes")
    admitted: Caller | None = request.state.admitted
    return admitted


async def admit_reader(scope: Asked) -> bool:
    """Let a read in that has no route yet; `admit` tells those why who may not.

    It counts for the limit as any read does.
    """
    request = Request(scope)
    try:
        request.state.admitted = await _let_in(request, "reads")
    except (NotAdmittedError, NotReadyError) as error:
        setattr(request.state, _REFUSED, error)
        return False
    return True


async def _let_in(request: Request, kind: Kind) -> Caller | None:
    caller = await _caller(request, kind)
    limits: Limits = request.app.state.limits
    settings: Settings = request.app.state.settings
    who = f"key {caller.key_id}" if caller else f"address {_address(request)}"
    if limits.at_hand:
        limits.take(kind, who)
    else:
        await run_in_threadpool(limits.take, kind, who)
    if kind == "reads" and settings.reads_need_key:
        _demand(caller, Scope.READ)
    return caller


def demand_writer(caller: Caller | None) -> Caller:
    """Whoever may write; NotAdmittedError says that a key or its scope is missing."""
    return _demand(caller, Scope.WRITE)


def _with_scope(wanted: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency that gives the caller, or a 401 without a key, or a 403 without the scope."""

    async def demand(
        caller: Annotated[Caller | None, Depends(admit)],
        _: Annotated[object, Depends(SCHEME)],
    ) -> Caller:
        return _demand(caller, wanted)

    return demand


Writer = Annotated[Caller, Depends(_with_scope(Scope.WRITE))]
Admin = Annotated[Caller, Depends(_with_scope(Scope.ADMIN))]


def _demand(caller: Caller | None, wanted: Scope) -> Caller:
    if caller is None:
        raise NotAdmittedError(
            HTTPStatus.UNAUTHORIZED,
            "this needs an API key: send `Authorization: Bearer dc_…`",
            {"WWW-Authenticate": _CHALLENGE},
        )
    if not caller.may(wanted):
        raise NotAdmittedError(
            HTTPStatus.FORBIDDEN,
            f"this needs a key with the scope {wanted}",
            {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{wanted}"'},
        )
    return caller


def _token(given: list[str]) -> str | None:
    """What follows `Bearer` in the only header; of two, either could be the one that was meant."""
    scheme, _, token = given[0].strip().partition(" ")
    is_bearer = len(given) == 1 and scheme.lower() == "bearer"
    return token.strip() or None if is_bearer else None


def _is_open(request: Request) -> bool:
    return request.scope["route"].path in OPEN


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
