"""The rules of the record, kept by the database: each is broken once, and named when it is.

Every case changes a field or two of a row that is valid, on the seeds, and rolls back.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text

from app.domain.errors import RecordRuleError
from app.store import tables
from app.store.engine import writing
from app.store.tables import metadata

# Far ahead, so that they follow whatever the seeds recorded. R1 to R3 stand for the numbers of
# the next three revisions, which depend on how many the seeds made.
T1, T2, T3 = (datetime(2190, 1, day, tzinfo=UTC) for day in (1, 2, 3))
R1, R2, R3 = -1, -2, -3
TICK = timedelta(microseconds=1)
FIRST, SECOND, CITATION, MOVED = (UUID(int=number) for number in (1, 2, 3, 4))
HASH = "0123456789abcdef" * 4
LINK = "the hash that follows from the newest seal"
SQUARE = "SRID=4326;MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0)))"
LINE = "SRID=4326;MULTILINESTRING((0 0, 0 1))"
FLAT = "SRID=3857;MULTIPOLYGON(((0 0, 0 1, 1 1, 1 0, 0 0)))"
FLAT_LINE = "SRID=3857;MULTILINESTRING((0 0, 0 1))"
DRAWN = {"boundary_set_id": "zz-set"}
MEASURED = {"geom": LINE, "length_km": 110.6}
BOWTIE = "SRID=4326;MULTIPOLYGON(((0 0,1 1,1 0,0 1,0 0)))"
OPENED = {"revision": R1, "known_from": T1}

Row = dict[str, Any]
VALID: dict[str, Row] = {
    "countries": {"code": "ZZ", "name": "Somewhere", "time_zone": "UTC"},
    "provinces": {"id": "ZZ01", "country_code": "ZZ", "name": "North"},
    "districts": {
        "id": "ZZ0101",
        "province_id": "ZZ01",
        "name": "Town",
        "area_km2": 1.0,
        "area_year": "2021",
        "population": 0,
        "population_year": "2021",
        "is_provincial_capital": True,
    },
    "province_names": {"province_id": "ZZ01", "name": "North", "key": "north", "sound": "nrt nort"},
    "district_names": {"district_id": "ZZ0101", "name": "Town", "key": "town", "sound": "tn ton"},
    "province_codes": {"province_id": "ZZ01", "scheme": "own", "code": "N"},
    "district_codes": {"district_id": "ZZ0101", "scheme": "own", "code": "T"},
    "boundary_sets": {
        "id": "zz-set",
        "country_code": "ZZ",
        "name": "Squares",
        "dated": date(2021, 1, 1),
        "origin": "drawn",
        "licence": "none",
        "attribution": "none",
        "quality": "surveyed",
        "is_default": True,
    },
    "province_shapes": {"boundary_set_id": "zz-set", "province_id": "ZZ01", "geom": SQUARE},
    "district_shapes": {"boundary_set_id": "zz-set", "district_id": "ZZ0101", "geom": SQUARE},
    "borders": {**DRAWN, "district_id": "AF0101", "neighbour_id": "ZZ0101", **MEASURED},
    "outer_borders": {**DRAWN, "district_id": "ZZ0101", **MEASURED},
    "drawn_districts": {**DRAWN, "zoom": 3, "district_id": "ZZ0101", "geom": FLAT},
    "drawn_provinces": {**DRAWN, "zoom": 3, "province_id": "ZZ01", "geom": FLAT},
    "drawn_borders": {
        **DRAWN,
        "zoom": 3,
        "district_id": "AF0101",
        "neighbour_id": "ZZ0101",
        "geom": FLAT_LINE,
    },
    "revisions": {"revision": R3, "recorded_at": T3, "author": "ann", "action": "record"},
    "actors": {
        "id": "party",
        "name": "Party",
        "full_name": "The Party",
        "kind": "state",
        "revision": R1,
    },
    "sources": {"id": "paper", "name": "The Paper", "revision": R1},
    "source_names": {"name": "Paper (copy)", "source_id": "paper", "origin": "The Agency"},
    "events": {"id": FIRST, "district_id": "ZZ0101", "replaces": MOVED, "revision": R1},
    "event_versions": {
        "event_id": FIRST,
        "version": 1,
        "kind": "capture",
        "status": "controlled",
        "controller_id": "party",
        "pinned_edtf": "2021-06-06",
        "pinned_earliest": T1,
        "pinned_latest": T1,
        "pin_reason": "a stamp",
        **OPENED,
        "closing_revision": R2,
        "known_until": T2,
    },
    "citations": {
        "id": CITATION,
        "event_id": FIRST,
        "stance": "supports",
        "source_id": "paper",
        "origin": "The Agency",
        "url": "https://example.org/",
        "archived_url": "http://example.org/",
        "published_edtf": "2021-06-06",
        "published_earliest": T1,
        "published_latest": T1,
        "asserted_edtf": "2021-06-06",
        "asserted_earliest": T1,
        "asserted_latest": T1,
        "basis": "local",
        "speaker_id": "party",
        "reliability": "A",
        "credibility": 1,
        "said_kind": "capture",
        "said_status": "controlled",
        "said_controller_id": "party",
        **OPENED,
        "closing_revision": R2,
        "known_until": T2,
    },
    "event_states": {
        "event_id": FIRST,
        "known_from": T1,
        "known_until": T2,
        "reported_from": T1,
        "reported_until": T2,
        "version": 1,
        "sequence": 1,
        "district_id": "ZZ0101",
        "kind": "capture",
        "status": "controlled",
        "controller_id": "party",
        "day_order": 0,
        "effective_on": date(2021, 6, 6),
        "latest": T1,
        "confidence": 2,
        "disputed": False,
    },
    "mentions": {
        "district_id": "ZZ0101",
        "published_latest": T1,
        "known_from": T1,
        "citation_id": CITATION,
        "known_until": T2,
    },
    "imports": {"revision": R1, "report": {"rows": 1}},
    "api_keys": {"id": "abc", "owner": "ann", "scopes": ["read", "write"], "secret_hash": HASH},
    "given_answers": {"owner": "ann", "key": "once", "request_hash": HASH},
    # The last one: nothing joins a revision after its seal.
    "seals": {"revision": R1, "content_hash": HASH, "hash": LINK},
}
UNDER_A_REVISION = ("actors", "sources", "events", "event_versions", "citations", "imports")
NO_PIN = dict.fromkeys(("pinned_edtf", "pinned_earliest", "pinned_latest", "pin_reason"))

# One row in place of the valid one: (table, fields, the constraint's name without the table).
BREAKS: list[tuple[str, Row, str]] = [
    ("countries", {"code": "zz"}, "code_form_check"),
    ("countries", {"code": "ZZZ"}, "code_form_check"),
    ("provinces", {"id": "zz01"}, "id_form_check"),
    ("provinces", {"id": "Z"}, "id_form_check"),
    ("provinces", {"name": ""}, "name_said_check"),
    ("provinces", {"country_code": "XX"}, "country_code_fkey"),
    ("districts", {"id": "ZZ-01"}, "id_form_check"),
    ("districts", {"name": ""}, "name_said_check"),
    ("districts", {"province_id": "XX01"}, "province_id_fkey"),
    ("districts", {"area_km2": 0}, "area_positive_check"),
    ("districts", {"area_year": None}, "area_dated_check"),
    ("districts", {"area_km2": None}, "area_dated_check"),
    ("districts", {"population": -1}, "population_counted_check"),
    ("districts", {"population_year": None}, "population_dated_check"),
    ("districts", {"population": None}, "population_dated_check"),
    ("province_names", {"province_id": "XX01"}, "province_id_fkey"),
    ("province_names", {"name": ""}, "name_said_check"),
    ("province_names", {"key": ""}, "key_said_check"),
    ("province_names", {"sound": ""}, "sound_said_check"),
    ("district_names", {"district_id": "XX0101"}, "district_id_fkey"),
    ("district_names", {"name": ""}, "name_said_check"),
    ("district_names", {"key": ""}, "key_said_check"),
    ("district_names", {"sound": ""}, "sound_said_check"),
    ("province_codes", {"province_id": "XX01"}, "province_id_fkey"),
    ("district_codes", {"district_id": "XX0101"}, "district_id_fkey"),
    ("boundary_sets", {"id": "Set 1"}, "id_form_check"),
    ("boundary_sets", {"quality": "good"}, "quality_known_check"),
    ("boundary_sets", {"country_code": "XX"}, "country_code_fkey"),
    ("province_shapes", {"boundary_set_id": "none"}, "boundary_set_id_fkey"),
    ("province_shapes", {"province_id": "XX01"}, "province_id_fkey"),
    ("province_shapes", {"geom": BOWTIE}, "geom_valid_check"),
    ("district_shapes", {"boundary_set_id": "none"}, "boundary_set_id_fkey"),
    ("district_shapes", {"district_id": "XX0101"}, "district_id_fkey"),
    ("district_shapes", {"geom": BOWTIE}, "geom_valid_check"),
    ("boundary_sets", {"sha256": HASH[1:]}, "sha256_form_check"),
    ("boundary_sets", {"sha256": HASH.upper()}, "sha256_form_check"),
    *(
        (table, {column: "none"}, f"{column}_fkey")
        for table, columns in {
            "borders": ("boundary_set_id", "district_id", "neighbour_id"),
            "outer_borders": ("boundary_set_id", "district_id"),
            "drawn_districts": ("boundary_set_id", "district_id"),
            "drawn_provinces": ("boundary_set_id", "province_id"),
            "drawn_borders": ("boundary_set_id", "district_id", "neighbour_id"),
        }.items()
        for column in columns
        if (table, column) != ("borders", "district_id")
    ),
    ("borders", {"district_id": "AF0000"}, "district_id_fkey"),
    ("borders", {"district_id": "ZZ0101", "neighbour_id": "AF0101"}, "once_check"),
    ("borders", {"length_km": 0}, "length_positive_check"),
    ("outer_borders", {"length_km": 0}, "length_positive_check"),
    ("district_shapes", {"geom": "SRID=4326;MULTIPOLYGON EMPTY"}, "geom_valid_check"),
    ("actors", {"id": "The Party"}, "id_form_check"),
    ("actors", {"name": ""}, "name_said_check"),
    ("actors", {"full_name": ""}, "full_name_said_check"),
    ("actors", {"kind": "army"}, "kind_known_check"),
    ("sources", {"id": ""}, "id_form_check"),
    ("sources", {"name": ""}, "name_said_check"),
    ("source_names", {"name": ""}, "name_said_check"),
    ("source_names", {"origin": ""}, "origin_said_check"),
    ("source_names", {"source_id": "nobody"}, "source_id_fkey"),
    *(
        (table, {"revision": other}, "own_revision")
        # Of another transaction, of none, and none at all.
        for other in (1, 10**6, None)
        for table in UNDER_A_REVISION
    ),
    ("revisions", {"action": "delete"}, "action_known_check"),
    ("revisions", {"action": "retract", "reason": None}, "reason_given_check"),
    ("revisions", {"action": "correct", "reason": ""}, "reason_given_check"),
    ("revisions", {"author": ""}, "author_said_check"),
    ("revisions", {"revision": R2}, "strictly_later"),
    ("revisions", {"revision": 10**6}, "strictly_later"),
    ("revisions", {"revision": 0}, "strictly_later"),
    ("revisions", {"recorded_at": T2}, "strictly_later"),
    ("revisions", {"recorded_at": T2 - TICK}, "strictly_later"),
    ("events", {"district_id": "XX0101"}, "district_id_fkey"),
    ("events", {"replaces": SECOND}, "replaces_fkey"),
    ("event_versions", {"event_id": SECOND}, "event_id_fkey"),
    ("event_versions", {"version": 0}, "version_counted_check"),
    ("event_versions", {"kind": "siege"}, "kind_known_check"),
    ("event_versions", {"kind": "contested"}, "kind_fits_check"),
    ("event_versions", {"status": "unknown", "controller_id": None}, "status_known_check"),
    ("event_versions", {"status": "contested"}, "controller_fits_check"),
    ("event_versions", {"controller_id": None}, "controller_fits_check"),
    ("event_versions", {"controller_id": "nobody"}, "controller_id_fkey"),
    ("event_versions", {"pinned_earliest": T1 + TICK}, "pinned_bounds_check"),
    ("event_versions", {"pinned_edtf": None}, "pin_whole_check"),
    ("event_versions", {"pinned_latest": None}, "pin_whole_check"),
    ("event_versions", {"pin_reason": None}, "pin_whole_check"),
    ("event_versions", NO_PIN | {"pinned_earliest": T1}, "pin_whole_check"),
    ("citations", {"event_id": SECOND}, "event_id_fkey"),
    ("citations", {"stance": "doubts"}, "stance_known_check"),
    ("citations", {"source_id": "nobody"}, "source_id_fkey"),
    ("citations", {"origin": ""}, "origin_said_check"),
    ("citations", {"url": "ftp://example.org"}, "url_form_check"),
    ("citations", {"url": "javascript:alert('https://')"}, "url_form_check"),
    ("citations", {"archived_url": "example.org"}, "archived_url_form_check"),
    ("citations", {"published_earliest": T1 + TICK}, "published_bounds_check"),
    ("citations", {"asserted_earliest": T1 + TICK}, "asserted_bounds_check"),
    ("citations", {"asserted_edtf": None}, "asserted_whole_check"),
    ("citations", {"asserted_latest": None}, "asserted_whole_check"),
    ("citations", {"asserted_edtf": None, "asserted_latest": None}, "asserted_whole_check"),
    ("citations", {"basis": "rumour"}, "basis_known_check"),
    ("citations", {"speaker_id": "nobody"}, "speaker_id_fkey"),
    ("citations", {"reliability": "G"}, "reliability_graded_check"),
    ("citations", {"credibility": 0}, "credibility_graded_check"),
    ("citations", {"credibility": 7}, "credibility_graded_check"),
    ("citations", {"said_kind": "siege"}, "said_kind_known_check"),
    (
        "citations",
        {"said_status": "unknown", "said_controller_id": None},
        "said_status_known_check",
    ),
    ("citations", {"said_controller_id": "nobody"}, "said_controller_id_fkey"),
    ("citations", {"said_kind": None}, "said_whole_check"),
    ("citations", {"said_status": None, "said_controller_id": None}, "said_whole_check"),
    ("citations", {"said_kind": None, "said_status": None}, "said_whole_check"),
    ("citations", {"said_controller_id": None}, "said_whole_check"),
    ("citations", {"said_status": "contested"}, "said_whole_check"),
    *(
        (table, fields, rule)
        for table in ("event_versions", "citations")
        for fields, rule in (
            ({"known_until": T1}, "known_period_check"),
            ({"known_until": None}, "closing_whole_check"),
            ({"closing_revision": None}, "closing_whole_check"),
            # A bound is the very instant of the revision beside it.
            ({"known_from": T1 + TICK}, "opened_by_fkey"),
            ({"revision": R2}, "opened_by_fkey"),
            ({"known_until": T2 + TICK}, "closed_by_fkey"),
            ({"closing_revision": 10**6}, "closed_by_fkey"),
        )
    ),
    ("event_states", {"event_id": SECOND}, "event_id_fkey"),
    ("event_states", {"district_id": "XX0101"}, "district_id_fkey"),
    ("event_states", {"controller_id": "nobody"}, "controller_id_fkey"),
    ("event_states", {"known_until": T1}, "known_period_check"),
    ("event_states", {"reported_until": T1}, "reported_period_check"),
    ("mentions", {"district_id": "XX0101"}, "district_id_fkey"),
    ("mentions", {"citation_id": SECOND}, "citation_id_fkey"),
    ("mentions", {"known_until": T1}, "known_period_check"),
    ("api_keys", {"owner": ""}, "owner_said_check"),
    ("api_keys", {"secret_hash": HASH[1:]}, "secret_hash_form_check"),
    ("api_keys", {"secret_hash": HASH.upper()}, "secret_hash_form_check"),
    ("api_keys", {"secret_hash": f"{HASH}\n"}, "secret_hash_form_check"),
    ("api_keys", {"scopes": []}, "scopes_known_check"),
    ("api_keys", {"scopes": ["read", "root"]}, "scopes_known_check"),
    ("api_keys", {"scopes": ["read", None]}, "scopes_known_check"),
    ("seals", {"content_hash": HASH[1:]}, "content_hash_form_check"),
    ("seals", {"content_hash": HASH.upper()}, "content_hash_form_check"),
    ("seals", {"revision": 1}, "next_seal"),
    ("seals", {"revision": R2}, "next_seal"),
    ("seals", {"revision": 10**6}, "next_seal"),
    ("seals", {"hash": HASH}, "next_seal"),
    ("seals", {"hash": None}, "next_seal"),
]

# A second row beside the valid one.
CLASHES: list[tuple[str, Row, str]] = [
    ("countries", {}, "pkey"),
    ("provinces", {}, "pkey"),
    ("districts", {}, "pkey"),
    ("districts", {"id": "ZZ0102"}, "one_capital_per_province_key"),
    ("province_names", {}, "pkey"),
    ("district_names", {}, "pkey"),
    ("province_codes", {"code": "M"}, "pkey"),
    ("province_codes", {"province_id": "AF01"}, "scheme_code_key"),
    ("district_codes", {"code": "M"}, "pkey"),
    ("district_codes", {"district_id": "AF0101"}, "scheme_code_key"),
    ("boundary_sets", {"is_default": False}, "pkey"),
    ("boundary_sets", {"id": "zz-new"}, "one_default_per_country_key"),
    ("province_shapes", {}, "pkey"),
    ("district_shapes", {}, "pkey"),
    ("borders", {}, "pkey"),
    ("outer_borders", {}, "pkey"),
    ("drawn_districts", {}, "pkey"),
    ("drawn_provinces", {}, "pkey"),
    ("drawn_borders", {}, "pkey"),
    ("actors", {"name": "Other"}, "pkey"),
    ("actors", {"id": "other"}, "name_key"),
    ("sources", {"name": "Other"}, "pkey"),
    ("sources", {"id": "other"}, "name_key"),
    ("source_names", {}, "pkey"),
    ("events", {"replaces": None}, "pkey"),
    ("events", {"id": SECOND}, "replaces_key"),
    ("event_versions", {"revision": R2, "known_from": T2, "known_until": T3}, "pkey"),
    ("event_versions", {"version": 2}, "known_once_excl"),
    ("event_versions", {"version": 2, "known_until": T3}, "known_once_excl"),
    ("citations", {}, "pkey"),
    ("event_states", {}, "pkey"),
    ("mentions", {}, "pkey"),
    ("imports", {}, "pkey"),
    ("api_keys", {}, "pkey"),
    ("given_answers", {}, "pkey"),
]

# Triggers refuse these first; behind them the tables still hold.
BEHIND_THE_TRIGGER: list[tuple[str, Row, str]] = [
    ("revisions", {"revision": 0}, "revision_counted_check"),
    ("revisions", {"revision": R1}, "pkey"),
    ("revisions", {"recorded_at": T1}, "recorded_at_key"),
    *(
        (table, {"revision": 10**6}, "revision_fkey")
        for table in ("actors", "sources", "events", "imports", "seals")
    ),
    ("seals", {"revision": 1}, "pkey"),
]
# What only triggers keep; the models do not know of these.
TRIGGERS = {"revisions_strictly_later", "seals_next_seal"} | {
    f"{table}_own_revision" for table in UNDER_A_REVISION
}
# Nothing can break these alone: each holds whenever a narrower key of the same table does.
IMPLIED = {"revisions_revision_recorded_at_key"}
# Has its own test: the database counts, so that a row cannot say it.
COUNTED = {"events_sequence_key"}
# Has its own test: its one row stands there from the beginning.
ONE_ROW = {"upkeep_pkey", "upkeep_one_check"}


def put(connection: Connection, newest: int, table: str, row: Mapping[str, Any]) -> None:
    """Insert a row; R1 to R3 in it become the numbers that follow the newest revision's.

    LINK becomes what the hash of the next seal is.
    """
    numbered = {
        name: newest - value
        if name in ("revision", "closing_revision") and value in (R1, R2, R3)
        else value
        for name, value in row.items()
    }
    if numbered.get("hash") == LINK:
        last = select(tables.seals.c.hash).order_by(tables.seals.c.revision.desc()).limit(1)
        both = (connection.scalar(last) or "") + numbered["content_hash"]
        numbered["hash"] = hashlib.sha256(both.encode()).hexdigest()
    connection.execute(insert(metadata.tables[table]), numbered)


def put_all_before(connection: Connection, table: str | None) -> int:
    """Insert the valid row of every table before this one (None: of all).

    Returns the number of the revision that was the newest until then.
    """
    newest: int = connection.execute(select(func.max(tables.revisions.c.revision))).scalar_one()
    for name, row in VALID.items():
        if name == "revisions":
            put(connection, newest, name, row | {"revision": R1, "recorded_at": T1})
            put(connection, newest, name, row | {"revision": R2, "recorded_at": T2})
        if name == table:
            break
        if name == "events":
            put(connection, newest, name, row | {"id": MOVED, "replaces": None})
        put(connection, newest, name, row)
    return newest


def names(cases: list[tuple[str, Row, str]]) -> list[str]:
    return [f"{table}: {rule} {'+'.join(fields)}" for table, fields, rule in cases]


def test_valid_rows_are_valid(seeded: Engine) -> None:
    with seeded.connect() as connection:
        put_all_before(connection, None)
        counted = select(func.count()).where(tables.event_states.c.event_id == FIRST)
        assert connection.execute(counted).scalar_one() == 1


def test_knowledge_periods_may_touch(seeded: Engine) -> None:
    later = {"version": 2, "revision": R2, "known_from": T2, "closing_revision": R3}
    with seeded.connect() as connection:
        newest = put_all_before(connection, "seals")
        put(
            connection,
            newest,
            "event_versions",
            VALID["event_versions"] | later | {"known_until": T3},
        )
        still = {"version": 3, "revision": R3, "known_from": T3}
        closed = {"closing_revision": None, "known_until": None}
        put(connection, newest, "event_versions", VALID["event_versions"] | still | closed)
        # Another event may be known at the same time.
        put(connection, newest, "events", VALID["events"] | {"id": SECOND, "replaces": None})
        put(connection, newest, "event_versions", VALID["event_versions"] | {"event_id": SECOND})


@pytest.mark.parametrize(("table", "fields", "rule"), BREAKS, ids=names(BREAKS))
def test_a_broken_field_is_refused(seeded: Engine, table: str, fields: Row, rule: str) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        newest = put_all_before(connection, table)
        put(connection, newest, table, VALID[table] | fields)
        raise AssertionError("accepted")
    assert refusal.value.constraint == f"{table}_{rule}"
    assert f"{table}_{rule}" in refusal.value.detail


@pytest.mark.parametrize(("table", "fields", "rule"), CLASHES, ids=names(CLASHES))
def test_a_row_that_clashes_is_refused(seeded: Engine, table: str, fields: Row, rule: str) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        newest = put_all_before(connection, "seals")
        put(connection, newest, table, VALID[table] | fields)
        raise AssertionError("accepted")
    assert refusal.value.constraint == f"{table}_{rule}"


@pytest.mark.parametrize(
    ("table", "fields", "rule"), BEHIND_THE_TRIGGER, ids=names(BEHIND_THE_TRIGGER)
)
def test_constraints_hold_without_the_triggers(
    seeded: Engine, table: str, fields: Row, rule: str
) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        for guarded in {"revisions", table}:
            connection.execute(text(f"ALTER TABLE {guarded} DISABLE TRIGGER USER"))
        newest = put_all_before(connection, table)
        put(connection, newest, table, VALID[table] | fields)
        raise AssertionError("accepted")
    assert refusal.value.constraint == f"{table}_{rule}"


@pytest.mark.parametrize("table", UNDER_A_REVISION)
def test_nothing_joins_a_revision_that_is_sealed(seeded: Engine, table: str) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        newest = put_all_before(connection, None)
        put(connection, newest, table, VALID[table])
        raise AssertionError("accepted")
    assert refusal.value.constraint == f"{table}_own_revision"


@pytest.mark.parametrize("table", ["event_versions", "citations"])
def test_nothing_is_closed_under_a_revision_that_is_sealed(seeded: Engine, table: str) -> None:
    """R1 opened the rows and is sealed; R2 may close them, until it is sealed too."""
    still = {"closing_revision": None, "known_until": None}
    closing = metadata.tables[table]
    key = "event_id" if table == "event_versions" else "id"
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        newest = put_all_before(connection, "event_versions")
        for name in ("event_versions", "citations"):
            put(connection, newest, name, VALID[name] | still)
        for revision in (R1, R2):
            put(connection, newest, "seals", VALID["seals"] | {"revision": revision})
        connection.execute(
            closing.update()
            .where(closing.c[key] == VALID[table][key])
            .values(closing_revision=newest - R2, known_until=T2)
        )
        raise AssertionError("accepted")
    assert refusal.value.constraint == f"{table}_own_revision"


@pytest.mark.parametrize("sealed", [(), (R1,)], ids=["none", "one of two"])
def test_a_revision_without_a_seal_is_not_committed(
    seeded: Engine, sealed: tuple[int, ...]
) -> None:
    committed = False
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        newest = put_all_before(connection, "actors")
        for revision in sealed:
            put(connection, newest, "seals", VALID["seals"] | {"revision": revision})
        # Until then it is in order: what it records comes before its seal.
        committed = True
    assert committed
    assert refusal.value.constraint == "revisions_sealed"
    with seeded.connect() as connection:
        last = select(func.max(tables.revisions.c.revision))
        assert connection.execute(last).scalar_one() == newest


def test_revisions_with_their_seals_are_committed(own_seeded: Engine) -> None:
    with writing(own_seeded) as connection:
        newest = put_all_before(connection, None)
        for revision in (R2, R3):
            put(connection, newest, "seals", VALID["seals"] | {"revision": revision})
    with own_seeded.connect() as connection:
        last = select(func.max(tables.seals.c.revision))
        assert connection.execute(last).scalar_one() == newest + 3


def test_the_first_seal_follows_from_nothing(migrated: Engine) -> None:
    with writing(migrated) as connection:
        first = {"revision": 1, "recorded_at": T1}
        put(connection, 0, "revisions", VALID["revisions"] | first)
        put(connection, 0, "seals", VALID["seals"])
    with migrated.connect() as connection:
        (row,) = connection.execute(select(tables.seals))
    assert (row.revision, row.hash) == (1, hashlib.sha256(HASH.encode()).hexdigest())


def test_the_order_of_recording_is_the_databases_own(seeded: Engine) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        put_all_before(connection, "event_versions")
        # Only OVERRIDING lets a row name its own place, and then the place must be free.
        connection.execute(
            text(
                "INSERT INTO events (id, sequence, district_id, revision) OVERRIDING SYSTEM VALUE"
                " SELECT :id, sequence, district_id, (SELECT max(revision) FROM revisions)"
                " FROM events LIMIT 1"
            ),
            {"id": SECOND},
        )
        raise AssertionError("accepted")
    assert refusal.value.constraint == "events_sequence_key"


def test_every_rule_has_a_case() -> None:
    rules = {
        str(rule.name)
        for table in metadata.tables.values()
        for rule in (*table.constraints, *(index for index in table.indexes if index.unique))
    }
    cases = {f"{table}_{rule}" for table, _, rule in BREAKS + CLASHES + BEHIND_THE_TRIGGER}
    assert cases - TRIGGERS == rules - IMPLIED - COUNTED - ONE_ROW
    assert cases >= TRIGGERS
    assert set(VALID) == set(metadata.tables) - {"upkeep"}


@pytest.mark.parametrize(("one", "rule"), [(True, "upkeep_pkey"), (False, "upkeep_one_check")])
def test_the_number_of_upkeep_stands_in_one_row(seeded: Engine, one: bool, rule: str) -> None:
    with pytest.raises(RecordRuleError) as refusal, writing(seeded) as connection:
        connection.execute(insert(tables.upkeep), {"one": one, "number": 1, "transaction": 1})
        raise AssertionError("accepted")
    assert refusal.value.constraint == rule
