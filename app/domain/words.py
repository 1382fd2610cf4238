"""An answer in one plain sentence, the same wherever it is shown."""

from dataclasses import dataclass
from datetime import date

from app.domain.control import Confidence, Outcome, Status

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
    until = (
        f", by what had been published by {written(told.reported_by)}" if told.reported_by else ""
    )
    when = f"As of {written(told.as_of)}{until}"
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


def _held(told: Told) -> str:
    since = f" since {written_day(told.since)}" if told.since else ""
    if told.outcome.status is Status.CONTESTED:
        return f"contested{since}"
    return f"controlled by {the(told.holder or '')}{since}"


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
