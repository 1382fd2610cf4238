"""Kept figures as tables in a document, between its two marks.

Usage: python -m bench.scale.markdown [RESULT [DOCUMENT]]
"""

from collections.abc import Callable
from typing import Any

from app.settings import PROJECT
from bench import document

RESULT = PROJECT / "bench" / "results" / "scale.json"
DOCUMENT = PROJECT / "docs" / "performance-scale.md"


def main() -> None:
    """Put the tables of a result into a document."""
    document.write("bench.scale", (RESULT, DOCUMENT), tables)


def tables(told: dict[str, Any]) -> str:
    """All tables of a result."""
    parts = [
        _by_size("median time in ms, and that of PostgreSQL in it", told, _times),
        _by_size("blocks of 8 kB that it touched", told, lambda cell: f"{cell['blocks']:,.0f}"),
        _by_size("bytes of the answer", told, lambda cell: f"{cell['bytes']:,}"),
        _database(told),
    ]
    return "\n" + "\n".join(parts) + "\n"


def _times(cell: dict[str, float]) -> str:
    return f"{cell['median_ms']:,.1f} ({cell['in_database_ms']:,.1f})"


def _by_size(title: str, told: dict[str, Any], write: Callable[[dict[str, float]], str]) -> str:
    lines = [f"| {title} | {' | '.join(told)} |", "|---|" + "--:|" * len(told)]
    first = next(iter(told.values()))["reads"]
    for read, by_clock in first.items():
        for clock in by_clock:
            cells = (write(one["reads"][read][clock]) for one in told.values())
            lines.append(f"| {read}, {clock} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _database(told: dict[str, Any]) -> str:
    """Bytes for each event: of each table, of its indexes, and of the whole database."""
    sizes = [one["database"] for one in told.values()]
    lines = [
        f"| bytes for each event: table + indexes | {' | '.join(told)} |",
        "|---|" + "--:|" * len(told),
    ]
    for table in sizes[0]["tables"]:
        cells = (
            f"{size['tables'][table]['bytes_per_event']:,} + "
            f"{size['tables'][table]['index_bytes_per_event']:,}"
            for size in sizes
        )
        lines.append(f"| {table} | {' | '.join(cells)} |")
    whole = (f"{size['bytes_per_event']:,}" for size in sizes)
    lines.append(f"| the whole database | {' | '.join(whole)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
