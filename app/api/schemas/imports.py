"""The report of an import."""

from pydantic import Field

from app.api.errors import CandidatePlace
from app.api.schemas.base import Document
from app.importing.report import LISTED


class Fault(Document):
    """One thing that is wrong with a row."""

    line: int = Field(description="line of the file, from 1")
    column: str | None = Field(description="the file's own name of it; null: the whole row")
    value: str = Field(description="as written, cut to 200 characters")
    reason: str
    candidates: list[CandidatePlace] = Field(description="places that may be meant")


class ImportReport(Document):
    """What an import found and did; of a dry run, or a refused one, what it would have done."""

    name: str = Field(description="of the file")
    partial: bool = Field(description="rows without errors were recorded in spite of errors")
    dry_run: bool
    rows: int
    skipped: dict[str, int] = Field(description="rows that make no claim of control, by reason")
    duplicates: int = Field(description="claims on record already, or twice in the file")
    events_created: int
    events_changed: int = Field(description="events that got another version")
    events_retracted: int = Field(description="events whose claims all belong to others now")
    citations_added: int
    citations_moved: int = Field(description="citations that belong to another event now")
    sources_added: list[str] = Field(description="ids of publishers that were new")
    errors_total: int
    errors: list[Fault] = Field(description=f"the first {LISTED} of them")
    revision: int | None = Field(description="null: nothing was recorded")
