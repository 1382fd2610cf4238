"""How far a similar name can be trusted: the figures behind `BAR` and `LEAD` of the resolver.

Usage: python -m bench.place_names

Counts over the seeds' names, the same in each run. A recorded spelling that is hidden from the
gazetteer is one that nobody knows, but we know what it means. Jaro-Winkler and Damerau-Levenshtein
are compared too where rapidfuzz is installed; the service does without it.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, delete, select, update

from app.domain.errors import UnknownPlaceError
from app.domain.places import name_key
from app.local_postgis import throwaway_postgis
from app.seeding import _load_places
from app.settings import PROJECT
from app.store.engine import make_engine
from app.store.resolving import Resolver, likeness, trigrams
from app.store.schema import migrate
from app.store.tables import district_names, districts

SEEDS = PROJECT / "seeds"
COUNTRY = "AF"
LEADS = (0.0, 0.1, 0.15, 0.2, 0.25)

Measure = Callable[[str, str], float]
Keys = Mapping[str, Collection[str]]
"""The keys of names by the id of their district."""


@dataclass(frozen=True)
class Question:
    """A key asked about `among` the districts of a province; `meant` is None for none of them."""

    key: str
    among: Keys
    meant: str | None
    known: bool = False
    """Whether a district of another province has this very name: rule 3 then always asks."""


@dataclass(frozen=True)
class Nearest:
    """The district most like a question's name, if right or wrong, and the two best scores."""

    right: bool
    first: float
    second: float


