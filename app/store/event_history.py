"""What was ever recorded about one event, revision by revision."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.domain.control import Action, Question
from app.store import as_of
from app.store.tables import citations, event_versions, events, revisions


@dataclass(frozen=True)
class Change:
    """One revision that touched an event; `version` is the one that it recorded, if any."""

    revision: int
    known_from: datetime
    author: str
    action: Action
    reason: str | None
    version: int | None
    citations_added: list[str]
    citations_withdrawn: list[str]


@dataclass(frozen=True)
class Moves:
    """The events before and after it, where a correction moved it to another district."""

    replaces: str | None
    replaced_by: str | None


def changes_of(connection: Connection, question: Question, event_id: UUID) -> list[Change]:
    """Every change of an event that had been recorded by `known_at`, oldest first."""
    ids = func.array_agg(aggregate_order_by(citations.c.id, citations.c.id))
    recorded = connection.execute(
        select(event_versions.c.revision, event_versions.c.version).where(
            event_versions.c.event_id == event_id
        )
    )
    versions = {row.revision: row.version for row in recorded}
    added, withdrawn = (
        {
            row[0]: [str(citation) for citation in row[1]]
            for row in connection.execute(
                select(column, ids)
                .where(citations.c.event_id == event_id, column.is_not(None))
                .group_by(column)
            )
        }
        for column in (citations.c.revision, citations.c.closing_revision)
    )
    touching = union_all(
        *(
            select(column).where(table.c.event_id == event_id)
            for table in (event_versions, citations)
            for column in (table.c.revision, table.c.closing_revision)
        )
    ).subquery()
    rows = connection.execute(
        select(revisions)
        .where(
            revisions.c.revision.in_(select(touching.c[0])),
            as_of.recorded_by(revisions.c.recorded_at, question.clocks.known_at),
        )
        .order_by(revisions.c.revision)
    )
    return [
        Change(
            revision=row.revision,
            known_from=row.recorded_at,
            author=row.author,
            action=Action(row.action),
            reason=row.reason,
            version=versions.get(row.revision),
            citations_added=added.get(row.revision, []),
            citations_withdrawn=withdrawn.get(row.revision, []),
        )
        for row in rows
    ]


def moves_of(connection: Connection, question: Question, event_id: UUID) -> Moves:
    """Where an event came from and went to by `known_at`."""
    known_at = question.clocks.known_at
    later = connection.scalar(
        select(events.c.id)
        .join(revisions, revisions.c.revision == events.c.revision)
        .where(
            events.c.replaces == event_id,
            as_of.recorded_by(revisions.c.recorded_at, known_at),
        )
    )
    earlier = connection.scalar(select(events.c.replaces).where(events.c.id == event_id))
    return Moves(str(earlier) if earlier else None, str(later) if later else None)
