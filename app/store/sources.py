"""Publishers with what they are cited for, and the parties that can hold a district."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, select, tuple_

from app.domain.colours import colours_of
from app.domain.control import Question, Stance
from app.domain.places import Named
from app.store import as_of
from app.store.citations import Cited, cited_from, with_names
from app.store.tables import (
    actors,
    citations,
    districts,
    event_versions,
    events,
    provinces,
    source_names,
    sources,
)


@dataclass(frozen=True)
class Source:
    """A publisher; the counts are of citations at the clocks asked for."""

    id: str
    name: str
    citations: int
    supporting: int
    disputing: int
    events: int
    districts: int
    first_published: date | None
    last_published: date | None


@dataclass(frozen=True)
class CitedFor:
    """One citation of a publisher, and the district whose control it speaks of."""

    citation: Cited
    district: Named


@dataclass(frozen=True)
class Actor:
    """A party that can hold a district."""

    id: str
    name: str
    full_name: str
    kind: str
    aliases: tuple[str, ...]
    colour: str
    """`#rrggbb`, for maps and charts."""


@dataclass(frozen=True)
class AfterCitation:
    """Where a page of citations ended."""

    published_latest: datetime
    id: UUID


def list_sources(
    connection: Connection,
    question: Question,
    country: str,
    *,
    source: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Source]:
    """Publishers in the order of their ids, with what they are cited for about a country."""
    cited = (
        _citations(question)
        .with_only_columns(citations, events.c.district_id)
        .where(provinces.c.country_code == country)
        .subquery()
    )
    statement = (
        select(
            sources.c.id,
            sources.c.name,
            func.count(cited.c.id).label("citations"),
            func.count(cited.c.id).filter(cited.c.stance == Stance.SUPPORTS).label("supporting"),
            func.count(cited.c.event_id.distinct()).label("events"),
            func.count(cited.c.district_id.distinct()).label("districts"),
            func.min(cited.c.published_latest).label("first"),
            func.max(cited.c.published_latest).label("last"),
        )
        .outerjoin(cited, cited.c.source_id == sources.c.id)
        .where(sources.c.revision <= question.revision)
        .group_by(sources.c.id)
        .order_by(sources.c.id)
        .limit(limit)
    )
    if source is not None:
        statement = statement.where(sources.c.id == source)
    if after is not None:
        statement = statement.where(sources.c.id > after)
    return [_source(row, question) for row in connection.execute(statement)]


def cited_for(
    connection: Connection,
    question: Question,
    source: str,
    country: str,
    *,
    after: AfterCitation | None = None,
    limit: int | None = None,
) -> list[CitedFor]:
    """What one publisher says about a country at the clocks, in the order of publication."""
    position = (citations.c.published_latest, citations.c.id)
    statement = (
        with_names(_citations(question))
        .add_columns(
            districts.c.id.label("district_id"),
            districts.c.name.label("district_name"),
        )
        .where(citations.c.source_id == source, provinces.c.country_code == country)
        .order_by(*position)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*position) > tuple_(after.published_latest, after.id))
    return [
        CitedFor(cited_from(row), Named(row.district_id, row.district_name))
        for row in connection.execute(statement)
    ]


def _citations(question: Question) -> Select[Any]:
    """The citations that count at the clocks, of events that stand, with their places."""
    return (
        select(citations)
        .join(events, events.c.id == citations.c.event_id)
        .join(event_versions, event_versions.c.event_id == events.c.id)
        .join(districts, districts.c.id == events.c.district_id)
        .join(provinces, provinces.c.id == districts.c.province_id)
        .where(
            as_of.known(citations, question.clocks.known_at),
            as_of.known(event_versions, question.clocks.known_at),
            as_of.published(citations, question.clocks.reported_by),
        )
    )


def source_name(connection: Connection) -> Callable[[str], str]:
    """A function that gives a publisher's name by its id; the id where there is none."""

    def name_of(source: str) -> str:
        name: str | None = connection.scalar(select(sources.c.name).where(sources.c.id == source))
        return name or source

    return name_of


def list_actors(connection: Connection) -> list[Actor]:
    """Every party, in the order of their ids; there are few."""
    rows = connection.execute(select(actors).order_by(actors.c.id)).all()
    recorded = sorted(rows, key=lambda row: (row.revision, row.id))
    colours = colours_of([row.id for row in recorded])
    return [Actor(r.id, r.name, r.full_name, r.kind, tuple(r.aliases), colours[r.id]) for r in rows]


@dataclass(frozen=True)
class KnownPublisher:
    """A publisher by one of its names; `origin` is whose account it gives under that name."""

    id: str
    origin: str


def known_publishers(connection: Connection) -> dict[str, KnownPublisher]:
    """Every name that files have for a publisher, its own among them."""
    own = connection.execute(select(sources.c.id, sources.c.name)).all()
    names = {row.id: row.name for row in own}
    known = {row.name: KnownPublisher(row.id, row.name) for row in own}
    for row in connection.execute(select(source_names)):
        known[row.name] = KnownPublisher(row.source_id, row.origin or names[row.source_id])
    return known


def actor_names(connection: Connection) -> dict[str, str]:
    """The name of every party, by its id."""
    return {actor.id: actor.name for actor in list_actors(connection)}


def _source(row: Row[Any], question: Question) -> Source:
    return Source(
        id=row.id,
        name=row.name,
        citations=row.citations,
        supporting=row.supporting,
        disputing=row.citations - row.supporting,
        events=row.events,
        districts=row.districts,
        first_published=row.first.astimezone(question.zone).date() if row.first else None,
        last_published=row.last.astimezone(question.zone).date() if row.last else None,
    )
