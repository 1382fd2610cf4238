"""How well places are found by a spelling that nobody recorded: the figures of decision 14.

Usage: python -m bench.search

Over the seeds' names, the same in each run. Each recorded spelling is hidden in turn (all rows of
its district with the same `name_key`), and searched for among what is left; then a fifth of them
at once. The rules were written with half of the districts in view, the tuning half, which a hash
of the id picks; the other half is reported for itself.
"""

import csv
import hashlib
import random
import statistics
import sys
import time
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, tuple_

from app.domain.places import Sought, name_key, sound_key
from app.local_postgis import throwaway_postgis
from app.seeding import _load_places
from app.settings import PROJECT
from app.store import matching, search
from app.store.engine import Engine, make_engine
from app.store.schema import migrate
from app.store.tables import countries, district_names, districts, provinces

SEEDS = PROJECT / "seeds"
COUNTRY = "AF"
HALVES = ("tuning", "reported")
HELD_OUT = 0.2
SEED = 2021
DISTRICTS, NAMES_EACH, TIMED = 50_000, 4, 200
BANDS = (0.9, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0)

# Names that are no spelling of any other name of their district: another name of its centre, of
# the region, of a tribe; and scraps that a list has in the place of a name. No comparison of
# spellings can find these. Told apart by a person who read the lists, not by a score.
OTHER_NAMES = {
    (district, name_key(name))
    for district, names in {
        "AF0304": ["a Sayyid Karam in Paktia"],
        "AF0309": ["Lolinge"],
        "AF0606": ["Khewa"],
        "AF0610": ["Haska Mina"],
        "AF0701": ["Laghman Centre"],
        "AF0803": ["Hisa-I-Duwum Panjsher"],
        "AF0805": ["Hisa-e-Char Panjshir"],
        "AF0807": ["Hisa-I-Awali Panjsher"],
        "AF1117": ["Janda"],
        "AF1207": ["Katawaz"],
        "AF1309": ["Mangal"],
        "AF1404": ["Dargai"],
        "AF1407": ["Yaqubi"],
        "AF1408": ["Alisher"],
        "AF1412": ["Dowa Mandi"],
        "AF1507": ["Mano Gai"],
        "AF1604": ["Nuristan"],
        "AF1717": ["Kishmi Bala"],
        "AF1718": ["Girwan"],
        "AF1722": ["Mai Mai"],
        "AF1905": ["Kalbad"],
        "AF2501": ["انتخاب کردن"],
        "AF2504": ["Charchino"],
        "AF2611": ["Khak-e-Afghan"],
        "AF2910": ["Lowlash"],
        "AF3004": ["Grishk"],
        "AF3006": ["Darwishan"],
        "AF3207": ["Rubat-i-Sangi"],
        "AF3214": ["Esfezar"],
        "AF3402": ["Qafak"],
    }.items()
    for name in names
}


@dataclass(frozen=True)
class Spelling:
    """A name to hide; `twins` are districts that have this very name too."""

    district: str
    province: str
    name: str
    key: str
    script: str
    twins: frozenset[str]

    @property
    def half(self) -> str:
        """Which half its district is in."""
        return HALVES[hashlib.sha256(self.district.encode()).digest()[0] % 2]

    @property
    def kind(self) -> str:
        """What can be asked of a search for it."""
        if self.twins:
            return "namesake"
        return "other name" if (self.district, self.key) in OTHER_NAMES else "spelling"


@dataclass(frozen=True)
class Answer:
    """Where the district came in the list (None: not among the first five), and what was first."""

    spelling: Spelling
    place: int | None
    score: float
    """Of the first, right or wrong; 0 where nothing was found."""


