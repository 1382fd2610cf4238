"""Each revision is told to whoever listens, when it is committed."""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels = None
depends_on = None

# PostgreSQL delivers a notification when its transaction commits, and in the order of commits.
TELL = """
CREATE FUNCTION record_tell_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('district_control_revisions', NEW.revision::text);
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(TELL)
    op.execute(
        "CREATE TRIGGER revisions_told AFTER INSERT ON revisions "
        "FOR EACH ROW EXECUTE FUNCTION record_tell_revision()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER revisions_told ON revisions")
    op.execute("DROP FUNCTION record_tell_revision")
