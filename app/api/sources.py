"""`/sources` and `/actors`: who reports, and who fights."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app.api import cursors, params
from app.api.deps import AppSettings, ReadConnection, asked, country_asked, paged
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.once import AdminWrite, WriterWrite
from app.api.routes import Route
from app.api.schemas.base import asked as asked_members
from app.api.schemas.events import (
    Actor,
    ActorList,
    ActorRecorded,
    SourceDetail,
    SourceList,
    SourceRecorded,
)
from app.api.schemas.writes import ActorIn, SourceIn
from app.domain.errors import InvalidValueError, UnknownRecordError
from app.importers.fields import Slug
from app.importing.names import id_of_name
from app.recording import add_actor, add_source
from app.store import sources

router = APIRouter(tags=["Sources and parties"], route_class=Route)


class AfterSource(cursors.Cursor):
    """Where a page of publishers ended."""

    id: Slug


class AfterCitation(cursors.Cursor):
    """Where a page of citations ended."""

    published_latest: datetime
    id: UUID


@router.get(
    "/sources",
    summary="List publishers",
    responses=example("sources") | documented(404, 406, 422),
)
def list_sources(
    request: Request,
    response: Response,
    query: Annotated[params.SourceList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> SourceList:
    """The publishers whose documents are cited, with how often and for how many districts."""
    negotiate(request, query.f, "json")
    after = AfterSource.read(query.cursor)
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    found = sources.list_sources(
        connection,
        question,
        country.code,
        after=after.id if after else None,
        limit=query.limit + 1,
    )
    page, link = paged(request, question, found, query.limit, lambda last: {"id": last.id})
    response.headers.update(link)
    return SourceList.model_validate({**asked_members(question), "sources": page})


@router.post(
    "/sources",
    summary="Record a publisher",
    status_code=201,
    response_model=SourceRecorded,
    responses=documented(400, 403, 409, 413, 422),
    tags=["Writing"],
)
def post_source(request: Request, body: SourceIn, write: WriterWrite) -> Response:
    """Record a publisher, so that its documents can be cited. Look first whether it is there."""

    def add() -> Response:
        source = body.id or _id_of(body.name)
        revision = add_source(write.connection, source, body.name, author=write.author)
        return _recorded(
            request,
            SourceRecorded(
                id=source,
                name=body.name,
                revision=revision.number,
                known_at=revision.recorded_at,
            ),
            f"/sources/{source}",
        )

    return write.once(add)


@router.get(
    "/sources/{id}",
    summary="One publisher and its citations",
    responses=example("source") | documented(404, 406, 422),
)
def get_source(
    request: Request,
    response: Response,
    source_id: Annotated[
        Slug, Path(alias="id", description="Id of a publisher.", examples=["kabul-now"])
    ],
    query: Annotated[params.SourceList, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> SourceDetail:
    """What a publisher is cited for, in the order of publication."""
    negotiate(request, query.f, "json")
    after = AfterCitation.read(query.cursor)
    country = country_asked(connection, query, settings)
    question = asked(connection, query, country.zone)
    source = sources.list_sources(connection, question, country.code, source=source_id)
    if not source:
        raise UnknownRecordError(f"there is no source {source_id!r}", field="id")
    position = sources.AfterCitation(after.published_latest, after.id) if after else None
    found = sources.cited_for(
        connection, question, source_id, country.code, after=position, limit=query.limit + 1
    )
    page, link = paged(request, question, found, query.limit, _position)
    response.headers.update(link)
    return SourceDetail.model_validate(
        {
            **asked_members(question),
            "source": source[0],
            "cited_for": [
                {
                    "event_id": one.citation.event_id,
                    "district": one.district,
                    "citation": one.citation,
                }
                for one in page
            ],
        }
    )


def _position(last: sources.CitedFor) -> dict[str, object]:
    return {"published_latest": last.citation.published_latest, "id": last.citation.id}


@router.get(
    "/actors",
    summary="List parties",
    responses=example("actors") | documented(406, 422),
)
def list_actors(
    request: Request, query: Annotated[params.Query, Query()], connection: ReadConnection
) -> ActorList:
    """The parties that can hold a district, with the names that documents give them."""
    negotiate(request, query.f, "json")
    return ActorList.model_validate({"actors": sources.list_actors(connection)})


@router.get(
    "/actors/{id}",
    summary="One party",
    responses=example("actor") | documented(404, 406, 422),
)
def get_actor(
    request: Request,
    actor_id: Annotated[Slug, Path(alias="id", description="Id of a party.", examples=["taliban"])],
    query: Annotated[params.Query, Query()],
    connection: ReadConnection,
) -> Actor:
    """A party that can hold a district, with the names that documents give it."""
    negotiate(request, query.f, "json")
    for actor in sources.list_actors(connection):
        if actor.id == actor_id:
            return Actor.model_validate(actor)
    raise UnknownRecordError(f"there is no actor {actor_id!r}", field="id")


@router.post(
    "/actors",
    summary="Record a party",
    status_code=201,
    response_model=ActorRecorded,
    responses=documented(400, 403, 409, 413, 422),
    tags=["Writing"],
)
def post_actor(request: Request, body: ActorIn, write: AdminWrite) -> Response:
    """Record a party that can hold a district.

    This takes the scope `admin`: a second entry for one party would split every count of it.
    """

    def add() -> Response:
        actor = {**body.model_dump(), "id": body.id or _id_of(body.name)}
        revision = add_actor(write.connection, actor, author=write.author)
        listed = {actor.id: actor for actor in sources.list_actors(write.connection)}
        return _recorded(
            request,
            ActorRecorded(
                **vars(listed[actor["id"]]),
                revision=revision.number,
                known_at=revision.recorded_at,
            ),
            f"/actors/{actor['id']}",
        )

    return write.once(add)


def _id_of(name: str) -> str:
    made = id_of_name(name)
    if not made:
        raise InvalidValueError(f"no id can be made from {name[:40]!r}: give one", field="id")
    return made


def _recorded(request: Request, document: BaseModel, address: str) -> Response:
    return Response(
        document.model_dump_json(),
        status_code=201,
        media_type="application/json",
        headers={"Location": f"{request.scope.get('root_path', '')}{address}"},
    )
