"""One row a cell of the study: how well and how steadily a recipe does on a task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.estimators import mean, std
from steadytune.analysis.intervals import bootstrap, wilson
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.errors import BadInput
from steadytune.failure_rule import RULE, FailureRule, in_words
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
        failed: runs that are no better than a constant (see ``failure_rule``) or diverged, with
            their share's 95 % Wilson interval beside it. diverged: those of them that ended with
            a tensor or a metric that was not finite; they enter with the majority class's metric.
        crashed, unfinished: runs that are not among the n.
        mean, std, median, min, max: of the headline metric; std with ddof = 1. mean_interval and
            std_interval: 95 % BCa bootstrap, widened for few runs (see ``intervals``), None for
            n < 2; below n = 5 they are too narrow all the same.
        majority: the majority class's value of the headline metric.
        majority_accuracy: its accuracy; None where labels are scores.
        failed_if: what counts as failed, in words.
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
    failed_if: str = ""


def summarize(
    cells: Sequence[Cell], which: Which = "last", rule: FailureRule = RULE
) -> list[SummaryRow]:
    """A row for each cell, in the given order; a cell without ended runs has None for numbers."""
    return [_row(cell, which, rule) for cell in cells]


def scores(cell: Cell, which: Which = "last") -> NDArray[np.float64]:
    """(n,) headline metric on the report split of each ended run, diverged ones at the baseline.

    Raises:
        BadInput: the baseline of the headline metric is missing or not finite.
    """
    return np.array([_score(record, which) for record in cell.records if record.state.ended])


def _score(record: RunRecord, which: Which) -> float:
    split, metric = record.task.report, record.task.metric
    checkpoint = record.last if which == "last" else record.best
    if record.state is not State.DIVERGED and checkpoint is not None:
        value = checkpoint.metrics[split].get(metric, math.nan)
        if math.isfinite(value):
            return value
    found = record.task.baseline[split].get(metric, math.nan)
    if not math.isfinite(found):
        raise BadInput(
            f"run {record.id}: the {metric} of a constant prediction on {split} is not in its "
            "record, or not finite; it stands for runs that diverged, so give it a number there"
        )
    return found


def _row(cell: Cell, which: Which, rule: FailureRule) -> SummaryRow:
    values = scores(cell, which)
    outcomes = [outcome(record, rule) for record in cell.records]
    states = [record.state for record in cell.records]
    diverged = outcomes.count(Outcome.DIVERGED)
    failed = outcomes.count(Outcome.FAILED) + diverged
    n, task = len(values), cell.records[0].task if cell.records else None
    baseline = task.baseline[task.report] if task else dict[str, float]()
    majority = baseline.get("accuracy")
    return SummaryRow(
        task=cell.task,
        encoder=cell.encoder,
        recipe=cell.recipe,
        metric=task.metric if task else "",
        checkpoint=which,
        n=n,
        failed=failed,
        failed_interval=wilson(failed, n),
        diverged=diverged,
        crashed=states.count(State.CRASHED),
        unfinished=cell.planned - n - states.count(State.CRASHED),
        mean=float(mean(values)) if n else None,
        mean_interval=bootstrap(values, mean),
        std=float(std(values)) if n > 1 else None,
        std_interval=bootstrap(values, std),
        median=float(np.median(values)) if n else None,
        min=float(values.min()) if n else None,
        max=float(values.max()) if n else None,
        majority=baseline.get(task.metric) if task else None,
        majority_accuracy=majority,
        failed_if=in_words(majority, rule) if task else "",
    )
