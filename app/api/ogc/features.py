"""The features of the four collections: pages of them, and one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, TypeAdapter

from app.api import params
from app.api.deps import AppSettings, ReadConnection, check_filters, shapes_needed
from app.api.errors import documented
from app.api.examples import example
from app.api.ogc import parameters
from app.api.ogc.answers import Drawn, Found, Page, cut, feature_of, page_of, written
from app.api.ogc.asking import Asked, asked
from app.api.ogc.documents import (
    DistrictProperties,
    EventProperties,
    LineProperties,
    Properties,
    asked_properties,
    province_properties,
)
from app.api.ogc.routing import router
from app.domain.control import Confidence
from app.domain.errors import InvalidValueError
from app.domain.front import LineKind
from app.store import borders, boundaries, citations, events, extents, places
from app.store import documents as store
from app.store.status import Which, statuses

_POSITION = TypeAdapter(
    tuple[AwareDatetime, Annotated[int, params.SMALL], Annotated[int, params.LARGE]]
)
FeatureId = Annotated[params.Name, Path(alias="featureId", description="Id of a feature.")]


def _described(name: str) -> dict[int | str, dict[str, Any]]:
    return example(f"ogc-{name}", "geojson") | documented(400, 404, 406)


@router.get(
    "/collections/districts/items",
    summary="Districts as features, with who holds them",
    responses=_described("districts"),
)
def list_district_features(
    request: Request,
    query: Annotated[parameters.DistrictsQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Every district of the country, as it was at `datetime`; today if that is left out.

    Of an interval the end counts. A district without a shape has no geometry, and lies in no
    `bbox`.
    """
    about = asked(request, connection, query, settings, collection="districts")
    check_filters(
        connection, about.country.code, province=query.province, controller=query.controller
    )
    if query.filtered:
        page = cut(about, query, *_districts(about, bbox=query.box))
    else:
        page = _page_of_districts(about, query)
    return page_of(about, "districts", page)


def _page_of_districts(about: Asked, query: parameters.DistrictsQuery) -> Page:
    """A page where nothing depends on what holds in a district: only its own are asked for.

    There are clients that ask for ten at a time.
    """
    shapes = about.shapes.id if about.shapes else None
    ids = extents.district_ids(about.connection, about.country.code, shapes, query.box)
    ahead = [place for place in ids if place > about.after_id]
    page = ahead[: query.size]
    found = store.district_features(
        about.connection, about.question, Which(districts=tuple(page), boundary_set=shapes)
    )
    said = Properties.model_validate(asked_properties(about.question)).model_dump_json()
    last: list[str | int] | None = [page[-1]] if len(ahead) > len(page) else None
    return Page(
        [(one.id, f"{said[:-1]},{one.members[1:]}") for one in found],
        {one.id: one.geometry for one in found if one.geometry},
        len(ids),
        last,
    )


