"""PredictionSet: what the runs of one condition predict for each example of the report split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from steadytune.ledger import Predictions
from steadytune.records import RunRecord, State
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.summary import Which, checkpoint_of


@dataclass(frozen=True)
class PredictionSet:
    """R runs, N examples, K classes.

    Attributes:
        records: of the R runs, in the order of the rows below.
        labels: (N,) class indices or scores.
        predictions: (R, N) the same.
        outputs: (N, K) logits, or (N, 1) scores, of each run; None where a run has none at its
            end, as a diverged one: its row of predictions is the majority class, or the mean.
        left_out: ended runs of the condition that are not among them.
    """

    records: tuple[RunRecord, ...]
    labels: NDArray[Any]
    predictions: NDArray[Any]
    outputs: tuple[NDArray[np.float32] | None, ...]
    left_out: int = 0

    @cached_property
    def probabilities(self) -> NDArray[np.float64] | None:
        """(R, N, K) softmax of the logits; None where labels are scores or a run has no logits."""
        known = [one for one in self.outputs if one is not None]
        if len(known) < len(self.outputs) or np.issubdtype(self.labels.dtype, np.floating):
            return None
        return softmax(np.stack(known).astype(np.float64), axis=-1) if known else None

    def finished(self) -> PredictionSet:
        """The part that comes from finished runs, which may be none."""
        own = zip(self.records, self.outputs, strict=True)
        return self._of([r.state is State.FINISHED and out is not None for r, out in own])

    def successes(self) -> PredictionSet:
        """The part that comes from successful runs, which may be none."""
        return self._of([outcome(record) is Outcome.SUCCESS for record in self.records])

    def _of(self, kept: Sequence[bool]) -> PredictionSet:
        places = np.flatnonzero(kept)
        return PredictionSet(
            tuple(self.records[place] for place in places),
            self.labels,
            self.predictions[places],
            tuple(self.outputs[place] for place in places),
            self.left_out + len(kept) - len(places),
        )


def predictions_of(condition: Condition, which: Which = "last") -> PredictionSet | None:
    """The predictions of a condition's ended runs; None where none has ended with one."""
    records = tuple(record for record in condition.records if record.state.ended)
    found = [_read(condition, record, which) for record in records]
    labels = next((one.labels for one in found if one is not None), None)
    if labels is None:
        return None
    constant = np.full(len(labels), _majority(labels), dtype=labels.dtype)
    return PredictionSet(
        records,
        labels,
        np.stack([constant if one is None else one.predictions for one in found]),
        tuple(None if one is None else one.outputs for one in found),
    )


def finished_predictions(condition: Condition, which: Which = "last") -> PredictionSet | None:
    """The predictions of a condition's finished runs; None where no run has finished."""
    found = predictions_of(condition, which)
    finished = None if found is None else found.finished()
    return finished if finished is not None and finished.records else None


def _read(condition: Condition, record: RunRecord, which: Which) -> Predictions | None:
    checkpoint = checkpoint_of(record, which)
    if checkpoint is None or record.state is State.DIVERGED:
        return None
    return condition.source.predictions(record.id, checkpoint.step, record.task.report)


def _majority(labels: NDArray[Any]) -> float | int:
    if np.issubdtype(labels.dtype, np.floating):
        return float(labels.mean())
    return int(np.bincount(labels).argmax())
