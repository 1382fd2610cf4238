"""Single questions, to see what is answered: how large it is, and whether it was kept."""

import http.client
from dataclasses import dataclass

from bench.service.cases import Case, Numbers

_KEPT_NOT_SENT = ("date", "server")
"""Headers that the server of the floor writes itself."""


class WrongTemperatureError(Exception):
    """What should be answered from memory was not, or the other way round."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, None without one."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def was_kept(self) -> bool | None:
        """Whether `Cache-Status` says that nothing was made for it; None where it says nothing."""
        told = self.header("cache-status")
        return None if told is None else told.split(";")[1].strip() == "hit"

    def for_floor(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Headers and body for somebody who only repeats them."""
        headers = [pair for pair in self.headers if pair[0].lower() not in _KEPT_NOT_SENT]
        return [
            (key.lower().encode(), value.encode("latin-1")) for key, value in headers
        ], self.body


def ask(port: int, path: str, encoding: str = "identity") -> Answer:
    """Ask a party once, on a connection of its own; only success will do."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        came = connection.getresponse()
        answer = Answer(came.status, came.getheaders(), came.read())
    finally:
        connection.close()
    if answer.status != 200 or not answer.body:
        raise LookupError(f"{path} was answered {answer.status}: {answer.body[:300]!r}")
    return answer


def sizes(port: int, path: str) -> dict[str, int | None]:
    """Bytes of a body, plain and compressed; None where the party does not compress that way."""
    found: dict[str, int | None] = {"plain": len(ask(port, path).body)}
    for encoding in ("gzip", "zstd"):
        answer = ask(port, path, encoding)
        found[encoding] = (
            len(answer.body) if answer.header("content-encoding") == encoding else None
        )
    return found


def warm(port: int, path: str, workers: int) -> bool | None:
    """Have every worker keep the answer; whether it is kept, None where nobody can tell.

    Each question is a connection of its own, which any worker may take.
    """
    in_a_row = 0
    for _ in range(200 * workers):
        kept = ask(port, path).was_kept
        if kept is None:
            return None
        in_a_row = in_a_row + 1 if kept else 0
        if in_a_row == (1 if workers == 1 else 8 * workers):
            return True
    raise WrongTemperatureError(f"{path} is not kept")


def is_cold(port: int, case: Case, numbers: Numbers) -> bool | None:
    """Whether moments that nobody asked about are answered anew; None where nobody can tell."""
    first = numbers.share()
    for number in range(first, first + 3):
        kept = ask(port, case.cold_path(number)).was_kept
        if kept is None:
            return None
        if kept:
            raise WrongTemperatureError(f"{case.cold_path(number)} was already kept")
    return True
