"""Places for a generated record: countries of several sizes, provinces, districts with shapes.

Districts are cells of a grid whose corners are shifted by some kilometres, so that neighbours share
crooked borders and each point lies in its own cell. All follows from the number of districts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.places import name_key, sound_key

Row = dict[str, Any]

_COUNTRIES = (
    ("QA", "Asvar", "Asia/Kabul", 2),
    ("QB", "Bereny", "Africa/Mogadishu", 4),
    ("QC", "Cambra", "Asia/Baghdad", 8),
    ("QD", "Dovan", "Europe/Kyiv", 16),
    ("QE", "Elmar", "UTC", 16),
)
"""Code, name, time zone, and the share of all districts that the country has: one in so many."""

_PER_PROVINCE = 25
_SIDE = 5
"""Districts of a province, and of a side of its square."""
_CELL = 0.25
"""Degrees between the corners of a district."""
_SHIFT = 0.05
"""Degrees by which a corner may lie elsewhere."""
_SYLLABLES = ("ba", "dar", "gul", "hes", "ka", "lor", "ma", "nim", "pa", "qar", "ru", "sar", "zi")

PARTIES = tuple(f"party-{letter}" for letter in "abcdefgh")
SOURCES = 60


@dataclass(frozen=True)
class Country:
    """One country and how many districts it has."""

    code: str
    name: str
    zone: ZoneInfo
    districts: int


@dataclass(frozen=True)
class World:
    """So many districts, spread over five countries: a half, a quarter, an eighth, and the rest."""

    districts: int

    @cached_property
    def countries(self) -> list[Country]:
        """The countries, the largest first."""
        return [
            Country(code, name, ZoneInfo(zone), self.districts // share)
            for code, name, zone, share in _COUNTRIES
        ]

    @cached_property
    def places(self) -> list[tuple[str, Country]]:
        """The districts in the order of their ids, each with its country."""
        return [
            (_district(country, number), country)
            for country in self.countries
            for number in range(country.districts)
        ]

    def gazetteer(self) -> Iterator[tuple[str, list[Row]]]:
        """The rows of each table, in an order in which they can be inserted."""
        yield (
            "countries",
            [{"code": c.code, "name": c.name, "time_zone": c.zone.key} for c in self.countries],
        )
        yield "boundary_sets", [_boundary_set(country) for country in self.countries]
        provinces, districts, names, shapes = [], [], [], []
        for order, country in enumerate(self.countries):
            for number in range(country.districts):
                id_, province = _district(country, number), _province(country, number)
                if number % _PER_PROVINCE == 0:
                    provinces.append(
                        {"id": province, "country_code": country.code, "name": _name(province)}
                    )
                name = _name(id_)
                ring = _ring(order, country, number)
                districts.append(_row_of(id_, province, name, number, ring))
                names.append(
                    {
                        "district_id": id_,
                        "name": name,
                        "key": name_key(name),
                        "sound": sound_key(name),
                    }
                )
                corners = ", ".join(f"{lon:.5f} {lat:.5f}" for lon, lat in ring)
                shapes.append(
                    {
                        "boundary_set_id": _set_of(country),
                        "district_id": id_,
                        "geom": f"SRID=4326;MULTIPOLYGON((({corners})))",
                    }
                )
        yield "provinces", provinces
        yield "districts", districts
        yield "district_names", names
        yield "district_shapes", shapes


def of_record() -> Iterator[tuple[str, list[Row]]]:
    """Parties and publishers, recorded under revision 1."""
    yield (
        "actors",
        [
            {
                "id": party,
                "name": party.replace("-", " ").title(),
                "full_name": party.replace("-", " ").title(),
                "kind": "state" if number % 3 == 0 else "non-state",
                "revision": 1,
            }
            for number, party in enumerate(PARTIES)
        ],
    )
    yield (
        "sources",
        [{"id": f"paper-{n}", "name": f"Paper {n}", "revision": 1} for n in range(SOURCES)],
    )


def _set_of(country: Country) -> str:
    return f"{country.code.lower()}-grid"


def _boundary_set(country: Country) -> Row:
    return {
        "id": _set_of(country),
        "country_code": country.code,
        "name": "A grid",
        "dated": "2005-01-01",
        "origin": "Made by bench.scale",
        "licence": "CC0",
        "attribution": "None",
        "quality": "approximate",
        "is_default": True,
    }


def _province(country: Country, number: int) -> str:
    return f"{country.code}{number // _PER_PROVINCE:04}"


def _district(country: Country, number: int) -> str:
    return f"{_province(country, number)}{number % _PER_PROVINCE:02}"


def _name(id_: str) -> str:
    random = Random(id_)  # noqa: S311
    return "".join(random.choice(_SYLLABLES) for _ in range(random.randint(2, 4))).title()


def _row_of(
    id_: str, province: str, name: str, number: int, ring: list[tuple[float, float]]
) -> Row:
    lon, lat = (sum(values) / 4 for values in zip(*ring[:4], strict=True))
    return {
        "id": id_,
        "province_id": province,
        "name": name,
        "point": f"SRID=4326;POINT({lon:.5f} {lat:.5f})",
        "area_km2": 500 + number % 300,
        "area_year": "2005",
        "population": 20_000 + number * 37 % 90_000,
        "population_year": "2005",
        "is_provincial_capital": number % _PER_PROVINCE == 0,
        "is_national_capital": number == 0,
    }


def _ring(order: int, country: Country, number: int) -> list[tuple[float, float]]:
    """The corners of a district: its province is a square of cells, provinces fill a square."""
    province, within = divmod(number, _PER_PROVINCE)
    across = max(1, round((country.districts / _PER_PROVINCE) ** 0.5))
    column = province % across * _SIDE + within % _SIDE
    line = province // across * _SIDE + within // _SIDE
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return [_corner(order, column + right, line + up) for right, up in corners]


def _corner(order: int, column: int, line: int) -> tuple[float, float]:
    """Where lines of the grid cross; countries lie beside each other, with a gap."""
    random = Random(f"{order} {column} {line}")  # noqa: S311
    lon = -170 + order * 60 + column * _CELL + random.uniform(-_SHIFT, _SHIFT)
    lat = -20 + line * _CELL + random.uniform(-_SHIFT, _SHIFT)
    return lon, lat
