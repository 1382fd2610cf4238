"""What a request under `/ogc` asks: which country, at which moment, from which address."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Request
from pydantic import Field, StringConstraints

from app.api import cursors, params
from app.api.deps import Setting, moment, question_at, setting_of, shapes_asked
from app.api.deps import country_asked as _country_asked
from app.api.ogc.documents import Link
from app.api.ogc.parameters import ItemsQuery, Session, Stretch, state_at
from app.domain.control import Question
from app.domain.errors import InvalidValueError
from app.settings import Settings
from app.store.boundaries import BoundarySet
from app.store.engine import Connection
from app.store.places import Country

JSON = "application/json"
GEOJSON = "application/geo+json"
PREFIX = "/ogc"


class After(cursors.Cursor):
    """Where a page ended, and the state that it was made from: all pages show one."""

    of: Annotated[str, StringConstraints(max_length=20)]
    as_of: params.Moment
    known_at: params.Moment
    last: Annotated[list[str | int], Field(min_length=1, max_length=3)]


@dataclass(frozen=True)
class Asked:
    """A request, read: everything that its answer depends on."""

    request: Request
    connection: Connection
    query: Session
    country: Country
    shapes: BoundarySet | None
    question: Question
    stretch: Stretch | None
    after: After | None = None

    @property
    def after_id(self) -> str:
        """The id of the last feature of the page before, where pages are in the order of ids."""
        return str(self.after.last[0]) if self.after else ""

    def address(self, path: str) -> str:
        """The whole address of a path under `/ogc`."""
        return f"{base_of(self.request)}{PREFIX}{path}"

    def link(self, rel: str, path: str, media_type: str, title: str) -> Link:
        """A link to a path under `/ogc`.

        It carries no parameters: clients that were given some add them to each request, and some
        append to addresses as if there were none.
        """
        return Link(href=self.address(path), rel=rel, type=media_type, title=title)

    def self_link(self, media_type: str, title: str = "this document") -> Link:
        """A link to the answer itself."""
        return Link(href=_own_address(self.request), rel="self", type=media_type, title=title)

    def licence_link(self) -> list[Link]:
        """Where the licence and the attribution of the shapes stand, if there are shapes."""
        if self.shapes is None:
            return []
        address = f"{base_of(self.request)}/boundary-sets/{quote(self.shapes.id)}"
        title = f"Shapes: {self.shapes.licence}. {self.shapes.attribution}"
        return [Link(href=address, rel="license", type=JSON, title=title)]

    def next_link(self, collection: str, last: list[str | int]) -> Link:
        """A link to the page after the one that ended with `last`.

        Everything that was given stays as it was given, so that clients find their parameters in
        it; the clocks that were left open are fixed in the cursor.
        """
        clocks = self.question.clocks
        cursor = cursors.write_cursor(
            of=collection,
            as_of=clocks.as_of.text,
            known_at=clocks.known_at.isoformat(),
            last=last,
        )
        given = [
            part
            for part in self.request.url.query.split("&")
            if part and not part.startswith("cursor=")
        ]
        query = "&".join([*given, f"cursor={cursor}"])
        address = f"{_own_address(self.request, with_query=False)}?{query}"
        return Link(href=address, rel="next", type=GEOJSON, title="next page")


def asked(
    request: Request,
    connection: Connection,
    query: Session,
    settings: Settings,
    *,
    collection: str | None = None,
) -> Asked:
    """Read a request about one collection, or about none in particular.

    Raises UnknownPlaceError for an unknown country, InvalidValueError for anything else.
    """
    country = _country_asked(connection, query, settings)
    stretch = query.stretch(country.zone)
    # Occurrences are not states: what is on record of them now is searched for the stretch.
    as_of = state_at(None if collection == "events" else stretch, country.zone)
    setting = setting_of(query, as_of, country.zone)
    after = None
    if isinstance(query, ItemsQuery) and query.cursor is not None:
        after = After.read(query.cursor)
        setting = _as_before(setting, after, collection, country)
    question = question_at(connection, setting, query.minimum, country.zone)
    shapes = shapes_asked(connection, query, country.code)
    return Asked(request, connection, query, country, shapes, question, stretch, after)


def _as_before(
    setting: Setting, after: After | None, collection: str | None, country: Country
) -> Setting:
    """The setting of the page before."""
    if after is None or after.of != collection:
        raise InvalidValueError("follow the link of the page before", field="cursor")
    return Setting(
        moment(after.as_of, "cursor", country.zone),
        setting.reported_by,
        moment(after.known_at, "cursor", country.zone),
        "cursor",
    )


def base_of(request: Request) -> str:
    """The address of this service, as the client sees it, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def _own_address(request: Request, *, with_query: bool = True) -> str:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    query = request.url.query if with_query else ""
    return f"{base_of(request)}{quote(path)}{'?' + query if query else ''}"
