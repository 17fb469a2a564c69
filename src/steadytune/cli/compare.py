"""``steadytune compare``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

import steadytune
from steadytune.cli.choices import Checkpoint, FailedBy, Folder, Rule, Which
from steadytune.cli.terminal import opened, show, width


class Format(StrEnum):
    """Output formats of ``compare``."""

    text = "text"
    json = "json"
    markdown = "markdown"


class Question(StrEnum):
    """What can be asked of two recipes."""

    level = "level"
    spread = "spread"
    failures = "failures"
    improvement = "improvement"
    order = "order"
    examples = "examples"


def compare(
    folder: Folder,
    a: Annotated[str, typer.Option("--a", metavar="RECIPE", help="A recipe of the study.")],
    b: Annotated[str, typer.Option("--b", metavar="RECIPE", help="Another.")],
    question: Annotated[
        list[Question] | None,
        typer.Option("--question", help="May be repeated.", show_default="all of them"),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.text,
    checkpoint: Which = Checkpoint.last,
    failed_by: Rule = FailedBy.auto,
) -> None:
    """Which of two recipes is better, steadier, fails less: sentences with their evidence."""
    with opened(folder) as ledger:
        asked = [one.value for one in question or ()]
        answers = steadytune.compare(ledger, a, b, asked, checkpoint.value, failed_by.value)
        show(answers.render(format_.value, width()))
