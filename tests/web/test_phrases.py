"""The words of the pages: dates, documents, and why an answer is what it is."""

from typing import Any

import pytest

from app.domain.words import dated
from app.web.phrases import asserts, grades, happened, host, precise, relied_on, web_address
from app.web.reasons import how_old, how_we_know, why_so_sure, why_that_date

TALIBAN = {"id": "taliban", "name": "Taliban"}
GOVERNMENT = {"id": "afghan-government", "name": "Afghan government"}


@pytest.mark.parametrize(
    ("edtf", "words"),
    [
        ("2021-06-06", "on 6 June 2021"),
        ("2021-06", "in June 2021"),
        ("2021-06-05?", "on about 5 June 2021"),
        ("2021-06-06T06:00+04:30", "on 6 June 2021 at 06:00 (UTC+04:30)"),
        ("2021-06-06T06:00:30Z", "on 6 June 2021 at 06:00 (UTC)"),
        ("2021-06-05/2021-06-07", "between 5 and 7 June 2021"),
        ("2021-05-31/2021-06-10", "between 31 May and 10 June 2021"),
        ("2020-12-30/2021-01-02", "between 30 December 2020 and 2 January 2021"),
        ("2021-05/2021-06", "between May and June 2021"),
        ("2021-06/2021-07-03", "between June and 3 July 2021"),
        (
            "2021-06-06T06:00Z/2021-06-07",
            "between 6 June 2021 at 06:00 (UTC) and 7 June 2021",
        ),
        ("../2021-06-07", "by 7 June 2021"),
        ("../2021-06", "by the end of June 2021"),
        ("whenever", "whenever"),
    ],
)
def test_dates_are_said_in_words(edtf: str, words: str) -> None:
    assert dated(edtf) == words


def test_only_one_day_month_or_instant_is_a_machines_date() -> None:
    for edtf in ("2021-06-06", "2021-06", "2021-06-06T06:00+04:30"):
        assert precise(edtf) == edtf
    for edtf in ("2021-06-05?", "../2021-06-07", "2021-06-05/2021-06-07"):
        assert precise(edtf) is None


def a_document(**members: Any) -> dict[str, Any]:
    return {
        "stance": "supports",
        "source": {"id": "tolonews", "name": "TOLOnews"},
        "origin": "TOLOnews",
        "published": "2021-06-08",
        "asserted": "2021-06-06",
        "basis": "journalist",
        "speaker": None,
        "reliability": None,
        "credibility": None,
        "says": None,
    } | members


def an_event(*documents: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "kind": "capture",
        "status": "controlled",
        "controller": TALIBAN,
        "occurred": "2021-06-06",
        "confidence": "reported",
        "pinned": None,
        "citations": list(documents or [a_document()]),
    } | members


@pytest.mark.parametrize(
    ("kind", "controller", "words"),
    [
        ("capture", TALIBAN, "Captured by the Taliban"),
        ("recapture", GOVERNMENT, "Recaptured by the Afghan government"),
        ("transfer", TALIBAN, "Passed to the Taliban without fighting"),
        ("withdrawal", TALIBAN, "Left to the Taliban by those who held it"),
        ("withdrawal", None, "Left by those who held it, and contested"),
        ("contested", None, "Contested"),
        ("assessment", TALIBAN, "Described as held by the Taliban"),
        ("assessment", None, "Described as contested"),
    ],
)
def test_every_kind_of_event_has_words(kind: str, controller: Any, words: str) -> None:
    assert happened({"kind": kind, "controller": controller}) == words


@pytest.mark.parametrize(
    ("basis", "speaker", "words"),
    [
        ("claimant", TALIBAN, "on the word of the Taliban"),
        ("official", GOVERNMENT, "on the word of officials of the Afghan government"),
        ("social", TALIBAN, "on the word of the Taliban, from posts on social media"),
        ("local", None, "on the word of people there"),
        ("agency", None, "as a news agency reports it"),
    ],
)
def test_on_whose_word_a_document_relies(basis: str, speaker: Any, words: str) -> None:
    assert relied_on(a_document(basis=basis, speaker=speaker)) == words


def test_what_a_document_asserts() -> None:
    event = an_event()
    assert asserts(a_document(), event) == "captured by the Taliban on 6 June 2021"
    undated = a_document(asserted=None)
    assert asserts(undated, event) == "captured by the Taliban, without giving a date"
    says = {"kind": "recapture", "status": "controlled", "controller": GOVERNMENT}
    denial = a_document(stance="disputes", says=says)
    assert asserts(denial, event) == (
        "that this did not happen, and that it is controlled by the Afghan government "
        "on 6 June 2021"
    )


