"""The command `python -m app.local_postgis check`, by which `tools/install` knows what is there."""

import sys
from collections.abc import Sequence

from app.local_postgis.programs import LocalPostgisError, required_programs


def main(arguments: Sequence[str]) -> int:
    """Run `check`: print the programs' folder, or say what to do and return 1."""
    if list(arguments) != ["check"]:
        sys.stderr.write("usage: python -m app.local_postgis check\n")
        return 2
    try:
        sys.stdout.write(f"{required_programs(None)}\n")
    except LocalPostgisError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
