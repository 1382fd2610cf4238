"""Beside the record: who may write, and what they were answered."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import INSTANT, metadata, said

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    said("owner"),
    CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name="secret_hash_form"),
    CheckConstraint(
        "scopes <@ '{read,write,admin}'::text[] AND cardinality(scopes) > 0", name="scopes_known"
    ),
)

given_answers = Table(
    "given_answers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", Text),
    Column("given_at", INSTANT, nullable=False, server_default=func.now()),
)
