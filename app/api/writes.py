"""Writes about events: report one, cite a document, correct, take back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from app.api.errors import PreconditionRequiredError, documented
from app.api.events import event_detail
from app.api.examples import QAISAR_EVENT
from app.api.once import Write, WriterWrite
from app.api.routes import Route
from app.api.schemas.events import EventDetail
from app.api.schemas.writes import CitationIn, CorrectionIn, EventIn, RetractionIn
from app.domain.errors import DomainError, InvalidValueError
from app.recording import Receipt, cite, content_of, correct, record, retract
from app.store.engine import Connection
from app.store.sources import source_name

router = APIRouter(tags=["Writing"], route_class=Route)

_VERSION = re.compile(r'"?(\d{1,9})"?')

EventId = Annotated[UUID, Path(alias="id", description="Id of an event.", examples=[QAISAR_EVENT])]


def _version(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            description='The version that you have read and mean to change, in quotes: `"1"`. It '
            "is the `version` of the event, and the `ETag` of the answers to writes. If somebody "
            "else has changed the event since, nothing is written: 412.",
            examples=['"1"'],
        ),
    ] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequiredError(
            'name the version that you change: If-Match: "1" (it is the `version` of the event)'
        )
    # Of several headers each could be the one that was meant: together they are no number.
    found = _VERSION.fullmatch(", ".join(request.headers.getlist("if-match")).strip())
    if found is None:
        raise InvalidValueError('write the number of one version: "1"', field="If-Match")
    return int(found[1])


Version = Annotated[int, Depends(_version)]
_WRITTEN: dict[int | str, dict[str, Any]] = {
    201: {
        "model": EventDetail,
        "description": "Recorded. `revision` and `known_at` are those of this write; from then on "
        "every read has it. `ETag` is the event's version.",
        "headers": {
            "Location": {"description": "the event", "schema": {"type": "string"}},
            "ETag": {"description": "its newest version", "schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/events",
    summary="Record an event",
    status_code=201,
    response_model=EventDetail,
    responses=_WRITTEN | documented(400, 403, 404, 409, 413, 422),
)
def post_event(request: Request, body: EventIn, write: WriterWrite) -> Response:
    """Record a change of control with the documents that report it.

    Its date, confidence and whether it is disputed are derived from the citations. Look first
    whether the change is on record (`/events?district=…`): another document about it is a
    citation of that event, not an event of its own.
    """
    return write.once(
        lambda: _written(request, write, record_event(write.connection, write.author, body))
    )


@router.post(
    "/events/{id}/citations",
    summary="Cite a document",
    status_code=201,
    response_model=EventDetail,
    responses=_WRITTEN | documented(400, 403, 404, 409, 413, 422),
)
def post_citation(
    request: Request, event_id: EventId, body: CitationIn, write: WriterWrite
) -> Response:
    """Add a document that supports the event or disputes it (`stance`)."""
    return write.once(
        lambda: _written(
            request, write, cite_document(write.connection, write.author, event_id, body)
        )
    )


@router.post(
    "/events/{id}/corrections",
    summary="Correct an event",
    status_code=201,
    response_model=EventDetail,
    responses=_WRITTEN | documented(400, 403, 404, 409, 412, 413, 422, 428),
)
def post_correction(
    request: Request, event_id: EventId, body: CorrectionIn, write: WriterWrite, version: Version
) -> Response:
    """Replace what an event says, in one step, with the reason; what is left out stays as it is.

    The version before it stays on record: questions with an earlier `known_at` are answered as
    they were. A correction of `district` gives the event another id, at `Location`.
    """
    at = AtVersion(event_id, version)
    return write.once(
        lambda: _written(request, write, correct_event(write.connection, write.author, at, body))
    )


@router.post(
    "/events/{id}/retraction",
    summary="Take an event back",
    status_code=201,
    response_model=EventDetail,
    responses=_WRITTEN | documented(400, 403, 404, 409, 412, 413, 422, 428),
)
def post_retraction(
    request: Request, event_id: EventId, body: RetractionIn, write: WriterWrite, version: Version
) -> Response:
    """Take back an event that should not have been recorded, with the reason.

    It counts no more, and stays on record: questions with an earlier `known_at` still show it.
    """
    at = AtVersion(event_id, version)
    return write.once(
        lambda: _written(request, write, retract_event(write.connection, write.author, at, body))
    )


@dataclass(frozen=True)
class AtVersion:
    """An event at the version that whoever changes it has read."""

    event_id: UUID
    version: int


def record_event(connection: Connection, author: str, body: EventIn) -> Receipt:
    """What `POST /events` does; raises as `app.recording.record` does."""
    cited = tuple(one.citation(source_name(connection)) for one in body.citations)
    return record(connection, body.district, body.content(), cited, author=author)


def cite_document(connection: Connection, author: str, event_id: UUID, body: CitationIn) -> Receipt:
    """What `POST /events/{id}/citations` does; raises as `app.recording.cite` does."""
    return cite(connection, event_id, body.citation(source_name(connection)), author=author)


def correct_event(
    connection: Connection, author: str, at: AtVersion, body: CorrectionIn
) -> Receipt:
    """What `POST /events/{id}/corrections` does; raises as `app.recording.correct` does."""
    with _named_as_sent():
        now = content_of(connection, at.event_id, at.version)
        correction = body.correction(now, source_name(connection))
        return correct(
            connection, at.event_id, at.version, correction, author=author, reason=body.reason
        )


def retract_event(
    connection: Connection, author: str, at: AtVersion, body: RetractionIn
) -> Receipt:
    """What `POST /events/{id}/retraction` does; raises as `app.recording.retract` does."""
    with _named_as_sent():
        return retract(connection, at.event_id, at.version, author=author, reason=body.reason)


@contextmanager
def _named_as_sent() -> Iterator[None]:
    """Let errors name what a client has sent as it sent it, not as the write path knows it."""
    try:
        yield
    except DomainError as error:
        names = {"version": "If-Match", "withdraw": "withdraw_citations"}
        if error.field:
            listed = error.field.replace("citations.", "add_citations.", 1)
            error.field = names.get(error.field, listed)
        raise


def _written(request: Request, write: Write, receipt: Receipt) -> Response:
    """The event as a read gives it at the revision that was just written."""
    document = event_detail(write.connection, receipt.event_id)
    root = request.scope.get("root_path", "")
    return Response(
        document.model_dump_json(by_alias=True),
        status_code=201,
        media_type="application/json",
        headers={
            "Location": f"{root}/events/{quote(str(receipt.event_id))}",
            "ETag": f'"{receipt.version}"',
        },
    )
