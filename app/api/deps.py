"""What handlers are given: a connection, the settings, and the question that a query asks."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Path, Request

from app.api import cursors, params
from app.api.keeping import basis
from app.domain.clocks import Clocks, Moment, parse_moment
from app.domain.control import Confidence, Question
from app.domain.errors import InvalidValueError, UnknownPlaceError, UnknownRecordError
from app.settings import Settings
from app.store import boundaries, places, revisions
from app.store.databases import Databases
from app.store.engine import Connection

TOMORROW = timedelta(days=1)
Item = TypeVar("Item")


# Dependencies are `async`, those that wait for the database too: `app.api.routes` says why.
async def _connection(request: Request) -> Connection:
    databases: Databases = request.app.state.databases
    opened: ExitStack = request.state.opened
    query = request.query_params
    told = request.scope.get("state", {})
    known = [query[name] for name in _KNOWN if query.get(name)]
    if fixed := cursors.known_at(query.get("cursor")):
        known.append(fixed)
    connection = opened.enter_context(
        databases.reading(
            # `app.api.keeping` takes a demand out of the question, where it can be one.
            must=demanded(query.get("min_revision")) or told.get("demanded", 0),
            should=told.get("at_least", 0),
            settled=_settled(known),
        )
    )
    basis().read(revisions.seen(connection))
    return connection


_KNOWN = ("known_at", "known_from", "known_to")
_LAST_ZONE = ZoneInfo("Etc/GMT+12")
"""Where a day ends last on Earth."""


def demanded(text: str | None) -> int:
    """The revision that `min_revision` demands; 0 for none, and for what its model will refuse."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _settled(knowing: list[str]) -> datetime | None:
    """An instant not before any that a question means by these; the zone of its days is not known.

    What cannot be read will be refused.
    """
    with suppress(InvalidValueError):
        return max(
            (parse_moment(text, _LAST_ZONE, field="known_at").until for text in knowing),
            default=None,
        )
    return None


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


ReadConnection = Annotated[Connection, Depends(_connection)]
"""A connection of a `routes.Route`, until its answer is made."""
AppSettings = Annotated[Settings, Depends(_settings)]


async def no_repeats(request: Request) -> None:
    """Refuse a parameter given twice: either could be the one that was meant."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    for name, number in times.items():
        if number > 1:
            raise InvalidValueError(f"{name[:40]} is given more than once", field=name[:40])


class MovedError(Exception):
    """The place has another address, its canonical one."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def _find(
    kind: places.PlaceKind, name: str, request: Request, connection: Connection
) -> places.Place:
    """The place in the path; a name or alias is redirected to the address with its id."""
    found = places.place(connection, kind, name)
    if found:
        return found
    candidates = places.named(connection, kind, name)
    exact = [candidate for candidate in candidates if places.is_exact(candidate, name)]
    if len(exact) == 1:
        before, after = request.scope["route"].path.split("{id}")
        address = f"{request.scope.get('root_path', '')}{before}{quote(exact[0].id)}{after}"
        raise MovedError(f"{address}?{request.url.query}" if request.url.query else address)
    detail = (
        f"{name[:80]!r} is the name of {len(exact)} {kind}s: ask for a candidate by its id"
        if exact
        else f"no {kind} has the id or the name {name[:80]!r}"
    )
    raise UnknownPlaceError(detail, field="id", candidates=exact or candidates)


async def _district(
    place: Annotated[
        params.Name,
        Path(
            alias="id",
            description="P-code of a district, or any of its names that no other district has.",
            openapi_examples={
                "P-code": {"value": "AF2907"},
                "name": {"value": "qaisar"},
                "name in Dari": {"value": "قیصار"},
            },
        ),
    ],
    request: Request,
    connection: ReadConnection,
) -> places.Place:
    return _find("district", place, request, connection)


async def _province(
    place: Annotated[
        params.Name,
        Path(
            alias="id",
            description="P-code of a province, or any of its names that no other province has.",
            openapi_examples={"P-code": {"value": "AF29"}, "name": {"value": "ghor"}},
        ),
    ],
    request: Request,
    connection: ReadConnection,
) -> places.Place:
    return _find("province", place, request, connection)


DistrictInPath = Annotated[places.Place, Depends(_district)]
ProvinceInPath = Annotated[places.Place, Depends(_province)]


@dataclass(frozen=True)
class Setting:
    """Where a query sets the clocks, read; `known_field` is the parameter that set the last one."""

    as_of: Moment
    reported_by: Moment | None
    known_at: Moment | None
    known_field: str = "known_at"


def setting_of(query: params.Known, as_of: Moment | None, zone: ZoneInfo) -> Setting:
    """Read the clocks of a query in the days of `zone`; without an `as_of` it is today's.

    Raises InvalidValueError for a moment that cannot be read or that lies in the future.
    """
    return Setting(
        as_of or today(zone),
        optional_moment(query.reported_by, "reported_by", zone),
        optional_moment(query.known_at, "known_at", zone),
    )


def asked(connection: Connection, query: params.Clocks, zone: ZoneInfo) -> Question:
    """The question that a query asks; raises as `setting_of` does."""
    as_of = optional_moment(query.as_of, "as_of", zone)
    return question_at(connection, setting_of(query, as_of, zone), query.minimum, zone)


