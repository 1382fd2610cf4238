"""What reading a file gives, row by row: a claim, what is wrong with the row, or why it is none."""

import unicodedata
from dataclasses import dataclass

from app.domain.control import Basis, Kind, Stance, Status
from app.domain.errors import Candidate

MAX_SHOWN = 200
"""Characters of a wrong value that a fault shows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One claim as a file makes it; names are as written, not yet resolved.

    `line` is the physical line in the file where its row begins (the header is line 1).
    `controller` is None where contested. A denial has the stance `disputes`, and its outcome is
    what the denier says instead. `origin` is whose account it is and `speaker` the party on whose
    word it relies, where the row or a rule of the mapping says so. `published` and `asserted` are
    EDTF that `app.domain.clocks` reads; `reliability` is A to F and `credibility` 1 to 6.
    """

    line: int
    district_code: str | None
    district: str | None
    province: str | None
    kind: Kind
    status: Status
    controller: str | None
    stance: Stance
    source: str
    origin: str | None
    published: str
    asserted: str | None
    basis: Basis
    speaker: str | None
    title: str | None
    url: str | None
    archived_url: str | None
    reliability: str | None
    credibility: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row, or with a line that is no row.

    `column` is the file's own name of it (None: the whole row, or a constant of the mapping);
    `value` is as written, cut to 200 characters; `candidates` are places it may have meant.
    """

    line: int
    column: str | None
    value: str
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is sound and makes no claim of who controls a district."""

    line: int
    reason: str


Row = Draft | Fault | Skipped


def is_legible(text: str, allowed: str = "") -> bool:
    """Whether no control character and no half of a surrogate pair is in it, but for `allowed`."""
    return text.isprintable() or not any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in allowed
        for character in text
    )


def shown(text: str, length: int = MAX_SHOWN) -> str:
    """A value as a fault shows it: cut, and what no database or terminal takes replaced."""
    text = text[:length]
    return "".join(c if is_legible(c) else "\N{REPLACEMENT CHARACTER}" for c in text)
