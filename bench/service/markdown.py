"""Kept figures as tables in a document, between its two marks.

Usage: python -m bench.service.markdown [RESULT [DOCUMENT]]
"""

from collections.abc import Callable
from typing import Any

from app.settings import PROJECT
from bench import document
from bench.service.table import NAMES, figure

RESULT = PROJECT / "bench" / "results" / "service.json"
DOCUMENT = PROJECT / "docs" / "performance.md"


def main() -> None:
    """Put the tables of a result into a document."""
    document.write("bench.service", (RESULT, DOCUMENT), tables)


def tables(told: dict[str, Any]) -> str:
    """All tables of a result."""
    parts = [_conditions(told), _goals(told), _speeds(told), _sizes(told)]
    return "\n" + "\n".join(parts) + "\n"


def _conditions(told: dict[str, Any]) -> str:
    options, machine, versions = told["options"], told["machine"], told["versions"]
    peers = told["versions_of_peers"]
    return (
        f"Measured on {told['made'][:10]}: {machine['cores']} cores ({machine['processor']}; load "
        f"average before it {machine['load_before']}), {options['workers']} worker of each party, "
        f"{options['clients']} clients, {options['rounds']} rounds of {options['seconds']} s, "
        f"Python {versions['python']}, PostgreSQL {versions['postgresql'].split()[0]}, PostGIS "
        f"{versions['postgis']}, uvicorn {versions['uvicorn']}, tipg {peers['tipg']}, pygeoapi "
        f"{peers['pygeoapi']}.\n"
    )


def _goals(told: dict[str, Any]) -> str:
    """One row for each goal and case; those that were missed come first."""
    lines = ["| goal | case | wanted | found | |", "|---|---|--:|--:|---|"]
    for goal in sorted(told["goals"], key=lambda goal: goal["met"]):
        title = told["cases"][goal["case"]]["title"]
        met = "met" if goal["met"] else "**not met**"
        lines.append(
            f"| {goal['goal']} | {title} | {goal['wanted']:g} | {figure(goal['value'])} | {met} |"
        )
    return "\n".join(lines) + "\n"


def _speeds(told: dict[str, Any]) -> str:
    """Answers in a second with the least and the most of the rounds; p50 and p99 below."""

    def rate(median: dict[str, Any]) -> str:
        spread = f"{figure(median['least'])} to {figure(median['most'])}"
        return f"{figure(median['rate'])} ({spread})"

    def times(median: dict[str, Any]) -> str:
        return f"{figure(median['p50'])} / {figure(median['p99'])}"

    timed = [kind for kind in NAMES if kind != "pgbench"]
    return (
        _by_party("answers in a second", told, list(NAMES), rate)
        + "\n"
        + _by_party("p50 / p99 in ms", told, timed, times)
    )


def _by_party(
    title: str, told: dict[str, Any], kinds: list[str], cell: Callable[[dict[str, Any]], str]
) -> str:
    """One row for each case, one column for each kind of run; empty where there was none."""
    lines = [f"| {title} | {' | '.join(NAMES[kind] for kind in kinds)} |"]
    lines.append("|---|" + "--:|" * len(kinds))
    for case in told["cases"].values():
        medians = [case["medians"].get(kind) for kind in kinds]
        cells = [cell(median) if median else "" for median in medians]
        lines.append(f"| {case['title']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _sizes(told: dict[str, Any]) -> str:
    lines = ["| bytes of a body | answered by | plain | gzip | zstd |", "|---|---|--:|--:|--:|"]
    for case in told["cases"].values():
        for party, sizes in case["bytes"].items():
            cells = [f"{size:,}" if size else "" for size in sizes.values()]
            lines.append(f"| {case['title']} | {party} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
