"""Answers, events and dates in plain words, the same wherever they are shown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.control import Confidence, Kind, Outcome, Status
from app.domain.summary import Totals

INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::[\d.]+)?(Z|[+-]\d{2}:\d{2})")
_MONTH = re.compile(r"\d{4}-\d{2}")

NOT_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\ufffd")
"""Characters that no XML 1.0 document may contain, written however; one would spoil a whole
feed or picture."""

CONFIDENCE = {
    Confidence.CLAIMED: "Only a party to the conflict says so.",
    Confidence.REPORTED: "It is reported, and not confirmed by a second independent source.",
    Confidence.CONFIRMED: "It is confirmed.",
}
"""What each level means to someone who has not read the documentation."""


@dataclass(frozen=True)
class Told:
    """What the sentence tells: an answer about one district.

    `holder` is the name of the party; `since` and `last_reported` are days of the country;
    `as_of` and `reported_by` are the moments as they were asked for.
    """

    district: str
    province: str
    outcome: Outcome
    holder: str | None
    since: date | None
    confidence: Confidence | None
    disputed: bool
    last_reported: date | None
    as_of: str
    reported_by: str | None


def in_words(told: Told) -> str:
    """Say who holds a district, in English sentences that can be quoted as they stand."""
    place = f"{told.district} in {told.province}"
    when = _when(told.as_of, told.reported_by)
    if told.outcome.status is Status.UNKNOWN:
        return f"{when}, nothing on record that counts says who controls {place}."
    said = [f"{when}, {place} is on record as {_held(told)}."]
    if told.confidence:
        said.append(CONFIDENCE[told.confidence])
    if told.disputed:
        said.append("At least one document disputes it.")
    if told.last_reported:
        said.append(f"The newest report about it is of {written_day(told.last_reported)}.")
    return " ".join(said)


@dataclass(frozen=True)
class Counted:
    """What the sentences tell of a whole country or province.

    `parties` has the name of each that holds a district; the rest is as in `Told`.
    """

    place: str
    totals: Totals
    parties: Mapping[str, str]
    last_reported: date | None
    as_of: str
    reported_by: str | None


def counts_in_words(counted: Counted) -> str:
    """Say who holds how many districts, in English sentences that can be quoted as they stand."""
    found = counted.totals
    parties = [
        (total.districts, f"by {the(counted.parties[total.outcome.controller or ''])}")
        for total in found.of(Status.CONTROLLED)
    ] or [(0, "by anyone")]
    (number, party), *others = parties
    held = [
        f"{number or 'none'} of the {found.districts} districts of {counted.place} "
        f"{'are' if number > 1 else 'is'} on record as controlled {party}",
        *(f"{number} {party}" for number, party in others),
    ]
    said = [f"{_when(counted.as_of, counted.reported_by)}, {listed(held)}."]
    if contested := found.count(Status.CONTESTED):
        said.append(f"{contested} {'is' if contested == 1 else 'are'} contested.")
    if unknown := found.count(Status.UNKNOWN):
        said.append(f"Nothing on record that counts says who controls {unknown}.")
    if counted.last_reported:
        said.append(f"The newest report is of {written_day(counted.last_reported)}.")
    return " ".join(said)


def _when(as_of: str, reported_by: str | None) -> str:
    until = f", by what had been published by {written(reported_by)}" if reported_by else ""
    return f"As of {written(as_of)}{until}"


def listed(things: Sequence[str]) -> str:
    """Things in a sentence: "A, B and C"."""
    *before, last = things or [""]
    return f"{', '.join(before)} and {last}" if before else last


def age_in_words(days: int) -> str:
    """About how long some days are: "5 years", "7 months", "40 days"."""
    if days >= 365:
        return f"{days // 365} year{'s' * (days >= 730)}"
    return f"{days // 30} months" if days >= 60 else f"{days} day{'s' * (days != 1)}"


def _held(told: Told) -> str:
    since = f" since {written_day(told.since)}" if told.since else ""
    if told.outcome.status is Status.CONTESTED:
        return f"contested{since}"
    return f"controlled by {the(told.holder or '')}{since}"


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
    instant = INSTANT.fullmatch(text)
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


def event_in_words(kind: Kind, holder: str | None) -> str:
    """What an event was: "captured by the Taliban". `holder` is who held it then, if anybody."""
    if holder is None:
        return {
            Kind.WITHDRAWAL: "left by those who held it, and contested",
            Kind.ASSESSMENT: "described as contested",
        }.get(kind, "contested")
    party = the(holder)
    return {
        Kind.CAPTURE: f"captured by {party}",
        Kind.RECAPTURE: f"recaptured by {party}",
        Kind.TRANSFER: f"passed to {party} without fighting",
        Kind.WITHDRAWAL: f"left to {party} by those who held it",
    }.get(kind, f"described as held by {party}")


def the(party: str) -> str:
    """A party's name within a sentence: "the Taliban"."""
    return party if party.lower().startswith("the ") else f"the {party}"


def written(moment: str) -> str:
    """A moment as people write it, where it is a day: `2021-06-06` is 6 June 2021."""
    try:
        return written_day(date.fromisoformat(moment))
    except ValueError:
        return moment


def written_day(day: date) -> str:
    """A day as people write it: 6 June 2021."""
    return f"{day.day} {day:%B} {day.year}"
