"""Which browser the tests drive."""

import shutil
import subprocess
from functools import cache

ARGUMENTS = [
    "--no-sandbox",
    # Maps need WebGL, and test machines have no graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # A browser that is watched for requests to other hosts should make none of its own.
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@cache
def chromium() -> str | None:
    """The path of a Chromium that runs; None where there is none.

    Ubuntu's package of that name is a stub that asks for another way to install it.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found and _runs(found):
            return found
    return None


def _runs(program: str) -> bool:
    return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
