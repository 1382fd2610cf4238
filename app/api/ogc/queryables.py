"""The properties that a collection can be filtered by, as JSON Schema (OGC API - Features 3.0)."""

from typing import Any

from app.api.ogc.definition import in_openapi_30
from app.api.ogc.parameters import ItemsQuery

SCHEMA = "application/schema+json"


def queryables(address: str, title: str, query: type[ItemsQuery]) -> dict[str, Any]:
    """The schema at an address, of the parameters that a collection is filtered by."""
    schema = query.model_json_schema()
    known = schema.get("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": title,
        "properties": {
            name: in_openapi_30(schema["properties"][name], known) for name in query.filters()
        },
        "additionalProperties": False,
    }
