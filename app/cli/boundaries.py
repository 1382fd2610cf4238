"""`district-control import boundaries`, and `boundaries`: sets of shapes, side by side."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.boundaries import fetching, loading
from app.boundaries.matching import Verdict
from app.boundaries.report import Matched, Order, Report, called, write_rows
from app.cli.common import console, database, progress_bar, settings, stepping, write_report
from app.domain.errors import InvalidValueError
from app.importers.drafts import is_legible
from app.importers.layouts import LAYOUTS, Fields
from app.importers.shapes import SLIVER, Reading
from app.settings import Settings
from app.store import boundaries
from app.store.engine import reading, writing
from app.store.shapes import NewSet

sets = typer.Typer(help="Boundary sets: shapes of districts, side by side.", no_args_is_help=True)
terminal = Console()

_LISTED = 60  # places without a shape that the terminal names


class Quality(StrEnum):
    """How far the shapes of a set can be trusted."""

    APPROXIMATE = "approximate"
    COMPILED = "compiled"
    SURVEYED = "surveyed"


@dataclass(frozen=True)
class _About:
    """What is said of a new set; None: not yet."""

    set: str | None
    name: str | None
    dated: str | None
    origin: str | None
    licence: str | None
    attribution: str | None
    quality: str | None
    source_url: str | None

    def filled(self, other: "_About") -> "_About":
        """The same, with what the other says where this one says nothing."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **own)

    def as_set(self, country: str, sha256: str) -> NewSet:
        """A set of a country; InvalidValueError names what is missing or wrong."""
        missing = [f.name for f in fields(self) if not getattr(self, f.name)]
        options = [f"--{name}" for name in missing if name != "source_url"]
        if options:
            raise InvalidValueError(f"give {', '.join(options)} too", field=options[0][2:])
        for name, value in vars(self).items():
            if value and (len(value) > 2000 or not is_legible(value)):
                raise InvalidValueError(f"--{name}: the text is too long, or no text", field=name)
        id_, dated = str(self.set), str(self.dated)
        if not re.fullmatch("[a-z0-9-]{1,100}", id_):
            detail = f"--set: {id_!r} is no id: lower-case letters, digits and hyphens, up to 100"
            raise InvalidValueError(detail, field="set")
        if self.source_url and not re.fullmatch(r"https?://\S+", self.source_url):
            raise InvalidValueError("--source-url: this is no web address", field="source_url")
        try:
            day = date.fromisoformat(dated)
        except ValueError as error:
            detail = f"--dated: {dated!r} is no day: write it as 2021-11-17"
            raise InvalidValueError(detail, field="dated") from error
        return NewSet(
            id=id_,
            country=country,
            name=str(self.name),
            dated=day,
            origin=str(self.origin),
            licence=str(self.licence),
            attribution=str(self.attribution),
            quality=str(self.quality),
            source_url=self.source_url,
            sha256=sha256,
        )


@dataclass(frozen=True)
class _Files:
    """The files to import, the SHA-256 of the first one, and what their publisher says of it."""

    districts: Path
    provinces: Path | None
    sha256: str
    about: _About | None = None
    shapes: int | None = None


