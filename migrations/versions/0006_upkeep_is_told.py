"""Changes outside of the record are numbered and told, so that whoever keeps answers notices."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels = None
depends_on = None

WATCHED = (
    "countries",
    "provinces",
    "districts",
    "province_names",
    "district_names",
    "province_codes",
    "district_codes",
    "boundary_sets",
    "province_shapes",
    "district_shapes",
    "borders",
    "outer_borders",
    "drawn_districts",
    "drawn_provinces",
    "drawn_borders",
)

# Microseconds since 1970 rather than 1, 2, 3: the number of a database that was restored under a
# running service is another one. Once for each transaction, for loading a set of shapes takes many
# statements.
COUNT = """
CREATE FUNCTION upkeep_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO upkeep AS standing (one, number, transaction)
    VALUES (true, extract(epoch FROM clock_timestamp()) * 1000000,
            pg_current_xact_id()::text::bigint)
    ON CONFLICT (one) DO UPDATE
    SET number = greatest(standing.number + 1, excluded.number), transaction = excluded.transaction
    WHERE standing.transaction <> excluded.transaction;
    PERFORM pg_notify('district_control_revisions', '');
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "upkeep",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one", name=op.f("upkeep_one_check")),
        sa.PrimaryKeyConstraint("one", name=op.f("upkeep_pkey")),
    )
    op.execute(
        "INSERT INTO upkeep (number, transaction) "
        "VALUES (extract(epoch FROM clock_timestamp()) * 1000000, 0)"
    )
    op.execute(COUNT)
    for table in WATCHED:
        op.execute(
            f"CREATE TRIGGER {table}_upkeep AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION upkeep_counted()"
        )


def downgrade() -> None:
    for table in reversed(WATCHED):
        op.execute(f"DROP TRIGGER {table}_upkeep ON {table}")
    op.execute("DROP FUNCTION upkeep_counted")
    op.drop_table("upkeep")
