"""Why an answer is what it is, for people who read a page: the rule, told for one district.

Pure: parts of the API's answers in, words out. Whether a document is a party's own word is asked of
the rule itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from app.domain.clocks import parse_edtf
from app.domain.control import Basis, Claim, Outcome, Reason, Stance, Status, is_own_claim
from app.domain.words import age_in_words, dated, listed, named, the, written
from app.web.phrases import Part, happened, lowered, state

_UTC = ZoneInfo("UTC")

WHY_NOT = {
    Reason.BELOW_MIN_CONFIDENCE: "too weakly supported to count",
    Reason.NOT_YET_CERTAIN: "may have begun, and had not certainly happened by then",
    Reason.CONTRADICTS: "says something else, and may in truth have happened since",
    Reason.DISPUTES: "a document denies an event that the answer rests on",
}
"""Why a claim stands beside the answer and did not make it."""


@dataclass(frozen=True)
class Told:
    """One step of the explanation, and the event that it speaks of, if it is about one."""

    words: str
    event: Part | None = None


def how_we_know(control: Part, timeline: Part) -> list[Told]:
    """Which event decides and why, since when, why so sure, and what was left out."""
    decider = control["event"]
    until = named(control["as_of"])
    if decider is None:
        told = [
            Told(
                f"No event on record had certainly happened by {until} and is well enough "
                "supported to decide."
            )
        ]
    else:
        told = [
            Told(
                f"The answer rests on one event: {_said(decider)}. It is the latest on record that "
                f"had certainly happened by {until} and is well enough supported to count.",
                decider,
            ),
            *_since(control, timeline),
            Told(why_that_date(decider)),
            Told(why_so_sure(decider)),
        ]
    return told + [_left_out(other, control) for other in control["other_claims"]]


def _said(event: Part) -> str:
    return f"{lowered(happened(event))} {dated(event['occurred'])}"


def _since(control: Part, timeline: Part) -> list[Told]:
    """Where the stretch began before the event that decides: which event began it."""
    began = timeline["periods"][-1]["event_id"]
    if began == control["event"]["id"]:
        return []
    first = next(event for event in timeline["events"] if event["id"] == began)
    return [
        Told(
            f"It has been {state(control)} since {written(control['since'])}: no event that counts "
            "says otherwise from then on.",
            first,
        )
    ]


def _left_out(other: Part, control: Part) -> Told:
    reason = other["reason"]
    if reason == Reason.DISPUTES:
        deniers = list(dict.fromkeys(c["source"]["name"] for c in other["citations"]))
        deciding = control["event"]["id"] == other["id"]
        which = "this" if deciding else f"that it was {_said(other)}"
        verb = "denies" if len(deniers) == 1 else "deny"
        return Told(f"Disputed: {listed(deniers)} {verb} {which}.", other)
    return Told(f"Beside the answer: {_said(other)}; {WHY_NOT[reason]}.", other)


def why_so_sure(event: Part) -> str:
    """Why an event has the confidence that it has: whose accounts agree, by the rule's own test."""
    supporting = [c for c in event["citations"] if c["stance"] == Stance.SUPPORTS]
    independent = [c for c in supporting if not _is_own_word(c, event)]
    origins = _origins(independent)
    if event["confidence"] == "claimed":
        parties = {the(c["speaker"]["name"]): None for c in supporting if c["speaker"]}
        word = listed(list(parties)) or "the party that gains by it"
        return f"Only claimed: it rests on the word of {word} alone."
    own = len(supporting) - len(independent)
    aside = f" A party's own word ({_documents(own)}) was not counted." if own else ""
    if len(origins) >= 2:
        return (
            f"Confirmed by {len(origins)} accounts that do not depend on one another: "
            f"{listed(origins)}.{aside}"
        )
    if event["confidence"] == "confirmed":
        graded = next((c for c in supporting if _is_well_graded(c)), None)
        name = graded["source"]["name"] if graded else listed(origins)
        return f"Confirmed by a document whose source and content are graded high: {name}.{aside}"
    copies = f", in {len(independent)} documents" if len(independent) > 1 else ""
    return (
        f"Reported by one account ({listed(origins)}{copies}), which no second one confirms.{aside}"
    )


def _is_well_graded(citation: Part) -> bool:
    return citation["reliability"] in ("A", "B") and citation["credibility"] in (1, 2)


def _is_own_word(citation: Part, event: Part) -> bool:
    """As the rule sees it; it looks at no date for that, so any time zone will do."""
    claim = Claim(
        stance=Stance(citation["stance"]),
        origin=citation["origin"],
        published=parse_edtf(citation["published"], _UTC).span,
        asserted=None,
        basis=Basis(citation["basis"]),
        speaker=citation["speaker"] and citation["speaker"]["id"],
    )
    controller = event["controller"] and event["controller"]["id"]
    return is_own_claim(claim, Outcome(Status(event["status"]), controller))


def _origins(citations: Iterable[Part]) -> list[str]:
    """Whose accounts they are, each once, however its name is written."""
    spellings: dict[str, str] = {}
    for citation in citations:
        spellings.setdefault(citation["origin"].casefold(), citation["origin"])
    return list(spellings.values())


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"


def why_that_date(event: Part) -> str:
    """Why an event has the date that it has, and from when it counts."""
    if event["pinned"]:
        return (
            f"An editor set the date to {event['pinned']['occurred']}. "
            f"The reason given: {event['pinned']['reason']}"
        )
    supporting = [c for c in event["citations"] if c["stance"] == Stance.SUPPORTS]
    dates = {c["asserted"] for c in supporting}
    if dates == {None}:
        told = "No document gives a date for it, so it is dated by their publication"
    elif len(supporting) == 1:
        told = "The date is the one that the document gives"
    elif len(dates) == 1:
        told = "All documents that support it give the same date"
    else:
        told = (
            "The documents give different dates; this is the time on which the largest number of "
            "independent accounts agree"
        )
    return f"{told}. A change counts from the last moment at which it can have happened."


def how_old(reported: str | None, as_of: str) -> str | None:
    """How much older than the date asked about the newest report is; None up to 31 days.

    `as_of` is a day or an instant, of which the day counts.
    """
    if reported is None:
        return None
    days = (date.fromisoformat(as_of[:10]) - date.fromisoformat(reported)).days
    return age_in_words(days) if days > 31 else None
