"""Documents about what was recorded: JSON Feed, and what the stream tells."""

from pydantic import Field

from app.api.schemas.base import DistrictRef, Document, Instant
from app.domain.control import Action


class JsonFeedItem(Document):
    """One piece of news."""

    id: str
    url: str
    external_url: str | None = Field(None, description="the first document that it rests on")
    title: str
    content_html: str
    date_published: Instant = Field(description="when it was recorded")


class JsonFeedAuthor(Document):
    """Who makes the feed."""

    name: str


class JsonFeed(Document):
    """A JSON Feed, version 1.1."""

    version: str = "https://jsonfeed.org/version/1.1"
    title: str
    home_page_url: str
    feed_url: str
    language: str = "en"
    authors: tuple[JsonFeedAuthor, ...] = (JsonFeedAuthor(name="District Control"),)
    items: list[JsonFeedItem]


class RevisionTold(Document):
    """A revision that was recorded just now, and what it touched."""

    revision: int
    recorded_at: Instant = Field(description="the `known_at` from which reads have it")
    action: Action
    events: list[str] | None = Field(description="ids; null: too many to be told")
    districts: list[DistrictRef] | None = Field(description="null: too many to be told")
    events_total: int
    districts_total: int
