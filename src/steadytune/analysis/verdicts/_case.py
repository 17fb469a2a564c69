"""Case: what the rules know of one run, from its records alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.chance import Chance
from steadytune.ledger import Curve, Ledger, Planned, Predictions, Row
from steadytune.records import RunRecord

Floats = NDArray[np.float64]
ALIKE = 0.05  # std of a class's probability, or of scores in stds, below which all count as alike


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

    @property
    def chance(self) -> float:
        """The loss of the best constant prediction; NaN where nothing tells."""
        return self.chance_loss.level

    @cached_property
    def chance_loss(self) -> Chance:
        """The same with how much it differs between batches.

        Of the training labels where diagnostics or the scale of scores tell it, else of the dev
        labels; how much it differs always of those.
        """
        task, batch_size = self.record.task, int(self.recipe["batch_size"])
        found = Chance(float("nan"), 0.0, batch_size, task.train_examples)
        if self.predictions is not None:
            labels, scale = self.predictions.labels, task.scale
            if scale is not None:
                labels = scale.standardized(labels)
            classes = task.label_names is not None
            found = Chance.of(labels, classes, batch_size, task.train_examples)
        if "chance_loss/level" in self.curves:
            return replace(found, level=float(self.curves["chance_loss/level"].values[-1]))
        return found if task.scale is None else replace(found, level=1.0)

    @property
    def constant(self) -> bool:
        """Whether the last predictions of the report split are all the same, or nearly.

        Scores that differ by less than ``ALIKE`` of what the labels differ by are nearly the same.
        """
        last = self.record.last
        if last is None:
            return False
        if last.constant[self.record.task.report]:
            return True
        if self.record.task.label_names is not None or self.predictions is None:
            return False
        return bool(self.predictions.predictions.std() < ALIKE * self.predictions.labels.std())

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
