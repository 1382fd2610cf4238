"""Documents that add up: summaries, series and differences."""

from datetime import date
from typing import Self

from pydantic import Field

from app.api.schemas.base import Asked, DistrictRef, Document, Ref
from app.domain.control import Status
from app.domain.summary import Totals
from app.store.status import DistrictStatus


class ControllerTotal(Document):
    """What one party holds; shares are from 0 to 1."""

    controller: Ref
    districts: int
    share_of_districts: float
    area_km2: float
    share_of_area: float
    population: int
    share_of_population: float


class StatusTotal(Document):
    """What has one status; `controlled`, `contested` and `unknown` add up to everything."""

    status: Status
    districts: int
    area_km2: float
    population: int


class Capital(Document):
    """The district that is the capital, and who holds it."""

    district: Ref
    status: Status
    controller: Ref | None


class Summary(Asked):
    """Totals of an area."""

    districts_total: int
    area_km2_total: float = Field(description="of the districts whose area is on record")
    population_total: int = Field(description="estimate of 2018/19, of districts that have one")
    by_controller: list[ControllerTotal]
    by_status: list[StatusTotal]
    contested: int
    unknown: int
    changed_last_7_days: int = Field(description="districts in another state than 7 days before")
    changed_last_30_days: int = Field(description="districts in another state than 30 days before")
    last_change: date | None = Field(description="the newest `since` of its districts")
    capital: Capital | None


class ProvinceSummary(Summary):
    """Totals of one province."""

    province: Ref


class CountrySummary(Summary):
    """Totals of the country, and of each province."""

    country: Ref
    provinces: list[ProvinceSummary]


def total_members(totals: Totals, names: dict[str, str]) -> dict[str, object]:
    """The members of `Summary` that are totals; `names` are those of the parties."""
    by_status = [
        StatusTotal(
            status=status,
            districts=totals.count(status),
            area_km2=round(sum(t.area_km2 for t in totals.of(status)), 1),
            population=sum(t.population for t in totals.of(status)),
        )
        for status in Status
    ]
    return {
        "districts_total": totals.districts,
        "area_km2_total": totals.area_km2,
        "population_total": totals.population,
        "by_controller": [
            ControllerTotal.model_validate(
                {**vars(t), "controller": {"id": holder, "name": names[holder]}}
            )
            for t in totals.by_outcome
            if (holder := t.outcome.controller)
        ],
        "by_status": by_status,
        "contested": totals.count(Status.CONTESTED),
        "unknown": totals.count(Status.UNKNOWN),
        "last_change": totals.last_change,
    }


class CountPoint(Document):
    """How many districts had each status at the end of a day."""

    date: date
    by_controller: dict[str, int] = Field(description="districts by the id of who holds them")
    contested: int
    unknown: int


class State(Document):
    """What held in a district."""

    status: Status
    controller: Ref | None
    since: date | None
    confidence: str | None

    @classmethod
    def of(cls, status: DistrictStatus) -> Self:
        """Read a district's status."""
        confidence = status.confidence.label if status.confidence else None
        return cls.model_validate({**vars(status), "confidence": confidence})


class Change(Document):
    """A district whose state differs between two moments."""

    district: DistrictRef
    before: State
    after: State


class Gain(Document):
    """What one party gained and lost, in districts."""

    controller: Ref
    gained: int
    lost: int


class Changes(Document):
    """What differs between two settings of one clock."""

    compared: str = Field(description="the clock that differs: as_of, reported_by or known_at")
    before: Asked
    after: Asked
    totals: list[Gain]
    districts: list[Change]


class ProvinceChange(Document):
    """One district of a province passing into another state."""

    on: date
    district: Ref
    status: Status
    controller: Ref | None
    event_id: str | None


class ProvinceTimeline(Asked):
    """How a province's totals moved, and by which changes."""

    province: Ref
    counts: list[CountPoint] = Field(description="the first, and one for each day that changed")
    changes: list[ProvinceChange] = Field(description="oldest first")


class Series(Asked):
    """Counts over time, for charts."""

    country: Ref
    province: Ref | None
    step: str
    points: list[CountPoint]
