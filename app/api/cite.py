"""`/cite`: how to cite an answer, with an address that always gives it again."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from app.api import params
from app.api.deps import AppSettings, ReadConnection, asked, check_filters, country_asked
from app.api.errors import documented
from app.api.examples import example
from app.api.formats import MEDIA_TYPES, negotiate
from app.api.permalinks import address, page_of, quotable, recorded
from app.api.references import Reference, bibtex_of, csl_of, text_of
from app.api.routes import Route
from app.api.schemas import cite as documents
from app.api.schemas.base import asked as asked_members
from app.api.summaries import counts_told
from app.domain.control import Question
from app.domain.errors import InvalidValueError
from app.domain.places import Named
from app.domain.words import written
from app.importers.fields import PlaceId
from app.store import places, sources
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which, statuses

router = APIRouter(tags=["Citing"], route_class=Route)


class CiteQuery(params.CountryClocks):
    """`GET /cite`."""

    district: PlaceId | None = Field(
        None, description="P-code: cite the answer about this district.", examples=["AF2907"]
    )
    province: PlaceId | None = Field(
        None, description="P-code: cite the answer about this province."
    )


@router.get(
    "/cite",
    summary="How to cite an answer",
    response_model=documents.Cited,
    responses=example("cite", "text", "bibtex", "csl") | documented(404, 406, 422),
)
def get_citation(
    request: Request,
    query: Annotated[CiteQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """A citation as text, BibTeX and CSL-JSON, of a district, a province or the whole country.

    `permalink` and `api_permalink` fix the clocks: they give this answer again whenever they are
    asked, whatever is recorded later. Where you left out `as_of`, it is today's date; where you
    left out `known_at`, it is the newest state of the record. The day of access is that of this
    state. `f=text`, `f=bibtex` and `f=csl` give one form alone.
    """
    wanted = negotiate(request, query.f, "json", "text", "bibtex", "csl")
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, district=query.district, province=query.province)
    if query.district and query.province:
        raise InvalidValueError("cite a district or a province, not both", field="province")
    question = asked(connection, query, country.zone)
    subject = _subject(connection, query, question, country)
    page = page_of(request, question, country=country.code, place=subject.page)
    reference = Reference(
        key=f"district-control-{subject.id}-{_key(question)}",
        title=f"{subject.title}, {written(question.clocks.as_of.text)}",
        says=subject.in_words,
        recorded=question.clocks.known_at.astimezone(country.zone).date(),
        state=recorded(question),
        revision=question.revision,
        url=page,
    )
    if wanted == "text":
        return _file(text_of(reference) + "\n", "text", f"{reference.key}.txt")
    if wanted == "bibtex":
        return _file(bibtex_of(reference), "bibtex", f"{reference.key}.bib")
    if wanted == "csl":
        return JSONResponse([csl_of(reference)], media_type=MEDIA_TYPES["csl"])
    path, parameters = subject.answer
    document = documents.Cited.model_validate(
        {
            **asked_members(question),
            "country": {"id": country.code, "name": country.name},
            "province": subject.province,
            "district": subject.district,
            "title": reference.title,
            "in_words": reference.says,
            "permalink": page,
            "api_permalink": address(request, path, quotable(question, **parameters)),
            "text": text_of(reference),
            "bibtex": bibtex_of(reference),
            "csl": csl_of(reference),
        }
    )
    return Response(document.model_dump_json(), media_type=MEDIA_TYPES["json"])


def _file(content: str, form: str, name: str) -> Response:
    return Response(
        content,
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


def _key(question: Question) -> str:
    """What tells two citations of one place apart: its date, and the state of the record."""
    moment = re.sub(r"[^0-9A-Za-z]+", "-", question.clocks.as_of.text)
    return f"{moment}-r{question.revision}"


@dataclass(frozen=True)
class _Subject:
    """What is cited: its page (None: that of the country), and the address of its answer."""

    id: str
    title: str
    in_words: str
    page: tuple[str, str] | None
    answer: tuple[str, dict[str, str]]
    province: Named | None = None
    district: DistrictStatus | None = None


def _subject(
    connection: Connection, query: CiteQuery, question: Question, country: places.Country
) -> _Subject:
    which = Which(country=country.code, province=query.province, district=query.district)
    found = statuses(connection, question, which)
    if query.district:
        (told,) = found
        return _Subject(
            id=told.id,
            title=f"Who controls {told.name} ({told.province.name})",
            in_words=told.in_words(question),
            page=("d", told.id),
            answer=(f"districts/{told.id}/control", {}),
            province=told.province,
            district=told,
        )
    names = sources.actor_names(connection)
    if query.province:
        province = places.list_provinces(connection, province=query.province)[0]
        return _Subject(
            id=province.id,
            title=f"Who controls which district: {province.name} ({country.name})",
            in_words=counts_told(question, province.name, found, names),
            page=("p", province.id),
            answer=("control", {"province": province.id, "country": country.code}),
            province=Named(province.id, province.name),
        )
    return _Subject(
        id=country.code,
        title=f"Who controls which district: {country.name}",
        in_words=counts_told(question, country.name, found, names),
        page=None,
        answer=("control", {"country": country.code}),
    )