def test_grades_are_said_in_words() -> None:
    assert grades(a_document()) is None
    assert grades(a_document(reliability="B", credibility=2)) == (
        "source B, usually reliable; information 2, probably true"
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//example.org", " http://x", "", None]
)
def test_no_other_address_than_of_the_web_is_a_link(address: str | None) -> None:
    assert web_address(address) is None


def test_links_say_where_they_lead() -> None:
    assert web_address("HTTPS://www.example.org/a") == "HTTPS://www.example.org/a"
    assert host("https://www.example.org:8080/a") == "example.org"


def test_confidence_is_explained_by_whose_accounts_count() -> None:
    two = [a_document(), a_document(origin="dpa"), a_document(origin="DPA")]
    party = a_document(origin="Voice of Jihad", basis="claimant", speaker=TALIBAN)
    confirmed = why_so_sure(an_event(*two, party, confidence="confirmed"))
    assert confirmed == (
        "Confirmed by 2 accounts that do not depend on one another: TOLOnews and dpa. "
        "A party's own word (1 document) was not counted."
    )
    one = why_so_sure(an_event(a_document(), a_document()))
    assert (
        one == "Reported by one account (TOLOnews, in 2 documents), which no second one confirms."
    )
    claimed = why_so_sure(an_event(party, confidence="claimed"))
    assert claimed == "Only claimed: it rests on the word of the Taliban alone."
    admitted = a_document(basis="official", speaker=GOVERNMENT)
    assert why_so_sure(an_event(admitted)).startswith("Reported by one account")
    graded = a_document(reliability="A", credibility=1)
    assert why_so_sure(an_event(graded, confidence="confirmed")) == (
        "Confirmed by a document whose source and content are graded high: TOLOnews."
    )


def test_the_date_is_explained() -> None:
    assert why_that_date(an_event()).startswith("The date is the one that the document gives.")
    agreed = an_event(a_document(), a_document())
    assert why_that_date(agreed).startswith("All documents that support it give the same date.")
    differ = an_event(a_document(), a_document(asserted="2021-06-07"))
    assert why_that_date(differ).startswith("The documents give different dates;")
    undated = an_event(a_document(asserted=None))
    assert why_that_date(undated).startswith("No document gives a date")
    pinned = an_event(pinned={"occurred": "2021-06-06", "reason": "a film shows it"})
    assert why_that_date(pinned) == (
        "An editor set the date to 2021-06-06. The reason given: a film shows it"
    )


def test_an_answer_is_explained_step_by_step() -> None:
    event, first = an_event(), an_event(id="0", occurred="2021-06-01")
    denier = a_document(stance="disputes")
    control = {
        "as_of": "2021-06-10",
        "since": "2021-06-01",
        "status": "controlled",
        "controller": TALIBAN,
        "event": event,
        "other_claims": [{**event, "reason": "disputes", "citations": [denier]}],
    }
    timeline = {"periods": [{"event_id": "0"}], "events": [first, event]}
    told = how_we_know(control, timeline)
    assert told[0].words.startswith("The answer rests on one event: captured by the Taliban on 6")
    assert told[1].words.startswith("It has been controlled by the Taliban since 1 June 2021")
    assert told[1].event == first
    assert told[-1].words == "Disputed: TOLOnews denies this."
    began_itself = how_we_know(control, {**timeline, "periods": [{"event_id": "1"}]})
    assert len(began_itself) == len(told) - 1

    nothing = {**control, "event": None, "other_claims": [{**event, "reason": "contradicts"}]}
    words = [step.words for step in how_we_know(nothing, timeline)]
    assert words[0].startswith("No event on record had certainly happened by 10 June 2021")
    assert words[1].startswith("Beside the answer: captured by the Taliban on 6 June 2021; says")


@pytest.mark.parametrize(
    ("reported", "as_of", "age"),
    [
        ("2021-06-30", "2026-11-23", "5 years"),
        ("2021-06-30", "2021-07-31", None),
        ("2021-06-30", "2021-08-01", "32 days"),
        ("2021-06-30", "2021-08-15T12:00+04:30", "46 days"),
        ("2021-07-30", "2021-06-30", None),
        (None, "2021-06-30", None),
    ],
)
def test_old_news_is_called_old_after_a_month(
    reported: str | None, as_of: str, age: str | None
) -> None:
    assert how_old(reported, as_of) == age
