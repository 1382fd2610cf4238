"""The chain of seals: whether the record is still what was recorded.

Each revision is sealed in its own transaction. Its content is the revision itself, every row that
it recorded and every row that it closed, each written as one line of canonical JSON (members
sorted, none that is null, instants in UTC), the lines in the order of `_CONTENT`. The seal's
`content_hash` is the SHA-256 of these lines, and its `hash` the SHA-256 of the hash before it
followed by its own content's. So whoever knows one hash can tell whether anything up to that
revision was changed since (docs/decisions/0010).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, func, select, text

from app.store.tables import revisions, seals

_CHUNK = 500
"""Revisions that are read with one query."""

# Left out: what later revisions add when they close a row, which is part of their content, and
# the number of a transaction, which means nothing outside of its server.
_LATER = "'{known_until,closing_revision,transaction}'::text[]"
_OPENED = {
    "revisions": "''",
    "actors": "id",
    "sources": "id",
    "events": "id::text",
    "event_versions": "event_id::text",
    "citations": "id::text",
    "imports": "''",
}
_CLOSED = {
    "event_versions": ("event_id::text", "jsonb_build_object('event_id', event_id)"),
    "citations": ("id::text", "jsonb_build_object('id', id)"),
}


def _part(place: int, name: str, source: str) -> str:
    """Entries of one kind: `source` gives the revision, a key to sort by, and what was recorded."""
    return (
        f"SELECT of, '{place:02} {name}' AS part,"  # noqa: S608
        f' key COLLATE "C" AS key, entry FROM ({source}) AS of_{place}'
    )


_PARTS = {
    table: f"SELECT revision AS of, {key} AS key,"  # noqa: S608
    f" jsonb_strip_nulls(to_jsonb({table}) - {_LATER}) AS entry"
    f" FROM {table} WHERE revision BETWEEN :first AND :last"
    for table, key in _OPENED.items()
} | {
    f"closed {table}": f"SELECT closing_revision AS of, {key} AS key, {entry} AS entry"  # noqa: S608
    f" FROM {table} WHERE closing_revision BETWEEN :first AND :last"
    for table, (key, entry) in _CLOSED.items()
}
_LINES = text(
    " UNION ALL ".join(_part(place, *part) for place, part in enumerate(_PARTS.items()))
    + " ORDER BY of, part, key"
)
_NEWEST = " UNION ALL ".join(
    f"SELECT max(revision) AS highest FROM {table}"  # noqa: S608
    for table in (*_OPENED, "seals")
)


@dataclass(frozen=True)
class Seal:
    """The seal of one revision; `hash` stands for the whole record up to it."""

    revision: int
    content_hash: str
    hash: str


@dataclass(frozen=True)
class Break:
    """The first revision at which the record is not what was sealed, and in what way."""

    revision: int
    what: str


def seal(connection: Connection, revision: int) -> Seal:
    """Seal a revision, after everything that it records is written; nothing can join it then."""
    before = newest(connection)
    content = dict(_contents(connection, revision, revision))[revision]
    made = Seal(revision, content, _link(before, content))
    connection.execute(seals.insert().values(**vars(made)))
    return made


def seal_missing(connection: Connection) -> None:
    """Seal, in order, the revisions that were recorded before there were seals."""
    last = connection.scalar(select(func.max(revisions.c.revision))) or 0
    first = (sealed.revision if (sealed := newest(connection)) else 0) + 1
    for revision in range(first, last + 1):
        seal(connection, revision)


def newest(connection: Connection) -> Seal | None:
    """The newest seal that the connection sees."""
    row = connection.execute(select(seals).order_by(seals.c.revision.desc()).limit(1)).first()
    return Seal(row.revision, row.content_hash, row.hash) if row else None


def last_revision(connection: Connection) -> int:
    """The highest number of a revision that anything on record has."""
    return connection.scalar(text(f"SELECT max(highest) FROM ({_NEWEST}) AS tables")) or 0  # noqa: S608


def check(connection: Connection, last: int) -> Iterator[Seal | Break]:
    """Walk the chain from its beginning to revision `last`: each seal that holds, in order.

    Ends with a Break where something is missing, was changed or was added.
    """
    before: Seal | None = None
    for first in range(1, last + 1, _CHUNK):
        until = min(first + _CHUNK - 1, last)
        rows = connection.execute(select(seals).where(seals.c.revision.between(first, until)))
        sealed = {row.revision: Seal(row.revision, row.content_hash, row.hash) for row in rows}
        found = _contents(connection, first, until)
        for revision in range(first, until + 1):
            number, content = next(found, (0, ""))
            this = sealed.get(revision)
            wrong = _wrong(revision, number, content, this, before)
            if wrong or this is None:
                yield Break(revision, wrong)
                return
            before = this
            yield this


def _wrong(revision: int, number: int, content: str, this: Seal | None, before: Seal | None) -> str:
    if number != revision:
        return "the revision is missing"
    if this is None:
        return "it has no seal"
    if this.content_hash != content:
        return "what it recorded was changed since it was sealed"
    if this.hash != _link(before, content):
        return "its seal does not follow from the one before it"
    return ""


def _link(before: Seal | None, content: str) -> str:
    return hashlib.sha256(((before.hash if before else "") + content).encode()).hexdigest()


def _contents(connection: Connection, first: int, last: int) -> Iterator[tuple[int, str]]:
    """The number and content hash of each revision of a stretch, read as a stream."""
    with connection.execute(
        _LINES, {"first": first, "last": last}, execution_options={"yield_per": 1000}
    ) as rows:
        for revision, lines in groupby(rows, key=lambda row: row.of):
            digest = hashlib.sha256()
            for line in lines:
                digest.update(_canonical([line.part[3:], line.entry]))
                digest.update(b"\n")
            yield revision, digest.hexdigest()


def _canonical(entry: object) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
