"""Which district a row means: every rule of the resolver, on the real gazetteer."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, update

from app.domain.errors import UnknownPlaceError
from app.domain.places import name_key, sound_key
from app.settings import PROJECT
from app.store.resolving import BAR, LEAD, Resolver, likeness, trigrams
from app.store.tables import countries, district_names, districts, province_names, provinces

# Two districts each have this as their name in the code scheme.
DOUBLED = {
    "Arghandab": {"AF2605", "AF2702"},
    "Baharak": {"AF1706", "AF1803"},
    "Dawlat Abad": {"AF2109", "AF2909"},
    "Fayzabad": {"AF1701", "AF2808"},
    "Jaghatu": {"AF0408", "AF1106"},
    "Jani Khel": {"AF1209", "AF1309"},
    "Kohistan": {"AF1708", "AF2910"},
    "Muqur": {"AF1115", "AF3103"},
    "Qara Bagh": {"AF0114", "AF1111"},
    "Surobi": {"AF0115", "AF1210"},
    "Tagab": {"AF0206", "AF1717"},
}


@pytest.fixture
def connection(seeded: Engine) -> Iterator[Connection]:
    """The seeds; what a test writes is taken back."""
    with seeded.connect() as connection:
        yield connection


@pytest.fixture
def resolver(connection: Connection) -> Resolver:
    return Resolver(connection, "AF")


def doubt(
    resolver: Resolver, code: str | None, name: str | None, province: str | None
) -> UnknownPlaceError:
    with pytest.raises(UnknownPlaceError) as caught:
        resolver.district(code, name, province)
    return caught.value


def ids(error: UnknownPlaceError) -> set[str]:
    return {candidate.id for candidate in error.candidates}


def add_district(connection: Connection, district: str, province: str, *names: str) -> None:
    connection.execute(insert(districts).values(id=district, province_id=province, name=names[0]))
    for name in names:
        add_name(connection, district, name)


def add_name(connection: Connection, district: str, name: str) -> None:
    connection.execute(
        insert(district_names).values(
            district_id=district, name=name, key=name_key(name), sound=sound_key(name)
        )
    )


def add_neighbour(connection: Connection) -> None:
    """A second country: a Faryab of its own, with a Qaysar and a Termez."""
    connection.execute(insert(countries).values(code="UZ", name="Uz", time_zone="Asia/Tashkent"))
    connection.execute(insert(provinces).values(id="UZ01", country_code="UZ", name="Faryab"))
    connection.execute(
        insert(province_names).values(
            province_id="UZ01", name="Surxon", key="surxon", sound="srksn sorksn"
        )
    )
    add_district(connection, "UZ0101", "UZ01", "Qaysar")
    add_district(connection, "UZ0102", "UZ01", "Termez")


# Rule 1: codes -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["AF2907", "af2907", " AF2907 "])
@pytest.mark.parametrize("name", [None, "", "Qaysar", "قیصار", "Kaisaristan"])
@pytest.mark.parametrize("province", [None, " ", "Faryab", "af29", "AF-FYB"])
def test_a_code_wins_over_an_unknown_spelling(
    resolver: Resolver, code: str, name: str | None, province: str | None
) -> None:
    assert resolver.district(code, name, province) == "AF2907"


@pytest.mark.parametrize(
    ("name", "province", "candidates"),
    [
        ("Qaysar", "Faryab", {"AF2907"}),
        ("Qaysar", None, {"AF2907"}),
        ("Kohistan", "Faryab", {"AF2910"}),
        (None, None, set()),
    ],
)
@pytest.mark.parametrize("code", ["AF9999", "AF29", "29", "Qaysar"])
def test_a_code_that_no_district_has_is_an_error_with_candidates_by_name(
    resolver: Resolver, code: str, name: str | None, province: str | None, candidates: set[str]
) -> None:
    error = doubt(resolver, code, name, province)
    assert error.field == "district_code"
    assert candidates <= ids(error)
    assert bool(candidates) == bool(ids(error))


def test_a_code_with_the_name_of_another_district_is_a_contradiction(resolver: Resolver) -> None:
    error = doubt(resolver, "AF2910", "Qaysar", "Faryab")
    assert error.field == "district"
    assert ids(error) == {"AF2907", "AF2910"}
    assert error.candidates[0].id == "AF2907"


def test_a_code_of_one_namesake_in_the_province_of_the_other_is_a_contradiction(
    resolver: Resolver,
) -> None:
    error = doubt(resolver, "AF1708", "Kohistan", "Faryab")
    assert error.field == "district"
    assert ids(error) == {"AF1708", "AF2910"}


@pytest.mark.parametrize("name", [None, "Nobody knows it"])
def test_a_code_beside_another_province_and_no_name_of_it_is_a_contradiction(
    resolver: Resolver, name: str | None
) -> None:
    error = doubt(resolver, "AF2907", name, "Badghis")
    assert error.field == "province"
    assert ids(error) == {"AF2907"}


def test_a_code_and_its_name_outweigh_a_province_that_lacks_the_name(resolver: Resolver) -> None:
    assert resolver.district("AF2907", "Qaysar", "Badghis") == "AF2907"


@pytest.mark.parametrize("code", ["AF1508", "AF1511"])
def test_a_code_settles_a_name_that_two_districts_of_a_province_have(
    resolver: Resolver, code: str
) -> None:
    assert resolver.district(code, "Bar Kunar", "Kunar") == code


def test_a_code_stands_beside_a_name_that_another_province_has(resolver: Resolver) -> None:
    # An article of 2021 writes it so; the lists have this spelling for Jawzjan's alone.
    assert resolver.district("AF1701", "Faizabad", "Badakhshan") == "AF1701"
    assert resolver.district("AF1701", "Faizabad", None) == "AF1701"


@pytest.mark.parametrize("province", ["Farjab", "???"])
def test_a_province_that_nobody_knows_says_nothing_beside_a_code(
    resolver: Resolver, province: str
) -> None:
    assert resolver.district("AF2907", "Qaysar", province) == "AF2907"
    assert resolver.district("AF2907", "Kohistan", province) == "AF2907"


def test_all_codes_of_the_claims_stand(resolver: Resolver, shared_data: Path) -> None:
    seeds = PROJECT / "seeds"
    files = [seeds / "claims_2021.csv", seeds / "claims_added.csv"]
    for path in [*files, shared_data / "claims_2021.csv"]:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                code, name = row["adm2_pcode"], row["district_reported"]
                if code:
                    assert resolver.district(code, name, row["province_reported"]) == code, row


def test_the_claims_without_their_codes_lead_to_the_same_districts_or_to_none(
    resolver: Resolver,
) -> None:
    answered = 0
    with (PROJECT / "seeds" / "claims_2021.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for province in (row["province_reported"], None):
            try:
                found = resolver.district(None, row["district_reported"], province)
            except UnknownPlaceError:
                continue
            assert found == row["adm2_pcode"], row
            answered += province is not None
    assert answered >= 0.9 * len(rows)


# Rule 2: a name within a province -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "province", "expected"),
    [
        ("Qaysar", "Faryab", "AF2907"),
        ("Qaisar", "Faryab", "AF2907"),
        ("قیصار", "فاریاب", "AF2907"),
        ("قيصار", "فارياب", "AF2907"),
        ("qaysar", "FARYAB", "AF2907"),
        ("Qaysar", "AF29", "AF2907"),
        ("Qaysar", "af29", "AF2907"),
        ("Qaysar", "AF-FYB", "AF2907"),
        (" Qaysar ", " Faryab\t", "AF2907"),
        ("Dasht-e Archi", "Kunduz", "AF1906"),
        ("dasht e archi", "Kunduz", "AF1906"),
        ("DASHT-E-ARCHI", "Kunduz", "AF1906"),
        ("Gizab", "Daykundi", "AF2409"),
        ("Gizab", "Uruzgan", "AF2507"),
        ("Patoo", "Daykundi", "AF2409"),
        ("Ghazi Abad", "Kunar", "AF1511"),
    ],
)
def test_an_exact_name_within_a_province(
    resolver: Resolver, name: str, province: str, expected: str
) -> None:
    assert resolver.district(None, name, province) == expected


@pytest.mark.parametrize("name", DOUBLED)
def test_a_doubled_name_is_one_district_in_its_province_and_a_doubt_without(
    resolver: Resolver, connection: Connection, name: str
) -> None:
    for district in DOUBLED[name]:
        province = connection.scalar(
            select(districts.c.province_id).where(districts.c.id == district)
        )
        assert resolver.district(None, name, province) == district
        assert resolver.district("", name.upper(), province) == district
    error = doubt(resolver, None, name, None)
    assert error.field == "district"
    assert DOUBLED[name] <= ids(error)
    assert {c.score for c in error.candidates if c.id in DOUBLED[name]} == {1}


@pytest.mark.parametrize(
    ("name", "province", "candidates"),
    [
        # A district's own name does not beat the alias of another.
        ("Bar Kunar", "Kunar", {"AF1508", "AF1511"}),
        ("Hirat", "Hirat", {"AF3201", "AF3202"}),
        ("گذره", "Hirat", {"AF3203", "AF3207"}),
    ],
)
def test_a_name_of_two_districts_of_a_province_stays_ambiguous(
    resolver: Resolver, name: str, province: str, candidates: set[str]
) -> None:
    error = doubt(resolver, None, name, province)
    assert error.field == "district"
    assert ids(error) == candidates
    assert all(candidate.score == 1 for candidate in error.candidates)


def test_a_doubled_name_is_no_third_district(resolver: Resolver) -> None:
    error = doubt(resolver, None, "Kohistan", "Baghlan")
    assert error.field == "district"
    assert DOUBLED["Kohistan"] <= ids(error)


def test_an_unknown_province_is_an_error_with_those_of_a_similar_name(resolver: Resolver) -> None:
    error = doubt(resolver, None, "Qaysar", "Farjab")
    assert error.field == "province"
    assert error.candidates[0].id == "AF29"
    assert error.candidates[0].name == "Faryab"
    assert error.candidates[0].province is None


@pytest.mark.parametrize("province", ["???", "AF99", "AF2907", "-"])
def test_a_province_that_is_like_none_is_still_an_error(resolver: Resolver, province: str) -> None:
    assert doubt(resolver, None, "Qaysar", province).field == "province"


def test_a_name_of_two_provinces_is_ambiguous(connection: Connection) -> None:
    connection.execute(
        insert(province_names).values(
            province_id="AF31", name="Faryab", key="faryab", sound="frb frib"
        )
    )
    error = doubt(Resolver(connection, "AF"), None, "Qaysar", "Faryab")
    assert error.field == "province"
    assert ids(error) == {"AF29", "AF31"}


# Rule 3: a similar name within a province -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "province", "expected"),
    [
        ("Khan Chahar Bagh", "Faryab", "AF2914"),
        ("Gilan", "Ghazni", "AF1117"),
        ("Baghlan-e Markazi", "Baghlan", "AF0905"),
        ("Chahar Dara", "Kunduz", "AF1902"),
        ("Khwaja Sabz Push", "Faryab", "AF2903"),
    ],
)
def test_a_similar_name_that_stands_out(
    resolver: Resolver, connection: Connection, name: str, province: str, expected: str
) -> None:
    on_record = connection.scalars(select(district_names.c.key)).all()
    assert name_key(name) not in on_record
    assert resolver.district(None, name, province) == expected


@pytest.mark.parametrize(
    ("name", "province"),
    [
        ("Mirzakai", "Paktia"),
        ("Gol Tapa", "Kunduz"),
        ("Qaysar", "Badghis"),
        ("???", "Faryab"),
        ("قیصار", "Kabul"),
    ],
)
def test_what_is_no_district_of_the_province_is_an_error(
    resolver: Resolver, name: str, province: str
) -> None:
    assert doubt(resolver, None, name, province).field == "district"


def test_the_second_best_must_be_far_behind(resolver: Resolver) -> None:
    # Kohistan of Kapisa is divided into a first and a second district.
    error = doubt(resolver, None, "Hisa-e Kohistan", "Kapisa")
    best, second, *_ = error.candidates
    assert {best.id, second.id} == {"AF0202", "AF0204"}
    assert best.score >= BAR
    assert best.score - second.score < LEAD


def test_a_name_that_is_exact_elsewhere_is_no_misspelling(resolver: Resolver) -> None:
    error = doubt(resolver, None, "Bagram", "Kabul")
    assert [(c.id, c.score >= BAR) for c in error.candidates] == [
        ("AF0104", True),
        ("AF0302", True),
    ]


def test_candidates_say_which_name_was_similar(resolver: Resolver) -> None:
    error = doubt(resolver, None, "Kaisar-e Bala", "Faryab")
    assert len(error.candidates) <= 10
    assert [c.score for c in error.candidates] == sorted(
        (c.score for c in error.candidates), reverse=True
    )
    for candidate in error.candidates:
        assert candidate.province == "Faryab"
        own = likeness(
            trigrams(name_key(candidate.matched_name)), trigrams(name_key("Kaisar-e Bala"))
        )
        assert candidate.score == round(own, 3)


def test_likeness_is_pg_trgms(connection: Connection) -> None:
    keys = connection.scalars(
        select(district_names.c.key)
        .where(district_names.c.script == "Latn")
        .order_by(district_names.c.key)
    ).all()
    pairs = list(zip(keys, [*keys[1:], *keys[:1]], strict=True))
    for one, other in [*pairs, ("qaysar", "qaisar"), ("a", "ab"), ("aaaa", "aa")]:
        theirs = connection.scalar(select(func.similarity(one, other)))
        assert likeness(trigrams(one), trigrams(other)) == pytest.approx(theirs, abs=1e-6)


# Rule 4: a name without a province ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Qaysar", "AF2907"), ("قیصار", "AF2907"), ("khan-abad", "AF1904"), ("Shahrak", "AF2306")],
)
@pytest.mark.parametrize("province", [None, "", "  "])
def test_an_exact_name_of_one_district_of_the_country(
    resolver: Resolver, name: str, expected: str, province: str | None
) -> None:
    assert resolver.district(None, name, province) == expected


def test_a_similar_name_without_a_province_is_never_enough(resolver: Resolver) -> None:
    assert resolver.district(None, "Khan Chahar Bagh", "Faryab") == "AF2914"
    error = doubt(resolver, None, "Khan Chahar Bagh", None)
    assert error.field == "district"
    assert error.candidates[0].id == "AF2914"


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("Gizab", {"AF2409", "AF2507"}),
        # The lists have this spelling for Jawzjan's Fayzabad alone; articles mean Badakhshan's.
        ("Faizabad", {"AF1701", "AF2808"}),
        ("Patoo", {"AF2409", "AF2507"}),
    ],
)
def test_a_district_that_has_a_namesake_needs_a_province(
    resolver: Resolver, name: str, candidates: set[str]
) -> None:
    error = doubt(resolver, None, name, None)
    assert error.field == "district"
    assert ids(error) == candidates


@pytest.mark.parametrize("code", [None, "", " "])
@pytest.mark.parametrize("name", [None, "", " "])
@pytest.mark.parametrize("province", [None, "", "Faryab"])
def test_neither_code_nor_name_is_an_error(
    resolver: Resolver, code: str | None, name: str | None, province: str | None
) -> None:
    error = doubt(resolver, code, name, province)
    assert error.field == "district"
    assert error.candidates == ()


# All rules ------------------------------------------------------------------------------------


def test_another_country_never_matches(connection: Connection) -> None:
    add_neighbour(connection)
    here, there = Resolver(connection, "AF"), Resolver(connection, "UZ")
    assert here.district(None, "Qaysar", "Faryab") == "AF2907"
    assert here.district(None, "Qaysar", None) == "AF2907"
    assert there.district(None, "Qaysar", "Faryab") == "UZ0101"
    assert there.district("uz0101", None, None) == "UZ0101"
    assert doubt(here, "UZ0102", "Termez", None).field == "district_code"
    assert doubt(here, None, "Qaysar", "UZ01").field == "province"
    assert doubt(here, None, "Qaysar", "Surxon").field == "province"
    for error in (doubt(here, None, "Termez", None), doubt(here, None, "Termez", "Faryab")):
        assert not {"UZ0101", "UZ0102"} & ids(error)
    assert doubt(there, "AF2907", None, None).candidates == ()
    assert doubt(there, None, "Qaysar", "AF-FYB").field == "province"


def test_a_country_without_places_has_no_answers(connection: Connection) -> None:
    nowhere = Resolver(connection, "XX")
    assert doubt(nowhere, "AF2907", None, None).candidates == ()
    assert doubt(nowhere, None, "Qaysar", None).candidates == ()
    assert doubt(nowhere, None, "Qaysar", "Faryab").field == "province"


def test_a_province_without_districts_has_no_answers(connection: Connection) -> None:
    connection.execute(insert(provinces).values(id="AF99", country_code="AF", name="Empty"))
    assert doubt(Resolver(connection, "AF"), None, "Emptee", "Empty").field == "district"


def test_own_names_count_even_where_the_table_of_names_lacks_them(connection: Connection) -> None:
    connection.execute(
        insert(districts).values(
            id="AF2999", province_id="AF29", name="Newly Made", name_local="نوساخته"
        )
    )
    resolver = Resolver(connection, "AF")
    assert resolver.district(None, "newly-made", "Faryab") == "AF2999"
    assert resolver.district(None, "نوساخته", "Faryab") == "AF2999"


def test_a_new_alias_can_make_a_sure_name_ambiguous(connection: Connection) -> None:
    add_name(connection, "AF2910", "Qaysar")
    error = doubt(Resolver(connection, "AF"), None, "Qaysar", "Faryab")
    assert ids(error) == {"AF2907", "AF2910"}


def test_answers_and_doubts_are_remembered(
    resolver: Resolver, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[object] = []
    event.listen(connection, "before_execute", lambda *args: statements.append(args))
    found = resolver.district(None, "Qaysar", "Faryab")
    first = doubt(resolver, None, "Mirzakai", "Paktia")
    monkeypatch.setattr("app.store.resolving.name_key", _fail)
    assert resolver.district(None, "Qaysar", "Faryab") == found
    lengths = {_traceback_length(doubt(resolver, None, "Mirzakai", "Paktia")) for _ in range(5)}
    assert len(lengths) == 1
    again = doubt(resolver, None, "Mirzakai", "Paktia")
    assert (again.detail, again.field, again.candidates) == (
        first.detail,
        first.field,
        first.candidates,
    )
    assert statements == []


def test_names_are_those_of_when_the_resolver_was_made(connection: Connection) -> None:
    resolver = Resolver(connection, "AF")
    connection.execute(update(districts).where(districts.c.id == "AF2907").values(name="Gone"))
    assert doubt(resolver, None, "Gone", "Faryab").field == "district"
    assert Resolver(connection, "AF").district(None, "Gone", "Faryab") == "AF2907"


def _fail(name: str) -> str:
    raise AssertionError(f"{name} was looked up again")


def _traceback_length(error: UnknownPlaceError) -> int:
    length, step = 0, error.__traceback__
    while step:
        length, step = length + 1, step.tb_next
    return length
