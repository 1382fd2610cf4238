"""Lists of districts with their status, in every format; `/districts` and `/control`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import Field

from app.api import cursors, downloads, params
from app.api.deps import asked, check_filters, paged, shapes_asked
from app.api.formats import (
    CLOCKS,
    clocks,
    feature_collection,
    json_answer,
    negotiate,
    table,
    with_list,
)
from app.api.schemas.base import BoundarySet, ListEnvelope
from app.api.schemas.base import asked as asked_members
from app.importers.fields import PlaceId
from app.store import boundaries, documents
from app.store.engine import Connection
from app.store.places import Country
from app.store.status import Which

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
    found = documents.district_items(
        connection, question, which, drawn=wanted == "geojson" and shapes is not None
    )
    page, link = paged(request, question, found, query.limit, _position)
    about = ListEnvelope.model_validate(
        {**asked_members(question), "boundary_set": BoundarySet.of(shapes)}
    )
    if wanted == "json":
        answer = json_answer(with_list(about, "districts", (one.members for one in page)))
    elif wanted == "geojson":
        answer = feature_collection(about, ((o.id, o.members, o.geometry) for o in page))
    elif wanted == "csv":
        answer = table("districts", COLUMNS, _rows(page, clocks(question)))
    else:
        ids = [one.id for one in page]
        contents = downloads.Contents(
            place=query.province or country.code,
            rows=_rows(page, clocks(question) | _set_members(shapes)),
            columns=_FILE_COLUMNS,
            shapes=boundaries.full_geometries(connection, shapes.id, ids) if shapes else {},
        )
        answer = downloads.geo_file(wanted, contents, question, shapes)
    answer.headers.update(link)
    return answer


def _set_members(shapes: boundaries.BoundarySet | None) -> dict[str, object]:
    """What the licence of the shapes asks to be named, for each row: rows are copied around."""
    return {
        "boundary_set": shapes and shapes.id,
        "attribution": shapes and shapes.attribution,
        "licence": shapes and shapes.licence,
    }


def _position(last: documents.Written) -> dict[str, object]:
    """What a cursor keeps of a page's last district."""
    if last.score is None:
        return {"of": "districts", "id": last.id}
    return {"of": "matches", "id": last.id, "score": last.score}


def _rows(
    page: Sequence[documents.Written], about: Mapping[str, object]
) -> list[dict[str, object]]:
    """The districts as rows of a table, each with what it is about."""
    return [{**_row(json.loads(one.members)), **about} for one in page]


def _row(item: Mapping[str, Any]) -> dict[str, object]:
    match = item["match"] or {"name": None, "score": None, "how": None}
    province, controller = item["province"], item["controller"] or {"id": None, "name": None}
    return {
        **item,
        **{f"province_{key}": value for key, value in province.items()},
        **{f"controller_{key}": value for key, value in controller.items()},
        **{f"match_{key}": value for key, value in match.items()},
    }
