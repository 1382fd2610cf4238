"""Lists of districts with their status, as JSON, GeoJSON or CSV; `/districts` and `/control`."""

from dataclasses import replace
from typing import Literal

from fastapi import Request, Response

from app.api import params
from app.api.deps import asked, check_filters, paged, shapes_asked
from app.api.formats import CLOCKS, clocks, feature_collection, negotiate, table
from app.api.schemas.base import BoundarySet, ListEnvelope
from app.api.schemas.base import asked as asked_members
from app.api.schemas.places import DistrictItem, DistrictList
from app.importers.fields import PlaceId
from app.store import boundaries
from app.store.engine import Connection
from app.store.places import Country
from app.store.status import Which, statuses

COLUMNS = (
    "id",
    "name",
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
    *CLOCKS,
)


class AfterDistrict(params.Cursor):
    """Where a page of districts ended."""

    of: Literal["districts"]
    id: PlaceId


def district_page(
    request: Request,
    connection: Connection,
    query: params.DistrictList | params.ControlList,
    country: Country,
    which: Which,
) -> Response:
    """One page of the districts that are meant, in the format that the client wants."""
    check_filters(connection, province=query.province, controller=query.controller)
    wanted = negotiate(request, query.f, "json", "geojson", "csv")
    after = AfterDistrict.read(query.cursor)
    question = asked(connection, query, country.zone)
    # One more than asked for tells whether there is a next page.
    limit = query.limit + 1 if query.limit else None
    shapes = shapes_asked(connection, query, country.code)
    which = replace(
        which,
        country=country.code,
        boundary_set=shapes.id if shapes else None,
        after=after.id if after else None,
        limit=limit,
    )
    found = statuses(connection, question, which)
    page, link = paged(
        request, question, found, query.limit, lambda last: {"of": "districts", "id": last.id}
    )
    envelope = {**asked_members(question), "boundary_set": BoundarySet.of(shapes)}
    items = [DistrictItem.of(status) for status in page]
    if wanted == "csv":
        answer = table("districts", COLUMNS, [_row(item) | clocks(question) for item in items])
    elif wanted == "geojson":
        ids = [item.id for item in items]
        drawn = boundaries.geometries(connection, shapes.id, ids) if shapes else {}
        answer = feature_collection(
            ListEnvelope.model_validate(envelope),
            [(item.id, item, drawn.get(item.id)) for item in items],
        )
    else:
        document = DistrictList.model_validate({**envelope, "districts": items})
        answer = Response(document.model_dump_json(), media_type="application/json")
    answer.headers.update(link)
    return answer


def _row(item: DistrictItem) -> dict[str, object]:
    row = item.model_dump(mode="json")
    province, controller = row["province"], row["controller"] or {"id": None, "name": None}
    return {
        **row,
        **{f"province_{key}": value for key, value in province.items()},
        **{f"controller_{key}": value for key, value in controller.items()},
    }
