"""The replay: a country through time, as told over time, in one document."""

from datetime import date

from pydantic import Field

from app.api.schemas.base import Asked, Document, Ref
from app.domain.control import Status


class ReplayState(Document):
    """An answer that districts have on some day."""

    status: Status
    controller: str | None = Field(description="id of the party")
    confidence: str
    disputed: bool


class ReplayEdition(Document):
    """What the documents published by the end of a day tell of a district, until the next one."""

    reported_from: date
    runs: list[tuple[date, int]] = Field(
        description="from the end of this day on, this answer holds: its place in `states`; before "
        "the first one nothing on record counts (`unknown`)"
    )


class ReplayDistrict(Ref):
    """A district through time."""

    province_id: str
    editions: list[ReplayEdition] = Field(
        description="oldest first; before the first one nothing was published that counts"
    )


class Replay(Asked):
    """Every district on every day, as told by every day's documents."""

    country: Ref
    first: date | None = Field(description="first day on which an answer changes; null: never")
    last: date | None = Field(description="last such day")
    first_reported: date | None = Field(description="first day whose documents change an answer")
    last_reported: date | None = Field(description="last such day")
    states: list[ReplayState]
    districts: list[ReplayDistrict]
