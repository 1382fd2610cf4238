"""Answers in plain sentences."""

from dataclasses import replace
from datetime import date

import pytest

from app.domain.colours import PALETTE, colours_of
from app.domain.control import UNKNOWN, Confidence, Outcome, Status
from app.domain.words import Told, in_words, written

QAISAR = Told(
    district="Qaysar",
    province="Faryab",
    outcome=Outcome(Status.CONTROLLED, "taliban"),
    holder="Taliban",
    since=date(2021, 6, 6),
    confidence=Confidence.CONFIRMED,
    disputed=False,
    last_reported=date(2021, 6, 30),
    as_of="2021-08-15",
    reported_by=None,
)


def test_an_answer_is_a_sentence_to_be_quoted() -> None:
    assert in_words(QAISAR) == (
        "As of 15 August 2021, Qaysar in Faryab is on record as controlled by the Taliban since "
        "6 June 2021. It is confirmed. The newest report about it is of 30 June 2021."
    )


def test_a_sentence_says_what_limits_it() -> None:
    fog = replace(
        QAISAR,
        outcome=Outcome(Status.CONTESTED, None),
        holder=None,
        confidence=Confidence.REPORTED,
        disputed=True,
        reported_by="2021-06-08",
    )
    said = in_words(fog)
    assert said.startswith(
        "As of 15 August 2021, by what had been published by 8 June 2021, Qaysar in Faryab is on "
        "record as contested since 6 June 2021. It is reported, and not confirmed"
    )
    assert "At least one document disputes it." in said


def test_unknown_is_not_said_to_be_anyones() -> None:
    unknown = replace(
        QAISAR, outcome=UNKNOWN, holder=None, since=None, confidence=None, last_reported=None
    )
    assert in_words(unknown) == (
        "As of 15 August 2021, nothing on record that counts says who controls Qaysar in Faryab."
    )


@pytest.mark.parametrize(
    ("moment", "said"),
    [("2021-06-06", "6 June 2021"), ("2021-06-06T18:00+04:30", "2021-06-06T18:00+04:30")],
)
def test_days_are_written_as_people_do_and_instants_as_asked(moment: str, said: str) -> None:
    assert written(moment) == said


def test_a_new_party_changes_no_colour_of_another() -> None:
    parties = [f"party-{number}" for number in range(len(PALETTE) + 2)]
    for number in range(1, len(parties)):
        assert colours_of(parties[:number]).items() < colours_of(parties).items()
    assert len(set(colours_of(parties[: len(PALETTE)]).values())) == len(PALETTE)