def spellings(connection: Connection) -> list[Spelling]:
    """Each name of each district once, whatever the case and accents."""
    owners: dict[str, set[str]] = {}
    first: dict[tuple[str, str], Any] = {}
    rows = connection.execute(
        select(district_names, districts.c.province_id)
        .join(districts)
        .order_by(district_names.c.district_id, district_names.c.name)
    )
    for row in rows:
        owners.setdefault(row.key, set()).add(row.district_id)
        first.setdefault((row.district_id, row.key), row)
    return [
        Spelling(
            district,
            row.province_id,
            row.name,
            key,
            row.script or "",
            frozenset(owners[key] - {district}),
        )
        for (district, key), row in first.items()
    ]


def leave_one_out(
    connection: Connection, asked: Iterable[Spelling], *, with_province: bool = False
) -> Iterator[Answer]:
    """Search for each spelling, hidden alone."""
    for spelling in asked:
        attempt = connection.begin_nested()
        _hide(connection, [spelling])
        yield _answer(connection, spelling, with_province=with_province)
        attempt.rollback()


def hold_out(connection: Connection, asked: Sequence[Spelling]) -> list[Answer]:
    """Search for a fifth of the spellings, all hidden at once; of a district one always stays."""
    chance = random.Random(SEED)  # noqa: S311 - the same draw in each run
    hidden: list[Spelling] = []
    left = {s.district: 0 for s in asked}
    for spelling in asked:
        left[spelling.district] += 1
    for spelling in chance.sample(asked, len(asked)):
        if len(hidden) < HELD_OUT * len(asked) and left[spelling.district] > 1:
            hidden.append(spelling)
            left[spelling.district] -= 1
    attempt = connection.begin_nested()
    _hide(connection, hidden)
    answers = [_answer(connection, spelling) for spelling in hidden]
    attempt.rollback()
    return answers


def tell_claims(connection: Connection, asked: Sequence[Spelling]) -> None:
    """Print recall for what the articles of 2021 wrote and no list has."""
    known = {(spelling.district, spelling.key) for spelling in asked}
    province = {spelling.district: spelling.province for spelling in asked}
    with (SEEDS / "claims_2021.csv").open(encoding="utf-8", newline="") as file:
        written = {(row["adm2_pcode"], row["district_reported"]) for row in csv.DictReader(file)}
    unseen = [
        Spelling(district, province[district], name, name_key(name), "Latn", frozenset())
        for district, name in sorted(written)
        if district and (district, name_key(name)) not in known
    ]
    _say("\nWritten in articles of 2021, and in no list: questions, recall at 1, recall at 5")
    _say(f"  {recall([_answer(connection, spelling) for spelling in unseen])}")


def _hide(connection: Connection, hidden: Iterable[Spelling]) -> None:
    pairs = [(spelling.district, spelling.key) for spelling in hidden]
    key = tuple_(district_names.c.district_id, district_names.c.key)
    connection.execute(delete(district_names).where(key.in_(pairs)))


def _answer(connection: Connection, spelling: Spelling, *, with_province: bool = False) -> Answer:
    where = search.Where(COUNTRY, (spelling.province,) if with_province else None, limit=5)
    found = search.find(connection, "district", Sought.of(spelling.name), where)
    ids = [one.id for one in found]
    place = ids.index(spelling.district) + 1 if spelling.district in ids else None
    return Answer(spelling, place, found[0].match.score if found else 0.0)


def recall(answers: Sequence[Answer]) -> str:
    """How many were asked, and the share that came first and among the first five."""
    if not answers:
        return "0"
    first = sum(answer.place == 1 for answer in answers) / len(answers)
    five = sum(answer.place is not None for answer in answers) / len(answers)
    return f"{len(answers):>6}  {first:.3f}  {five:.3f}"


