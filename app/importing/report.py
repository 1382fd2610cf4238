"""What an import is asked to do, and what it tells afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.importers.drafts import Fault, Skipped

LISTED = 1000
"""Errors that a report lists; it counts them all."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and how much there is (None: not known)."""


@dataclass(frozen=True)
class Order:
    """What to import, and how. `name` is the file's, `country` a code, `author` who answers for it.

    All or nothing unless `partial`: then the rows without errors are recorded. `dry_run` records
    nothing and tells what would be.
    """

    name: str
    country: str
    author: str
    partial: bool = False
    dry_run: bool = False


@dataclass
class Report:
    """What an import found and did; figures of a dry run, or of a refused one, are what it would.

    `duplicates` were on record already, or stood in the file twice. `revision` is the one that it
    made: None if nothing was new, refused, or only tried.
    """

    name: str
    partial: bool
    dry_run: bool
    rows: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    events_created: int = 0
    events_changed: int = 0
    events_retracted: int = 0
    citations_added: int = 0
    citations_moved: int = 0
    sources_added: list[str] = field(default_factory=list)
    errors_total: int = 0
    errors: list[Fault] = field(default_factory=list)
    revision: int | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing was recorded because of errors."""
        return bool(self.errors_total) and not self.partial

    def note(self, other: Fault | Skipped) -> None:
        """Count a row that makes no claim."""
        if isinstance(other, Skipped):
            self.skipped[other.reason] = self.skipped.get(other.reason, 0) + 1
        else:
            self.errors_total += 1
            if len(self.errors) < LISTED:
                self.errors.append(other)

    def as_document(self) -> Mapping[str, Any]:
        """The report as JSON has it; also what the record keeps of it."""
        return asdict(self)
