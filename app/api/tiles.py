"""`/tiles`: vector tiles with the status of every district, and the TileJSON about them."""

import math
import re
from functools import partial
from html import escape
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.api import params
from app.api.deps import (
    AppSettings,
    ReadConnection,
    asked,
    country_asked,
    fixed,
    shapes_needed,
)
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import MEDIA_TYPES, negotiate
from app.api.routes import Route
from app.api.schemas import tiles as documents
from app.api.schemas.base import BoundarySet
from app.api.schemas.base import asked as asked_members
from app.domain.errors import UnknownRecordError
from app.store import boundaries, tiles

router = APIRouter(tags=["Maps"], route_class=Route)

TEMPLATE = "/tiles/{z}/{x}/{y}.mvt"
_WORLD = (-180.0, -85.05112878, 180.0, 85.05112878)
"""What a set without shapes is described with: all that Web Mercator shows."""
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)


Layers = Annotated[
    str,
    StringConstraints(max_length=80),
    AfterValidator(partial(params.words_of, words=tiles.Layer)),
]


class TileQuery(params.CountryClocks, params.Drawn):
    """`GET /tiles/{z}/{x}/{y}.mvt` and `/tiles.json`."""

    layers: Layers = Field(
        ",".join(tiles.USUAL),
        description="Which layers, with commas between: `districts`, `provinces`, `frontline`, "
        "`borders` (every border between two districts, whoever holds them, for maps that colour "
        "by themselves).",
    )

    @property
    def wanted(self) -> tuple[tiles.Layer, ...]:
        """The layers, read, in the order of a tile."""
        given = self.layers.split(",")
        return tuple(layer for layer in tiles.Layer if layer in given)


def _written_out(text: Any) -> Any:
    """Pydantic takes `1.0`, `1_0` and ` 1` for whole numbers too: many addresses of one tile."""
    if isinstance(text, str) and not _NUMBER.fullmatch(text):
        raise ValueError("write a whole number")
    return text


Number = Annotated[int, BeforeValidator(_written_out)]


async def _tile(
    z: Annotated[Number, Path(description=f"Zoom, 0 to {tiles.MAX_ZOOM}.", examples=[6])],
    x: Annotated[Number, Path(description="Column, from the west.", examples=[44])],
    y: Annotated[Number, Path(description="Row, from the north.", examples=[25])],
) -> tiles.Tile:
    """The tile in the path; UnknownRecordError names the number that lies outside."""
    if not 0 <= z <= tiles.MAX_ZOOM:
        raise UnknownRecordError(f"there are tiles of the zooms 0 to {tiles.MAX_ZOOM}", field="z")
    tile = tiles.Tile(z, x, y)
    for name, number in (("x", x), ("y", y)):
        if not 0 <= number < tile.across:
            raise UnknownRecordError(
                f"at zoom {z}, {name} goes from 0 to {tile.across - 1}", field=name
            )
    return tile


TileInPath = Annotated[tiles.Tile, Depends(_tile)]


@router.get(
    "/tiles.json",
    summary="How to use the vector tiles (TileJSON)",
    responses=example("tiles") | documented(404, 406, 422),
)
def get_tilejson(
    request: Request,
    query: Annotated[TileQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.TileJson:
    """TileJSON 3.0: give its address to a map, and the map shows the moment that you ask for.

    The address of the tiles that it names has the clocks and the boundary set fixed, also those
    that you left out, so that all tiles of a map show one moment. Ask again for a newer one.
    """
    negotiate(request, query.f, "json")
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    shapes = shapes_needed(connection, query, country.code)
    bounds = boundaries.coverage_of(connection, shapes).bbox or _WORLD
    clocks = fixed(question)
    if question.clocks.reported_by:
        clocks["reported_by"] = question.clocks.reported_by.text
    asked_for = {
        **clocks,
        "min_confidence": question.minimum.label,
        "country": country.code,
        "boundary_set": shapes.id,
    }
    if query.wanted != tiles.USUAL:
        asked_for["layers"] = ",".join(query.wanted)
    return documents.TileJson.model_validate(
        {
            **asked_members(question),
            "boundary_set": BoundarySet.of(shapes),
            "name": f"District control, {country.name}, {question.clocks.as_of.text}",
            # Maps put it into their page as HTML.
            "attribution": escape(shapes.attribution, quote=False),
            "vector_layers": [documents.LAYERS[layer] for layer in query.wanted],
            "promoteId": dict.fromkeys(query.wanted, "id"),
            "tiles": [f"{request.base_url}{TEMPLATE.removeprefix('/')}?{urlencode(asked_for)}"],
            "maxzoom": tiles.MAX_ZOOM,
            "bounds": bounds,
            "center": _center(bounds),
        }
    )


@router.get(
    TEMPLATE,
    summary="One vector tile",
    response_class=Response,
    responses={
        200: {
            "description": "A Mapbox Vector Tile, version 2",
            "content": {MEDIA_TYPES["mvt"]: {"schema": {"type": "string", "format": "binary"}}},
        },
        204: {"description": "Nothing lies in this tile"},
        **documented(404, 406, 422),
    },
)
def get_tile(
    request: Request,
    tile: TileInPath,
    query: Annotated[TileQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Districts with who holds them, provinces and front lines, simplified for the zoom.

    Layers: `districts`, `provinces` and `frontline`, unless `layers` names others; `/tiles.json`
    lists their attributes. A missing attribute is null in JSON. `frontline` has the kinds `front`,
    `contested` and `unknown` in one layer: draw those that you mean, for behind an `unknown` line
    nobody reported who stands there. Features have no numeric id; use `promoteId: "id"` in
    MapLibre. Lines follow district borders.
    """
    negotiate(request, query.f, "mvt")
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    shapes = shapes_needed(connection, query, country.code)
    drawn = tiles.draw(connection, question, shapes.id, tile, query.wanted)
    if not drawn:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return Response(drawn, media_type=MEDIA_TYPES["mvt"])


def _center(bounds: tuple[float, float, float, float]) -> tuple[float, float, int]:
    """The middle of a box, and a zoom at which a map of about 1,000 pixels shows all of it."""
    west, south, east, north = bounds
    widest = max(east - west, 2 * (north - south), 360 / (1 << tiles.MAX_ZOOM))
    zoom = min(int(math.log2(720 / widest)), tiles.MAX_ZOOM)
    return (round((west + east) / 2, 5), round((south + north) / 2, 5), zoom)
