"""Predictions of a cell's runs, read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.summary import Which
from steadytune.ledger import Ledger
from steadytune.metrics import METRICS
from steadytune.records import RunRecord, State


@dataclass(frozen=True)
class CellPredictions:
    """What each ended run of a cell predicted on the split that reports.

    Attributes:
        labels: (N,) classes or scores, or (N, K) indicators. predictions: (S, N) or (S, N, K) the
            same, or the (S, N, K) outputs where the headline metric is asked of those; a diverged
            run predicts the best constant, as everywhere in the statistics.
    """

    labels: NDArray[Any]
    predictions: NDArray[Any]


def cell_predictions(ledger: Ledger, cell: Cell, which: Which = "last") -> CellPredictions | None:
    """Predictions at the last or best checkpoint; None where no run has ended with one."""
    rows: list[NDArray[Any] | None] = []
    labels: NDArray[Any] | None = None
    for record in cell.records:
        if not record.state.ended:
            continue
        found = _read(ledger, record, which)
        labels = found[0] if labels is None and found else labels
        rows.append(found[1] if found else None)
    if labels is None:
        return None
    constant = cell.records[0].task.target.constant(labels).astype(labels.dtype)
    if METRICS[cell.records[0].task.metric].takes == "outputs":
        constant = np.zeros_like(next(row for row in rows if row is not None))
    return CellPredictions(labels, np.stack([constant if row is None else row for row in rows]))


def _read(
    ledger: Ledger, record: RunRecord, which: Which
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    checkpoint = record.last if which == "last" else record.best
    if checkpoint is None or record.state is State.DIVERGED:
        return None
    found = ledger.predictions(record.id, checkpoint.step, record.task.report)
    takes_outputs = METRICS[record.task.metric].takes == "outputs"
    return found.labels, found.outputs if takes_outputs else found.predictions
