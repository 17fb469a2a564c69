"""The table as papers print it: a row a recipe, std, mean, max and failed runs of each task.

The form of Mosbach et al. (2021, table 1), with n and the failed runs that it lacks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steadytune.analysis.summary import CHECKPOINTS, SummaryRow
from steadytune.escape import cell, latex, markdown, visible
from steadytune.metrics import METRICS
from steadytune.reports.strict_json import strict_json
from steadytune.reports.summary_table import failed_means, is_best, number, shown

COLUMNS = ("std", "mean", "max", "failed")


@dataclass(frozen=True)
class Entry:
    """One number: as it is shown, as a fraction, and whether no recipe has a better one."""

    text: str
    value: float | None = None
    best: bool = False


@dataclass(frozen=True)
class PaperTable:
    """Lines of entries: COLUMNS of the first task, of the second, ...

    Attributes:
        tasks: titles, with the metric. lines: by recipe, with its encoder where there are several.
        caption: what the numbers are, up to how the best are marked.
    """

    tasks: tuple[str, ...]
    lines: dict[str, tuple[Entry, ...]]
    caption: str


def paper_table(rows: Sequence[SummaryRow]) -> PaperTable:
    """The rows of a summary in the other shape."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    several = len({row.encoder for row in rows}) > 1
    found: dict[str, dict[str, SummaryRow]] = {}
    for row in rows:
        name = f"{row.recipe}, {row.encoder}" if several else row.recipe
        found.setdefault(name, {})[row.task] = row
    columns = {task: [by_task.get(task) for by_task in found.values()] for task in tasks}
    lines = {
        name: tuple(one for task in tasks for one in _entries(by_task.get(task), columns[task]))
        for name, by_task in found.items()
    }
    return PaperTable(tuple(_titles(rows)), lines, _caption(rows))


def _caption(rows: Sequence[SummaryRow]) -> str:
    which = CHECKPOINTS[rows[0].checkpoint if rows else "last"]
    errors = any(row.metric and not METRICS[row.metric].higher_is_better for row in rows)
    return (
        f"Metrics x 100 on dev, {which}, over all n ended runs; std with ddof = 1. "
        f"{failed_means(rows)} Diverged runs are among the failed and enter with the metric of a "
        "constant prediction. "
        + ("Errors are not multiplied by 100, and the least is their max. " if errors else "")
        + "Best of a task (equal numbers all; none of a recipe with unfinished runs, and no std "
        "where every run failed): "
    )


def _titles(rows: Sequence[SummaryRow]) -> list[str]:
    metrics = {row.task: row.metric for row in rows if row.metric}
    names = dict.fromkeys(row.task for row in rows)
    return [
        f"{task} ({metrics[task].replace('_', ' ')})" if task in metrics else task for task in names
    ]


def _entries(row: SummaryRow | None, column: Sequence[SummaryRow | None]) -> list[Entry]:
    if row is None or not row.n:
        return [Entry("-")] * len(COLUMNS)
    others = [one for one in column if one is not None and one.n]
    entries = [
        Entry(shown(row.metric, value), value, is_best(row, name, others))
        for name in COLUMNS[:3]
        for value in [number(row, name)]
    ]
    return [*entries, Entry(f"{row.failed}/{row.n}", row.failed / row.n)]


def as_table(rows: Sequence[SummaryRow], width: int | None = None) -> str:
    """Text; tasks that do not fit beside each other into ``width`` columns stand below."""
    of = paper_table(rows)
    names = ["recipe", *map(visible, of.lines)]
    first = [name.ljust(max(map(len, names))) for name in names]
    lines, used = [list[str]()], width or 200
    block = [" " * len(first[0]), *first]
    for place, task in enumerate(of.tasks):
        group = _group(of, place, visible(task))
        if len(block[0]) + len(group[0]) + 3 > used and len(block[0]) > len(first[0]):
            lines.append(block)
            block = [" " * len(first[0]), *first]
        block = [f"{left}   {right}" for left, right in zip(block, group, strict=True)]
    lines.append(block)
    body = "\n\n".join("\n".join(line.rstrip() for line in one) for one in lines if one)
    return f"{body}\n\n{of.caption}*."


