"""Documents about control: who holds a district, the events behind it, and who reports them."""

from collections.abc import Iterable
from datetime import date
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field

from app.api.schemas.base import Asked, DistrictRef, Document, Instant, Ref
from app.domain.clocks import to_edtf
from app.domain.control import Action, Kind, Reason, Stance, Status
from app.domain.timeline import Period as Stretch
from app.store.citations import Cited
from app.store.events import Event, VersionInfo


class Says(Document):
    """What a document itself says of who holds the district."""

    kind: Kind
    status: Status
    controller: Ref | None


class Citation(Document):
    """What one published document says about one event."""

    id: str
    stance: Stance
    source: Ref = Field(description="the publisher")
    origin: str = Field(description="whose account it is: copies of one agency have one origin")
    title: str | None
    url: str | None
    archived_url: str | None
    published: str = Field(description="EDTF; a guessed day ends in `?`")
    asserted: str | None = Field(description="the date it gives for the change, EDTF")
    place_as_written: str | None
    basis: str = Field(description="on whose word it relies")
    speaker: Ref | None = Field(description="the party to the conflict whose word it is, if one")
    reliability: str | None = Field(description="Admiralty grade of the source, A to F")
    credibility: int | None = Field(description="Admiralty grade of the information, 1 to 6")
    note: str | None
    says: Says | None = Field(
        description="what it says itself; for a denial, who holds the district instead; null: "
        "that was not kept"
    )


class Pinned(Document):
    """A date that an editor gave, with the reason; `versions` of the event say who."""

    occurred: str
    reason: str


class EventBrief(Document):
    """What one event says at the clocks asked for."""

    id: str
    version: int
    kind: Kind
    status: Status
    controller: Ref | None
    occurred: str = Field(description="when it happened, EDTF")
    occurred_earliest: Instant | None = Field(
        description="first instant it may have been; null: no one says"
    )
    occurred_latest: Instant = Field(description="by then it had certainly happened, and counts")
    confidence: str
    disputed: bool
    pinned: Pinned | None = Field(description="an editor's date, put before the citations'")
    citations: list[Citation]


class EventItem(EventBrief):
    """An event with its place."""

    district: Ref
    province: Ref
    effective_on: date = Field(description="the day, in the country, from which it counts")
    day_order: int = Field(description="rank among events that count from one and the same instant")
    sequence: int = Field(description="order of recording, which decides where the rank does not")


def event_members(event: Event, cited: Iterable[Cited], zone: ZoneInfo) -> dict[str, object]:
    """The members of `EventBrief` and of `EventItem`."""
    return {
        "id": event.id,
        "version": event.version,
        "district": event.district,
        "province": event.province,
        "kind": event.kind,
        "status": event.status,
        "controller": event.controller,
        "effective_on": event.effective_on,
        "day_order": event.day_order,
        "sequence": event.sequence,
        "occurred": to_edtf(event.span, zone),
        "occurred_earliest": event.span.earliest,
        "occurred_latest": event.span.latest,
        "confidence": event.confidence.label,
        "disputed": event.disputed,
        "pinned": event.pinned,
        "citations": list(cited),
    }


class OtherClaim(EventBrief):
    """Something that was reported and did not decide, and why."""

    reason: Reason = Field(
        description="`disputes`: these citations deny an event that the answer rests on; "
        "`contradicts`: it says something else and may have happened since; "
        "`below_min_confidence`: it is too weakly supported to count; `not_yet_certain`: it may "
        "have begun, and had not certainly happened by `as_of`"
    )


class Control(Asked):
    """Who holds one district."""

    district: DistrictRef
    in_words: str = Field(description="the answer in plain sentences, to be quoted as they stand")
    status: Status
    controller: Ref | None
    since: date | None = Field(
        description="first day of the unbroken stretch under this controller, not of a report"
    )
    since_at: Instant | None = Field(description="the instant from which that was certain")
    occurred: str | None = Field(description="when the deciding event happened, EDTF")
    confidence: str | None
    disputed: bool
    last_reported: date | None = Field(
        description="newest publication that speaks of it; an uncertain date at its latest"
    )
    event: EventBrief | None = Field(description="the event that decides")
    other_claims: list[OtherClaim] = Field(description="what was left out or says otherwise")