def question_at(
    connection: Connection, setting: Setting, minimum: Confidence, zone: ZoneInfo
) -> Question:
    """The question at a setting of the clocks.

    Without `known_at` it is asked of the newest revision that the connection sees, and that
    revision's instant is the `known_at` of the answer.
    """
    revision = (
        revisions.at(connection, setting.known_at.until, field=setting.known_field)
        if setting.known_at
        else revisions.current(connection)
    )
    basis().asked(fixed=setting.known_at is not None)
    clocks = Clocks(setting.as_of, setting.reported_by, revision.recorded_at)
    return Question(clocks, minimum, zone, revision.number)


def today(zone: ZoneInfo) -> Moment:
    """The day that it is in a time zone, as a clock's setting; what rests on it is not fixed."""
    basis().asked(fixed=False)
    return day_of_now(zone)


def day_of_now(zone: ZoneInfo) -> Moment:
    """The same, to compare a given day with: that makes no difference to the answer later on."""
    return Moment.of_day(datetime.now(zone).date(), zone)


def optional_moment(text: str | None, field: str, zone: ZoneInfo) -> Moment | None:
    """Read one clock's setting, as `moment` does; None if it was left out."""
    return None if text is None else moment(text, field, zone)


def moment(text: str, field: str, zone: ZoneInfo) -> Moment:
    """Read one clock's setting.

    The record speaks of no day to come. "Tomorrow" passes, because a client east of the country
    may be there already. What lies in the future for the record itself, its database tells.
    """
    read = parse_moment(text, zone, field=field)
    latest = day_of_now(zone).until + TOMORROW
    if read.until > latest and field not in ("known_at", "known_from", "known_to"):
        raise InvalidValueError(
            f"{text} lies in the future: this record says nothing of days to come", field=field
        )
    return read


def country_asked(
    connection: Connection,
    query: params.CountryClocks | params.Series | params.OfCountry | params.NewsQuery,
    settings: Settings,
) -> places.Country:
    """The country that a query is about; UnknownPlaceError when it is not on record."""
    code = query.country or settings.default_country
    found = places.country(connection, code)
    if found is None:
        raise UnknownPlaceError(f"there is no country {code!r} on record", field="country")
    return found


def shapes_asked(
    connection: Connection, query: params.Drawn, country: str
) -> boundaries.BoundarySet | None:
    """The boundary set that a query names, or the country's default, if it has one.

    Raises InvalidValueError for a set that the country does not have.
    """
    if query.boundary_set is None:
        return boundaries.default_set(connection, country)
    found = boundaries.one_set(connection, query.boundary_set)
    if found is None or found.country != country:
        raise InvalidValueError(
            f"{country} has no boundary set {query.boundary_set!r}; /boundary-sets lists them",
            field="boundary_set",
        )
    return found


def shapes_needed(
    connection: Connection, query: params.Drawn, country: str
) -> boundaries.BoundarySet:
    """As `shapes_asked`; UnknownRecordError where the country has no boundary set at all.

    Without shapes there are no borders, and "no front line" would look like an answer.
    """
    found = shapes_asked(connection, query, country)
    if found is None:
        raise UnknownRecordError(f"{country} has no boundary set", field="boundary_set")
    return found


def check_filters(connection: Connection, country: str, **filters: str | None) -> None:
    """Refuse ids that name nothing there: an empty list would look like an answer.

    The filters are `district` and `province`, which must be of the country, `controller` and
    `source`; InvalidValueError names one.
    """
    for name, given in filters.items():
        if given is not None and not places.is_known(connection, name, given, country):
            raise InvalidValueError(f"{country} has no {name} {given!r} on record", field=name)


def paged(
    request: Request,
    question: Question,
    found: Sequence[Item],
    limit: int | None,
    position: Callable[[Item], dict[str, Any]],
) -> tuple[Sequence[Item], dict[str, str]]:
    """Cut a list, which was asked for one item too long, to a page, and say where it goes on.

    `position` is what a cursor remembers of the page's last item. Returns the page, and the
    header that leads to the next one if there is one.
    """
    page = found[:limit]
    if len(found) == len(page):
        return page, {}
    cursor = cursors.write_cursor(**position(page[-1]))
    return page, {"Link": _next_link(request, question, cursor)}


def fixed(question: Question) -> dict[str, str]:
    """The clocks that may be left out, as parameters that set them to what was asked."""
    return {
        "as_of": question.clocks.as_of.text,
        "known_at": question.clocks.known_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _next_link(request: Request, question: Question, cursor: str) -> str:
    """The `Link` header that leads to the next page.

    It fixes the clocks that were left open, so that all pages show one state of the record.
    """
    query = dict(request.query_params) | fixed(question) | {"cursor": cursor}
    # Some servers put the prefix that they are mounted at before the path, and some do not.
    root = request.scope.get("root_path", "")
    path = f"{root}/{request.url.path.removeprefix(root).removeprefix('/')}"
    return f'<{path}?{urlencode(query)}>; rel="next"'
