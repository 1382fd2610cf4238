"""Which district a row of an imported file means: found for certain, or asked about.

The rule, in this order (docs/decisions/0009-a-doubtful-place-is-asked-about.md has the figures):

1. A code is a district's id, in any case of letters. It wins over a spelling that nobody knows, but
   not over a name and province that are another district's.
2. A name within a province is the one district there that has this very name (by `name_key`).
3. Failing that it is the district there with the most similar name, if that is similar enough
   (`BAR`), no other one there is nearly as similar (`LEAD`), and no district of the country has
   this very name: "Bagram" in Kabul is not a misspelt Bagrami.
4. A name without a province is the one district of the country that has this very name, if it
   shares none of its names with another: a missing spelling of the other may be the same again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select

from app.domain.errors import Candidate, UnknownPlaceError
from app.domain.places import name_key
from app.store.places import PlaceKind
from app.store.tables import (
    district_names,
    districts,
    province_codes,
    province_names,
    provinces,
)

BAR = 0.6
"""The likeness, 0 to 1, from which on an unknown spelling within a province is a known name's.

`python -m bench.place_names` hides each recorded spelling in turn: of 1,699, this bar and `LEAD`
give 385 right answers, no wrong one, and 1,314 doubts. Nor is any answer wrong where the whole
district is hidden (1,699), or a letter (12,320) or a word (2,015) is left out. Names that are on
record nowhere, in a province where they do not belong, get 23 wrong answers of 56,077.
"""

LEAD = 0.2
"""How much more alike it must be than any name of the second most similar district there."""

_WORTH_SHOWING = 0.3  # pg_trgm's own bar, which places.named shows candidates from, too
_CANDIDATES = 10
_REMEMBERED = 20_000  # answers; the 401 districts have 1,800 spellings on record

Trigrams = frozenset[str]


def trigrams(key: str) -> Trigrams:
    """The trigrams of a `name_key` as pg_trgm makes them, with two blanks before and one after."""
    padded = f"  {key} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def likeness(one: Trigrams, other: Trigrams) -> float:
    """What pg_trgm calls similarity: the share of trigrams that are in both, 0 to 1 (all)."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


@dataclass(frozen=True, eq=False)
class _Spelling:
    name: str
    key: str
    trigrams: Trigrams


@dataclass(frozen=True, eq=False)
class _Place:
    """A district, or a province, which lies in no province."""

    id: str
    name: str
    province: "_Place | None"
    spellings: tuple[_Spelling, ...]


@dataclass(frozen=True, eq=False)
class _Match:
    """A place with that of its names which is most like the one asked about; `score` 0 to 1."""

    place: _Place
    name: str
    score: float


class Resolver:
    """Finds districts of one country by the names that are on record when it is made.

    Answers are remembered, doubts too: a row like an earlier one costs one look into a table.
    """

    def __init__(self, connection: Connection, country: str) -> None:
        self._country = country
        self._provinces = _load_provinces(connection, country)
        self._districts = _load_districts(connection, country, self._provinces)
        self._provinces_by_key = _by_key(self._provinces.values())
        for code, province_id in _codes_of_provinces(connection, country):
            self._provinces_by_key[name_key(code)].add(self._provinces[province_id])
        self._districts_by_key = _by_key(self._districts.values())
        self._answer = lru_cache(_REMEMBERED)(self._resolve)

    def district(self, code: str | None, name: str | None, province: str | None) -> str:
        """The id of the district that a row means; a blank text is the same as None.

        `province` may be an id, a name, or a code of another scheme that is on record. Raises
        UnknownPlaceError, with candidates, where there is any doubt; its field is `district_code`,
        `district` or `province`.
        """
        answer = self._answer(code, name, province)
        if isinstance(answer, UnknownPlaceError):
            # Raised as it is, a remembered error would carry all its earlier tracebacks along.
            raise answer.with_traceback(None)
        return answer

    def _resolve(
        self, code: str | None, name: str | None, province: str | None
    ) -> str | UnknownPlaceError:
        code, name, province = ((text or "").strip() for text in (code, name, province))
        try:
            if code:
                return self._coded(code, name_key(name), province).id
            if not name:
                detail = "neither a code nor a name of a district is given"
                raise UnknownPlaceError(detail, field="district")
            if not province:
                return self._anywhere(name_key(name)).id
            return self._within(self._province(province), name_key(name)).id
        except UnknownPlaceError as doubt:
            return doubt

    def _coded(self, code: str, key: str, written_province: str) -> _Place:
        """Rule 1. A province that nobody knows says nothing beside a code."""
        provinces_called = self._provinces_called(written_province)
        province = provinces_called.pop() if len(provinces_called) == 1 else None
        coded = self._districts.get(code.upper())
        if coded is None:
            detail = f"no district of {self._country} has this code"
            raise self._unknown(detail, "district_code", key, province)
        if province is None:
            return coded
        named = self._named(key)
        named_there = {district for district in named if district.province is province}
        if named_there and coded not in named_there:
            detail = f"the code is {coded.name}'s, but the name another district's"
            raise _doubt(detail, "district", _ranked(key, {coded, *named_there}))
        if coded.province is not province and coded not in named:
            detail = f"the code is {coded.name}'s, which does not lie in this province"
            raise _doubt(detail, "province", _ranked(key, {coded}))
        return coded

    def _within(self, province: _Place, key: str) -> _Place:
        """Rules 2 and 3."""
        named = self._named(key)
        named_there = {district for district in named if district.province is province}
        if len(named_there) == 1:
            return named_there.pop()
        if named_there:
            detail = f"several districts of {province.name} have this name"
            raise _doubt(detail, "district", _ranked(key, named_there))
        ranked = _ranked(key, self._districts_of(province))
        if ranked and not named and _stands_out([match.score for match in ranked]):
            return ranked[0].place
        detail = f"no district of {province.name} is sure to be meant by this name"
        raise self._unknown(detail, "district", key, province)

    def _anywhere(self, key: str) -> _Place:
        """Rule 4."""
        named = self._named(key)
        if not named:
            detail = "no district has this very name; without a province nothing less will do"
            raise self._unknown(detail, "district", key, None)
        namesakes = {
            namesake
            for district in named
            for spelling in district.spellings
            for namesake in self._named(spelling.key)
        }
        if len(namesakes) > 1:
            detail = "several districts share this name, or another name; give the province"
            raise _doubt(detail, "district", _ranked(key, namesakes))
        return namesakes.pop()

    def _province(self, written: str) -> _Place:
        called = self._provinces_called(written)
        if len(called) == 1:
            return called.pop()
        key = name_key(written)
        if called:
            raise _doubt("several provinces have this name", "province", _ranked(key, called))
        detail = f"no province of {self._country} has this name or code"
        raise _doubt(detail, "province", _alike(_ranked(key, self._provinces.values())))

    def _provinces_called(self, written: str) -> set[_Place]:
        province = self._provinces.get(written.upper())
        return {province} if province else {*self._provinces_by_key.get(name_key(written), ())}

    def _named(self, key: str) -> set[_Place]:
        return self._districts_by_key.get(key, set())

    def _districts_of(self, province: _Place | None) -> list[_Place]:
        return [
            district
            for district in self._districts.values()
            if province is None or district.province is province
        ]

    def _unknown(
        self, detail: str, field: str, key: str, province: _Place | None
    ) -> UnknownPlaceError:
        """The candidates: similar names there first, then the very same name elsewhere."""
        there = self._districts_of(province)
        elsewhere = self._named(key).difference(there)
        return _doubt(detail, field, _alike(_ranked(key, there)) + _ranked(key, elsewhere))


