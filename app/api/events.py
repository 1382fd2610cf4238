"""`/events`: the record itself, event by event."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import iterate_in_threadpool
from fastapi.responses import StreamingResponse

from app.api import cursors, params
from app.api.deps import (
    AppSettings,
    ReadConnection,
    asked,
    check_filters,
    country_asked,
    paged,
    shapes_asked,
)
from app.api.errors import documented
from app.api.examples import QAISAR_EVENT, example
from app.api.formats import (
    CLOCKS,
    MEDIA_TYPES,
    clocks,
    feature_collection,
    negotiate,
    table,
    table_text,
)
from app.api.routes import Route
from app.api.schemas.base import BoundarySet, ListEnvelope
from app.api.schemas.base import asked as asked_members
from app.api.schemas.events import EventDetail, EventItem, EventList, Version, event_members
from app.domain.control import Question
from app.domain.errors import InvalidValueError, UnknownRecordError
from app.store import boundaries, citations, event_history, events, places
from app.store.databases import Databases
from app.store.engine import Connection

router = APIRouter(tags=["Events"], route_class=Route)

_NOW = params.Clocks.model_validate({})
"""Today, all that was published, and the record as it is."""

COLUMNS = (
    "id",
    "version",
    "district_id",
    "district_name",
    "province_id",
    "province_name",
    "kind",
    "status",
    "controller_id",
    "controller_name",
    "effective_on",
    "occurred",
    "confidence",
    "disputed",
    "supporting_citations",
    "disputing_citations",
    "urls",
    "day_order",
    "sequence",
    "pinned_occurred",
    "pin_reason",
    "citations",
    *CLOCKS,
)


_STREAMED = 500
"""Events that are read at a time where all of them are asked for."""


class AfterEvent(cursors.Cursor):
    """Where a page of events ended."""

    latest: datetime
    day_order: Annotated[int, params.SMALL]
    sequence: Annotated[int, params.LARGE]


@router.get(
    "/events",
    summary="List events with their citations",
    response_model=EventList,
    responses=example("events", "geojson", "csv", "ndjson") | documented(404, 406, 422),
)
def list_events(
    request: Request,
    query: Annotated[params.EventList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Every recorded change of control that had certainly happened by `as_of`, newest first.

    Unlike other reads it lists events of every confidence unless `min_confidence` says
    otherwise. GeoJSON places each event at a point inside its district. CSV and NDJSON have one
    line for an event, and all events unless there is a `limit`; another service can import them
    (`POST /imports?of=events`).
    """
    wanted = negotiate(request, query.f, "json", "geojson", "csv", "ndjson")
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    check_filters(
        connection,
        country.code,
        district=query.district,
        province=query.province,
        controller=query.controller,
        source=query.source,
    )
    if query.from_ and query.to and query.to < query.from_:
        raise InvalidValueError("to lies before from", field="to")
    shapes = shapes_asked(connection, query, country.code)
    after = AfterEvent.read(query.cursor)
    sought = events.Sought(
        country=country.code,
        district=query.district,
        province=query.province,
        controller=query.controller,
        kind=query.kind,
        source=query.source,
        disputed=query.disputed,
        first=query.from_,
        last=query.to,
        boundary_set=shapes.id if shapes else None,
        bbox=query.box,
        after=events.Position(**vars(after)) if after else None,
    )
    if query.limit is None and wanted in ("csv", "ndjson"):
        return _all_of_them(request, question, sought, wanted)
    limit = query.limit or params.USUAL_LIMIT
    found = events.find(connection, question, replace(sought, limit=limit + 1))
    page, link = paged(request, question, found, limit, position_of)
    items = _items(connection, question, page)
    if wanted == "csv":
        rows = [event_row(item) | clocks(question) for item in items]
        answer = table("events", COLUMNS, rows)
    elif wanted == "ndjson":
        answer = Response(
            "".join(f"{item.model_dump_json(by_alias=True)}\n" for item in items),
            media_type=MEDIA_TYPES["ndjson"],
        )
    elif wanted == "geojson":
        districts = {item.district.id for item in items}
        points = (
            boundaries.geometries(connection, shapes.id, districts, points=True) if shapes else {}
        )
        envelope = {**asked_members(question), "boundary_set": BoundarySet.of(shapes)}
        answer = feature_collection(
            ListEnvelope.model_validate(envelope),
            [(i.id, i.model_dump_json(by_alias=True), points.get(i.district.id)) for i in items],
        )
    else:
        document = EventList.model_validate({**asked_members(question), "events": items})
        answer = Response(document.model_dump_json(by_alias=True), media_type="application/json")
    answer.headers.update(link)
    return answer


