"""Documents of the W3C Reconciliation API 0.2: what is asked, what is answered, the manifest."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, model_validator

from app.api.params import MAX_LIMIT
from app.store.search import PlaceKind

BATCH = 50
"""Queries that one request may ask."""

Text = Annotated[str, Field(max_length=10_000)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entity(BaseModel):
    """A value that was reconciled before, here or at another service."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Text
    name: Text | None = None


Value = Text | bool | int | float | Entity


class Property(_Given):
    """What a column beside the name says of a place."""

    pid: Literal["province", "country"]
    v: Value | list[Value]

    @property
    def texts(self) -> tuple[str, ...]:
        """The values that are ids or names."""
        values = self.v if isinstance(self.v, list) else [self.v]
        return tuple(
            value.id if isinstance(value, Entity) else value
            for value in values
            if isinstance(value, (str, Entity))
        )


class ReconciliationQuery(_Given):
    """A name to find places for."""

    query: Text | None = None
    type: PlaceKind | list[PlaceKind] | None = None
    limit: int = Field(10, ge=1, le=MAX_LIMIT)
    properties: list[Property] = Field([], max_length=20)
    type_strict: Literal["any", "should", "all"] | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.query is None and not self.properties:
            raise ValueError("give a query or properties")
        return self

    @property
    def kinds(self) -> tuple[PlaceKind, ...]:
        """The kinds of places that are looked for; all, where none is named."""
        named = [self.type] if isinstance(self.type, str) else self.type
        return tuple(dict.fromkeys(named)) if named else ("district", "province")


Batch = Annotated[
    dict[Annotated[str, Field(max_length=100)], ReconciliationQuery], Field(max_length=BATCH)
]
BATCHES: TypeAdapter[dict[str, ReconciliationQuery]] = TypeAdapter(Batch)


class Described(BaseModel):
    """An id, its name, and what tells it apart from others of that name."""

    id: str
    name: str
    description: str | None = None


class Kind(BaseModel):
    """A type of places."""

    id: PlaceKind
    name: str


class Candidate(Described):
    """A place that a query may mean."""

    type: list[Kind]
    score: float = Field(description="0 to 100; 90 and more is another way to write a known name")
    match: bool = Field(description="whether it is sure: that very name, and no other place's")


class Candidates(BaseModel):
    """The places that one query may mean, the best first."""

    result: list[Candidate]


class Answers(RootModel[dict[str, Candidates]]):
    """The candidates for each query, under the names that the client gave."""


class Suggestion(Described):
    """A place whose name begins so, or is like it."""

    notable: list[Kind]


class SuggestedEntities(BaseModel):
    """Places to choose from."""

    result: list[Suggestion]


class Suggested(BaseModel):
    """Types or properties to choose from."""

    result: list[Described]


class Template(BaseModel):
    """An address in which `{{id}}` stands for an id."""

    url: str


class PreviewTemplate(Template):
    """Where a small page about a place is, and its size in pixels."""

    width: int
    height: int


class Service(BaseModel):
    """Where a part of the service is."""

    service_url: str
    service_path: str


class Suggests(BaseModel):
    """Where suggestions are made."""

    entity: Service
    type: Service
    property: Service


class Manifest(BaseModel):
    """What this reconciliation service is and has."""

    versions: list[str]
    name: str
    identifierSpace: str
    schemaSpace: str
    documentation: str
    serviceVersion: str
    defaultTypes: list[Kind]
    view: Template
    preview: PreviewTemplate
    suggest: Suggests
    batchSize: int
