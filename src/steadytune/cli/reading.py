"""Commands that read a study: ``summary`` and ``compare``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from steadytune.analysis.cells import cells
from steadytune.analysis.compare_study import compare_study
from steadytune.analysis.evidence import Question
from steadytune.analysis.summary import summarize
from steadytune.cli.terminal import plain_errors, width
from steadytune.ledger import Ledger
from steadytune.reports import comparison
from steadytune.reports.summary_table import FORMATS, Format, as_table

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")]


class Which(StrEnum):
    """Which checkpoint the numbers are of."""

    last = "last"
    best = "best"


def summary(
    folder: Folder,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.table,
    checkpoint: Annotated[
        Which, typer.Option("--checkpoint", help="last, or best on the selecting dev split.")
    ] = Which.last,
) -> None:
    """How well and how steadily each recipe does: one row a task, encoder and recipe."""
    with plain_errors():
        rows = summarize(cells(Ledger.open(folder)), checkpoint.value)
        print(as_table(rows, width()) if format_ is Format.table else FORMATS[format_](rows))


def compare(
    folder: Folder,
    a: Annotated[str, typer.Option("--a", metavar="RECIPE", help="A recipe of the study.")],
    b: Annotated[str, typer.Option("--b", metavar="RECIPE", help="Another.")],
    question: Annotated[
        list[Question] | None,
        typer.Option("--question", help="May be repeated.", show_default="all of them"),
    ] = None,
    format_: Annotated[
        comparison.Format, typer.Option("--format", help="Output format.")
    ] = comparison.Format.text,
    checkpoint: Annotated[
        Which, typer.Option("--checkpoint", help="last, or best on the selecting dev split.")
    ] = Which.last,
) -> None:
    """Which of two recipes is better, steadier, fails less: sentences with their evidence."""
    with plain_errors():
        asked = list(dict.fromkeys(question or Question))
        answers = compare_study(Ledger.open(folder), a, b, asked, checkpoint.value)
        print(comparison.FORMATS[format_](answers))
