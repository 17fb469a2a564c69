"""What study files and options may name, with a line about each."""

from __future__ import annotations

from enum import StrEnum

from steadytune.named_recipes import RECIPES


class Listed(StrEnum):
    """What can be listed."""

    tasks = "tasks"
    encoders = "encoders"
    recipes = "recipes"
    stabilizers = "stabilizers"
    diagnostics = "diagnostics"
    executors = "executors"
    figures = "figures"


def names(what: Listed) -> dict[str, str]:
    """Name and one line of each member of a table; torch is loaded only for those that need it."""
    match what:
        case Listed.recipes:
            return {name: make().source for name, make in RECIPES.items()}
        case Listed.tasks:
            from steadytune import tasks

            return {name: entry.what for name, entry in tasks.TABLE.items()}
        case Listed.encoders:
            from steadytune import encoders

            return {name: entry.description for name, entry in encoders.TABLE.items()}
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
