"""Every read of the design's table answers with the members that the table promises."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .asking import READS, WITHOUT_CLOCKS, Answer, ask, outcome

ASKED = "as_of reported_by known_at revision min_confidence"
EVENT = (
    "id version kind status controller occurred occurred_earliest occurred_latest confidence "
    "disputed pinned citations"
)
ITEM = f"{EVENT} district province effective_on day_order sequence"
CITATION = (
    "id stance source origin title url archived_url published asserted place_as_written basis "
    "speaker reliability credibility note says"
)
SUMMARY = (
    f"{ASKED} districts_total by_controller contested unknown changed_last_7_days "
    "changed_last_30_days last_change capital"
)
MEMBERS = {
    "/districts": f"{ASKED} districts",
    "/districts/{id}": "id name province aliases codes is_provincial_capital",
    "/districts/{id}/control": (
        f"district {ASKED} status controller since occurred confidence disputed last_reported "
        "event other_claims"
    ),
    "/districts/{id}/timeline": "district periods events",
    "/provinces": "provinces",
    "/provinces/{id}": "id name aliases codes",
    "/provinces/{id}/summary": f"province {SUMMARY}",
    "/provinces/{id}/timeline": "province counts changes",
    "/control": f"{ASKED} districts",
    "/summary": f"{SUMMARY} provinces",
    "/changes": "before after totals districts",
    "/series": "step points",
    "/replay": "country first last first_reported last_reported states districts",
    "/districts/{id}/neighbours": (
        f"district {ASKED} status controller boundary_set border_km outside_km neighbours"
    ),
    "/frontline": f"{ASKED} boundary_set kinds length_km features",
    "/encirclement": f"{ASKED} boundary_set pockets districts without_shape",
    "/tiles.json": (
        f"{ASKED} tilejson name attribution scheme tiles minzoom maxzoom bounds center "
        "vector_layers promoteId boundary_set"
    ),
    "/cite": (
        f"{ASKED} country province district title in_words permalink api_permalink text bibtex csl"
    ),
    "/boundary-sets": "boundary_sets",
    "/boundary-sets/{id}": (
        "id name dated origin licence attribution quality is_default districts without_shape"
    ),
    "/events": f"{ASKED} events",
    "/events/{id}": f"{ASKED} id event versions changes replaces replaced_by",
    "/sources": "sources",
    "/sources/{id}": "source cited_for",
    "/actors": "actors",
    "/actors/{id}": "id name full_name kind aliases",
    "/imports/{revision}": (
        "name partial dry_run rows skipped duplicates events_created events_changed "
        "events_retracted citations_added citations_moved sources_added errors_total errors "
        "revision"
    ),
}


def assert_has(document: Answer, members: str) -> None:
    missing = set(members.split()) - document.keys()
    assert not missing, f"without {sorted(missing)}"


@pytest.mark.parametrize("path", READS)
def test_every_read_has_the_members_of_the_contract(client: TestClient, path: str) -> None:
    assert_has(ask(client, READS[path]), MEMBERS[path])


# /changes and /series have pairs of dates instead.
WITH_CLOCKS = [p for p in READS if p not in (*WITHOUT_CLOCKS, "/changes", "/series")]


@pytest.mark.parametrize("path", WITH_CLOCKS)
def test_an_answer_says_which_clocks_it_used(client: TestClient, path: str) -> None:
    clocks = {"as_of": "2021-06-20", "reported_by": "2021-06-15", "min_confidence": "confirmed"}
    answer = ask(client, READS[path].partition("?")[0], **clocks)
    assert {name: answer[name] for name in clocks} == clocks
    assert answer["revision"] > 0


@pytest.fixture(scope="module")
def qaisar(client: TestClient) -> Answer:
    return ask(client, "/districts/AF2907/control", as_of="2021-06-10")


def test_qaisar_is_held_by_the_taliban_since_the_day_most_origins_agree_on(qaisar: Answer) -> None:
    assert qaisar["district"] == {
        "id": "AF2907",
        "name": "Qaysar",
        "province": {"id": "AF29", "name": "Faryab"},
    }
    assert qaisar["status"] == "controlled"
    assert qaisar["controller"]["id"] == "taliban"
    assert qaisar["since"] == "2021-06-06"
    assert qaisar["confidence"] == "confirmed"


def test_qaisar_lists_the_articles_that_give_5_6_and_7_june(qaisar: Answer) -> None:
    event = qaisar["event"]
    assert_has(event, EVENT)
    for citation in event["citations"]:
        assert_has(citation, CITATION)
        assert_has(citation["source"], "id name")
    supporting = [c for c in event["citations"] if c["stance"] == "supports"]
    assert {"2021-06-05", "2021-06-06", "2021-06-07"} <= {c["asserted"] for c in supporting}


def test_the_article_that_says_the_centre_still_held_is_not_dropped(qaisar: Answer) -> None:
    held = next(
        claim
        for claim in qaisar["other_claims"]
        if "RFE/RL" in {citation["origin"] for citation in claim["citations"]}
    )
    assert_has(held, f"{EVENT} reason")
    assert held["reason"] in ("contradicts", "below_min_confidence", "disputes")
    assert held["status"] == "contested"
    assert held["occurred"] == "2021-06-06"
    assert [citation["stance"] for citation in held["citations"]] == ["supports"]
    assert held["citations"][0]["url"].startswith("http")


def test_documents_that_deny_a_deciding_event_come_back_beside_it(client: TestClient) -> None:
    """Spin Boldak: captured on 14 July 2021, and denied."""
    answer = ask(client, "/districts/AF2711/control", as_of="2021-07-14", min_confidence="claimed")
    denials = [claim for claim in answer["other_claims"] if claim["reason"] == "disputes"]
    assert answer["disputed"] is True
    assert [denial["id"] for denial in denials] == [answer["event"]["id"]]
    assert {citation["stance"] for citation in denials[0]["citations"]} == {"disputes"}


def test_a_citation_says_what_its_document_says(client: TestClient) -> None:
    """A report says what the event says; a denial, who holds the district instead."""
    events = ask(client, "/events", limit=1000)["events"]
    for event in events:
        told = outcome(event)
        for citation in event["citations"]:
            says = citation["says"]
            assert (outcome(says) == told) == (citation["stance"] == "supports"), event["id"]
    denials = [c for event in events for c in event["citations"] if c["stance"] == "disputes"]
    assert len(denials) == 6
    assert {denial["says"]["kind"] for denial in denials} == {"assessment"}
    assert {outcome(denial["says"]) for denial in denials} == {
        ("controlled", "afghan-government"),
        ("controlled", "taliban"),
    }


def test_events_stand_in_the_order_in_which_they_decide(client: TestClient) -> None:
    events = ask(client, "/events", limit=1000)["events"]
    order = [(e["occurred_latest"], e["day_order"], e["sequence"]) for e in events]
    assert order == sorted(order, reverse=True)
    assert sorted(e["sequence"] for e in events) == [*range(1, len(events) + 1)]
    # The rank is given where the instant does not settle it.
    at_one_instant = Counter((e["district"]["id"], e["occurred_latest"]) for e in events)
    ranks = {
        key: sorted(
            e["day_order"] for e in events if (e["district"]["id"], e["occurred_latest"]) == key
        )
        for key, number in at_one_instant.items()
        if number > 1
    }
    assert ranks
    assert all(len(set(found)) == len(found) for found in ranks.values())


def test_an_event_of_the_seeds_came_with_one_import(client: TestClient) -> None:
    answer = ask(client, READS["/events/{id}"])
    (version,) = answer["versions"]
    (change,) = answer["changes"]
    assert (change["author"], change["action"]) == ("seeds", "import")
    assert (change["revision"], change["version"]) == (version["revision"], version["version"])
    assert change["known_from"] == version["known_from"]
    cited = [citation["id"] for citation in answer["event"]["citations"]]
    assert sorted(change["citations_added"]) == sorted(cited)
    assert change["citations_withdrawn"] == []
    assert (answer["replaces"], answer["replaced_by"]) == (None, None)


def test_the_report_of_the_seeds_is_on_record(client: TestClient) -> None:
    report = ask(client, READS["/imports/{revision}"])
    assert (report["rows"], report["events_created"], report["citations_added"]) == (234, 136, 231)
    assert {fault["value"] for fault in report["errors"]} == {"Mirzakai", "Gol Tapa"}
    assert report["errors_total"] == len(report["errors"]) == 3
    assert report["revision"] == ask(client, "/control", limit=1)["revision"]


PARTS: list[tuple[str, tuple[str | int, ...], str]] = [
    ("/districts/{id}/timeline", ("periods", 0), "status controller from to confidence disputed"),
    ("/districts/{id}/timeline", ("periods", 1), "event_id"),
    ("/districts/{id}/timeline", ("events", 0), EVENT),
    ("/provinces/{id}/summary", ("capital",), "district status controller"),
    (
        "/provinces/{id}/summary",
        ("by_controller", 0),
        "controller districts share_of_districts area_km2 share_of_area population "
        "share_of_population",
    ),
    ("/summary", ("provinces", 0), f"province {SUMMARY}"),
    ("/changes", ("totals", 0), "controller gained lost"),
    ("/changes", ("districts", 0), "district before after"),
    ("/series", ("points", 0), "date by_controller contested unknown"),
    ("/events", ("events", 0), ITEM),
    ("/events", ("events", 0, "citations", 0), CITATION),
    ("/events", ("events", 0, "citations", 0, "says"), "kind status controller"),
    ("/events/{id}", ("event",), ITEM),
    (
        "/events/{id}",
        ("versions", 0),
        "version kind status controller day_order pinned known_from known_until revision author "
        "reason closed_by closing_reason closing_revision",
    ),
    (
        "/events/{id}",
        ("changes", 0),
        "revision known_from author action reason version citations_added citations_withdrawn",
    ),
    ("/sources", ("sources", 0), "id name citations"),
    ("/sources/{id}", ("cited_for", 0), "event_id district citation"),
    ("/actors", ("actors", 0), "id name full_name kind aliases"),
    ("/imports/{revision}", ("errors", 0), "line column value reason candidates"),
]


@pytest.mark.parametrize(("path", "where", "members"), PARTS)
def test_the_parts_of_an_answer_have_their_members(
    client: TestClient, path: str, where: tuple[str | int, ...], members: str
) -> None:
    part: Any = ask(client, READS[path])
    for step in where:
        part = part[step]
    assert_has(part, members)


def test_there_are_34_provinces_401_districts_and_three_parties(client: TestClient) -> None:
    assert len(ask(client, "/provinces")["provinces"]) == 34
    assert len(ask(client, "/control")["districts"]) == 401
    assert {actor["id"] for actor in ask(client, "/actors")["actors"]} == {
        "taliban",
        "afghan-government",
        "national-resistance-front",
    }


def test_contested_and_unknown_are_two_statuses(client: TestClient) -> None:
    found = ask(client, "/control", as_of="2021-08-16")["districts"]
    assert {"controlled", "contested", "unknown"} >= {district["status"] for district in found}
    for district in found:
        assert (district["status"] == "unknown") == (district["event_id"] is None)
        assert (district["status"] == "controlled") == (district["controller"] is not None)


def holder(item: Answer) -> str | None:
    return item["controller"] and item["controller"]["id"]


FILTERS: list[tuple[str, dict[str, str], Callable[[Answer], bool]]] = [
    ("/districts", {"province": "AF29"}, lambda d: d["province"]["id"] == "AF29"),
    ("/districts", {"controller": "taliban"}, lambda d: holder(d) == "taliban"),
    ("/districts", {"status": "contested"}, lambda d: d["status"] == "contested"),
    ("/districts", {"status": "unknown"}, lambda d: d["status"] == "unknown"),
    ("/control", {"province": "AF23"}, lambda d: d["province"]["id"] == "AF23"),
    ("/control", {"controller": "afghan-government"}, lambda d: holder(d) == "afghan-government"),
    ("/events", {"province": "AF29"}, lambda e: e["province"]["id"] == "AF29"),
    ("/events", {"district": "AF2907"}, lambda e: e["district"]["id"] == "AF2907"),
    ("/events", {"controller": "taliban"}, lambda e: holder(e) == "taliban"),
    ("/events", {"kind": "recapture"}, lambda e: e["kind"] == "recapture"),
    ("/events", {"disputed": "true"}, lambda e: e["disputed"]),
    ("/events", {"disputed": "false"}, lambda e: not e["disputed"]),
    (
        "/events",
        {"source": "kabul-now"},
        lambda e: "kabul-now" in {citation["source"]["id"] for citation in e["citations"]},
    ),
    (
        "/events",
        {"from": "2021-06-06", "to": "2021-06-08"},
        lambda e: "2021-06-06" <= e["effective_on"] <= "2021-06-08",
    ),
    (
        "/events",
        {"min_confidence": "confirmed"},
        lambda e: e["confidence"] == "confirmed",
    ),
]


@pytest.mark.parametrize(("path", "filters", "fits"), FILTERS)
def test_a_filter_gives_exactly_what_fits(
    client: TestClient, path: str, filters: dict[str, str], fits: Callable[[Answer], bool]
) -> None:
    """What fits is picked from the unfiltered list, so that nothing can be missing."""
    member = "events" if path == "/events" else "districts"
    known = {"as_of": "2021-07-20", "limit": 1000}
    expected = [item["id"] for item in ask(client, path, **known)[member] if fits(item)]
    answer = ask(client, path, **known, **filters)
    assert [item["id"] for item in answer[member]] == expected
    assert expected


def test_a_box_finds_the_districts_that_reach_into_it(client: TestClient) -> None:
    found = ask(client, "/districts", bbox="64.0,35.5,64.4,35.8", limit=1000)["districts"]
    assert "AF2907" in {district["id"] for district in found}
    assert 1 <= len(found) < 20


@pytest.mark.parametrize(
    ("box", "number"),
    [
        ("-180,-90,180,90", 399),
        # West of the 180th meridian and on round the world: all but the half where nobody lives.
        ("10,-90,-170,90", 399),
        ("170,-90,-170,90", 0),
        ("180,90,-180,90", 0),
        ("0,0,0,0", 0),
    ],
)
def test_boxes_at_the_edges_of_the_world(client: TestClient, box: str, number: int) -> None:
    """Two of the 401 districts have no shape that could meet a box."""
    assert len(ask(client, "/control", bbox=box)["districts"]) == number


@pytest.mark.parametrize("spelling", ["qaisar", "QAYSAR", "Kaysar", "قیصار", "قيصار", "qaisa"])
def test_a_search_takes_any_recorded_spelling_or_a_part(client: TestClient, spelling: str) -> None:
    found = ask(client, "/districts", q=spelling)["districts"]
    assert "AF2907" in {district["id"] for district in found}