def _group(of: PaperTable, place: int, task: str) -> list[str]:
    """The columns of one task as lines of one length, its title on top."""
    texts = [[f"{column} " for column in COLUMNS]]
    for entries in of.lines.values():
        mine = entries[place * len(COLUMNS) : (place + 1) * len(COLUMNS)]
        texts.append([one.text + ("*" if one.best else " ") for one in mine])
    widths = [max(len(line[i]) for line in texts) for i in range(len(COLUMNS))]
    body = ["  ".join(map(str.rjust, line, widths)) for line in texts]
    size = max(len(task), len(body[0]))
    return [task.ljust(size), *(line.ljust(size) for line in body)]


def as_markdown(rows: Sequence[SummaryRow]) -> str:
    """A pipe table, best numbers bold, with its caption under it."""
    of = paper_table(rows)
    heads = ["recipe", *(f"{markdown(task)} {column}" for task in of.tasks for column in COLUMNS)]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for name, entries in of.lines.items():
        lines.append([markdown(name), *(f"**{e.text}**" if e.best else e.text for e in entries)])
    return "\n".join(
        ["| " + " | ".join(line) + " |" for line in lines] + ["", f"{of.caption}bold."]
    )


def as_latex(rows: Sequence[SummaryRow]) -> str:
    """A booktabs table: tasks over their columns, best numbers bold."""
    of, step = paper_table(rows), len(COLUMNS)
    starts = [2 + step * place for place in range(len(of.tasks))]
    spans = [rf"\multicolumn{{{step}}}{{c}}{{{latex(task)}}}" for task in of.tasks]
    rules = [rf"\cmidrule(lr){{{start}-{start + step - 1}}}" for start in starts]
    body = [
        " & ".join([latex(name), *(_bold(one) for one in entries)]) + r" \\"
        for name, entries in of.lines.items()
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\begin{{tabular}}{{l{'r' * (step * len(of.tasks))}}}",
            r"\toprule",
            " & ".join(["", *spans]) + r" \\",
            " ".join(rules),
            " & ".join(["recipe", *(list(COLUMNS) * len(of.tasks))]) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\caption{{{latex(of.caption)}bold.}}",
            r"\end{table}",
        ]
    )


def _bold(entry: Entry) -> str:
    return rf"\textbf{{{entry.text}}}" if entry.best else entry.text


def as_csv(rows: Sequence[SummaryRow]) -> str:
    """A line a recipe, a column a task and number, as they are shown."""
    of = paper_table(rows)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["recipe", *(cell(f"{task} {name}") for task in of.tasks for name in COLUMNS)])
    for name, entries in of.lines.items():
        writer.writerow([cell(name), *(one.text for one in entries)])
    return stream.getvalue().rstrip("\n")


def as_json(rows: Sequence[SummaryRow]) -> str:
    """An object a recipe: its numbers by task, as fractions; ``best`` names the best ones."""
    of = paper_table(rows)
    found = [
        {
            "recipe": name,
            "tasks": {
                task: _plain_entries(entries[place * len(COLUMNS) : (place + 1) * len(COLUMNS)])
                for place, task in enumerate(of.tasks)
            },
        }
        for name, entries in of.lines.items()
    ]
    return strict_json(found)


def _plain_entries(entries: Sequence[Entry]) -> dict[str, object]:
    pairs = dict(zip(COLUMNS, entries, strict=True))
    found: dict[str, object] = {column: one.value for column, one in pairs.items()}
    n = pairs["failed"].text.partition("/")[2]
    best = [column for column, one in pairs.items() if one.best]
    return found | {"n": int(n) if n else 0, "best": best}


FORMATS: dict[str, Callable[[Sequence[SummaryRow]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
