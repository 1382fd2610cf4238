"""Importing made-up claims into a small country of its own, and reading the record whole."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select, text

from app.domain.clocks import Clocks, parse_moment
from app.domain.control import Confidence, Outcome, Question, Stance, Status
from app.domain.places import name_key, sound_key
from app.importing.files import import_file, mapping_of
from app.importing.planning import claim_key
from app.importing.report import Order, Report
from app.recording import add_actor, add_source
from app.store import tables
from app.store.citations import of_events
from app.store.events import told_of
from app.store.revisions import current
from app.store.rows import citation_of
from app.store.status import Which, statuses

Row = dict[str, str]

ZONE = ZoneInfo("Asia/Kabul")
NEAR, FAR = "XX0101", "XX0102"
DISTRICTS = (NEAR, FAR)
GAZETTEER: dict[str, list[dict[str, Any]]] = {
    "countries": [{"code": "XX", "name": "Testland", "time_zone": ZONE.key}],
    "provinces": [{"id": "XX01", "country_code": "XX", "name": "One"}],
    "districts": [
        {"id": NEAR, "province_id": "XX01", "name": "Near", "name_local": "نزدیک"},
        {"id": FAR, "province_id": "XX01", "name": "Far", "name_local": None},
    ],
    "district_names": [
        {
            "district_id": NEAR,
            "name": "نزدیک",
            "key": name_key("نزدیک"),
            "sound": sound_key("نزدیک"),
        }
    ],
}
PARTIES = {
    "taliban": ("Taliban", ["Islamic Emirate", "طالبان"]),
    "afghan-government": ("Afghan government", ["Government"]),
    "nrf": ("National Resistance Front", ["NRF"]),
}
PUBLISHERS = {"kabul-now": "Kabul Now", "reuters": "Reuters", "urdupoint": "UrduPoint"}
NAMES = [
    {"name": "Kabul Now (Dari)", "source_id": "kabul-now", "origin": None},
    {"name": "AFP via UrduPoint", "source_id": "urdupoint", "origin": "AFP"},
]

CLAIM = {
    "adm2_pcode": NEAR,
    "district_reported": "Near",
    "province_reported": "",
    "event_date": "2021-06-06",
    "date_precision": "day",
    "new_controller": "Taliban",
    "event_kind": "capture",
    "stance": "",
    "claim_basis": "local",
    "speaker": "",
    "source_name": "Kabul Now",
    "origin": "",
    "source_url": "",
    "article_title": "",
    "published_date": "2021-06-07",
    "published_basis": "shown",
    "reliability": "",
    "credibility": "",
    "note": "",
}


def prepare(engine: Engine) -> None:
    """Fill a migrated database with a country of two districts, three parties, publishers."""
    with engine.begin() as connection:
        for table, rows in GAZETTEER.items():
            connection.execute(tables.metadata.tables[table].insert(), rows)
        for id_, (name, aliases) in PARTIES.items():
            actor = {"id": id_, "name": name, "full_name": f"{name} (in full)"}
            add_actor(connection, actor | {"kind": "non-state", "aliases": aliases}, author="a")
        for id_, name in PUBLISHERS.items():
            add_source(connection, id_, name, author="a")
        connection.execute(tables.source_names.insert(), NAMES)


@contextmanager
def undoing(engine: Engine) -> Iterator[Connection]:
    """A connection of which nothing is committed."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def claim(url: str | None = None, /, **cells: str) -> Row:
    """A sound claim with some cells changed; `url` is the last part of its address."""
    address = f"https://example.org/{url}" if url else ""
    unknown = cells.keys() - CLAIM.keys()
    assert not unknown, unknown
    return {**CLAIM, "source_url": address, **cells}


def said(url: str, party: str, on: str, published: str = "", **cells: str) -> Row:
    """A claim that a party (T, G, N) took Near on a day of June, C that it is contested.

    -T is a denial that says that T holds it. `on` is a day, `../day`, or EDTF of any sort;
    `published` a day of June, else the day after, or the last one.
    """
    holder = {"T": "Taliban", "G": "Afghan government", "N": "NRF", "C": "contested"}
    kind = "denial" if party[0] == "-" else "contested" if party == "C" else "capture"
    days = on.removeprefix("../")
    edtf = f"{'../' if days != on else ''}2021-06-{int(days):02}" if days.isdigit() else on
    out = f"2021-06-{int(published or (int(days) + 1 if days.isdigit() else 30)):02}"
    return claim(
        url,
        **{
            "new_controller": holder[party.removeprefix("-")],
            "event_kind": kind,
            "event_date": "",
            "date_precision": f"edtf:{edtf}",
            "published_date": out,
        }
        | cells,
    )


