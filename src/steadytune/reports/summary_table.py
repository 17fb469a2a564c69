"""The summary of a study as text, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum

from rich.console import Console
from rich.table import Table
from rich.text import Text

from steadytune.analysis.summary import CHECKPOINTS, SummaryRow
from steadytune.escape import cell, latex, markdown, visible
from steadytune.failure_rule import in_words
from steadytune.metrics import METRICS
from steadytune.reports.strict_json import strict_json

HEADINGS = (
    "task",
    "encoder",
    "recipe",
    "metric",
    "n",
    "failed",
    "mean",
    "95 % interval",
    "std",
    "median",
    "min",
    "max",
    "majority",
)
_NUMERIC = frozenset(HEADINGS[4:])
_SHORT = {"mean_squared_error": "MSE"}  # errors: not fractions


def caption(rows: Sequence[SummaryRow]) -> str:
    """What the numbers are: checkpoint, unit, estimators, and what counts as failed."""
    which = CHECKPOINTS[rows[0].checkpoint if rows else "last"]
    scores = [row.majority_accuracy is None for row in rows if row.metric]
    units = "Metrics x 100" + (", errors (MSE) as they are," if _has_errors(rows) else "")
    constants = [] if all(scores) and scores else ["the majority class"]
    constants += ["the mean of the labels"] if any(scores) else []
    constant = " or ".join(constants)
    return (
        f"{units} on dev, {which}, over all n ended runs; std with ddof = 1; the interval of the "
        "mean is a 95 % BCa bootstrap over runs, widened for small n (below 5 runs still too "
        f"narrow). {failed_means(rows)} Diverged runs (d) are among the failed and enter with the "
        f"metric of predicting {constant}, which the column majority shows."
    )


def failed_means(rows: Sequence[SummaryRow]) -> str:
    """What counts as failed, with the tasks it is true of where they are not all alike."""
    tasks: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.failed_if:
            tasks.setdefault(row.failed_if, {})[row.task] = None
    if len(tasks) < 2:
        return f"failed: {next(iter(tasks), in_words(0.5))}."
    said = [f"{rule} ({', '.join(of)})" for rule, of in tasks.items()]
    return f"failed: {'; '.join(said)}."


def _has_errors(rows: Sequence[SummaryRow]) -> bool:
    return any(row.metric in _SHORT for row in rows)


def cells(row: SummaryRow) -> list[str]:
    """One row as text, in the order of HEADINGS."""
    failed = str(row.failed) + (f" ({row.diverged}d)" if row.diverged else "")
    absent = [f"{row.unfinished} unfinished"] if row.unfinished else []
    absent += [f"{row.crashed} crashed"] if row.crashed else []
    low_high = row.mean_interval
    mean, std, median, low, high, majority = (
        shown(row.metric, value)
        for value in (row.mean, row.std, row.median, row.min, row.max, row.majority)
    )
    return [
        row.task,
        row.encoder,
        row.recipe,
        _SHORT.get(row.metric, row.metric),
        f"{row.n}" + (f" ({', '.join(absent)})" if absent else ""),
        failed,
        mean,
        "-" if low_high is None else " to ".join(shown(row.metric, end) for end in low_high),
        std,
        median,
        low,
        high,
        majority,
    ]


def shown(metric: str, value: float | None) -> str:
    """A fraction times 100 with one decimal, an error as it is, or a dash."""
    if value is None:
        return "-"
    return f"{value:.3g}" if metric in _SHORT else f"{100 * value:.1f}"


def is_best(row: SummaryRow, name: str, rows: Sequence[SummaryRow]) -> bool:
    """Whether no other recipe has a better number; those that are shown alike are alike.

    Recipes of which runs are missing do not take part, nor do those without a number, nor the
    standard deviation of runs that all failed.

    Args:
        row: of the recipe.
        name: ``mean``, ``std`` or ``max``, which for errors is the least.
        rows: of all recipes of the task.
    """
    taking_part = [one for one in rows if merit(one, name) > -math.inf]
    if len(taking_part) < 2 or not any(one is row for one in taking_part):
        return False
    first = max(taking_part, key=lambda one: merit(one, name))
    own, most = number(row, name), number(first, name)
    return shown(row.metric, own) == shown(row.metric, most) or own == most


def merit(row: SummaryRow, name: str) -> float:
    """A number turned so that more is better; minus infinity for what must not be called best."""
    value = number(row, name)
    if value is None or row.unfinished or row.crashed:
        return -math.inf
    if name == "std":
        return -math.inf if row.failed == row.n else -value
    return METRICS[row.metric].merit(value)


def number(row: SummaryRow, name: str) -> float | None:
    """One of the row's numbers; the ``max`` of an error is its least."""
    if name == "max" and row.metric and not METRICS[row.metric].higher_is_better:
        return row.min
    return {"mean": row.mean, "std": row.std, "max": row.max}[name]


def as_table(rows: Sequence[SummaryRow], width: int | None = None) -> str:
    """Text for a terminal of ``width`` columns; columns that say the same everywhere go on top."""
    body = [cells(row) for row in rows]
    shared = [i for i in (0, 1, 3, 12) if len(rows) > 1 and len({line[i] for line in body}) == 1]
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for i, heading in enumerate(HEADINGS):
        if i not in shared:
            table.add_column(heading, justify="right" if heading in _NUMERIC else "left")
    for line in body:
        # as Text: a title may hold [brackets], which rich would take for markup
        table.add_row(*(Text(visible(cell)) for i, cell in enumerate(line) if i not in shared))
    stream = io.StringIO()
    console = Console(file=stream, width=width or 200, highlight=False)
    if shared:
        console.print(
            "  ".join(f"{HEADINGS[i]}: {visible(body[0][i])}" for i in shared), markup=False
        )
    console.print(table)
    console.print(caption(rows), style="dim", markup=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def as_json(rows: Sequence[SummaryRow]) -> str:
    """A list of objects with the fields of SummaryRow; metrics as fractions."""
    return strict_json([asdict(row) for row in rows])


def as_csv(rows: Sequence[SummaryRow]) -> str:
    """The fields of SummaryRow as columns; an interval becomes two, ``_low`` and ``_high``."""
    flat = [{name: cell(value) for name, value in _flat(row).items()} for row in rows]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return stream.getvalue().rstrip("\n")


def _flat(row: SummaryRow) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in asdict(row).items():
        if name.endswith("_interval"):
            low, high = value or (None, None)
            flat |= {f"{name}_low": low, f"{name}_high": high}
        else:
            flat[name] = value
    return flat


def as_markdown(rows: Sequence[SummaryRow]) -> str:
    """A pipe table with its caption under it."""
    rule = ["---:" if heading in _NUMERIC else "---" for heading in HEADINGS]
    lines = [HEADINGS, rule, *([markdown(one) for one in cells(row)] for row in rows)]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + ["", caption(rows)])


def as_latex(rows: Sequence[SummaryRow]) -> str:
    """A booktabs table with its caption."""
    align = "".join("r" if heading in _NUMERIC else "l" for heading in HEADINGS)
    body = [
        " & ".join(map(latex, line)) + r" \\" for line in [HEADINGS, *(cells(row) for row in rows)]
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            body[0],
            r"\midrule",
            *body[1:],
            r"\bottomrule",
            r"\end{tabular}",
            rf"\caption{{{latex(caption(rows))}}}",
            r"\end{table}",
        ]
    )


class Format(StrEnum):
    """Output formats of ``summary``."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


FORMATS: dict[str, Callable[[Sequence[SummaryRow]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
