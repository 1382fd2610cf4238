"""Documents about what a write would change."""

from datetime import date

from pydantic import Field

from app.api.schemas.base import Asked, DistrictRef, Document, Instant, Ref
from app.api.schemas.events import EventItem, Period
from app.domain.control import Reason, Status


class Standing(Document):
    """Who holds a district, and its history."""

    in_words: str = Field(description="who holds it, in plain sentences")
    status: Status
    controller: Ref | None
    since: date | None
    confidence: str | None
    disputed: bool
    last_reported: date | None
    periods: list[Period] = Field(description="as in `/districts/{id}/timeline`")


class DistrictPreview(Document):
    """One district before a write and after it."""

    district: DistrictRef
    changed: bool = Field(description="whether anything differs but the ids of events")
    before: Standing
    after: Standing = Field(description="what reads would answer after the write")


class DateRead(Document):
    """How an uncertain date of the body was read."""

    parameter: str = Field(description="where it stands in the body", examples=["published"])
    written: str
    read_as: str = Field(
        description="EDTF of these bounds in the days of the district's country",
        examples=["2021-06-04/2021-06-06"],
    )
    earliest: Instant | None = Field(description="null: no one says")
    latest: Instant


class Preview(Asked):
    """What a write would change. Nothing of it was recorded."""

    known_at: Instant = Field(
        description="the record that the preview starts from; what comes after is in no record"
    )
    revision: int = Field(description="number of the newest recorded change before the write")
    author: str = Field(description="whose name the write would carry: the owner of the key")
    changed: bool = Field(description="whether the answer about some district would differ")
    event: EventItem | None = Field(
        description="the event after the write; null: it would be taken back. Ids of what would be "
        "new, and `sequence`, are those of this preview: the write gives others"
    )
    counts: bool = Field(description="whether the event would count at these clocks")
    left_out: Reason | None = Field(
        description="why it would not, although it may have begun: `below_min_confidence` or "
        "`not_yet_certain`"
    )
    districts: list[DistrictPreview] = Field(
        description="the district of the event; where a correction moves it, also the one before"
    )
    dates: list[DateRead] = Field(description="every date of the body, as it was read")
