"""`/feed.atom` and `/feed.json`: what was recorded, for feed readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from feedgenerator import Atom1Feed
from pydantic import Field

from app.api import params
from app.api.deps import AppSettings, ReadConnection, check_filters, country_asked
from app.api.errors import documented
from app.api.routes import Route
from app.api.schemas.feeds import JsonFeed
from app.domain.clocks import to_edtf
from app.domain.control import Stance
from app.domain.words import NOT_IN_XML, dated, event_in_words
from app.store import places
from app.store.citations import Cited
from app.store.recorded import Happened, News, Place, newest
from app.store.status import Which, names_of_districts

router = APIRouter(tags=["News"], route_class=Route)

ATOM = "application/atom+xml"
_SAID = {
    Happened.RECORDED: "",
    Happened.CORRECTED: "Corrected: ",
    Happened.TAKEN_BACK: "Taken back: ",
    Happened.CITED: "New document: ",
    Happened.WITHDRAWN: "Document withdrawn: ",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeedQuery(params.NewsQuery):
    """`GET /feed.atom` and `/feed.json`."""

    limit: int = Field(50, ge=1, le=200, description="How many of the newest, 1 to 200.")


@dataclass(frozen=True)
class Entry:
    """One piece of news, in words; `id` is its own for ever."""

    id: str
    title: str
    page: str
    content: str
    recorded_at: datetime
    citations: tuple[Cited, ...]


@dataclass(frozen=True)
class Feed:
    """What both formats say."""

    title: str
    page: str
    entries: Sequence[Entry]


async def _feed(
    request: Request,
    query: Annotated[FeedQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Feed:
    country = country_asked(connection, query, settings)
    check_filters(connection, country.code, province=query.province, district=query.district)
    place = Place(country.code, query.province, query.district)
    base = str(request.base_url)
    is_usual = country.code == settings.default_country
    name, page = country.name, base if is_usual else f"{base}?country={country.code}"
    if query.province:
        (province,) = places.list_provinces(
            connection, country_code=country.code, province=query.province
        )
        name, page = province.name, f"{base}p/{province.id}"
    if query.district:
        (name,) = names_of_districts(connection, Which(district=query.district)).values()
        page = f"{base}d/{query.district}"
    return Feed(
        title=f"District Control: {name}".translate(NOT_IN_XML),
        page=page,
        entries=[_entry(base, news, country) for news in newest(connection, place, query.limit)],
    )


Asked = Annotated[Feed, Depends(_feed)]


def _entry(base: str, news: News, country: places.Country) -> Entry:
    holder = news.controller.name if news.controller else None
    what = f"{event_in_words(news.kind, holder)} {dated(to_edtf(news.span, country.zone))}"
    said = [
        f"{news.district.name} in {news.province.name}: {what}. "
        f"{news.confidence.label.capitalize()}{', disputed' if news.disputed else ''}."
    ]
    if news.reason:
        said.append(f"Reason given: {news.reason}")
    content = "".join(f"<p>{escape(one)}</p>" for one in said) + _documents(news.cited)
    # The page shows no event that was taken back; its versions are all there.
    content += f'<p><a href="{escape(base)}events/{news.event_id}">The event as data</a></p>'
    title = f"{_SAID[news.happened]}{news.district.name}, {news.province.name}: {what}"
    return Entry(
        # The address of the service may change; the record's own numbers do not.
        id=f"urn:district-control:{news.event_id}:{news.revision}",
        title=title.translate(NOT_IN_XML),
        page=f"{base}d/{news.district.id}#event-{news.event_id}",
        content=content.translate(NOT_IN_XML),
        recorded_at=news.recorded_at,
        citations=news.cited,
    )


def _documents(cited: Sequence[Cited]) -> str:
    """The documents that came with it, as HTML; whatever they are called, it is only text here."""
    if not cited:
        return ""
    return f"<ul>{''.join(f'<li>{_document(one)}</li>' for one in cited)}</ul>"


def _document(cited: Cited) -> str:
    title = escape(cited.title or cited.url or "without a title")
    if cited.url:
        title = f'<a href="{escape(cited.url)}">{title}</a>'
    stance = "" if cited.stance == Stance.SUPPORTS else " (disputes it)"
    return (
        f"{escape(cited.source.name)}, published {escape(dated(cited.published))}: {title}{stance}"
    )


@router.get(
    "/feed.atom",
    summary="What was recorded (Atom)",
    response_class=Response,
    responses={
        200: {"content": {ATOM: {"schema": {"type": "string"}}}, "description": "An Atom feed"},
        **documented(404, 422),
    },
)
def get_atom(request: Request, feed: Asked) -> Response:
    """What was recorded last, of the country, a province or a district, for a feed reader.

    Each change of an event is an entry: a new report, a correction, one that was taken back, a
    document that was added. Its time is when it was recorded here, not when it happened.
    """
    atom = Atom1Feed(
        title=feed.title,
        link=feed.page,
        description=None,
        feed_url=str(request.url),
        feed_guid=feed.page,
        author_name="District Control",
        language="en",
    )
    for entry in feed.entries:
        atom.add_item(
            title=entry.title,
            link=entry.page,
            description=None,
            content=entry.content,
            unique_id=entry.id,
            pubdate=entry.recorded_at,
            updateddate=entry.recorded_at,
        )
    if not feed.entries:
        # Without entries the library would say that it changed just now, at each request.
        atom.latest_post_date = lambda: _EPOCH
    return Response(atom.writeString("utf-8"), media_type=ATOM)


class JsonFeedResponse(JSONResponse):
    """A JSON Feed."""

    media_type = "application/feed+json"


@router.get(
    "/feed.json",
    summary="What was recorded (JSON Feed)",
    response_class=JsonFeedResponse,
    response_model_exclude_none=True,
    responses=documented(404, 422),
)
def get_json_feed(request: Request, feed: Asked) -> JsonFeed:
    """The same as `/feed.atom`, as a JSON Feed 1.1."""
    return JsonFeed.model_validate(
        {
            "title": feed.title,
            "home_page_url": feed.page,
            "feed_url": str(request.url),
            "items": [_item(entry) for entry in feed.entries],
        }
    )


def _item(entry: Entry) -> dict[str, Any]:
    source = next((one.url for one in entry.citations if one.url), None)
    return {
        "id": entry.id,
        "url": entry.page,
        "external_url": source,
        "title": entry.title,
        "content_html": entry.content,
        "date_published": entry.recorded_at,
    }
