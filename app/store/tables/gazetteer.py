"""The gazetteer: places, their names and shapes, and names that files have for publishers."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from app.store.tables.base import INSTANT, metadata, one_of, said

countries = Table(
    "countries",
    metadata,
    Column("code", Text, primary_key=True),
    CheckConstraint("code ~ '^[A-Z]{2}$'", name="code_form"),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

provinces = Table(
    "provinces",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name="id_form"),
    Column("country_code", Text, ForeignKey("countries.code"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_local", Text),
    said("name"),
)

districts = Table(
    "districts",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[A-Z0-9]{2,20}$'", name="id_form"),
    Column("province_id", Text, ForeignKey("provinces.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_local", Text),
    Column("point", Geometry("POINT", srid=4326)),
    Column("area_km2", Float),
    Column("area_year", Text),
    Column("population", Integer),
    Column("population_year", Text),
    Column("is_provincial_capital", Boolean, nullable=False, server_default=text("false")),
    Column("is_national_capital", Boolean, nullable=False, server_default=text("false")),
    said("name"),
    CheckConstraint("area_km2 > 0", name="area_positive"),
    CheckConstraint("population >= 0", name="population_counted"),
    CheckConstraint("(area_km2 IS NULL) = (area_year IS NULL)", name="area_dated"),
    CheckConstraint("(population IS NULL) = (population_year IS NULL)", name="population_dated"),
)
Index(
    "districts_one_capital_per_province_key",
    districts.c.province_id,
    unique=True,
    postgresql_where=districts.c.is_provincial_capital,
)


def _names(table: str, place: str, places: str) -> Table:
    names = Table(
        table,
        metadata,
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("key", Text, nullable=False, index=True),
        # The default is only for rows that are copied in; `gazetteer.reduce_names` puts it right.
        Column("sound", Text, nullable=False, server_default=text("'?'")),
        Column("languages", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("script", Text),
        Column("lists", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        said("name"),
        said("key"),
        said("sound"),
    )
    for reduced in ("key", "sound"):
        Index(
            f"{table}_{reduced}_trigrams_idx",
            names.c[reduced],
            postgresql_using="gin",
            postgresql_ops={reduced: "gin_trgm_ops"},
        )
    return names


district_names = _names("district_names", "district_id", "districts")
province_names = _names("province_names", "province_id", "provinces")


def _codes(table: str, place: str, places: str) -> Table:
    return Table(
        table,
        metadata,
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("scheme", Text, primary_key=True),
        Column("code", Text, nullable=False),
        UniqueConstraint("scheme", "code"),
    )


district_codes = _codes("district_codes", "district_id", "districts")
province_codes = _codes("province_codes", "province_id", "provinces")

boundary_sets = Table(
    "boundary_sets",
    metadata,
    Column("id", Text, primary_key=True),
    CheckConstraint("id ~ '^[a-z0-9-]+$'", name="id_form"),
    Column("country_code", Text, ForeignKey("countries.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("dated", Date, nullable=False),
    Column("origin", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("attribution", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    Column("source_url", Text),
    Column("sha256", Text),
    Column("loaded_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    one_of("quality", ("approximate", "compiled", "surveyed")),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
)
Index(
    "boundary_sets_one_default_per_country_key",
    boundary_sets.c.country_code,
    unique=True,
    postgresql_where=boundary_sets.c.is_default,
)


def _shapes(table: str, place: str, places: str) -> Table:
    return Table(
        table,
        metadata,
        Column("boundary_set_id", Text, ForeignKey("boundary_sets.id"), primary_key=True),
        Column(place, Text, ForeignKey(f"{places}.id"), primary_key=True),
        Column("geom", Geometry("MULTIPOLYGON", srid=4326), nullable=False),
        CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
    )


district_shapes = _shapes("district_shapes", "district_id", "districts")
province_shapes = _shapes("province_shapes", "province_id", "provinces")


# What follows is derived from the shapes when a set is loaded, so that no read computes geometry.
def _measured(table: str, *others: SchemaItem) -> Table:
    """Lines along districts, and how long they are."""
    return Table(
        table,
        metadata,
        Column("boundary_set_id", Text, ForeignKey("boundary_sets.id"), primary_key=True),
        Column("district_id", Text, ForeignKey("districts.id"), primary_key=True),
        *others,
        Column("geom", Geometry("MULTILINESTRING", srid=4326), nullable=False),
        Column("length_km", Float, nullable=False),
        CheckConstraint("length_km > 0", name="length_positive"),
    )


borders = _measured(
    "borders",
    Column("neighbour_id", Text, ForeignKey("districts.id"), primary_key=True, index=True),
    CheckConstraint("district_id < neighbour_id", name="once"),
)
# What a district shares with no other one of the set: mostly the border of the country.
outer_borders = _measured("outer_borders")


def _drawn(table: str, kind: str, *places: Column[str]) -> Table:
    """Simplified geometry in Web Mercator for the tiles of one zoom."""
    return Table(
        table,
        metadata,
        Column("boundary_set_id", Text, ForeignKey("boundary_sets.id"), primary_key=True),
        Column("zoom", SmallInteger, primary_key=True, autoincrement=False),
        *places,
        Column("geom", Geometry(kind, srid=3857), nullable=False),
    )


drawn_districts = _drawn(
    "drawn_districts",
    "MULTIPOLYGON",
    Column("district_id", Text, ForeignKey("districts.id"), primary_key=True),
)
drawn_provinces = _drawn(
    "drawn_provinces",
    "MULTIPOLYGON",
    Column("province_id", Text, ForeignKey("provinces.id"), primary_key=True),
)
drawn_borders = _drawn(
    "drawn_borders",
    "MULTILINESTRING",
    Column("district_id", Text, ForeignKey("districts.id"), primary_key=True),
    Column("neighbour_id", Text, ForeignKey("districts.id"), primary_key=True),
)

source_names = Table(
    "source_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("source_id", Text, ForeignKey("sources.id"), nullable=False),
    Column("origin", Text),
    said("name"),
    said("origin"),
)

# One row: its number rises with every change of what stands in this file, and of what is derived,
# so that whoever keeps answers notices what no revision tells.
upkeep = Table(
    "upkeep",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("number", BigInteger, nullable=False),
    Column("transaction", BigInteger, nullable=False),
    CheckConstraint("one", name="one"),
)
