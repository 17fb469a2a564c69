"""``steadytune summary``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

import steadytune
from steadytune.cli.choices import Checkpoint, FailedBy, Folder, Rule, Which
from steadytune.cli.terminal import opened, show, width


class Format(StrEnum):
    """Output formats of ``summary``."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


class Layout(StrEnum):
    """What a row of the summary is."""

    rows = "rows"
    paper = "paper"


def summary(
    folder: Folder,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.table,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout",
            help="rows: a line for each recipe and task; paper: a line for each recipe, tasks "
            "side by side.",
        ),
    ] = Layout.rows,
    checkpoint: Which = Checkpoint.last,
    failed_by: Rule = FailedBy.auto,
) -> None:
    """How well and how steadily each recipe does: one row for each task, encoder and recipe."""
    with opened(folder, contents=False) as ledger:
        rows = steadytune.summarize(ledger, checkpoint.value, failed_by.value)
        show(rows.render(format_.value, layout.value, width()))
