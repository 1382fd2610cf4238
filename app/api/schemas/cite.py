"""Documents of `/cite`."""

from typing import Any

from pydantic import Field

from app.api.schemas.base import Asked, DistrictRef, Document, Ref


class CslItem(Document):
    """An item of CSL-JSON, as reference managers read it."""

    id: str
    type: str
    title: str
    author: list[dict[str, str]]
    publisher: str
    issued: dict[str, Any] = Field(description="the day on which the record was in that state")
    accessed: dict[str, Any]
    version: str
    URL: str
    note: str
    language: str


class Cited(Asked):
    """How to cite an answer; all addresses fix the clocks."""

    country: Ref
    province: Ref | None
    district: DistrictRef | None
    title: str
    in_words: str = Field(description="the answer in sentences that can be quoted")
    permalink: str = Field(description="the page that shows this answer, for ever the same")
    api_permalink: str = Field(description="the same answer as data")
    text: str
    bibtex: str
    csl: CslItem
