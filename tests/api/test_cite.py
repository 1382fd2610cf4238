"""Citations: true, readable by reference managers, and with addresses that stay."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import bibtexparser
import pytest
from bibtexparser.middlewares import LatexDecodingMiddleware
from citeproc import (
    Citation,
    CitationItem,
    CitationStylesBibliography,
    CitationStylesStyle,
    formatter,
)
from citeproc.source.json import CiteProcJSON
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.store.engine import writing

from .asking import Answer, ask, assert_problem
from .writing import Desk

KABUL = ZoneInfo("Asia/Kabul")
CSL = "application/vnd.citationstyles.csl+json"
SUBJECTS: list[dict[str, str]] = [
    {"district": "AF2907"},
    {"province": "AF29"},
    {},
]
CLOCKS: list[dict[str, str]] = [
    {"as_of": "2021-06-10"},
    {},
    {"as_of": "2021-06-14T06:00+04:30", "reported_by": "2021-06-20", "min_confidence": "claimed"},
]


def path_of(address: str) -> str:
    """An address without the service's own name, as a client asks it."""
    return address.removeprefix("http://testserver")


def parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))


@pytest.mark.parametrize("clocks", CLOCKS, ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_addresses_fix_the_clocks_and_nothing_else(
    client: TestClient, subject: dict[str, str], clocks: dict[str, str]
) -> None:
    cited = ask(client, "/cite", **subject, **clocks)
    fixed = {"as_of": cited["as_of"], "known_at": cited["known_at"]}
    expected = fixed | {n: v for n, v in clocks.items() if n != "as_of"}
    country = {} if subject else {"country": "AF"}
    assert parameters(cited["permalink"]) == expected | country
    page = {"district": "/d/AF2907", "province": "/p/AF29"}.get(next(iter(subject), ""), "/")
    assert urlsplit(cited["permalink"]).path == page
    answer = parameters(cited["api_permalink"])
    assert answer.items() >= expected.items()
    told = client.get(path_of(cited["api_permalink"])).json()
    for name in ("as_of", "known_at", "revision", "reported_by", "min_confidence"):
        assert told[name] == cited[name]


def test_it_says_what_the_answer_says(client: TestClient) -> None:
    for clocks in CLOCKS:
        cited = ask(client, "/cite", district="AF2907", **clocks)
        told = ask(client, "/districts/AF2907/control", **clocks)
        assert cited["in_words"] == told["in_words"]
        assert cited["district"] == told["district"]
        assert cited["province"] == told["district"]["province"]
        for place in ({}, {"province": "AF29"}):
            cited = ask(client, "/cite", **place, **clocks)
            path = "/provinces/AF29/summary" if place else "/summary"
            summary = ask(client, path, **clocks)
            numbers = [
                *(party["districts"] for party in summary["by_controller"]),
                *(summary[name] for name in ("contested", "unknown") if summary[name]),
            ]
            said = re.findall(r"\d+", cited["in_words"].partition(", of ")[2] or cited["in_words"])
            assert set(map(str, [*numbers, summary["districts_total"]])) <= set(said)
            for party in summary["by_controller"]:
                name = party["controller"]["name"]
                assert re.search(
                    rf"\b{party['districts']} (of .*)?by the {name}", cited["in_words"]
                )


def test_the_text_names_who_what_when_and_where(client: TestClient) -> None:
    cited = ask(client, "/cite", district="AF2907", as_of="2021-06-10")
    known = datetime.fromisoformat(cited["known_at"])
    day = known.astimezone(KABUL).date()
    assert cited["title"] == "Who controls Qaysar (Faryab), 10 June 2021"
    assert cited["text"] == (
        f"District Control: “{cited['title']}.” {cited['in_words']} "
        f"Record as of {known.day} {known:%B %Y}, {known:%H:%M:%S} UTC (revision 2). "
        f"{cited['permalink']} (accessed {day.day} {day:%B %Y})."
    )
    alone = client.get("/cite?district=AF2907&as_of=2021-06-10&f=text")
    assert alone.text == cited["text"] + "\n"


TITLES = {
    "district": "Who controls Qaysar (Faryab), 10 June 2021",
    "province": "Who controls which district: Faryab (Afghanistan), 10 June 2021",
    "": "Who controls which district: Afghanistan, 10 June 2021",
}


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_the_title_names_place_and_date(client: TestClient, subject: dict[str, str]) -> None:
    cited = ask(client, "/cite", as_of="2021-06-10", **subject)
    assert cited["title"] == TITLES[next(iter(subject), "")]


# BibTeX ----------------------------------------------------------------------------------------


def entry_in(bibtex: str) -> dict[str, str]:
    """The one entry, with its LaTeX read, as far as it is LaTeX."""
    raw = bibtexparser.parse_string(bibtex)
    library = bibtexparser.parse_string(bibtex, append_middleware=[LatexDecodingMiddleware()])
    assert not library.failed_blocks
    (entry,) = library.entries
    # The reader takes `\textasciicircum` for the accent alone.
    fields = {name: field.value.replace("ˆ", "^") for name, field in entry.fields_dict.items()}
    fields["url"] = raw.entries[0]["url"]
    return fields | {"key": entry.key, "type": entry.entry_type}


@pytest.mark.parametrize("clocks", CLOCKS, ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_bibtex_is_read_back(
    client: TestClient, subject: dict[str, str], clocks: dict[str, str]
) -> None:
    cited = ask(client, "/cite", **subject, **clocks)
    day = datetime.fromisoformat(cited["known_at"]).astimezone(KABUL).date()
    entry = entry_in(cited["bibtex"])
    assert entry == {
        "key": entry["key"],
        "type": "misc",
        "author": "District Control",
        "title": cited["title"],
        "publisher": "District Control",
        "year": str(day.year),
        "month": str(day.month),
        "version": "revision 2",
        "note": cited["in_words"],
        "url": cited["permalink"],
        "urldate": day.isoformat(),
    }
    assert re.fullmatch(r"[A-Za-z0-9-]+", entry["key"])
    response = client.get("/cite", params={**subject, **clocks, "f": "bibtex"})
    assert response.text == cited["bibtex"]
    # The braces keep a style from making small letters of the names.
    assert f"title = {{{{{cited['title']}}}}}" in cited["bibtex"]


ODD = 'Qala & Sons_50% {x} #1 ~^ $5 <b>"q" قیصار Ā back\\slash'


@pytest.fixture
def odd(own_seeded: Engine, make_client: Callable[[Engine], TestClient]) -> Iterator[TestClient]:
    with writing(own_seeded) as connection:
        for table, place in (("districts", "AF2907"), ("provinces", "AF29")):
            connection.execute(
                text(f"UPDATE {table} SET name = :name WHERE id = :id"),
                {"name": ODD, "id": place},
            )
    yield make_client(own_seeded)


def test_names_with_marks_that_mean_something_to_latex_come_through(odd: TestClient) -> None:
    for subject in ({"district": "AF2907"}, {"province": "AF29"}):
        cited = ask(odd, "/cite", as_of="2021-06-10", **subject)
        assert ODD in cited["title"]
        entry = entry_in(cited["bibtex"])
        assert entry["title"] == cited["title"]
        assert entry["note"] == cited["in_words"]
        for line in cited["bibtex"].splitlines():
            if not line.strip().startswith("url"):
                assert not re.search(r"(?<!\\)[&%$#_]", line), line
        assert ODD in cited["csl"]["title"]
        assert json.loads(odd.get("/cite", params={**subject, "f": "csl"}).content)
        assert ODD in odd.get("/cite", params={**subject, "f": "text"}).text


# CSL-JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize("clocks", CLOCKS, ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_csl_json_has_what_reference_managers_need(
    client: TestClient, subject: dict[str, str], clocks: dict[str, str]
) -> None:
    response = client.get("/cite", params={**subject, **clocks, "f": "csl"})
    assert response.headers["content-type"] == CSL
    (item,) = response.json()
    cited = ask(client, "/cite", **subject, **clocks)
    assert item == cited["csl"]
    day = datetime.fromisoformat(cited["known_at"]).astimezone(KABUL).date()
    on = {"date-parts": [[day.year, day.month, day.day]]}
    assert (item["issued"], item["accessed"]) == (on, on)
    assert item["type"] == "dataset"
    assert item["author"] == [{"literal": "District Control"}]
    assert (item["title"], item["URL"]) == (cited["title"], cited["permalink"])
    assert item["id"] == entry_in(cited["bibtex"])["key"]


def formatted(item: dict[str, Any]) -> str:
    """The item as a processor of citation styles sets it."""
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    source = CiteProcJSON([item])
    bibliography = CitationStylesBibliography(style, source, formatter.plain)
    bibliography.register(Citation([CitationItem(item["id"])]))
    (line,) = bibliography.bibliography()
    return str(line)


def test_a_processor_of_styles_makes_a_reference_of_it(client: TestClient) -> None:
    cited = ask(client, "/cite", district="AF2907", as_of="2021-06-10")
    year = cited["csl"]["issued"]["date-parts"][0][0]
    line = formatted(cited["csl"])
    assert line.startswith(f"District Control ({year}) “{cited['title']}”")
    assert cited["permalink"] in line
    assert "Accessed: " in line


# What is quoted stays --------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [{"district": "AF0102"}, {"province": "AF01"}, {}], ids=str)
def test_a_quoted_address_gives_the_same_answer_after_something_was_recorded(
    own_seeded: Engine, subject: dict[str, str]
) -> None:
    desk = Desk.on(own_seeded)
    cited = ask(desk.nobody, "/cite", **subject)
    quoted = path_of(cited["api_permalink"])
    first = desk.nobody.get(quoted)
    assert first.status_code == 200
    clocks = parameters(cited["permalink"])
    desk.record(district="AF0102")
    assert desk.nobody.get(quoted).content == first.content
    # Cited at the same clocks, it is the same citation; cited now, another one.
    assert ask(desk.nobody, "/cite", **subject, **clocks) == cited
    now = ask(desk.nobody, "/cite", **subject)
    assert now["revision"] > cited["revision"]
    assert now["in_words"] != cited["in_words"]
    assert desk.nobody.get(path_of(now["api_permalink"])).content != first.content


def test_all_documents_of_a_fixed_record_stay_the_same_ones(own_seeded: Engine) -> None:
    """Without `reported_by` an address counts all documents: those that were on record then."""
    desk = Desk.on(own_seeded)
    cited = ask(desk.nobody, "/cite", district="AF2907", as_of="2021-06-10")
    assert "reported_by" not in parameters(cited["permalink"])
    first = desk.nobody.get(path_of(cited["api_permalink"])).content
    event = json.loads(first)["event"]["id"]
    denial = {
        "source": "tolonews",
        "published": "2021-06-08",
        "asserted": "2021-06-06",
        "basis": "local",
        "stance": "disputes",
    }
    response = desk.ann.post(f"/events/{event}/citations", json=denial)
    assert response.status_code == 201, response.text
    assert desk.nobody.get(path_of(cited["api_permalink"])).content == first
    assert ask(desk.nobody, "/districts/AF2907/control", as_of="2021-06-10")["disputed"] is True


# Forms and errors ------------------------------------------------------------------------------

FORMS = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "bibtex": "application/x-bibtex",
    "csl": CSL,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_header_and_the_parameter_pick_the_form(client: TestClient, form: str) -> None:
    by_parameter = client.get(f"/cite?as_of=2021-06-10&f={form}")
    assert by_parameter.headers["content-type"] == FORMS[form]
    by_header = client.get(
        "/cite?as_of=2021-06-10", headers={"Accept": FORMS[form].partition(";")[0]}
    )
    assert by_header.content == by_parameter.content
    assert by_header.headers["content-type"] == FORMS[form]


def test_a_file_of_references_has_a_name(client: TestClient) -> None:
    response = client.get("/cite?district=AF2907&as_of=2021-06-10&f=bibtex")
    name = 'inline; filename="district-control-AF2907-2021-06-10-r2.bib"'
    assert response.headers["content-disposition"] == name


WRONG = [
    ("district=AF2907&province=AF29", 422, "province"),
    ("district=ZZ99", 422, "district"),
    ("district=qaysar", 422, "district"),
    ("province=ZZ99", 422, "province"),
    ("province=AF2907", 422, "province"),
    ("as_of=2199-01-01", 422, "as_of"),
    ("known_at=2199-01-01", 422, "known_at"),
    ("boundary_set=af-voronoi", 422, "boundary_set"),
    ("f=csv", 422, "f"),
    ("f=ris", 422, "f"),
    ("country=XX", 404, "country"),
]


@pytest.mark.parametrize(("asked", "status", "parameter"), WRONG)
def test_what_is_wrong_is_named(
    client: TestClient, asked: str, status: int, parameter: str
) -> None:
    assert_problem(client.get(f"/cite?{asked}"), status, parameter)


def test_nothing_on_record_can_be_cited_too(client: TestClient) -> None:
    cited: Answer = ask(client, "/cite", as_of="2021-08-15", known_at="2021-12-31")
    assert cited["revision"] == 0
    assert "none of the 401 districts of Afghanistan is on record" in cited["in_words"]
    assert entry_in(cited["bibtex"])["version"] == "revision 0"
