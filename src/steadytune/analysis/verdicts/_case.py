"""Case: what the rules know of one run, from its records alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger import Curve, Ledger, Planned, Predictions, Row
from steadytune.records import RunRecord

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One run that has begun.

    Attributes:
        planned: its place in the study. record: as it stands.
        losses, grad_norms, lrs: of each step.
        curves: what diagnostics measured, by ``<diagnostic>/<what>``; empty where none were on.
        predictions: of the report split at the last evaluation, if there was one.
    """

    planned: Planned
    record: RunRecord
    losses: Floats
    grad_norms: Floats
    lrs: Floats
    curves: Mapping[str, Curve] = field(default_factory=dict[str, Curve])
    predictions: Predictions | None = None

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe's fields."""
        return self.record.recipe

    @cached_property
    def chance(self) -> float:
        """The loss of the best constant prediction; NaN where nothing tells.

        Of the training labels where diagnostics wrote it down, else of the dev labels.
        """
        if "chance_loss/level" in self.curves:
            return float(self.curves["chance_loss/level"].values[-1])
        if self.predictions is None:
            return float("nan")
        labels = self.predictions.labels
        if self.record.task.label_names is None:
            return float(np.var(labels))
        shares = np.unique(labels, return_counts=True)[1] / len(labels)
        return abs(float((shares * np.log(shares)).sum()))

    @property
    def constant(self) -> bool:
        """Whether the last predictions of the report split are all the same."""
        last = self.record.last
        return last is not None and last.constant[self.record.task.report]

    def loss_between(self, begin: float, end: float) -> float:
        """Mean training loss between two shares of the steps done; NaN if there are none."""
        return _mean(_between(self.losses, begin, end))

    def norm_between(self, begin: float, end: float) -> float:
        """Median gradient norm between two shares of the steps done; NaN if there are none."""
        part = _between(self.grad_norms, begin, end)
        return float(np.median(part)) if len(part) else float("nan")


def read_case(ledger: Ledger, row: Row) -> Case | None:
    """The case of a run; None before it begins."""
    record = row.record
    if record is None:
        return None
    steps, run = ledger.steps(record.id), record.id
    predictions = None
    if record.last is not None:
        predictions = ledger.predictions(run, record.last.step, record.task.report)
    return Case(
        planned=row.planned,
        record=record,
        losses=steps["loss"],
        grad_norms=steps["grad_norm"],
        lrs=steps["lr"],
        curves=ledger.diagnostics(run),
        predictions=predictions,
    )


def _between(values: Floats, begin: float, end: float) -> Floats:
    first, last = int(begin * len(values)), int(np.ceil(end * len(values)))
    return values[first:last]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def last_crossing(
    steps: NDArray[np.int64], values: Floats, limit: float, width: int = 9
) -> int | None:
    """The step from which on the running median over ``width`` values stays below ``limit``.

    That is the middle of the first window below it; None if the last one is not below. Single
    batches do not decide.
    """
    width = min(width, len(values))
    if not width:
        return None
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    above = np.flatnonzero(~(medians < limit))
    first = int(above[-1]) + 1 if len(above) else 0
    return int(steps[first + width // 2]) if first < len(medians) else None
