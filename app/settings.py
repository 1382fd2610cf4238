"""What an operator can set: environment variables, or a `.env` file beside the project."""

from pathlib import Path
from typing import Annotated, Literal

from limits import parse_many
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout: `seeds/`, `migrations/` and `alembic.ini` lie here."""

OFF = "off"
"""What a rate limit says that limits nothing; an empty variable would mean the default."""


def _limit(text: str) -> str:
    if text.strip().lower() in ("", OFF):
        return OFF
    # Of several `limits.parse` would silently take the first.
    if not [limit.amount > 0 for limit in parse_many(text)] == [True]:
        raise ValueError(f"write one limit, as 600/minute, or {OFF}")
    return text


RateLimit = Annotated[str, AfterValidator(_limit)]


class Settings(BaseSettings):
    """One frozen set of settings, read once and passed on."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=PROJECT / ".env", env_ignore_empty=True, extra="ignore"
    )

    database_url: str | None = Field(
        None, description="SQLAlchemy URL of a PostGIS; unset: a private one under .local/"
    )
    read_database_url: str | None = Field(
        None, description="URL of its replicas, one host or several, for reads; unset: none"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on")
    default_country: str = Field(
        "AF", pattern="^[A-Z]{2}$", description="Country that lists and summaries speak of"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or coloured text for a terminal"
    )
    max_import_mb: int = Field(
        512, ge=1, le=65536, description="Largest file, in MiB, that POST /imports takes"
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that answer requests")
    pool_size: int = Field(10, ge=1, le=100, description="Database connections per process")
    cache_mb: int = Field(
        128, ge=0, le=65536, description="Memory, in MiB, that each process keeps answers in"
    )
    reads_need_key: bool = Field(
        False, description="Whether reads need an API key too; writes always do"
    )
    rate_limit_reads: RateLimit = Field(
        "6000/minute", description="Reads for each key, or each address without one; or off"
    )
    rate_limit_writes: RateLimit = Field(
        "600/minute", description="Writes for each key, or each address without one; or off"
    )
    rate_limit_failures: RateLimit = Field(
        "30/minute", description="Keys that do not work, for each address; or off"
    )
    rate_limit_storage: str = Field(
        "memory://",
        description="URL of a storage of the library `limits`; memory is for each process alone",
    )
