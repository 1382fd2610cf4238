"""`/districts`: the list, one district, who holds it, and its timeline."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api import params
from app.api.deps import (
    AppSettings,
    DistrictInPath,
    ReadConnection,
    asked,
    country_asked,
    shapes_asked,
)
from app.api.errors import MOVED, documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.listing import district_page
from app.api.routes import Route
from app.api.schemas import events as documents
from app.api.schemas.base import BoundarySet
from app.api.schemas.base import asked as asked_members
from app.api.schemas.places import Code, District, DistrictList, Spelling
from app.domain.control import (
    EventState,
    Question,
    Reason,
    Stance,
    counting,
    left_out,
    other_claims,
)
from app.domain.places import Sought
from app.domain.timeline import periods
from app.store import boundaries, citations, events, places, sources
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which, statuses

router = APIRouter(tags=["Districts"], route_class=Route)


@router.get(
    "/districts",
    summary="List districts",
    response_model=DistrictList,
    responses=example("districts", "geojson", "csv", "fgb", "gpkg") | documented(404, 406, 422),
)
def list_districts(
    request: Request,
    query: Annotated[params.DistrictList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Find districts by name, province, holder, status or place on the map.

    Each is listed with what held there at the moment asked about. `q` takes a name in any spelling
    in Latin, Dari or Pashto script, and ranks: `match` says which name of the district fits and
    how well. A score of 0.9 or more is a known name or another way to write one; what is less is a
    guess, for a person to check. `lat` and `lon` give the district at a point, as far as the
    boundary set can be trusted. GeoJSON draws the boundary set; a district without a shape has a
    null geometry.
    """
    which = Which(
        province=query.province,
        controller=query.controller,
        status=query.status,
        bbox=query.box,
        point=query.point,
        sought=Sought.of(query.q) if query.q else None,
    )
    country = country_asked(connection, query, settings)
    return district_page(request, connection, query, country, which)


@router.get(
    "/districts/{id}",
    summary="One district: names, codes, figures, shape",
    responses=example("district") | documented(404, 406, 422) | MOVED,
)
def get_district(
    request: Request,
    place: DistrictInPath,
    query: Annotated[params.DrawnClocks, Query()],
    connection: ReadConnection,
) -> District:
    """Everything the gazetteer says of a district, and who holds it.

    A name or alias in the path leads to the canonical address (307) if no other district has it;
    else the answer is a 404 with the candidates.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    status = _status(connection, question, place.id)
    shapes = shapes_asked(connection, query, place.country)
    drawn = boundaries.geometries(connection, shapes.id, [place.id]) if shapes else {}
    spellings = places.spellings(connection, "district", place.id)
    return District.model_validate(
        {
            **asked_members(question),
            **vars(status),
            "aliases": [Spelling.model_validate(name) for name in spellings],
            "codes": [
                Code.model_validate(c) for c in places.codes(connection, "district", place.id)
            ],
            "boundary_set": BoundarySet.of(shapes) if drawn else None,
            "geometry": json.loads(drawn[place.id]) if drawn else None,
        }
    )


@router.get(
    "/districts/{id}/control",
    summary="Who controls a district",
    responses=example("control") | documented(404, 406, 422) | MOVED,
)
def get_control(
    request: Request,
    place: DistrictInPath,
    query: Annotated[params.Clocks, Query()],
    connection: ReadConnection,
) -> documents.Control:
    """Who holds a district, since when, how sure that is, and which documents say so.

    The newest event that had certainly happened by `as_of` and is at least `min_confidence`
    decides. `event.citations` are the documents behind it, for and against. `other_claims` is
    what did not decide and why: reports that deny it, that say otherwise about the same days, that
    are too weakly supported, or whose date is not certain yet. `unknown` means that nothing on
    record counts; it does not mean `contested`.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    status = _status(connection, question, place.id)
    told = {event.id: event for event in events.bearing_on(connection, question, place.id)}
    decider = told[status.event_id] if status.event_id else None
    others = other_claims(
        (event.state for event in told.values()), question.clocks, question.minimum
    )
    mentioned = {state.event_id for state, _ in others} | ({decider.id} if decider else set())
    cited = citations.of_events(connection, question, mentioned)
    deciding = (
        documents.event_members(decider, cited.get(decider.id, []), question.zone)
        if decider
        else None
    )
    return documents.Control.model_validate(
        {
            **asked_members(question),
            "district": status,
            "in_words": status.in_words(question),
            "status": status.status,
            "controller": status.controller,
            "since": status.since,
            "since_at": status.since_at,
            "occurred": deciding["occurred"] if deciding else None,
            "confidence": deciding["confidence"] if deciding else None,
            "disputed": status.disputed,
            "last_reported": status.last_reported,
            "event": deciding,
            "other_claims": _others(others, told, cited, question),
        }
    )


@router.get(
    "/districts/{id}/timeline",
    summary="The history of a district",
    responses=example("timeline") | documented(404, 406, 422) | MOVED,
)
def get_timeline(
    request: Request,
    place: DistrictInPath,
    query: Annotated[params.Clocks, Query()],
    connection: ReadConnection,
) -> documents.Timeline:
    """Who held a district when, up to `as_of`, the events behind it, and those left out.

    Periods are half-open, `[from, to)`, and leave no gap: the first is `unknown` without a
    beginning, the last has no end. A district that changes hands twice on one day has a period
    that begins and ends on that day; `from_at` and `to_at` give the instants.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    status = _status(connection, question, place.id)
    told = {event.id: event for event in events.told_of(connection, question, place.id)}
    states = [event.state for event in told.values()]
    counted = counting(states, question.clocks, question.minimum)
    others = left_out(states, question.clocks, question.minimum)
    cited = citations.of_events(connection, question, told)
    names = sources.actor_names(connection)
    return documents.Timeline.model_validate(
        {
            **asked_members(question),
            "district": status,
            "periods": [
                documents.Period.of(period, names) for period in periods(counted, question.zone)
            ],
            "events": [
                documents.event_members(
                    told[state.event_id], cited.get(state.event_id, []), question.zone
                )
                for state in counted
            ],
            "other_claims": _others(others, told, cited, question),
        }
    )


def _status(connection: Connection, question: Question, district: str) -> DistrictStatus:
    return statuses(connection, question, Which(district=district))[0]


def _others(
    claims: list[tuple[EventState, Reason]],
    told: dict[str, events.Event],
    cited: dict[str, list[citations.Cited]],
    question: Question,
) -> list[dict[str, object]]:
    """What did not make the answer; a disputed event comes with the documents that dispute it."""
    return [
        {
            **documents.event_members(
                told[state.event_id],
                [
                    document
                    for document in cited.get(state.event_id, [])
                    if reason is not Reason.DISPUTES or document.stance == Stance.DISPUTES
                ],
                question.zone,
            ),
            "reason": reason,
        }
        for state, reason in claims
    ]
