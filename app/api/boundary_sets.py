"""`/boundary-sets`: the collections of shapes that answers can be drawn with."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from app.api import params
from app.api.deps import AppSettings, ReadConnection, country_asked
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.routes import Route
from app.api.schemas.base import BoundarySetDetail, BoundarySetList
from app.domain.errors import UnknownRecordError
from app.importers.fields import Slug
from app.store import boundaries

router = APIRouter(tags=["Borders"], route_class=Route)


@router.get(
    "/boundary-sets",
    summary="List the boundary sets",
    responses=example("boundary-sets") | documented(404, 406, 422),
)
def list_boundary_sets(
    request: Request,
    query: Annotated[params.OfCountry, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> BoundarySetList:
    """The country's boundary sets: date, origin, licence, and how far each can be trusted.

    Any answer with a geometry takes `boundary_set=`; without it the default set is drawn. A set
    never changes: what is drawn anew gets a new id.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    return BoundarySetList.model_validate(
        {"boundary_sets": boundaries.list_sets(connection, country.code)}
    )


@router.get(
    "/boundary-sets/{id}",
    summary="One boundary set",
    responses=example("boundary-set") | documented(404, 406, 422),
)
def get_boundary_set(
    request: Request,
    boundary_set: Annotated[
        Slug, Path(alias="id", description="Id of a boundary set.", examples=["af-voronoi"])
    ],
    query: Annotated[params.Query, Query()],
    connection: ReadConnection,
) -> BoundarySetDetail:
    """One boundary set, with the districts that it has no shape for: they keep their record."""
    negotiate(request, query.f, "json")
    found = boundaries.one_set(connection, boundary_set)
    if found is None:
        raise UnknownRecordError(f"there is no boundary set {boundary_set!r}", field="id")
    return BoundarySetDetail.model_validate(
        {**vars(found), **vars(boundaries.coverage_of(connection, found))}
    )
