"""The command line, `district-control`."""

import typer

from app.cli import boundaries, checking, importing, keys, serving
from app.cli.common import console
from app.domain.errors import DomainError
from app.local_postgis import LocalPostgisError

cli = typer.Typer(
    help="A sourced record of who controls which district.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    serving.serve,
    serving.migrate,
    serving.seed,
    serving.rebuild,
    checking.export,
    checking.restore,
    checking.verify,
):
    cli.command()(command)
importing.imports.command("boundaries")(boundaries.import_boundaries)
cli.add_typer(importing.imports, name="import")
cli.add_typer(boundaries.sets, name="boundaries")
cli.add_typer(keys.keys, name="keys")


def main() -> None:
    """Run the command line; what a person can act on is told in one line."""
    try:
        cli()
    except (LocalPostgisError, DomainError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise SystemExit(1) from error
