"""`/map.svg` and `/map.png`: who controls which district, as a picture to take away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from anyio import CapacityLimiter
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api import params
from app.api.deps import (
    AppSettings,
    ReadConnection,
    asked,
    check_filters,
    country_asked,
    shapes_needed,
)
from app.api.errors import documented
from app.api.formats import MEDIA_TYPES, negotiate
from app.api.permalinks import file_part, page_of, recorded
from app.api.routes import Route
from app.api.summaries import counts_told, newest_report
from app.domain.control import Confidence, Question, Status
from app.domain.errors import NotReadyError
from app.domain.front import line_kind
from app.domain.summary import totals
from app.domain.words import age_in_words, written, written_day
from app.importers.fields import PlaceId
from app.pictures.drawing import Area, Line, Party, Picture, draw
from app.pictures.layout import SHEETS, Layout
from app.pictures.lettering import Name
from app.pictures.png import to_png
from app.store import pictures, places, sources
from app.store.boundaries import BoundarySet
from app.store.engine import Connection, end_read
from app.store.status import DistrictStatus, Which, statuses

router = APIRouter(tags=["Maps"], route_class=Route)

MIN_WIDTH, MAX_WIDTH = 400, 2400
"""Pixels."""


class PictureQuery(params.CountryClocks, params.Drawn):
    """`GET /map.svg` and `/map.png`."""

    province: PlaceId | None = Field(
        None, description="P-code: this province alone.", examples=["AF29"]
    )
    width: int = Field(
        1200,
        ge=MIN_WIDTH,
        le=MAX_WIDTH,
        description=f"Width in pixels, {MIN_WIDTH} to {MAX_WIDTH}. The same picture, larger or "
        "smaller.",
    )
    layout: Layout = Field(
        Layout.WIDE,
        description="`wide` is 1200 by 630 (or as much larger as `width` says), the form that "
        "previews of links show; `square` has a larger map with the words beneath.",
    )


MOST_WAITING = 20
"""PNGs that wait to be drawn at a time, each for about half a second of a core."""


class DrawingRoute(Route):
    """A read that waits, without a thread or a connection, until there is a core to draw with."""

    def turns(self, request: Request) -> CapacityLimiter:
        """As many as cores; NotReadyError where clients would give up before it is their turn."""
        drawers: CapacityLimiter = request.app.state.drawers
        if drawers.statistics().tasks_waiting >= MOST_WAITING:
            raise NotReadyError("too many pictures are being drawn; ask again, or for /map.svg")
        return drawers


_ANSWERS: dict[int | str, dict[str, Any]] = documented(404, 406, 422)


def _picture(form: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPES[form]: {"schema": schema}}
    return {200: {"description": "The picture", "content": content}, **_ANSWERS}


@router.get(
    "/map.svg",
    summary="A map as a drawing (SVG)",
    response_class=Response,
    responses=_picture("svg", {"type": "string"}),
)
def get_svg(
    request: Request,
    query: Annotated[PictureQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Who controls which district of a country or a province, at any setting of the clocks.

    Printed in are the date, a key with counts, how old the newest report is, the attribution of
    the shapes, and the address of the page with its clocks fixed. Each district is a `path` whose
    `id` is its P-code, with `data-status` and `data-controller`. The same question gives the same
    bytes; there is no script in it, and nothing is loaded from elsewhere.
    """
    negotiate(request, query.f, "svg")
    drawn = _drawn(request, query, connection, settings)
    return _answer(drawn.svg.encode(), "svg", drawn.name)


def get_png(
    request: Request,
    query: Annotated[PictureQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """The drawing of `/map.svg` as an image, with the same parameters."""
    negotiate(request, query.f, "png")
    drawn = _drawn(request, query, connection, settings)
    end_read(connection)
    connection.close()  # drawing takes longer than all else, and needs none
    return _answer(to_png(drawn.svg), "png", drawn.name)


router.add_api_route(
    "/map.png",
    get_png,
    summary="A map as an image (PNG)",
    response_class=Response,
    responses=_picture("png", {"type": "string", "format": "binary"}) | documented(503),
    route_class_override=DrawingRoute,
)


def _answer(content: bytes, form: str, name: str) -> Response:
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'inline; filename="{name}.{form}"'},
    )


@dataclass(frozen=True)
class _Drawn:
    """An SVG, and the name of a file for it."""

    svg: str
    name: str


def _drawn(
    request: Request, query: PictureQuery, connection: Connection, settings: AppSettings
) -> _Drawn:
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province)
    question = asked(connection, query, country.zone)
    shapes = shapes_needed(connection, query, country.code)
    held = {s.id: s for s in statuses(connection, question, Which(country=country.code))}
    shown = _Shown(
        question=question,
        shapes=shapes,
        country=country,
        province=_province(connection, query.province),
        districts=[s for s in held.values() if query.province in (None, s.province.id)],
        permalink=page_of(
            request,
            question,
            country=country.code,
            place=("p", query.province) if query.province else None,
        ),
    )
    sheet = SHEETS[query.layout]
    frame = pictures.Frame(**vars(sheet.map), pixels=query.width / sheet.width)
    fitted = pictures.fitted(connection, shapes.id, frame, query.province)
    picture = _composed(shown, fitted, held, sources.list_actors(connection))
    moment = file_part(question.clocks.as_of.text)
    return _Drawn(
        draw(picture, sheet, query.width),
        f"district-control-{query.province or country.code}-{moment}",
    )


