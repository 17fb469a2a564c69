"""The summary of a study by each metric and checkpoint, grouped by task, for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from steadytune.analysis.cells import Cell
from steadytune.analysis.summary import SummaryRow, Which, summarize
from steadytune.reports import summary_table
from steadytune.reports.study_data import facts_of, metrics_of

SHOWN = ("recipe", "n", "failed", "mean", "95 % interval", "std", "median", "min", "max")
CHECKPOINTS: tuple[Which, ...] = ("last", "best")


@dataclass(frozen=True)
class Line:
    """One recipe: the columns of SHOWN; ``best`` if no other has a better mean."""

    cells: tuple[str, ...]
    best: bool


@dataclass(frozen=True)
class Group:
    """The recipes of one task with one encoder."""

    title: str
    what: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class SummaryTable:
    """The summary by one metric (``headline``: each task's own) at one checkpoint."""

    metric: str
    which: Which
    groups: tuple[Group, ...]
    caption: str


def summary_tables(found: Sequence[Cell]) -> list[SummaryTable]:
    """The headline metrics first, then every metric that any task has; last, then best."""
    names = dict.fromkeys(
        name for cell in found if (facts := facts_of([cell])) for name in metrics_of(facts)
    )
    by_metric = {"headline": list(found)}
    for name in names:
        having = (measured_by(cell, name) for cell in found)
        by_metric[name] = [cell for cell in having if cell is not None]
    rows = {
        (which, id_of(row)): row
        for which in CHECKPOINTS
        for name, of in by_metric.items()
        if name != "headline"
        for row in summarize(of, which)
    }
    return [
        _table(name, which, [rows.get((which, key_of(cell))) or _empty(cell) for cell in of])
        for name, of in by_metric.items()
        for which in CHECKPOINTS
    ]


def id_of(row: SummaryRow) -> tuple[str, ...]:
    """What tells a row from others at one checkpoint."""
    return (row.task, row.encoder, row.recipe, row.metric)


def key_of(cell: Cell) -> tuple[str, ...]:
    """The same of the row that the cell has."""
    facts = facts_of([cell])
    return (cell.task, cell.encoder, cell.recipe, facts.metric if facts else "")


def _empty(cell: Cell) -> SummaryRow:
    (row,) = summarize([cell])
    return row


def measured_by(cell: Cell, metric: str) -> Cell | None:
    """The cell with another headline metric; None where nothing in it has that metric."""
    facts = facts_of([cell])
    if facts is None or metric not in metrics_of(facts):
        return None
    records = [replace(r, task=replace(r.task, metric=metric)) for r in cell.records]
    return replace(cell, records=tuple(records))


def _table(metric: str, which: Which, rows: Sequence[SummaryRow]) -> SummaryTable:
    keys = dict.fromkeys((row.task, row.encoder) for row in rows)
    several = len({row.encoder for row in rows}) > 1
    groups = [
        _group(f"{task}, {encoder}" if several else task, mine)
        for task, encoder in keys
        if (mine := [row for row in rows if (row.task, row.encoder) == (task, encoder)])
    ]
    return SummaryTable(metric, which, tuple(groups), summary_table.caption(rows))


def _group(title: str, rows: Sequence[SummaryRow]) -> Group:
    known = next((row for row in rows if row.metric), rows[0])
    majority = summary_table.shown(known.metric, known.majority)
    return Group(
        title=title,
        what=f"{known.metric.replace('_', ' ')}, majority class {majority}" if known.metric else "",
        lines=tuple(Line(_cells(row), summary_table.is_best(row, "mean", rows)) for row in rows),
    )


def _cells(row: SummaryRow) -> tuple[str, ...]:
    everything = dict(zip(summary_table.HEADINGS, summary_table.cells(row), strict=True))
    return tuple(everything[name] for name in SHOWN)
