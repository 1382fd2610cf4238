"""Importing claims: a stream of rows, grouped with what is on record, as one revision."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from app.domain.clocks import parse_edtf
from app.domain.control import Basis, Claim, Kind, Outcome, Stance, Status
from app.domain.entries import Citation, Said
from app.domain.errors import DomainError, UnknownPlaceError
from app.domain.grouping import Reported
from app.importers.drafts import Draft, Fault, Skipped
from app.importing.names import Parties, Publishers
from app.importing.planning import Claimed, District, Plan, claim_key
from app.importing.report import Order, Progress, Report
from app.importing.revision import one_revision
from app.store import places
from app.store.changes import Change
from app.store.claims import Stage, Staged, on_record
from app.store.resolving import Resolver
from app.store.rows import citation_rows, version_row

_BATCH = 5000
"""Rows between two steps of progress, and at a time on their way to the stage."""
_TOGETHER = 2000
"""Claims that are grouped and written at a time, or all those of one district if it has more."""

Row = Draft | Fault | Skipped


def import_claims(
    connection: Connection,
    rows: Iterable[Row],
    order: Order,
    columns: Mapping[Any, str],
    progress: Progress = lambda *_: None,
) -> Report:
    """Import the claims of one file, inside the caller's transaction.

    `rows` is what `app.importers` reads, one after the other; memory holds the claims of some
    districts at a time. `columns` are the file's own names of our fields, for the errors. One
    revision is made, by `order.author`, unless nothing is new. Errors, and a dry run, leave the
    transaction as it was, with the report of what would have been. Other writers wait only while
    claims are grouped and written, not while the file is read.
    """
    report = Report(order.name, order.partial, order.dry_run)
    names = _Names(connection, order.country, columns)
    stage = Stage(connection)
    remaining = _counted(rows, report)
    while taken := list(islice(remaining, _BATCH)):
        stage.add(_staged(taken, names, report))
        progress("reading rows", report.rows, None)
    with one_revision(connection, order, report) as change:
        names.publishers.settle(connection)
        writer = _Writer(connection, names, report, change)
        done = 0
        for batch in stage.by_district(_TOGETHER):
            writer.write(batch)
            done += len(batch)
            progress("grouping districts", done, None)
    stage.drop()
    return report


def _counted(rows: Iterable[Row], report: Report) -> Iterator[Row]:
    """The rows; several drafts or faults may come from one line, which is counted once."""
    line = 0
    for row in rows:
        if row.line != line:
            report.rows += 1
            line = row.line
        yield row


class _Names:
    """What the names in a file mean, found once for each spelling."""

    def __init__(self, connection: Connection, country: str, columns: Mapping[Any, str]) -> None:
        found = places.country(connection, country)
        assert found is not None  # noqa: S101 - whoever reads the file knows its time zone
        self.zone = found.zone
        self.publishers = Publishers(connection)
        self._places = Resolver(connection, country)
        self._parties = Parties.on_record(connection)
        self._columns = columns

    def resolve(self, draft: Draft) -> tuple[str, Citation] | list[Fault]:
        """The district of a draft and the citation that it becomes, or all that is wrong."""
        faults: list[Fault] = []
        district = self._found(
            faults,
            draft,
            lambda: self._places.district(draft.district_code, draft.district, draft.province),
        )
        controller = draft.controller and self._found(
            faults, draft, lambda: self._parties.find(draft.controller or "", "controller")
        )
        speaker = controller
        if draft.speaker != draft.controller:
            speaker = draft.speaker and self._found(
                faults, draft, lambda: self._parties.find(draft.speaker or "", "speaker")
            )
        publisher = self._found(
            faults, draft, lambda: self.publishers.find(draft.source, draft.origin)
        )
        if faults or district is None or publisher is None:
            return faults
        citation = Citation(
            stance=draft.stance,
            source=publisher.id,
            origin=publisher.origin,
            published=draft.published,
            basis=draft.basis,
            asserted=draft.asserted,
            title=draft.title,
            url=draft.url,
            archived_url=draft.archived_url,
            place_as_written=draft.district,
            speaker=speaker,
            reliability=draft.reliability,
            credibility=draft.credibility,
            note=draft.note,
            said=Said(draft.kind, Outcome(draft.status, controller)),
        )
        return district, citation

    def _found(self, faults: list[Fault], draft: Draft, find: Any) -> Any:
        try:
            return find()
        except DomainError as error:
            faults.append(self.fault(draft, error))
            return None

    def fault(self, draft: Draft, error: DomainError) -> Fault:
        """An error of the row, under the name that the file has for the field."""
        field = error.field or ""
        return Fault(
            line=draft.line,
            column=self._columns.get(field, field),
            value=str(getattr(draft, field, None) or "")[:200],
            reason=error.detail,
            candidates=error.candidates if isinstance(error, UnknownPlaceError) else (),
        )


def _staged(batch: Iterable[Row], names: _Names, report: Report) -> Iterator[Staged]:
    for row in batch:
        if not isinstance(row, Draft):
            report.note(row)
            continue
        resolved = names.resolve(row)
        if isinstance(resolved, list):
            for fault in resolved:
                report.note(fault)
            continue
        district, citation = resolved
        assert citation.said  # noqa: S101 - given above
        key = claim_key(district, citation, citation.said.outcome)
        outcome = citation.said.outcome
        said = {"kind": row.kind, "status": row.status, "controller": outcome.controller}
        written = {
            name: value
            for name, value in vars(citation).items()
            if value is not None and name not in ("id", "said")
        }
        yield Staged(district, key, row.line, {"said": said, "cited": written})


class _Writer:
    """Writes what a file's claims change, district by district."""

    def __init__(
        self,
        connection: Connection,
        names: _Names,
        report: Report,
        change: Callable[[], Change],
    ) -> None:
        self._connection = connection
        self._publishers = names.publishers
        self._zone = names.zone
        self._analyse_at = _TOGETHER
        self._report = report
        self._change = change

    def write(self, batch: Mapping[str, list[Staged]]) -> None:
        """Write what the claims about some districts change."""
        plan = Plan()
        recorded = on_record(self._connection, batch.keys())
        for district, staged in batch.items():
            claims = [_claimed(next(same), self._zone) for _, same in groupby(staged, _key)]
            here = District(district, recorded[district])
            fresh = [claim for claim in claims if not here.has(claim)]
            self._report.duplicates += len(staged) - len(fresh)
            if fresh:
                here.plan(fresh, lambda: self._change().revision.number, plan)
        for denial in plan.unfounded:
            self._report.note(
                Fault(
                    denial.line,
                    None,
                    denial.citation.place_as_written or "",
                    "no report that it could deny is on record or in the file",
                )
            )
        if plan.touched:
            self._carry_out(plan, self._change())
        if self._report.citations_added >= self._analyse_at:
            self._change().analyse()
            self._analyse_at *= 4

    def _carry_out(self, plan: Plan, change: Change) -> None:
        documents = [*plan.added, *((home, citation) for _, home, citation in plan.moved)]
        self._add_publishers({citation.source for _, citation in documents}, change)
        change.close_versions([*plan.changed, *plan.retracted])
        change.close_citations(old for old, _, _ in plan.moved)
        change.add_events(
            {"id": event, "district_id": district} for event, (district, _) in plan.created.items()
        )
        versions = {event: (1, content) for event, (_, content) in plan.created.items()}
        change.add_versions(
            version_row(event, number, content, self._zone)
            for event, (number, content) in (versions | plan.changed).items()
        )
        change.add_citations(
            row
            for home, citation in documents
            for row in citation_rows(home, [citation], self._zone)
        )
        change.settle(plan.touched)
        report = self._report
        report.events_created += len(plan.created)
        report.events_changed += len(plan.changed)
        report.events_retracted += len(plan.retracted)
        report.citations_added += len(plan.added)
        report.citations_moved += len(plan.moved)

    def _add_publishers(self, cited: set[str], change: Change) -> None:
        new = sorted(cited & self._publishers.new.keys())
        change.add_sources({"id": id_, "name": self._publishers.new.pop(id_)} for id_ in new)
        self._report.sources_added += new


def _key(staged: Staged) -> str:
    return staged.key


def _claimed(staged: Staged, zone: ZoneInfo) -> Claimed:
    """Read back what was staged."""
    said, cited = staged.claim["said"], staged.claim["cited"]
    kind, outcome = Kind(said["kind"]), Outcome(Status(said["status"]), said["controller"])
    citation = Citation(
        **cited | {"stance": Stance(cited["stance"]), "basis": Basis(cited["basis"])},
        said=Said(kind, outcome),
    )
    asserted = citation.asserted
    claim = Claim(
        stance=citation.stance,
        origin=citation.origin,
        published=parse_edtf(citation.published, zone).span,
        asserted=parse_edtf(asserted, zone).span if asserted else None,
        basis=citation.basis,
        speaker=citation.speaker,
        reliability=citation.reliability,
        credibility=citation.credibility,
    )
    reported = Reported(staged.key, staged.district, kind, outcome, claim)
    return Claimed(staged.line, reported, citation)
