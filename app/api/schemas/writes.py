"""What clients send: the bodies of writes. Unknown members are refused."""

from collections.abc import Callable
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.params import SMALL, Name
from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin
from app.domain.errors import InvalidValueError
from app.importers.fields import Address, Edtf, Line, PlaceId, Prose, Slug
from app.recording import Correction

_FORMS = (
    "An uncertain date in EDTF, in the days of the district's country: `2021-06-06`, `2021-06`, "
    "`2021-06-06T06:00+04:30`, `2021-06-05/2021-06-07`, `../2021-06-07`, `2021-06-05?`."
)


class Body(BaseModel):
    """The body of a write."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CitationIn(Body):
    """What one published document says about one event."""

    stance: Stance = Field(Stance.SUPPORTS, description="whether it reports the event or denies it")
    source: Slug = Field(description="id of the publisher, from `/sources`", examples=["rfe-rl"])
    origin: Line | None = Field(
        None, description="the agency whose account it is; the publisher's own if left out"
    )
    published: Edtf = Field(description=f"When it came out. {_FORMS}", examples=["2021-06-07"])
    asserted: Edtf | None = Field(
        None, description="The date that it gives for the change.", examples=["2021-06-06"]
    )
    basis: Basis = Field(description="on whose word it relies", examples=["local"])
    speaker: Slug | None = Field(
        None, description="id of the party to the conflict whose word it is, from `/actors`"
    )
    title: Line | None = None
    url: Address | None = None
    archived_url: Address | None = None
    place_as_written: Name | None = Field(None, description="the spelling in the document")
    reliability: Literal["A", "B", "C", "D", "E", "F"] | None = Field(
        None, description="Admiralty grade of the source"
    )
    credibility: int | None = Field(
        None, ge=1, le=6, description="Admiralty grade of the information"
    )
    note: Prose | None = Field(None, description="in your own words")

    def citation(self, name_of: Callable[[str], str]) -> Citation:
        """The citation; `name_of` gives a publisher's name by its id."""
        values = self.model_dump()
        return Citation(**values | {"origin": self.origin or name_of(self.source)})


class PinIn(Body):
    """An editor's date, put before what the citations say."""

    occurred: Edtf = Field(description=_FORMS)
    reason: Prose


class EventIn(Body):
    """A change of control of one district, and the documents that report it."""

    district: PlaceId = Field(description="P-code", examples=["AF2907"])
    kind: Kind = Field(examples=["capture"])
    controller: Slug | None = Field(
        None,
        description="id of the party that holds it afterwards, from `/actors`; left out where it "
        "is contested",
        examples=["taliban"],
    )
    status: Literal["controlled", "contested"] | None = Field(
        None, description="may be left out: it follows from `controller`"
    )
    day_order: Annotated[int, SMALL] = Field(
        0, description="rank among events of one and the same day"
    )
    pinned: PinIn | None = None
    citations: list[CitationIn] = Field(
        min_length=1, max_length=100, description="at least one has to support it"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _outcome(self.kind, self.status, self.controller)
        return self

    def content(self) -> Content:
        """What the event's first version says."""
        outcome = _outcome(self.kind, self.status, self.controller)
        return Content(self.kind, outcome, self.day_order, _pin(self.pinned))


class CorrectionIn(Body):
    """What a correction changes. What is left out stays as it is; a null takes it away."""

    reason: Prose = Field(description="why; it is kept, and everybody can read it")
    kind: Kind | None = None
    controller: Slug | None = Field(
        None, description="who holds it; nobody where `kind` or `status` becomes `contested`"
    )
    status: Literal["controlled", "contested"] | None = None
    day_order: Annotated[int, SMALL] | None = None
    pinned: PinIn | None = Field(None, description="null takes an editor's date away")
    district: PlaceId | None = Field(
        None,
        description="moves it: it is taken back there and recorded anew here, with its "
        "citations, under another id",
    )
    add_citations: list[CitationIn] = Field(default_factory=list, max_length=100)
    withdraw_citations: list[UUID] = Field(
        default_factory=list,
        max_length=1000,
        description="ids of citations that do not belong to it",
    )

    def correction(self, now: Content, name_of: Callable[[str], str]) -> Correction:
        """The whole correction of an event that says `now`.

        Raises InvalidValueError where what it says then does not fit together.
        """
        given = self.model_fields_set
        kind = self.kind or now.kind
        status: str = self.status or now.outcome.status
        controller = self.controller if "controller" in given else now.outcome.controller
        if self.status is None and self.kind is Kind.CONTESTED:
            status = Status.CONTESTED
        elif self.status is None and self.controller:
            status = Status.CONTROLLED
        if status == Status.CONTESTED and "controller" not in given:
            controller = None
        try:
            outcome = _outcome(kind, status, controller)
        except ValueError as error:
            raise InvalidValueError(str(error), field="controller") from None
        content = Content(
            kind,
            outcome,
            now.day_order if self.day_order is None else self.day_order,
            _pin(self.pinned) if "pinned" in given else now.pin,
        )
        return Correction(
            content=content,
            district=self.district,
            cited=tuple(one.citation(name_of) for one in self.add_citations),
            withdrawn=frozenset(self.withdraw_citations),
        )


class RetractionIn(Body):
    """Why an event is taken back."""

    reason: Prose = Field(description="why; it is kept, and everybody can read it")


class SourceIn(Body):
    """A publisher."""

    name: Line = Field(examples=["Pajhwok Afghan News"])
    id: Slug | None = Field(None, description="made from the name if left out")


class ActorIn(Body):
    """A party that can hold a district."""

    name: Line
    full_name: Line
    kind: Literal["state", "non-state"]
    aliases: list[Line] = Field(default_factory=list, max_length=100)
    id: Slug | None = Field(None, description="made from the name if left out")


def _outcome(kind: Kind, status: str | None, controller: str | None) -> Outcome:
    contested = status == "contested" or (status is None and kind is Kind.CONTESTED)
    if contested and controller is not None:
        raise ValueError("what is contested has no controller")
    if not contested and controller is None:
        raise ValueError("name the controller, or say that it is contested")
    if kind is Kind.CONTESTED and not contested:
        raise ValueError("a fight (kind contested) leaves nobody in control")
    return Outcome(Status.CONTESTED if contested else Status.CONTROLLED, controller)


def _pin(pinned: PinIn | None) -> Pin | None:
    return Pin(pinned.occurred, pinned.reason) if pinned else None
