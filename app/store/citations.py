"""Citations as clients see them: what documents say about events, at the clocks asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Row,
    Select,
    Text,
    Uuid,
    any_,
    cast,
    select,
    type_coerce,
)

from app.domain.control import Kind, Question, Status
from app.domain.places import Named
from app.store import as_of, prepared
from app.store.tables import actors, citations, sources

_speakers = actors.alias("speakers")
_said_of = actors.alias("said_of")


@dataclass(frozen=True)
class Says:
    """What a document itself says, where that was kept."""

    kind: Kind
    status: Status
    controller: Named | None


@dataclass(frozen=True)
class Cited:
    """One citation. Dates are EDTF texts as recorded; `published_latest` is an instant."""

    id: str
    event_id: str
    stance: str
    source: Named
    origin: str
    title: str | None
    url: str | None
    archived_url: str | None
    published: str
    published_latest: datetime
    asserted: str | None
    place_as_written: str | None
    basis: str
    speaker: Named | None
    reliability: str | None
    credibility: int | None
    note: str | None
    says: Says | None


def of_events(
    connection: Connection, question: Question, event_ids: Iterable[str]
) -> dict[str, list[Cited]]:
    """The citations of these events at the clocks, by event, in the order of publication."""
    cited: dict[str, list[Cited]] = {}
    for row in prepared.ask(connection, _of_events, question, _Of(tuple(event_ids))):
        cited.setdefault(str(row.event_id), []).append(cited_from(row))
    return cited


@dataclass(frozen=True)
class _Of:
    """Whose citations are meant, by the ids of events."""

    events: tuple[str, ...]


def _of_events(question: Question, which: _Of) -> Select[Any]:
    ids = cast(type_coerce(which.events, ARRAY(Text)), ARRAY(Uuid))
    return (
        with_names(select(citations))
        .where(
            citations.c.event_id == any_(ids),
            as_of.known(citations, question.clocks.known_at),
            as_of.published(citations, question.clocks.reported_by),
        )
        .order_by(citations.c.published_latest, citations.c.id)
    )


def with_names(statement: Select[Any]) -> Select[Any]:
    """Citations with the names of those whose ids they have, as `cited_from` reads them."""
    return (
        statement.add_columns(
            sources.c.name.label("source_name"),
            _speakers.c.name.label("speaker_name"),
            _said_of.c.name.label("said_controller_name"),
        )
        .join(sources, sources.c.id == citations.c.source_id)
        .outerjoin(_speakers, _speakers.c.id == citations.c.speaker_id)
        .outerjoin(_said_of, _said_of.c.id == citations.c.said_controller_id)
    )


def cited_from(row: Row[Any]) -> Cited:
    """Read a row of `citations` that `with_names` gave."""
    said_of = row.said_controller_id
    return Cited(
        id=str(row.id),
        event_id=str(row.event_id),
        stance=row.stance,
        source=Named(row.source_id, row.source_name),
        origin=row.origin,
        title=row.title,
        url=row.url,
        archived_url=row.archived_url,
        published=row.published_edtf,
        published_latest=row.published_latest,
        asserted=row.asserted_edtf,
        place_as_written=row.place_as_written,
        basis=row.basis,
        speaker=Named(row.speaker_id, row.speaker_name) if row.speaker_id else None,
        reliability=row.reliability,
        credibility=row.credibility,
        note=row.note,
        says=Says(
            Kind(row.said_kind),
            Status(row.said_status),
            Named(said_of, row.said_controller_name) if said_of else None,
        )
        if row.said_kind
        else None,
    )
