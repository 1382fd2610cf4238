"""How far similar names can be trusted: the figures behind `BAR` and `LEAD` of app.store.resolving.

Usage: python -m bench.place_names

Counts on the seeds' names, the same in each run. Of a spelling it is known which district is meant;
hidden from the gazetteer, it is a spelling that nobody knows, and an answer is right or wrong.
Jaro-Winkler and Damerau-Levenshtein are compared where rapidfuzz is installed, which the service
itself does not need.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from sqlalchemy import Connection, delete, select, update

from app.domain.errors import UnknownPlaceError
from app.domain.places import name_key
from app.local_postgis import throwaway_postgis
from app.seeding import _load_places
from app.settings import PROJECT
from app.store import resolving
from app.store.engine import make_engine
from app.store.resolving import BAR, LEAD, Resolver
from app.store.schema import migrate
from app.store.tables import district_names, districts

try:
    from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
except ImportError:
    DamerauLevenshtein = JaroWinkler = None

Measure = Callable[[str, str], float]
Keys = Mapping[str, Collection[str]]
"""District ids with the keys of their names."""

COUNTRY = "AF"
LEADS = (0.0, 0.1, 0.15, LEAD, 0.3)


@dataclass(frozen=True)
class Question:
    """A key asked about `among` the districts of a province; `meant` is None for none of them.

    `known` keys are names of a district elsewhere, which rule 3 always asks about.
    """

    key: str
    among: Keys
    meant: str | None
    known: bool = False


@dataclass(frozen=True)
class Answer:
    """The most similar district, and the two best scores; `right` if it is the one meant."""

    right: bool
    first: float
    second: float


@dataclass(frozen=True)
class Names:
    """The names of the seeds: districts by province, keys and spellings by district."""

    provinces: dict[str, list[str]]
    keys: dict[str, set[str]]
    spellings: dict[str, list[str]]

    @classmethod
    def on_record(cls, connection: Connection) -> "Names":
        """Read them."""
        names = cls(defaultdict(list), defaultdict(set), defaultdict(list))
        for row in connection.execute(select(districts).order_by(districts.c.id)):
            names.provinces[row.province_id].append(row.id)
        for row in connection.execute(select(district_names).order_by(district_names.c.name)):
            names.keys[row.district_id].add(row.key)
            names.spellings[row.district_id].append(row.name)
        return names

    def each(self) -> Iterator[tuple[str, str, str]]:
        """Each province with each of its districts and each key of that."""
        for province, inside in self.provinces.items():
            for district in inside:
                for key in sorted(self.keys[district]):
                    yield province, district, key

    def within(self, province: str, hidden: str | None = None) -> dict[str, Collection[str]]:
        """The districts of a province, one perhaps left out."""
        return {d: self.keys[d] for d in self.provinces[province] if d != hidden}

    def owners(self, key: str) -> set[str]:
        """The districts that have this key."""
        return _owners(self)[key]


@lru_cache
def _owners(names: Names) -> dict[str, set[str]]:
    owners = defaultdict(set)
    return owners


def spelling_hidden(names: Names) -> Iterator[Question]:
    """Each spelling, hidden from its own district alone."""
