"""`/ogc`: the record as OGC API - Features, for GIS programs (docs/ogc.md)."""

from app.api.ogc import catalogue, features
from app.api.ogc.routing import router

__all__ = ["catalogue", "features", "router"]
