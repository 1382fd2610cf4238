"""The document that describes the vector tiles."""

from typing import Literal

from pydantic import Field

from app.api.schemas.base import Asked, BoundarySet, Document
from app.store.tiles import Layer

_DISTRICT = {
    "id": "P-code",
    "name": "name in Latin letters",
    "name_local": "name in the country's own script",
    "province_id": "P-code of the province",
    "is_provincial_capital": "boolean: the capital of the province lies in it",
    "status": "controlled, contested or unknown",
    "controller": "id of the party that holds it",
    "controller_name": "name of that party",
    "since": "day since when it has been so, as 2021-06-06",
    "confidence": "how well the deciding event is supported: claimed, reported or confirmed",
    "disputed": "boolean: a document disputes the deciding event",
}
_PROVINCE = {"id": "P-code", "name": "name in Latin letters"}
_LINE = {
    "id": "the ids of both districts",
    "kind": "front (held by different parties), contested (one side is), or unknown (nothing on "
    "record counts for one side)",
    "length_km": "number: geodesic length of the whole border between the two",
    **{
        f"{name}_{side}": f"{said}, side {side}"
        for side in (1, 2)
        for name, said in (
            ("district_id", "P-code of the district"),
            ("status", "its status"),
            ("controller_id", "id of the party that holds it"),
        )
    },
}


class VectorLayer(Document):
    """One layer of the tiles."""

    id: str
    description: str
    fields: dict[str, str] = Field(
        description="attributes of its features; one that is null in JSON is missing in a tile"
    )


_DESCRIBED: dict[Layer, tuple[str, dict[str, str]]] = {
    Layer.DISTRICTS: ("Districts and who holds them", _DISTRICT),
    Layer.PROVINCES: ("Outlines of provinces", _PROVINCE),
    Layer.FRONTLINE: (
        "Borders between districts that are not in the same hands, of every kind: filter by `kind`",
        _LINE,
    ),
    Layer.BORDERS: (
        "Every border between two districts, whoever holds them",
        {name: _LINE[name] for name in ("id", "district_id_1", "district_id_2")},
    ),
}
LAYERS = {
    layer: VectorLayer(id=layer, description=description, fields=fields)
    for layer, (description, fields) in _DESCRIBED.items()
}


class TileJson(Asked):
    """TileJSON 3.0.0, and what the tiles were asked for."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    description: str = (
        "Who controls each district. Features have no numeric id: name `id` in `promoteId`."
    )
    attribution: str = Field(description="of the boundary set, as HTML")
    scheme: Literal["xyz"] = "xyz"
    tiles: list[str] = Field(description="addresses of tiles, with the clocks fixed")
    minzoom: int = 0
    maxzoom: int = Field(description="closer views are drawn from tiles of this zoom")
    bounds: list[float] = Field(description="west, south, east, north in degrees (WGS 84)")
    center: tuple[float, float, int] = Field(description="longitude, latitude, zoom")
    vector_layers: list[VectorLayer]
    promote_id: dict[str, str] = Field(
        alias="promoteId",
        description="what to put into the source of a MapLibre style, for feature-state",
    )
    boundary_set: BoundarySet
