"""The floor of hot reads: an ASGI application that knows its answers and does nothing else.

Usage: python -m bench.service.floor PORT WORKERS FILE, where FILE is pickled `Answers`.
"""

import os
import pickle
import sys
from typing import Any

import uvicorn

Answers = dict[bytes, tuple[list[tuple[bytes, bytes]], bytes]]
"""Headers and body by path and query; the headers are those of the service's own answers."""

_FILE = "BENCH_ANSWERS"


def make() -> Any:
    """The application, in each process."""
    with open(os.environ[_FILE], "rb") as file:  # noqa: PTH123
        answers: Answers = pickle.load(file)  # noqa: S301 - this bench wrote it

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        headers, body = answers[scope["raw_path"] + scope["query_string"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def _live(receive: Any, send: Any) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


def main(port: int, workers: int, file: str) -> None:
    """Serve with the options that app.cli.serving gives uvicorn: same loop, same parser of HTTP."""
    os.environ[_FILE] = file
    uvicorn.run(
        "bench.service.floor:make",
        factory=True,
        host="127.0.0.1",
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
