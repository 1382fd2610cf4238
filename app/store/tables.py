"""The tables. Migrations make them; a test shows that the two agree.

Times are `timestamptz`; every pair of `known_from`/`known_until` (and `reported_from`/
`reported_until`) is half-open with NULL for "still", every `*_earliest`/`*_latest` is inclusive
with NULL for "no one says". Triggers that keep the record append-only stand in the migration.
"""

from collections.abc import Iterable

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
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
from sqlalchemy.schema import SchemaItem

from app.domain.control import Action, Basis, Kind, Stance, Status

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

_INSTANT = DateTime(timezone=True)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Allow only these words in a text column; `values` is an enumeration or a tuple of words."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


def _said(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} <> ''", name=f"{column}_said")


def _recorded_in() -> Column[int]:
    """The revision under which a row was recorded; such a row is never closed."""
    return Column(
        "revision", BigInteger, ForeignKey("revisions.revision"), nullable=False, index=True
    )


def _knowledge(table: str) -> list[SchemaItem]:
    """The knowledge period of a recorded row: opened by one revision, closed by a later one.

    The keys hold each bound to the very instant of its revision.
    """
    instant_of_revision = ("revisions.revision", "revisions.recorded_at")
    return [
        Column("revision", BigInteger, nullable=False, index=True),
        Column("known_from", _INSTANT, nullable=False),
        Column("closing_revision", BigInteger, index=True),
        Column("known_until", _INSTANT),
        CheckConstraint("known_until > known_from", name="known_period"),
        CheckConstraint("(known_until IS NULL) = (closing_revision IS NULL)", name="closing_whole"),
        ForeignKeyConstraint(
            ("revision", "known_from"), instant_of_revision, name=f"{table}_opened_by_fkey"
        ),
        ForeignKeyConstraint(
            ("closing_revision", "known_until"), instant_of_revision, name=f"{table}_closed_by_fkey"
        ),
    ]


# The gazetteer ------------------------------------------------------------------------------

