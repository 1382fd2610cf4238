"""What all documents share: references, and what an answer was asked for."""

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.domain.control import RULE, Question
from app.store.boundaries import BoundarySet as StoredSet

Instant = Annotated[datetime, AfterValidator(lambda instant: instant.astimezone(UTC))]


class Document(BaseModel):
    """Anything that is read from what the store gives."""

    model_config = ConfigDict(from_attributes=True, frozen=True, populate_by_name=True)


class Ref(Document):
    """An id and the name that goes with it."""

    id: str
    name: str


class DistrictRef(Ref):
    """A district and its province."""

    province: Ref


class Asked(Document):
    """What the answer was asked for; every answer names it, so that it can be asked again."""

    as_of: str = Field(description="the moment in the world, as asked for; a date is its whole day")
    reported_by: str | None = Field(
        description="documents published later were left out; null: none were"
    )
    known_at: Instant = Field(description="the state of this record that was asked")
    revision: int = Field(description="number of the newest recorded change that it includes")
    min_confidence: str = Field(description="events less well supported were left out")
    rule: str = Field(description="name and version of the rule that decided")


def asked(question: Question) -> dict[str, object]:
    """The members of `Asked`."""
    clocks = question.clocks
    return {
        "as_of": clocks.as_of.text,
        "reported_by": clocks.reported_by.text if clocks.reported_by else None,
        "known_at": clocks.known_at,
        "revision": question.revision,
        "min_confidence": question.minimum.label,
        "rule": RULE,
    }


class BoundarySet(Document):
    """Which shapes an answer draws, and how far they can be trusted."""

    id: str
    name: str
    dated: date
    origin: str
    licence: str
    attribution: str
    quality: str = Field(description="`approximate`: not for deciding where a village lies")

    @classmethod
    def of(cls, stored: StoredSet | None) -> Self | None:
        """Read a stored boundary set."""
        return cls.model_validate(stored) if stored else None


class BoundarySetItem(BoundarySet):
    """A boundary set, and where it was taken from."""

    country: str
    is_default: bool = Field(description="whether it is drawn where no other is asked for")
    source_url: str | None
    sha256: str | None = Field(description="of the file that it was loaded from")
    loaded_at: Instant


class BoundarySetList(Document):
    """The boundary sets of a country, the default one first."""

    boundary_sets: list[BoundarySetItem]


class BoundarySetDetail(BoundarySetItem):
    """A boundary set and what it covers."""

    districts: int = Field(description="how many districts it has a shape for")
    bbox: list[float] | None = Field(description="west, south, east, north in degrees (WGS 84)")
    without_shape: list[Ref] = Field(description="the country's districts that it does not have")


class ListEnvelope(Asked):
    """What stands beside the features of a GeoJSON list."""

    boundary_set: BoundarySet | None
