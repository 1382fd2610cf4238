"""Finding places by name: that very name, another one on record, one that sounds so, or similar.

Names are kept reduced (`domain.places.name_key` and `sound_key`), each with a trigram index, and
what is sought is reduced by the same functions. The figures behind the numbers here are in
docs/decisions/0014-names-are-found-by-their-sound.md; `python -m bench.search` makes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Numeric,
    Select,
    String,
    Subquery,
    Table,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.domain.places import Named, Reduced, Sought
from app.store.tables import (
    district_names,
    districts,
    province_codes,
    province_names,
    provinces,
)

PlaceKind = Literal["district", "province"]
How = Literal["exact", "alias", "sound", "fuzzy"]

LIKE_ENOUGH = 0.25
"""The trigram similarity, 0 to 1, from which on a name is found. At pg_trgm's own bar, 0.3, about
one unknown spelling in 200 more is not found; below 0.25 next to none is found that is meant."""

_EXACT, _ALIAS, _SOUND, _FUZZY = 1, 0.98, 0.9, 0.84
_SAME_LETTERS = 0.05
"""What the letters as they are written add: they decide between names that sound the same."""
_LETTERS_ALONE = 0.5
"""What they count for themselves: a wrong key on a keyboard can make quite another sound."""


@dataclass(frozen=True)
class Match:
    """The name of a place that is most like the one sought, and how it is like it.

    `how` is `exact` for the place's own name or its id, `alias` for another name on record,
    `sound` for one that differs in spelling or script alone, else `fuzzy`. `score` is 1 for
    `exact`, 0.98 for `alias`, 0.9 to 0.95 for `sound`, less for `fuzzy`, to four decimals.
    """

    name: str
    score: float
    how: How

    @property
    def is_exact(self) -> bool:
        """Whether it is a name on record, but for case, accents and the like."""
        return self.how in ("exact", "alias")


@dataclass(frozen=True)
class Found:
    """A place that is found; a province lies in no province."""

    id: str
    name: str
    name_local: str | None
    province: Named | None
    match: Match


@dataclass(frozen=True)
class Where:
    """Where places are looked for, and which part of the list is wanted."""

    country: str | None = None
    provinces: tuple[str, ...] | None = None
    limit: int = 10
    skipped: int = 0


def find(connection: Connection, kind: PlaceKind, sought: Sought, where: Where) -> list[Found]:
    """The places that may be meant, the most likely one first, in the order of ids among equals."""
    match = matches(connection, kind, sought)
    places = _places(kind)
    statement = select(match, places.c.name, places.c.name_local)
    if kind == "district":
        statement = statement.add_columns(
            provinces.c.id.label("province_id"), provinces.c.name.label("province_name")
        )
    statement = statement.select_from(match).join(places, places.c.id == match.c.place_id)
    if kind == "district":
        statement = statement.join(provinces)
    if where.country is not None:
        statement = statement.where(provinces.c.country_code == where.country)
    if where.provinces is not None:
        statement = statement.where(provinces.c.id.in_(where.provinces))
    rows = connection.execute(
        statement.order_by(match.c.score.desc(), match.c.place_id)
        .offset(where.skipped)
        .limit(where.limit)
    ).mappings()
    return [
        Found(
            id=row["place_id"],
            name=row["name"],
            name_local=row["name_local"],
            province=Named(row["province_id"], row["province_name"])
            if kind == "district"
            else None,
            match=match_of(row),
        )
        for row in rows
    ]


def match_of(row: Any) -> Match:
    """The match in a row that has the columns of `matches`."""
    return Match(row["matched_name"], float(row["score"]), row["how"])


def matches(connection: Connection, kind: PlaceKind, sought: Sought) -> Subquery:
    """Each place that may be meant, once: `place_id`, `matched_name`, `score`, `how`.

    To be used in the transaction of this connection, for which it lowers pg_trgm's bar.
    """
    bar = func.set_config("pg_trgm.similarity_threshold", str(LIKE_ENOUGH), True)
    connection.execute(select(bar))
    places = _places(kind)
    by_id = select(
        places.c.id.label("place_id"),
        places.c.name.label("matched_name"),
        literal(_EXACT, Numeric).label("score"),
        literal("exact", String).label("how"),
    ).where(places.c.id == sought.id)
    readings = [_named(kind, sought.whole)]
    if kind == "district" and sought.within:
        called = provinces_called(connection, [province for _, province in sought.within])
        readings += [
            _named(kind, name).where(districts.c.province_id.in_(sorted(inside)))
            for (name, _), inside in zip(sought.within, called, strict=True)
            if inside
        ]
    found = union_all(by_id, *readings).subquery()
    return (
        select(found)
        .ext(distinct_on(found.c.place_id))
        .order_by(found.c.place_id, found.c.score.desc(), found.c.matched_name)
        .subquery("match")
    )


def provinces_called(
    connection: Connection, written: Sequence[Reduced], country: str | None = None
) -> list[set[str]]:
    """For each of these the ids of the provinces that have that name, code or id, or sound so."""
    names, codes, places = province_names.c, province_codes.c, provinces.c
    keys, sounds = ({getattr(one, part) for one in written} for part in ("key", "sound"))
    code = func.regexp_replace(func.lower(codes.code), "[^a-z0-9]", "", "g")
    of_country = select(places.id)
    if country is not None:
        of_country = of_country.where(places.country_code == country)
    rows = connection.execute(
        union_all(
            select(names.province_id.label("id"), names.key, names.sound).where(
                or_(names.key.in_(keys), names.sound.in_(sounds)),
                names.province_id.in_(of_country),
            ),
            select(codes.province_id, code, null()).where(
                code.in_(keys), codes.province_id.in_(of_country)
            ),
            select(places.id, func.lower(places.id), null()).where(
                func.lower(places.id).in_(keys), places.id.in_(of_country)
            ),
        )
    ).all()
    return [
        {row.id for row in rows if row.key == one.key or row.sound == one.sound} for one in written
    ]


def share_names(connection: Connection, places: list[str]) -> set[str]:
    """Those of these districts that share a name with another district."""
    other = district_names.alias("other")
    rows = connection.execute(
        select(district_names.c.district_id)
        .join(
            other,
            (other.c.key == district_names.c.key)
            & (other.c.district_id != district_names.c.district_id),
        )
        .where(district_names.c.district_id.in_(places))
        .distinct()
    )
    return set(rows.scalars())


def _named(kind: PlaceKind, name: Reduced) -> Select[Any]:
    """The names that are this one, contain it, or are similar to it."""
    names, places = _names(kind), _places(kind)
    key, sound = names.c.key, names.c.sound
    contains = key.contains(name.key, autoescape=True)
    score = case(
        (_is_own(names, places) & (key == name.key), _EXACT),
        (key == name.key, _ALIAS),
        (sound == name.sound, _SOUND + _SAME_LETTERS * func.similarity(key, name.key)),
        else_=func.greatest(
            _FUZZY * func.similarity(sound, name.sound)
            + _SAME_LETTERS * func.similarity(key, name.key),
            _LETTERS_ALONE * func.similarity(key, name.key),
            case((contains, _FUZZY * len(name.key) / func.char_length(key)), else_=0),
        ),
    )
    how = case(
        (_is_own(names, places) & (key == name.key), "exact"),
        (key == name.key, "alias"),
        (sound == name.sound, "sound"),
        else_="fuzzy",
    )
    return (
        select(
            names.c[f"{kind}_id"].label("place_id"),
            names.c.name.label("matched_name"),
            func.round(cast(score, Numeric), 4).label("score"),
            how.label("how"),
        )
        .join(places, places.c.id == names.c[f"{kind}_id"])
        .where(or_(key == name.key, contains, key.op("%")(name.key), sound.op("%")(name.sound)))
    )


def _is_own(names: Table, places: Table) -> ColumnElement[bool]:
    return or_(names.c.name == places.c.name, names.c.name == places.c.name_local)


def _names(kind: PlaceKind) -> Table:
    return district_names if kind == "district" else province_names


def _places(kind: PlaceKind) -> Table:
    return districts if kind == "district" else provinces
