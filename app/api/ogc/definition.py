"""The addresses under `/ogc` in OpenAPI 3.0, which GIS programs read; the service writes 3.1."""

from typing import Any

from app.api.ogc.parameters import MAX_LIMIT

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
_PREFIX = "/ogc"
_SAME = {"type", "enum", "pattern", "minLength", "maxLength", "minimum", "description", "format"}
_PROBLEM = {"application/problem+json": {"schema": {"type": "object"}}}
# Lists in 3.0; here they are read as one text, so that what is wrong can be said in one sentence.
_BOX = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_SHARED = ("limit", "bbox")
"""Parameters that programs look for among the components."""


def definition(whole: dict[str, Any], base: str) -> dict[str, Any]:
    """The part of the service's OpenAPI 3.1 document that lies under `/ogc`, as OpenAPI 3.0.

    Paths are those of the standard, from the landing page on; `base` is the service's address.
    """
    known = whole["components"]["schemas"]
    shared: dict[str, Any] = {}
    paths = {
        path.removeprefix(_PREFIX) or "/": {"get": _operation(item["get"], known, shared)}
        for path, item in whole["paths"].items()
        if path.startswith(_PREFIX)
    }
    info = whole["info"]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{info['title']}: OGC API - Features",
            "version": info["version"],
            "description": info["summary"],
            "contact": info["contact"],
            "license": {"name": info["license"]["name"]},
        },
        "servers": [{"url": f"{base}{_PREFIX}"}],
        "paths": paths,
        "components": {"parameters": shared},
    }


def _operation(
    operation: dict[str, Any], known: dict[str, Any], shared: dict[str, Any]
) -> dict[str, Any]:
    parameters = []
    for given in operation.get("parameters", []):
        parameter = _parameter(given, known)
        if parameter["name"] in _SHARED:
            shared[parameter["name"]] = parameter
            parameter = {"$ref": f"#/components/parameters/{parameter['name']}"}
        parameters.append(parameter)
    return {
        "summary": operation["summary"],
        "description": operation["description"],
        "operationId": operation["operationId"],
        "parameters": parameters,
        "responses": {
            status: {
                "description": response["description"],
                **({"content": _content(status, response)} if "content" in response else {}),
            }
            for status, response in operation["responses"].items()
        },
    }


def _content(status: str, response: dict[str, Any]) -> dict[str, Any]:
    """The media types alone: the schemas of the documents are those of the standard."""
    if status >= "4":
        return _PROBLEM
    return {media_type: {"schema": {"type": "object"}} for media_type in response["content"]}


def _parameter(given: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    schema = in_openapi_30(given["schema"], known)
    schema.pop("description", None)
    parameter = {
        "name": given["name"],
        "in": given["in"],
        "required": given["required"],
        "description": given["description"],
        "schema": schema,
    }
    if given["in"] == "query":
        parameter |= {"style": "form", "explode": False}
    if given["name"] == "bbox":
        parameter["schema"] = _BOX
    if given["name"] == "limit":
        # More is no error, and counts as this.
        parameter["schema"] = schema | {"maximum": MAX_LIMIT}
    return parameter


def in_openapi_30(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A schema of one parameter in the words of OpenAPI 3.0, which has no `null` and no `const`.

    `known` are the schemas that it may refer to.
    """
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    if choices:
        schema = choices[0] | {k: v for k, v in schema.items() if k != "anyOf"}
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]] | schema
    plain = {name: value for name, value in schema.items() if name in _SAME}
    if "const" in schema:
        plain["enum"] = [schema["const"]]
    if schema.get("default") is not None:
        plain["default"] = schema["default"]
    return plain
