"""What the tables share: the names of constraints, kinds of columns, knowledge periods."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

INSTANT = DateTime(timezone=True)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Allow only these words in a text column; `values` is an enumeration or a tuple of words."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


def said(column: str) -> CheckConstraint:
    """Allow no empty text: what is not known is NULL."""
    return CheckConstraint(f"{column} <> ''", name=f"{column}_said")


def recorded_in() -> Column[int]:
    """The revision under which a row was recorded; such a row is never closed."""
    return Column(
        "revision", BigInteger, ForeignKey("revisions.revision"), nullable=False, index=True
    )


def knowledge(table: str) -> list[SchemaItem]:
    """The knowledge period of a recorded row: opened by one revision, closed by a later one.

    The keys hold each bound to the very instant of its revision.
    """
    instant_of_revision = ("revisions.revision", "revisions.recorded_at")
    return [
        Column("revision", BigInteger, nullable=False, index=True),
        Column("known_from", INSTANT, nullable=False),
        Column("closing_revision", BigInteger, index=True),
        Column("known_until", INSTANT),
        CheckConstraint("known_until > known_from", name="known_period"),
        CheckConstraint("(known_until IS NULL) = (closing_revision IS NULL)", name="closing_whole"),
        ForeignKeyConstraint(
            ("revision", "known_from"), instant_of_revision, name=f"{table}_opened_by_fkey"
        ),
        ForeignKeyConstraint(
            ("closing_revision", "known_until"), instant_of_revision, name=f"{table}_closed_by_fkey"
        ),
    ]
