"""Names of places by their sound, so that they are found in any script and transliteration."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from app.domain.places import sound_key

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels = None
depends_on = None

TABLES = {"district_names": "district_id", "province_names": "province_id"}


def upgrade() -> None:
    for table, place in TABLES.items():
        sound = sa.Column("sound", sa.Text(), server_default=sa.text("'?'"), nullable=False)
        op.add_column(table, sound)
        _fill(table, place)
        op.create_check_constraint(op.f(f"{table}_sound_said_check"), table, "sound <> ''")
        op.create_index(
            f"{table}_sound_trigrams_idx",
            table,
            ["sound"],
            unique=False,
            postgresql_using="gin",
            postgresql_ops={"sound": "gin_trgm_ops"},
        )


def _fill(table: str, place: str) -> None:
    """Write what this code makes of each name: queries are reduced by the same function."""
    names = sa.table(table, sa.column(place), sa.column("name"), sa.column("sound"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(names.c[place], names.c.name)).all()
    if rows:
        connection.execute(
            names.update()
            .where(names.c[place] == sa.bindparam("of"), names.c.name == sa.bindparam("named"))
            .values(sound=sa.bindparam("sounds")),
            [{"of": of, "named": name, "sounds": sound_key(name)} for of, name in rows],
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"{table}_sound_trigrams_idx", table_name=table)
        op.drop_constraint(op.f(f"{table}_sound_said_check"), table, type_="check")
        op.drop_column(table, "sound")
