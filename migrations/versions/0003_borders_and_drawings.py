"""Boundary sets side by side: where they come from, borders of districts, drawings for tiles."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels = None
depends_on = None

MEASURED = {"borders": ("neighbour_id",), "outer_borders": ()}
DRAWN = {
    "drawn_districts": ("MULTIPOLYGON", {"district_id": "districts"}),
    "drawn_provinces": ("MULTIPOLYGON", {"province_id": "provinces"}),
    "drawn_borders": ("MULTILINESTRING", {"district_id": "districts", "neighbour_id": "districts"}),
}


def upgrade() -> None:
    op.add_column("boundary_sets", sa.Column("source_url", sa.Text(), nullable=True))
    op.add_column("boundary_sets", sa.Column("sha256", sa.Text(), nullable=True))
    op.add_column(
        "boundary_sets",
        sa.Column(
            "loaded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.create_check_constraint(
        op.f("boundary_sets_sha256_form_check"), "boundary_sets", "sha256 ~ '^[0-9a-f]{64}$'"
    )
    for table, others in MEASURED.items():
        op.create_geospatial_table(
            table,
            sa.Column("boundary_set_id", sa.Text(), nullable=False),
            sa.Column("district_id", sa.Text(), nullable=False),
            *(sa.Column(other, sa.Text(), nullable=False) for other in others),
            _geometry("MULTILINESTRING", 4326),
            sa.Column("length_km", sa.Float(), nullable=False),
            sa.CheckConstraint("length_km > 0", name=op.f(f"{table}_length_positive_check")),
            _key(table, "boundary_set_id", "boundary_sets"),
            _key(table, "district_id", "districts"),
            *(_key(table, other, "districts") for other in others),
            sa.PrimaryKeyConstraint(
                "boundary_set_id", "district_id", *others, name=op.f(f"{table}_pkey")
            ),
        )
        _spatial_index(table)
    op.create_check_constraint(op.f("borders_once_check"), "borders", "district_id < neighbour_id")
    op.create_index(op.f("borders_neighbour_id_idx"), "borders", ["neighbour_id"], unique=False)
    for table, (kind, places) in DRAWN.items():
        op.create_geospatial_table(
            table,
            sa.Column("boundary_set_id", sa.Text(), nullable=False),
            sa.Column("zoom", sa.SmallInteger(), autoincrement=False, nullable=False),
            *(sa.Column(place, sa.Text(), nullable=False) for place in places),
            _geometry(kind, 3857),
            _key(table, "boundary_set_id", "boundary_sets"),
            *(_key(table, place, referred) for place, referred in places.items()),
            sa.PrimaryKeyConstraint("boundary_set_id", "zoom", *places, name=op.f(f"{table}_pkey")),
        )
        _spatial_index(table)


def downgrade() -> None:
    for table in (*reversed(DRAWN), *MEASURED):
        op.drop_geospatial_table(table)
    op.drop_constraint(op.f("boundary_sets_sha256_form_check"), "boundary_sets", type_="check")
    for column in ("loaded_at", "sha256", "source_url"):
        op.drop_column("boundary_sets", column)


def _geometry(kind: str, srid: int) -> sa.Column[str]:
    return sa.Column(
        "geom",
        Geometry(
            geometry_type=kind,
            srid=srid,
            dimension=2,
            spatial_index=False,
            from_text="ST_GeomFromEWKT",
            name="geometry",
            nullable=False,
        ),
        nullable=False,
    )


def _key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{referred}.id"], name=op.f(f"{table}_{column}_fkey")
    )


def _spatial_index(table: str) -> None:
    op.create_geospatial_index(
        f"idx_{table}_geom",
        table,
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
