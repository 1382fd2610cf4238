"""An answer in one plain sentence, the same wherever it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.control import Confidence, Kind, Outcome, Status
from app.domain.summary import Totals

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
