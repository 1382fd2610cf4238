"""Importing: many claims or events from a file, as one revision of the record."""

from app.importing.claims import import_claims
from app.importing.report import Order, Report

__all__ = ["Order", "Report", "import_claims"]
