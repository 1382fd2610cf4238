"""SVG to PNG, in a process of its own, with fonts that come as packages and none of the machine.

The library holds on to the interpreter while it draws, so that in this process nobody else would
be answered meanwhile. This file is also the program that draws.
"""

import subprocess
import sys
from pathlib import Path

import fontpkg
import resvg_py

FONTS = ("Noto Sans", "Noto Sans Arabic")
"""The first is the sans-serif; letters that it lacks come from the other."""
SECONDS = 60
"""How long one picture may take; it takes well under one."""


def to_png(svg: str) -> bytes:
    """The picture in as many pixels as the SVG says that it has."""
    # -P: modules of this folder must not stand in for those of the standard library.
    program = [sys.executable, "-P", str(Path(__file__).resolve())]
    done = subprocess.run(  # noqa: S603 - this very file, by this very interpreter
        program, input=svg.encode(), capture_output=True, check=True, timeout=SECONDS
    )
    return done.stdout


def main() -> None:
    """Read an SVG from the standard input and write a PNG to the standard output."""
    drawn = resvg_py.svg_to_bytes(
        svg_string=sys.stdin.buffer.read().decode(),
        skip_system_fonts=True,
        font_files=[str(fontpkg.path(name)) for name in FONTS],
        font_family=FONTS[0],
        sans_serif_family=FONTS[0],
    )
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
