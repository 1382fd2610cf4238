"""What the peers serve: one table with the state of one day, as the service tells it.

So they need not find out who holds what: they read rows. The attributes are those of a feature of
`/control?f=geojson`, flat, and the geometry has the digits of the service's.
"""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.store.engine import make_engine
from bench.service.asking import ask
from bench.service.cases import DAY

_COLUMNS = {
    "name": "text",
    "name_local": "text",
    "province_id": "text",
    "province_name": "text",
    "is_provincial_capital": "boolean",
    "is_national_capital": "boolean",
    "area_km2": "float8",
    "population": "integer",
    "status": "text",
    "controller_id": "text",
    "controller_name": "text",
    "since": "text",
    "confidence": "text",
    "disputed": "boolean",
    "last_reported": "text",
    "event_id": "text",
    "supporting_citations": "integer",
    "disputing_citations": "integer",
}


def make_table(url: str, port: int) -> int:
    """Make the peers' table out of the service's own answer; the number of its rows."""
    features = json.loads(ask(port, f"/control?as_of={DAY}&f=geojson").body)["features"]
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA peers"))
        connection.execute(
            text(
                f"CREATE TABLE peers.control_at (id text PRIMARY KEY, {columns}, "
                "geom geometry(MultiPolygon, 4326))"
            )
        )
        connection.execute(
            text(
                f"INSERT INTO peers.control_at (id, {', '.join(_COLUMNS)}, geom) "  # noqa: S608
                f"VALUES (:id, {', '.join(f':{name}' for name in _COLUMNS)}, "
                "ST_SetSRID(ST_GeomFromGeoJSON(:geometry), 4326))"
            ),
            [_row(feature) for feature in features],
        )
        connection.execute(text("CREATE INDEX ON peers.control_at USING gist (geom)"))
    engine.dispose()
    return len(features)


def _row(feature: dict[str, Any]) -> dict[str, Any]:
    told = feature["properties"]
    row = {name: told.get(name) for name in _COLUMNS}
    for party in ("province", "controller"):
        inside = told[party] or {}
        row |= {f"{party}_id": inside.get("id"), f"{party}_name": inside.get("name")}
    shape = json.dumps(feature["geometry"]) if feature["geometry"] else None
    return {**row, "id": told["id"], "geometry": shape}


def tipg_settings(url: str) -> dict[str, str]:
    """The environment of tipg: what is its own default stays."""
    parsed = make_url(url)
    socket = str(parsed.query["host"]).replace("/", "%2F")
    return {
        "DATABASE_URL": f"postgresql://{parsed.username}@{socket}:{parsed.port}/{parsed.database}",
        "TIPG_DB_SCHEMAS": '["peers"]',
    }


def write_pygeoapi_config(url: str, port: int, file: Path) -> None:
    """Write the configuration of pygeoapi; YAML, which JSON is."""
    file.write_text(json.dumps(_pygeoapi(url, port), indent=1), encoding="utf-8")


def _pygeoapi(url: str, port: int) -> dict[str, Any]:
    parsed = make_url(url)
    here = f"http://127.0.0.1:{port}"
    table = {
        "data": {
            "host": str(parsed.query["host"]),
            "port": parsed.port,
            "dbname": parsed.database,
            "user": parsed.username,
            "password": "none",
            "search_path": ["peers"],
        },
        "id_field": "id",
        "table": "control_at",
        "geom_field": "geom",
    }
    words = {"title": "bench", "description": "bench", "keywords": ["bench"]}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": here,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": True,
            "languages": ["en-US"],
            "cors": True,
            "pretty_print": False,
            "limits": {"default_items": 10, "max_items": 10000},
            "map": {"url": here, "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                **words,
                "keywords_type": "theme",
                "terms_of_service": here,
                "url": here,
            },
            "license": {"name": "none", "url": here},
            "provider": {"name": "none", "url": here},
            "contact": {"name": "none", "email": "nobody@example.org"},
        },
        "resources": {
            "control": {
                "type": "collection",
                **words,
                "links": [],
                "extents": {
                    "spatial": {
                        "bbox": [-180, -90, 180, 90],
                        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                    }
                },
                "providers": [{"type": "feature", "name": "PostgreSQL", **table}],
            }
        },
    }
