"""The record, append-only, and what is derived from it."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from app.domain.control import Action, Basis, Kind, Stance, Status
from app.store.tables.base import INSTANT, knowledge, metadata, one_of, recorded_in, said

actors = Table(
    "actors",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("name", Text, nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    recorded_in(),
    said("name"),
    said("full_name"),
    one_of("kind", ("state", "non-state")),
)

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("name", Text, nullable=False, unique=True),
    recorded_in(),
    said("name"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", INSTANT, nullable=False, unique=True),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text),
    # Triggers let only this transaction record or close anything under the revision.
    Column(
        "transaction",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text)::bigint"),
    ),
    one_of("action", Action),
    said("author"),
    CheckConstraint(
        "action NOT IN ('correct', 'retract') OR coalesce(reason, '') <> ''", name="reason_given"
    ),
    CheckConstraint("revision > 0", name="revision_counted"),
    UniqueConstraint("revision", "recorded_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sequence", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("district_id", Text, ForeignKey("districts.id"), nullable=False, index=True),
    Column("replaces", Uuid, ForeignKey("events.id"), unique=True),
    recorded_in(),
)

event_versions = Table(
    "event_versions",
    metadata,
    Column("event_id", Uuid, ForeignKey("events.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("controller_id", Text, ForeignKey("actors.id")),
    Column("day_order", Integer, nullable=False, server_default=text("0")),
    Column("pinned_edtf", Text),
    Column("pinned_earliest", INSTANT),
    Column("pinned_latest", INSTANT),
    Column("pin_reason", Text),
    *knowledge("event_versions"),
    one_of("kind", Kind),
    one_of("status", (Status.CONTROLLED, Status.CONTESTED)),
    CheckConstraint("version > 0", name="version_counted"),
    CheckConstraint(
        "(status = 'controlled') = (controller_id IS NOT NULL)", name="controller_fits"
    ),
    CheckConstraint("kind <> 'contested' OR status = 'contested'", name="kind_fits"),
    CheckConstraint("pinned_earliest <= pinned_latest", name="pinned_bounds"),
    CheckConstraint(
        "(pinned_edtf IS NULL) = (pinned_latest IS NULL)"
        " AND (pinned_edtf IS NULL) = (pin_reason IS NULL)"
        " AND (pinned_edtf IS NOT NULL OR pinned_earliest IS NULL)",
        name="pin_whole",
    ),
    ExcludeConstraint(
        (literal_column("event_id"), "="),
        (func.tstzrange(literal_column("known_from"), literal_column("known_until")), "&&"),
        name="event_versions_known_once_excl",
        using="gist",
    ),
)

citations = Table(
    "citations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("events.id"), nullable=False, index=True),
    Column("stance", Text, nullable=False),
    Column("source_id", Text, ForeignKey("sources.id"), nullable=False, index=True),
    Column("origin", Text, nullable=False),
    Column("title", Text),
    Column("url", Text),
    Column("archived_url", Text),
    Column("published_edtf", Text, nullable=False),
    Column("published_earliest", INSTANT),
    Column("published_latest", INSTANT, nullable=False),
    Column("asserted_edtf", Text),
    Column("asserted_earliest", INSTANT),
    Column("asserted_latest", INSTANT),
    Column("place_as_written", Text),
    Column("basis", Text, nullable=False),
    Column("speaker_id", Text, ForeignKey("actors.id")),
    Column("reliability", Text),
    Column("credibility", SmallInteger),
    Column("note", Text),
    # What the document itself says, where that was kept; the event may say otherwise.
    Column("said_kind", Text),
    Column("said_status", Text),
    Column("said_controller_id", Text, ForeignKey("actors.id")),
    *knowledge("citations"),
    one_of("said_kind", Kind),
    one_of("said_status", (Status.CONTROLLED, Status.CONTESTED)),
    CheckConstraint(
        "(said_kind IS NULL) = (said_status IS NULL)"
        " AND (said_status IS NOT DISTINCT FROM 'controlled') = (said_controller_id IS NOT NULL)",
        name="said_whole",
    ),
    one_of("stance", Stance),
    one_of("basis", Basis),
    said("origin"),
    CheckConstraint("reliability IN ('A', 'B', 'C', 'D', 'E', 'F')", name="reliability_graded"),
    CheckConstraint("credibility BETWEEN 1 AND 6", name="credibility_graded"),
    CheckConstraint("published_earliest <= published_latest", name="published_bounds"),
    CheckConstraint("asserted_earliest <= asserted_latest", name="asserted_bounds"),
    CheckConstraint(
        "(asserted_edtf IS NULL) = (asserted_latest IS NULL)"
        " AND (asserted_edtf IS NOT NULL OR asserted_earliest IS NULL)",
        name="asserted_whole",
    ),
    CheckConstraint("url ~ '^https?://'", name="url_form"),
    CheckConstraint("archived_url ~ '^https?://'", name="archived_url_form"),
)

imports = Table(
    "imports",
    metadata,
    Column("revision", BigInteger, ForeignKey("revisions.revision"), primary_key=True),
    Column("report", JSONB, nullable=False),
)

seals = Table(
    "seals",
    metadata,
    Column("revision", BigInteger, ForeignKey("revisions.revision"), primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name="content_hash_form"),
)


event_states = Table(
    "event_states",
    metadata,
    Column("event_id", Uuid, ForeignKey("events.id"), primary_key=True),
    Column("known_from", INSTANT, primary_key=True),
    Column("known_until", INSTANT),
    Column("reported_from", INSTANT, primary_key=True),
    Column("reported_until", INSTANT),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("district_id", Text, ForeignKey("districts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("controller_id", Text, ForeignKey("actors.id")),
    Column("day_order", Integer, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("earliest", INSTANT),
    Column("latest", INSTANT, nullable=False),
    Column("confidence", SmallInteger, nullable=False),
    Column("disputed", Boolean, nullable=False),
    CheckConstraint("known_until > known_from", name="known_period"),
    CheckConstraint("reported_until > reported_from", name="reported_period"),
)
# The rule's order; what a question at earlier clocks passes over, the index itself tells.
_NEWEST_FIRST = (
    event_states.c.latest.desc(),
    event_states.c.day_order.desc(),
    event_states.c.sequence.desc(),
    event_states.c.known_from,
    event_states.c.reported_from,
)
Index("event_states_deciding_idx", event_states.c.district_id, *_NEWEST_FIRST)
# For each outcome in a district its newest event; without a controller it is contested.
Index(
    "event_states_outcomes_idx",
    event_states.c.district_id,
    event_states.c.controller_id,
    *_NEWEST_FIRST,
)
Index("event_states_newest_idx", *_NEWEST_FIRST)

# When the record held which document: while it stood, and the event that it speaks of did too.
mentions = Table(
    "mentions",
    metadata,
    Column("district_id", Text, ForeignKey("districts.id"), primary_key=True),
    Column("published_latest", INSTANT, primary_key=True),
    Column("known_from", INSTANT, primary_key=True),
    Column("citation_id", Uuid, ForeignKey("citations.id"), primary_key=True),
    Column("known_until", INSTANT),
    CheckConstraint("known_until > known_from", name="known_period"),
)
