"""Bringing the database to the schema that this code expects, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

_ALEMBIC_INI = Path(__file__).resolve().parents[2] / "alembic.ini"


def migrate(engine: Engine, target: str = "head") -> None:
    """Upgrade the database to `target` in one transaction; does nothing when it is there.

    Revisions from before there were seals are sealed then (in migrations/env.py).
    """
    with engine.begin() as connection:
        config = Config(str(_ALEMBIC_INI))
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def is_at_head(connection: Connection) -> bool:
    """Whether every migration of this code, and none that it does not know, has been run."""
    script = ScriptDirectory.from_config(Config(str(_ALEMBIC_INI)))
    return set(MigrationContext.configure(connection).get_current_heads()) == set(
        script.get_heads()
    )
