"""`/replay`: every district on every day, as told by every day's documents, in one download."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.api import params
from app.api.deps import AppSettings, ReadConnection, asked, check_filters, country_asked
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.routes import Route
from app.api.schemas import replay as documents
from app.api.schemas.base import asked as asked_members
from app.domain.replay import Answer, editions
from app.store import replay
from app.store.status import Which

router = APIRouter(tags=["Country"], route_class=Route)


@router.get(
    "/replay",
    summary="Every district on every day",
    responses=example("replay") | documented(404, 406, 422),
)
def get_replay(
    request: Request,
    query: Annotated[params.Replay, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.Replay:
    """A whole country through time in one compact document, for maps that move and for charts.

    For the answer of a day as told by another day's documents: take a district's last edition with
    `reported_from` not after the one, or its last edition of all, and in it the last run that
    begins not after the other. That is what `/control` says at these `as_of` and `reported_by`;
    where there is no such edition or run it says `unknown`. `as_of` and `reported_by` end the
    document: nothing later is in it.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province)
    question = asked(connection, query, country.zone)
    which = Which(country=country.code, province=query.province)
    told = replay.told_over_time(connection, question, which)
    by_district = {place: editions(states, country.zone) for place, states in told.items()}
    every = [edition for found in by_district.values() for edition in found]
    answers = sorted({answer for one in every for _, answer in one.runs}, key=_order)
    place_of = {answer: number for number, answer in enumerate(answers)}
    days = {day for one in every for day, _ in one.runs}
    reported = {one.reported_from for one in every}
    return documents.Replay.model_validate(
        {
            **asked_members(question),
            "country": {"id": country.code, "name": country.name},
            "first": min(days, default=None),
            "last": max(days, default=None),
            "first_reported": min(reported, default=None),
            "last_reported": max(reported, default=None),
            "states": [
                {
                    "status": answer.outcome.status,
                    "controller": answer.outcome.controller,
                    "confidence": answer.confidence.label,
                    "disputed": answer.disputed,
                }
                for answer in answers
            ],
            "districts": [
                {
                    **vars(place),
                    "editions": [
                        {
                            "reported_from": one.reported_from,
                            "runs": [(day, place_of[answer]) for day, answer in one.runs],
                        }
                        for one in by_district.get(place.id, [])
                    ],
                }
                for place in replay.listed(connection, which)
            ],
        }
    )


def _order(answer: Answer) -> tuple[str, str, int, bool]:
    outcome = answer.outcome
    return outcome.status, outcome.controller or "", answer.confidence, answer.disputed
