"""Bringing the database to the schema that this code expects, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select

_ALEMBIC_INI = Path(__file__).resolve().parents[2] / "alembic.ini"
_MIGRATING = 0x0D15_7C71
"""Key of the advisory lock that lets one process migrate while others wait."""


def migrate(engine: Engine, target: str = "head") -> None:
    """Upgrade the database to `target` in one transaction; does nothing when it is there."""
    with engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        config = Config(str(_ALEMBIC_INI))
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def is_at_head(connection: Connection) -> bool:
    """Whether every migration of this code, and none that it does not know, has been run."""
    script = ScriptDirectory.from_config(Config(str(_ALEMBIC_INI)))
    return set(MigrationContext.configure(connection).get_current_heads()) == set(
        script.get_heads()
    )
