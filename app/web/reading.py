"""Pages made on the server ask the public API too, within this process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.types import ASGIApp

CLOCKS = ("as_of", "reported_by", "known_at", "min_confidence", "country")
"""Parameters of a page's address that it passes on to whatever it asks."""

_OF_ONE = ("/districts/", "/provinces/", "/events/")
"""Addresses of one thing, which has its country and takes none."""

_TOLD = ("retry-after", "www-authenticate")
"""Headers of a refusal that the page which shows it carries too."""

Answer = dict[str, Any]


class RefusedError(Exception):
    """The API answered with a problem document."""

    def __init__(
        self, status: int, problem: Answer, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(problem.get("detail", ""))
        self.status = status
        self.problem = problem
        self.headers = dict(headers or {})


class MovedError(Exception):
    """The API leads to another address, the canonical one of a place."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass
class Reading:
    """The public API, asked for somebody who looks at a page, always at the same clocks.

    The first answer's `known_at` is that of all others: the parts of a page cannot disagree,
    whatever is recorded meanwhile. Whose key, address and request id the page came with, the
    questions come with too.
    """

    request: Request
    clocks: dict[str, str] = field(default_factory=dict)
    _least: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Take the clocks from the address of the page."""
        given = self.request.query_params
        self.clocks = {name: given[name] for name in CLOCKS if given.get(name)} | self.clocks

    async def get(self, path: str, *, clocked: bool = True, **params: object) -> Answer:
        """The JSON answer to one question; `clocked` is whether it takes the clocks.

        Raises RefusedError with the problem document, and MovedError for a name that has another
        address.
        """
        query = {name: str(value) for name, value in params.items() if value is not None}
        if clocked:
            query = self.clocks | query
            if path.startswith(_OF_ONE):
                query.pop("country", None)
        # Of the page that somebody is led to who has just recorded something; else of the first
        # answer, for a replica that is asked after another may be behind it.
        demanded = getattr(self.request.state, "demanded", None)
        if least := demanded or self.request.query_params.get("min_revision") or self._least:
            query["min_revision"] = str(least)
        response = await self._ask(path, query)
        if response.is_redirect:
            raise MovedError(response.headers["location"])
        answer: Answer = response.json()
        if response.status_code != httpx2.codes.OK:
            told = {name: response.headers[name] for name in _TOLD if name in response.headers}
            raise RefusedError(response.status_code, answer, told)
        if clocked and "known_at" in answer:
            self.clocks.setdefault("known_at", answer["known_at"])
            self._least = self._least or str(answer["revision"])
        return answer

    async def _ask(self, path: str, query: dict[str, str]) -> httpx2.Response:
        request = self.request
        app: ASGIApp = request.app
        client = request.client
        transport = httpx2.ASGITransport(
            app,
            client=(client.host, client.port) if client else ("unknown", 0),
            root_path=request.scope.get("root_path", ""),
        )
        # Answers have addresses in them: those at which whoever looks at the page has it.
        here = f"{request.url.scheme}://{request.url.netloc}"
        # As bytes, and each of several: whether a key is one is for the API to say.
        passed_on = [
            (name, value)
            for name, value in request.headers.raw
            if name.lower() in (b"authorization", b"x-request-id")
        ]
        # Nothing is gained by compressing what is read in this very process.
        passed_on.append((b"accept-encoding", b"identity"))
        async with httpx2.AsyncClient(transport=transport, base_url=here) as asking:
            return await asking.get(path, params=query, headers=passed_on)
