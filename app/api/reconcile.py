"""`/reconcile`: the W3C Reconciliation API 0.2, for matching tables of names in OpenRefine.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from collections import Counter
from importlib.metadata import version
from typing import Annotated
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api import params, preview
from app.api.deps import AppSettings, ReadConnection, asked
from app.api.errors import documented
from app.api.routes import Route
from app.api.schemas import reconcile as documents
from app.domain.errors import InvalidValueError, UnknownPlaceError
from app.domain.places import Sought, name_key
from app.importers.fields import PlaceId
from app.settings import Settings
from app.store import matching, places, search
from app.store.engine import Connection
from app.store.search import PlaceKind
from app.store.status import Which, statuses

PATH = "/reconcile"
router = APIRouter(tags=["Reconciliation"], route_class=Route)

_FORM = "application/x-www-form-urlencoded"
_SUGGESTED = 20
_WIDTH, _HEIGHT = 400, 200
_KINDS = {
    "district": documents.Kind(id="district", name="District"),
    "province": documents.Kind(id="province", name="Province"),
}
_PROPERTIES = {
    "province": "Province: the name, code or id of the one that a district lies in",
    "country": "Country: its two-letter code or its name",
}


class Queries(BaseModel):
    """`GET /reconcile`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queries: str | None = Field(
        None,
        max_length=100_000,
        description="JSON object with queries under names of the client's own; without it the "
        "answer is the manifest.",
        examples=['{"q0": {"query": "Kaysar", "type": "district"}}'],
    )


class Suggest(BaseModel):
    """What is typed so far. Clients send parameters of older services with it: not refused."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    prefix: params.Name = Field(description="The beginning of a name, in any spelling, or an id.")
    cursor: int = Field(0, ge=0, le=10_000, description="How many suggestions to leave out.")


class SuggestEntity(Suggest):
    """`GET /reconcile/suggest/entity`."""

    type: PlaceKind | None = Field(None, description="Only places of this kind.")


class OfPlace(BaseModel):
    """`GET /reconcile/preview` and `/reconcile/view`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: PlaceId = Field(description="P-code of a district or province.", examples=["AF2907"])


