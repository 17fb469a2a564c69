"""PredictionSet: what the runs of one cell predict for each example of the report split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import Which
from steadytune.ledger import Ledger
from steadytune.records import Checkpoint, RunRecord, State


@dataclass(frozen=True)
class PredictionSet:
    """R runs, N examples, K classes.

    Attributes:
        records: of the R finished runs, in the order of the rows below.
        left_out: ended runs that are not among them: a diverged run has no prediction at its end.
        labels: (N,) class indices or scores.
        predictions: (R, N) the same.
        probabilities: (R, N, K) softmax of the logits; None where labels are scores.
    """

    records: tuple[RunRecord, ...]
    left_out: int
    labels: NDArray[Any]
    predictions: NDArray[Any]
    probabilities: NDArray[np.float64] | None

    def successes(self) -> PredictionSet:
        """The part of it that comes from successful runs."""
        kept = [outcome(record) is Outcome.SUCCESS for record in self.records]
        return PredictionSet(
            tuple(record for record, keep in zip(self.records, kept, strict=True) if keep),
            self.left_out + kept.count(False),
            self.labels,
            self.predictions[kept],
            None if self.probabilities is None else self.probabilities[kept],
        )


def prediction_set(ledger: Ledger, cell: Cell, which: Which = "last") -> PredictionSet | None:
    """The predictions of a cell's finished runs; None where no run has finished."""
    ended = [record for record in cell.records if record.state.ended]
    finished = [(r, p) for r in ended if (p := _checkpoint(r, which)) is not None]
    if not finished:
        return None
    found = [ledger.predictions(r.id, point.step, r.task.report) for r, point in finished]
    classes = finished[0][0].task.label_names is not None
    return PredictionSet(
        records=tuple(record for record, _ in finished),
        left_out=len(ended) - len(finished),
        labels=found[0].labels,
        predictions=np.stack([one.predictions for one in found]),
        probabilities=(
            np.stack([softmax(one.outputs.astype(np.float64), axis=-1) for one in found])
            if classes
            else None
        ),
    )


def _checkpoint(record: RunRecord, which: Which) -> Checkpoint | None:
    if record.state is not State.FINISHED:
        return None
    return record.last if which == "last" else record.best
