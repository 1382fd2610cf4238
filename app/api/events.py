"""`/events`: the record itself, event by event."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.api import params
from app.api.deps import (
    AppSettings,
    ReadConnection,
    asked,
    check_filters,
    country_asked,
    paged,
)
from app.api.errors import documented
from app.api.examples import QAISAR_EVENT, example
from app.api.formats import CLOCKS, clocks, feature_collection, negotiate, table
from app.api.schemas.base import BoundarySet, ListEnvelope
from app.api.schemas.base import asked as asked_members
from app.api.schemas.events import EventDetail, EventItem, EventList, Version, event_members
from app.domain.errors import InvalidValueError, UnknownRecordError
from app.store import boundaries, events, places

router = APIRouter(tags=["Events"])

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
    *CLOCKS,
)


class AfterEvent(params.Cursor):
    """Where a page of events ended."""

    latest: datetime
    day_order: Annotated[int, params.SMALL]
    sequence: Annotated[int, params.LARGE]


@router.get(
    "/events",
    summary="List events with their citations",
    response_model=EventList,
    responses=example("events", "geojson", "csv") | documented(404, 406, 422),
)
def list_events(
    request: Request,
    query: Annotated[params.EventList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Every recorded change of control that had certainly happened by `as_of`, newest first.

    Unlike other reads it lists events of every confidence unless `min_confidence` says
    otherwise. GeoJSON places each event at a point inside its district; CSV has one line for an
    event and counts its citations.
    """
    wanted = negotiate(request, query.f, "json", "geojson", "csv")
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    check_filters(
        connection,
        district=query.district,
        province=query.province,
        controller=query.controller,
        source=query.source,
    )
    if query.from_ and query.to and query.to < query.from_:
        raise InvalidValueError("to lies before from", field="to")
    after = AfterEvent.read(query.cursor)
    found = events.find(
        connection,
        question,
        events.Sought(
            country=country.code,
            district=query.district,
            province=query.province,
            controller=query.controller,
            kind=query.kind,
            source=query.source,
            disputed=query.disputed,
            first=query.from_,
            last=query.to,
            bbox=query.box,
            after=events.Position(**vars(after)) if after else None,
            limit=query.limit + 1,
        ),
    )
    page, link = paged(request, question, found, query.limit, _position)
    cited = events.citations_of(connection, question, [event.id for event in page])
    items = [
        EventItem.model_validate(event_members(event, cited.get(event.id, []), question.zone))
        for event in page
    ]
    if wanted == "csv":
        answer = table("events", COLUMNS, [_row(item) | clocks(question) for item in items])
    elif wanted == "geojson":
        shapes = boundaries.default_set(connection, country.code)
        districts = {item.district.id for item in items}
        points = (
            boundaries.geometries(connection, shapes.id, districts, points=True) if shapes else {}
        )
        envelope = {**asked_members(question), "boundary_set": BoundarySet.of(shapes)}
        answer = feature_collection(
            ListEnvelope.model_validate(envelope),
            [(item.id, item, points.get(item.district.id)) for item in items],
        )
    else:
        document = EventList.model_validate({**asked_members(question), "events": items})
        answer = Response(document.model_dump_json(by_alias=True), media_type="application/json")
    answer.headers.update(link)
    return answer


def _position(last: events.Event) -> dict[str, object]:
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
    district = events.district_of(connection, event_id)
    place = places.place(connection, "district", district) if district else None
    if place is None:
        raise UnknownRecordError(f"there is no event {event_id}", field="id")
    question = asked(connection, query, place.zone)
    versions = events.versions_of(connection, question, event_id)
    if not versions:
        raise UnknownRecordError(f"event {event_id} was not on record yet at known_at", field="id")
    event = events.one(connection, question, event_id)
    cited = events.citations_of(connection, question, [event.id] if event else [])
    return EventDetail.model_validate(
        {
            **asked_members(question),
            "id": str(event_id),
            "event": event_members(event, cited.get(event.id, []), question.zone)
            if event
            else None,
            "versions": [Version.of(version) for version in versions],
        }
    )


def _row(item: EventItem) -> dict[str, object]:
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
        "urls": " ".join(dict.fromkeys(c["url"] for c in row["citations"] if c["url"])),
    }
