"""What can be wrong with a question or a report, in the words of this field.

Nothing here knows HTTP: the API maps each class to a status in one table. `field` names the
parameter, column or body field at fault, so that every front end can point at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """Something about the request or the report cannot be accepted."""

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class InvalidValueError(DomainError):
    """A value does not have the form or lie in the bounds that its field asks for."""


@dataclass(frozen=True)
class Candidate:
    """A place that an unclear name may have meant. `score` runs from 0 to 1 (the same name)."""

    id: str
    name: str
    province: str | None
    matched_name: str
    score: float


class UnknownPlaceError(DomainError):
    """No place of that kind has that id or name, or several have it."""

    def __init__(self, detail: str, *, field: str, candidates: Sequence[Candidate] = ()) -> None:
        super().__init__(detail, field=field)
        self.candidates = tuple(candidates)


class UnknownRecordError(DomainError):
    """No event, source, actor or boundary set with that id was in the record at that time."""


class StaleVersionError(DomainError):
    """A correction names a version that is not the newest one."""


class RecordRuleError(DomainError):
    """A write would break a rule of the record; the database names the rule."""

    def __init__(self, detail: str, *, field: str | None = None, constraint: str) -> None:
        super().__init__(detail, field=field)
        self.constraint = constraint


class NotReadyError(DomainError):
    """The record cannot be read: no database, no migrations, or no seeds."""
