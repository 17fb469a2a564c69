"""The command line: parse, call the public API, print. One file a command, imported when called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

import steadytune
from steadytune.cli.terminal import plain_errors, standard_streams

if TYPE_CHECKING:
    from collections.abc import Callable


class _Command(NamedTuple):
    """Where a command is, and the first line of its help."""

    module: str
    function: str
    help: str


COMMANDS = {
    "run": _Command("run", "run", "Fine-tune every recipe on every task with every seed."),
    "summary": _Command("summary", "summary", "How well and how steadily each recipe does."),
    "compare": _Command(
        "compare", "compare", "Which of two recipes is better, steadier and fails less."
    ),
    "power": _Command("power", "power", "How many seeds it takes to find a difference."),
    "diagnose": _Command("diagnose", "diagnose", "Why runs failed, and what to change first."),
    "figures": _Command("figures", "figures", "Draw figures of a study: PNG, PDF and SVG."),
    "report": _Command("report", "report", "Write everything about a study into one HTML file."),
    "pack": _Command("pack", "pack", "Pack a study into a few files, for archives and git."),
    "reproduce": _Command("reproduce", "reproduce", "Every table and figure of a paper."),
    "list": _Command("list", "list_", "The names that study files and options may use."),
}


class _Commands(TyperGroup):
    """Imports the one command that is called. Every command ends in a sentence and a status."""

    _lines_only = False

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own type is private
        with plain_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """The command, or only its line of help while that of all is shown."""
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        if self._lines_only:
            return TyperCommand(cmd_name, help=command.help)
        return _imported(cmd_name, command)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        self._lines_only = True
        super().format_help(ctx, formatter)


def _imported(name: str, command: _Command) -> Any:  # noqa: ANN401
    module = import_module(f"steadytune.cli.{command.module}")
    function: Callable[..., None] = getattr(module, command.function)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(function)
    return typer.main.get_command(alone)


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


def main() -> None:
    """The ``steadytune`` command."""
    with standard_streams():
        app()
