"""Addresses that give the same record whenever they are asked, and what else a quotation needs."""

import re
from datetime import UTC
from urllib.parse import quote, urlencode

from fastapi import Request

from app.api.deps import fixed
from app.domain.control import Confidence, Question
from app.domain.words import written_day


def quotable(question: Question, **others: str | None) -> dict[str, str]:
    """A question as parameters that ask for the same record for ever, and these others.

    `reported_by` stays out where it was not asked for: with `known_at` fixed, all documents are
    always the same ones.
    """
    clocks = question.clocks
    asked = {
        **fixed(question),
        "reported_by": clocks.reported_by.text if clocks.reported_by else None,
        "min_confidence": None
        if question.minimum is Confidence.REPORTED
        else question.minimum.label,
        **others,
    }
    return {name: value for name, value in asked.items() if value is not None}


def address(request: Request, path: str, parameters: dict[str, str]) -> str:
    """The whole address of a path of this service, as the client reaches it."""
    return f"{request.base_url}{quote(path)}?{urlencode(parameters, safe=':')}"


def page_of(
    request: Request, question: Question, *, country: str, place: tuple[str, str] | None = None
) -> str:
    """The page that shows an answer to people.

    That of the country, or of a `place`: the first part of its path, `d` or `p`, and its id.
    """
    if place is None:
        return address(request, "", quotable(question, country=country))
    return address(request, "/".join(place), quotable(question))


def recorded(question: Question) -> str:
    """The state of the record that was asked, in words: "23 November 2026, 12:00:00 UTC …"."""
    known = question.clocks.known_at.astimezone(UTC)
    return f"{written_day(known.date())}, {known:%H:%M:%S} UTC (revision {question.revision})"


def file_part(moment: str) -> str:
    """A moment as part of the name of a file."""
    return re.sub(r"[^0-9A-Za-z.+-]", "", moment)
