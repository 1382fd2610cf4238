"""Borders between districts: neighbours, front lines, and what is cut off."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api import params
from app.api.deps import (
    AppSettings,
    DistrictInPath,
    ReadConnection,
    asked,
    check_filters,
    country_asked,
    shapes_needed,
)
from app.api.errors import MOVED, documented
from app.api.examples import example
from app.api.formats import CLOCKS, clocks, feature_collection, negotiate, table
from app.api.routes import Route
from app.api.schemas import borders as documents
from app.api.schemas.base import BoundarySet
from app.api.schemas.base import asked as asked_members
from app.api.surroundings import surroundings
from app.domain.errors import UnknownRecordError
from app.domain.front import LineKind, line_kind
from app.store import borders, boundaries
from app.store.status import Which, statuses

router = APIRouter(tags=["Borders"], route_class=Route)

COLUMNS = (
    *("id", "kind", "length_km"),
    *(
        f"{column}_{side}"
        for side in (1, 2)
        for column in ("district_id", "district_name", "status", "controller_id", "since")
    ),
    *CLOCKS,
)


@router.get(
    "/districts/{id}/neighbours",
    summary="The districts around a district",
    responses=example("neighbours") | documented(404, 406, 422) | MOVED,
)
def get_neighbours(
    request: Request,
    place: DistrictInPath,
    query: Annotated[params.DrawnClocks, Query()],
    connection: ReadConnection,
) -> documents.Neighbours:
    """Which districts share a border with this one, how long it is, and who holds them.

    Borders are those of the boundary set. Districts that meet in a point only are no neighbours.
    """
    negotiate(request, query.f, "json")
    question = asked(connection, query, place.zone)
    shapes = shapes_needed(connection, query, place.country)
    around = borders.stretches(connection, shapes.id, [place.id])
    if not around:
        raise UnknownRecordError(f"{shapes.name} has no shape of this district", field="id")
    ids = (place.id, *(stretch.neighbour for stretch in around if stretch.neighbour))
    held = {s.id: s for s in statuses(connection, question, Which(districts=ids))}
    here, whole = held[place.id], sum(stretch.length_km for stretch in around)
    shared = sorted(
        ((held[s.neighbour], s.length_km) for s in around if s.neighbour),
        key=lambda pair: (-pair[1], pair[0].id),
    )
    return documents.Neighbours.model_validate(
        {
            **asked_members(question),
            **vars(documents.Party.of(here)),
            "boundary_set": BoundarySet.of(shapes),
            "border_km": round(whole, 3),
            "outside_km": round(sum(s.length_km for s in around if s.neighbour is None), 3),
            "neighbours": [
                {
                    **vars(documents.Party.of(there)),
                    "kind": line_kind(here.outcome, there.outcome),
                    "border_km": round(length, 3),
                    "share_of_border": round(length / whole, 4),
                }
                for there, length in shared
            ],
        }
    )


@router.get(
    "/frontline",
    summary="Where districts of different parties meet",
    response_model=documents.Frontline,
    responses=example("frontline", "geojson", "csv") | documented(404, 406, 422),
)
def get_frontline(
    request: Request,
    query: Annotated[params.Frontline, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """The borders between districts that different parties hold, as GeoJSON lines.

    Each line names both sides and its length in km. `kinds` adds the borders of contested
    districts, and those behind which nothing on record counts: no front is drawn where nobody
    reported who stands on the other side. `length_km` adds up all lines of each kind. Lines follow
    district borders; where fighters stood within a district, the record does not say. JSON and
    CSV leave out the geometry.
    """
    wanted = negotiate(request, query.f, "geojson", "json", "csv")
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province)
    question = asked(connection, query, country.zone)
    shapes = shapes_needed(connection, query, country.code)
    found = borders.lines(
        connection,
        question,
        borders.WhichLines(
            country.code, shapes.id, query.wanted, province=query.province, bbox=query.box
        ),
    )
    envelope = {
        **asked_members(question),
        "country": {"id": country.code, "name": country.name},
        "boundary_set": BoundarySet.of(shapes),
        "kinds": [kind for kind in LineKind if kind in query.wanted],
        "length_km": documents.LineLengths.of(found.length_km),
        "without_shape": boundaries.without_shape(connection, shapes),
    }
    items = [_line(line) for line in found.lines]
    if wanted == "csv":
        return table("frontline", COLUMNS, [_row(item) | clocks(question) for item in items])
    if wanted == "geojson":
        return feature_collection(
            documents.FrontlineEnvelope.model_validate(envelope),
            (
                (item.id, item.model_dump_json(), line.geometry)
                for item, line in zip(items, found.lines, strict=True)
            ),
        )
    document = documents.Frontline.model_validate({**envelope, "lines": items})
    return Response(document.model_dump_json(), media_type="application/json")


@router.get(
    "/encirclement",
    summary="Who is surrounded, and what is cut off",
    responses=example("encirclement") | documented(404, 406, 422),
)
def get_encirclement(
    request: Request,
    query: Annotated[params.Encirclement, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.Encirclement:
    """Which share of each district's border is hostile, and which districts are cut off.

    A border is hostile where another party holds the district behind it. Contested and unknown
    neighbours are counted apart, never as anyone's. A pocket is a connected group of a party's
    districts that does not touch the largest such group; it is `certain` if that would stay so
    even with every contested and unknown district in that party's hands.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province)
    question = asked(connection, query, country.zone)
    shapes = shapes_needed(connection, query, country.code)
    around = surroundings(connection, question, country.code, shapes)
    listed = [
        around.encircled(district)
        for district, held in around.held.items()
        if district in around.stretches and query.province in (None, held.province.id)
    ]
    cut_off = [
        around.pocket(pocket)
        for pocket in around.pockets()
        if query.province is None
        or any(around.held[district].province.id == query.province for district in pocket.districts)
    ]
    return documents.Encirclement.model_validate(
        {
            **asked_members(question),
            "country": {"id": country.code, "name": country.name},
            "boundary_set": BoundarySet.of(shapes),
            "pockets": cut_off,
            "districts": sorted(
                listed,
                key=lambda item: (item.hostile_share is None, -(item.hostile_share or 0)),
            ),
            "without_shape": [
                {"id": district, "name": held.name}
                for district, held in around.held.items()
                if district not in around.stretches and query.province in (None, held.province.id)
            ],
        }
    )


def _line(line: borders.Line) -> documents.FrontLine:
    return documents.FrontLine(
        id=line.id,
        kind=line.kind,
        length_km=round(line.length_km, 3),
        sides=[documents.Party.of(side) for side in line.sides],
    )


def _row(item: documents.FrontLine) -> dict[str, object]:
    row: dict[str, object] = item.model_dump(mode="json")
    for number, side in enumerate(item.sides, start=1):
        row |= {
            f"district_id_{number}": side.district.id,
            f"district_name_{number}": side.district.name,
            f"status_{number}": side.status.value,
            f"controller_id_{number}": side.controller.id if side.controller else None,
            f"since_{number}": side.since,
        }
    return row
