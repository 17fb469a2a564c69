"""One row a cell of the study: how well and how steadily a recipe does on a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.estimators import mean, std
from steadytune.analysis.intervals import bootstrap, wilson
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.records import RunRecord, State

Which = Literal["last", "best"]
CHECKPOINTS: dict[Which, str] = {  # as captions say it
    "last": "last checkpoint",
    "best": "best checkpoint on the selecting dev split (selection: reads too high)",
}


@dataclass(frozen=True)
class SummaryRow:
    """The statistics of one cell. Metrics are fractions, not percent.

    Attributes:
        task, encoder, recipe: the cell.
        metric: the headline metric. checkpoint: ``last``, or ``best`` on the select split, which
            is selection and reads too high where the same split reports.
        n: ended runs, which every statistic below is over. None of them is ever left out.
        failed: finished runs not better than the majority class (their share's 95 % Wilson
            interval beside it). diverged: runs ended by a tensor that was not finite; they enter
            with the majority class's metric.
        crashed, unfinished: runs that are not among the n.
        mean, std, median, min, max: of the headline metric; std with ddof = 1. mean_interval and
            std_interval: 95 % BCa bootstrap, widened for few runs (see ``intervals``), None for
            n < 2; below n = 5 they are too narrow all the same.
        majority: the majority class's value of the headline metric.
        majority_accuracy: its accuracy, which decides ``failed``.
    """

    task: str
    encoder: str
    recipe: str
    metric: str
    checkpoint: Which
    n: int
    failed: int
    failed_interval: tuple[float, float] | None
    diverged: int
    crashed: int
    unfinished: int
    mean: float | None
    mean_interval: tuple[float, float] | None
    std: float | None
    std_interval: tuple[float, float] | None
    median: float | None
    min: float | None
    max: float | None
    majority: float | None
    majority_accuracy: float | None


def summarize(cells: Sequence[Cell], which: Which = "last") -> list[SummaryRow]:
    """A row for each cell, in the given order; a cell without ended runs has None for numbers."""
    return [_row(cell, which) for cell in cells]


def scores(cell: Cell, which: Which = "last") -> NDArray[np.float64]:
    """(n,) headline metric on the report split of each ended run, diverged ones at the baseline."""
    return np.array([_score(record, which) for record in cell.records if record.state.ended])


def _score(record: RunRecord, which: Which) -> float:
    split, metric = record.task.report, record.task.metric
    checkpoint = record.last if which == "last" else record.best
    if record.state is State.DIVERGED or checkpoint is None:
        return record.task.baseline[split][metric]
    return checkpoint.metrics[split][metric]


def _row(cell: Cell, which: Which) -> SummaryRow:
    values = scores(cell, which)
    outcomes = [outcome(record) for record in cell.records]
    states = [record.state for record in cell.records]
    failed, diverged = outcomes.count(Outcome.FAILED), outcomes.count(Outcome.DIVERGED)
    n, task = len(values), cell.records[0].task if cell.records else None
    baseline = task.baseline[task.report] if task else dict[str, float]()
    return SummaryRow(
        task=cell.task,
        encoder=cell.encoder,
        recipe=cell.recipe,
        metric=task.metric if task else "",
        checkpoint=which,
        n=n,
        failed=failed,
        failed_interval=wilson(failed + diverged, n),
        diverged=diverged,
        crashed=states.count(State.CRASHED),
        unfinished=cell.planned - n - states.count(State.CRASHED),
        mean=float(values.mean()) if n else None,
        mean_interval=bootstrap(values, mean),
        std=float(values.std(ddof=1)) if n > 1 else None,
        std_interval=bootstrap(values, std),
        median=float(np.median(values)) if n else None,
        min=float(values.min()) if n else None,
        max=float(values.max()) if n else None,
        majority=baseline[task.metric] if task else None,
        majority_accuracy=baseline.get("accuracy"),
    )
