"""Pages of features, and one feature, as GeoJSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Response
from pydantic import BaseModel

from app.api.formats import feature_collection, negotiate
from app.api.ogc import parameters
from app.api.ogc.asking import GEOJSON, JSON, Asked
from app.api.ogc.documents import ItemsEnvelope, Link
from app.api.schemas.base import BoundarySet
from app.api.schemas.base import asked as asked_members
from app.domain.errors import UnknownRecordError

Found = list[tuple[str, BaseModel]]
"""Ids and properties."""
Written = list[tuple[str, str]]
"""Ids and properties as JSON."""
Drawn = Callable[[Sequence[str]], Mapping[str, str]]
"""Gives the geometries (GeoJSON) of features by their ids; those without one are left out."""


@dataclass(frozen=True)
class Page:
    """Features of one page: their geometries, how many all pages have, where the page ended.

    `last` is None where it is the last page.
    """

    found: Written
    drawn: Mapping[str, str]
    matched: int
    last: list[str | int] | None


def cut(about: Asked, query: parameters.ItemsQuery, found: Found, drawn: Drawn) -> Page:
    """The page that is asked for of all that was found, filtered by the properties.

    All of it was found because what holds in a district is only known when it is asked for.
    """
    fitting = sorted(
        ((key, properties) for key, properties in found if query.fits(properties)),
        key=lambda item: item[0],
    )
    ahead = [item for item in fitting if item[0] > about.after_id]
    page = ahead[: query.size]
    geometries = drawn([key for key, _ in page])
    more = len(ahead) > len(page)
    return Page(written(page), geometries, len(fitting), [page[-1][0]] if more else None)


def written(found: Found) -> Written:
    """What was found, as JSON."""
    return [(key, properties.model_dump_json()) for key, properties in found]


def page_of(about: Asked, collection: str, page: Page) -> Response:
    """A page as a feature collection, with the way to the next one."""
    wanted = negotiate(about.request, about.query.f, "geojson", "json")
    links = _links(about, collection, "this page")
    if page.last is not None:
        links.append(about.next_link(collection, page.last))
    envelope = ItemsEnvelope.model_validate(
        {
            **asked_members(about.question),
            "boundary_set": BoundarySet.of(about.shapes),
            "numberMatched": page.matched,
            "numberReturned": len(page.found),
            "links": links,
        }
    )
    answer = feature_collection(
        envelope, ((key, one, page.drawn.get(key)) for key, one in page.found)
    )
    return _as_asked(about, answer, wanted)


def feature_of(about: Asked, collection: str, feature: str, found: Found, drawn: Drawn) -> Response:
    """The feature of that id; UnknownRecordError where it was not found."""
    wanted = negotiate(about.request, about.query.f, "geojson", "json")
    properties = dict(found).get(feature)
    if properties is None:
        raise UnknownRecordError(
            f"there is no feature {feature!r} in {collection} at that moment", field="featureId"
        )
    geometry = drawn([feature]).get(feature)
    links = _links(about, collection, "this feature")
    document = {
        "type": "Feature",
        "id": feature,
        "properties": properties.model_dump(mode="json"),
        "geometry": json.loads(geometry) if geometry else None,
        "links": [link.model_dump() for link in links],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return _as_asked(about, Response(text, media_type=GEOJSON), wanted)


def _links(about: Asked, collection: str, title: str) -> list[Link]:
    return [
        about.self_link(GEOJSON, title),
        about.link("collection", f"/collections/{collection}", JSON, "the collection"),
        *about.licence_link(),
    ]


def _as_asked(about: Asked, answer: Response, wanted: str) -> Response:
    """Name the coordinates, and call GeoJSON what it also is for clients that know JSON only."""
    answer.headers["Content-Crs"] = f"<{parameters.CRS84}>"
    if wanted == "json" and about.query.f is None:
        answer.headers["Content-Type"] = JSON
    return answer
