"""Commands that read a study: ``summary``, ``compare``, ``diagnose``, ``figures``, ``report``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from steadytune.analysis.cells import cells
from steadytune.analysis.compare_study import compare_study
from steadytune.analysis.evidence import Question
from steadytune.analysis.summary import summarize
from steadytune.analysis.verdicts import VerdictFormat, tell
from steadytune.analysis.verdicts import diagnose as verdicts
from steadytune.cli.terminal import (
    CANNOT_READ_OR_WRITE,
    errors,
    opened,
    plain_errors,
    say_damaged,
    show,
    width,
)
from steadytune.errors import BadInput, Damaged, not_known
from steadytune.failure_rule import FailureRule
from steadytune.ledger import Depth
from steadytune.ledger.durable import replace_text
from steadytune.paths import as_path
from steadytune.reports import comparison, paper_table, summary_table
from steadytune.reports.summary_table import Format

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")]


class Layout(StrEnum):
    """What a row of the summary is."""

    rows = "rows"
    paper = "paper"


class Which(StrEnum):
    """Which checkpoint the numbers are of."""

    last = "last"
    best = "best"


class FailedBy(StrEnum):
    """What decides whether a run failed, where labels are classes."""

    auto = "auto"
    accuracy = "accuracy"
    mcc = "mcc"


Rule = Annotated[
    FailedBy,
    typer.Option(
        "--failed-by",
        help="Accuracy above the majority class's, MCC above 0, or auto: MCC where one class "
        "holds more than 80 % of dev.",
    ),
]


def summary(
    folder: Folder,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.table,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout", help="A row a recipe and task, or as papers print it: tasks beside."
        ),
    ] = Layout.rows,
    checkpoint: Annotated[
        Which, typer.Option("--checkpoint", help="last, or best on the selecting dev split.")
    ] = Which.last,
    failed_by: Rule = FailedBy.auto,
) -> None:
    """How well and how steadily each recipe does: one row a task, encoder and recipe."""
    with opened(folder, Depth.RECORDS) as ledger:
        rows = summarize(cells(ledger), checkpoint.value, FailureRule(failed_by.value))
        of = paper_table if layout is Layout.paper else summary_table
        show(of.as_table(rows, width()) if format_ is Format.table else of.FORMATS[format_](rows))


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
    failed_by: Rule = FailedBy.auto,
) -> None:
    """Which of two recipes is better, steadier, fails less: sentences with their evidence."""
    with opened(folder) as ledger:
        asked = list(dict.fromkeys(question or Question))
        answers = compare_study(ledger, a, b, asked, checkpoint.value, FailureRule(failed_by.value))
        if format_ is comparison.Format.text:
            show(comparison.as_text(answers, width()))
        else:
            show(comparison.FORMATS[format_](answers))


def diagnose(
    folder: Folder,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="One run: its id or how it begins.")
    ] = None,
    format_: Annotated[
        VerdictFormat, typer.Option("--format", help="Output format.")
    ] = VerdictFormat.text,
) -> None:
    """Why runs failed, with the evidence, and what to change first."""
    with opened(folder) as ledger:
        show(tell(verdicts(ledger, run), format_))


@plain_errors()
def figures(
    folder: Folder,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="See 'list figures'.", show_default="all"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write them.", show_default="DIR/figures"),
    ] = None,
) -> None:
    """Draw figures of a study: PNG, PDF and SVG of each, with a caption as text."""
    from steadytune.figures import TABLE, save  # scipy and matplotlib take a second to import

    wanted = list(dict.fromkeys(names or TABLE))
    unknown = [name for name in wanted if name not in TABLE]
    if unknown:
        raise BadInput("\n".join(not_known("figure", name, TABLE) for name in unknown))
    empty, damaged = list[str](), False
    with opened(folder) as ledger:
        found, out = cells(ledger), as_path(out or ledger.folder / "figures")
        if out.exists() and not out.is_dir():
            raise BadInput(f"--out {out}: is a file; give a folder, new or old, for the figures")
        for name in wanted:
            try:
                panels = TABLE[name].panels(ledger, found)
            except Damaged as problem:
                say_damaged(f"{problem}; figure {name} is not drawn")
                damaged = True
                continue
            if not panels:
                empty.append(f"{name}: nothing to draw in this study; needs {TABLE[name].needs}")
                continue
            for path in save(TABLE[name], panels, out):
                show(path)
        if damaged:
            raise typer.Exit(CANNOT_READ_OR_WRITE)
        if empty and names:
            raise BadInput("\n".join(empty))
        for sentence in empty:
            errors.print(sentence, soft_wrap=True)


def report(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The HTML file.", show_default="DIR/report.html"),
    ] = None,
) -> None:
    """Write everything about a study into one HTML file that opens anywhere, without network."""
    from steadytune.reports.study_report import report as page  # jinja2 only where it is needed

    with opened(folder) as ledger:
        path = as_path(out or ledger.folder / "report.html")
        if path.is_dir() or any(parent.is_file() for parent in path.parents):
            raise BadInput(
                f"--out {path}: cannot be a file; give the name of one, such as report.html"
            )
        replace_text(path, page(ledger))
        show(path)