async def _queries_in_body(request: Request) -> str:
    """The queries of a form, read after `auth.admit` has let the request in."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, f"send the queries as {_FORM}", {"Accept-Post": _FORM})
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=10, errors="strict"
        )
    except ValueError:
        raise InvalidValueError("the form cannot be read", field="queries") from None
    for name, _ in fields:
        if name != "queries":
            raise InvalidValueError("there is no such parameter here", field=name[:40])
    if len(fields) != 1:
        raise InvalidValueError("give one `queries`", field="queries")
    return fields[0][1]


FormQueries = Annotated[str, Depends(_queries_in_body)]


@router.get(
    PATH,
    summary="What the reconciliation service is, or candidates for names",
    response_model=documents.Manifest | documents.Answers,
    response_model_exclude_none=True,
    responses=documented(422),
)
def get_reconcile(
    request: Request,
    query: Annotated[Queries, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> documents.Manifest | documents.Answers:
    """The manifest, which OpenRefine reads first; with `queries`, the answers that POST gives."""
    if query.queries is None:
        return _manifest(request)
    return _answer(connection, query.queries, settings)


@router.post(
    PATH,
    summary="Find candidates for a table's names",
    response_model_exclude_none=True,
    responses=documented(413, 415, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                _FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["queries"],
                        "additionalProperties": False,
                        "properties": {"queries": {"type": "string"}},
                    },
                    "example": {"queries": '{"q0": {"query": "Kaysar", "type": "district"}}'},
                }
            },
        }
    },
)
def post_reconcile(
    queries: FormQueries, connection: ReadConnection, settings: AppSettings
) -> documents.Answers:
    """Up to 50 names at once, each with its candidates, the best first.

    `match` is true only for what is sure: an id, or a name on record that no other place has or
    sounds like. Give the `province` as a property where there is a column for it: it tells
    districts of one name apart. This reads and records nothing.
    """
    return _answer(connection, queries, settings)


@router.get(
    f"{PATH}/suggest/entity",
    summary="Suggest places",
    response_model_exclude_none=True,
    responses=documented(422),
)
def suggest_entity(
    query: Annotated[SuggestEntity, Query()], connection: ReadConnection, settings: AppSettings
) -> documents.SuggestedEntities:
    """Places whose name begins with, contains or resembles what is typed, 20 at a time."""
    if not name_key(query.prefix):
        return documents.SuggestedEntities(result=[])
    sought = Sought.of(query.prefix)
    kinds: tuple[PlaceKind, ...] = (query.type,) if query.type else ("district", "province")
    last = query.cursor + _SUGGESTED
    where = search.Where(country=settings.default_country, limit=last)
    found = [(kind, one) for kind in kinds for one in search.find(connection, kind, sought, where)]
    found.sort(key=lambda pair: (-pair[1].match.score, pair[1].id))
    return documents.SuggestedEntities(
        result=[
            documents.Suggestion(
                id=one.id, name=one.name, description=_described(one), notable=[_KINDS[kind]]
            )
            for kind, one in found[query.cursor : last]
        ]
    )


@router.get(
    f"{PATH}/suggest/type",
    summary="Suggest types of places",
    response_model_exclude_none=True,
    responses=documented(422),
)
def suggest_type(query: Annotated[Suggest, Query()]) -> documents.Suggested:
    """The types that a query can be narrowed down to: districts and provinces."""
    return _suggested(query, {id_: kind.name for id_, kind in _KINDS.items()})


@router.get(
    f"{PATH}/suggest/property",
    summary="Suggest properties of places",
    response_model_exclude_none=True,
    responses=documented(422),
)
def suggest_property(query: Annotated[Suggest, Query()]) -> documents.Suggested:
    """The properties that a query can be narrowed down by: province and country."""
    return _suggested(query, _PROPERTIES)


@router.get(
    f"{PATH}/preview",
    summary="A place as a small page",
    response_class=HTMLResponse,
    responses=documented(404, 422),
)
def preview_place(query: Annotated[OfPlace, Query()], connection: ReadConnection) -> HTMLResponse:
    """Name, province, and who holds it today: a page of its own that loads nothing else."""
    kind, place = _place(connection, query.id)
    question = asked(connection, params.Clocks(), place.zone)
    which = Which(district=place.id) if kind == "district" else Which(province=place.id)
    held = statuses(connection, question, which)
    if kind == "district":
        return HTMLResponse(preview.of_district(held[0], question), headers=preview.HEADERS)
    (province,) = places.list_provinces(connection, province=place.id)
    holders = Counter(one.controller.name if one.controller else one.status for one in held)
    return HTMLResponse(preview.of_province(province, holders, question), headers=preview.HEADERS)


@router.get(
    f"{PATH}/view",
    summary="Where a place is described",
    status_code=307,
    response_class=RedirectResponse,
    responses=documented(404, 422),
)
def view_place(
    request: Request, query: Annotated[OfPlace, Query()], connection: ReadConnection
) -> RedirectResponse:
    """Leads to `/districts/{id}` or `/provinces/{id}`: a manifest has one address for both."""
    kind, place = _place(connection, query.id)
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/{kind}s/{quote(place.id)}", status_code=307)


def _manifest(request: Request) -> documents.Manifest:
    base = str(request.base_url).rstrip("/")
    suggest = {
        what: documents.Service(service_url=base, service_path=f"{PATH}/suggest/{what}")
        for what in ("entity", "type", "property")
    }
    return documents.Manifest(
        versions=["0.2"],
        name="District Control: districts and provinces",
        identifierSpace=f"{base}{PATH}/view?id=",
        schemaSpace=f"{base}/docs",
        documentation=f"{base}/docs",
        serviceVersion=version("district-control"),
        defaultTypes=list(_KINDS.values()),
        view=documents.Template(url=f"{base}{PATH}/view?id={{{{id}}}}"),
        preview=documents.PreviewTemplate(
            url=f"{base}{PATH}/preview?id={{{{id}}}}", width=_WIDTH, height=_HEIGHT
        ),
        suggest=documents.Suggests(**suggest),
        batchSize=documents.BATCH,
    )


def _answer(connection: Connection, queries: str, settings: Settings) -> documents.Answers:
    try:
        batch = documents.BATCHES.validate_json(queries)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(("queries", *map(str, fault["loc"])))
        detail = str(fault["msg"]).removeprefix("Value error, ")
        raise InvalidValueError(f"{place[:100]}: {detail}", field="queries") from None
    return documents.Answers(
        {name: _candidates(connection, query, settings) for name, query in batch.items()}
    )


def _candidates(
    connection: Connection, query: documents.ReconciliationQuery, settings: Settings
) -> documents.Candidates:
    given = {one.pid: one.texts for one in query.properties}
    country = _country(connection, given.get("country", ()), settings.default_country)
    if country is None or query.query is None:
        return documents.Candidates(result=[])
    cell = matching.Cell(query.query, country, query.kinds, given.get("province", ()))
    return documents.Candidates(
        result=[
            documents.Candidate(
                id=one.found.id,
                name=one.found.name,
                description=_described(one.found),
                type=[_KINDS[one.kind]],
                score=round(100 * one.found.match.score, 2),
                match=one.sure,
            )
            for one in matching.candidates(connection, cell, query.limit)
        ]
    )


def _country(connection: Connection, written: tuple[str, ...], default: str) -> str | None:
    """The code of the country that is written; None if it is not on record."""
    said = [text for text in written if name_key(text)]
    return places.country_called(connection, said[0]) if said else default


def _described(found: search.Found) -> str:
    lies = f"District of {found.province.name}" if found.province else "Province"
    return f"{lies}; known as {found.match.name}" if found.match.name != found.name else lies


def _suggested(query: Suggest, named: dict[str, str]) -> documents.Suggested:
    begin = name_key(query.prefix)
    fits = [
        documents.Described(id=id_, name=name)
        for id_, name in named.items()
        if begin in name_key(f"{id_} {name}")
    ]
    return documents.Suggested(result=fits[query.cursor :])


def _place(connection: Connection, id_: str) -> tuple[PlaceKind, places.Place]:
    kinds: tuple[PlaceKind, ...] = ("district", "province")
    for kind in kinds:
        found = places.place(connection, kind, id_)
        if found:
            return kind, found
    raise UnknownPlaceError(f"there is no district or province {id_!r}", field="id")
