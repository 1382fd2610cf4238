"""How fast claims are imported, beside a plain COPY of the same file into one table.

Usage: python -m bench.imports [--rows 1000000] [--json FILE]

Makes a file of synthetic claims (seeded: the same rows every time) about all districts of the
seeds, and on a PostGIS of its own copies it into a bare table and imports it into a record. Figures
of one run are comparable with each other, not with those of another machine. The peak of memory is
that of the importing process, which does nothing else.
"""

import argparse
import csv
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.importing.files import import_file, mapping_of
from app.importing.report import Order
from app.local_postgis import throwaway_postgis
from app.seeding import seed
from app.settings import PROJECT
from app.store.engine import Engine, make_engine, writing
from app.store.schema import migrate

COLUMNS = (
    "row_id",
    "district_reported",
    "province_reported",
    "adm2_pcode",
    "event_date",
    "date_precision",
    "new_controller",
    "event_kind",
    "claim_basis",
    "source_name",
    "source_url",
    "article_title",
    "published_date",
    "published_basis",
)
PARTIES = ("Taliban", "Islamic Republic of Afghanistan (government)")
OUTLETS = ("TOLOnews", "Kabul Now", "Reuters", "UrduPoint (AFP)", "Infobae (AFP)", "TRT World (AP)")
BEGINNING = date(2001, 1, 1)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, throwaway_postgis() as url:
        file = Path(folder) / "claims.csv"
        with file.open("w", encoding="utf-8", newline="") as table:
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(claims(given.rows))
        engine = make_engine(url)
        migrate(engine)
        seed(engine, PROJECT / "seeds")
        figures = measure(engine, file, given.rows)
        engine.dispose()
    for name, value in figures.items():
        sys.stdout.write(f"{name:40} {value:>14,}\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def claims(number: int) -> Iterator[tuple[str, ...]]:
    """Rows of claims: districts change hands every few weeks, and each change has its reports.

    Of ten claims one is a copy of an agency's story, one is dated "by", one in fifty denies.
    """
    chance = random.Random(2021)  # noqa: S311 - the same rows every time
    with (PROJECT / "seeds" / "districts.csv").open(encoding="utf-8", newline="") as table:
        places = [(row["pcode"], row["name"]) for row in csv.DictReader(table)]
    each = -(-number // len(places))
    made = 0
    for code, name in places:
        day, holder, left = BEGINNING, 0, each
        while left and made < number:
            day += timedelta(days=chance.randint(10, 40))
            holder = 1 - holder
            for _ in range(min(left, chance.randint(3, 12), number - made)):
                made, left = made + 1, left - 1
                said = day + timedelta(days=chance.choice((0, 0, 0, -1, 1)))
                out = day + timedelta(days=chance.randint(1, 5))
                denies = chance.random() < 0.02
                party = PARTIES[1 - holder] if denies else PARTIES[holder]
                yield (
                    str(made),
                    name,
                    "",
                    code,
                    said.isoformat(),
                    chance.choice(("day",) * 9 + ("by",)),
                    party,
                    "denial" if denies else "capture",
                    "claimant" if denies else chance.choice(("local sources", "press", "agency")),
                    chance.choice(OUTLETS),
                    f"https://example.org/{made}",
                    f"Report {made} on {name}",
                    out.isoformat(),
                    chance.choice(("shown", "inferred")),
                )


def measure(engine: Engine, file: Path, rows: int) -> dict[str, Any]:
    """Copy the file into a bare table, then import it, and once more for what that costs."""
    copied = timed(lambda: copy(engine, file))
    parts: dict[str, float] = {}
    started = time.perf_counter()

    def progress(what: str, done: int, total: int | None) -> None:
        parts[what] = time.perf_counter() - started

    mapping = mapping_of("claims")
    with file.open("rb") as opened, writing(engine) as connection:
        order = Order(file.name, "AF", "bench")
        report = import_file(connection, opened, "csv", order, mapping, progress)
        worked = time.perf_counter() - started
    imported = time.perf_counter() - started
    assert report.citations_added + report.duplicates + report.errors_total == rows, report  # noqa: S101
    return {
        "rows": rows,
        "file, MB": round(file.stat().st_size / 1e6),
        "COPY, s": round(copied, 1),
        "import, s": round(imported, 1),
        "  reading, resolving and staging, s": round(parts["reading rows"], 1),
        "  grouping and writing, s": round(parts["grouping districts"] - parts["reading rows"], 1),
        "  report and seal, s": round(worked - parts["grouping districts"], 1),
        "  commit, s": round(imported - worked, 1),
        "import, rows/s": round(rows / imported),
        "import : COPY": round(imported / copied, 1),
        "events": report.events_created,
        "citations": report.citations_added,
        "errors": report.errors_total,
        "peak memory of this process, MB": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        ),
    }


def copy(engine: Engine, file: Path) -> None:
    """What the database alone needs for the same bytes: one table, no key, no index."""
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with engine.begin() as connection, file.open("rb") as opened:
        connection.execute(text(f"CREATE TABLE copied ({columns})"))
        driver: Any = connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy("COPY copied FROM STDIN (FORMAT csv, HEADER)") as into,
        ):
            while block := opened.read(1 << 20):
                into.write(block)


def timed(work: Callable[[], None]) -> float:
    """Seconds of wall time that something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
