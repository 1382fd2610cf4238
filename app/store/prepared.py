"""Statements built once for each form of a question, and asked with the values of each.

Putting a statement of the control rule together takes longer than PostgreSQL needs to answer it
for one district. Questions of one form (the same parts given, the same words from fixed lists)
differ in values alone, so the statement is built with parameters in their place and kept. A
builder that looks at such a value, and does not only pass it on, fails: none can be built in.
"""

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, Connection, Date, Result, Select, Text, Uuid, bindparam
from sqlalchemy.types import TypeEngine

from app.domain.clocks import Clocks, Moment
from app.domain.control import Confidence, Question
from app.store.tables.base import INSTANT

Which = TypeVar("Which")
"""A frozen dataclass that says what is meant; None where a part is not given."""
Build = Callable[[Question, Which], Select[Any]]

_KEPT = 300
"""Forms that are kept. Boxes and points are parts of a form, so there is no end of them."""

_TYPES: dict[type, TypeEngine[Any]] = {
    str: Text(),
    int: BigInteger(),
    UUID: Uuid(),
    date: Date(),
    datetime: INSTANT,
    tuple: ARRAY(Text),
}
"""What becomes a parameter; of tuples those of texts. Words of an enumeration stay as they are."""


def ask(
    connection: Connection, build: Build[Which], question: Question, which: Which
) -> Result[Any]:
    """The result of the statement that `build(question, which)` gives.

    `build` is a function of a module (it is kept with what it gave). It is called with parameters
    in place of the instants of the clocks, and of texts, numbers, days and ids of `which`;
    `revision` and the texts of moments are not for it.
    """
    clocks = question.clocks
    parts = {part.name: getattr(which, part.name) for part in fields(which)}  # type: ignore[arg-type]
    values = {name: value for name, value in parts.items() if _varies(value)}
    form = tuple(type(value) if name in values else value for name, value in parts.items())
    until = clocks.reported_by.until if clocks.reported_by else None
    kind: Any = type(which)
    statement = _built(build, kind, form, question.minimum, question.zone, until is not None)
    values |= {"at_known": clocks.known_at, "at_as_of": clocks.as_of.until}
    if until is not None:
        values["at_reported_by"] = until
    return connection.execute(statement, values)


def _varies(value: Any) -> bool:
    """Whether a value becomes a parameter: points are tuples too, and stay."""
    if type(value) is tuple:
        return all(type(one) is str for one in value)
    return type(value) in _TYPES


@lru_cache(_KEPT)
def _built(
    build: Build[Which],
    kind: Any,
    form: tuple[Any, ...],
    minimum: Confidence,
    zone: ZoneInfo,
    reported: bool,
) -> Select[Any]:
    """The statement for one form, in which types stand for the values that parameters carry."""

    def moment(name: str) -> Moment:
        return Moment("", _parameter(name, datetime))

    clocks = Clocks(
        moment("at_as_of"),
        moment("at_reported_by") if reported else None,
        _parameter("at_known", datetime),
    )
    parts = {
        part.name: _parameter(part.name, given) if given in _TYPES else given
        for part, given in zip(fields(kind), form, strict=True)
    }
    return build(Question(clocks, minimum, zone, revision=-1), kind(**parts))


def _parameter(name: str, kind: type) -> Any:
    """A parameter in the place of a value: builders are written for values."""
    return bindparam(name, type_=_TYPES[kind])
