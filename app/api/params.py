"""Query parameters, each set parsed once into a frozen value. Nothing unknown passes."""

import math
import re
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from app.domain.control import Confidence, Kind, Status
from app.domain.errors import InvalidValueError
from app.domain.front import LineKind
from app.domain.places import BoundingBox, name_key
from app.importers.fields import PRINTABLE, PlaceId, Slug

MAX_LIMIT = 1000
USUAL_LIMIT = 100
MAX_NAME = 200
MAX_POINTS = 1000


Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), PRINTABLE]
Format = Literal[
    "json", "geojson", "csv", "ndjson", "fgb", "gpkg", "mvt", "svg", "png", "text", "bibtex", "csl"
]
# The bounds of PostgreSQL's integer and bigint: a number beyond them is no place in a list.
SMALL = Field(ge=-(2**31), lt=2**31)
LARGE = Field(ge=-(2**63), lt=2**63)

_MOMENT = (
    "A date in the country's own time zone (`2021-06-10`: the end of that day) or an instant with "
    "its UTC offset (`2021-06-14T12:00+04:30`)."
)
Moment = Annotated[str, StringConstraints(max_length=40), PRINTABLE]


def _written(value: Any, *, form: str, such_as: str) -> Any:
    """Pydantic takes `1622505600` and a midnight for days, `+5`, `5.0` and `1_0` for numbers."""
    if isinstance(value, str) and not re.fullmatch(form, value, re.ASCII):
        raise ValueError(f"write {such_as}")
    return value


_DAY = partial(_written, form=r"\d{4}-\d{2}-\d{2}", such_as="a date such as 2021-06-10")
_NUMBER = partial(_written, form=r"\d{1,18}", such_as="the number of a revision, such as 12")
Day = Annotated[date, Field(ge=date(1800, 1, 1), le=date(2199, 12, 31)), BeforeValidator(_DAY)]


def _bbox(text: str) -> str:
    parse_bbox(text)
    return text


Box = Annotated[str, StringConstraints(max_length=200), AfterValidator(_bbox)]


def parse_bbox(text: str) -> BoundingBox:
    """Read `west,south,east,north` in degrees; ValueError says what is wrong."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("write four numbers: west,south,east,north") from None
    if not all(map(math.isfinite, (west, south, east, north))):
        raise ValueError("write four finite numbers: west,south,east,north")
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("west and east are degrees from -180 to 180")
    if not -90 <= south <= north <= 90:
        raise ValueError("south and north are degrees from -90 to 90, south not above north")
    return BoundingBox(west, south, east, north)


class Read(BaseModel):
    """Parameters of any read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_revision: Annotated[int | None, BeforeValidator(_NUMBER)] = Field(
        None,
        ge=0,
        lt=10**18,
        description="Answer from a record that has at least this revision. The answer to a write "
        "names its revision: pass it on, and what was written is in the answer, whichever process "
        "and database gives it.",
        examples=[1],
    )


class Query(Read):
    """Parameters of a read that has a format."""

    f: Format | None = Field(
        None,
        description="Format of the answer; goes before the Accept header. `geojson` and `csv` are "
        "for lists of districts and events, `ndjson` for events, `fgb` (FlatGeobuf) and `gpkg` "
        "(GeoPackage) for lists of districts, `mvt` for tiles, `svg` and `png` for pictures, "
        "`text`, `bibtex` and `csl` for citations; everything else is `json`.",
    )


class Known(Query):
    """What counts: the clocks of reporting and of the record, and how sure is sure enough."""

    reported_by: Moment | None = Field(
        None,
        description="Count only documents published by then; all if left out. A document whose "
        f"publication date is uncertain counts from its latest possible date. {_MOMENT}",
        examples=["2021-06-08"],
    )
    known_at: Moment | None = Field(
        None,
        description="Count only what this record held at that instant; now if left out. An answer "
        f"with a fixed `known_at` never changes: cite it with one. {_MOMENT}",
    )
    min_confidence: Literal["claimed", "reported", "confirmed"] = Field(
        "reported",
        description="How well supported an event must be to count: `claimed` (only a party to the "
        "conflict says so), `reported`, `confirmed` (two independent origins).",
    )

    @property
    def minimum(self) -> Confidence:
        """The level that `min_confidence` names."""
        return Confidence.of(self.min_confidence)


