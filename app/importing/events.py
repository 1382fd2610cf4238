"""Importing events: what one service gives at `/events`, another one takes, under the same ids."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from app.domain.control import Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Content, Pin, Said, check_content
from app.domain.errors import DomainError, InvalidValueError
from app.importers.drafts import Fault
from app.importers.events import Cited, Event, EventDraft, read_events
from app.importers.reader import Form
from app.importing.report import Order, Progress, Report
from app.importing.revision import one_revision
from app.store.changes import Change
from app.store.claims import Stage, Staged, known_citations, known_events
from app.store.places import place
from app.store.rows import citation_rows, version_row
from app.store.sources import known_publishers, list_actors

_BATCH = 500


def import_events(
    connection: Connection, file: BinaryIO, form: Form, order: Order, progress: Progress
) -> Report:
    """Import events of one file, inside the caller's transaction, as `import_claims` does claims.

    An event that is not on record is recorded under its own id, with its citations under theirs,
    in the order in which the events were recorded at first. One that is on record only gets the
    citations that it lacks; what else differs stays as it is here. Publishers that are not on
    record are added; places and parties have to be there.
    """
    report = Report(order.name, order.partial, order.dry_run)
    stage = Stage(connection)
    stage.add(_staged(read_events(file, form), report))
    with one_revision(connection, order, report) as change:
        writer = _Writer(connection, order.country, report, change)
        for batch in stage.in_order(_BATCH):
            writer.write([EventDraft(s.line, Event.model_validate(s.claim)) for s in batch])
            progress("recording events", report.rows, None)
    stage.drop()
    return report


def _staged(drafts: Iterator[EventDraft | Fault], report: Report) -> Iterator[Staged]:
    line = 0
    for draft in drafts:
        report.rows += draft.line != line
        line = draft.line
        if isinstance(draft, Fault):
            report.note(draft)
        else:
            event = draft.event
            key = f"{event.sequence:020} {event.id}"
            yield Staged(event.district.id, key, line, event.model_dump(mode="json"))


class _Writer:
    """Writes what the events of a file add."""

    def __init__(
        self, connection: Connection, country: str, report: Report, change: Callable[[], Change]
    ) -> None:
        self._connection = connection
        self._country = country
        self._report = report
        self._change = change
        known = known_publishers(connection)
        self._publishers = {publisher.id for publisher in known.values()}
        self._names = set(known)
        self._parties = {actor.id for actor in list_actors(connection)}
        self._zones: dict[str, ZoneInfo] = {}

    def write(self, drafts: Sequence[EventDraft]) -> None:
        """Write what these events add."""
        recorded = known_events(self._connection, [draft.event.id for draft in drafts])
        cited = known_citations(
            self._connection, [one.id for draft in drafts for one in draft.event.citations]
        )
        for draft in drafts:
            event = draft.event
            new = [one for one in event.citations if one.id not in cited]
            try:
                self._check(event)
                if event.id not in recorded:
                    self._record(event, new)
                elif recorded[event.id] != event.district.id:
                    raise InvalidValueError(
                        f"the event is on record for district {recorded[event.id]}",
                        field="district",
                    )
                elif new:
                    self._cite(event, new)
                else:
                    self._report.duplicates += 1
            except DomainError as error:
                shown = f"{error.field or ''} of event {event.id}"
                self._report.note(Fault(draft.line, error.field, shown, error.detail))
            else:
                recorded[event.id] = event.district.id
                cited.update(one.id for one in event.citations)

    def _record(self, event: Event, cited: Sequence[Cited]) -> None:
        controller = event.controller.id if event.controller else None
        pin = Pin(event.pinned.occurred, event.pinned.reason) if event.pinned else None
        outcome = Outcome(Status(event.status), controller)
        content = Content(event.kind, outcome, event.day_order, pin)
        zone = self._zone(event)
        check_content(content)
        version = version_row(event.id, 1, content, zone)
        citations = [_citation(one) for one in cited]
        if not any(one.stance is Stance.SUPPORTS for one in citations):
            raise InvalidValueError("an event needs a citation that supports it", field="citations")
        rows = citation_rows(event.id, citations, zone)
        change = self._publish(cited)
        change.add_events([{"id": event.id, "district_id": event.district.id}])
        change.add_versions([version])
        change.add_citations(rows)
        change.settle([event.id])
        self._report.events_created += 1
        self._report.citations_added += len(rows)

    def _cite(self, event: Event, cited: Sequence[Cited]) -> None:
        rows = citation_rows(event.id, map(_citation, cited), self._zone(event))
        change = self._publish(cited)
        change.add_citations(rows)
        change.settle([event.id])
        self._report.events_changed += 1
        self._report.citations_added += len(rows)

    def _publish(self, cited: Sequence[Cited]) -> Change:
        """Record the publishers that are not on record."""
        new = {one.source.id: one.source.name for one in cited}
        new = {id_: name for id_, name in new.items() if id_ not in self._publishers}
        for name, times in Counter(new.values()).items():
            if times > 1 or name in self._names:
                raise InvalidValueError(
                    f"a publisher {name!r} is on record under another id", field="source"
                )
        change = self._change()
        change.add_sources({"id": id_, "name": name} for id_, name in new.items())
        self._publishers |= new.keys()
        self._names |= set(new.values())
        self._report.sources_added += sorted(new)
        return change

    def _check(self, event: Event) -> None:
        """Refuse what the database would refuse."""
        if len({one.id for one in event.citations}) < len(event.citations):
            raise InvalidValueError("a citation stands there twice", field="citations")
        named = [event.controller]
        for one in event.citations:
            said = _said(one)
            if said:
                check_content(Content(said.kind, said.outcome))
            named += [one.speaker, one.says.controller if one.says else None]
        for party in named:
            if party and party.id not in self._parties:
                raise InvalidValueError(
                    f"there is no actor {party.id!r} on record: add it first", field="controller"
                )

    def _zone(self, event: Event) -> ZoneInfo:
        district = event.district.id
        if district not in self._zones:
            found = place(self._connection, "district", district)
            if found is None or found.country != self._country:
                raise InvalidValueError(
                    f"there is no district {district!r} in {self._country}", field="district"
                )
            self._zones[district] = found.zone
        return self._zones[district]


def _said(cited: Cited) -> Said | None:
    says = cited.says
    if says is None:
        return None
    controller = says.controller.id if says.controller else None
    return Said(Kind(says.kind), Outcome(Status(says.status), controller))


def _citation(cited: Cited) -> Citation:
    return Citation(
        id=cited.id,
        stance=cited.stance,
        source=cited.source.id,
        origin=cited.origin,
        title=cited.title,
        url=cited.url,
        archived_url=cited.archived_url,
        published=cited.published,
        asserted=cited.asserted,
        place_as_written=cited.place_as_written,
        basis=cited.basis,
        speaker=cited.speaker.id if cited.speaker else None,
        reliability=cited.reliability,
        credibility=cited.credibility,
        note=cited.note,
        said=_said(cited),
    )
