"""What the API answers, in plain English words, for people who read a page.

Everything here is pure: a part of an answer in, words out. `app.domain.words` has the one sentence
that says who holds a district; these are the words around it.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from app.domain.control import Action, Basis, Kind, Stance
from app.domain.words import the, written

Part = Mapping[str, Any]
"""A member of an answer: an event, a citation, a period."""

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::[\d.]+)?(Z|[+-]\d{2}:\d{2})")
_MONTH = re.compile(r"\d{4}-\d{2}")


def dated(edtf: str) -> str:
    """An uncertain date within a sentence: `2021-06-05/2021-06-07` is "between 5 and 7 June 2021".

    Times of day keep the offset that they were written with. What is no EDTF comes back as it is.
    """
    start, slash, end = edtf.partition("/")
    if not slash:
        return _single(edtf)
    if start in ("..", ""):
        return f"by {'the end of ' if _MONTH.fullmatch(end) else ''}{named(end)}"
    return f"between {_without_repeats(start, end)} and {named(end)}"


def _single(edtf: str) -> str:
    if edtf.endswith("?"):
        return f"on about {written(edtf[:-1])}"
    if _MONTH.fullmatch(edtf):
        return f"in {named(edtf)}"
    name = named(edtf)
    return f"on {name}" if name != edtf else edtf


def named(text: str) -> str:
    """A day, a month or an instant by its name, to the minute; other texts as they are."""
    if _MONTH.fullmatch(text):
        return f"{date.fromisoformat(f'{text}-01'):%B %Y}"
    instant = _INSTANT.fullmatch(text)
    if instant:
        day, time, offset = instant.groups()
        zone = "UTC" if offset == "Z" else f"UTC{offset}"
        return f"{written(day)} at {time} ({zone})"
    return written(text)


def _without_repeats(start: str, end: str) -> str:
    """The name of a start without the year, or the month and year, that its end says again."""
    first, last = named(start), named(end)
    if not (first[-4:].isdigit() and first.split()[-1] == last.split()[-1]):
        return first
    words, others = first.split(), last.split()
    shared = 2 if len(words) == 3 and words[1:] == others[1:] else 1
    return " ".join(words[:-shared])


def precise(edtf: str) -> str | None:
    """What `<time datetime>` takes of an uncertain date: a day, a month, an instant, or nothing."""
    whole = re.fullmatch(rf"\d{{4}}-\d{{2}}(-\d{{2}})?|{_INSTANT.pattern}", edtf)
    return edtf if whole else None


def label(part: Part) -> str:
    """Who holds it, as a label: "Taliban", "Contested", "Unknown"."""
    return str(part["controller"]["name"] if part["controller"] else part["status"].capitalize())


def state(part: Part) -> str:
    """A state within a sentence: "controlled by the Taliban"."""
    if part["controller"]:
        return f"controlled by {the(part['controller']['name'])}"
    return str(part["status"])


def happened(event: Part) -> str:
    """What an event was: "Captured by the Taliban"."""
    if not event["controller"]:
        return {
            Kind.WITHDRAWAL: "Left by those who held it, and contested",
            Kind.ASSESSMENT: "Described as contested",
        }.get(event["kind"], "Contested")
    party = the(event["controller"]["name"])
    return {
        Kind.CAPTURE: f"Captured by {party}",
        Kind.RECAPTURE: f"Recaptured by {party}",
        Kind.TRANSFER: f"Passed to {party} without fighting",
        Kind.WITHDRAWAL: f"Left to {party} by those who held it",
    }.get(event["kind"], f"Described as held by {party}")


def lowered(sentence: str) -> str:
    """A sentence as a part of another one."""
    return f"{sentence[0].lower()}{sentence[1:]}"


def relied_on(citation: Part) -> str:
    """On whose word a document relies."""
    basis, speaker = citation["basis"], citation["speaker"]
    if speaker:
        party = the(speaker["name"])
        if basis == Basis.CLAIMANT:
            return f"on the word of {party}"
        if basis == Basis.OFFICIAL:
            return f"on the word of officials of {party}"
        return f"on the word of {party}, {_BASIS[basis]}"
    return _BASIS[basis]


_BASIS = {
    Basis.OFFICIAL: "on the word of officials",
    Basis.CLAIMANT: "on the word of the party that gains by it",
    Basis.LOCAL: "on the word of people there",
    Basis.AGENCY: "as a news agency reports it",
    Basis.JOURNALIST: "as its own reporter tells it",
    Basis.ANALYST: "as an analyst judges it",
    Basis.SOCIAL: "from posts on social media",
}

_RELIABILITY = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "cannot be judged",
}
_CREDIBILITY = {
    1: "confirmed by other sources",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "cannot be judged",
}


def grades(citation: Part) -> str | None:
    """The Admiralty grades of a document in words; None where it has none."""
    told = []
    if citation["reliability"]:
        told.append(f"source {citation['reliability']}, {_RELIABILITY[citation['reliability']]}")
    if citation["credibility"]:
        told.append(
            f"information {citation['credibility']}, {_CREDIBILITY[citation['credibility']]}"
        )
    return "; ".join(told) or None


def asserts(citation: Part, event: Part) -> str:
    """What a document says happened, and when."""
    denies = citation["stance"] == Stance.DISPUTES
    said = citation["says"]
    when = f" {dated(citation['asserted'])}" if citation["asserted"] else ""
    if denies:
        instead = f", and that it is {state(said)}" if said else ""
        return f"that this did not happen{instead}{when}"
    return f"{lowered(happened(said or event))}{when or ', without giving a date'}"


def host(address: str) -> str:
    """Where an address leads, for the words of a link."""
    return (urlsplit(address).hostname or address).removeprefix("www.")


def web_address(address: str | None) -> str | None:
    """An address that a page may lead to: of the web, and nothing that a browser would run."""
    return address if address and re.match(r"https?://", address, re.IGNORECASE) else None


_DONE = {
    Action.RECORD: "recorded",
    Action.IMPORT: "imported",
    Action.CORRECT: "corrected",
    Action.RETRACT: "retracted",
    Action.CITE: "given another document",
}

_LANGUAGES = {"prs": "Dari", "fa": "Persian", "ps": "Pashto", "uz": "Uzbek", "en": "English"}


def did(change: Part) -> str:
    """What a revision did to an event."""
    return _DONE.get(change["action"], str(change["action"]))


def language(code: str) -> str:
    """The name of a language; its BCP 47 code where it is none of the usual ones."""
    return _LANGUAGES.get(code, code)


def is_day(text: str) -> bool:
    """Whether a clock's setting is a whole day, which a date field can show."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def in_short(summary: Part) -> str:
    """The totals of an area for a title: "Taliban 7, contested 1, unknown 2 of 10 districts"."""
    counts = [(one["controller"]["name"], one["districts"]) for one in _largest_first(summary)]
    counts += [(status, summary[status]) for status in ("contested", "unknown") if summary[status]]
    told = ", ".join(f"{name} {number}" for name, number in counts)
    return f"{told} of {_districts(summary['districts_total'])}"


def _largest_first(summary: Part) -> list[Part]:
    return sorted(summary["by_controller"], key=lambda one: -int(one["districts"]))


def _districts(number: int) -> str:
    return f"{number} district{'' if number == 1 else 's'}"
