"""`/provinces`: the list, one province, its totals and how they moved."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from app.api import cursors, params
from app.api.deps import (
    AppSettings,
    ProvinceInPath,
    ReadConnection,
    asked,
    country_asked,
    paged,
)
from app.api.errors import MOVED, documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.routes import Route
from app.api.schemas import totals as documents
from app.api.schemas.base import Ref
from app.api.schemas.base import asked as asked_members
from app.api.schemas.places import Code, Province, ProvinceItem, ProvinceList, Spelling
from app.api.summaries import summarise
from app.api.timelines import count_points, stretches_by_district
from app.domain.timeline import turning_days
from app.importers.fields import PlaceId
from app.store import places, sources
from app.store.engine import Connection
from app.store.status import Which, names_of_districts

router = APIRouter(tags=["Provinces"], route_class=Route)


class AfterProvince(cursors.Cursor):
    """Where a page of provinces ended."""

    of: Literal["provinces"]
    id: PlaceId


@router.get(
    "/provinces",
    summary="List provinces",
    responses=example("provinces") | documented(404, 406, 422),
)
def list_provinces(
    request: Request,
    response: Response,
    query: Annotated[params.ProvinceList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> ProvinceList:
    """The provinces of the country, with the number of their districts and their capitals."""
    negotiate(request, query.f, "json")
    after = AfterProvince.read(query.cursor)
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    found = places.list_provinces(
        connection,
        country_code=country.code,
        after=after.id if after else None,
        limit=query.limit + 1,
    )
    page, link = paged(
        request, question, found, query.limit, lambda last: {"of": "provinces", "id": last.id}
    )
    response.headers.update(link)
    items = [ProvinceItem.model_validate(province) for province in page]
    return ProvinceList.model_validate({**asked_members(question), "provinces": items})


@router.get(
    "/provinces/{id}",
    summary="One province: names, codes, capital",
    responses=example("province") | documented(404, 406, 422) | MOVED,
)
def get_province(
    request: Request,
    place: ProvinceInPath,
    query: Annotated[params.Query, Query()],
    connection: ReadConnection,
) -> Province:
    """A province with its other names and its codes in other schemes.

    A name or alias in the path leads to the canonical address (307).
    """
    negotiate(request, query.f, "json")
    province = places.list_provinces(connection, province=place.id)[0]
    spellings = places.spellings(connection, "province", place.id)
    codes = places.codes(connection, "province", place.id)
    return Province.model_validate(
        {
            **vars(province),
            "aliases": [Spelling.model_validate(name) for name in spellings],
            "codes": [Code.model_validate(code) for code in codes],
        }
    )


@router.get(
    "/provinces/{id}/summary",
    summary="Totals of a province",
    responses=example("province-summary") | documented(404, 406, 422) | MOVED,
)
def get_province_summary(
    request: Request,
    place: ProvinceInPath,
    query: Annotated[params.Clocks, Query()],
    connection: ReadConnection,
) -> documents.ProvinceSummary:
    """How many districts, how much land and how many people each party holds in a province.

    The numbers of districts add up to `districts_total`. `capital` says who holds the district
    that is the provincial capital.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    summaries = summarise(connection, question, Which(province=place.id))
    members = {**summaries.of(place.id), "province": _ref(connection, place)}
    return documents.ProvinceSummary.model_validate(members)


@router.get(
    "/provinces/{id}/timeline",
    summary="How a province changed",
    responses=example("province-timeline") | documented(404, 406, 422) | MOVED,
)
def get_province_timeline(
    request: Request,
    place: ProvinceInPath,
    query: Annotated[params.Clocks, Query()],
    connection: ReadConnection,
) -> documents.ProvinceTimeline:
    """The districts of a province passing from hand to hand, up to `as_of`.

    `counts` has one point for the day before the first change, and one for each day on which
    the count of some district's status changed. `changes` lists every change, also one that was
    undone on the same day.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    which = Which(province=place.id)
    districts = names_of_districts(connection, which)
    stretches = stretches_by_district(connection, question, districts, which)
    days = turning_days(stretches.values())
    names = sources.actor_names(connection)
    changes = [
        (period.start_at, district, period)
        for district, history in stretches.items()
        for period in history
        if period.start_at
    ]
    changes.sort(key=lambda change: change[:2])
    return documents.ProvinceTimeline.model_validate(
        {
            **asked_members(question),
            "province": _ref(connection, place),
            "counts": count_points(stretches, [day - timedelta(days=1) for day in days[:1]] + days),
            "changes": [
                {
                    "on": period.start,
                    "district": {"id": district, "name": districts[district]},
                    "status": period.outcome.status,
                    "controller": {"id": holder, "name": names[holder]}
                    if (holder := period.outcome.controller)
                    else None,
                    "event_id": period.event_id,
                }
                for _, district, period in changes
            ],
        }
    )


def _ref(connection: Connection, place: places.Place) -> Ref:
    return Ref.model_validate(places.list_provinces(connection, province=place.id)[0])
