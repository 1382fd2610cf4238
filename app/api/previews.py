"""`/previews`: what a write would change, found by doing it and rolling it back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from app.api import params
from app.api.deps import asked
from app.api.errors import documented
from app.api.once import Rehearsal, WriterRehearsal
from app.api.routes import Route
from app.api.schemas.base import asked as asked_members
from app.api.schemas.events import Period, event_members
from app.api.schemas.previews import DateRead, DistrictPreview, Preview, Standing
from app.api.schemas.writes import CitationIn, CorrectionIn, EventIn, PinIn, RetractionIn
from app.api.writes import (
    AtVersion,
    EventId,
    Version,
    cite_document,
    correct_event,
    record_event,
    retract_event,
)
from app.domain.clocks import parse_edtf, to_edtf
from app.domain.control import Question, counting, left_out
from app.domain.timeline import periods
from app.recording import Receipt
from app.store import citations, events, places, revisions, sources
from app.store.engine import Connection
from app.store.status import DistrictStatus, Which, statuses

router = APIRouter(prefix="/previews", tags=["Writing"], route_class=Route)

_TODAY = params.Clocks.model_validate({})
Dates = Iterator[tuple[str, str]]
"""Dates of a body as they were written, each after the parameter that it stands in."""


@router.post(
    "/events",
    summary="Preview an event",
    responses=documented(400, 403, 404, 409, 413, 422),
)
def preview_event(body: EventIn, rehearsal: WriterRehearsal) -> Preview:
    """What `POST /events` would change, with the same body; nothing is recorded.

    The write is done by the same code and rolled back, so a preview is refused where the write
    would be, in the same words. It needs a key that may write, and counts as a write against the
    limit.
    """
    return _preview(
        rehearsal,
        lambda: record_event(rehearsal.connection, rehearsal.author, body),
        [*_of_pin(body.pinned), *_of_citations("citations", body.citations)],
    )


@router.post(
    "/events/{id}/citations",
    summary="Preview a citation",
    responses=documented(400, 403, 404, 409, 413, 422),
)
def preview_citation(event_id: EventId, body: CitationIn, rehearsal: WriterRehearsal) -> Preview:
    """What `POST /events/{id}/citations` would change; nothing is recorded."""
    return _preview(
        rehearsal,
        lambda: cite_document(rehearsal.connection, rehearsal.author, event_id, body),
        [*_of_citation("", body)],
        about=event_id,
    )


@router.post(
    "/events/{id}/corrections",
    summary="Preview a correction",
    responses=documented(400, 403, 404, 409, 412, 413, 422, 428),
)
def preview_correction(
    event_id: EventId, body: CorrectionIn, rehearsal: WriterRehearsal, version: Version
) -> Preview:
    """What `POST /events/{id}/corrections` would change; nothing is recorded.

    If it moves the event, both districts are shown.
    """
    at = AtVersion(event_id, version)
    return _preview(
        rehearsal,
        lambda: correct_event(rehearsal.connection, rehearsal.author, at, body),
        [*_of_pin(body.pinned), *_of_citations("add_citations", body.add_citations)],
        about=event_id,
    )


@router.post(
    "/events/{id}/retraction",
    summary="Preview a retraction",
    responses=documented(400, 403, 404, 409, 412, 413, 422, 428),
)
def preview_retraction(
    event_id: EventId, body: RetractionIn, rehearsal: WriterRehearsal, version: Version
) -> Preview:
    """What `POST /events/{id}/retraction` would change; nothing is recorded."""
    at = AtVersion(event_id, version)
    return _preview(
        rehearsal,
        lambda: retract_event(rehearsal.connection, rehearsal.author, at, body),
        [],
        about=event_id,
    )


def _preview(
    rehearsal: Rehearsal,
    write: Callable[[], Receipt],
    dates: list[tuple[str, str]],
    about: UUID | None = None,
) -> Preview:
    """Do the write, and read the districts at the revision before it and at its own.

    `about` is the event that the write was asked about; one that moves is another afterwards.
    """
    connection = rehearsal.connection
    # From here on nobody else writes: whatever differs is this write's doing.
    revisions.take_turn(connection)
    newest = revisions.current(connection)
    receipt = write()
    zone = _place(connection, receipt.event_id).zone
    districts = [
        _district(connection, place, newest)
        for place in dict.fromkeys(
            _place(connection, event) for event in (receipt.event_id, about) if event
        )
    ]
    after = asked(connection, _TODAY, zone)
    event = events.one(connection, after, receipt.event_id)
    cited = citations.of_events(connection, after, [event.id] if event else [])
    states = [event.state] if event else []
    reasons = [reason for _, reason in left_out(states, after.clocks, after.minimum)]
    return Preview.model_validate(
        {
            **asked_members(_at(after, newest)),
            "author": rehearsal.author,
            "changed": any(district.changed for district in districts),
            "event": event_members(event, cited.get(event.id, []), zone) if event else None,
            "counts": bool(counting(states, after.clocks, after.minimum)),
            "left_out": reasons[0] if reasons else None,
            "districts": districts,
            "dates": [_date_read(*date, zone) for date in dates],
        }
    )


def _at(question: Question, revision: revisions.Revision) -> Question:
    """The same question, asked of an earlier state of the record."""
    clocks = replace(question.clocks, known_at=revision.recorded_at)
    return replace(question, clocks=clocks, revision=revision.number)


def _place(connection: Connection, event_id: UUID) -> places.Place:
    district = events.district_of(connection, event_id)
    place = places.place(connection, "district", district) if district else None
    assert place is not None  # noqa: S101 - it was just written or found
    return place


def _district(
    connection: Connection, place: places.Place, newest: revisions.Revision
) -> DistrictPreview:
    after = asked(connection, _TODAY, place.zone)
    names = sources.actor_names(connection)
    status = _status(connection, after, place.id)
    was = _standing(connection, _at(after, newest), place.id, names)
    becomes = _standing(connection, after, place.id, names)
    return DistrictPreview.model_validate(
        {
            "district": status,
            "changed": _without_ids(was) != _without_ids(becomes),
            "before": was,
            "after": becomes,
        }
    )


def _status(connection: Connection, question: Question, district: str) -> DistrictStatus:
    return statuses(connection, question, Which(district=district))[0]


def _standing(
    connection: Connection, question: Question, district: str, names: dict[str, str]
) -> Standing:
    status = _status(connection, question, district)
    states = [event.state for event in events.told_of(connection, question, district)]
    counted = counting(states, question.clocks, question.minimum)
    return Standing.model_validate(
        {
            "in_words": status.in_words(question),
            **{name: getattr(status, name) for name in ("status", "controller", "since")},
            "confidence": status.confidence.label if status.confidence else None,
            "disputed": status.disputed,
            "last_reported": status.last_reported,
            "periods": [Period.of(period, names) for period in periods(counted, question.zone)],
        }
    )


def _without_ids(standing: Standing) -> dict[str, Any]:
    """All that a reader sees; which event says so is no change as long as it says the same."""
    return standing.model_dump(exclude={"periods": {"__all__": {"event_id"}}})


def _date_read(parameter: str, written: str, zone: ZoneInfo) -> DateRead:
    span = parse_edtf(written, zone).span
    return DateRead(
        parameter=parameter,
        written=written,
        read_as=to_edtf(span, zone),
        earliest=span.earliest,
        latest=span.latest,
    )


def _of_pin(pinned: PinIn | None) -> Dates:
    if pinned:
        yield "pinned.occurred", pinned.occurred


def _of_citations(parameter: str, cited: list[CitationIn]) -> Dates:
    for place, citation in enumerate(cited):
        yield from _of_citation(f"{parameter}.{place}.", citation)


def _of_citation(within: str, citation: CitationIn) -> Dates:
    yield f"{within}published", citation.published
    if citation.asserted:
        yield f"{within}asserted", citation.asserted
