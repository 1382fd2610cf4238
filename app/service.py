"""The whole service: the API, and the pages that read it."""

from fastapi import FastAPI

from app.api.app import create_app
from app.settings import Settings
from app.store.engine import Engine
from app.web import add_pages


def create_service(settings: Settings, engine: Engine) -> FastAPI:
    """Make the API on a database, with its pages; the caller disposes of the engine."""
    app = create_app(settings, engine)
    add_pages(app)
    return app