countries = Table(
    "countries",
    metadata,
    Column("code", Text, primary_key=True),
    CheckConstraint("code ~ '^[A-Z]{2}$'", name="code_form"),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

provinces = Table(
    "provinces",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name="id_form"),
    Column("country_code", Text, ForeignKey("countries.code"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_local", Text),
    _said("name"),
)

districts = Table(
    "districts",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name="id_form"),
    Column("province_id", Text, ForeignKey("provinces.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_local", Text),
    Column("point", Geometry("POINT", srid=4326)),
    Column("area_km2", Float),
    Column("area_year", Text),
    Column("population", Integer),
    Column("population_year", Text),
    Column("is_provincial_capital", Boolean, nullable=False, server_default=text("false")),
    Column("is_national_capital", Boolean, nullable=False, server_default=text("false")),
    _said("name"),
    CheckConstraint("area_km2 > 0", name="area_positive"),
    CheckConstraint("population >= 0", name="population_counted"),
    CheckConstraint("(area_km2 IS NULL) = (area_year IS NULL)", name="area_dated"),
    CheckConstraint("(population IS NULL) = (population_year IS NULL)", name="population_dated"),
)
Index(
    "districts_one_capital_per_province_key",
    districts.c.province_id,
    unique=True,
    postgresql_where=districts.c.is_provincial_capital,
)


def _names(table: str, place: str, places: str) -> Table:
    names = Table(
        table,
        metadata,
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("key", Text, nullable=False, index=True),
        Column("languages", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("script", Text),
        Column("lists", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        _said("name"),
        _said("key"),
    )
    Index(
        f"{table}_key_trigrams_idx",
        names.c.key,
        postgresql_using="gin",
        postgresql_ops={"key": "gin_trgm_ops"},
    )
    return names


district_names = _names("district_names", "district_id", "districts")
province_names = _names("province_names", "province_id", "provinces")


def _codes(table: str, place: str, places: str) -> Table:
    return Table(
        table,
        metadata,
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("scheme", Text, primary_key=True),
        Column("code", Text, nullable=False),
        UniqueConstraint("scheme", "code"),
    )


district_codes = _codes("district_codes", "district_id", "districts")
province_codes = _codes("province_codes", "province_id", "provinces")

boundary_sets = Table(
    "boundary_sets",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("country_code", Text, ForeignKey("countries.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("dated", Date, nullable=False),
    Column("origin", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("attribution", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    _one_of("quality", ("approximate", "compiled", "surveyed")),
)
Index(
    "boundary_sets_one_default_per_country_key",
    boundary_sets.c.country_code,
    unique=True,
    postgresql_where=boundary_sets.c.is_default,
)


def _shapes(table: str, place: str, places: str) -> Table:
    return Table(
        table,
        metadata,
        Column("boundary_set_id", Text, ForeignKey("boundary_sets.id"), primary_key=True),
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("geom", Geometry("MULTIPOLYGON", srid=4326), nullable=False),
        CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
    )


district_shapes = _shapes("district_shapes", "district_id", "districts")
province_shapes = _shapes("province_shapes", "province_id", "provinces")

# Who acts, and who reports ------------------------------------------------------------------

actors = Table(
    "actors",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("name", Text, nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _recorded_in(),
    _said("name"),
    _said("full_name"),
    _one_of("kind", ("state", "non-state")),
)

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("name", Text, nullable=False, unique=True),
    _recorded_in(),
    _said("name"),
)

source_names = Table(
    "source_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("source_id", Text, ForeignKey("sources.id"), nullable=False),
    Column("origin", Text),
    _said("name"),
    _said("origin"),
)

# The record: append-only --------------------------------------------------------------------

revisions = Table(
    "revisions",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", _INSTANT, nullable=False, unique=True),
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
    _one_of("action", Action),
    _said("author"),
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
    _recorded_in(),
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
    Column("pinned_earliest", _INSTANT),
    Column("pinned_latest", _INSTANT),
    Column("pin_reason", Text),
    *_knowledge("event_versions"),
    _one_of("kind", Kind),
    _one_of("status", (Status.CONTROLLED, Status.CONTESTED)),
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
    Column("published_earliest", _INSTANT),
    Column("published_latest", _INSTANT, nullable=False),
    Column("asserted_edtf", Text),
    Column("asserted_earliest", _INSTANT),
    Column("asserted_latest", _INSTANT),
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
    *_knowledge("citations"),
    _one_of("said_kind", Kind),
    _one_of("said_status", (Status.CONTROLLED, Status.CONTESTED)),
    CheckConstraint(
        "(said_kind IS NULL) = (said_status IS NULL)"
        " AND (said_status IS NOT DISTINCT FROM 'controlled') = (said_controller_id IS NOT NULL)",
        name="said_whole",
    ),
    _one_of("stance", Stance),
    _one_of("basis", Basis),
    _said("origin"),
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

# Beside the record: who may write, and what they were answered ---------------------------------

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("expires_at", _INSTANT),
    Column("revoked_at", _INSTANT),
    _said("owner"),
    CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name="secret_hash_form"),
    CheckConstraint(
        "scopes <@ '{read,write,admin}'::text[] AND cardinality(scopes) > 0", name="scopes_known"
    ),
)

given_answers = Table(
    "given_answers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", Text),
    Column("given_at", _INSTANT, nullable=False, server_default=func.now()),
)

# Derived from the record: what each event says, publication by publication -------------------

event_states = Table(
    "event_states",
    metadata,
    Column("event_id", Uuid, ForeignKey("events.id"), primary_key=True),
    Column("known_from", _INSTANT, primary_key=True),
    Column("known_until", _INSTANT),
    Column("reported_from", _INSTANT, primary_key=True),
    Column("reported_until", _INSTANT),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("district_id", Text, ForeignKey("districts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("controller_id", Text, ForeignKey("actors.id")),
    Column("day_order", Integer, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("earliest", _INSTANT),
    Column("latest", _INSTANT, nullable=False),
    Column("confidence", SmallInteger, nullable=False),
    Column("disputed", Boolean, nullable=False),
    CheckConstraint("known_until > known_from", name="known_period"),
    CheckConstraint("reported_until > reported_from", name="reported_period"),
)
Index(
    "event_states_deciding_idx",
    event_states.c.district_id,
    event_states.c.latest.desc(),
    event_states.c.day_order.desc(),
    event_states.c.sequence.desc(),
)
