"""Documents under `/ogc`: those of OGC API - Features, and flat properties for GIS programs."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from app.api.schemas.base import Document, Instant, ListEnvelope
from app.domain.clocks import to_edtf
from app.domain.control import Kind, Question, Status
from app.domain.front import LineKind
from app.store.borders import Line
from app.store.citations import Cited
from app.store.events import Event
from app.store.places import Province
from app.store.status import DistrictStatus


class Link(Document):
    """Where something else is."""

    href: str
    rel: str
    type: str
    title: str


class LandingPage(Document):
    """Where everything begins."""

    title: str
    description: str
    attribution: str | None = Field(description="of the shapes; name it with every map")
    links: list[Link]


class Conformance(Document):
    """What this follows."""

    conformsTo: list[str]


class SpatialExtent(Document):
    """Where the features lie: west, south, east, north in degrees."""

    bbox: list[tuple[float, float, float, float]]
    crs: str


class TemporalExtent(Document):
    """From when to when there is something on record; null is open."""

    interval: list[tuple[Instant | None, Instant | None]]
    trs: str = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


class Extent(Document):
    """Where and when."""

    spatial: SpatialExtent | None = Field(description="missing where there are no shapes")
    temporal: TemporalExtent


class Collection(Document):
    """One collection of features."""

    id: str
    title: str
    description: str
    attribution: str | None = Field(description="of the shapes; name it with every map")
    extent: Extent
    itemType: str = "feature"
    crs: list[str]
    storageCrs: str
    links: list[Link]


class Collections(Document):
    """All collections, and the state of the record that their extents are those of."""

    known_at: Instant
    revision: int
    links: list[Link]
    collections: list[Collection]


class ItemsEnvelope(ListEnvelope):
    """What stands beside the features of a page."""

    numberMatched: int = Field(description="features on all pages together")
    numberReturned: int = Field(description="features on this page")
    links: list[Link]


class Properties(Document):
    """What every feature says of itself: its place, and what was asked."""

    as_of: str = Field(description="the moment that was asked about")
    revision: int = Field(description="the newest recorded change that is included")


def asked_properties(question: Question) -> dict[str, Any]:
    """The members of `Properties`."""
    return {"as_of": question.clocks.as_of.text, "revision": question.revision}


class DistrictProperties(Properties):
    """Who holds a district."""

    name: str
    name_local: str | None
    province: str
    province_name: str
    is_provincial_capital: bool
    is_national_capital: bool
    area_km2: float | None
    population: int | None
    status: Status
    controller: str | None
    controller_name: str | None
    since: date | None
    confidence: str | None
    disputed: bool
    last_reported: date | None
    event_id: str | None

    @classmethod
    def of(cls, status: DistrictStatus, question: Question) -> Self:
        """Read a district's status."""
        return cls.model_validate(
            {
                **vars(status),
                **asked_properties(question),
                "province": status.province.id,
                "province_name": status.province.name,
                "controller": status.controller.id if status.controller else None,
                "controller_name": status.controller.name if status.controller else None,
                "confidence": status.confidence.label if status.confidence else None,
            }
        )


class ProvinceProperties(Properties):
    """How many districts of a province each party holds, as `districts_` and the party's id.

    Hyphens of the id are underscores, because a hyphen is a minus in the languages of GIS programs.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    name_local: str | None
    capital: str | None
    capital_name: str | None
    capital_status: Status | None
    capital_controller: str | None
    districts: int
    districts_contested: int
    districts_unknown: int


class EventProperties(Properties):
    """One change of control."""

    district: str
    district_name: str
    province: str
    province_name: str
    kind: Kind
    status: Status
    controller: str | None
    controller_name: str | None
    occurred: str = Field(description="when it happened, EDTF")
    occurred_earliest: Instant | None
    occurred_latest: Instant
    effective_on: date
    confidence: str
    disputed: bool
    supporting_citations: int
    disputing_citations: int
    url: str | None = Field(description="address of the first document about it that has one")

    @classmethod
    def of(cls, event: Event, cited: list[Cited], question: Question, zone: ZoneInfo) -> Self:
        """Read an event and its citations."""
        stances = [citation.stance for citation in cited]
        return cls.model_validate(
            {
                **vars(event),
                **asked_properties(question),
                "district": event.district.id,
                "district_name": event.district.name,
                "province": event.province.id,
                "province_name": event.province.name,
                "controller": event.controller.id if event.controller else None,
                "controller_name": event.controller.name if event.controller else None,
                "occurred": to_edtf(event.span, zone),
                "occurred_earliest": event.span.earliest,
                "occurred_latest": event.span.latest,
                "confidence": event.confidence.label,
                "supporting_citations": stances.count("supports"),
                "disputing_citations": stances.count("disputes"),
                "url": next((citation.url for citation in cited if citation.url), None),
            }
        )


class LineProperties(Properties):
    """A border between two districts that are not in the same hands."""

    kind: LineKind
    length_km: float
    district_1: str
    district_1_name: str
    status_1: Status
    controller_1: str | None
    since_1: date | None
    district_2: str
    district_2_name: str
    status_2: Status
    controller_2: str | None
    since_2: date | None

    @classmethod
    def of(cls, line: Line, question: Question) -> Self:
        """Read a line."""
        members = {
            "kind": line.kind,
            "length_km": round(line.length_km, 3),
            **asked_properties(question),
        }
        for number, side in enumerate(line.sides, start=1):
            members |= {
                f"district_{number}": side.id,
                f"district_{number}_name": side.name,
                f"status_{number}": side.status,
                f"controller_{number}": side.controller.id if side.controller else None,
                f"since_{number}": side.since,
            }
        return cls.model_validate(members)


def province_properties(
    province: Province, inside: list[DistrictStatus], parties: Iterable[str], question: Question
) -> ProvinceProperties:
    """Read a province, and count what holds in its districts; `parties` are those to count."""
    statuses = [district.status for district in inside]
    holders = [district.controller.id for district in inside if district.controller]
    capital = next((district for district in inside if district.is_provincial_capital), None)
    return ProvinceProperties.model_validate(
        {
            **asked_properties(question),
            "name": province.name,
            "name_local": province.name_local,
            "capital": capital.id if capital else None,
            "capital_name": capital.name if capital else None,
            "capital_status": capital.status if capital else None,
            "capital_controller": capital.controller.id if capital and capital.controller else None,
            "districts": len(inside),
            "districts_contested": statuses.count(Status.CONTESTED),
            "districts_unknown": statuses.count(Status.UNKNOWN),
            **{f"districts_{party.replace('-', '_')}": holders.count(party) for party in parties},
        }
    )
