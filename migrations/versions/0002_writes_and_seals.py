"""Writing over HTTP, importing, and the chain of seals."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels = None
depends_on = None

ACTIONS = ("record", "correct", "retract", "cite")
NEW_ACTIONS = (*ACTIONS, "import", "add-source", "add-actor")
RECORDED = ("actors", "sources", "imports")
INDEXED = {
    "citations": ("revision", "closing_revision"),
    "event_versions": ("revision", "closing_revision"),
    "events": ("revision",),
}

# As before, and nothing joins a revision that is sealed already.
OWN_REVISION = """
CREATE OR REPLACE FUNCTION record_own_revision(revision_given bigint, of_table text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM revisions
    WHERE revision = revision_given AND transaction = pg_current_xact_id()::text::bigint{unsealed};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'revision % is not one of this transaction', revision_given
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = of_table, CONSTRAINT = of_table || '_own_revision';
    END IF;
END
$$
"""
UNSEALED = """
      AND NOT EXISTS (SELECT FROM seals WHERE seals.revision = revision_given)"""

# Every revision is sealed, in order, and each seal takes up the one before it.
NEXT_SEAL = """
CREATE FUNCTION record_next_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest seals;
BEGIN
    SELECT * INTO newest FROM seals ORDER BY revision DESC LIMIT 1;
    IF NEW.revision <> coalesce(newest.revision, 0) + 1
       OR NEW.hash IS DISTINCT FROM encode(
           sha256(convert_to(coalesce(newest.hash, '') || NEW.content_hash, 'UTF8')), 'hex')
    THEN
        RAISE EXCEPTION 'seal % does not follow seal %', NEW.revision, newest.revision
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = 'seals', CONSTRAINT = 'seals_next_seal';
    END IF;
    RETURN NEW;
END
$$
"""
SEALED = """
CREATE FUNCTION record_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM seals WHERE seals.revision = NEW.revision;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'revision % has no seal', NEW.revision
            USING ERRCODE = 'integrity_constraint_violation',
                  TABLE = 'revisions', CONSTRAINT = 'revisions_sealed';
    END IF;
    RETURN NULL;
END
$$
"""


def _allow_actions(actions: Sequence[str]) -> None:
    op.drop_constraint(op.f("revisions_action_known_check"), "revisions", type_="check")
    words = ", ".join(f"'{action}'" for action in actions)
    op.create_check_constraint(
        op.f("revisions_action_known_check"), "revisions", f"action IN ({words})"
    )


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("owner <> ''", name=op.f("api_keys_owner_said_check")),
        sa.CheckConstraint(
            "scopes <@ '{read,write,admin}'::text[] AND cardinality(scopes) > 0",
            name=op.f("api_keys_scopes_known_check"),
        ),
        sa.CheckConstraint(
            "secret_hash ~ '^[0-9a-f]{64}$'", name=op.f("api_keys_secret_hash_form_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
    )
    op.create_table(
        "given_answers",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column(
            "given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("given_answers_pkey")),
    )
    op.create_table(
        "imports",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision"], ["revisions.revision"], name=op.f("imports_revision_fkey")
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("imports_pkey")),
    )
    op.create_table(
        "seals",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "content_hash ~ '^[0-9a-f]{64}$'", name=op.f("seals_content_hash_form_check")
        ),
        sa.ForeignKeyConstraint(
            ["revision"], ["revisions.revision"], name=op.f("seals_revision_fkey")
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("seals_pkey")),
    )
    op.create_table(
        "source_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("source_names_name_said_check")),
        sa.CheckConstraint("origin <> ''", name=op.f("source_names_origin_said_check")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("source_names_source_id_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("source_names_pkey")),
    )
    _allow_actions(NEW_ACTIONS)
    for table in ("actors", "sources"):
        op.add_column(table, sa.Column("revision", sa.BigInteger(), nullable=True))
        # What was there before parties and publishers were recorded came with the first revision.
        op.execute(f"UPDATE {table} SET revision = (SELECT min(revision) FROM revisions)")  # noqa: S608
        op.alter_column(table, "revision", nullable=False)
        op.create_index(op.f(f"{table}_revision_idx"), table, ["revision"], unique=False)
        op.create_foreign_key(
            op.f(f"{table}_revision_fkey"), table, "revisions", ["revision"], ["revision"]
        )
    op.create_check_constraint(op.f("actors_name_said_check"), "actors", "name <> ''")
    op.create_check_constraint(op.f("actors_full_name_said_check"), "actors", "full_name <> ''")
    for column in ("said_kind", "said_status", "said_controller_id"):
        op.add_column("citations", sa.Column(column, sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("citations_said_controller_id_fkey"),
        "citations",
        "actors",
        ["said_controller_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("citations_said_kind_known_check"),
        "citations",
        "said_kind IN ('capture', 'recapture', 'transfer', 'withdrawal', 'contested', 'assessment')",
    )
    op.create_check_constraint(
        op.f("citations_said_status_known_check"),
        "citations",
        "said_status IN ('controlled', 'contested')",
    )
    op.create_check_constraint(
        op.f("citations_said_whole_check"),
        "citations",
        "(said_kind IS NULL) = (said_status IS NULL)"
        " AND (said_status IS NOT DISTINCT FROM 'controlled') = (said_controller_id IS NOT NULL)",
    )
    op.add_column("events", sa.Column("replaces", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("events_replaces_key"), "events", ["replaces"])
    op.create_foreign_key(op.f("events_replaces_fkey"), "events", "events", ["replaces"], ["id"])
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(op.f(f"{table}_{column}_idx"), table, [column], unique=False)
    op.execute(OWN_REVISION.format(unsealed=UNSEALED))
    op.execute(NEXT_SEAL)
    op.execute(SEALED)
    for table in (*RECORDED, "seals"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION record_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION record_append_only()"
        )
    for table in RECORDED:
        op.execute(
            f"CREATE TRIGGER {table}_recorded_now BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION record_recorded_now()"
        )
    op.execute(
        "CREATE TRIGGER seals_next_seal BEFORE INSERT ON seals "
        "FOR EACH ROW EXECUTE FUNCTION record_next_seal()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER revisions_sealed AFTER INSERT ON revisions "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_sealed()"
    )


def downgrade() -> None:
    # Refused where something was recorded that the older schema cannot hold.
    _allow_actions(ACTIONS)
    op.create_check_constraint("events_none_moved_check", "events", "replaces IS NULL")
    op.execute("DROP TRIGGER revisions_sealed ON revisions")
    for table in RECORDED[:2]:
        for trigger in ("append_only", "not_truncated", "recorded_now"):
            op.execute(f"DROP TRIGGER {table}_{trigger} ON {table}")
    for table in ("imports", "seals"):
        op.drop_table(table)
    op.execute("DROP FUNCTION record_sealed, record_next_seal")
    op.execute(OWN_REVISION.format(unsealed=""))
    for table, columns in INDEXED.items():
        for column in columns:
            op.drop_index(op.f(f"{table}_{column}_idx"), table_name=table)
    op.drop_column("events", "replaces")
    for column in ("said_controller_id", "said_status", "said_kind"):
        op.drop_column("citations", column)
    op.drop_constraint(op.f("actors_full_name_said_check"), "actors", type_="check")
    op.drop_constraint(op.f("actors_name_said_check"), "actors", type_="check")
    for table in ("sources", "actors"):
        op.drop_column(table, "revision")
    op.drop_table("source_names")
    op.drop_table("given_answers")
    op.drop_table("api_keys")
