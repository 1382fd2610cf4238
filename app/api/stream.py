"""`/stream`: each revision as it is recorded, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from cachetools import LRUCache
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from app.api import params
from app.api.deps import AppSettings, ReadConnection, check_filters, country_asked
from app.api.errors import documented
from app.api.routes import Route
from app.api.schemas.base import DistrictRef
from app.api.schemas.feeds import RevisionTold
from app.domain.errors import InvalidValueError, NotReadyError
from app.store.databases import Databases
from app.store.listening import Listener
from app.store.recorded import MOST_IDS, Place, Touched, newest_revision, touched_between

router = APIRouter(tags=["News"], route_class=Route)

EVENTS = "text/event-stream"

MOST = 500
"""Streams that a process keeps open at a time."""

TOLD = MOST_IDS
"""A revision that touches more districts, or more events, than this tells only how many."""

HEARTBEAT = 15
"""Seconds between signs of life, so that nobody on the way takes a quiet stream for a dead one."""

RETRY = 3000
"""Milliseconds after which a browser asks again when a stream has broken off."""

_SEND_TIMEOUT = 30
"""Seconds after which a client that takes nothing any more is let go."""

_BATCH = 100
"""Revisions that are read at a time."""


class StreamQuery(params.NewsQuery):
    """`GET /stream`."""

    last_event_id: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="Go on after this revision, as with the header `Last-Event-ID`.",
    )


class Streams:
    """The open streams of this process, and what was read for them last."""

    def __init__(self, databases: Databases, listener: Listener) -> None:
        self._databases = databases
        self._listener = listener
        self._open = 0
        self._recent: LRUCache[int, Touched] = LRUCache(256)
        self._reading = asyncio.Lock()

    def check_room(self) -> None:
        """Raise NotReadyError where too many streams are open."""
        if self._open >= MOST:
            raise NotReadyError("too many streams are open; ask /feed.json from time to time")

    async def after(self, revision: int) -> AsyncIterator[Touched]:
        """Every revision after that one, in order, those to come as well; it has no end."""
        self._open += 1
        try:
            with self._listener:
                while True:
                    newest = await self._listener.newer_than(revision)
                    for touched in await self._between(revision, newest):
                        revision = touched.revision
                        yield touched
        finally:
            self._open -= 1

    async def _between(self, after: int, until: int) -> Sequence[Touched]:
        """The next revisions, read once for all streams that wait for them."""
        async with self._reading:
            known = [self._recent.get(n) for n in range(after + 1, min(until, after + _BATCH) + 1)]
            found = [touched for touched in known if touched]
            if len(found) == len(known):
                return found
            try:
                found = await run_in_threadpool(self._read, after, until)
            except NotReadyError:
                # The listener takes its connection back up too; the reader need not be told.
                await asyncio.sleep(RETRY / 1000)
                return []
            for touched in found:
                self._recent[touched.revision] = touched
            return found

    def _read(self, after: int, until: int) -> list[Touched]:
        with self._databases.reading(must=until) as connection:
            return touched_between(connection, after, until, limit=_BATCH)


@router.get(
    "/stream",
    summary="What is being recorded (server-sent events)",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Events named `revision`, with the number of the revision as `id` and "
            "a JSON object as `data`: `revision`, `recorded_at`, `action`, `events` (ids), "
            "`districts` (each with `id`, `name`, `province`), `events_total`, `districts_total`; "
            f"`events` and `districts` are null where there are more than {TOLD}",
            "content": {EVENTS: {"schema": {"type": "string"}}},
        },
        **documented(404, 422, 503),
    },
)
def get_stream(
    request: Request,
    query: Annotated[StreamQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Go on after this revision; browsers send it."),
    ] = None,
) -> Response:
    """Each revision of the record as it is committed, one event each, in order.

    Without `Last-Event-ID` it tells what is recorded from now on; with it, first what was recorded
    since, without gap or repeat. Where a province or district is asked for, only what was done
    there is told. Of more than 50 districts or events it says only how many. Comments are signs of
    life.
    """
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province, district=query.district)
    newest = newest_revision(connection)
    after = _after(last_event_id, query.last_event_id, newest)
    streams: Streams = request.app.state.streams_open
    streams.check_room()
    if request.scope.get("head"):  # a stream has no end to wait for
        return StreamingResponse((), media_type=EVENTS)
    place = Place(country.code, query.province, query.district)
    return EventSourceResponse(
        _told(streams, place, after), ping=HEARTBEAT, sep="\n", send_timeout=_SEND_TIMEOUT
    )


def _after(header: str | None, parameter: int | None, newest: int) -> int:
    """The revision after which to go on: the header's, for it is a browser's that has heard more.

    Raises InvalidValueError for what is no number, and for a revision that there is not yet.
    """
    field, given = ("Last-Event-ID", header) if header else ("last_event_id", parameter)
    if given is None:
        return newest
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidValueError("write the number of a revision", field=field)
    if int(text) > newest:
        raise InvalidValueError(f"there is no revision {text} yet", field=field)
    return int(text)


async def _told(streams: Streams, place: Place, after: int) -> AsyncIterator[ServerSentEvent]:
    """The events of one stream.

    The first lines carry an id without an event, so that a client that is cut off before it has
    heard of any revision goes on from here.
    """
    yield ServerSentEvent(
        comment="what is recorded from here on", id=str(after), retry=RETRY, sep="\n"
    )
    async for touched in streams.after(after):
        document = _document(touched, place)
        if document:
            yield ServerSentEvent(
                document.model_dump_json(), event="revision", id=str(touched.revision), sep="\n"
            )


def _document(touched: Touched, place: Place) -> RevisionTold | None:
    """What is told of a revision; None where it touches nothing of the place."""
    inside = [
        one
        for one in touched.districts
        if place.covers(one.district.id, one.province.id, one.country)
    ]
    # A new publisher or party is of no place: those who follow everything hear of it.
    if not inside and (touched.districts or place.province or place.district):
        return None
    number = sum(one.events_total for one in inside)
    return RevisionTold(
        revision=touched.revision,
        recorded_at=touched.recorded_at,
        action=touched.action,
        events=[event for one in inside for event in one.events] if number <= TOLD else None,
        districts=[
            DistrictRef.model_validate({**vars(one.district), "province": one.province})
            for one in inside
        ]
        if len(inside) <= TOLD
        else None,
        events_total=number,
        districts_total=len(inside),
    )