class Names:
    """The names of the seeds: districts by province, keys and spellings by district."""

    def __init__(self, connection: Connection) -> None:
        self.inside: dict[str, list[str]] = defaultdict(list)
        self.province: dict[str, str] = {}
        self.spellings: dict[str, list[str]] = defaultdict(list)
        self.owners: dict[str, set[str]] = defaultdict(set)
        for row in connection.execute(select(districts).order_by(districts.c.id)):
            self.inside[row.province_id].append(row.id)
            self.province[row.id] = row.province_id
        for row in connection.execute(select(district_names).order_by(district_names.c.name)):
            self.spellings[row.district_id].append(row.name)
            self.owners[row.key].add(row.district_id)
        self.keys = {
            district: sorted({name_key(name) for name in names})
            for district, names in self.spellings.items()
        }

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each key of each district."""
        return ((district, key) for district, keys in self.keys.items() for key in keys)

    def beside(self, district: str) -> dict[str, Collection[str]]:
        """The other districts of its province."""
        inside = self.inside[self.province[district]]
        return {other: self.keys[other] for other in inside if other != district}

    def share(self, district: str, others: Iterable[str]) -> bool:
        """Whether it has a name together with one of them."""
        return any(self.owners[key] & set(others) for key in self.keys[district])


def hidden_spellings(names: Names) -> Iterator[Question]:
    """Each spelling, hidden from its district; not those that name two in one province."""
    for district, key in names:
        others = names.beside(district)
        if not names.owners[key] & others.keys():
            own = [other for other in names.keys[district] if other != key]
            yield Question(key, {**others, district: own}, district, len(names.owners[key]) > 1)


def hidden_districts(names: Names) -> Iterator[Question]:
    """Each spelling, where the province has no such district: any answer is wrong."""
    for district, key in names:
        others = names.beside(district)
        if not names.owners[key] & others.keys():
            yield Question(key, others, None, len(names.owners[key]) > 1)


def wrong_provinces(names: Names) -> Iterator[Question]:
    """Each spelling in every other province without a namesake, as if it was on record nowhere.

    Any answer is wrong. On record, such a name is known, and none is answered.
    """
    for district, key in names:
        for province, inside in names.inside.items():
            if province != names.province[district] and not names.share(district, inside):
                yield Question(key, {other: names.keys[other] for other in inside}, None)


def letters_dropped(names: Names) -> Iterator[Question]:
    """Each spelling without each of its letters, where that is no name on record."""
    for district, key in names:
        for shorter in sorted({key[:at] + key[at + 1 :] for at in range(len(key))}):
            yield from _misspelt(names, district, shorter)


def words_dropped(names: Names) -> Iterator[Question]:
    """Each spelling without each of its words, where that is no name on record."""
    for district, spellings in names.spellings.items():
        for words in (re.split(r"[\s\-–]+", spelling) for spelling in spellings):
            for at in range(len(words)):
                shorter = name_key(" ".join(words[:at] + words[at + 1 :]))
                yield from _misspelt(names, district, shorter)


def claimed(names: Names) -> Iterator[Question]:
    """What the articles of 2021 wrote and no list has; which district is meant was read there."""
    with (SEEDS / "claims_2021.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for district, key in sorted(
        {(r["adm2_pcode"], name_key(r["district_reported"])) for r in rows}
    ):
        if district and key not in names.keys[district]:
            known = bool(names.owners.get(key))
            yield Question(key, _province_of(names, district), district, known)


def _misspelt(names: Names, district: str, key: str) -> Iterator[Question]:
    if key and key not in names.owners:
        yield Question(key, _province_of(names, district), district)


def _province_of(names: Names, district: str) -> Keys:
    return {**names.beside(district), district: names.keys[district]}


FAMILIES = {
    "spelling hidden": hidden_spellings,
    "district hidden": hidden_districts,
    "wrong province": wrong_provinces,
    "letter dropped": letters_dropped,
    "word dropped": words_dropped,
    "claims of 2021": claimed,
}


def measures() -> dict[str, tuple[Measure, tuple[float, ...]]]:
    """The measures that can be had, with the bars to try."""
    cached = cache(trigrams)
    found: dict[str, tuple[Measure, tuple[float, ...]]] = {
        "trigrams": (
            lambda one, other: likeness(cached(one), cached(other)),
            (0.45, 0.5, 0.55, 0.6, 0.65),
        )
    }
    try:
        from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler  # noqa: PLC0415
    except ImportError:
        return found
    return found | {
        "Jaro-Winkler": (JaroWinkler.normalized_similarity, (0.88, 0.92, 0.94, 0.96)),
        "Damerau-Lev.": (DamerauLevenshtein.normalized_similarity, (0.75, 0.8, 0.85, 0.9)),
    }


def nearest(question: Question, measure: Measure) -> Nearest:
    """The most similar district of the province, and by how much; nothing for a known name."""
    if question.known:
        return Nearest(False, 0.0, 0.0)
    scores = {
        district: max((measure(question.key, key) for key in keys), default=0.0)
        for district, keys in question.among.items()
    }
    best = max(scores, key=lambda district: scores[district])
    first, second = (*sorted(scores.values(), reverse=True), 0.0)[:2]
    return Nearest(best == question.meant, first, second)


def counted(answers: Iterable[Nearest], bar: float, lead: float) -> str:
    """How many are answered right, answered wrong, and asked about."""
    right = wrong = asked = 0
    for answer in answers:
        if answer.first < bar or answer.first - answer.second < lead:
            asked += 1
        elif answer.right:
            right += 1
        else:
            wrong += 1
    return f"{right}/{wrong}/{asked}"


def compare(names: Names) -> None:
    """Print right/wrong/asked of each family, by measure, bar and lead."""
    families = {label: list(ask(names)) for label, ask in FAMILIES.items()}
    _row("measure", "bar", "lead", families)
    _row("questions", "", "", (str(len(questions)) for questions in families.values()))
    for label, (measure, bars) in measures().items():
        nearby = [[nearest(q, measure) for q in questions] for questions in families.values()]
        for bar in bars:
            for lead in LEADS:
                figures = (counted(answers, bar, lead) for answers in nearby)
                _row(label, f"{bar:.2f}", f"{lead:.2f}", figures)


def check(connection: Connection, names: Names) -> None:
    """Ask the resolver itself about every spelling, hidden from its district and not hidden."""
    figures = {"with its province": [0, 0, 0], "with no province": [0, 0, 0]}
    for district, key in names:
        province = names.province[district]
        twice_there = names.owners[key] & names.beside(district).keys()
        attempt = connection.begin_nested()
        _hide(connection, district, key)
        resolver = Resolver(connection, COUNTRY)
        attempt.rollback()
        if not twice_there:
            _count(figures["with its province"], resolver, (key, province), district)
        _count(figures["with no province"], resolver, (key, None), district)
    _say("\nThe resolver, right/wrong/asked, of a spelling hidden from its district:")
    for label, (right, wrong, asked) in figures.items():
        _say(f"  {label}: {right}/{wrong}/{asked}")
    resolver = Resolver(connection, COUNTRY)
    unhidden = [0, 0, 0]
    for key, owners in names.owners.items():
        if len(owners) == 1:
            _count(unhidden, resolver, (key, None), *owners)
    _say("and, not hidden, with no province, of a spelling that only one district has:")
    _say("  {}/{}/{}".format(*unhidden))


def _hide(connection: Connection, district: str, key: str) -> None:
    connection.execute(
        delete(district_names).where(
            district_names.c.district_id == district, district_names.c.key == key
        )
    )
    own = connection.execute(select(districts).where(districts.c.id == district)).one()
    hidden = {
        column: placeholder
        for column, placeholder in (("name", "-"), ("name_local", None))
        if name_key(getattr(own, column) or "") == key
    }
    if hidden:
        connection.execute(update(districts).where(districts.c.id == district).values(hidden))


def _count(
    figures: list[int], resolver: Resolver, asked: tuple[str, str | None], meant: str
) -> None:
    try:
        found = resolver.district(None, *asked)
    except UnknownPlaceError:
        figures[2] += 1
    else:
        figures[0 if found == meant else 1] += 1


def _row(measure: str, bar: str, lead: str, figures: Iterable[str]) -> None:
    _say(f"{measure:14}{bar:>5}{lead:>6}" + "".join(f"{figure:>17}" for figure in figures))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Load the seeds' gazetteer into a throwaway PostGIS and print the figures."""
    with throwaway_postgis() as url:
        engine = make_engine(url)
        migrate(engine)
        with engine.begin() as connection:
            _load_places(connection, SEEDS, lambda *_: None)
            names = Names(connection)
            compare(names)
            check(connection, names)
        engine.dispose()


if __name__ == "__main__":
    main()