class Clocks(Known):
    """The three clocks, and how sure is sure enough."""

    as_of: Moment | None = Field(
        None,
        description=f"The moment in the world that is asked about; today if left out. {_MOMENT}",
        examples=["2021-06-10"],
    )


Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None
COUNTRY = Field(None, description="Two-letter code of the country; the configured one if left out.")


class OfCountry(Query):
    """A read about a country that is the same at all clocks."""

    country: Country = COUNTRY


class CountryClocks(Clocks):
    """A read about a country."""

    country: Country = COUNTRY


class Drawn(BaseModel):
    """Which shapes an answer is drawn with."""

    boundary_set: Slug | None = Field(
        None,
        description="Id of the boundary set whose shapes and borders are used; `/boundary-sets` "
        "lists them. The country's default if left out.",
        examples=["af-voronoi"],
    )


class DrawnClocks(Clocks, Drawn):
    """A read about one place, with its shape."""


CursorText = Annotated[str, StringConstraints(max_length=400)]
_CURSOR = Field(None, description="Where to go on: take it from the `Link` header with `rel=next`.")


class Page(BaseModel):
    """Where in a list a page begins, and how long it is."""

    limit: int = Field(
        USUAL_LIMIT, ge=1, le=MAX_LIMIT, description=f"How many at the most, 1 to {MAX_LIMIT}."
    )
    cursor: CursorText | None = _CURSOR


class Places(CountryClocks, Drawn):
    """Which districts are meant."""

    province: PlaceId | None = Field(None, description="P-code of a province.", examples=["AF29"])
    controller: Slug | None = Field(
        None, description="Id of the party that holds them.", examples=["taliban"]
    )
    status: Status | None = Field(None, description="The status that they have.")
    bbox: Box | None = Field(
        None,
        description="west,south,east,north in degrees (WGS 84): districts whose shape meets it.",
        examples=["63.5,35.0,65.5,36.5"],
    )

    @property
    def box(self) -> BoundingBox | None:
        """The bounding box, read."""
        return parse_bbox(self.bbox) if self.bbox else None


def _has_letters(text: str) -> str:
    if not name_key(text):
        raise ValueError("there is no letter or digit in it")
    return text


SoughtName = Annotated[Name, AfterValidator(_has_letters)]


class DistrictList(Places, Page):
    """`GET /districts`."""

    q: SoughtName | None = Field(
        None,
        description="A name, in any spelling, script or transliteration, perhaps with that of its "
        "province, or a part of one, or an id. The best match comes first.",
        examples=["qaisar"],
    )
    lat: float | None = Field(
        None,
        ge=-90,
        le=90,
        allow_inf_nan=False,
        description="With `lon`: the district at this point, in degrees (WGS 84).",
        examples=[35.69],
    )
    lon: float | None = Field(
        None, ge=-180, le=180, allow_inf_nan=False, description="See `lat`.", examples=[64.29]
    )

    @property
    def point(self) -> tuple[float, float] | None:
        """Longitude and latitude; InvalidValueError names the one that is missing."""
        if self.lon is None and self.lat is None:
            return None
        if self.lon is None or self.lat is None:
            missing = "lon" if self.lon is None else "lat"
            raise InvalidValueError(f"{missing} is missing: a point has both", field=missing)
        return self.lon, self.lat


class ControlList(Places):
    """`GET /control`: everything at once, unless a limit is set."""

    limit: int | None = Field(
        None, ge=1, le=MAX_LIMIT, description=f"1 to {MAX_LIMIT}; all districts if left out."
    )
    cursor: CursorText | None = _CURSOR


