"""``steadytune list``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from steadytune.cli.terminal import show


class Listed(StrEnum):
    """What can be listed."""

    tasks = "tasks"
    encoders = "encoders"
    recipes = "recipes"
    stabilizers = "stabilizers"
    diagnostics = "diagnostics"
    executors = "executors"
    figures = "figures"


class ListFormat(StrEnum):
    """Output formats of ``list``."""

    table = "table"
    json = "json"


def list_(
    what: Annotated[Listed, typer.Argument(help="What to list.")],
    format_: Annotated[
        ListFormat, typer.Option("--format", help="Output format.")
    ] = ListFormat.table,
) -> None:
    """The names that study files and options may use, one line each."""
    known = _names(what)
    if format_ is ListFormat.json:
        show(json.dumps(known, indent=2))
        return
    width = max(map(len, known))
    for name, text in known.items():
        show(f"{name:{width}}  {text}")


def _names(what: Listed) -> dict[str, str]:
    """Name and one line of each member of a table; torch is loaded only for those that need it."""
    match what:
        case Listed.recipes:
            from steadytune.named_recipes import RECIPES

            return {name: make().source for name, make in RECIPES.items()}
        case Listed.tasks:
            from steadytune import tasks

            return {name: entry.what for name, entry in tasks.TABLE.items()}
        case Listed.encoders:
            from steadytune.named_encoders import ENCODERS

            return {name: entry.description for name, entry in ENCODERS.items()}
        case Listed.stabilizers:
            from steadytune import stabilizers

            return {
                name: f"{entry.summary}; {entry().cost}"
                for name, entry in stabilizers.TABLE.items()
            }
        case Listed.diagnostics:
            from steadytune import diagnostics

            return {
                name: f"{entry.summary} ({entry.cost})" for name, entry in diagnostics.TABLE.items()
            }
        case Listed.executors:
            from steadytune import executors

            return {name: entry.summary for name, entry in executors.TABLE.items()}
        case Listed.figures:
            from steadytune import figures

            return {name: entry.summary for name, entry in figures.TABLE.items()}