def _items(
    connection: Connection, question: Question, page: Sequence[events.Event]
) -> list[EventItem]:
    cited = citations.of_events(connection, question, [event.id for event in page])
    return [
        EventItem.model_validate(event_members(event, cited.get(event.id, []), question.zone))
        for event in page
    ]


def _all_of_them(
    request: Request, question: Question, sought: events.Sought, wanted: str
) -> Response:
    """Every event that is meant, as a stream from a connection of its own: no page, no limit."""

    def lines() -> Iterator[str]:
        if wanted == "csv":
            yield table_text(COLUMNS, [], header=True)
        databases: Databases = request.app.state.databases
        # Another database than the question was asked of may be behind.
        known = question.clocks.known_at
        with databases.reading(must=question.revision, settled=known) as connection:
            after = sought.after
            while page := events.find(
                connection, question, replace(sought, after=after, limit=_STREAMED)
            ):
                items = _items(connection, question, page)
                if wanted == "csv":
                    rows = [event_row(item) | clocks(question) for item in items]
                    yield table_text(COLUMNS, rows, header=False)
                else:
                    for item in items:
                        yield f"{item.model_dump_json(by_alias=True)}\n"
                after = events.Position(**position_of(page[-1]))

    async def in_turn() -> AsyncIterator[str]:
        # A slow client keeps a connection for long; a few of them must not use up all.
        async with request.app.state.streams:
            async for line in iterate_in_threadpool(lines()):
                yield line

    return StreamingResponse(
        in_turn(),
        media_type=MEDIA_TYPES[wanted],
        headers={"Content-Disposition": f'inline; filename="events.{wanted}"'},
    )


def position_of(last: events.Event) -> dict[str, Any]:
    """What a cursor remembers of the last event of a page."""
    return {"latest": last.span.latest, "day_order": last.day_order, "sequence": last.sequence}


@router.get(
    "/events/{id}",
    summary="One event with all its versions",
    responses=example("event") | documented(404, 406, 422),
)
def get_event(
    request: Request,
    event_id: Annotated[
        UUID, Path(alias="id", description="Id of an event.", examples=[QAISAR_EVENT])
    ],
    query: Annotated[params.Clocks, Query()],
    connection: ReadConnection,
) -> EventDetail:
    """What an event says, its citations, and every version of it: who changed what, when and why.

    `event` is null where it had been retracted by `known_at`, or where nothing about it had been
    published by `reported_by`; the versions stay.
    """
    negotiate(request, query.f, "json")
    return event_detail(connection, event_id, query)


def event_detail(
    connection: Connection, event_id: UUID, query: params.Clocks = _NOW
) -> EventDetail:
    """The document about one event; UnknownRecordError where it was not on record at `known_at`."""
    district = events.district_of(connection, event_id)
    place = places.place(connection, "district", district) if district else None
    if place is None:
        raise UnknownRecordError(f"there is no event {event_id}", field="id")
    question = asked(connection, query, place.zone)
    versions = events.versions_of(connection, question, event_id)
    if not versions:
        raise UnknownRecordError(f"event {event_id} was not on record yet at known_at", field="id")
    event = events.one(connection, question, event_id)
    cited = citations.of_events(connection, question, [event.id] if event else [])
    moves = event_history.moves_of(connection, question, event_id)
    return EventDetail.model_validate(
        {
            **asked_members(question),
            "id": str(event_id),
            "event": event_members(event, cited.get(event.id, []), question.zone)
            if event
            else None,
            "versions": [Version.of(version) for version in versions],
            "changes": event_history.changes_of(connection, question, event_id),
            "replaces": moves.replaces,
            "replaced_by": moves.replaced_by,
        }
    )


def event_row(item: EventItem) -> dict[str, object]:
    """An event as a row of the table."""
    row = item.model_dump(mode="json")
    controller = row["controller"] or {"id": None, "name": None}
    stances = [citation["stance"] for citation in row["citations"]]
    return {
        **row,
        "district_id": item.district.id,
        "district_name": item.district.name,
        "province_id": item.province.id,
        "province_name": item.province.name,
        "controller_id": controller["id"],
        "controller_name": controller["name"],
        "supporting_citations": stances.count("supports"),
        "disputing_citations": stances.count("disputes"),
        "pinned_occurred": item.pinned.occurred if item.pinned else None,
        "pin_reason": item.pinned.reason if item.pinned else None,
        "citations": json.dumps(row["citations"], ensure_ascii=False, separators=(",", ":")),
        "urls": " ".join(dict.fromkeys(c["url"] for c in row["citations"] if c["url"])),
    }