class EventList(CountryClocks, Drawn):
    """`GET /events`."""

    limit: int | None = Field(
        None,
        ge=1,
        le=MAX_LIMIT,
        description=f"1 to {MAX_LIMIT}. If left out, {USUAL_LIMIT}, but all events in CSV and "
        "NDJSON.",
    )
    cursor: CursorText | None = _CURSOR
    min_confidence: Literal["claimed", "reported", "confirmed"] = Field(
        "claimed", description="How well supported an event must be to be listed."
    )
    district: PlaceId | None = Field(None, description="P-code.", examples=["AF2907"])
    province: PlaceId | None = Field(None, description="P-code.", examples=["AF29"])
    controller: Slug | None = Field(None, description="Id of the party that held it afterwards.")
    kind: Kind | None = Field(None, description="Kind of change.")
    source: Slug | None = Field(None, description="Id of a publisher that is cited.")
    disputed: bool | None = Field(None, description="Whether a document disputes it.")
    from_: Day | None = Field(None, alias="from", description="First day of effect, included.")
    to: Day | None = Field(None, description="Last day of effect, included.")
    bbox: Box | None = Field(None, description="west,south,east,north in degrees (WGS 84).")

    @property
    def box(self) -> BoundingBox | None:
        """The bounding box, read."""
        return parse_bbox(self.bbox) if self.bbox else None


class ProvinceList(CountryClocks, Page):
    """`GET /provinces`."""


class SourceList(CountryClocks, Page):
    """`GET /sources` and `/sources/{id}`."""


def words_of(text: str, words: type[StrEnum]) -> str:
    """A text of words with commas between; ValueError where one is not of those words."""
    for word in text.split(","):
        if word not in tuple(words):
            raise ValueError(f"write one or more of {', '.join(words)}, with commas between")
    return text


Kinds = Annotated[
    str, StringConstraints(max_length=80), AfterValidator(partial(words_of, words=LineKind))
]
"""Kinds of lines, with commas between."""


def parse_kinds(text: str) -> frozenset[LineKind]:
    """Read the kinds of lines that are wanted."""
    return frozenset(map(LineKind, text.split(",")))


class Frontline(CountryClocks, Drawn):
    """`GET /frontline`."""

    kinds: Kinds = Field(
        "front",
        description="Which lines, with commas between: `front` (between districts that different "
        "parties hold), `contested` (one side is contested), `unknown` (nothing on record counts "
        "for one side).",
        examples=["front,contested"],
    )
    province: PlaceId | None = Field(
        None, description="P-code: only lines with a side in this province."
    )
    bbox: Box | None = Field(
        None,
        description="west,south,east,north in degrees (WGS 84): lines that meet it, in full.",
    )

    @property
    def wanted(self) -> frozenset[LineKind]:
        """The kinds, read."""
        return parse_kinds(self.kinds)

    @property
    def box(self) -> BoundingBox | None:
        """The bounding box, read."""
        return parse_bbox(self.bbox) if self.bbox else None


class Encirclement(CountryClocks, Drawn):
    """`GET /encirclement`."""

    province: PlaceId | None = Field(
        None, description="P-code: only districts and pockets of this province."
    )


class Changes(CountryClocks):
    """`GET /changes`: one of three pairs says which two states are compared."""

    from_: Moment | None = Field(
        None,
        alias="from",
        description=f"Compare what held at this moment … {_MOMENT}",
        examples=["2021-06-01"],
    )
    to: Moment | None = Field(None, description="… with this one.", examples=["2021-06-30"])
    reported_from: Moment | None = Field(
        None, description="Compare what had been published by this moment …"
    )
    reported_to: Moment | None = Field(None, description="… with what had been by this one.")
    known_from: Moment | None = Field(
        None, description="Compare what this record held at this moment …"
    )
    known_to: Moment | None = Field(None, description="… with what it held at this one.")
    province: PlaceId | None = Field(None, description="P-code of a province.")


class Replay(CountryClocks):
    """`GET /replay`."""

    province: PlaceId | None = Field(None, description="P-code: only districts of this province.")


class NewsQuery(Read):
    """Whose news are meant."""

    country: Country = COUNTRY
    province: PlaceId | None = Field(None, description="P-code: only this province.")
    district: PlaceId | None = Field(
        None, description="P-code: only this district.", examples=["AF2907"]
    )


class Series(Known):
    """`GET /series`, which goes from one `as_of` to another."""

    country: Country = COUNTRY

    from_: Day = Field(alias="from", description="First day.", examples=["2021-06-01"])
    to: Day = Field(description="Last day, included.", examples=["2021-08-16"])
    step: Literal["day", "week", "month"] = Field("day", description="Distance of the points.")
    province: PlaceId | None = Field(None, description="P-code of a province.")