def tell_recall(title: str, answers: Sequence[Answer]) -> None:
    """Print recall at 1 and 5 by half, kind and script."""
    _say(f"\n{title}: questions, recall at 1, recall at 5")
    for half in (*HALVES, "both"):
        of_half = [a for a in answers if half in (a.spelling.half, "both")]
        seen = [a for a in of_half if a.spelling.kind != "namesake"]
        groups = {
            "all but namesakes": seen,
            "spellings": [a for a in seen if a.spelling.kind == "spelling"],
            "  in Latin script": [
                a for a in seen if (a.spelling.kind, a.spelling.script) == ("spelling", "Latn")
            ],
            "  in Arabic script": [
                a for a in seen if (a.spelling.kind, a.spelling.script) == ("spelling", "Arab")
            ],
            "other names": [a for a in seen if a.spelling.kind == "other name"],
            "namesakes": [a for a in of_half if a.spelling.kind == "namesake"],
        }
        for label, group in groups.items():
            _say(f"  {half:9} {label:20} {recall(group)}")


def tell_scores(connection: Connection, answers: Sequence[Answer], asked: list[Spelling]) -> None:
    """Print how often the first answer is right by its score, and what names of nowhere get."""
    _say(
        "\nThe first answer by its score: right / wrong; and the first answers for names of nowhere"
    )
    unseen = [a for a in answers if a.spelling.kind != "namesake"]
    absent = [a.score for a in _districts_hidden(connection, asked)]
    cities = [_best(connection, city) for city in _cities()]
    _say(f"  {'score':12}{'spelling hidden':>18}{'district hidden':>18}{'cities of the world':>22}")
    upper = 1.01
    for lower in BANDS:
        inside = [a for a in unseen if lower <= a.score < upper]
        right = sum(a.place == 1 for a in inside)
        counts = [sum(lower <= score < upper for score in scores) for scores in (absent, cities)]
        band = f"{lower:.1f} to {min(upper, 1):.1f}"
        told = f"{right} / {len(inside) - right}"
        _say(f"  {band:12}{told:>18}{counts[0]:>18}{counts[1]:>22}")
        upper = lower
    _say(f"  {'all':12}{len(unseen):>18}{len(absent):>18}{len(cities):>22}")


def _districts_hidden(connection: Connection, asked: list[Spelling]) -> Iterator[Answer]:
    """Search for the names of each district while all of its names are hidden."""
    by_district: dict[str, list[Spelling]] = {}
    for spelling in asked:
        by_district.setdefault(spelling.district, []).append(spelling)
    for hidden in by_district.values():
        attempt = connection.begin_nested()
        _hide(connection, hidden)
        yield from (_answer(connection, one) for one in hidden if not one.twins)
        attempt.rollback()


def _cities() -> list[str]:
    """Places that time zones are named after, none of them a district."""
    names = {zone.rpartition("/")[2].replace("_", " ") for zone in zoneinfo.available_timezones()}
    return sorted(
        name for name in names if name.isascii() and name[:3].isalpha() and name != "Kabul"
    )


def _best(connection: Connection, name: str) -> float:
    found = search.find(connection, "district", Sought.of(name), search.Where(COUNTRY, limit=1))
    return found[0].match.score if found else 0.0


def tell_sure(connection: Connection, asked: list[Spelling]) -> None:
    """Print how often the reconciliation service is sure, and right."""
    _say("\nWhat is called sure: right / wrong / not sure")
    for hidden in (True, False):
        for provinces_given in (True, False):
            counts = [0, 0, 0]
            for spelling in asked:
                attempt = connection.begin_nested()
                if hidden:
                    _hide(connection, [spelling])
                given = (spelling.province,) if provinces_given else ()
                cell = matching.Cell(spelling.name, COUNTRY, provinces=given)
                sure = [c for c in matching.candidates(connection, cell, 5) if c.sure]
                attempt.rollback()
                right = [c for c in sure if c.found.id == spelling.district]
                counts[0 if right else 1 if sure else 2] += 1
            _say(
                f"  {'hidden' if hidden else 'on record':10}"
                f"{'with' if provinces_given else 'without'} its province: "
                + " / ".join(map(str, counts))
            )


