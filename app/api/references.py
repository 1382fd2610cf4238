"""A citation of an answer, in the forms that people and reference managers read."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.domain.words import written_day

SERVICE = "District Control"
"""Whom a citation names as author and publisher."""


@dataclass(frozen=True)
class Reference:
    """What is cited.

    `key` names it in a bibliography: letters, digits and hyphens. `says` is the answer in
    sentences. `recorded` is the day on which the record was in the state that was asked, in the
    country's time zone, and `state` says it exactly; `url` leads to that state at any time.
    """

    key: str
    title: str
    says: str
    recorded: date
    state: str
    revision: int
    url: str


def text_of(reference: Reference) -> str:
    """A citation to be read, in one line."""
    return (
        f"{SERVICE}: “{reference.title}.” {reference.says} Record as of {reference.state}. "
        f"{reference.url} (accessed {written_day(reference.recorded)})."
    )


def bibtex_of(reference: Reference) -> str:
    """An entry for BibTeX and BibLaTeX, in UTF-8.

    Addresses are as they are, for styles set them with `\\url`; everything else is LaTeX.
    """
    day = reference.recorded
    fields = {
        "author": f"{{{_latex(SERVICE)}}}",
        "title": f"{{{_latex(reference.title)}}}",
        "year": f"{day.year}",
        "month": f"{day.month}",
        "publisher": _latex(SERVICE),
        "version": f"revision {reference.revision}",
        "note": _latex(reference.says),
        "url": reference.url,
        "urldate": day.isoformat(),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{reference.key},\n{lines}}}\n"


_SPECIAL = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}
_ANY_SPECIAL = re.compile("|".join(map(re.escape, _SPECIAL)))


def _latex(text: str) -> str:
    """A text as LaTeX sets it: what means something there is escaped, other letters stay."""
    return _ANY_SPECIAL.sub(lambda found: _SPECIAL[found[0]], text)


def csl_of(reference: Reference) -> dict[str, Any]:
    """An item of CSL-JSON (citeproc-json 1.0)."""
    day = reference.recorded
    on = {"date-parts": [[day.year, day.month, day.day]]}
    return {
        "id": reference.key,
        "type": "dataset",
        "title": reference.title,
        "author": [{"literal": SERVICE}],
        "publisher": SERVICE,
        "issued": on,
        "accessed": on,
        "version": f"revision {reference.revision}",
        "URL": reference.url,
        "note": reference.says,
        "language": "en",
    }
