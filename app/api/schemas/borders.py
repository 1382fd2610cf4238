"""Documents about borders between districts: neighbours, front lines, encirclement."""

from collections.abc import Mapping
from datetime import date
from typing import Self

from pydantic import Field

from app.api.schemas.base import Asked, BoundarySet, DistrictRef, Document, Ref
from app.domain.control import Status
from app.domain.front import LineKind, Side
from app.store.status import DistrictStatus


class Party(Document):
    """What holds in a district at one side of a border."""

    district: DistrictRef
    status: Status
    controller: Ref | None
    since: date | None

    @classmethod
    def of(cls, status: DistrictStatus) -> Self:
        """Read a district's status."""
        return cls.model_validate({**vars(status), "district": status})


class Neighbour(Party):
    """A district beside the one that was asked about, and the border between them."""

    kind: LineKind | None = Field(description="what the border is; null: the same on both sides")
    border_km: float
    share_of_border: float = Field(description="of the whole border of the district, 0 to 1")


class Neighbours(Asked):
    """A district's neighbours, longest border first."""

    district: DistrictRef
    status: Status
    controller: Ref | None
    boundary_set: BoundarySet
    border_km: float = Field(description="length of its whole border")
    outside_km: float = Field(
        description="of that, with no district of the set: another country, or a district without "
        "a shape"
    )
    neighbours: list[Neighbour]


class LineLengths(Document):
    """How long the lines are, in km, by kind; of all kinds, whichever are listed."""

    front: float
    contested: float
    unknown: float

    @classmethod
    def of(cls, lengths: Mapping[LineKind, float]) -> Self:
        """Read lengths by kind."""
        return cls.model_validate({kind.value: round(lengths[kind], 3) for kind in LineKind})


class FrontlineEnvelope(Asked):
    """What a front line was asked for, and how long it is."""

    country: Ref
    boundary_set: BoundarySet
    kinds: list[LineKind] = Field(description="the kinds of lines that are listed")
    length_km: LineLengths
    without_shape: list[Ref] = Field(
        description="districts that the boundary set does not have: no line of theirs is known"
    )


class FrontLine(Document):
    """A border between two districts that are not in the same hands."""

    id: str = Field(description="the ids of both districts")
    kind: LineKind
    length_km: float = Field(description="geodesic, on the WGS 84 ellipsoid")
    sides: list[Party] = Field(description="both districts, the smaller id first")


class Frontline(FrontlineEnvelope):
    """Front lines without their geometry."""

    lines: list[FrontLine]


class SideShares(Document):
    """Shares of a border, 0 to 1, by what lies behind it; they add up to 1."""

    own: float = Field(description="districts of the same party")
    hostile: float = Field(description="districts of another party")
    held: float = Field(description="districts of any party; only where nobody holds this one")
    contested: float = Field(description="contested districts")
    unknown: float = Field(description="districts of which nothing on record counts")
    outside: float = Field(
        description="no district of the boundary set: another country, or a district that has no "
        "shape"
    )

    @classmethod
    def of(cls, shares: Mapping[Side, float]) -> Self:
        """Read shares by side."""
        return cls.model_validate({side.value: round(shares[side], 4) for side in Side})


class PartyShare(Document):
    """The share of a border behind which one party holds the districts."""

    controller: Ref
    border_km: float
    share_of_border: float


class Encircled(Party):
    """A district, and who holds what lies around it."""

    is_provincial_capital: bool
    is_national_capital: bool
    border_km: float
    hostile_share: float | None = Field(
        description="of its border, 0 to 1, with districts of another party; null where nobody "
        "holds the district itself"
    )
    shares: SideShares
    by_controller: list[PartyShare] = Field(description="largest first; its own party too")


class Pocket(Document):
    """Districts of one party that are cut off from the largest part of what it holds."""

    controller: Ref
    districts: list[DistrictRef]
    provincial_capitals: list[Ref]
    certain: bool = Field(
        description="whether they would be cut off even if the party also held every contested "
        "and every unknown district, those without a shape among them"
    )
    border_km: float
    hostile_share: float
    shares: SideShares


class Encirclement(Asked):
    """Every district's surroundings, most hostile first, and the pockets of each party."""

    country: Ref
    boundary_set: BoundarySet
    pockets: list[Pocket] = Field(description="largest first")
    districts: list[Encircled]
    without_shape: list[Ref] = Field(description="districts that the boundary set does not have")
