"""The tables. Migrations make them; a test shows that the two agree.

Times are `timestamptz`; every pair of `known_from`/`known_until` (and `reported_from`/
`reported_until`) is half-open with NULL for "still", every `*_earliest`/`*_latest` is inclusive
with NULL for "no one says". Triggers that keep the record append-only stand in the migration.
"""

from app.store.tables.base import metadata
from app.store.tables.clients import (
    api_keys,
    given_answers,
)
from app.store.tables.gazetteer import (
    borders,
    boundary_sets,
    countries,
    district_codes,
    district_names,
    district_shapes,
    districts,
    drawn_borders,
    drawn_districts,
    drawn_provinces,
    outer_borders,
    province_codes,
    province_names,
    province_shapes,
    provinces,
    source_names,
    upkeep,
)
from app.store.tables.record import (
    actors,
    citations,
    event_states,
    event_versions,
    events,
    imports,
    mentions,
    revisions,
    seals,
    sources,
)

__all__ = [
    "actors",
    "api_keys",
    "borders",
    "boundary_sets",
    "citations",
    "countries",
    "district_codes",
    "district_names",
    "district_shapes",
    "districts",
    "drawn_borders",
    "drawn_districts",
    "drawn_provinces",
    "event_states",
    "event_versions",
    "events",
    "given_answers",
    "imports",
    "mentions",
    "metadata",
    "outer_borders",
    "province_codes",
    "province_names",
    "province_shapes",
    "provinces",
    "revisions",
    "seals",
    "source_names",
    "sources",
    "upkeep",
]
