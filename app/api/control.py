"""`/control`, `/changes`, `/series` and `/summary`: a whole country at once, or over time."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api import params
from app.api.deps import (
    AppSettings,
    ReadConnection,
    Setting,
    asked,
    check_filters,
    country_asked,
    moment,
    optional_moment,
    question_at,
    setting_of,
)
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.listing import district_page
from app.api.routes import Route
from app.api.schemas import totals as documents
from app.api.schemas.base import Ref
from app.api.schemas.base import asked as asked_members
from app.api.schemas.places import DistrictList
from app.api.summaries import summarise
from app.api.timelines import series
from app.domain.clocks import Moment
from app.domain.control import Question
from app.domain.errors import InvalidValueError
from app.domain.summary import balances
from app.store import places, sources, totals
from app.store.engine import Connection
from app.store.status import Which, statuses

router = APIRouter(tags=["Country"], route_class=Route)


@router.get(
    "/control",
    summary="Every district's status at one moment",
    response_model=DistrictList,
    responses=example("control-list", "geojson", "csv", "fgb", "gpkg") | documented(404, 406, 422),
)
def list_control(
    request: Request,
    query: Annotated[params.ControlList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """The whole country at one moment, in one document, as JSON, GeoJSON for maps, or CSV.

    All districts come at once unless `limit` is set. Filter by province, holder or status. GIS
    programs open `f=gpkg` (GeoPackage) and `f=fgb` (FlatGeobuf): flat columns, full geometry, and
    the attribution that the licence of the shapes asks for.
    """
    which = Which(
        province=query.province, controller=query.controller, status=query.status, bbox=query.box
    )
    country = country_asked(connection, query, settings)
    return district_page(request, connection, query, country, which)


@router.get(
    "/summary",
    summary="Totals of the country and its provinces",
    responses=example("summary") | documented(404, 406, 422),
)
def get_summary(
    request: Request,
    query: Annotated[params.CountryClocks, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.CountrySummary:
    """How many districts, how much land and how many people each party holds.

    The numbers of districts of the parties, the contested and the unknown ones add up to
    `districts_total`. Area and population leave out districts for which no figure is on record.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    summaries = summarise(connection, question, Which(country=country.code))
    provinces = places.list_provinces(connection, country_code=country.code)
    return documents.CountrySummary.model_validate(
        {
            **summaries.whole(),
            "country": {"id": country.code, "name": country.name},
            "provinces": [
                {**summaries.of(province.id), "province": province} for province in provinces
            ],
        }
    )


