"""The record and its gazetteer."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels = None
depends_on = None

RECORD = ("revisions", "events", "event_versions", "citations")

# A row is recorded, or closed, under a revision of the same transaction: nobody can put something
# into the past, which would change answers that were given.
OWN_REVISION = """
CREATE FUNCTION record_own_revision(revision_given bigint, of_table text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM revisions
    WHERE revision = revision_given AND transaction = pg_current_xact_id()::text::bigint;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'revision % is not one of this transaction', revision_given
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = of_table, CONSTRAINT = of_table || '_own_revision';
    END IF;
END
$$
"""

RECORDED_NOW = """
CREATE FUNCTION record_recorded_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM record_own_revision(NEW.revision, TG_TABLE_NAME);
    RETURN NEW;
END
$$
"""

# What is recorded stays as it is. The one change allowed is to close a knowledge period that is
# open, and to name the revision that closes it.
APPEND_ONLY = """
CREATE FUNCTION record_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND to_jsonb(OLD) ? 'known_until'
       AND to_jsonb(OLD) -> 'known_until' = 'null'::jsonb
       AND to_jsonb(NEW) -> 'known_until' <> 'null'::jsonb
       AND to_jsonb(NEW) - '{known_until,closing_revision}'::text[]
           = to_jsonb(OLD) - '{known_until,closing_revision}'::text[]
    THEN
        PERFORM record_own_revision((to_jsonb(NEW) ->> 'closing_revision')::bigint, TG_TABLE_NAME);
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on %: what is recorded cannot be changed or removed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_append_only';
END
$$
"""

# Revisions count up by one, and their instants rise with them.
STRICTLY_LATER = """
CREATE FUNCTION record_strictly_later() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest revisions;
BEGIN
    SELECT * INTO newest FROM revisions ORDER BY revision DESC LIMIT 1;
    IF NEW.revision <> coalesce(newest.revision, 0) + 1
       OR NEW.recorded_at <= newest.recorded_at
    THEN
        RAISE EXCEPTION 'revision % does not follow revision %', NEW.revision, newest.revision
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = 'revisions', CONSTRAINT = 'revisions_strictly_later';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    for extension in ("postgis", "btree_gist", "pg_trgm"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "actors",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("aliases", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("id ~ '^[a-z0-9-]+$'", name=op.f("actors_id_form_check")),
        sa.CheckConstraint("kind IN ('state', 'non-state')", name=op.f("actors_kind_known_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("actors_pkey")),
        sa.UniqueConstraint("name", name=op.f("actors_name_key")),
    )
    op.create_table(
        "countries",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z]{2}$'", name=op.f("countries_code_form_check")),
        sa.PrimaryKeyConstraint("code", name=op.f("countries_pkey")),
    )
    op.create_table(
        "revisions",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "action IN ('record', 'correct', 'retract', 'cite')",
            name=op.f("revisions_action_known_check"),
        ),
        sa.CheckConstraint(
            "action NOT IN ('correct', 'retract') OR coalesce(reason, '') <> ''",
            name=op.f("revisions_reason_given_check"),
        ),
        sa.CheckConstraint("author <> ''", name=op.f("revisions_author_said_check")),
        sa.CheckConstraint("revision > 0", name=op.f("revisions_revision_counted_check")),
        sa.PrimaryKeyConstraint("revision", name=op.f("revisions_pkey")),
        sa.UniqueConstraint("recorded_at", name=op.f("revisions_recorded_at_key")),
        sa.UniqueConstraint(
            "revision", "recorded_at", name=op.f("revisions_revision_recorded_at_key")
        ),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("id ~ '^[a-z0-9-]+$'", name=op.f("sources_id_form_check")),
        sa.CheckConstraint("name <> ''", name=op.f("sources_name_said_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("sources_pkey")),
        sa.UniqueConstraint("name", name=op.f("sources_name_key")),
    )
    op.create_table(
        "boundary_sets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("id ~ '^[a-z0-9-]+$'", name=op.f("boundary_sets_id_form_check")),
        sa.CheckConstraint(
            "quality IN ('approximate', 'compiled', 'surveyed')",
            name=op.f("boundary_sets_quality_known_check"),
        ),
        sa.ForeignKeyConstraint(
            ["country_code"], ["countries.code"], name=op.f("boundary_sets_country_code_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("boundary_sets_pkey")),
    )
    op.create_index(
        "boundary_sets_one_default_per_country_key",
        "boundary_sets",
        ["country_code"],
        unique=True,
        postgresql_where="is_default",
    )
    op.create_table(
        "provinces",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_local", sa.Text(), nullable=True),
        sa.CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name=op.f("provinces_id_form_check")),
        sa.CheckConstraint("name <> ''", name=op.f("provinces_name_said_check")),
        sa.ForeignKeyConstraint(
            ["country_code"], ["countries.code"], name=op.f("provinces_country_code_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("provinces_pkey")),
    )
    op.create_index(op.f("provinces_country_code_idx"), "provinces", ["country_code"], unique=False)
    op.create_geospatial_table(
        "districts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("province_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_local", sa.Text(), nullable=True),
        sa.Column(
            "point",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("area_km2", sa.Float(), nullable=True),
        sa.Column("area_year", sa.Text(), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_year", sa.Text(), nullable=True),
        sa.Column(
            "is_provincial_capital", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "is_national_capital", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name=op.f("districts_id_form_check")),
        sa.CheckConstraint("name <> ''", name=op.f("districts_name_said_check")),
        sa.CheckConstraint(
            "(area_km2 IS NULL) = (area_year IS NULL)", name=op.f("districts_area_dated_check")
        ),
        sa.CheckConstraint(
            "(population IS NULL) = (population_year IS NULL)",
            name=op.f("districts_population_dated_check"),
        ),
        sa.CheckConstraint("area_km2 > 0", name=op.f("districts_area_positive_check")),
        sa.CheckConstraint("population >= 0", name=op.f("districts_population_counted_check")),
        sa.ForeignKeyConstraint(
            ["province_id"], ["provinces.id"], name=op.f("districts_province_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("districts_pkey")),
    )
    op.create_index(
        "districts_one_capital_per_province_key",
        "districts",
        ["province_id"],
        unique=True,
        postgresql_where="is_provincial_capital",
    )
    op.create_index(op.f("districts_province_id_idx"), "districts", ["province_id"], unique=False)
    op.create_geospatial_index(
        "idx_districts_point",
        "districts",
        ["point"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "province_codes",
        sa.Column("province_id", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["province_id"], ["provinces.id"], name=op.f("province_codes_province_id_fkey")
        ),
        sa.PrimaryKeyConstraint("province_id", "scheme", name=op.f("province_codes_pkey")),
        sa.UniqueConstraint("scheme", "code", name=op.f("province_codes_scheme_code_key")),
    )
    op.create_table(
        "province_names",
        sa.Column("province_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("languages", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("lists", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("key <> ''", name=op.f("province_names_key_said_check")),
        sa.CheckConstraint("name <> ''", name=op.f("province_names_name_said_check")),
        sa.ForeignKeyConstraint(
            ["province_id"], ["provinces.id"], name=op.f("province_names_province_id_fkey")
        ),
        sa.PrimaryKeyConstraint("province_id", "name", name=op.f("province_names_pkey")),
    )
    op.create_index(op.f("province_names_key_idx"), "province_names", ["key"], unique=False)
    op.create_index(
        "province_names_key_trigrams_idx",
        "province_names",
        ["key"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"key": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "province_shapes",
        sa.Column("boundary_set_id", sa.Text(), nullable=False),
        sa.Column("province_id", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)",
            name=op.f("province_shapes_geom_valid_check"),
        ),
        sa.ForeignKeyConstraint(
            ["boundary_set_id"],
            ["boundary_sets.id"],
            name=op.f("province_shapes_boundary_set_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["province_id"], ["provinces.id"], name=op.f("province_shapes_province_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "boundary_set_id", "province_id", name=op.f("province_shapes_pkey")
        ),
    )
    op.create_geospatial_index(
        "idx_province_shapes_geom",
        "province_shapes",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "district_codes",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("district_codes_district_id_fkey")
        ),
        sa.PrimaryKeyConstraint("district_id", "scheme", name=op.f("district_codes_pkey")),
        sa.UniqueConstraint("scheme", "code", name=op.f("district_codes_scheme_code_key")),
    )
    op.create_table(
        "district_names",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("languages", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("lists", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("key <> ''", name=op.f("district_names_key_said_check")),
        sa.CheckConstraint("name <> ''", name=op.f("district_names_name_said_check")),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("district_names_district_id_fkey")
        ),
        sa.PrimaryKeyConstraint("district_id", "name", name=op.f("district_names_pkey")),
    )
    op.create_index(op.f("district_names_key_idx"), "district_names", ["key"], unique=False)
    op.create_index(
        "district_names_key_trigrams_idx",
        "district_names",
        ["key"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"key": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "district_shapes",
        sa.Column("boundary_set_id", sa.Text(), nullable=False),
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "ST_IsValid(geom) AND NOT ST_IsEmpty(geom)",
            name=op.f("district_shapes_geom_valid_check"),
        ),
        sa.ForeignKeyConstraint(
            ["boundary_set_id"],
            ["boundary_sets.id"],
            name=op.f("district_shapes_boundary_set_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("district_shapes_district_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "boundary_set_id", "district_id", name=op.f("district_shapes_pkey")
        ),
    )
    op.create_geospatial_index(
        "idx_district_shapes_geom",
        "district_shapes",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("events_district_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["revision"], ["revisions.revision"], name=op.f("events_revision_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("sequence", name=op.f("events_sequence_key")),
    )
    op.create_index(op.f("events_district_id_idx"), "events", ["district_id"], unique=False)
    op.create_table(
        "citations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("stance", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("archived_url", sa.Text(), nullable=True),
        sa.Column("published_edtf", sa.Text(), nullable=False),
        sa.Column("published_earliest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asserted_edtf", sa.Text(), nullable=True),
        sa.Column("asserted_earliest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asserted_latest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place_as_written", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("speaker_id", sa.Text(), nullable=True),
        sa.Column("reliability", sa.Text(), nullable=True),
        sa.Column("credibility", sa.SmallInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closing_revision", sa.BigInteger(), nullable=True),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "archived_url ~ '^https?://'", name=op.f("citations_archived_url_form_check")
        ),
        sa.CheckConstraint(
            "basis IN ('official', 'claimant', 'local', 'agency', 'journalist', 'analyst', 'social')",
            name=op.f("citations_basis_known_check"),
        ),
        sa.CheckConstraint("origin <> ''", name=op.f("citations_origin_said_check")),
        sa.CheckConstraint(
            "reliability IN ('A', 'B', 'C', 'D', 'E', 'F')",
            name=op.f("citations_reliability_graded_check"),
        ),
        sa.CheckConstraint(
            "stance IN ('supports', 'disputes')", name=op.f("citations_stance_known_check")
        ),
        sa.CheckConstraint("url ~ '^https?://'", name=op.f("citations_url_form_check")),
        sa.CheckConstraint(
            "(asserted_edtf IS NULL) = (asserted_latest IS NULL) AND (asserted_edtf IS NOT NULL OR asserted_earliest IS NULL)",
            name=op.f("citations_asserted_whole_check"),
        ),
        sa.CheckConstraint(
            "(known_until IS NULL) = (closing_revision IS NULL)",
            name=op.f("citations_closing_whole_check"),
        ),
        sa.CheckConstraint(
            "asserted_earliest <= asserted_latest", name=op.f("citations_asserted_bounds_check")
        ),
        sa.CheckConstraint(
            "credibility BETWEEN 1 AND 6", name=op.f("citations_credibility_graded_check")
        ),
        sa.CheckConstraint("known_until > known_from", name=op.f("citations_known_period_check")),
        sa.CheckConstraint(
            "published_earliest <= published_latest", name=op.f("citations_published_bounds_check")
        ),
        sa.ForeignKeyConstraint(
            ["closing_revision", "known_until"],
            ["revisions.revision", "revisions.recorded_at"],
            name="citations_closed_by_fkey",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("citations_event_id_fkey")),
        sa.ForeignKeyConstraint(
            ["revision", "known_from"],
            ["revisions.revision", "revisions.recorded_at"],
            name="citations_opened_by_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("citations_source_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["actors.id"], name=op.f("citations_speaker_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("citations_pkey")),
    )
    op.create_index(op.f("citations_event_id_idx"), "citations", ["event_id"], unique=False)
    op.create_index(op.f("citations_source_id_idx"), "citations", ["source_id"], unique=False)
    op.create_table(
        "event_states",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("controller_id", sa.Text(), nullable=True),
        sa.Column("day_order", sa.Integer(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("earliest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confidence", sa.SmallInteger(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "known_until > known_from", name=op.f("event_states_known_period_check")
        ),
        sa.CheckConstraint(
            "reported_until > reported_from", name=op.f("event_states_reported_period_check")
        ),
        sa.ForeignKeyConstraint(
            ["controller_id"], ["actors.id"], name=op.f("event_states_controller_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("event_states_district_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("event_states_event_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "event_id", "known_from", "reported_from", name=op.f("event_states_pkey")
        ),
    )
    op.create_index(
        "event_states_deciding_idx",
        "event_states",
        [
            "district_id",
            sa.literal_column("latest DESC"),
            sa.literal_column("day_order DESC"),
            sa.literal_column("sequence DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "event_versions",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("controller_id", sa.Text(), nullable=True),
        sa.Column("day_order", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pinned_edtf", sa.Text(), nullable=True),
        sa.Column("pinned_earliest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pinned_latest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pin_reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closing_revision", sa.BigInteger(), nullable=True),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.literal_column("event_id"), "="),
            (sa.text("tstzrange(known_from, known_until)"), "&&"),
            using="gist",
            name="event_versions_known_once_excl",
        ),
        sa.CheckConstraint(
            "(status = 'controlled') = (controller_id IS NOT NULL)",
            name=op.f("event_versions_controller_fits_check"),
        ),
        sa.CheckConstraint(
            "kind <> 'contested' OR status = 'contested'",
            name=op.f("event_versions_kind_fits_check"),
        ),
        sa.CheckConstraint(
            "kind IN ('capture', 'recapture', 'transfer', 'withdrawal', 'contested', 'assessment')",
            name=op.f("event_versions_kind_known_check"),
        ),
        sa.CheckConstraint(
            "status IN ('controlled', 'contested')", name=op.f("event_versions_status_known_check")
        ),
        sa.CheckConstraint(
            "(known_until IS NULL) = (closing_revision IS NULL)",
            name=op.f("event_versions_closing_whole_check"),
        ),
        sa.CheckConstraint(
            "(pinned_edtf IS NULL) = (pinned_latest IS NULL) AND (pinned_edtf IS NULL) = (pin_reason IS NULL) AND (pinned_edtf IS NOT NULL OR pinned_earliest IS NULL)",
            name=op.f("event_versions_pin_whole_check"),
        ),
        sa.CheckConstraint(
            "known_until > known_from", name=op.f("event_versions_known_period_check")
        ),
        sa.CheckConstraint(
            "pinned_earliest <= pinned_latest", name=op.f("event_versions_pinned_bounds_check")
        ),
        sa.CheckConstraint("version > 0", name=op.f("event_versions_version_counted_check")),
        sa.ForeignKeyConstraint(
            ["closing_revision", "known_until"],
            ["revisions.revision", "revisions.recorded_at"],
            name="event_versions_closed_by_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["controller_id"], ["actors.id"], name=op.f("event_versions_controller_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("event_versions_event_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["revision", "known_from"],
            ["revisions.revision", "revisions.recorded_at"],
            name="event_versions_opened_by_fkey",
        ),
        sa.PrimaryKeyConstraint("event_id", "version", name=op.f("event_versions_pkey")),
    )
    op.execute(OWN_REVISION)
    op.execute(RECORDED_NOW)
    op.execute(APPEND_ONLY)
    op.execute(STRICTLY_LATER)
    for table in RECORD:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION record_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION record_append_only()"
        )
    for table in RECORD[1:]:
        op.execute(
            f"CREATE TRIGGER {table}_recorded_now BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION record_recorded_now()"
        )
    op.execute(
        "CREATE TRIGGER revisions_strictly_later BEFORE INSERT ON revisions "
        "FOR EACH ROW EXECUTE FUNCTION record_strictly_later()"
    )


def downgrade() -> None:
    # The extensions stay: other schemas of the database may use them.
    op.drop_table("event_versions")
    op.drop_index("event_states_deciding_idx", table_name="event_states")
    op.drop_table("event_states")
    op.drop_index(op.f("citations_source_id_idx"), table_name="citations")
    op.drop_index(op.f("citations_event_id_idx"), table_name="citations")
    op.drop_table("citations")
    op.drop_index(op.f("events_district_id_idx"), table_name="events")
    op.drop_table("events")
    op.drop_geospatial_index(
        "idx_district_shapes_geom",
        table_name="district_shapes",
        postgresql_using="gist",
        column_name="geom",
    )
    op.drop_geospatial_table("district_shapes")
    op.drop_index(
        "district_names_key_trigrams_idx",
        table_name="district_names",
        postgresql_using="gin",
        postgresql_ops={"key": "gin_trgm_ops"},
    )
    op.drop_index(op.f("district_names_key_idx"), table_name="district_names")
    op.drop_table("district_names")
    op.drop_table("district_codes")
    op.drop_geospatial_index(
        "idx_province_shapes_geom",
        table_name="province_shapes",
        postgresql_using="gist",
        column_name="geom",
    )
    op.drop_geospatial_table("province_shapes")
    op.drop_index(
        "province_names_key_trigrams_idx",
        table_name="province_names",
        postgresql_using="gin",
        postgresql_ops={"key": "gin_trgm_ops"},
    )
    op.drop_index(op.f("province_names_key_idx"), table_name="province_names")
    op.drop_table("province_names")
    op.drop_table("province_codes")
    op.drop_geospatial_index(
        "idx_districts_point", table_name="districts", postgresql_using="gist", column_name="point"
    )
    op.drop_index(op.f("districts_province_id_idx"), table_name="districts")
    op.drop_index(
        "districts_one_capital_per_province_key",
        table_name="districts",
        postgresql_where="is_provincial_capital",
    )
    op.drop_geospatial_table("districts")
    op.drop_index(op.f("provinces_country_code_idx"), table_name="provinces")
    op.drop_table("provinces")
    op.drop_index(
        "boundary_sets_one_default_per_country_key",
        table_name="boundary_sets",
        postgresql_where="is_default",
    )
    op.drop_table("boundary_sets")
    op.drop_table("sources")
    op.drop_table("revisions")
    op.drop_table("countries")
    op.drop_table("actors")
    op.execute(
        "DROP FUNCTION record_append_only, record_strictly_later, record_recorded_now, "
        "record_own_revision"
    )
