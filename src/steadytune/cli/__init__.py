"""The command line: parse, call, print."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import steadytune
from steadytune.cli.list import list_
from steadytune.cli.power import power
from steadytune.cli.reading import compare, diagnose, figures, report, summary
from steadytune.cli.run import run
from steadytune.cli.terminal import plain_errors, standard_streams
from steadytune.reproducing.command import reproduce


class _Commands(TyperGroup):
    """Every command ends in a sentence and a status of its own, and not in typer's."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own type is private
        with plain_errors():
            return super().invoke(ctx)


app = typer.Typer(
    name="steadytune",
    cls=_Commands,
    help="Fine-tune encoders on small data so that the result does not depend on luck.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(steadytune.__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command()(run)
app.command()(summary)
app.command()(compare)
app.command()(power)
app.command()(diagnose)
app.command()(figures)
app.command()(report)
app.command()(plain_errors()(reproduce))
app.command("list")(list_)


def main() -> None:
    """The ``steadytune`` command."""
    with standard_streams():
        app()
