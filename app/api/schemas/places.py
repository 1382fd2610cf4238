"""Documents about places: districts and provinces."""

from datetime import date

from pydantic import Field

from app.api.schemas.base import Asked, BoundarySet, Document, Ref
from app.domain.control import Status
from app.store.search import How


class Match(Document):
    """How well a district fits the name that was sought."""

    name: str = Field(description="the name of the district that is most like it")
    score: float = Field(ge=0, le=1, description="1: its own name; 0.9 and more: no other letters")
    how: How = Field(
        description="`exact`: its own name or id; `alias`: another name on record; `sound`: "
        "another spelling, script or transliteration of one; `fuzzy`: similar, or a part of one"
    )


class DistrictItem(Document):
    """One district in a list."""

    id: str
    name: str
    name_local: str | None
    province: Ref
    is_provincial_capital: bool
    is_national_capital: bool
    area_km2: float | None
    population: int | None
    status: Status
    controller: Ref | None
    since: date | None
    confidence: str | None
    disputed: bool
    last_reported: date | None
    event_id: str | None
    supporting_citations: int = Field(description="documents that support the deciding event")
    disputing_citations: int = Field(description="documents that dispute the deciding event")
    match: Match | None = Field(description="how it fits `q`; null without one")


class DistrictList(Asked):
    """Districts, a page of them."""

    boundary_set: BoundarySet | None = Field(description="the shapes that GeoJSON and `bbox` use")
    districts: list[DistrictItem]


class Spelling(Document):
    """One recorded name of a place."""

    name: str
    languages: list[str] = Field(description="BCP 47; empty for transliterations")
    script: str | None = Field(description="ISO 15924")
    lists: list[str] = Field(description="the public lists that have it")


class Code(Document):
    """The code of a place in another scheme."""

    scheme: str
    code: str


class District(Asked):
    """One district with everything the gazetteer says of it."""

    id: str
    name: str
    name_local: str | None
    province: Ref
    aliases: list[Spelling]
    codes: list[Code]
    is_provincial_capital: bool
    is_national_capital: bool
    area_km2: float | None
    area_year: str | None
    population: int | None
    population_year: str | None
    status: Status
    controller: Ref | None
    since: date | None
    boundary_set: BoundarySet | None = Field(description="null when it has no shape")
    geometry: dict[str, object] | None = Field(description="GeoJSON, WGS 84; null when it has none")


class ProvinceItem(Document):
    """One province."""

    id: str
    name: str
    name_local: str | None
    country: str
    districts: int = Field(description="how many it has")
    capital: Ref | None


class ProvinceList(Asked):
    """Provinces, a page of them."""

    provinces: list[ProvinceItem]


class Province(ProvinceItem):
    """One province with its other names and codes."""

    aliases: list[Spelling]
    codes: list[Code]
