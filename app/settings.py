"""What an operator can set: environment variables, or a `.env` file beside the project."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout: `seeds/`, `migrations/` and `alembic.ini` lie here."""


class Settings(BaseSettings):
    """One frozen set of settings, read once and passed on."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=PROJECT / ".env", env_ignore_empty=True, extra="ignore"
    )

    database_url: str | None = Field(
        None, description="SQLAlchemy URL of a PostGIS; unset: a private one under .local/"
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
    pool_size: int = Field(10, ge=1, le=100, description="Database connections per process")