def import_boundaries(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Shapes of districts"),
    ] = None,
    set_: Annotated[str | None, typer.Option("--set", help="Id of the new set")] = None,
    name: Annotated[str | None, typer.Option(help="What people call the set")] = None,
    dated: Annotated[str | None, typer.Option(help="The day it is of: YYYY-MM-DD")] = None,
    origin: Annotated[str | None, typer.Option(help="Where the shapes come from")] = None,
    licence: Annotated[str | None, typer.Option(help="The terms that they come under")] = None,
    attribution: Annotated[str | None, typer.Option(help="What maps have to say of it")] = None,
    quality: Annotated[Quality | None, typer.Option(help="How far to trust the lines")] = None,
    source_url: Annotated[str | None, typer.Option(help="Where it can be read about")] = None,
    country: Annotated[
        str | None, typer.Option(help="Two-letter code; the configured country if left out")
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Make it the default set")] = False,
    layer: Annotated[str | None, typer.Option(help="Which layer, of several")] = None,
    crs: Annotated[
        str | None, typer.Option(help="Reference system of a file that does not say it: EPSG:32642")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the texts of a Shapefile")] = None,
    fields_: Annotated[
        str | None, typer.Option("--fields", help=f"Whose fields: {', '.join(LAYOUTS)}")
    ] = None,
    name_field: Annotated[str | None, typer.Option(help="Field with the name; - for none")] = None,
    code_field: Annotated[str | None, typer.Option(help="Field with the code; - for none")] = None,
    province_field: Annotated[
        str | None, typer.Option(help="Field with the province's name or code; - for none")
    ] = None,
    sliver_km2: Annotated[
        float, typer.Option(min=0, help="Parts of a shape below this size are left out")
    ] = SLIVER,
    provinces: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Shapes of provinces, in another file"),
    ] = None,
    province_layer: Annotated[str | None, typer.Option(help="Which layer of that file")] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV that settles doubts: shape,district"),
    ] = None,
    province_mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The same for shapes of provinces"),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Load the shapes that are sure, if others are not")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Load nothing; tell what would be")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write the report here: .json all of it, .csv a row for each shape"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, not as a table")
    ] = False,
    fetch: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="PUBLISHER COUNTRY", help="Instead of FILE: geoboundaries AFG"),
    ] = None,
    api_url: Annotated[str, typer.Option(help="Where to fetch from")] = fetching.GEOBOUNDARIES,
    sha256: Annotated[
        str | None, typer.Option(help="What the file has to have; else nothing is loaded")
    ] = None,
    max_mb: Annotated[
        int, typer.Option(min=1, help="Largest file, in MiB, to fetch")
    ] = fetching.MAX_MB,
) -> None:
    """Load shapes of districts as a new boundary set, each matched to the district that it is.

    GeoJSON, Shapefile (also zipped) or GeoPackage. Nothing is loaded while a shape is doubtful:
    settle those with --mapping, or leave them out with --partial. docs/boundaries.md tells more.
    """
    chosen = settings()
    given = _About(set_, name, dated, origin, licence, attribution, quality, source_url)
    with _files(file, fetch, provinces, api_url, max_mb) as files:
        if sha256 is not None and sha256.strip().lower() != files.sha256:
            detail = f"the file is not the one that is asked for: its SHA-256 is {files.sha256}"
            raise InvalidValueError(detail, field="sha256")
        about = given.filled(files.about) if files.about else given
        order = Order(
            file=files.districts,
            new=about.as_set(country or chosen.default_country, files.sha256),
            reading=Reading(
                layer=layer,
                crs=crs,
                encoding=encoding,
                fields=Fields(fields_, name_field, code_field, province_field),
                sliver=sliver_km2,
            ),
            mapping=mapping,
            provinces=files.provinces,
            province_layer=province_layer,
            province_mapping=province_mapping,
            make_default=default,
            partial=partial,
            dry_run=dry_run,
        )
        done = _import(chosen, order)
    if files.shapes not in (None, len(done.districts.shapes)):
        console.print(
            f"[yellow]The publisher counts {files.shapes} shapes, the file has "
            f"{len(done.districts.shapes)}.[/yellow]"
        )
    _told(done, report, as_json=as_json)


@contextmanager
def _files(
    file: Path | None, fetch: tuple[str, str] | None, provinces: Path | None, api: str, max_mb: int
) -> Iterator[_Files]:
    """The files that are given; or those that are fetched, while the block runs."""
    if (file is None) == (fetch is None):
        raise InvalidValueError("give either a FILE or --fetch", field="file")
    if file is not None:
        yield _Files(file, provinces, loading.digest(file))
        return
    assert fetch is not None  # noqa: S101 - one of them is given
    publisher, country = fetch
    if publisher != "geoboundaries":
        detail = f"nothing can be fetched from {publisher!r}, only from geoboundaries"
        raise InvalidValueError(detail, field="fetch")
    with tempfile.TemporaryDirectory() as folder, fetching.client() as client:
        with progress_bar(sizes=True) as bar:
            step = stepping(bar)
            offer = fetching.geoboundaries(client, api, country, "ADM2")
            districts = fetching.download(
                client, offer.download, Path(folder, f"{country}-ADM2.geojson"), max_mb, step
            )
            if provinces is None:
                outlines = fetching.geoboundaries(client, api, country, "ADM1")
                to = Path(folder, f"{country}-ADM1.geojson")
                provinces = fetching.download(client, outlines.download, to, max_mb, step).path
        console.print(f"Fetched {offer.download}\nSHA-256 {districts.sha256}", soft_wrap=True)
        yield _Files(districts.path, provinces, districts.sha256, _offered(offer), offer.shapes)


