"""What the API answers, in plain English words, for people who read a page.

Everything here is pure: a part of an answer in, words out. `app.domain.words` has the one sentence
that says who holds a district; these are the words around it.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.domain.control import Action, Basis, Kind, Stance
from app.domain.words import INSTANT, dated, event_in_words, the

Part = Mapping[str, Any]
"""A member of an answer: an event, a citation, a period."""


def precise(edtf: str) -> str | None:
    """What `<time datetime>` takes of an uncertain date: a day, a month, an instant, or nothing."""
    whole = re.fullmatch(rf"\d{{4}}-\d{{2}}(-\d{{2}})?|{INSTANT.pattern}", edtf)
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
    holder = event["controller"]
    said = event_in_words(Kind(event["kind"]), holder["name"] if holder else None)
    return f"{said[0].upper()}{said[1:]}"


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
    """Where an address leads, for the words of a link; all of it where that cannot be told."""
    try:
        name = urlsplit(address).hostname
    except ValueError:  # `http://[x`: it was recorded as it was given
        name = None
    return (name or address).removeprefix("www.")


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
