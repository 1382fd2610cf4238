"""What was found: medians over rounds, ratios of medians, and the goals."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench.service.cases import CASES, Case
from bench.service.load import Run
from bench.service.measuring import Runs


@dataclass(frozen=True)
class Median:
    """One kind of run of one case: medians over rounds, and the least and the most of `rate`."""

    rate: float
    least: float
    most: float
    p50: float | None
    p99: float | None

    @classmethod
    def of(cls, runs: list[Run]) -> "Median":
        """Sum up the runs of all rounds; at least one."""
        rates = [run.rate for run in runs]
        return cls(
            statistics.median(rates),
            min(rates),
            max(rates),
            _median([run.p50 for run in runs]),
            _median([run.p99 for run in runs]),
        )


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


@dataclass(frozen=True)
class Goal:
    """Something to reach in every case that it speaks of.

    `value` is a ratio of two rates, or milliseconds; `most` says that it should not be exceeded.
    """

    title: str
    wanted: float
    value: Callable[[dict[str, Median]], float | None]
    only: Callable[[Case], bool] = lambda _: True
    most: bool = False

    def met(self, value: float) -> bool:
        """Whether a value, not rounded, is good enough."""
        return value <= self.wanted if self.most else value >= self.wanted


def _ratio(one: str, other: str) -> Callable[[dict[str, Median]], float | None]:
    def ratio(kinds: dict[str, Median]) -> float | None:
        return kinds[one].rate / kinds[other].rate if other in kinds else None

    return ratio


GOALS = (
    Goal("hot : bare ASGI application", 0.7, _ratio("hot", "floor")),
    Goal("hot : tipg", 10, _ratio("hot", "tipg")),
    Goal("cold : tipg", 2, _ratio("cold", "tipg"), lambda case: not case.is_snapshot),
    Goal("cold : tipg, country with geometry", 5, _ratio("cold", "tipg"), lambda c: c.is_snapshot),
    Goal("cold, one client : pgbench", 0.5, _ratio("alone", "pgbench")),
    Goal("cold, p99 in ms", 50, lambda kinds: kinds["cold"].p99, most=True),
)


@dataclass(frozen=True)
class Verdict:
    """Whether a goal was met in a case."""

    goal: str
    wanted: float
    case: str
    value: float
    met: bool


def medians(runs: Runs) -> dict[str, dict[str, Median]]:
    """Medians by case and kind of run."""
    found: dict[str, dict[str, Median]] = {case.key: {} for case in CASES}
    for (case, kind), measured in runs.items():
        found[case][kind] = Median.of(measured)
    return found


def verdicts(found: dict[str, dict[str, Median]]) -> list[Verdict]:
    """Every goal in every case that it speaks of and that could be compared."""
    judged = []
    for goal in GOALS:
        for case in CASES:
            value = goal.value(found[case.key]) if goal.only(case) else None
            if value is not None:
                judged.append(Verdict(goal.title, goal.wanted, case.key, value, goal.met(value)))
    return judged


def as_json(
    found: dict[str, dict[str, Median]],
    runs: Runs,
    sizes: dict[str, dict[str, dict[str, int | None]]],
    about: dict[str, object],
) -> dict[str, object]:
    """All of it, for a program: every run too, not only medians."""
    return about | {
        "cases": {
            case.key: {
                "title": case.title,
                "asked": {
                    "hot": case.path,
                    "cold": case.cold,
                    "tipg": case.tipg,
                    "pygeoapi": case.pygeoapi,
                },
                "bytes": sizes[case.key],
                "medians": {kind: asdict(median) for kind, median in found[case.key].items()},
                "runs": {
                    kind: [asdict(run) for run in runs[case.key, kind]] for kind in found[case.key]
                },
            }
            for case in CASES
        },
        "goals": [asdict(verdict) for verdict in verdicts(found)],
    }