@router.get(
    "/changes",
    summary="What differs between two moments",
    responses=example("changes") | documented(404, 406, 422),
)
def get_changes(
    request: Request,
    query: Annotated[params.Changes, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.Changes:
    """The districts whose status or holder differs between two settings of one clock.

    `from` and `to` compare two dates in the world; `reported_from` and `reported_to` what the
    press had published by two dates; `known_from` and `known_to` what this record held. Give one
    pair. A district that was lost and retaken in between does not differ.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province)
    clock, before, after = _compared(connection, query, country)
    which = Which(country=country.code, province=query.province)
    changed = Which(districts=totals.differing(connection, before, after, which))
    pairs = list(
        zip(
            statuses(connection, before, changed), statuses(connection, after, changed), strict=True
        )
    )
    names = sources.actor_names(connection)
    return documents.Changes.model_validate(
        {
            "compared": clock,
            "before": asked_members(before),
            "after": asked_members(after),
            "totals": [
                {**vars(balance), "controller": _party(balance.controller, names)}
                for balance in balances((old.outcome, new.outcome) for old, new in pairs)
            ],
            "districts": [
                {
                    "district": new,
                    "before": documents.State.of(old),
                    "after": documents.State.of(new),
                }
                for old, new in pairs
            ],
        }
    )


@router.get(
    "/series",
    summary="Districts by holder over time",
    responses=example("series") | documented(404, 406, 422),
)
def get_series(
    request: Request,
    query: Annotated[params.Series, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.Series:
    """How many districts each party held at the end of each day, week or month, for charts.

    The points are `from`, then one each `step`, up to `to`; each equals what `/summary` counts on
    that date. At most 1,000 points.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    days = _days(query)
    until = moment(days[-1].isoformat(), "to", country.zone)
    setting = setting_of(query, until, country.zone)
    question = question_at(connection, setting, query.minimum, country.zone)
    which = Which(country=country.code, province=query.province)
    points = series(connection, question, which, days)
    province = _province(connection, query.province, country.code)
    return documents.Series.model_validate(
        {
            **asked_members(question),
            "country": {"id": country.code, "name": country.name},
            "province": province,
            "step": query.step,
            "points": points,
        }
    )


def _province(connection: Connection, province: str | None, country: str) -> places.Province | None:
    """The province that a filter names; InvalidValueError when the country has none such."""
    if province is None:
        return None
    found = places.list_provinces(connection, country_code=country, province=province)
    if not found:
        raise InvalidValueError(f"{country} has no province {province!r}", field="province")
    return found[0]


def _compared(
    connection: Connection, query: params.Changes, country: places.Country
) -> tuple[str, Question, Question]:
    """Which clock is compared, and the two questions that differ in it."""
    pairs = {
        "as_of": ("from", query.from_, "to", query.to),
        "reported_by": ("reported_from", query.reported_from, "reported_to", query.reported_to),
        "known_at": ("known_from", query.known_from, "known_to", query.known_to),
    }
    given = {
        clock: pair for clock, pair in pairs.items() if pair[1] is not None or pair[3] is not None
    }
    if len(given) != 1:
        raise InvalidValueError(
            "give one pair: from and to, reported_from and reported_to, or known_from and known_to",
            field="from",
        )
    ((clock, (first_name, first, second_name, second)),) = given.items()
    if first is None or second is None:
        missing = first_name if first is None else second_name
        raise InvalidValueError(f"{missing} is missing", field=missing)
    if getattr(query, clock) is not None:
        raise InvalidValueError(f"{first_name} and {second_name} set this clock", field=clock)
    zone = country.zone
    ends = [
        (name, moment(text, name, zone))
        for name, text in ((first_name, first), (second_name, second))
    ]
    if ends[0][1].until > ends[1][1].until:
        raise InvalidValueError(f"{second_name} lies before {first_name}", field=second_name)
    # Two dates that are compared take the place of `as_of`: the answer does not rest on today.
    as_of = ends[1][1] if clock == "as_of" else optional_moment(query.as_of, "as_of", zone)
    setting = setting_of(query, as_of, zone)
    before, after = (
        question_at(connection, _with(setting, clock, name, end), query.minimum, zone)
        for name, end in ends
    )
    return clock, before, after


def _with(setting: Setting, clock: str, name: str, read: Moment) -> Setting:
    """The setting with one clock set to what the parameter of that name says."""
    if clock == "reported_by":
        return replace(setting, reported_by=read)
    if clock == "known_at":
        return replace(setting, known_at=read, known_field=name)
    return replace(setting, as_of=read)


def _days(query: params.Series) -> list[date]:
    """The days of a series; a month without the day of `from` has its last one instead."""
    if query.to < query.from_:
        raise InvalidValueError("the series ends before it begins", field="to")
    days, number = [], 0
    while (day := _step(query.from_, query.step, number)) <= query.to:
        days.append(day)
        number += 1
        if number > params.MAX_POINTS:
            raise InvalidValueError(
                f"that is more than {params.MAX_POINTS} points: take a longer step", field="step"
            )
    return days


def _step(start: date, step: str, number: int) -> date:
    if step == "month":
        month = start.month - 1 + number
        first = start.replace(year=start.year + month // 12, month=month % 12 + 1, day=1)
        following = (first + timedelta(days=31)).replace(day=1)
        return min(first.replace(day=1) + timedelta(days=start.day - 1), following - timedelta(1))
    return start + number * timedelta(days=7 if step == "week" else 1)


def _party(actor: str, names: dict[str, str]) -> Ref:
    return Ref(id=actor, name=names[actor])
