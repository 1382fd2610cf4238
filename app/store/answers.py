"""Answers to writes, kept under the key that the client gave: a retry gets the first one again.

A row is made in the transaction of the write itself. So the write and its answer are kept both or
neither, and of two retries that arrive together the second waits for the first, in whatever
process they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from app.store.tables import given_answers


@dataclass(frozen=True)
class Given:
    """An answer that was given: status, headers and body, and the hash of what was asked."""

    request_hash: str
    status: int
    headers: Mapping[str, str]
    body: str


def claim(connection: Connection, owner: str, key: str, request_hash: str) -> Given | None:
    """Take a key for this transaction's write: None, or the answer that it has already.

    Waits for a transaction that holds the key; where that one fails, the key is free again.
    """
    taken = connection.scalar(
        insert(given_answers)
        .values(owner=owner, key=key, request_hash=request_hash)
        .on_conflict_do_nothing()
        .returning(given_answers.c.key)
    )
    if taken is not None:
        return None
    row = connection.execute(
        select(given_answers).where(given_answers.c.owner == owner, given_answers.c.key == key)
    ).one()
    return Given(row.request_hash, row.status, row.headers, row.body)


def keep(connection: Connection, owner: str, key: str, given: Given) -> None:
    """Keep the answer to the write for which the key was taken."""
    connection.execute(
        given_answers.update()
        .where(given_answers.c.owner == owner, given_answers.c.key == key)
        .values(status=given.status, headers=dict(given.headers), body=given.body)
    )
