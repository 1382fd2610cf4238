"""Which PostgreSQL with PostGIS is installed, and what to do where none is."""

import re
import shutil
import subprocess
from pathlib import Path

OLDEST_MAJOR = 15
GIVE_INSTEAD = (
    "Instead, run everything in containers with `docker compose up`, or set DATABASE_URL to a "
    f"PostgreSQL {OLDEST_MAJOR} or newer that has PostGIS."
)

_PACKAGED = Path("/usr/lib/postgresql")
_PATIENCE = 60  # seconds for one answer of pg_config


class LocalPostgisError(Exception):
    """The local PostGIS cannot be used; the message says why and what to do."""


def required_programs(major: int | None) -> Path:
    """Return what `find_postgis` finds; where it finds none, raise what to do about it."""
    programs = find_postgis(major)
    if programs is None and major is not None:
        raise LocalPostgisError(
            f"The data was made by PostgreSQL {major}, which is no longer installed with PostGIS: "
            f"install postgresql-{major}-postgis-3, or move the data away to start afresh."
        )
    if programs is None:
        raise LocalPostgisError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer with PostGIS is installed. On Debian and "
            f"Ubuntu `make install` installs it, as root or with sudo. {GIVE_INSTEAD}"
        )
    return programs


def find_postgis(major: int | None = None) -> Path | None:
    """Return the folder of the newest PostgreSQL's programs that has PostGIS, or None.

    `major` asks for one major version; without it, versions before OLDEST_MAJOR do not count.
    """
    found: dict[int, Path] = {}
    for programs in _program_folders():
        version = re.search(r"\d+", _ask_pg_config(programs / "pg_config", "--version"))
        extensions = Path(_ask_pg_config(programs / "pg_config", "--sharedir"), "extension")
        if version and (programs / "initdb").exists() and (extensions / "postgis.control").exists():
            found.setdefault(int(version[0]), programs)
    if major is not None:
        return found.get(major)
    newest = max(found, default=0)
    return found[newest] if newest >= OLDEST_MAJOR else None


def _program_folders() -> list[Path]:
    folders = list(_PACKAGED.glob("*/bin"))
    on_path = shutil.which("pg_config")
    if on_path and (answer := _ask_pg_config(Path(on_path), "--bindir")):
        folders.append(Path(answer))
    return folders


def _ask_pg_config(pg_config: Path, question: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603
            [pg_config, question], capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # half an installation, such as a client without its server's files
    return answer.stdout.strip()
