"""Lists that PostgreSQL writes as JSON, which the API puts into documents without reading it.

What the members are called and what is in them is said by the documents of `app.api.schemas`;
tests hold the two together.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Result,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
)

from app.domain.control import Confidence, Question, Stance, Status
from app.store import as_of, prepared, search
from app.store.as_json import NULL, number, obj, ref, value
from app.store.boundaries import as_geojson
from app.store.status import Which, ranked, standing
from app.store.tables import citations, district_shapes, districts


@dataclass(frozen=True)
class Written:
    """One district of a list: its members, and its shape, as JSON.

    `score` is that of the match where a name was sought. `geometry` is None where no shapes were
    asked for, and where the set has none of it.
    """

    id: str
    score: float | None
    members: str
    geometry: str | None


def district_items(
    connection: Connection, question: Question, which: Which, *, drawn: bool = False
) -> list[Written]:
    """The districts that are meant, in the order of `status.statuses`, with a `DistrictItem` each.

    `drawn` adds the shapes of `which.boundary_set`, as `boundaries.geometries` gives them.
    """
    if which.sought:
        match = search.matches(connection, "district", which.sought)
        found = ranked(standing(question, which), match, which).subquery("held")
        rows: Result[Any] = connection.execute(_written(found, question, which if drawn else None))
    else:
        rows = prepared.ask(connection, _drawn_items if drawn else _items, question, which)
    return [
        Written(row.id, None if row.score is None else float(row.score), row.members, row.geometry)
        for row in rows
    ]


def district_features(connection: Connection, question: Question, which: Which) -> list[Written]:
    """The districts that are meant, drawn, with the members of OGC's `DistrictProperties`.

    Those that say what was asked, and are the same in all, are left out.
    """
    rows = prepared.ask(connection, _features, question, which)
    return [Written(row.id, None, row.members, row.geometry) for row in rows]


def _features(question: Question, which: Which) -> Select[Any]:
    held = _in_order(question, which)
    members = obj(_properties(held, question)).label("members")
    return _drawn(select(held.c.id, members).select_from(held), held, which)


def _items(question: Question, which: Which) -> Select[Any]:
    return _written(_in_order(question, which), question, None)


def _drawn_items(question: Question, which: Which) -> Select[Any]:
    return _written(_in_order(question, which), question, which)


def _in_order(question: Question, which: Which) -> Subquery:
    return standing(question, which).order_by(districts.c.id).subquery("held")


def _written(held: Subquery, question: Question, drawn: Which | None) -> Select[Any]:
    """The districts of a subquery as JSON, with the shapes of the set that `drawn` names."""
    cited = _citations_of(held, question)
    sought = "how" in held.c
    statement = (
        select(
            held.c.id,
            (held.c.score if sought else null()).label("score"),
            obj(_item(held, cited, question)).label("members"),
        )
        .select_from(held)
        .join(cited, true())
        .order_by(*([held.c.score.desc()] if sought else []))
    )
    return _drawn(statement, held, drawn)


def _drawn(statement: Select[Any], held: Subquery, shapes: Which | None) -> Select[Any]:
    """The districts of a subquery with their shapes in the set that `shapes` names, or none."""
    statement = statement.order_by(held.c.id)
    if shapes is None:
        return statement.add_columns(null().label("geometry"))
    shape_of = and_(
        district_shapes.c.district_id == held.c.id,
        district_shapes.c.boundary_set_id == shapes.boundary_set,
    )
    return statement.outerjoin(district_shapes, shape_of).add_columns(
        as_geojson(district_shapes.c.geom).label("geometry")
    )


def _item(held: Subquery, cited: Any, question: Question) -> dict[str, ColumnElement[str]]:
    """The members of `DistrictItem`."""
    return {
        **{name: value(held.c[name]) for name in ("id", "name", "name_local")},
        "province": ref(held.c.province_id, held.c.province_name),
        **_figures(held),
        "status": _status(held),
        "controller": ref(held.c.controller_id, held.c.controller_name),
        **_told(held, question),
        "supporting_citations": value(cited.c.supporting),
        "disputing_citations": value(cited.c.disputing),
        "match": obj(
            {
                "name": value(held.c.matched_name),
                "score": number(held.c.score),
                "how": value(held.c.how),
            }
        )
        if "how" in held.c
        else NULL,
    }


def _properties(held: Subquery, question: Question) -> dict[str, ColumnElement[str]]:
    """The members of `DistrictProperties` that differ from one to the other."""
    return {
        "name": value(held.c.name),
        "name_local": value(held.c.name_local),
        "province": value(held.c.province_id),
        "province_name": value(held.c.province_name),
        **_figures(held),
        "status": _status(held),
        "controller": value(held.c.controller_id),
        "controller_name": value(held.c.controller_name),
        **_told(held, question),
    }


def _figures(held: Subquery) -> dict[str, ColumnElement[str]]:
    return {
        "is_provincial_capital": value(held.c.is_provincial_capital),
        "is_national_capital": value(held.c.is_national_capital),
        "area_km2": number(held.c.area_km2),
        "population": value(held.c.population),
    }


def _told(held: Subquery, question: Question) -> dict[str, ColumnElement[str]]:
    return {
        "since": value(held.c.since),
        "confidence": _confidence(held),
        "disputed": value(func.coalesce(held.c.disputed, False)),
        "last_reported": value(_day(held.c.last_published, question)),
        "event_id": value(held.c.event_id),
    }


def _status(held: Any) -> ColumnElement[str]:
    """The status of a row of `standing`, as JSON: `unknown` where nothing decides."""
    return value(func.coalesce(held.c.status, literal_column(f"'{Status.UNKNOWN}'", Text)))


def _confidence(held: Any) -> ColumnElement[str]:
    """The word for the deciding event's confidence, as JSON."""
    words = [
        (held.c.confidence == int(one), literal_column(f"'\"{one.label}\"'", Text))
        for one in Confidence
    ]
    return case(*words, else_=NULL)


def _day(instant: ColumnElement[Any], question: Question) -> ColumnElement[Any]:
    """The day of an instant in the country that is asked about."""
    return cast(func.timezone(question.zone.key, instant), Date)


def _citations_of(held: Subquery, question: Question) -> Any:
    """How many documents support and dispute the deciding event at the clocks."""
    supports = citations.c.stance == Stance.SUPPORTS
    return (
        select(
            func.count().filter(supports).label("supporting"),
            func.count().filter(~supports).label("disputing"),
        )
        .where(
            citations.c.event_id == held.c.event_id,
            as_of.known(citations, question.clocks.known_at),
            as_of.published(citations, question.clocks.reported_by),
        )
        .lateral("cited")
    )
