"""Texts that the record takes, checked by pydantic: in rows of files and in bodies of writes."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def printable(text: str) -> str:
    """Give the text back, or raise ValueError for a control character.

    They are in no name and no date, and PostgreSQL refuses NUL.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("a control character is in it")
    return text


PRINTABLE = AfterValidator(printable)
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,100}$")]
PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}$")]
Edtf = Annotated[str, StringConstraints(min_length=1, max_length=100), PRINTABLE]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), PRINTABLE
]
Prose = Annotated[
    str,
    StringConstraints(
        # Anything but control characters, line breaks and tabs excepted.
        strip_whitespace=True,
        min_length=1,
        max_length=5000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
    ),
]
Address = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s\x00-\x1f]+$"), PRINTABLE
]
