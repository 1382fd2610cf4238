"""Build the place and party tables of this folder from a folder of source tables.

Run as ``python seeds/build_places.py SOURCE_DIR``. SOURCE_DIR holds ``districts.csv``,
``aliases.csv``, ``claims_2021.csv`` and ``boundaries/provinces_natural_earth.geojson``.

Rules:

- The same sources give the same bytes: rows are sorted by code point, lines end in LF, UTF-8.
- A figure the source does not have stays a blank cell; it never becomes zero.
- A spelling is kept as published, apart from Unicode NFC and runs of white space. Spellings
  that become equal are one row that names all its lists.
- The language of a spelling comes from the lists that carry it, never from a guess at its
  letters; its script comes from its letters.
- Coordinates are copied digit for digit, so that neighbouring provinces keep common borders.
- A source that breaks an assumption stops the run; nothing is repaired silently.
"""

import csv
import json
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

Row = Mapping[str, str]
Ring = list[list[float]]

HERE = Path(__file__).resolve().parent
COUNTRY = ("AF", "Afghanistan", "Asia/Kabul")
NATIONAL_CAPITAL = "AF0101"
AREA_YEAR, POPULATION_YEAR = "2021", "2018-19"
# The name lists call press reports of 2021 this; the claims table is made from them too.
PRESS, COMMON_USE = "news 2021", "common usage"
# A list without an entry holds Latin transliterations, which have no language of their own.
LANGUAGE_OF_LIST = {
    "COD-AB 2018 (Dari)": "prs",
    "CSO (Farsi)": "prs",
    "IEC (Dari)": "prs",
    "CSO (Pashto)": "ps",
    "IEC (Pashto)": "ps",
}
SCRIPTS = {"LATIN": "Latn", "ARABIC": "Arab"}
# What the claims table writes where nobody holds the district: a status, not a party.
NOT_AN_ACTOR = "contested"


class Province(NamedTuple):
    """What is typed in here about a province, because no source table has it."""

    iso: str
    dari: str
    pashto: str
    latin: str = ""
    dari_variant: str = ""


# Only spellings in wide use; a Pashto name equal to the Dari one is repeated on purpose.
PROVINCES = {
    "AF01": Province("AF-KAB", "کابل", "کابل", "Kabol"),
    "AF02": Province("AF-KAP", "کاپیسا", "کاپيسا", "Kapissa"),
    "AF03": Province("AF-PAR", "پروان", "پروان", "Parvan"),
    "AF04": Province("AF-WAR", "میدان وردک", "ميدان وردګ", "Wardak; Maydan Wardak; Vardak"),
    "AF05": Province("AF-LOG", "لوگر", "لوګر", "Lowgar"),
    "AF06": Province("AF-NAN", "ننگرهار", "ننګرهار", "Ningarhar; Nangrahar"),
    "AF07": Province("AF-LAG", "لغمان", "لغمان"),
    "AF08": Province("AF-PAN", "پنجشیر", "پنجشېر", "Panjshir"),
    "AF09": Province("AF-BGL", "بغلان", "بغلان"),
    "AF10": Province("AF-BAM", "بامیان", "باميان", "Bamiyan; Bamian"),
    "AF11": Province("AF-GHA", "غزنی", "غزني"),
    "AF12": Province("AF-PKA", "پکتیکا", "پکتيکا"),
    "AF13": Province("AF-PIA", "پکتیا", "پکتيا", "Paktia; Paktiya"),
    "AF14": Province("AF-KHO", "خوست", "خوست", "Khowst"),
    "AF15": Province("AF-KNR", "کنر", "کونړ", "Konar; Kunarha; Konarha"),
    "AF16": Province("AF-NUR", "نورستان", "نورستان", "Nooristan; Nurestan"),
    "AF17": Province("AF-BDS", "بدخشان", "بدخشان"),
    "AF18": Province("AF-TAK", "تخار", "تخار"),
    "AF19": Province("AF-KDZ", "کندز", "کندز", "Kondoz; Konduz; Qunduz", "قندوز"),
    "AF20": Province("AF-SAM", "سمنگان", "سمنګان"),
    "AF21": Province("AF-BAL", "بلخ", "بلخ"),
    "AF22": Province(
        "AF-SAR", "سرپل", "سرپل", "Sar-e Pol; Sar-e-Pol; Sar-e Pul; Sar-i-Pul; Saripul; Sari Pul"
    ),
    "AF23": Province("AF-GHO", "غور", "غور", "Ghowr; Ghur"),
    "AF24": Province("AF-DAY", "دایکندی", "دايکندي", "Daikundi; Day Kundi; Dai Kundi; Daikondi"),
    "AF25": Province("AF-URU", "ارزگان", "اروزګان", "Urozgan; Oruzgan; Orozgan", "اروزگان"),
    "AF26": Province("AF-ZAB", "زابل", "زابل", "Zabol"),
    "AF27": Province("AF-KAN", "قندهار", "کندهار", "Qandahar"),
    "AF28": Province("AF-JOW", "جوزجان", "جوزجان", "Jowzjan; Jozjan; Jauzjan"),
    "AF29": Province("AF-FYB", "فاریاب", "فارياب", "Fariab"),
    "AF30": Province("AF-HEL", "هلمند", "هلمند", "Helmand"),
    "AF31": Province("AF-BDG", "بادغیس", "بادغيس"),
    "AF32": Province("AF-HER", "هرات", "هرات", "Herat"),
    "AF33": Province("AF-FRA", "فراه", "فراه"),
    "AF34": Province("AF-NIM", "نیمروز", "نيمروز", "Nimruz; Neemroz"),
}

