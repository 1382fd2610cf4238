"""Writes: one transaction each, committed before the answer; a retry changes nothing.

A rehearsal is a write that is never committed.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from app.api.auth import Admin, Caller, Writer
from app.domain.errors import InvalidValueError
from app.importers.fields import printable
from app.store import answers
from app.store.engine import Connection, Engine, rehearsing, writing

WRITERS = 4
"""Writes of one process that are under way or wait for their turn in the database."""
MAX_KEY = 255
_KEPT_HEADERS = ("location", "etag", "content-type")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY,
        description="A word of your own for this write, such as a UUID. Sent again with the same "
        "body it changes nothing and gives the first answer again, marked by "
        "`Idempotency-Replayed: true`; with another body it is refused. Keys of one owner are "
        "kept for good.",
        examples=["2f1c9a52-6f0e-4a55-9d0c-8a7f5b3f3c11"],
    ),
]


async def _writing_turn(request: Request) -> AsyncIterator[None]:
    """Wait for a connection without a thread; there are some of its own for writes.

    Writers take turns anyway, so a few of them cannot use up what reads need.
    """
    async with request.app.state.writers:
        yield


def _connection(
    request: Request, _: Annotated[None, Depends(_writing_turn, scope="function")]
) -> Iterator[Connection]:
    engine: Engine = request.app.state.engine
    with writing(engine) as connection:
        yield connection


def _no_parameters(request: Request) -> None:
    """Refuse a query: who adds `dry_run=true` would not expect that something is recorded."""
    for name in request.query_params:
        raise InvalidValueError("there is no such parameter here", field=name[:40])


async def _asked(request: Request) -> str:
    """A hash of all that is asked: method, address, version named, and the very bytes of the body.

    FastAPI has read the body already and keeps it.
    """
    digest = hashlib.sha256()
    parts = (request.method, str(request.url.path), request.url.query)
    for part in (*parts, request.headers.get("if-match", "")):
        digest.update(part.encode() + b"\0")
    digest.update(await request.body())
    return digest.hexdigest()


class Write:
    """One write: who asks, in which transaction, and under which key it is done once."""

    def __init__(self, connection: Connection, caller: Caller, key: str | None, asked: str) -> None:
        self.connection = connection
        self.author = caller.owner
        self._key = key
        self._asked = asked

    def once(self, write: Callable[[], Response]) -> Response:
        """Do it and keep its answer, or give again the answer to the same request.

        Raises InvalidValueError where the key was used for another request. What fails is rolled
        back as a whole and leaves the key free.
        """
        if self._key is None:
            return write()
        given = answers.claim(self.connection, self.author, self._key, self._asked)
        if given is None:
            answer = write()
            kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            body = bytes(answer.body).decode()
            given = answers.Given(self._asked, answer.status_code, kept, body)
            answers.keep(self.connection, self.author, self._key, given)
            return answer
        if given.request_hash != self._asked:
            raise InvalidValueError(
                "this key was used for another request: take a new one for each write",
                field="Idempotency-Key",
            )
        headers = {**given.headers, "Idempotency-Replayed": "true"}
        return Response(given.body, status_code=given.status, headers=headers)


def _key(request: Request, key: Key = None) -> str | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidValueError("it is given more than once", field="Idempotency-Key")
    if key is not None:
        try:
            printable(key)
        except ValueError as error:
            raise InvalidValueError(str(error), field="Idempotency-Key") from None
    return key


_WriteConnection = Annotated[Connection, Depends(_connection, scope="function")]
_Asked = Annotated[str, Depends(_asked)]
_NoParameters = Annotated[None, Depends(_no_parameters)]
GivenKey = Annotated[str | None, Depends(_key)]
"""The `Idempotency-Key` of a request, if there is one."""


def _by_writer(
    caller: Writer, _: _NoParameters, key: GivenKey, asked: _Asked, connection: _WriteConnection
) -> Write:
    return Write(connection, caller, key, asked)


def _by_admin(
    caller: Admin, _: _NoParameters, key: GivenKey, asked: _Asked, connection: _WriteConnection
) -> Write:
    return Write(connection, caller, key, asked)


WriterWrite = Annotated[Write, Depends(_by_writer)]
"""A write that a key with the scope `write` may do."""
AdminWrite = Annotated[Write, Depends(_by_admin)]
"""A write that takes a key with the scope `admin`."""


@dataclass(frozen=True)
class Rehearsal:
    """A write that is rolled back when it has been looked at: who asks, in which transaction."""

    connection: Connection
    author: str


def _rehearsal(
    request: Request,
    caller: Writer,
    _: _NoParameters,
    turn: Annotated[None, Depends(_writing_turn, scope="function")],
) -> Iterator[Rehearsal]:
    with rehearsing(request.app.state.engine) as connection:
        yield Rehearsal(connection, caller.owner)


WriterRehearsal = Annotated[Rehearsal, Depends(_rehearsal, scope="function")]
"""A rehearsal of what a key with the scope `write` may do."""
