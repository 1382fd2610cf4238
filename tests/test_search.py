"""Finding places by name: how they are ranked, what is sure, and that indexes serve it."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text

from app.domain.places import Reduced, Sought, name_key, sound_key
from app.store import search
from app.store.engine import make_engine, reading
from app.store.matching import Cell, candidates
from app.store.schema import migrate
from app.store.search import Found, Where
from app.store.tables import (
    countries,
    district_names,
    districts,
    metadata,
    province_names,
    provinces,
)


@pytest.fixture
def connection(seeded: Engine) -> Iterator[Connection]:
    with reading(seeded) as connection:
        yield connection


@pytest.fixture
def own(own_seeded: Engine) -> Iterator[Connection]:
    with own_seeded.connect() as connection:
        yield connection


def find(connection: Connection, name: str, *inside: str, limit: int = 10) -> list[Found]:
    where = Where("AF", inside or None, limit)
    return search.find(connection, "district", Sought.of(name), where)


def add(connection: Connection, district: str, *names: str) -> None:
    connection.execute(
        insert(district_names),
        [
            {"district_id": district, "name": n, "key": name_key(n), "sound": sound_key(n)}
            for n in names
        ],
    )


# Ranks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "district", "how", "matched"),
    [
        ("Qaysar", "AF2907", "exact", "Qaysar"),
        ("qaysar", "AF2907", "exact", "Qaysar"),
        ("قیصار", "AF2907", "exact", "قیصار"),
        ("af2907", "AF2907", "exact", "Qaysar"),
        ("Qaisar", "AF2907", "alias", "Qaisar"),
        ("Kaisaar", "AF2907", "sound", None),
        ("Kayssar", "AF2907", "sound", None),
        ("د قيسار", "AF2907", "sound", None),
        ("Qeysar district", "AF2907", "sound", None),
        ("Qaysarr", "AF2907", "sound", None),
        ("Qaisab", "AF2907", "fuzzy", None),
        ("Dasht e Archee", "AF1906", "sound", None),
        ("Lashkarga", "AF3001", "sound", None),
        ("Spin Buldag", "AF2711", "fuzzy", "Spin Buldak"),
        ("Shinwari", "AF0303", "exact", "Shinwari"),
    ],
)
def test_the_best_match_comes_first(
    connection: Connection, name: str, district: str, how: str, matched: str | None
) -> None:
    first = find(connection, name)[0]
    assert (first.id, first.match.how) == (district, how)
    assert matched in (None, first.match.name)
    bounds = {"exact": (1, 1), "alias": (0.98, 0.98), "sound": (0.9, 0.95), "fuzzy": (0, 0.89)}
    low, high = bounds[how]
    assert low <= first.match.score <= high


def test_its_own_name_goes_before_an_alias_and_equals_by_id(connection: Connection) -> None:
    nawa = [(one.id, one.match.how) for one in find(connection, "Nawa")]
    assert nawa[:2] == [("AF1119", "exact"), ("AF3003", "alias")]
    kohistan = [(one.id, one.match.score) for one in find(connection, "Kohistan")]
    assert kohistan[:2] == [("AF1708", 1), ("AF2910", 1)]


def test_scores_fall_and_each_place_comes_once(connection: Connection) -> None:
    for name in ("Surobi", "Jaji", "abad", "بالا", "Kohistan Faryab"):
        found = find(connection, name, limit=1000)
        order = [(-one.match.score, one.id) for one in found]
        assert order == sorted(order)
        assert len({one.id for one in found}) == len(found) > 1
        assert all(0 < one.match.score <= 1 for one in found)


def test_part_of_a_name_is_found_and_the_longer_part_better(connection: Connection) -> None:
    assert {one.id for one in find(connection, "Balla", limit=50)} >= {"AF1727"}
    score = [
        next(one.match.score for one in find(connection, part, limit=100) if one.id == "AF3105")
        for part in ("Murg", "Murgha")
    ]
    assert score[0] < score[1] < 0.9


@pytest.mark.parametrize(
    "name",
    [
        "Kohistan Faryab",
        "Faryab: Kohistan",
        "Kohistan, Fariab",
        "Kohistan AF29",
        "Kohistan (AF-FYB)",
        "کوهستان فاریاب",
        "کوهستان ولایت فاریاب",
        "Kohistan district of Faryab province",
    ],
)
def test_a_province_in_the_text_tells_namesakes_apart(connection: Connection, name: str) -> None:
    first, second = find(connection, name)[:2]
    assert (first.id, first.match.how) == ("AF2910", "exact")
    assert second.match.score < 0.7


def test_a_name_that_looks_like_one_with_a_province_is_still_a_name(connection: Connection) -> None:
    for name, district in (("Khas Kunar", "AF1510"), ("Khas Uruzgan", "AF2505")):
        first = find(connection, name)[0]
        assert (first.id, first.match.how) == (district, "exact")


def test_a_place_can_be_looked_for_in_a_country_and_provinces(connection: Connection) -> None:
    assert [one.id for one in find(connection, "Kohistan", "AF29")] == ["AF2910"]
    assert {one.id for one in find(connection, "Surobi", "AF01", "AF12", limit=2)} == {
        "AF0115",
        "AF1210",
    }
    assert search.find(connection, "district", Sought.of("Qaysar"), Where("XX")) == []
    assert find(connection, "Kohistan", limit=1000)[3:5] == search.find(
        connection, "district", Sought.of("Kohistan"), Where("AF", limit=2, skipped=3)
    )


@pytest.mark.parametrize("name", ["Herat", "هرات", "AF32", "Hirat", "Heraat"])
def test_provinces_are_found_too(connection: Connection, name: str) -> None:
    first = search.find(connection, "province", Sought.of(name), Where("AF"))[0]
    assert (first.id, first.province) == ("AF32", None)
    assert first.match.score >= 0.9


def test_provinces_are_called_by_name_code_or_id(connection: Connection) -> None:
    written = ["Faryab", "AF-FYB", "af29", "فارياب", "Faryaab", "Paryab", "Kabul", "%"]
    found = search.provinces_called(connection, [Reduced.of(name) for name in written], "AF")
    assert found == [{"AF29"}] * 5 + [set(), {"AF01"}, set()]
    assert search.provinces_called(connection, [Reduced.of("Faryab")], "XX") == [set()]


def test_stored_sounds_are_those_that_queries_are_reduced_to(connection: Connection) -> None:
    for names in (district_names, province_names):
        rows = connection.execute(select(names.c.name, names.c.key, names.c.sound)).all()
        assert [row for row in rows if row.sound != sound_key(row.name)] == []
        assert rows


def test_spellings_never_seen_are_found(own: Connection) -> None:
    """A sample of what `bench.search` measures; its goals are 0.95 and 0.99."""
    rows = own.execute(
        select(district_names).order_by(district_names.c.district_id, district_names.c.name)
    ).all()
    shared = set(
        own.scalars(
            text("SELECT key FROM district_names GROUP BY 1 HAVING count(DISTINCT district_id) > 1")
        )
    )
    asked = [row for row in rows[::9] if row.key not in shared]
    first = five = 0
    for row in asked:
        attempt = own.begin_nested()
        own.execute(
            delete(district_names).where(
                district_names.c.district_id == row.district_id, district_names.c.key == row.key
            )
        )
        ids = [one.id for one in find(own, row.name, limit=5)]
        attempt.rollback()
        first += ids[:1] == [row.district_id]
        five += row.district_id in ids
    assert len(asked) > 150
    assert first / len(asked) > 0.9
    assert five / len(asked) > 0.95


# What is sure -----------------------------------------------------------------------------------


def sure(connection: Connection, name: str, *inside: str) -> str | None:
    found = candidates(connection, Cell(name, "AF", provinces=inside), 5)
    ids = [one.found.id for one in found if one.sure]
    assert len(ids) <= 1
    return ids[0] if ids else None


@pytest.mark.parametrize(
    ("name", "inside", "expected"),
    [
        ("Qaisar", (), "AF2907"),
        ("قيصار", (), "AF2907"),
        ("AF2907", (), "AF2907"),
        ("AF2907", ("Kunar",), None),  # not there
        ("Kaisaar", (), None),  # sounds so, and is on record nowhere
        ("Qaisab", (), None),
        ("Kohistan", (), None),
        ("Kohistan", ("Faryab",), "AF2910"),
        ("Kohistan", ("AF29",), "AF2910"),
        ("Kohistan", ("Faryab", "Badakhshan"), None),
        ("Kohistan", ("Atlantis",), None),
        ("Qaisar", ("Atlantis",), None),
        ("Qaisar", ("", " - "), "AF2907"),
        ("Qaisar", ("Ghor",), None),
        ("Kohistan Faryab", (), "AF2910"),
        ("Sorubi", (), None),  # shares other names with another district
        ("Sorubi", ("Kabul",), "AF0115"),
        ("Patoo", (), None),  # so does this one, but no name that sounds like it
        ("Patoo", ("Daykundi",), "AF2409"),
        ("Bar Kunar", ("Kunar",), None),  # two of one province
        ("", (), None),
        ("---", (), None),
        ("a" * 201, (), None),
    ],
)
def test_only_what_leaves_no_doubt_is_sure(
    connection: Connection, name: str, inside: tuple[str, ...], expected: str | None
) -> None:
    assert sure(connection, name, *inside) == expected


def test_a_name_that_sounds_like_anothers_is_not_sure(own: Connection) -> None:
    assert sure(own, "Zaranj") == "AF3401"
    add(own, "AF0102", "Zarranj")
    assert sure(own, "Zaranj") is None
    assert sure(own, "Zaranj", "Nimroz") == "AF3401"


def test_a_place_of_each_kind_with_one_name_is_not_sure(connection: Connection) -> None:
    both = Cell("Kabul", "AF", kinds=("district", "province"))
    found = candidates(connection, both, 5)
    assert {one.found.id for one in found[:2]} == {"AF01", "AF0101"}
    assert not any(one.sure for one in found)
    assert [one.sure for one in candidates(connection, Cell("Kabul", "AF", ("province",)), 1)] == [
        True
    ]


# Indexes and migrations -------------------------------------------------------------------------


def test_a_big_gazetteer_is_searched_by_its_indexes(migrated: Engine) -> None:
    chance = random.Random(1)  # noqa: S311 - the same names in each run
    syllables = ["qa", "sar", "kho", "ban", "dar", "shi", "gul", "mir", "zar", "tep", "lan", "wur"]
    made = ["".join(chance.choices(syllables, k=5)) for _ in range(20_000)]
    with migrated.begin() as connection:
        connection.execute(insert(countries).values(code="XX", name="X", time_zone="UTC"))
        connection.execute(insert(provinces).values(id="XX01", country_code="XX", name="One"))
        connection.execute(
            insert(districts),
            [{"id": f"XX{n:05}", "province_id": "XX01", "name": m} for n, m in enumerate(made)],
        )
        connection.execute(
            insert(district_names),
            [
                {"district_id": f"XX{n:05}", "name": m, "key": m, "sound": sound_key(m)}
                for n, m in enumerate(made)
            ],
        )
    # What is new lies in lists beside the indexes until a vacuum, which comes by itself.
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with reading(migrated) as connection:
        match = search.matches(connection, "district", Sought.of("Qasarbanlon"))
        compiled = select(match).compile(connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}").scalars())
    assert "district_names_sound_trigrams_idx" in plan
    assert "district_names_key_trigrams_idx" in plan
    assert "Seq Scan on district_names" not in plan


def test_names_that_were_stored_before_are_given_their_sounds(blank_url: str) -> None:
    engine = make_engine(blank_url)
    migrate(engine, "0003")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO countries VALUES ('AF', 'Afghanistan', 'Asia/Kabul')",
            "INSERT INTO provinces (id, country_code, name) VALUES ('AF29', 'AF', 'Faryab')",
            "INSERT INTO districts (id, province_id, name) VALUES ('AF2907', 'AF29', 'Qaysar')",
            "INSERT INTO province_names (province_id, name, key) VALUES ('AF29', 'Fariab', 'f')",
            "INSERT INTO district_names (district_id, name, key) VALUES ('AF2907', 'Qaisar', 'q'),"
            " ('AF2907', 'قیصار', 'k')",
        ):
            connection.execute(text(statement))
    migrate(engine)
    with engine.connect() as connection:
        for table in (district_names, province_names):
            rows = connection.execute(select(table.c.name, table.c.sound)).all()
            assert [sound_key(name) for name, _ in rows] == [sound for _, sound in rows]
        assert find(connection, "Kaysar")[0].id == "AF2907"
    assert "sound" in metadata.tables["district_names"].c
    engine.dispose()
