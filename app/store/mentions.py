"""`mentions`: which documents spoke of which district, by publication and by knowledge.

Kept in step with every write, as `event_states` are, so that the newest document about a district
is one step of an index. A document is held while neither it nor its event is taken back; where
versions of the event follow each other without a gap, that is one time. Periods that were once
written are only ever closed, since the record is append-only.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Uuid, bindparam, text

_HELD = """
    SELECT events.district_id, citations.published_latest, lower(held) AS known_from,
           citations.id AS citation_id, upper(held) AS known_until
    FROM events
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(known_from, known_until)) AS times
        FROM event_versions WHERE event_id = events.id
    ) AS stood
    JOIN citations ON citations.event_id = events.id
    CROSS JOIN LATERAL unnest(
        stood.times * tstzmultirange(tstzrange(citations.known_from, citations.known_until))
    ) AS held
"""
_WRITE = f"""
    INSERT INTO mentions AS kept
        (district_id, published_latest, known_from, citation_id, known_until) {_HELD} {{}}
    ON CONFLICT (district_id, published_latest, known_from, citation_id) DO UPDATE
    SET known_until = excluded.known_until
    WHERE kept.known_until IS DISTINCT FROM excluded.known_until
"""  # noqa: S608 - both are written here
_REFRESH = text(_WRITE.format("WHERE events.id = ANY(:events)")).bindparams(
    bindparam("events", type_=ARRAY(Uuid))
)
_REBUILD = text(_WRITE.format("ORDER BY events.district_id, citations.published_latest"))
_KEPT = "SELECT district_id, published_latest, known_from, citation_id, known_until FROM mentions"
_WRONG = text(f"""
    WITH held AS MATERIALIZED ({_HELD})
    SELECT events.id FROM (
        (TABLE held EXCEPT {_KEPT}) UNION ALL ({_KEPT} EXCEPT TABLE held)
    ) AS differing
    LEFT JOIN citations ON citations.id = differing.citation_id
    LEFT JOIN events ON events.id = citations.event_id
    ORDER BY events.sequence LIMIT 1
""")  # noqa: S608 - both are written here


def refresh(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """Write what the documents of these events speak of now, and close what they no longer do."""
    connection.execute(_REFRESH, {"events": list(event_ids)})


def rebuild(connection: Connection) -> None:
    """Make the table again from the record; the caller keeps writers away."""
    connection.execute(text("DELETE FROM mentions"))
    connection.execute(_REBUILD)


def first_wrong(connection: Connection) -> UUID | None:
    """The first event, in the order of recording, of whose documents a mention is not right."""
    found: UUID | None = connection.execute(_WRONG).scalar()
    return found
