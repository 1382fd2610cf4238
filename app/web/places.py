"""Pages about places, made on the server: they need no scripts, and share and print well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.domain.words import named
from app.web import phrases, reasons
from app.web.drawing import Numbered, Palette, draw_counts, draw_timeline, in_order, shares
from app.web.pages import Page, page, render
from app.web.reading import CLOCKS, Answer, Reading, RefusedError

HISTORIES = 3
"""Of how many corrected events, the newest ones, a page tells the history: one question each."""

MOST_CHANGES = 30
"""How many changes a province's page lists, the newest."""

CHART_HEIGHT = 160
"""Of a province's chart, in pixels."""


@dataclass(frozen=True)
class Asked:
    """How a page was asked, for its links.

    `given` is the query with the clocks of the page's own address: other places, asked in the same
    way. `fixed` sets every clock to what was answered: it gives this very answer for ever. Both as
    mappings too, `asked_for` with an empty text for a clock that was left alone.
    """

    given: str
    fixed: str
    asked_for: dict[str, str]
    clocks: dict[str, str]

    @classmethod
    def of(cls, given: Mapping[str, str], answer: Answer) -> "Asked":
        """Read it from the clocks of the address and from an answer."""
        told = {name: answer[name] for name in ("as_of", "reported_by", "known_at")}
        if answer["min_confidence"] != "reported":
            told["min_confidence"] = answer["min_confidence"]
        clocks = {name: value for name, value in told.items() if value}
        asked_for = {name: given.get(name, "") for name in CLOCKS}
        return cls(urlencode(given), urlencode(clocks), asked_for, clocks)

    def at(self, as_of: str) -> str:
        """The query that asks about another day, and else as this page was asked."""
        given = {name: value for name, value in self.asked_for.items() if value}
        return urlencode(given | {"as_of": as_of})


async def _first(api: Reading, path: str) -> tuple[Answer, Asked]:
    """The answer that all others of a page have to agree with: its clocks are fixed from here."""
    given = dict(api.clocks)
    answer = await api.get(path)
    asked = Asked.of(given, answer)
    # Also `as_of`: it may be midnight between two questions.
    api.clocks |= asked.clocks
    return answer, asked


async def _if_any(api: Reading, path: str) -> Answer | None:
    """An answer, or None where there is none to be had, as of borders without shapes."""
    try:
        return await api.get(path)
    except RefusedError as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _path(request: Request, kind: str) -> str:
    name = request.path_params["id"]
    if name in (".", ".."):  # no names, and in an address they lead elsewhere
        raise RefusedError(HTTPStatus.NOT_FOUND, {"detail": f"no place has the name {name!r}"})
    return f"/{kind}/{quote(name, safe='')}"


def _of_country(request: Request, asked: Asked, country: str) -> Asked:
    """The links of a place name its country, where that is not the one that pages speak of."""
    if country == request.app.state.settings.default_country:
        return asked
    asked_for = asked.asked_for | {"country": country}
    given = {name: value for name, value in asked_for.items() if value}
    return replace(asked, given=urlencode(given), asked_for=asked_for)


@page
async def district(request: Request) -> Response:
    """Who holds a district, what happened there, who says so, and how we know."""
    api = Reading(request)
    control, asked = await _first(api, f"{_path(request, 'districts')}/control")
    place = f"/districts/{control['district']['id']}"
    timeline = await api.get(f"{place}/timeline")
    gazetteer = await api.get(place)
    around = await api.get(f"/provinces/{gazetteer['province']['id']}", clocked=False)
    asked = _of_country(request, asked, around["country"])
    surroundings = await _if_any(api, f"{place}/neighbours")
    palette = await _palette(api)
    events = in_order(timeline)
    return render(
        request,
        "district.html",
        asked=asked,
        say=phrases,
        why=reasons,
        palette=palette,
        control=control,
        timeline=timeline,
        place=gazetteer,
        neighbours=surroundings and surroundings["neighbours"],
        events=events,
        numbers={one.event["id"]: one.number for one in events},
        reasons=reasons.how_we_know(control, timeline),
        local_language=_language_of(gazetteer["name_local"], gazetteer["aliases"]),
        linked=_linked(request, control, asked),
        drawing=draw_timeline(timeline, events, control["last_reported"]),
        histories=await _histories(api, events),
        title=_district_title(control),
        cite=await api.get("/cite", district=control["district"]["id"], country=around["country"]),
    )


def _district_title(control: Answer) -> str:
    name, province = control["district"]["name"], control["district"]["province"]["name"]
    return f"{name} ({province}): {phrases.state(control)}, {named(control['as_of'])}"


