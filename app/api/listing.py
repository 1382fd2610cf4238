"""Lists of districts with their status, in every format; `/districts` and `/control`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from fastapi import Request, Response
from pydantic import Field

from app.api import cursors, downloads, params
from app.api.deps import asked, check_filters, paged, shapes_asked
from app.api.formats import CLOCKS, clocks, feature_collection, negotiate, table
from app.api.schemas.base import BoundarySet, ListEnvelope
from app.api.schemas.base import asked as asked_members
from app.api.schemas.places import DistrictItem, DistrictList
from app.domain.control import Question
from app.importers.fields import PlaceId
from app.store import boundaries, citations
from app.store.engine import Connection
from app.store.places import Country
from app.store.status import DistrictStatus, Which, statuses

COLUMNS = (
    "id",
    "name",
    "name_local",
    "province_id",
    "province_name",
    "status",
    "controller_id",
    "controller_name",
    "since",
    "confidence",
    "disputed",
    "last_reported",
    "area_km2",
    "population",
    "is_provincial_capital",
    "event_id",
    "match_name",
    "match_score",
    "match_how",
    "supporting_citations",
    "disputing_citations",
    *CLOCKS,
)
_TYPES = {
    **dict.fromkeys(("since", "last_reported"), downloads.DAY),
    **dict.fromkeys(("disputed", "is_provincial_capital"), downloads.YES_NO),
    **dict.fromkeys(
        ("population", "supporting_citations", "disputing_citations", "revision"), downloads.WHOLE
    ),
    **dict.fromkeys(("area_km2", "match_score"), downloads.NUMBER),
}
# The instants of the clocks stay text: as numbers they would be rounded, and ask something else.
_FILE_COLUMNS = {
    name: _TYPES.get(name, downloads.TEXT)
    for name in (*COLUMNS, "boundary_set", "attribution", "licence")
}


class AfterDistrict(cursors.Cursor):
    """Where a page of districts ended."""

    of: Literal["districts"]
    id: PlaceId


class AfterMatch(cursors.Cursor):
    """Where a page of districts ended that a name was sought among."""

    of: Literal["matches"]
    id: PlaceId
    score: float = Field(ge=0, le=1)


def district_page(
    request: Request,
    connection: Connection,
    query: params.DistrictList | params.ControlList,
    country: Country,
    which: Which,
) -> Response:
    """One page of the districts that are meant, in the format that the client wants."""
    check_filters(connection, country.code, province=query.province, controller=query.controller)
    wanted = negotiate(request, query.f, "json", "geojson", "csv", "fgb", "gpkg")
    after = (AfterMatch if which.sought else AfterDistrict).read(query.cursor)
    question = asked(connection, query, country.zone)
    # One more than asked for tells whether there is a next page.
    limit = query.limit + 1 if query.limit else None
    shapes = shapes_asked(connection, query, country.code)
    which = replace(
        which,
        country=country.code,
        boundary_set=shapes.id if shapes else None,
        after=after.id if after else None,
        after_score=after.score if isinstance(after, AfterMatch) else None,
        limit=limit,
    )
    found = statuses(connection, question, which)
    page, link = paged(request, question, found, query.limit, _position)
    envelope = {**asked_members(question), "boundary_set": BoundarySet.of(shapes)}
    items = _items(connection, question, page)
    ids = [item.id for item in items]
    if wanted == "csv":
        answer = table("districts", COLUMNS, [_row(item) | clocks(question) for item in items])
    elif wanted == "geojson":
        drawn = boundaries.geometries(connection, shapes.id, ids) if shapes else {}
        answer = feature_collection(
            ListEnvelope.model_validate(envelope),
            [(item.id, item, drawn.get(item.id)) for item in items],
        )
    elif wanted == "json":
        document = DistrictList.model_validate({**envelope, "districts": items})
        answer = Response(document.model_dump_json(), media_type="application/json")
    else:
        about = clocks(question) | _set_members(shapes)
        contents = downloads.Contents(
            place=query.province or country.code,
            rows=[_row(item) | about for item in items],
            columns=_FILE_COLUMNS,
            shapes=boundaries.full_geometries(connection, shapes.id, ids) if shapes else {},
        )
        answer = downloads.geo_file(wanted, contents, question, shapes)
    answer.headers.update(link)
    return answer


def _items(
    connection: Connection, question: Question, page: Sequence[DistrictStatus]
) -> list[DistrictItem]:
    deciding = [status.event_id for status in page if status.event_id]
    counted = citations.counts_of(connection, question, deciding)
    return [DistrictItem.of(status, counted.get(status.event_id or "", (0, 0))) for status in page]


def _set_members(shapes: boundaries.BoundarySet | None) -> dict[str, object]:
    """What the licence of the shapes asks to be named, for each row: rows are copied around."""
    return {
        "boundary_set": shapes and shapes.id,
        "attribution": shapes and shapes.attribution,
        "licence": shapes and shapes.licence,
    }


def _position(last: DistrictStatus) -> dict[str, object]:
    """What a cursor keeps of a page's last district."""
    if last.match is None:
        return {"of": "districts", "id": last.id}
    return {"of": "matches", "id": last.id, "score": last.match.score}


def _row(item: DistrictItem) -> dict[str, object]:
    row = item.model_dump(mode="json")
    match = row["match"] or {"name": None, "score": None, "how": None}
    province, controller = row["province"], row["controller"] or {"id": None, "name": None}
    return {
        **row,
        **{f"province_{key}": value for key, value in province.items()},
        **{f"controller_{key}": value for key, value in controller.items()},
        **{f"match_{key}": value for key, value in match.items()},
    }
