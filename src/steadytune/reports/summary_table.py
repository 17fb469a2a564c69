"""The summary of a study as text, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from steadytune.analysis.summary import CHECKPOINTS, SummaryRow
from steadytune.escape import cell, latex, markdown, visible

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
    return (
        f"Metrics x 100 on dev, {which}, over all n ended runs; std with ddof = 1; the interval of "
        "the mean is a 95 % BCa bootstrap over runs, widened for few (too narrow below n "
        "= 5 all the same). failed: accuracy at the end of training not above the majority "
        "class's, or a constant prediction; diverged runs (+d) enter the statistics with the "
        "majority class's metric. majority: the metric of predicting the majority class."
        + (_CAPTION_SCORES if any(row.majority_accuracy is None for row in rows) else "")
    )


_CAPTION_SCORES = (
    " Where labels are scores, predicting their mean takes the majority class's place: failed is a "
    "squared error not below its. Errors (MSE) are not multiplied by 100."
)


def cells(row: SummaryRow) -> list[str]:
    """One row as text, in the order of HEADINGS."""
    failed = str(row.failed) + (f"+{row.diverged}d" if row.diverged else "")
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
    found = [{name: _finite(value) for name, value in asdict(row).items()} for row in rows]
    return json.dumps(found, indent=2, allow_nan=False)


def _finite(value: object) -> object:
    """JSON has no NaN: null takes its place."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(rows: Sequence[SummaryRow]) -> str:
    """The fields of SummaryRow as columns; an interval becomes two, ``_low`` and ``_high``."""
    lines = [{name: cell(value) for name, value in flat(row).items()} for row in rows]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue().rstrip("\n")


def flat(row: SummaryRow) -> dict[str, object]:
    """The fields of a row; an interval becomes two, ``_low`` and ``_high``."""
    found: dict[str, object] = {}
    for name, value in asdict(row).items():
        if name.endswith("_interval"):
            low, high = value or (None, None)
            found |= {f"{name}_low": low, f"{name}_high": high}
        else:
            found[name] = value
    return found


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


FORMATS: dict[str, Callable[[Sequence[SummaryRow]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
