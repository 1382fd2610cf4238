"""Pages made on the server ask the public API too, within this process."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.types import ASGIApp

CLOCKS = ("as_of", "reported_by", "known_at", "min_confidence", "country")
"""Parameters of a page's address that it passes on to whatever it asks."""

Answer = dict[str, Any]


class RefusedError(Exception):
    """The API answered with a problem document."""

    def __init__(self, status: int, problem: Answer) -> None:
        super().__init__(problem.get("detail", ""))
        self.status = status
        self.problem = problem


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
            if "/districts/" in path or "/provinces/" in path:
                query.pop("country", None)
        response = await self._ask(path, query)
        if response.is_redirect:
            raise MovedError(response.headers["location"])
        answer: Answer = response.json()
        if response.status_code != httpx2.codes.OK:
            raise RefusedError(response.status_code, answer)
        if clocked and "known_at" in answer:
            self.clocks.setdefault("known_at", answer["known_at"])
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
        passed_on = {
            name: request.headers[name]
            for name in ("authorization", "x-request-id")
            if name in request.headers
        }
        async with httpx2.AsyncClient(transport=transport, base_url=here) as asking:
            return await asking.get(path, params=query, headers=passed_on)
