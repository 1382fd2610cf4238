"""Errors as RFC 9457 problem documents: one table from what went wrong to what clients see."""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.domain import errors

STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.InvalidValueError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownPlaceError: HTTPStatus.NOT_FOUND,
    errors.UnknownRecordError: HTTPStatus.NOT_FOUND,
    errors.StaleVersionError: HTTPStatus.PRECONDITION_FAILED,
    errors.RecordRuleError: HTTPStatus.CONFLICT,
    errors.NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
}

_STANDARD = "/ogc"
"""Under this path OGC API - Features says that what is wrong with a question is a 400."""

RETRY_LATER = {"Retry-After": "5"}
"""Seconds after which a service that is not ready may be asked again."""

log = structlog.get_logger("app.api")


class FieldProblem(BaseModel):
    """One parameter that was refused, and why."""

    parameter: str
    detail: str


class CandidatePlace(BaseModel):
    """A place that the name may have meant; `score` is 1 for exactly that name."""

    id: str
    name: str
    province: str | None
    matched_name: str
    score: float


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="always about:blank: the status says which")
    title: str = Field(description="the name of the HTTP status")
    status: int
    detail: str = Field(description="what went wrong, for a person")
    instance: str = Field(description="the path that was asked for")
    errors: list[FieldProblem] | None = Field(None, description="the parameters at fault")
    candidates: list[CandidatePlace] | None = Field(None, description="places that may be meant")


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = "application/problem+json"


class NotAcceptableError(Exception):
    """The client accepts none of the formats that this address can give."""

    def __init__(self, offered: list[str]) -> None:
        super().__init__(f"this address answers in {', '.join(offered)} only")


class PreconditionRequiredError(Exception):
    """A write has to name the version that it changes."""


class ImportRefusedError(Exception):
    """A file has errors, and nothing of it was recorded."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(f"nothing was recorded: {report['errors_total']} errors")
        self.report = report


class NotAdmittedError(Exception):
    """The caller may not do this, or not now; `headers` tell a program what would help."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> ProblemResponse:
    """Build a problem document; `more` are its further members."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "instance": quote(request.scope["path"]),
        **(more or {}),
    }
    return ProblemResponse(content, status_code=status, headers=dict(headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation: these errors, as problem documents."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                ProblemResponse.media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in statuses
    }


MOVED: dict[int | str, dict[str, Any]] = {
    307: {"description": "A name was given: `Location` is the address with the place's id"}
}
"""The `responses` of an operation whose path takes names of places."""


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(errors.DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(NotAcceptableError, _not_acceptable)
    app.add_exception_handler(NotAdmittedError, _not_admitted)
    app.add_exception_handler(PreconditionRequiredError, _precondition_required)
    app.add_exception_handler(ImportRefusedError, _import_refused)


async def _domain_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, errors.DomainError)  # noqa: S101 - registered for this class
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = _refused(request)
    more: dict[str, Any] = {}
    if error.field:
        more["errors"] = [{"parameter": error.field, "detail": error.detail}]
    if isinstance(error, errors.UnknownPlaceError):
        more["candidates"] = [asdict(candidate) for candidate in error.candidates]
    headers = RETRY_LATER if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(request, status, error.detail, headers=headers, more=more)


async def _validation_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    faults = [{"parameter": _place(fault), "detail": _told(fault)} for fault in error.errors()]
    detail = "; ".join(f"{fault['parameter']}: {fault['detail']}" for fault in faults)
    return problem(request, _refused(request), detail, more={"errors": faults})


def _refused(request: Request) -> HTTPStatus:
    """What a value that cannot be accepted is answered with at this address."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    by_standard = path == _STANDARD or path.startswith(f"{_STANDARD}/")
    return HTTPStatus.BAD_REQUEST if by_standard else HTTPStatus.UNPROCESSABLE_ENTITY


def _place(fault: Mapping[str, Any]) -> str:
    # Where JSON breaks off, its place is the number of a character.
    within = () if fault["type"] == "json_invalid" else fault["loc"][1:]
    return ".".join(map(str, within)) or "body"


def _told(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such parameter here"
    if fault["type"] == "string_pattern_mismatch":
        return f"write an id as the answers give it (its form is {fault['ctx']['pattern']})"
    return str(fault["msg"]).removeprefix("Value error, ")


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    detail = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; /docs lists what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at this address",
    }.get(HTTPStatus(error.status_code), str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem(request, error.status_code, detail, headers=headers)


def _methods(request: Request) -> set[str]:
    """What is possible at an address, by all its routes; the framework names those of the first."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    methods: set[str] = set()
    for route in request.app.state.routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            methods |= route.methods or set()
    return methods | {"HEAD"} if "GET" in methods else methods


async def _not_acceptable(request: Request, error: Exception) -> ProblemResponse:
    return problem(request, HTTPStatus.NOT_ACCEPTABLE, str(error))


async def _precondition_required(request: Request, error: Exception) -> ProblemResponse:
    faults = [{"parameter": "If-Match", "detail": str(error)}]
    return problem(request, HTTPStatus.PRECONDITION_REQUIRED, str(error), more={"errors": faults})


async def _import_refused(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ImportRefusedError)  # noqa: S101 - registered for this class
    more = {"report": jsonable_encoder(error.report)}
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error), more=more)


async def _not_admitted(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, NotAdmittedError)  # noqa: S101 - registered for this class
    return problem(request, error.status, error.detail, headers=error.headers)


async def unexpected(request: Request, error: Exception) -> ProblemResponse:
    """Say nothing of the insides; the log has the traceback, under the same request id."""
    log.error(
        "unexpected error",
        request_id=correlation_id.get(),
        path=request.scope["path"],
        exc_info=error,
    )
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "something went wrong on our side; the X-Request-ID of this answer finds it in our log",
    )
