"""When documents spoke of which district, and indexes for records of millions of events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels = None
depends_on = None

# A document is held while neither it nor its event is taken back; versions that follow each other
# without a gap are one time.
FILL = """
INSERT INTO mentions (district_id, published_latest, known_from, citation_id, known_until)
SELECT events.district_id, citations.published_latest, lower(held), citations.id, upper(held)
FROM events
JOIN (
    SELECT event_id, range_agg(tstzrange(known_from, known_until)) AS times
    FROM event_versions GROUP BY event_id
) AS stood ON stood.event_id = events.id
JOIN citations ON citations.event_id = events.id
CROSS JOIN LATERAL unnest(
    stood.times * tstzmultirange(tstzrange(citations.known_from, citations.known_until))
) AS held
ORDER BY events.district_id, citations.published_latest
"""

NEWEST_FIRST = [
    sa.literal_column(f"{column} DESC") for column in ("latest", "day_order", "sequence")
]
CLOCKS = ["known_from", "reported_from"]


def upgrade() -> None:
    op.create_table(
        "mentions",
        sa.Column("district_id", sa.Text(), nullable=False),
        sa.Column("published_latest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("citation_id", sa.Uuid(), nullable=False),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("known_until > known_from", name=op.f("mentions_known_period_check")),
    )
    op.execute(FILL)
    # Once, over what is there: row by row it takes several times as long.
    op.create_primary_key(
        op.f("mentions_pkey"),
        "mentions",
        ["district_id", "published_latest", "known_from", "citation_id"],
    )
    for column, table in (("citation_id", "citations"), ("district_id", "districts")):
        op.create_foreign_key(op.f(f"mentions_{column}_fkey"), "mentions", table, [column], ["id"])
    op.drop_index("event_states_deciding_idx", table_name="event_states")
    op.create_index(
        "event_states_deciding_idx", "event_states", ["district_id", *NEWEST_FIRST, *CLOCKS]
    )
    op.create_index(
        "event_states_outcomes_idx",
        "event_states",
        ["district_id", "controller_id", *NEWEST_FIRST, *CLOCKS],
    )
    op.create_index("event_states_newest_idx", "event_states", [*NEWEST_FIRST, *CLOCKS])


def downgrade() -> None:
    for name in ("newest", "outcomes", "deciding"):
        op.drop_index(f"event_states_{name}_idx", table_name="event_states")
    op.create_index("event_states_deciding_idx", "event_states", ["district_id", *NEWEST_FIRST])
    op.drop_table("mentions")
