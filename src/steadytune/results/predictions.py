"""Predictions of a cell's runs, read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger import Ledger
from steadytune.records import RunRecord, State
from steadytune.results.conditions import Cell
from steadytune.results.summary import Which


@dataclass(frozen=True)
class CellPredictions:
    """What each ended run of a cell predicted on the split that reports.

    Attributes:
        labels: (N,) classes or scores. predictions: (S, N) the same; a diverged run predicts the
            majority class (for scores: the mean), as everywhere in the statistics.
    """

    labels: NDArray[Any]
    predictions: NDArray[Any]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(S, N) whether a run is right; for classes."""
        return self.predictions == self.labels


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
    constant = np.full(len(labels), _majority(labels), dtype=labels.dtype)
    return CellPredictions(labels, np.stack([constant if row is None else row for row in rows]))


def _read(
    ledger: Ledger, record: RunRecord, which: Which
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    checkpoint = record.last if which == "last" else record.best
    if checkpoint is None or record.state is State.DIVERGED:
        return None
    found = ledger.predictions(record.id, checkpoint.step, record.task.report)
    return found.labels, found.predictions


def _majority(labels: NDArray[Any]) -> float | int:
    if np.issubdtype(labels.dtype, np.floating):
        return float(labels.mean())
    return int(np.bincount(labels).argmax())