# id, name, full name, kind, and every other way the claims or the press write it.
ACTORS = [
    (
        "afghan-government",
        "Afghan government",
        "Islamic Republic of Afghanistan",
        "state",
        "Government of Afghanistan; Islamic Republic of Afghanistan (government)",
    ),
    (
        "national-resistance-front",
        "National Resistance Front",
        "National Resistance Front of Afghanistan",
        "non-state",
        "NRF; National Resistance Front (anti-Taliban resistance)",
    ),
    (
        "taliban",
        "Taliban",
        "Islamic Emirate of Afghanistan",
        "non-state",
        "Islamic Emirate of Afghanistan; Taleban; Taliban",
    ),
]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a UTF-8 CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(name: str, header: str, rows: Iterable[Sequence[str]]) -> None:
    """Write sorted rows to a CSV file of this folder and say how many."""
    ordered = sorted(tuple(row) for row in rows)
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(ordered)
    sys.stdout.write(f"{name}: {len(ordered)} rows\n")


def clean(text: str) -> str:
    """Return a spelling in NFC with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def script_of(text: str) -> str:
    """Return the ISO 15924 code of the one script a spelling is written in."""
    found = {unicodedata.name(char).split()[0] for char in text if char.isalpha()}
    if len(found) != 1 or not found <= SCRIPTS.keys():
        raise ValueError(f"{text!r} is not in one known script: {sorted(found)}")
    return SCRIPTS[found.pop()]


def languages(lists: Iterable[str]) -> str:
    """Return the BCP 47 tags that the lists stand for, separated by spaces."""
    return " ".join(sorted({LANGUAGE_OF_LIST[name] for name in lists if name in LANGUAGE_OF_LIST}))


def provinces(districts: Sequence[Row], aliases: Sequence[Row]) -> dict[str, str]:
    """Return the name of each province by P-code; both tables must spell it alike."""
    pairs = {(row["province_pcode"], clean(row["province"])) for row in districts}
    if len(pairs) != len(PROVINCES) or {pcode for pcode, _ in pairs} != PROVINCES.keys():
        raise ValueError("the districts do not name the 34 provinces, each in one spelling")
    if {(row["pcode"][:4], clean(row["province"])) for row in aliases} != pairs:
        raise ValueError("the aliases spell provinces otherwise than the districts do")
    return dict(pairs)


def province_names(
    names: Mapping[str, str], claims: Sequence[Row]
) -> list[tuple[str, str, str, str, str]]:
    """Return every spelling of a province other than its name in provinces.csv."""
    lists: dict[tuple[str, str], set[str]] = defaultdict(set)
    tongues: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in claims:
        # A claim about a place without a district has no P-code to tie its province to.
        if row["adm2_pcode"]:
            lists[row["adm2_pcode"][:4], clean(row["province_reported"])].add(PRESS)
    for pcode, province in PROVINCES.items():
        native = (("prs", province.dari), ("ps", province.pashto), ("prs", province.dari_variant))
        for tongue, name in native:
            tongues[pcode, clean(name)].add(tongue)
        for name in [*province.latin.split("; "), *(name for _, name in native)]:
            lists[pcode, clean(name)].add(COMMON_USE)
    owners = {name: pcode for pcode, name in lists}
    for pcode, name in lists:
        if name and owners[name] != pcode:
            raise ValueError(f"{name!r} names two provinces: {pcode} and {owners[name]}")
    return [
        (key[0], key[1], " ".join(sorted(tongues[key])), script_of(key[1]), "; ".join(sorted(said)))
        for key, said in lists.items()
        if key[1] and key[1] != names[key[0]]
    ]


def district_row(row: Row) -> tuple[str, ...]:
    """Return a district as a row of districts.csv."""
    return (
        row["pcode"],
        row["province_pcode"],
        clean(row["name"]),
        clean(row["name_dari"]),
        row["lat"],
        row["lon"],
        row["area_km2"],
        AREA_YEAR if row["area_km2"] else "",
        row["population_2018_19"],
        POPULATION_YEAR if row["population_2018_19"] else "",
        # In this code scheme the first district of a province holds its capital (see README).
        str(row["pcode"] == row["province_pcode"] + "01").lower(),
        str(row["pcode"] == NATIONAL_CAPITAL).lower(),
    )


def district_names(
    districts: Sequence[Row], aliases: Sequence[Row]
) -> list[tuple[str, str, str, str, str]]:
    """Return every listed spelling of a district, its name included."""
    lists: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in aliases:
        lists[row["pcode"], clean(row["alias"])].update(row["lists"].split("; "))
    missing = {(row["pcode"], clean(row["name"])) for row in districts} - lists.keys()
    unknown = {pcode for pcode, _ in lists} - {row["pcode"] for row in districts}
    if missing or unknown:
        raise ValueError(f"names not listed: {sorted(missing)}; no such district: {unknown}")
    return [
        (pcode, name, languages(said), script_of(name), "; ".join(sorted(said)))
        for (pcode, name), said in lists.items()
    ]


def check_actors(claims: Sequence[Row]) -> None:
    """Stop if a claim names a party that no actor's name or alias matches exactly."""
    known = {name for actor in ACTORS for name in (actor[1], actor[2], *actor[4].split("; "))}
    unknown = {row["new_controller"] for row in claims} - known - {NOT_AN_ACTOR}
    if unknown:
        raise ValueError(f"parties without an actor: {sorted(unknown)}")


