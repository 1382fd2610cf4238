"""The one router of everything under `/ogc`."""

from fastapi import APIRouter

from app.api.routes import Route

router = APIRouter(prefix="/ogc", tags=["GIS"], route_class=Route)