def _offered(offer: fetching.Offer) -> _About:
    return _About(
        set=f"geoboundaries-{offer.id.lower()}",
        name=f"geoBoundaries {offer.id}",
        dated=offer.dated.isoformat(),
        origin=f"geoBoundaries gbOpen {offer.id}, from: {offer.source}",
        licence=offer.licence,
        attribution=f"Boundaries: {offer.source}, by geoBoundaries (www.geoboundaries.org)",
        quality=Quality.COMPILED,
        source_url=offer.source_url,
    )


def _import(chosen: Settings, order: Order) -> Report:
    with (
        database(chosen) as engine,
        progress_bar() as bar,
        writing(engine) as connection,
    ):
        return loading.import_boundaries(connection, order, stepping(bar))


def _told(report: Report, path: Path | None, *, as_json: bool) -> None:
    """Tell what was found; exits with status 1 where doubts kept it from being loaded."""
    document = json.dumps(report.as_document(), ensure_ascii=False, indent=2)
    if path is not None:
        write_report(path, document, lambda table: write_rows(report, table))
    if as_json:
        typer.echo(document)
    else:
        for matched, kind in ((report.provinces, "province"), (report.districts, "district")):
            if matched:
                _print(matched, kind)
    if report.refused:
        console.print(
            "[red]Nothing was loaded: settle the doubts with a mapping file, or use --partial."
            "[/red]"
        )
        raise SystemExit(1)
    if report.dry_run:
        console.print("Nothing was loaded: this was a dry run.")
    else:
        console.print(
            f"Loaded the boundary set {report.boundary_set}, with {report.borders:,} borders "
            "between districts."
        )
        for what, districts in (
            ("They border no other district", report.alone),
            ("Too thin for a border or a tile", report.lost),
        ):
            if districts:
                console.print(f"{what}: {', '.join(districts)}.")


def _print(matched: Matched, kind: str) -> None:
    figures = Table(title=matched.file, show_header=False)
    figures.add_column()
    figures.add_column(justify="right")
    for verdict, number in matched.counts.items():
        figures.add_row(f"shapes {verdict}", f"{number:,}")
    figures.add_row(f"{kind}s without a shape", f"{len(matched.without_shape):,}")
    terminal.print(figures)
    if matched.open:
        asked = Table(title="Which is it?", show_lines=True)
        for column in ("shape", "name", "why it is not sure", f"{kind}s it may be, with points"):
            asked.add_column(column, overflow="fold")
        for row in matched.open:
            doubts = "; ".join((*row.doubts, *row.notes))
            asked.add_row(row.shape, row.name, doubts, "\n".join(map(called, row.candidates[:3])))
        terminal.print(asked)
    for row in matched.shapes:
        if row.notes and row.verdict is Verdict.MATCHED:
            terminal.print(f"{row.name} ({row.shape}): {'; '.join(row.notes)}", highlight=False)
    for note in matched.notes:
        terminal.print(note, highlight=False)
    if matched.without_shape:
        listed = ", ".join(map(called, matched.without_shape[:_LISTED]))
        more = len(matched.without_shape) - _LISTED
        terminal.print(f"Without a shape: {listed}{f' and {more} more' if more > 0 else ''}.")


@sets.command("list")
def list_sets(
    country: Annotated[
        str | None, typer.Option(help="Two-letter code; the configured country if left out")
    ] = None,
) -> None:
    """List a country's boundary sets, the default one first, then the newest."""
    chosen = settings()
    with database(chosen) as engine, reading(engine) as connection:
        found = boundaries.list_sets(connection, country or chosen.default_country)
    table = Table()
    for column in ("set", "name", "dated", "quality", "licence", "SHA-256", "default"):
        table.add_column(column, overflow="fold", no_wrap=column in ("set", "dated"))
    for one in found:
        default = "yes" if one.is_default else ""
        table.add_row(
            one.id,
            one.name,
            one.dated.isoformat(),
            one.quality,
            one.licence,
            (one.sha256 or "")[:12],
            default,
        )
    terminal.print(table)


@sets.command("default")
def set_default(
    boundary_set: Annotated[str, typer.Argument(metavar="SET", help="Id of the set")],
) -> None:
    """Let answers with a geometry use this set, unless they are asked for another."""
    with database(settings()) as engine, writing(engine) as connection:
        found = loading.set_default(connection, boundary_set)
    console.print(f"{found.id} is the default set of {found.country} now.")


@sets.command("remove")
def remove(
    boundary_set: Annotated[str, typer.Argument(metavar="SET", help="Id of the set")],
) -> None:
    """Remove a set with all its shapes; the default set cannot be removed."""
    with database(settings()) as engine, writing(engine) as connection:
        loading.remove(connection, boundary_set)
    console.print(f"Removed the boundary set {boundary_set}.")
