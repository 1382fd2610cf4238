"""Formats: which one a client wants, and how lists are written as GeoJSON and CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from app.api.errors import NotAcceptableError
from app.api.schemas.base import Asked, asked
from app.domain.control import Question
from app.domain.errors import InvalidValueError

MEDIA_TYPES = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    # Not registered; it is what the makers of FlatGeobuf ask for, and STAC uses it.
    "fgb": "application/vnd.flatgeobuf",
    "gpkg": "application/geopackage+sqlite3",
    "mvt": "application/vnd.mapbox-vector-tile",
    "svg": "image/svg+xml",
    "png": "image/png",
    "text": "text/plain",
    # Not registered either; it is what sites that hand out BibTeX call it.
    "bibtex": "application/x-bibtex",
    "csl": "application/vnd.citationstyles.csl+json",
    "openapi": "application/vnd.oai.openapi+json",
    "schema": "application/schema+json",
}


CLOCKS = ("as_of", "reported_by", "known_at", "min_confidence", "revision")
"""The last columns of every table: what it was asked for, so that it can be asked again."""


def clocks(question: Question) -> dict[str, object]:
    """The values of those columns, written as in JSON."""
    asked_for = Asked.model_validate(asked(question)).model_dump(mode="json")
    return {name: asked_for[name] for name in CLOCKS}


def negotiate(request: Request, wanted: str | None, *offered: str) -> str:
    """The format to answer in: the parameter `f`, else the best of the Accept header.

    Raises InvalidValueError for an `f`, and NotAcceptableError for an Accept header, that no
    format offered here meets.
    """
    if wanted is not None:
        if wanted not in offered:
            raise InvalidValueError(f"this address answers in {', '.join(offered)} only", field="f")
        return wanted
    header = ", ".join(request.headers.getlist("accept")) or "*/*"
    # Parameters are left out: `application/json; charset=utf-8` is asking for JSON.
    ranges = [
        (kind.split(";")[0].strip(), q) for kind, q in parse_accept_header(header, MIMEAccept)
    ]
    best = MIMEAccept(ranges).best_match([MEDIA_TYPES[name] for name in offered])
    if best is None:
        raise NotAcceptableError([MEDIA_TYPES[name] for name in offered])
    return next(name for name in offered if MEDIA_TYPES[name] == best)


def feature_collection(
    envelope: BaseModel, features: Iterable[tuple[str, str, str | None]]
) -> Response:
    """A GeoJSON feature collection (RFC 7946).

    `features` are (id, properties as JSON, geometry as GeoJSON or None); the members of `envelope`
    stand beside them.
    """
    written = (
        f'{{"type":"Feature","id":{json.dumps(key, ensure_ascii=False)},'
        f'"properties":{properties},"geometry":{geometry or "null"}}}'
        for key, properties, geometry in features
    )
    document = with_list(envelope, "features", written)
    return Response(
        f'{{"type":"FeatureCollection",{document[1:]}', media_type=MEDIA_TYPES["geojson"]
    )


def with_list(envelope: BaseModel, name: str, items: Iterable[str]) -> str:
    """A document as JSON: the members of `envelope`, then a list of items that are JSON already."""
    return f'{envelope.model_dump_json(by_alias=True)[:-1]},"{name}":[{",".join(items)}]}}'


def json_answer(text: str) -> Response:
    """An answer that is JSON already."""
    return Response(text, media_type=MEDIA_TYPES["json"])


def table(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """A CSV table (RFC 4180, UTF-8) with a header, to be saved under `name`."""
    return Response(
        table_text(columns, rows, header=True),
        media_type=MEDIA_TYPES["csv"],
        headers={"Content-Disposition": f'inline; filename="{name}.csv"'},
    )


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """Rows of a CSV table. An empty cell is JSON's null; true and false are written as there."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, extrasaction="ignore")
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in row.items()
            }
        )
    return text.getvalue()
