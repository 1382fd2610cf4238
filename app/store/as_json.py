"""JSON as PostgreSQL writes it, without a space between, to be put into documents as it stands.

`json_build_object` puts spaces around its colons, and clients' copies of a document would change
by that; texts put together with `to_json` do not. Each of these functions gives JSON as text.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Float, Text, case, cast, func, literal_column

NULL: ColumnElement[str] = literal_column("'null'", Text)


def value(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A text, a whole number, a truth, a day or an id; `null` for NULL."""
    return func.coalesce(cast(func.to_json(column), Text), NULL)


def number(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A number with a decimal point, as Python writes a float (12.0); `null` for NULL.

    Of an absolute value below 10^15: beyond it the two write exponents for different numbers.
    """
    real = cast(column, Float)
    digits = cast(real, Text)
    whole = real == func.trunc(real)
    return func.coalesce(case((whole, digits.op("||")(literal_column("'.0'"))), else_=digits), NULL)


def obj(members: Mapping[str, ColumnElement[str]]) -> ColumnElement[str]:
    """An object with these members, in this order; the values are JSON already."""
    parts: list[ColumnElement[str]] = []
    opening = "{"
    for name, written in members.items():
        parts += [literal_column(f"'{opening}\"{name}\":'", Text), written]
        opening = ","
    return func.concat(*parts, literal_column("'}'", Text))


def ref(
    place: ColumnElement[str], name: ColumnElement[str], **more: ColumnElement[str]
) -> ColumnElement[str]:
    """`{"id":…,"name":…}`; `null` where the id is NULL."""
    written = obj({"id": value(place), "name": value(name), **more})
    return case((place.is_not(None), written), else_=NULL)
