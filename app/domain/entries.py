"""What people enter: what an event says, and what a document says of it. Dates are EDTF texts."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from app.domain.control import Basis, Kind, Outcome, Stance, Status
from app.domain.errors import InvalidValueError


@dataclass(frozen=True)
class Pin:
    """An editor's date for an event, in EDTF, put before what its citations say, and why."""

    occurred: str
    reason: str


@dataclass(frozen=True)
class Content:
    """What one version of an event says. `day_order` ranks events of one and the same day."""

    kind: Kind
    outcome: Outcome
    day_order: int = 0
    pin: Pin | None = None


@dataclass(frozen=True)
class Said:
    """What a document itself says, where the event that it was put to may say otherwise."""

    kind: Kind
    outcome: Outcome


@dataclass(frozen=True)
class Citation:
    """What one published document says about one event.

    `source` is the publisher's id, `origin` the name of the agency whose copy it is, or else the
    publisher's own. `published` and `asserted` are EDTF in the days of the district's country.
    `speaker` is the id of the party to the conflict on whose word it relies, if one. `note` is in
    the editor's own words.
    """

    stance: Stance
    source: str
    origin: str
    published: str
    basis: Basis
    asserted: str | None = None
    title: str | None = None
    url: str | None = None
    archived_url: str | None = None
    place_as_written: str | None = None
    speaker: str | None = None
    reliability: str | None = None
    credibility: int | None = None
    note: str | None = None
    said: Said | None = None
    id: UUID = field(default_factory=uuid4)


def check_content(content: Content) -> None:
    """Raise InvalidValueError where kind, status and controller do not fit together."""
    outcome = content.outcome
    if (outcome.controller is None) != (outcome.status is Status.CONTESTED):
        raise InvalidValueError(
            "a controlled district has a controller, a contested one has none", field="controller"
        )
    if content.kind is Kind.CONTESTED and outcome.status is not Status.CONTESTED:
        raise InvalidValueError("what is contested has no controller", field="kind")
