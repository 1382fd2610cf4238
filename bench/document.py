"""Figures that are kept, as a part of a document between two marks."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

END = "<!-- end of these figures -->\n"


def write(of: str, usual: tuple[Path, Path], tables: Callable[[dict[str, Any]], str]) -> None:
    """Put the tables of a result into a document, in the place of those that stand there.

    `of` is the package whose figures they are. The result and the document are the first two
    words of the command line; `usual` are those that it leaves out.
    """
    given = [Path(name) for name in sys.argv[1:]]
    result, document = given + list(usual[len(given) :])
    begin = _begin(of)
    before, mark, rest = document.read_text(encoding="utf-8").partition(begin)
    if not mark or END not in rest:
        raise SystemExit(f"{document} has no place for them: {begin}{END}")
    told = json.loads(result.read_text(encoding="utf-8"))
    after = rest.partition(END)[2]
    document.write_text(before + part(of, tables(told)) + after, encoding="utf-8")


def part(of: str, text: str) -> str:
    """The tables of a package's figures, with the marks around them."""
    return _begin(of) + text + END


def _begin(of: str) -> str:
    return f"<!-- figures of {of}: python -m {of}.markdown writes them -->\n"
