"""The documents that lead to the features: landing page, conformance, collections, definition."""

import math
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse

from app.api import params
from app.api.deps import AppSettings, ReadConnection
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import MEDIA_TYPES, negotiate
from app.api.ogc import parameters
from app.api.ogc.asking import GEOJSON, JSON, Asked, asked, base_of
from app.api.ogc.definition import OPENAPI, definition
from app.api.ogc.documents import (
    Collection,
    Collections,
    Conformance,
    Extent,
    LandingPage,
    Link,
    SpatialExtent,
    TemporalExtent,
)
from app.api.ogc.queryables import SCHEMA, queryables
from app.api.ogc.routing import router
from app.domain.control import Confidence
from app.domain.errors import UnknownRecordError
from app.store import boundaries, extents

CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
]

_SELF = "this collection"
_STATE = (
    "`datetime` is the moment that is asked about: a day of the country, an instant, or an "
    "interval, of which the end counts; today if it is open or left out."
)


@dataclass(frozen=True)
class About:
    """What a collection is; `is_state` is false where `datetime` searches what occurred then."""

    title: str
    description: str
    query: type[parameters.ItemsQuery]
    is_state: bool = True


ABOUT = {
    "districts": About(
        "Districts and who holds them",
        "Every district with its status, holder, and how well that is supported. `unknown` means "
        f"that nothing on record counts; it does not mean contested. {_STATE}",
        parameters.DistrictsQuery,
    ),
    "provinces": About(
        "Provinces and how many districts each party holds",
        f"Every province with counts of its districts, and who holds its capital. {_STATE}",
        parameters.ProvincesQuery,
    ),
    "events": About(
        "Changes of control",
        "Every recorded event that had certainly happened by today, at a point inside its "
        "district, which only stands for the district. `datetime` gives the events that may have "
        "occurred at that moment or in that interval.",
        parameters.EventsQuery,
        is_state=False,
    ),
    "frontline": About(
        "Front lines",
        "The borders between districts that different parties hold. Parameter `kinds` adds those "
        "of contested districts (`contested`), and those behind which nothing on record counts "
        f"(`unknown`). Where fighters stood within a district, no line says. {_STATE}",
        parameters.FrontlineQuery,
    ),
}

CollectionId = Annotated[
    params.Name,
    Path(alias="collectionId", description=f"One of {', '.join(ABOUT)}.", examples=["districts"]),
]


