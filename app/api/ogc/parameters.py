"""Parameters of the addresses under `/ogc`, as OGC API - Features 1.0 and 2.0 define them."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from app.api import params
from app.api.deps import TOMORROW, day_of_now, today
from app.domain.clocks import FIRST_YEAR, LAST_YEAR, Moment, day_span, parse_moment
from app.domain.control import Kind, Status
from app.domain.errors import InvalidValueError
from app.domain.front import LineKind
from app.domain.places import BoundingBox
from app.importers.fields import PlaceId, Slug

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
"""Longitude and latitude in degrees, WGS 84: what GeoJSON has, and all that is offered here."""
MAX_LIMIT = 10_000
USUAL_LIMIT = 100

_FIELD = "datetime"
_OPEN = ("", "..")
# What clients that know no open ends send for them, and years that nothing here reaches.
_FULL = re.compile(
    r"(\d{4})-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?", re.ASCII | re.IGNORECASE
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# GDAL writes a day so where a date is compared with one.
_DAY_OF_GDAL = re.compile(r"(\d{4}-\d\d-\d\d)T\Z", re.ASCII)


def parse_box(text: str) -> BoundingBox:
    """Read four numbers, or six with heights, which no shape here has; ValueError says what is off.

    In degrees: west, south, (lowest,) east, north(, highest). West above east crosses the 180th
    meridian.
    """
    parts = text.split(",")
    if len(parts) == 6:
        try:
            lowest, highest = float(parts[2]), float(parts[5])
        except ValueError:
            raise ValueError("write numbers for the heights too, or leave them out") from None
        if not (math.isfinite(lowest) and math.isfinite(highest) and lowest <= highest):
            raise ValueError("the third number, the lowest height, is not above the sixth")
        parts = [*parts[:2], *parts[3:5]]
    return params.parse_bbox(",".join(parts))


def _box(text: str) -> str:
    parse_box(text)
    return text


@dataclass(frozen=True)
class Stretch:
    """What `datetime` asks about: from one instant to another, both included; None is open.

    `at` is the moment that was given where it was one moment and no interval.
    """

    earliest: datetime | None
    latest: Moment | None
    at: Moment | None = None


def parse_datetime(text: str, zone: ZoneInfo) -> Stretch:
    """Read an instant, a day of `zone`, or an interval of two of them, one of which may be open.

    Raises InvalidValueError for other forms, for an interval that ends before it begins, and for
    what lies in the future altogether: this record says nothing of days to come.
    """
    start_text, slash, end_text = text.partition("/")
    if slash:
        stretch = _interval(start_text, end_text, zone)
    else:
        earliest, at = _moment(text, zone)
        stretch = Stretch(earliest, at, at)
    if stretch.earliest and stretch.latest and stretch.earliest > stretch.latest.until:
        raise InvalidValueError(f"{text} ends before it begins", field=_FIELD)
    if stretch.earliest and stretch.earliest > day_of_now(zone).until + TOMORROW:
        raise InvalidValueError(
            f"{text} lies in the future: this record says nothing of days to come", field=_FIELD
        )
    return stretch


def _interval(start_text: str, end_text: str, zone: ZoneInfo) -> Stretch:
    if start_text in _OPEN and end_text in _OPEN:
        raise InvalidValueError("give one of both ends, or leave datetime out", field=_FIELD)
    starts = start_text not in _OPEN and _year(start_text) >= FIRST_YEAR
    ends = end_text not in _OPEN and _year(end_text) <= LAST_YEAR
    return Stretch(
        _moment(start_text, zone)[0] if starts else None,
        _moment(end_text, zone)[1] if ends else None,
    )


def _moment(text: str, zone: ZoneInfo) -> tuple[datetime, Moment]:
    """The first instant of what is written, and all of it."""
    moment = parse_moment(_DAY_OF_GDAL.sub(r"\1", text.upper()), zone, field=_FIELD)
    if _DAY.fullmatch(moment.text):
        earliest = day_span(date.fromisoformat(moment.text), zone).earliest
        assert earliest is not None  # noqa: S101 - a day begins
        return earliest, moment
    return moment.until, moment


def _year(text: str) -> int:
    """The year of a date that is written in full; of anything else one that is no open end."""
    found = _FULL.fullmatch(text)
    return int(found[1]) if found else FIRST_YEAR


def state_at(stretch: Stretch | None, zone: ZoneInfo) -> Moment:
    """The moment whose state is given: the one asked about, or the end of the interval.

    An interval that does not end, or ends later than today, ends today.
    """
    if stretch is None or stretch.latest is None:
        return today(zone)
    if stretch.at is None and stretch.latest.until > day_of_now(zone).until:
        return today(zone)
    return stretch.latest


class Session(params.OfCountry, params.Known, params.Drawn):
    """What every address under `/ogc` takes, because clients send it with all of their requests.

    GDAL and QGIS add the parameters of the address that they were given to each request.
    """

    f: Literal["json", "geojson"] | None = Field(
        None, description="Format of the answer. Features are GeoJSON with both."
    )
    datetime: Annotated[str, StringConstraints(max_length=90)] | None = Field(
        None,
        description="An instant (`2021-08-15T12:00:00+04:30`), a day of the country "
        "(`2021-08-15`), or an interval of two of them (`2021-06-01/2021-06-30`) with `..` or "
        "nothing for an open end. `districts`, `provinces` and `frontline` are given as they were "
        "at that moment, or at the end of the interval (today if it is open). Of `events`, those "
        "that may have occurred then are given.",
        examples=["2021-08-15"],
    )
    kinds: params.Kinds = Field(
        "front",
        description="Of `frontline`: which lines, with commas between; `front`, `contested` (one "
        "side is contested), `unknown` (nothing on record counts for one side).",
        examples=["front,contested"],
    )

    def stretch(self, zone: ZoneInfo) -> Stretch | None:
        """`datetime`, read; raises as `parse_datetime` does."""
        return None if self.datetime is None else parse_datetime(self.datetime, zone)


Confidence = Literal["claimed", "reported", "confirmed"]
_CLAIMED: Any = Field("claimed", description="How well supported an event must be to be given.")


class Drawing(BaseModel):
    """In which coordinates features are given."""

    crs: Literal["http://www.opengis.net/def/crs/OGC/1.3/CRS84"] | None = Field(
        None, description="Coordinate reference system of the answer. There is one: CRS84."
    )


class ItemQuery(Session, Drawing):
    """One feature."""


class EventQuery(ItemQuery):
    """One event."""

    min_confidence: Confidence = _CLAIMED


class ItemsQuery(Session, Drawing):
    """A page of features; the members of subclasses are filters by a property of that name."""

    limit: int = Field(
        USUAL_LIMIT,
        ge=1,
        description=f"How many at the most. More than {MAX_LIMIT} counts as {MAX_LIMIT}.",
    )
    bbox: Annotated[str, StringConstraints(max_length=200), AfterValidator(_box)] | None = Field(
        None,
        description="west,south,east,north in degrees, or with heights west,south,lowest,east,"
        "north,highest: features that meet it. West above east crosses the 180th meridian.",
        examples=["63.5,35.0,65.5,36.5"],
    )
    bbox_crs: Literal["http://www.opengis.net/def/crs/OGC/1.3/CRS84"] | None = Field(
        None, alias="bbox-crs", description="Coordinate reference system of `bbox`: CRS84."
    )
    cursor: params.CursorText | None = Field(
        None, description="Where to go on: follow the link with `rel` `next`."
    )

    @property
    def size(self) -> int:
        """How many features a page has (docs/decisions/0017-ogc-api-features.md)."""
        return min(self.limit, MAX_LIMIT)

    @property
    def box(self) -> BoundingBox | None:
        """The bounding box, read."""
        return parse_box(self.bbox) if self.bbox is not None else None

    @classmethod
    def filters(cls) -> tuple[str, ...]:
        """The properties that it filters by."""
        return tuple(name for name in cls.model_fields if name not in ItemsQuery.model_fields)

    @property
    def filtered(self) -> bool:
        """Whether there is a filter by a property."""
        return any(getattr(self, name) is not None for name in self.filters())

    def fits(self, properties: BaseModel) -> bool:
        """Whether a feature with these properties is meant, as far as they are filtered by."""
        wanted: dict[str, Any] = {name: getattr(self, name) for name in self.filters()}
        return all(
            value is None or getattr(properties, name) == value for name, value in wanted.items()
        )


_PROVINCE = Field(None, description="P-code of the province.", examples=["AF29"])
_CONTROLLER = Field(None, description="Id of the party that holds it.", examples=["taliban"])


class DistrictsQuery(ItemsQuery):
    """Districts."""

    name: params.Name | None = Field(None, description="Exactly this name.", examples=["Qaysar"])
    province: PlaceId | None = _PROVINCE
    status: Status | None = Field(None, description="Its status.")
    controller: Slug | None = _CONTROLLER
    confidence: Confidence | None = Field(
        None, description="How well the deciding event is supported."
    )
    disputed: bool | None = Field(None, description="Whether a document disputes that event.")
    is_provincial_capital: bool | None = Field(
        None, description="Whether the capital of the province lies in it."
    )


class ProvincesQuery(ItemsQuery):
    """Provinces."""

    name: params.Name | None = Field(None, description="Exactly this name.", examples=["Faryab"])


class EventsQuery(ItemsQuery):
    """Events."""

    min_confidence: Confidence = _CLAIMED
    district: PlaceId | None = Field(None, description="P-code of the district.")
    province: PlaceId | None = _PROVINCE
    kind: Kind | None = Field(None, description="Kind of change.")
    status: Literal[Status.CONTROLLED, Status.CONTESTED] | None = Field(
        None, description="The status that it led to."
    )
    controller: Slug | None = Field(None, description="Id of the party that held it afterwards.")
    confidence: Confidence | None = Field(None, description="How well it is supported.")
    disputed: bool | None = Field(None, description="Whether a document disputes it.")


class FrontlineQuery(ItemsQuery):
    """Lines of the front."""

    kind: LineKind | None = Field(
        None, description="Lines of this kind only; goes before `kinds`.", examples=["front"]
    )
    province: PlaceId | None = Field(
        None, description="P-code: lines with a side in this province."
    )

    def fits(self, properties: BaseModel) -> bool:
        """Lines are filtered where they are found: a province is none of their properties."""
        return True

    @property
    def wanted(self) -> frozenset[LineKind]:
        """The kinds, read."""
        return frozenset({self.kind}) if self.kind else params.parse_kinds(self.kinds)
