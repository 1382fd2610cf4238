"""Rate limits: how often a caller may ask, and how often an address may show a wrong key."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from time import time
from typing import Literal

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.api.errors import NotAdmittedError
from app.domain.errors import InvalidValueError, NotReadyError
from app.settings import OFF, Settings

Kind = Literal["reads", "writes", "failures"]


class Limits:
    """Counts of requests, each in a window of time that begins with the first one it counts.

    Fixed windows work with every storage that `limits` knows, keep one number for each caller,
    and tell exactly when to come back. The price: a caller may use up two windows in a row.

    The storage `memory://` counts for this process alone. With that of a server, as
    `redis://host:6379`, all processes count together.
    """

    def __init__(self, settings: Settings) -> None:
        """Raise InvalidValueError when there is no such storage."""
        storage = _storage(settings.rate_limit_storage)
        self._windows = FixedWindowRateLimiter(storage)
        self.at_hand = isinstance(storage, MemoryStorage)
        """Whether counting takes no time to speak of: nobody else need be asked."""
        self._items: dict[Kind, RateLimitItem | None] = {
            "reads": _item(settings.rate_limit_reads),
            "writes": _item(settings.rate_limit_writes),
            "failures": _item(settings.rate_limit_failures),
        }

    def has(self, kind: Kind) -> bool:
        """Whether anything of that kind is limited."""
        return self._items[kind] is not None

    def take(self, kind: Kind, who: str) -> None:
        """Count a request of somebody.

        Raises NotAdmittedError (429, with `Retry-After`) when it is one too many, and
        NotReadyError when the storage cannot be reached.
        """
        item = self._items[kind]
        if item is not None:
            with _reached():
                within = self._windows.hit(item, *_name(kind, who))
            if not within:
                raise self._refusal(item, kind, who)

    def check(self, kind: Kind, who: str) -> None:
        """Raise as `take` would, and count nothing."""
        item = self._items[kind]
        if item is not None:
            with _reached():
                within = self._windows.test(item, *_name(kind, who))
            if not within:
                raise self._refusal(item, kind, who)

    def _refusal(self, item: RateLimitItem, kind: Kind, who: str) -> NotAdmittedError:
        with _reached():
            ends = self._windows.get_window_stats(item, *_name(kind, who)).reset_time
        seconds = max(1, ceil(ends - time()))
        return NotAdmittedError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"the limit for {kind} is {item}; try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )


def _item(limit: str) -> RateLimitItem | None:
    return None if limit == OFF else parse(limit)


def _name(kind: Kind, who: str) -> tuple[str, str, str]:
    """The name of a count; others may keep theirs in the same storage."""
    return "district-control", kind, who


def _storage(url: str) -> Storage:
    try:
        storage = storage_from_string(url, wrap_exceptions=True)
    except (ConfigurationError, ValueError):
        storage = None
    if not isinstance(storage, Storage):
        # The URL may have a password in it, and so may the library's error.
        raise InvalidValueError(
            "RATE_LIMIT_STORAGE: the library `limits` knows no such storage, its URL is incomplete,"
            " or its package is not installed",
            field="rate_limit_storage",
        )
    return storage


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise NotReadyError("the counts of requests cannot be reached") from error