def _language_of(name: str | None, aliases: Sequence[Answer]) -> str | None:
    """The language of the local name, where a recorded spelling says it."""
    spelt = (alias["languages"] for alias in aliases if alias["name"] == name)
    return next((languages[0] for languages in spelt if languages), None)


def _linked(request: Request, control: Answer, asked: Asked) -> Answer:
    """The page as linked data (schema.org), for search engines."""
    place, addresses = control["district"], _addresses(control)
    url = f"{request.base_url}d/{place['id']}"
    return {
        "@context": "https://schema.org",
        "@type": "WebPage",
        "name": _district_title(control),
        "description": control["in_words"],
        "url": f"{url}?{asked.fixed}",
        "about": {
            "@type": "AdministrativeArea",
            "name": place["name"],
            "identifier": place["id"],
            "containedInPlace": {
                "@type": "AdministrativeArea",
                "name": place["province"]["name"],
                "identifier": place["province"]["id"],
            },
        },
        "citation": addresses,
    }


def _addresses(control: Answer) -> list[str]:
    documents = control["event"]["citations"] if control["event"] else []
    return [one["url"] for one in documents if phrases.web_address(one["url"])]


async def _palette(api: Reading) -> Palette:
    return Palette((await api.get("/actors", clocked=False))["actors"])


async def _histories(api: Reading, events: Sequence[Numbered]) -> dict[int, Answer]:
    """What was recorded about the newest events that were corrected, by their number."""
    corrected = [one for one in events if one.event["version"] > 1][-HISTORIES:]
    return {one.number: await api.get(f"/events/{one.event['id']}") for one in corrected}


@page
async def province(request: Request) -> Response:
    """Who holds how much of a province, each of its districts, and what changed."""
    api = Reading(request)
    summary, asked = await _first(api, f"{_path(request, 'provinces')}/summary")
    place = f"/provinces/{summary['province']['id']}"
    gazetteer = await api.get(place, clocked=False)
    asked = _of_country(request, asked, gazetteer["country"])
    timeline = await api.get(f"{place}/timeline")
    listed = await api.get(
        "/districts", province=gazetteer["id"], country=gazetteer["country"], limit=1000
    )
    newest = max(filter(None, (one["last_reported"] for one in listed["districts"])), default=None)
    palette = await _palette(api)
    return render(
        request,
        "province.html",
        asked=asked,
        say=phrases,
        why=reasons,
        palette=palette,
        summary=summary,
        place=gazetteer,
        districts=sorted(listed["districts"], key=lambda one: str(one["name"])),
        newest=newest,
        changes=timeline["changes"][::-1],
        most=MOST_CHANGES,
        height=CHART_HEIGHT,
        chart=draw_counts(timeline, palette, total=summary["districts_total"], height=CHART_HEIGHT),
        parts=_parts(summary, palette),
        title=_title_of_area(gazetteer["name"], summary),
        cite=await api.get("/cite", province=gazetteer["id"], country=gazetteer["country"]),
    )


@page
async def provinces(request: Request) -> Response:
    """Every province with its counts."""
    api = Reading(request)
    summary, asked = await _first(api, "/summary")
    palette = await _palette(api)
    return render(
        request,
        "provinces.html",
        asked=asked,
        say=phrases,
        why=reasons,
        palette=palette,
        summary=summary,
        cite=await api.get("/cite"),
        provinces=[
            (one, _parts(one, palette))
            for one in sorted(summary["provinces"], key=lambda one: str(one["province"]["name"]))
        ],
        parts=_parts(summary, palette),
        title=_title_of_area(f"Provinces of {summary['country']['name']}", summary),
    )


def _title_of_area(name: str, summary: Answer) -> str:
    return f"{name}: {phrases.in_short(summary)}, {named(summary['as_of'])}"


def _parts(summary: Answer, palette: Palette) -> list[dict[str, Any]]:
    """The shares of a bar: each state of which there is any, its name, colour, place and width."""
    names = {one["controller"]["id"]: one["controller"] for one in summary["by_controller"]}
    counts = {
        "by_controller": {
            one["controller"]["id"]: one["districts"] for one in summary["by_controller"]
        },
        "contested": summary["contested"],
        "unknown": summary["unknown"],
    }
    total, before, parts = summary["districts_total"], 0, []
    for status, party, number in shares(counts, palette):
        state = {"status": status, "controller": names[party] if party else None}
        width = 100 * number / total
        parts.append({**state, "number": number, "x": 100 * before / total, "width": width})
        before += number
    return parts


ROUTES = [
    Page("/d/{id}", district),
    Page("/p", provinces),
    Page("/p/{id}", province),
]