def _stands_out(scores: Sequence[float]) -> bool:
    """Rule 3, of the scores of a province's districts, highest first."""
    first, second = (*scores[:2], 0.0)[:2]
    return first >= BAR and first - second >= LEAD


def _ranked(key: str, places: Iterable[_Place]) -> list[_Match]:
    """The places with their most similar names, best first."""
    asked = trigrams(key)
    matches = []
    for place in places:
        best = max(place.spellings, key=lambda spelling: likeness(asked, spelling.trigrams))
        matches.append(_Match(place, best.name, likeness(asked, best.trigrams)))
    return sorted(matches, key=lambda match: (-match.score, match.place.id))


def _alike(ranked: list[_Match]) -> list[_Match]:
    return [match for match in ranked if match.score >= _WORTH_SHOWING][:_CANDIDATES]


def _doubt(detail: str, field: str, matches: Iterable[_Match]) -> UnknownPlaceError:
    candidates = [
        Candidate(
            id=match.place.id,
            name=match.place.name,
            province=match.place.province.name if match.place.province else None,
            matched_name=match.name,
            score=round(match.score, 3),
        )
        for match in matches
    ]
    return UnknownPlaceError(detail, field=field, candidates=candidates)


def _by_key(places: Iterable[_Place]) -> defaultdict[str, set[_Place]]:
    by_key = defaultdict[str, set[_Place]](set)
    for place in places:
        for spelling in place.spellings:
            by_key[spelling.key].add(place)
    return by_key


def _load_provinces(connection: Connection, country: str) -> dict[str, _Place]:
    return {
        row.id: _Place(row.id, row.name, None, spellings)
        for row, spellings in _load(connection, "province", country)
    }


def _load_districts(
    connection: Connection, country: str, provinces_by_id: Mapping[str, _Place]
) -> dict[str, _Place]:
    return {
        row.id: _Place(row.id, row.name, provinces_by_id[row.province_id], spellings)
        for row, spellings in _load(connection, "district", country)
    }


def _load(
    connection: Connection, kind: PlaceKind, country: str
) -> Iterator[tuple[Row[Any], tuple[_Spelling, ...]]]:
    """The places of a country in the order of their ids, each with all its names.

    A place's own names are among them even where the table of names lacks them.
    """
    places, names = (
        (districts, district_names) if kind == "district" else (provinces, province_names)
    )
    listed: dict[str, dict[str, str]] = defaultdict(dict)
    for place_id, name, key in connection.execute(
        select(names.c[f"{kind}_id"], names.c.name, names.c.key)
    ):
        listed[place_id][name] = key
    statement = select(places).where(provinces.c.country_code == country)
    if kind == "district":
        statement = statement.join(provinces)
    for row in connection.execute(statement.order_by(places.c.id)):
        own = {name: name_key(name) for name in (row.name, row.name_local) if name}
        spellings = sorted((own | listed[row.id]).items())
        yield row, tuple(_Spelling(name, key, trigrams(key)) for name, key in spellings)


def _codes_of_provinces(connection: Connection, country: str) -> Iterator[tuple[str, str]]:
    """Codes in other schemes (ISO 3166-2, for one), each with the id of its province."""
    rows = connection.execute(
        select(province_codes.c.code, province_codes.c.province_id)
        .join(provinces)
        .where(provinces.c.country_code == country)
    )
    yield from ((row.code, row.province_id) for row in rows)
