"""Which fields of a boundary file hold names and codes: layouts of known publishers, and others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.domain.errors import InvalidValueError

Level = Literal[1, 2]
"""1: provinces; 2: districts."""

NONE = "-"
"""Given instead of a field: the file has no such field, or it is not to be used."""


@dataclass(frozen=True)
class Layout:
    """The fields of a file, by its own names for them.

    `identifier` tells the shapes apart; without it their row numbers do. Of `names` each may hold
    several, with `|` between them. `parent_names` and `parent_codes` are the province's.
    """

    identifier: str | None = None
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    parent_names: tuple[str, ...] = ()
    parent_codes: tuple[str, ...] = ()


# Patterns of field names in lower case; {n} is the level, {p} the one above it. The first name is
# the one to show.
_KNOWN: Mapping[str, Mapping[str, Sequence[str]]] = {
    "geoboundaries": {
        "identifier": ["shapeid"],
        "names": ["shapename"],
        "codes": ["shapeiso"],
    },
    "cod-ab": {
        "identifier": ["adm{n}_pcode"],
        "names": [
            "adm{n}_(en|name)",
            "adm{n}_(?!en|id)[a-z]{{2}}",
            "adm{n}_name[0-9]",
            "adm{n}_?alt[0-9]?_?[a-z]{{2}}",
        ],
        "codes": ["adm{n}_pcode"],
        "parent_names": ["adm{p}_(en|name)", "adm{p}_(?!en|id)[a-z]{{2}}", "adm{p}_name[0-9]"],
        "parent_codes": ["adm{p}_pcode"],
    },
    "gadm": {
        "identifier": ["gid_{n}"],
        "names": ["name_{n}", "varname_{n}", "nl_name_{n}"],
        "codes": ["gid_{n}", "iso_{n}", "hasc_{n}"],
        "parent_names": ["name_{p}", "varname_{p}", "nl_name_{p}"],
        "parent_codes": ["gid_{p}", "iso_{p}", "hasc_{p}"],
    },
}

LAYOUTS = tuple(_KNOWN)
"""The names of the built-in layouts."""


@dataclass(frozen=True)
class Fields:
    """What an operator says of a file's fields: the name of a layout, or the fields themselves."""

    layout: str | None = None
    name: str | None = None
    code: str | None = None
    province: str | None = None


def layout_of(file: str, columns: Sequence[str], level: Level, given: Fields) -> tuple[str, Layout]:
    """The layout that fits a file's fields, with its name; fields that are given take its place.

    `file` is its name, for the errors. Raises InvalidValueError where none fits, a field that is
    given is not there, or no layout has the name that is given.
    """
    if given.layout is not None and given.layout not in LAYOUTS:
        detail = f"there is no layout {given.layout!r}: name one of {', '.join(LAYOUTS)}"
        raise InvalidValueError(detail, field="fields")
    found = _detected(columns, level, given.layout)
    if found is None and given.layout is not None:
        detail = f"{file} has no fields of {given.layout}; its fields are {_listed(columns)}"
        raise InvalidValueError(detail, field="fields")
    name, layout = found or ("own fields", Layout())
    layout = _overridden(columns, layout, given)
    if not layout.names and not layout.codes:
        detail = (
            f"{file}: no name or code is known among the fields {_listed(columns)}: name them with "
            "--name-field, --code-field and --province-field"
        )
        raise InvalidValueError(detail, field="name_field")
    return name, layout


def _detected(
    columns: Sequence[str], level: Level, wanted: str | None
) -> tuple[str, Layout] | None:
    """The first layout of which the file has a name or a code."""
    for name in (wanted,) if wanted else LAYOUTS:
        fields = {
            role: tuple(_matching(columns, patterns, level))
            for role, patterns in _KNOWN[name].items()
        }
        if fields["names"] or (wanted and fields["codes"]):
            identifier = next(iter(fields.pop("identifier")), None)
            return name, Layout(identifier, **fields)
    return None


def _matching(columns: Iterable[str], patterns: Iterable[str], level: int) -> Iterable[str]:
    for pattern in patterns:
        expression = re.compile(pattern.format(n=level, p=level - 1))
        yield from (column for column in columns if expression.fullmatch(column.lower()))


def _overridden(columns: Sequence[str], layout: Layout, given: Fields) -> Layout:
    if (name := _field(columns, given.name, "name_field")) is not None:
        layout = replace(layout, names=name)
    if (code := _field(columns, given.code, "code_field")) is not None:
        layout = replace(layout, codes=code, identifier=layout.identifier or next(iter(code), None))
    if (province := _field(columns, given.province, "province_field")) is not None:
        layout = replace(layout, parent_names=province, parent_codes=province)
    return layout


def _field(columns: Sequence[str], given: str | None, parameter: str) -> tuple[str, ...] | None:
    if given is None:
        return None
    if given == NONE:
        return ()
    if given not in columns:
        detail = f"the file has no field {given!r}; its fields are {_listed(columns)}"
        raise InvalidValueError(detail, field=parameter)
    return (given,)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:60]) or "none"