@router.get(
    "/collections/districts/items/{featureId}",
    summary="One district as a feature",
    responses=_described("district"),
)
def get_district_feature(
    request: Request,
    feature: FeatureId,
    query: Annotated[parameters.ItemQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """A district with its shape, as it was at `datetime`."""
    about = asked(request, connection, query, settings, collection="districts")
    return feature_of(about, "districts", feature, *_districts(about, district=feature))


def _districts(about: Asked, **which: Any) -> tuple[Found, Drawn]:
    shapes = about.shapes.id if about.shapes else None
    held = statuses(
        about.connection,
        about.question,
        Which(country=about.country.code, boundary_set=shapes, **which),
    )

    def drawn(ids: Sequence[str]) -> Mapping[str, str]:
        return boundaries.geometries(about.connection, shapes, ids) if shapes else {}

    return [(status.id, DistrictProperties.of(status, about.question)) for status in held], drawn


@router.get(
    "/collections/provinces/items",
    summary="Provinces as features, with how many districts each party holds",
    responses=_described("provinces"),
)
def list_province_features(
    request: Request,
    query: Annotated[parameters.ProvincesQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Every province of the country, with counts of its districts at `datetime`.

    Of an interval the end counts. `districts_` followed by the id of a party is how many it holds.
    """
    about = asked(request, connection, query, settings, collection="provinces")
    found, drawn = _provinces(about)
    if query.box is not None:
        shapes = about.shapes
        inside = extents.provinces_in(connection, shapes.id, query.box) if shapes else set()
        found = [(place, properties) for place, properties in found if place in inside]
    return page_of(about, "provinces", cut(about, query, found, drawn))


@router.get(
    "/collections/provinces/items/{featureId}",
    summary="One province as a feature",
    responses=_described("province"),
)
def get_province_feature(
    request: Request,
    feature: FeatureId,
    query: Annotated[parameters.ItemQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """A province with its outline, and counts of its districts at `datetime`."""
    about = asked(request, connection, query, settings, collection="provinces")
    return feature_of(about, "provinces", feature, *_provinces(about))


def _provinces(about: Asked) -> tuple[Found, Drawn]:
    held = statuses(about.connection, about.question, Which(country=about.country.code))
    # Those that hold something then: a party that is recorded later must not change the answer.
    parties = sorted({district.controller.id for district in held if district.controller})
    found: Found = [
        (
            province.id,
            province_properties(
                province,
                [district for district in held if district.province.id == province.id],
                parties,
                about.question,
            ),
        )
        for province in places.list_provinces(about.connection, country_code=about.country.code)
    ]

    def drawn(ids: Sequence[str]) -> Mapping[str, str]:
        shapes = about.shapes
        return extents.province_geometries(about.connection, shapes.id, ids) if shapes else {}

    return found, drawn


@router.get(
    "/collections/events/items",
    summary="Events as features, each at a point inside its district",
    responses=_described("events"),
)
def list_event_features(
    request: Request,
    query: Annotated[parameters.EventsQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """Changes of control that may have occurred within `datetime`, newest first.

    All that had certainly happened by today, if `datetime` is left out. Events of every confidence
    are given unless `min_confidence` says otherwise. The point only stands for the district.
    """
    about = asked(request, connection, query, settings, collection="events")
    check_filters(
        connection,
        about.country.code,
        district=query.district,
        province=query.province,
        controller=query.controller,
    )
    stretch = about.stretch
    inside = None
    if query.box is not None:
        shapes = about.shapes
        inside = extents.points_in(connection, shapes.id, query.box) if shapes else ()
    sought = events.Sought(
        country=about.country.code,
        district=query.district,
        districts=inside,
        province=query.province,
        status=query.status,
        controller=query.controller,
        confidence=Confidence.of(query.confidence) if query.confidence else None,
        kind=query.kind,
        disputed=query.disputed,
        occurred=(
            stretch.earliest if stretch else None,
            stretch.latest.until if stretch and stretch.latest else None,
        ),
        after=_position(about),
        limit=query.size + 1,
    )
    found = events.find(connection, about.question, sought)
    page = found[: query.size]
    end = page[-1] if len(found) > len(page) else None
    features, drawn = _described_events(about, page)
    return page_of(
        about,
        "events",
        Page(
            written(features),
            drawn,
            events.count(connection, about.question, sought),
            [end.span.latest.isoformat(), end.day_order, end.sequence] if end else None,
        ),
    )


@router.get(
    "/collections/events/items/{featureId}",
    summary="One event as a feature",
    responses=_described("event"),
)
def get_event_feature(
    request: Request,
    feature: FeatureId,
    query: Annotated[parameters.EventQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """An event at a point inside its district; `/events/{id}` has its citations and versions."""
    about = asked(request, connection, query, settings, collection="events")
    found: list[events.Event] = []
    try:
        sought = events.Sought(country=about.country.code, event=UUID(feature))
        found = events.find(connection, about.question, sought)
    except ValueError:
        pass  # such an id no event has
    features, drawn = _described_events(about, found)
    return feature_of(about, "events", feature, features, lambda _: drawn)


def _described_events(
    about: Asked, page: Iterable[events.Event]
) -> tuple[Found, Mapping[str, str]]:
    place_of = {event.id: event.district.id for event in page}
    cited = citations.of_events(about.connection, about.question, place_of)
    points: Mapping[str, str] = {}
    if about.shapes:
        points = boundaries.geometries(
            about.connection, about.shapes.id, set(place_of.values()), points=True
        )
    found: Found = [
        (
            event.id,
            EventProperties.of(event, cited.get(event.id, []), about.question, about.country.zone),
        )
        for event in page
    ]
    return found, {event: points[place] for event, place in place_of.items() if place in points}


def _position(about: Asked) -> events.Position | None:
    """Where the page of events before this one ended."""
    if about.after is None:
        return None
    try:
        return events.Position(*_POSITION.validate_python(about.after.last))
    except ValueError:
        raise InvalidValueError("follow the link of the page before", field="cursor") from None


@router.get(
    "/collections/frontline/items",
    summary="Lines between districts that are not in the same hands",
    responses=_described("frontline"),
)
def list_frontline_features(
    request: Request,
    query: Annotated[parameters.FrontlineQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """The borders between districts that different parties held at `datetime`.

    `kinds` or `kind` give the borders of contested districts too, and those behind which nothing
    on record counts. Of an interval the end counts.
    """
    about = asked(request, connection, query, settings, collection="frontline")
    check_filters(connection, about.country.code, province=query.province)
    found, drawn = _lines(about, query.wanted, province=query.province, bbox=query.box)
    return page_of(about, "frontline", cut(about, query, found, drawn))


@router.get(
    "/collections/frontline/items/{featureId}",
    summary="One line between two districts",
    responses=_described("line"),
)
def get_frontline_feature(
    request: Request,
    feature: FeatureId,
    query: Annotated[parameters.ItemQuery, Query()],
    connection: ReadConnection,
    settings: AppSettings,
) -> Response:
    """The border between two districts (`AF0101-AF0102`), of whatever kind, at `datetime`.

    Where both districts were in the same state then, there is no such feature.
    """
    about = asked(request, connection, query, settings, collection="frontline")
    return feature_of(about, "frontline", feature, *_lines(about, frozenset(LineKind)))


def _lines(about: Asked, kinds: frozenset[LineKind], **which: Any) -> tuple[Found, Drawn]:
    shapes = shapes_needed(about.connection, about.query, about.country.code)
    lines = borders.lines(
        about.connection,
        about.question,
        borders.WhichLines(about.country.code, shapes.id, kinds, **which),
    ).lines
    found: Found = [(line.id, LineProperties.of(line, about.question)) for line in lines]
    return found, lambda _: {line.id: line.geometry for line in lines}
