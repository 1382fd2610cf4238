"""How routes run: strangers are turned away first, and a read has one turn in the thread pool."""

from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.api.auth import READS_BY_POST, admit, demand_writer

_Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """A route that admits whoever asks before it reads what they send.

    A read (all but POST, and what `READS_BY_POST` names) is answered in one thread from its first
    dependency to the last byte of its answer. To change threads takes longer than many a statement
    of SQL, and FastAPI does it for each dependency and for the handler; requests that do so at the
    same time wait for each other each time. So the dependencies of reads are `async`, wait for the
    database all the same, and await nothing else; handlers are as usual.

    Waiting for a turn takes no thread, and there are as many turns as connections. Were all
    threads waiting for connections, and all connections held by requests waiting for threads,
    nobody would go on.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.is_read = "POST" not in (options.get("methods") or ()) or path in READS_BY_POST
        super().__init__(path, _awaitable(endpoint) if self.is_read else endpoint, **options)

    def get_route_handler(self) -> _Handle:
        """Wrap the handler that FastAPI makes."""
        handle = super().get_route_handler()
        return self._in_a_thread(handle) if self.is_read else _admitted_first(handle)

    def turns(self, request: Request) -> CapacityLimiter:
        """Who is answered at the same time; NotReadyError where too many wait already."""
        readers: CapacityLimiter = request.app.state.readers
        return readers

    def _in_a_thread(self, handle: _Handle) -> _Handle:
        async def answer(request: Request) -> Response:
            await admit(request)
            if request.method == "POST":
                await request.body()  # it is kept, and read again without waiting
            turns = self.turns(request)
            return await to_thread.run_sync(_whole, handle, request, limiter=turns)

        return answer


def _admitted_first(handle: _Handle) -> _Handle:
    """FastAPI reads the body first and asks the dependencies then; strangers are not to be read."""

    async def answer(request: Request) -> Response:
        demand_writer(await admit(request))
        return await handle(request)

    return answer


def _awaitable(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The same as a coroutine function, which FastAPI calls where it is."""
    if iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    async def called(**values: Any) -> Any:
        return endpoint(**values)

    return called


def _whole(handle: _Handle, request: Request) -> Response:
    """Run a handler to its end, here and now; what its dependencies opened is closed then."""
    with ExitStack() as opened:
        request.state.opened = opened
        running = handle(request)
        try:
            running.send(None)
        except StopIteration as end:
            answer: Response = end.value
            return answer
        running.close()
        raise RuntimeError("a read awaited something, and nobody runs an event loop here")
