"""API keys: made, found by their token, revoked. Of a secret only a hash is kept.

A token is `dc_<id>_<secret>`. The id is no secret and names the key in lists and logs.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from app.domain.errors import InvalidValueError, UnknownRecordError
from app.store.tables import api_keys

# Without underscores in its parts a token splits in one way only, and a double click selects it.
_ALPHABET = string.ascii_letters + string.digits
_SECRET_LENGTH = 43  # 256 bits
_TOKEN = re.compile(rf"dc_(?P<id>[0-9a-f]{{12}})_(?P<secret>[0-9A-Za-z]{{{_SECRET_LENGTH}}})")
_NO_HASH = "0" * 64


class Scope(StrEnum):
    """What a key may do. Each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, wanted: "Scope") -> bool:
        """Whether who has this scope may do what needs the other."""
        order = list(Scope)
        return order.index(wanted) <= order.index(self)


@dataclass(frozen=True)
class Key:
    """A key, without its secret. It does not work from `expires_at` or `revoked_at` on."""

    id: str
    owner: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def may(self, wanted: Scope) -> bool:
        """Whether the key's scopes include this one."""
        return any(held.includes(wanted) for held in self.scopes)


def create(
    connection: Connection, owner: str, scopes: Collection[Scope], expires_at: datetime | None
) -> str:
    """Make a key, and return its token: the only time that anybody sees it.

    `expires_at` has a time zone; None is never. Raises InvalidValueError for an owner without a
    name that can be printed, for no scope, and for an expiry that is not in the future.
    """
    if not owner.strip() or not owner.isprintable():
        raise InvalidValueError("a key needs an owner with a printable name", field="owner")
    if not scopes:
        raise InvalidValueError("a key needs a scope", field="scopes")
    if expires_at is not None and expires_at <= connection.scalars(select(func.now())).one():
        raise InvalidValueError("a key expires in the future", field="expires_at")
    key_id = secrets.token_hex(6)
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    connection.execute(
        api_keys.insert().values(
            id=key_id,
            owner=owner.strip(),
            scopes=[scope for scope in Scope if scope in scopes],
            secret_hash=_hash(secret),
            expires_at=expires_at,
        )
    )
    return f"dc_{key_id}_{secret}"


def list_keys(connection: Connection) -> list[Key]:
    """Every key, also those that do not work any more, in the order in which they were made."""
    rows = connection.execute(_keys().order_by(api_keys.c.created_at, api_keys.c.id))
    return [_key(row) for row in rows]


def revoke(connection: Connection, key_id: str) -> None:
    """Make a key stop working, for ever; it stays listed. A second time changes nothing.

    Raises UnknownRecordError when there is no key with that id.
    """
    revoked = connection.execute(
        api_keys.update()
        .where(api_keys.c.id == key_id)
        .values(revoked_at=func.coalesce(api_keys.c.revoked_at, func.now()))
    )
    if not revoked.rowcount:
        # What was given is not repeated: somebody may have pasted the token.
        raise UnknownRecordError("there is no key with this id", field="id")


def find(connection: Connection, token: str) -> Key | None:
    """The key of a token, if it works now by the database's clock.

    None for what is no token, an unknown id, a wrong secret, a revoked or an expired key; how
    long it takes does not tell which of the last four.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    works = and_(
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now()),
    )
    row = connection.execute(
        _keys()
        .add_columns(api_keys.c.secret_hash, works.label("works"))
        .where(api_keys.c.id == parts["id"])
    ).first()
    same = hmac.compare_digest(_hash(parts["secret"]), row.secret_hash if row else _NO_HASH)
    return _key(row) if row and same and row.works else None


def _hash(secret: str) -> str:
    """SHA-256 in hexadecimal.

    A slow hash would protect words that people choose. Nobody can try 256 random bits one by one,
    and every request pays for this.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def _keys() -> Select[Any]:
    return select(
        api_keys.c.id,
        api_keys.c.owner,
        api_keys.c.scopes,
        api_keys.c.created_at,
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
    )


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        owner=row.owner,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