def tell_time(engine: Engine, asked: list[Spelling]) -> None:
    """Print what a search takes, in the seeds and in a big gazetteer, with and without indexes."""
    chance = random.Random(SEED)  # noqa: S311 - the same draw in each run
    sample = chance.sample(asked, TIMED)
    with engine.connect() as connection:
        _timed(connection, sample, COUNTRY, "the seeds")
    with engine.begin() as connection:
        _fill(connection, asked, chance)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE district_names"))
    with engine.connect() as connection:
        label = f"{DISTRICTS:,} x {NAMES_EACH}"
        _timed(connection, sample, "XX", label)
        connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        _timed(connection, sample[:20], "XX", f"{label}, no index")
    with engine.connect() as connection:
        match = search.matches(connection, "district", Sought.of("Kaisaar"))
        plan = connection.execute(
            text("EXPLAIN " + str(_literal(connection, select(match))))
        ).scalars()
        lines = [line.strip() for line in plan if "district_names" in line]
        _say("\nThe plan of a search for Kaisaar there, where it reads names:")
        for line in lines:
            _say(f"  {line}")


def _literal(connection: Connection, statement: Any) -> str:
    compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
    # The driver would read the operator as a parameter.
    return str(compiled).replace("%%", "%").replace(":", "\\:")


def _timed(connection: Connection, sample: list[Spelling], country: str, label: str) -> None:
    taken = []
    for spelling in [*sample, *sample]:  # the first round only warms up
        started = time.perf_counter()
        where = search.Where(country, limit=10)
        search.find(connection, "district", Sought.of(spelling.name), where)
        taken.append((time.perf_counter() - started) * 1000)
    taken = taken[len(sample) :]
    slowest = statistics.quantiles(taken, n=20)[-1]
    _say(f"  {label:28} median {statistics.median(taken):8.1f} ms   95 %: {slowest:8.1f} ms")


def _fill(connection: Connection, asked: list[Spelling], chance: random.Random) -> None:
    """A country of many districts, with names put together from the words of real ones."""
    words = sorted({w for s in asked if s.script == "Latn" for w in s.name.split() if len(w) > 3})
    connection.execute(
        insert(countries).values(code="XX", name="Elsewhere", time_zone="Asia/Kabul")
    )
    connection.execute(insert(provinces).values(id="XX01", country_code="XX", name="Everything"))
    placed, named = [], []
    for number in range(DISTRICTS):
        id_ = f"XX{number:06}"
        names = {" ".join(chance.sample(words, 2)) for _ in range(NAMES_EACH)}
        placed.append({"id": id_, "province_id": "XX01", "name": min(names)})
        named += [
            {"district_id": id_, "name": n, "key": name_key(n), "sound": sound_key(n)}
            for n in sorted(names)
        ]
    connection.execute(insert(districts), placed)
    connection.execute(insert(district_names), named)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Load the seeds' gazetteer into a throwaway PostGIS and print the figures."""
    with throwaway_postgis() as url:
        engine = make_engine(url)
        migrate(engine)
        with engine.begin() as connection:
            _load_places(connection, SEEDS, lambda *_: None)
        with engine.connect() as connection:
            asked = spellings(connection)
            kinds = {kind: sum(s.kind == kind for s in asked) for kind in ("spelling", "namesake")}
            _say(f"{len(asked)} spellings of {len({s.district for s in asked})} districts: {kinds}")
            alone = list(leave_one_out(connection, asked))
            tell_recall("Each hidden alone", alone)
            tell_recall(
                "Each hidden alone, with its province",
                list(leave_one_out(connection, asked, with_province=True)),
            )
            tell_recall("A fifth hidden at once", hold_out(connection, asked))
            tell_claims(connection, asked)
            tell_scores(connection, alone, asked)
            tell_sure(connection, asked)
        _say("\nTime of a search:")
        tell_time(engine, asked)
        engine.dispose()


if __name__ == "__main__":
    main()