def wound(ring: Ring, *, exterior: bool) -> Ring:
    """Return a ring counter-clockwise if it is exterior, else clockwise (RFC 7946, 3.1.6)."""
    twice_area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return ring if (twice_area > 0) == exterior else ring[::-1]


def write_shapes(source: Path, names: Mapping[str, str]) -> None:
    """Write the province polygons, one feature a line, in RFC 7946 order and CRS84."""
    found: dict[str, list[Any]] = {}
    for feature in json.loads(source.read_text(encoding="utf-8"))["features"]:
        found[feature["properties"]["pcode"]] = feature["geometry"]["coordinates"]
    if found.keys() != names.keys():
        raise ValueError("the polygons are not those of the 34 provinces")
    lines = []
    for pcode in sorted(found):
        polygons = [
            [wound(ring, exterior=index == 0) for index, ring in enumerate(polygon)]
            for polygon in found[pcode]
        ]
        feature = {
            "type": "Feature",
            "properties": {"pcode": pcode, "name": names[pcode]},
            "geometry": {"type": "MultiPolygon", "coordinates": polygons},
        }
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    # Bytes, so that no platform turns LF into CRLF.
    (HERE / "province_shapes.geojson").write_bytes(text.encode())
    sys.stdout.write(f"province_shapes.geojson: {len(lines)} features\n")


def build(source: Path) -> None:
    """Read the source tables and write every table and shape of places and parties."""
    districts = read_rows(source / "districts.csv")
    aliases = read_rows(source / "aliases.csv")
    claims = read_rows(source / "claims_2021.csv")
    check_actors(claims)
    names = provinces(districts, aliases)
    write_rows("countries.csv", "code,name,time_zone", [COUNTRY])
    write_rows(
        "provinces.csv",
        "pcode,country_code,name,name_local,iso_3166_2",
        [(p, COUNTRY[0], names[p], fact.dari, fact.iso) for p, fact in PROVINCES.items()],
    )
    names_header = "pcode,name,language,script,lists"
    write_rows("province_names.csv", names_header, province_names(names, claims))
    write_rows(
        "districts.csv",
        "pcode,province_pcode,name,name_local,lat,lon,area_km2,area_year,population,"
        "population_year,provincial_capital,national_capital",
        map(district_row, districts),
    )
    write_rows("district_names.csv", names_header, district_names(districts, aliases))
    write_rows("actors.csv", "id,name,full_name,kind,aliases", ACTORS)
    write_shapes(source / "boundaries" / "provinces_natural_earth.geojson", names)


def main() -> int:
    """Run from the command line; the one argument is the folder of source tables."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: python seeds/build_places.py SOURCE_DIR\n")
        return 2
    build(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