def _province(connection: Connection, province: str | None) -> places.Province | None:
    return places.list_provinces(connection, province=province)[0] if province else None


@dataclass(frozen=True)
class _Shown:
    """What a picture is about; `districts` are those that its numbers count."""

    question: Question
    shapes: BoundarySet
    country: places.Country
    province: places.Province | None
    districts: Sequence[DistrictStatus]
    permalink: str

    @property
    def place(self) -> str:
        """The name of what is shown, for a heading."""
        name = self.country.name
        return f"{self.province.name} ({name})" if self.province else name

    @property
    def as_of(self) -> str:
        """The moment that is shown, as people write it."""
        return written(self.question.clocks.as_of.text)


def _composed(
    shown: _Shown,
    fitted: pictures.Fitted,
    held: Mapping[str, DistrictStatus],
    parties: Sequence[sources.Actor],
) -> Picture:
    """Everything that the picture shows and says; `held` has the districts at both sides."""
    counted = totals(district.place for district in shown.districts)
    numbers = {total.outcome.controller: total.districts for total in counted.by_outcome}
    names = {party.id: party.name for party in parties}
    newest = newest_report(shown.districts)
    return Picture(
        title=f"Who controls which district: {shown.place}, {shown.as_of}",
        words=counts_told(shown.question, shown.place, shown.districts, names),
        heading=("Who controls which district", shown.place, shown.as_of),
        areas=[_area(held[district], path) for district, path in fitted.districts.items()],
        outlines=list(fitted.provinces.values()),
        lines=_lines(fitted, held),
        names=_names(shown, fitted),
        parties=sorted(
            (Party(p.id, p.name, p.colour, numbers.get(p.id, 0)) for p in parties),
            key=lambda party: (-party.districts, party.id),
        ),
        contested=counted.count(Status.CONTESTED),
        unknown=counted.count(Status.UNKNOWN),
        disputed=sum(district.disputed for district in shown.districts),
        facts=_facts(shown, newest, fitted),
        warnings=_warnings(shown, newest),
        credits=(
            f"Shapes: {shown.shapes.attribution} Licence: {shown.shapes.licence}.",
            f"Sources and permanent address: {shown.permalink}",
        ),
    )


def _area(district: DistrictStatus, path: str) -> Area:
    holder = district.controller.name if district.controller else district.status
    doubt = ", disputed" if district.disputed else ""
    said = f"{district.name} ({district.province.name}): {holder}{doubt}"
    return Area(district.id, path, district.outcome, district.disputed, said)


def _lines(fitted: pictures.Fitted, held: Mapping[str, DistrictStatus]) -> list[Line]:
    between = [
        (line_kind(held[border.district].outcome, held[border.neighbour].outcome), border.path)
        for border in fitted.borders
    ]
    return [Line(kind, path) for kind, path in between if kind]


def _names(shown: _Shown, fitted: pictures.Fitted) -> list[Name]:
    """Of a country its provinces are named, of a province its districts."""
    if shown.province:
        known = {district.id: district.name for district in shown.districts}
    else:
        known = {d.province.id: d.province.name for d in shown.districts}
    return [
        Name(known[place], spot.x, spot.y, spot.radius)
        for place, spot in fitted.spots.items()
        if place in known
    ]


def _warnings(shown: _Shown, newest: date | None) -> list[str]:
    """What nobody should overlook."""
    said = []
    if newest and (days := (_day(shown.question) - newest).days) > _OLD:
        said.append(
            f"The newest report is of {written_day(newest)}, {age_in_words(days)} before the date "
            "shown."
        )
    if shown.shapes.quality == "approximate":
        said.append("Shapes are approximate.")
    return said


_OLD = 31
"""Days after which a report is old enough to warn of it."""


def _day(question: Question) -> date:
    return question.clocks.as_of.until.astimezone(question.zone).date()


def _facts(shown: _Shown, newest: date | None, fitted: pictures.Fitted) -> list[str]:
    """The clocks that were set, and what else the map rests on."""
    question = shown.question
    said = []
    if question.clocks.reported_by:
        moment = written(question.clocks.reported_by.text)
        said.append(f"Counts only what had been published by {moment}.")
    if question.minimum is Confidence.CLAIMED:
        said.append("Counts also what only a party to the conflict says.")
    if question.minimum is Confidence.CONFIRMED:
        said.append("Counts only what is confirmed.")
    if newest is None:
        said.append("No document on record speaks of these districts.")
    elif (_day(question) - newest).days <= _OLD:
        said.append(f"The newest report is of {written_day(newest)}.")
    missing = sum(district.id not in fitted.districts for district in shown.districts)
    if missing:
        said.append(f"Without a shape, counted and not drawn: {missing}.")
    said.append(f"The record as of {recorded(question)}.")
    return said
