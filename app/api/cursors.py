"""Cursors: where a page of a list ended, as one opaque word."""

import base64
import binascii
import json
from contextlib import suppress
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from app.domain.errors import InvalidValueError


def write_cursor(**position: Any) -> str:
    """Pack where a page ended into one opaque word."""
    packed = json.dumps(position, separators=(",", ":"), default=str).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def known_at(text: str | None) -> str | None:
    """The instant of knowledge that a cursor fixes, if it is one that does."""
    with suppress(InvalidValueError):
        position = _Knowing.read(text)
        return position.known_at if position else None
    return None


class Cursor(BaseModel):
    """Where a page ended; subclasses say what they need."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """Unpack a cursor; InvalidValueError for one that this address did not give."""
        if text is None:
            return None
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cls.model_validate_json(packed)
        except (binascii.Error, ValueError):
            raise InvalidValueError(
                "take the cursor from the Link header of the page before", field="cursor"
            ) from None


class _Knowing(Cursor):
    """A cursor of any kind that fixes `known_at`."""

    model_config = ConfigDict(extra="ignore")

    known_at: str
