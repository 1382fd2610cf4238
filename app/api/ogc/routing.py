"""The one router of everything under `/ogc`."""

from fastapi import APIRouter

router = APIRouter(prefix="/ogc", tags=["GIS"])