def csv_of(rows: list[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0] if rows else CLAIM))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def take(
    connection: Connection,
    *rows: Row,
    name: str = "claims.csv",
    country: str = "XX",
    **how: bool,
) -> Report:
    """Import claims."""
    order = Order(name, country, "importer", **how)
    return import_file(connection, io.BytesIO(csv_of([*rows])), "csv", order, mapping_of("claims"))


def taken(connection: Connection, *rows: Row) -> Report:
    """Import claims that are all sound."""
    report = take(connection, *rows)
    assert not report.errors, report.errors
    return report


def everything(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    query = "SELECT rows::text FROM {} AS rows ORDER BY 1"
    return {
        name: list(connection.scalars(text(query.format(name)))) for name in tables.metadata.tables
    }


def standing(connection: Connection) -> set[tuple[Any, ...]]:
    """Every event that stands, as what it says and the keys of its claims."""
    version, cited = tables.event_versions.c, tables.citations.c
    heads = select(tables.events.c.district_id, tables.event_versions).join_from(
        tables.events, tables.event_versions
    )
    events = connection.execute(heads.where(version.known_until.is_(None))).mappings().all()
    found = []
    for event in events:
        outcome = Outcome(Status(event["status"]), event["controller_id"])
        keys: dict[Stance, list[str]] = {Stance.SUPPORTS: [], Stance.DISPUTES: []}
        rows = connection.execute(
            select(tables.citations).where(
                cited.event_id == event["event_id"], cited.known_until.is_(None)
            )
        )
        for row in rows.mappings():
            citation = citation_of(row)
            keys[citation.stance].append(claim_key(event["district_id"], citation, outcome))
        found.append(
            (
                event["district_id"],
                event["kind"],
                event["status"],
                event["controller_id"],
                event["day_order"],
                tuple(sorted(keys[Stance.SUPPORTS])),
                tuple(sorted(keys[Stance.DISPUTES])),
            )
        )
    assert len(set(found)) == len(found)
    return set(found)


def recorded(connection: Connection) -> list[tuple[Any, ...]]:
    """Events, versions and citations with their ids, but without numbers and instants."""
    differing = {"sequence", "revision", "known_from", "known_until", "closing_revision"}
    found: list[tuple[Any, ...]] = []
    for table, key in (
        (tables.events, tables.events.c.sequence),
        (tables.event_versions, tables.event_versions.c.event_id),
        (tables.citations, tables.citations.c.id),
        (tables.sources, tables.sources.c.id),
    ):
        columns = [column for column in table.c if column.name not in differing]
        found += map(tuple, connection.execute(select(*columns).order_by(key)))
    return found


def told(connection: Connection, known_at: Any = None) -> list[str]:
    """The events of Near as words, in the order in which they count.

    Each is its outcome, the last parts of the addresses of the documents that support it, and
    behind a ~ of those that dispute it: `T:ab~n`.
    """
    question = asking(connection, "2022-01-01", known_at=known_at)
    letters = {"taliban": "T", "afghan-government": "G", "nrf": "N", None: "C"}
    events = sorted(told_of(connection, question, NEAR), key=lambda event: event.state.order)
    cited = of_events(connection, question, [event.id for event in events])
    words = []
    for event in events:
        documents = {"supports": "", "disputes": ""}
        for one in cited[event.id]:
            documents[one.stance] += (one.url or "").rpartition("/")[2]
        supporting, disputing = ("".join(sorted(of)) for of in documents.values())
        word = f"{letters[event.state.outcome.controller]}:{supporting}"
        words.append(f"{word}~{disputing}" if disputing else word)
    return words


def asking(
    connection: Connection,
    as_of: str,
    reported_by: str | None = None,
    minimum: Confidence = Confidence.CLAIMED,
    *,
    known_at: Any = None,
) -> Question:
    """The question at these clocks; the record as it is, unless `known_at` is given."""
    clocks = Clocks(
        parse_moment(as_of, ZONE, field="as_of"),
        parse_moment(reported_by, ZONE, field="reported_by") if reported_by else None,
        known_at or current(connection).recorded_at,
    )
    return Question(clocks, minimum, ZONE, revision=0)


def answers(connection: Connection, question: Question) -> list[tuple[Any, ...]]:
    """Who holds each district, and what is told of it, without ids and numbers."""
    given = []
    for status in statuses(connection, question, Which(country="XX")):
        members = {k: v for k, v in vars(status).items() if k != "event_id"}
        states = sorted(
            (event.state for event in told_of(connection, question, status.id)),
            key=lambda state: state.order,
        )
        given.append((members, [(s.outcome, s.day_order, s.reading) for s in states]))
    return given
