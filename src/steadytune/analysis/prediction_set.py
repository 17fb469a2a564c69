"""PredictionSet: what the runs of one cell predict for each example of the report split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import Which
from steadytune.ledger import Ledger
from steadytune.records import Checkpoint, RunRecord, State
from steadytune.targets import Classes


@dataclass(frozen=True)
class PredictionSet:
    """R runs, N examples; M decisions between C alternatives (for classes: N between K).

    Attributes:
        records: of the R finished runs, in the order of the rows below.
        left_out: ended runs that are not among them: a diverged run has no prediction at its end.
        labels: (N,) class indices or scores; of several labels at once the index of their set.
        predictions: (R, N) the same.
        classes: what the indices mean; None for scores.
        decided: (M,) right alternatives of the decisions. probabilities: (R, M, C) of all
            alternatives. Both None for scores.
    """

    records: tuple[RunRecord, ...]
    left_out: int
    labels: NDArray[Any]
    predictions: NDArray[Any]
    classes: Classes | None
    decided: NDArray[np.int64] | None
    probabilities: NDArray[np.float64] | None

    @property
    def per_label(self) -> bool:
        """Whether an example takes several decisions, one a label."""
        return self.decided is not None and len(self.decided) != len(self.labels)

    def successes(self) -> PredictionSet:
        """The part of it that comes from successful runs."""
        kept = [outcome(record) is Outcome.SUCCESS for record in self.records]
        return PredictionSet(
            tuple(record for record, keep in zip(self.records, kept, strict=True) if keep),
            self.left_out + kept.count(False),
            self.labels,
            self.predictions[kept],
            self.classes,
            self.decided,
            None if self.probabilities is None else self.probabilities[kept],
        )


def prediction_set(ledger: Ledger, cell: Cell, which: Which = "last") -> PredictionSet | None:
    """The predictions of a cell's finished runs; None where no run has finished."""
    ended = [record for record in cell.records if record.state.ended]
    finished = [(r, p) for r in ended if (p := _checkpoint(r, which)) is not None]
    if not finished:
        return None
    found = [ledger.predictions(r.id, point.step, r.task.report) for r, point in finished]
    target, labels = finished[0][0].task.target, found[0].labels
    predictions = np.stack([one.predictions for one in found])
    classes = target.classes(labels, predictions)
    decisions = [target.decisions(labels, one.outputs) for one in found]
    probabilities = [one.probabilities for one in decisions if one is not None]
    return PredictionSet(
        records=tuple(record for record, _ in finished),
        left_out=len(ended) - len(finished),
        labels=labels if classes is None else classes.labels,
        predictions=predictions if classes is None else classes.predictions,
        classes=classes,
        decided=None if decisions[0] is None else decisions[0].labels,
        probabilities=np.stack(probabilities) if probabilities else None,
    )


def _checkpoint(record: RunRecord, which: Which) -> Checkpoint | None:
    if record.state is not State.FINISHED:
        return None
    return record.last if which == "last" else record.best
