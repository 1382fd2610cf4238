"""Where a server's folder lies, whose it is and who may enter it.

A checkout's server has one folder, `home/postgis`, and runs as this user. Started by root, it runs
as the unprivileged user `postgres`, for PostgreSQL refuses root. Where that user cannot enter
`home`, as in a clone under a closed `/root`, the folder lies in
`/var/lib/district-control/<hash of the path>` and `home/postgis` is a symbolic link to it.

Connections need no password: whoever can enter the socket's folder is let in, and that is who can
read the data files too, for both have mode 0700 and one owner.
"""

import hashlib
import os
import pwd
import subprocess
from contextlib import suppress
from pathlib import Path

from app.local_postgis.processes import as_user
from app.local_postgis.programs import GIVE_INSTEAD, LocalPostgisError

SHORT_FOLDER = Path("/tmp")  # noqa: S108 (what is made in it is 0700 and its owner is checked)
_ELSEWHERE = Path("/var/lib/district-control")


def folder_for(home: Path) -> Path:
    """Return the folder that `home/postgis` is or links to; make the link where one is needed."""
    home.mkdir(parents=True, exist_ok=True)
    place = home / "postgis"
    if not place.is_symlink() and not can_enter(server_user(place), home):
        if place.exists():
            user = server_user(place).pw_name
            raise LocalPostgisError(f"User {user} cannot enter {place}: open the folders above it.")
        with suppress(FileExistsError):  # another start was faster and linked to the same
            place.symlink_to(_ELSEWHERE / path_hash(place))
    if place.is_symlink():
        place.resolve().parent.mkdir(parents=True, exist_ok=True)
    return place.resolve()


def server_user(folder: Path) -> pwd.struct_passwd:
    """Return who runs the server: this user, or for root the folder's owner, else `postgres`."""
    uid = os.geteuid()
    if uid == 0 and folder.exists():
        uid = folder.stat().st_uid
    for user in [uid] if uid else ["postgres", "nobody"]:
        with suppress(KeyError):
            return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    raise LocalPostgisError(
        f"User id {uid} has no name on this machine, and PostgreSQL needs one. {GIVE_INSTEAD}"
    )


def can_enter(user: pwd.struct_passwd, folder: Path) -> bool:
    """Ask the kernel, as that user: modes alone do not tell of access lists."""
    command = ["/bin/sh", "-c", 'cd "$1" 2>/dev/null', "sh", str(folder)]
    how = as_user(user)
    return not subprocess.run(command, **how, cwd="/", check=False).returncode  # noqa: S603


def make_private(folder: Path, user: pwd.struct_passwd) -> None:
    """Make the folder, mode 0700 and this user's; refuse one that is a link or someone else's."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if os.geteuid() == 0 and found.st_uid == 0 and not folder.is_symlink():
        os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    elif found.st_uid != user.pw_uid or folder.is_symlink():
        raise LocalPostgisError(
            f"{folder} belongs to user id {found.st_uid}, not to {user.pw_name}: "
            "start as that user, or remove it."
        )
    folder.chmod(0o700)


def path_hash(path: Path) -> str:
    """Return a short name for the path, for a folder elsewhere that belongs to it."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
