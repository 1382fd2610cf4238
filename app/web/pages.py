"""The addresses of pages, and what every page has: its template, its headers, its errors."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from app.domain import words
from app.web import security
from app.web.assets import colours
from app.web.reading import MovedError, Reading, RefusedError

_templates = Environment(
    loader=PackageLoader("app.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["written"] = words.written
_templates.globals["words"] = words

Handler = Callable[[Request], Awaitable[Response]]

TASKS = ("new", "cite", "correct", "retract")
"""What can be entered at `/enter`."""


class Page(Route):
    """A page's address; measurements name it as they name the API's."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as any route does, and leave word of the match."""
        match, found = super().matches(scope)
        if match is not Match.NONE:
            found["route"] = self
        return match, found


def render(
    request: Request, template: str, *, status: int = 200, framed: bool = False, **said: Any
) -> HTMLResponse:
    """An HTML page. `root` leads from it to the service, wherever that is mounted."""
    page = _templates.get_template(template).render(
        root=f"{request.scope.get('root_path', '')}/",
        base_url=str(request.base_url),
        url=str(request.url),
        query=urlencode(request.query_params),
        **said,
    )
    return HTMLResponse(page, status_code=status, headers=security.headers(framed=framed))


def page(handler: Handler) -> Handler:
    """A handler whose refused questions become a page, and moved places a redirection."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            _refuse_repeats(request)
            return await handler(request)
        except MovedError as moved:
            return RedirectResponse(_page_of(request, moved.location))
        except RefusedError as refused:
            shown = render(
                request,
                "problem.html",
                status=refused.status,
                problem=refused.problem,
                title=HTTPStatus(refused.status).phrase,
            )
            shown.headers.update(refused.headers)
            return shown

    return answer


def _refuse_repeats(request: Request) -> None:
    """Refuse a parameter given twice, as the API does: either could be the one that was meant."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    for name in times:
        if times[name] > 1:
            detail = f"{name[:40]} is given more than once"
            errors = [{"parameter": name[:40], "detail": detail}]
            raise RefusedError(422, {"detail": detail, "errors": errors})


def _page_of(request: Request, location: str) -> str:
    """The page of a place whose canonical address in the API is `location`."""
    root = request.scope.get("root_path", "")
    place = location.partition("?")[0].removeprefix(root).strip("/").split("/")[1]
    before = request.scope["path"].removeprefix(root).rpartition("/")[0]
    address = f"{root}{before}/{place}"
    return f"{address}?{request.url.query}" if request.url.query else address


@page
async def home(request: Request) -> Response:
    """The map. Its first words are made here, for whoever has no scripts or shares the address."""
    return await _map(request, "index.html")


@page
async def embed(request: Request) -> Response:
    """The map alone, for a frame in somebody else's page."""
    return await _map(request, "embed.html", framed=True)


async def _map(request: Request, template: str, *, framed: bool = False) -> Response:
    api = Reading(request)
    try:
        summary = await api.get("/summary")
    except RefusedError as refused:
        if refused.status != HTTPStatus.UNAUTHORIZED:
            raise
        # A browser sends no key with an address. The page's scripts may have one to ask with.
        summary = None
    return render(request, template, framed=framed, summary=summary, clocks=api.clocks)


async def enter(request: Request) -> Response:
    """The form for people with a key. It asks nothing here: the key is in the browser alone."""
    task = request.query_params.get("task")
    return render(request, "enter.html", task=task if task in TASKS else TASKS[0])


ROUTES = [
    Page("/", home),
    Page("/embed", embed),
    Page("/enter", enter),
    Page("/static/colours.css", colours),
]
