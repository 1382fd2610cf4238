"""What is measured of kept answers, for `/metrics`."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.api.keeping.kept import Kept

Result = Literal["hit", "collapsed", "miss", "bypass"]


class Figures:
    """Counters of answers by how they were come by, and the size of what is kept.

    `seconds` is the histogram of all requests. Children of a metric are looked up once: that takes
    longer than counting.
    """

    def __init__(self, registry: CollectorRegistry, kept: Kept, seconds: Histogram) -> None:
        self._seconds = seconds
        counter = Counter(
            "answers",
            "Answers to reads: kept ones (hit), made for another request at the same time "
            "(collapsed), made for this one (miss), of addresses that nobody keeps (bypass)",
            ("result",),
            registry=registry,
        )
        results: tuple[Result, ...] = ("hit", "collapsed", "miss", "bypass")
        self._counters = {result: counter.labels(result) for result in results}
        self._histograms: dict[tuple[str, int], Histogram] = {}
        for name, what in (("answers", "Answers that are kept"), ("bytes", "Bytes they take")):
            gauge = Gauge(f"kept_{name}", what, registry=registry)
            gauge.set_function(lambda name=name: kept.figures()[name])  # type: ignore[misc]

    def count(self, result: Result) -> None:
        """Count a request whose time is measured elsewhere."""
        self._counters[result].inc()

    def given(self, result: Result, route: str, status: int, seconds: float) -> None:
        """Count and time a request that nothing else saw."""
        self._counters[result].inc()
        found = self._histograms.get((route, status))
        if found is None:
            found = self._seconds.labels("GET", route, status)
            self._histograms[route, status] = found
        found.observe(seconds)
