"""The figures on a terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from bench.service.cases import CASES
from bench.service.results import GOALS, Median, Verdict

NAMES = {
    "hot": "service, kept",
    "floor": "bare ASGI application",
    "cold": "service, not kept",
    "tipg": "tipg",
    "pygeoapi": "pygeoapi",
    "alone": "service, not kept, one client",
    "pgbench": "its SQL in pgbench, one client",
}
Sizes = Mapping[str, Mapping[str, Mapping[str, int | None]]]


def show(
    console: Console, found: dict[str, dict[str, Median]], sizes: Sizes, judged: list[Verdict]
) -> None:
    """Print what was found, how large answers are, and which goals were met."""
    console.print(_speeds(found))
    console.print(_sizes(sizes))
    console.print(_goals(judged))


def _speeds(found: dict[str, dict[str, Median]]) -> Table:
    table = Table("case", "asked", title="Answers in a second, and milliseconds for one")
    for column in ("a second", "least to most", "p50", "p99"):
        table.add_column(column, justify="right")
    for case in CASES:
        for number, (kind, name) in enumerate(NAMES.items()):
            median = found[case.key].get(kind)
            title = "" if number else case.title
            if median is None:
                # A peer that has no such question: its cells stay empty.
                table.add_row(title, name)
                continue
            spread = f"{figure(median.least)} to {figure(median.most)}"
            times = (figure(median.p50), figure(median.p99))
            table.add_row(title, name, figure(median.rate), spread, *times)
        table.add_section()
    return table


def _sizes(sizes: Sizes) -> Table:
    table = Table("case", "answered by", title="Bytes of an answer's body")
    encodings = ("plain", "gzip", "zstd")
    for encoding in encodings:
        table.add_column(encoding, justify="right")
    for case in CASES:
        for party, told in sizes[case.key].items():
            written = [f"{size:,}" if (size := told[one]) else "" for one in encodings]
            table.add_row(case.title if party == "service" else "", party, *written)
    return table


def _goals(judged: list[Verdict]) -> Table:
    titles = {case.key: case.title for case in CASES}
    table = Table("goal", "case", title="Goals (ratios of the medians of answers in a second)")
    for column in ("wanted", "found", ""):
        table.add_column(column, justify="right")
    for goal in GOALS:
        wanted = f"{'at most' if goal.most else 'at least'} {goal.wanted:g}"
        for verdict in judged:
            if verdict.goal == goal.title:
                met = "[green]met[/green]" if verdict.met else "[red]not met[/red]"
                told = (wanted, figure(verdict.value), met)
                table.add_row(goal.title, titles[verdict.case], *told)
        table.add_section()
    return table


def figure(value: float | None) -> str:
    """Three digits of a figure, or what stands before its point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