class Period(Document):
    """A half-open stretch `[from, to)` of days in which one status holds; null is open."""

    status: Status
    controller: Ref | None
    from_: date | None = Field(alias="from")
    to: date | None
    from_at: Instant | None = Field(description="the instant from which it was certain")
    to_at: Instant | None
    confidence: str | None = Field(description="of the event that began it")
    disputed: bool = Field(description="whether a document disputes that event")
    event_id: str | None = Field(description="that event")

    @classmethod
    def of(cls, stretch: Stretch, names: dict[str, str]) -> Self:
        """Read a period; `names` are those of the parties."""
        controller = stretch.outcome.controller
        return cls(
            status=stretch.outcome.status,
            controller=Ref(id=controller, name=names[controller]) if controller else None,
            from_=stretch.start,
            to=stretch.end,
            from_at=stretch.start_at,
            to_at=stretch.end_at,
            confidence=stretch.confidence.label if stretch.confidence else None,
            disputed=stretch.disputed,
            event_id=stretch.event_id,
        )


class Timeline(Asked):
    """The history of one district, as told at the clocks."""

    district: DistrictRef
    periods: list[Period]
    events: list[EventBrief] = Field(description="those that count, oldest first")
    other_claims: list[OtherClaim] = Field(description="those that do not count, and why")


class EventList(Asked):
    """Events, a page of them, newest first."""

    events: list[EventItem]


class Version(Document):
    """One version of an event: what it said, who recorded it, when and why, and what closed it."""

    version: int
    kind: Kind
    status: Status
    controller: Ref | None
    day_order: int = Field(description="rank among events of one and the same day")
    pinned: Pinned | None
    known_from: Instant
    known_until: Instant | None = Field(description="null: it is the newest one, and stands")
    revision: int
    author: str
    reason: str | None
    closed_by: str | None
    closing_reason: str | None
    closing_revision: int | None

    @classmethod
    def of(cls, info: VersionInfo) -> Self:
        """Read a version."""
        return cls.model_validate(info)


class Change(Document):
    """One revision that touched an event: who did what, when and why."""

    revision: int
    known_from: Instant = Field(description="from then on reads have it")
    author: str
    action: Action
    reason: str | None
    version: int | None = Field(description="the version that it recorded, if it recorded one")
    citations_added: list[str] = Field(description="their ids")
    citations_withdrawn: list[str]


class EventDetail(Asked):
    """One event with all its versions; `event` is null where it was retracted or not reported."""

    id: str
    event: EventItem | None
    versions: list[Version]
    changes: list[Change] = Field(description="everything that was recorded about it, oldest first")
    replaces: str | None = Field(description="the event of another district that was moved here")
    replaced_by: str | None = Field(description="where the event was moved to")


class Source(Document):
    """A publisher, and what it is cited for at the clocks."""

    id: str
    name: str
    citations: int
    supporting: int
    disputing: int
    events: int
    districts: int
    first_published: date | None
    last_published: date | None


class SourceList(Asked):
    """Publishers, a page of them."""

    sources: list[Source]


class CitedFor(Document):
    """One citation, and the event and district that it is about."""

    event_id: str
    district: Ref
    citation: Citation


class SourceDetail(Asked):
    """One publisher with the citations of its documents, a page of them."""

    source: Source
    cited_for: list[CitedFor]


class Actor(Document):
    """A party that can hold a district."""

    id: str
    name: str
    full_name: str
    kind: str
    aliases: list[str]
    colour: str = Field(
        description="`#rrggbb`, the same on every map and chart of this service; it never changes"
    )


class SourceRecorded(Ref):
    """A publisher that was recorded just now."""

    revision: int
    known_at: Instant


class ActorRecorded(Actor):
    """A party that was recorded just now."""

    revision: int
    known_at: Instant


class ActorList(Document):
    """Every party."""

    actors: list[Actor]
