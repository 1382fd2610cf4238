"""The questions that are asked, and the nearest thing that each peer can be asked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

COLLECTION = "/collections/peers.control_at"
"""The peers' table, as tipg calls it; pygeoapi calls it `control`."""

DAY = date(2021, 8, 5)
"""The day that fixed addresses ask about: the peers' table shows it."""

SEASON = (date(2021, 6, 1), 74)
"""First day, and number of days, of the moments of cold questions: when districts changed hands."""

AFTERWARDS = (date(2021, 8, 17), 74)
"""The same for questions about a whole history: at each of these days all of it is told."""

_MICROSECONDS = 24 * 60 * 60 * 1_000_000
_SHARE = 10_000_000


@dataclass(frozen=True)
class Case:
    """One question.

    `path` is asked again and again. `cold` has `{}` in the place of a moment; each moment is asked
    about once, at `days`. Of a peer that has no such question the path is None.
    """

    key: str
    title: str
    path: str
    cold: str
    tipg: str | None = None
    pygeoapi: str | None = None
    days: tuple[date, int] = SEASON
    is_snapshot: bool = False

    def cold_path(self, number: int) -> str:
        """The address of the moment with this number."""
        return self.cold.replace("{}", moment(self.days, number))


CASES = (
    Case(
        "control",
        "control of one district",
        "/districts/AF2907/control",
        "/districts/AF2907/control?as_of={}",
        f"{COLLECTION}/items/AF2907?f=geojson",
        "/collections/control/items/AF2907?f=json",
    ),
    Case(
        "country",
        "all districts, no geometry",
        f"/control?as_of={DAY}",
        "/control?as_of={}",
        f"{COLLECTION}/items?f=geojson&limit=1000&geom-column=none",
        "/collections/control/items?f=json&limit=1000&skipGeometry=true",
    ),
    Case(
        "country-shapes",
        "all districts with geometry",
        f"/control?as_of={DAY}&f=geojson",
        "/control?as_of={}&f=geojson",
        f"{COLLECTION}/items?f=geojson&limit=1000",
        "/collections/control/items?f=json&limit=1000",
        is_snapshot=True,
    ),
    Case(
        "timeline",
        "a district's timeline",
        "/districts/AF2907/timeline",
        "/districts/AF2907/timeline?as_of={}",
        days=AFTERWARDS,
    ),
    Case(
        "province",
        "a province summary",
        "/provinces/AF29/summary",
        "/provinces/AF29/summary?as_of={}",
    ),
    Case(
        "tile",
        "a vector tile",
        f"/tiles/6/43/25.mvt?as_of={DAY}",
        "/tiles/6/43/25.mvt?as_of={}",
        # pygeoapi has tiles too, but the statement behind this one takes seconds.
        f"{COLLECTION}/tiles/WebMercatorQuad/6/43/25",
    ),
    Case(
        "series",
        "the chart's series",
        "/series?from=2021-06-01&to=2021-08-16",
        "/series?from=2021-06-01&to=2021-08-16&reported_by={}",
        days=AFTERWARDS,
    ),
)


def moment(days: tuple[date, int], number: int) -> str:
    """The moment with this number, from 0 on: no two numbers have the same one.

    Each number is another microsecond of a day, so addresses stay new whatever the day is; days
    take turns. `cold.lua` writes the same.
    """
    first, count = days
    of_day = timedelta(microseconds=number % _MICROSECONDS)
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC)
    at = begins + timedelta(days=number % count) + of_day
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


class Numbers:
    """Deals out numbers of moments, so that none is asked about twice in one run of the bench."""

    def __init__(self) -> None:
        self._dealt = 0

    def share(self) -> int:
        """The first of ten million numbers that are nobody else's."""
        self._dealt += _SHARE
        if self._dealt + _SHARE > _MICROSECONDS:
            raise OverflowError("a day has no more microseconds")
        return self._dealt
