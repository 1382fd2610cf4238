"""Who a file means: publishers and parties by any name that is on record."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from slugify import slugify
from sqlalchemy import Connection

from app.domain.errors import InvalidValueError, NotReadyError
from app.store.sources import Actor, known_publishers, list_actors

# "Outlet (Agency)", "Outlet (citing Agency)": the agency whose account it is stands in brackets.
_WITH_AGENCY = re.compile(r"(?P<outlet>[^()]+?)\s*\((?:citing\s+|via\s+)?(?P<agency>[^()]+)\)")


def id_of_name(name: str) -> str:
    """The id that a name gets: ASCII, lower case, hyphens; empty for a name without letters."""
    return slugify(name, replacements=[["'", ""], ["’", ""]], max_length=100)


@dataclass(frozen=True)
class Publisher:
    """Whose document it is, and whose account: `origin` is the agency's name, or its own."""

    id: str
    origin: str


class Publishers:
    """Publishers by name. One that nobody has heard of is new; `new` has those met so far."""

    def __init__(self, connection: Connection) -> None:
        known = known_publishers(connection)
        self._by_name = {
            name.casefold(): Publisher(publisher.id, publisher.origin)
            for name, publisher in known.items()
        }
        self._ids = {publisher.id for publisher in known.values()}
        self.new: dict[str, str] = {}

    def find(self, written: str, origin: str | None) -> Publisher:
        """The publisher that a name means.

        "Outlet (Agency)" is the outlet with a copy of the agency's account, unless a publisher is
        on record under just that name. Raises InvalidValueError for a name that gives no id.
        """
        found = self._known(written)
        if found is None and (parts := _WITH_AGENCY.fullmatch(written)):
            outlet = self._known(parts["outlet"]) or self._add(parts["outlet"])
            agency = self._by_name.get(parts["agency"].casefold())
            found = Publisher(outlet.id, agency.origin if agency else parts["agency"])
        found = found or self._add(written)
        return Publisher(found.id, origin) if origin else found

    def settle(self, connection: Connection) -> None:
        """Look again, now that nobody else can add publishers: some may not be new any more.

        Raises NotReadyError in the rare case that one got another id than this import gave it.
        """
        known = known_publishers(connection)
        ids = {publisher.id for publisher in known.values()}
        for id_, name in list(self.new.items()):
            if name in known and known[name].id == id_:
                del self.new[id_]
            elif name in known or id_ in ids:
                raise NotReadyError(
                    f"the publisher {name!r} was recorded by somebody else just now: import again"
                )

    def _known(self, name: str) -> Publisher | None:
        return self._by_name.get(name.casefold())

    def _add(self, name: str) -> Publisher:
        base = id_of_name(name)
        if not base:
            raise InvalidValueError(f"{name!r} is no name of a publisher", field="source")
        chosen, number = base, 1
        while chosen in self._ids:
            number += 1
            chosen = f"{base}-{number}"
        self._ids.add(chosen)
        self.new[chosen] = name
        publisher = Publisher(chosen, name)
        self._by_name[name.casefold()] = publisher
        return publisher


class Parties:
    """Parties to the conflict by id, name, full name or alias."""

    def __init__(self, actors: Iterable[Actor]) -> None:
        listed = list(actors)
        self._ids = [actor.id for actor in listed]
        self._by_name = {
            name.casefold(): actor.id
            for actor in listed
            for name in (actor.id, actor.name, actor.full_name, *actor.aliases)
        }

    @classmethod
    def on_record(cls, connection: Connection) -> "Parties":
        """All parties that are on record."""
        return cls(list_actors(connection))

    def find(self, written: str, field: str) -> str:
        """The id of the party that a name means; else InvalidValueError names `field`."""
        found = self._by_name.get(written.casefold())
        if found is None:
            raise InvalidValueError(
                f"no party on record has this name; there are {', '.join(self._ids)}", field=field
            )
        return found
