"""`/sources` and `/actors`: who reports, and who fights."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.api import params
from app.api.deps import AppSettings, ReadConnection, asked, country_asked, paged
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.schemas.base import asked as asked_members
from app.api.schemas.events import ActorList, SourceDetail, SourceList
from app.domain.errors import UnknownRecordError
from app.store import sources

router = APIRouter(tags=["Sources and parties"])


class AfterSource(params.Cursor):
    """Where a page of publishers ended."""

    id: params.Slug


class AfterCitation(params.Cursor):
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


@router.get(
    "/sources/{id}",
    summary="One publisher and its citations",
    responses=example("source") | documented(404, 406, 422),
)
def get_source(
    request: Request,
    response: Response,
    source_id: Annotated[
        params.Slug, Path(alias="id", description="Id of a publisher.", examples=["kabul-now"])
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
