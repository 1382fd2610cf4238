"""Finding places: by id, by any recorded spelling, and everything the gazetteer says of one."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, func, select

from app.domain.errors import Candidate
from app.domain.places import Named, Sought, name_key
from app.store import search
from app.store.remembered import remembered
from app.store.tables import (
    actors,
    countries,
    district_codes,
    district_names,
    districts,
    province_codes,
    province_names,
    provinces,
    sources,
)

PlaceKind = search.PlaceKind

_CANDIDATES = 10


@dataclass(frozen=True)
class Place:
    """Where an id or a name leads."""

    id: str
    country: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Country:
    """A country and the time zone that its days are told in."""

    code: str
    name: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Spelling:
    """One recorded name of a place, with the lists that carry it."""

    name: str
    languages: tuple[str, ...]
    script: str | None
    lists: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """The code of a place in another scheme."""

    scheme: str
    code: str


@dataclass(frozen=True)
class Province:
    """A province, its size in districts, and the district that is its capital."""

    id: str
    name: str
    name_local: str | None
    country: str
    districts: int
    capital: Named | None


@remembered(10_000)
def country(connection: Connection, code: str) -> Country | None:
    """A country of the gazetteer."""
    row = connection.execute(select(countries).where(countries.c.code == code)).first()
    return Country(row.code, row.name, ZoneInfo(row.time_zone)) if row else None


def country_called(connection: Connection, written: str) -> str | None:
    """The code of the country that has this code or name."""
    rows = connection.execute(select(countries.c.code, countries.c.name))
    key = name_key(written)
    return next((r.code for r in rows if key in (name_key(r.code), name_key(r.name))), None)


@remembered(10_000)
def place(connection: Connection, kind: PlaceKind, place_id: str) -> Place | None:
    """The place that has exactly this id."""
    statement = select(provinces.c.country_code, countries.c.time_zone).join(countries)
    if kind == "district":
        statement = statement.join(districts).where(districts.c.id == place_id)
    else:
        statement = statement.where(provinces.c.id == place_id)
    row = connection.execute(statement).first()
    return Place(place_id, row.country_code, ZoneInfo(row.time_zone)) if row else None


def is_known(connection: Connection, kind: str, given: str, country: str) -> bool:
    """Whether there is such a `district` or `province` in a country, `controller` or `source`."""
    kinds: dict[str, PlaceKind] = {"district": "district", "province": "province"}
    if kind in kinds:
        found = place(connection, kinds[kind], given)
        return found is not None and found.country == country
    table = {"controller": actors, "source": sources}[kind]
    return connection.execute(select(table.c.id).where(table.c.id == given)).first() is not None


def named(connection: Connection, kind: PlaceKind, name: str) -> list[Candidate]:
    """The places that this name may mean.

    Those with exactly this name (reduced by `name_key`), or this id in another case, if there
    are any; else those with the most similar names, best first (`store.search`).
    """
    if not name_key(name):
        return []
    found = search.find(connection, kind, Sought.of(name), search.Where(limit=_CANDIDATES))
    candidates = [
        Candidate(
            id=one.id,
            name=one.name,
            province=one.province.name if one.province else None,
            matched_name=one.match.name,
            score=one.match.score,
        )
        for one in found
    ]
    exact = [replace(one, score=1.0) for one in candidates if is_exact(one, name)]
    return exact or candidates


def is_exact(candidate: Candidate, name: str) -> bool:
    """Whether the name, or the id, is the candidate's own."""
    return name_key(candidate.matched_name) == name_key(name) or candidate.id == name.upper()


def spellings(connection: Connection, kind: PlaceKind, place_id: str) -> list[Spelling]:
    """Every recorded name of a place."""
    names, place_column = _names(kind)
    rows = connection.execute(
        select(names).where(place_column == place_id).order_by(names.c.script.desc(), names.c.name)
    )
    return [Spelling(r.name, tuple(r.languages), r.script, tuple(r.lists)) for r in rows]


def codes(connection: Connection, kind: PlaceKind, place_id: str) -> list[Code]:
    """The codes of a place in other schemes; its own id is not among them."""
    table = district_codes if kind == "district" else province_codes
    rows = connection.execute(
        select(table.c.scheme, table.c.code)
        .where(table.c[f"{kind}_id"] == place_id)
        .order_by(table.c.scheme)
    )
    return [Code(row.scheme, row.code) for row in rows]


def list_provinces(
    connection: Connection,
    *,
    country_code: str | None = None,
    province: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Province]:
    """Provinces in the order of their ids."""
    capital = districts.alias("capital")
    of_province = districts.alias("of_province")
    number = (
        select(func.count())
        .select_from(of_province)
        .where(of_province.c.province_id == provinces.c.id)
        .scalar_subquery()
    )
    statement = (
        select(
            provinces,
            capital.c.id.label("capital_id"),
            capital.c.name.label("capital_name"),
            number.label("districts"),
        )
        .outerjoin(
            capital,
            (capital.c.province_id == provinces.c.id) & capital.c.is_provincial_capital,
        )
        .order_by(provinces.c.id)
        .limit(limit)
    )
    if country_code is not None:
        statement = statement.where(provinces.c.country_code == country_code)
    if province is not None:
        statement = statement.where(provinces.c.id == province)
    if after is not None:
        statement = statement.where(provinces.c.id > after)
    return [
        Province(
            id=row.id,
            name=row.name,
            name_local=row.name_local,
            country=row.country_code,
            districts=row.districts,
            capital=Named(row.capital_id, row.capital_name) if row.capital_id else None,
        )
        for row in connection.execute(statement)
    ]


def _names(kind: PlaceKind) -> tuple[Table, ColumnElement[str]]:
    names = district_names if kind == "district" else province_names
    return names, names.c[f"{kind}_id"]