@router.get("/", include_in_schema=False, response_model_exclude_none=True)
@router.get(
    "",
    summary="OGC API - Features: landing page",
    response_model_exclude_none=True,
    responses=example("ogc") | documented(400, 404, 406),
)
def get_landing_page(
    request: Request,
    query: Annotated[parameters.Session, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> LandingPage:
    """The address to give to GIS programs (QGIS, GDAL): they find everything from here.

    Parameters in that address hold for all of their requests: `/ogc?datetime=2021-08-15` shows
    15 August 2021 in a program that cannot ask for a moment itself.
    """
    negotiate(request, query.f, "json")
    about = asked(request, connection, query, settings)
    links = [
        about.self_link(JSON),
        about.link("service-desc", "/api", OPENAPI, "the definition of this API"),
        Link(
            href=f"{base_of(request)}/docs",
            rel="service-doc",
            type="text/html",
            title="documentation of the whole service",
        ),
        about.link("conformance", "/conformance", JSON, "what this conforms to"),
        about.link("data", "/collections", JSON, "the collections"),
        *about.licence_link(),
    ]
    description = "Who controls which district, since when, and as known when: for GIS programs."
    return LandingPage(
        title=f"District Control, {about.country.name}",
        description=description,
        attribution=about.shapes.attribution if about.shapes else None,
        links=links,
    )


@router.get(
    "/conformance",
    summary="OGC API - Features: what it conforms to",
    responses=example("ogc-conformance") | documented(400, 406),
)
def get_conformance(request: Request, query: Annotated[parameters.Session, Query()]) -> Conformance:
    """The conformance classes that are met: Core, OpenAPI 3.0, GeoJSON, and CRS by reference."""
    negotiate(request, query.f, "json")
    return Conformance(conformsTo=CONFORMS_TO)


@router.get(
    "/api",
    summary="OGC API - Features: its definition in OpenAPI 3.0",
    response_class=Response,
    responses={
        200: {
            "description": "The addresses under `/ogc`; `/openapi.json` has the whole service",
            "content": {MEDIA_TYPES["openapi"]: {"schema": {"type": "object"}}},
        },
        **documented(400, 406),
    },
)
def get_definition(request: Request, query: Annotated[parameters.Session, Query()]) -> Response:
    """What GIS programs read to learn which parameters each collection takes."""
    negotiate(request, query.f, "openapi", "json")
    document = definition(request.app.openapi(), base_of(request))
    return JSONResponse(document, media_type=OPENAPI)


@router.get(
    "/collections",
    summary="OGC API - Features: the collections",
    response_model_exclude_none=True,
    responses=example("ogc-collections") | documented(400, 404, 406),
)
def list_collections(
    request: Request,
    query: Annotated[parameters.Session, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Collections:
    """Districts, provinces, events and front lines, with where and when they are."""
    negotiate(request, query.f, "json")
    about = asked(request, connection, query, settings)
    return Collections(
        known_at=about.question.clocks.known_at,
        revision=about.question.revision,
        links=[about.self_link(JSON), *about.licence_link()],
        collections=_collections(about),
    )


@router.get(
    "/collections/{collectionId}",
    summary="OGC API - Features: one collection",
    response_model_exclude_none=True,
    responses=example("ogc-collection") | documented(400, 404, 406),
)
def get_collection(
    request: Request,
    collection: CollectionId,
    query: Annotated[parameters.Session, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Collection:
    """One collection: what its features are, where and when they are, and what `datetime` means."""
    negotiate(request, query.f, "json")
    _check(collection)
    about = asked(request, connection, query, settings)
    found = next(document for document in _collections(about) if document.id == collection)
    return found.model_copy(update={"links": [about.self_link(JSON, _SELF), *found.links[1:]]})


@router.get(
    "/collections/{collectionId}/queryables",
    summary="OGC API - Features: the properties that features are filtered by",
    response_class=Response,
    responses={
        200: {
            "description": "A JSON Schema",
            "content": {MEDIA_TYPES["schema"]: {"schema": {"type": "object"}}},
        },
        **documented(400, 404, 406),
    },
)
def get_queryables(
    request: Request,
    collection: CollectionId,
    query: Annotated[parameters.Session, Query()],
) -> Response:
    """Each is a parameter of the features: `/ogc/collections/districts/items?name=Qaysar`."""
    negotiate(request, query.f, "schema", "json")
    _check(collection)
    about = ABOUT[collection]
    address = f"{base_of(request)}/ogc/collections/{collection}/queryables"
    return JSONResponse(queryables(address, about.title, about.query), media_type=SCHEMA)


def _check(collection: str) -> None:
    if collection not in ABOUT:
        raise UnknownRecordError(
            f"there is no collection {collection!r}, only {', '.join(ABOUT)}",
            field="collectionId",
        )


def _collections(about: Asked) -> list[Collection]:
    spatial = _spatial(about)
    state, events = _temporal(about)
    shapes = about.shapes
    drawn = (
        f" Shapes: {shapes.name}, {shapes.dated}, {shapes.quality}; {shapes.attribution}"
        if shapes
        else " There are no shapes of this country."
    )
    return [
        Collection(
            id=collection,
            title=of.title,
            description=of.description + drawn,
            attribution=shapes.attribution if shapes else None,
            extent=Extent(spatial=spatial, temporal=state if of.is_state else events),
            crs=[parameters.CRS84],
            storageCrs=parameters.CRS84,
            links=_links(about, collection),
        )
        for collection, of in ABOUT.items()
    ]


def _links(about: Asked, collection: str) -> list[Link]:
    path = f"/collections/{collection}"
    return [
        about.link("self", path, JSON, _SELF),
        about.link("items", f"{path}/items", GEOJSON, "its features"),
        about.link(
            "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            f"{path}/queryables",
            SCHEMA,
            "the properties that they are filtered by",
        ),
        *about.licence_link(),
    ]


def _spatial(about: Asked) -> SpatialExtent | None:
    """The box around the shapes of the set, to 5 decimals, none of which it cuts off."""
    box = boundaries.coverage_of(about.connection, about.shapes).bbox if about.shapes else None
    if box is None:
        return None
    west, south = (math.floor(edge * 1e5) / 1e5 for edge in box[:2])
    east, north = (math.ceil(edge * 1e5) / 1e5 for edge in box[2:])
    return SpatialExtent(bbox=[(west, south, east, north)], crs=parameters.CRS84)


def _temporal(about: Asked) -> tuple[TemporalExtent, TemporalExtent]:
    """Of states: from the first event that counts on, without an end. And of events."""
    of_any_confidence = about.question
    if "min_confidence" not in about.query.model_fields_set:
        of_any_confidence = replace(about.question, minimum=Confidence.CLAIMED)
    country = about.country.code
    state = extents.occurrences(about.connection, about.question, country)
    events = extents.occurrences(about.connection, of_any_confidence, country)
    return (
        TemporalExtent(interval=[(state.effective, None)]),
        TemporalExtent(interval=[(events.first, events.last)]),
    )
