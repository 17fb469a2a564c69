"""Tally: what the record of a run counts while the run goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from steadytune.ledger.record_file import EvaluationRow, with_evaluation
from steadytune.records import RunRecord


class Tally:
    """The record of a run, brought up to date line by line.

    Args:
        record: before the run begins.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._losses: list[float] = []
        self._seconds = {"steps": 0.0, "evaluations": 0.0}

    @property
    def record(self) -> RunRecord:
        """The record as it stands."""
        return replace(
            self._record,
            step=self.steps,
            train_loss=_last_tenth(self._losses),
            seconds=dict(self._seconds),
        )

    @property
    def noted(self) -> RunRecord:
        """The record as it was last noted, without what every step changes."""
        return self._record

    @property
    def steps(self) -> int:
        """How many steps were done."""
        return len(self._losses)

    def start_over(self) -> None:
        """Count from zero."""
        self._losses = []
        self._seconds = {"steps": 0.0, "evaluations": 0.0}
        self.note(tokens=0, last=None, best=None)

    def note(self, **fields: Any) -> None:  # noqa: ANN401  (those of RunRecord)
        """Set fields of the record, such as its state."""
        self._record = replace(self._record, **fields)

    def step(self, line: Mapping[str, Any]) -> None:
        """Count one step."""
        self._losses.append(math.nan if line["loss"] is None else line["loss"])
        self._seconds["steps"] += line["seconds"]
        self.note(tokens=self._record.tokens + line["tokens"])

    def evaluation(self, row: EvaluationRow) -> None:
        """Count one evaluation, which may be the best so far."""
        self._seconds["evaluations"] += row.seconds
        self._record = with_evaluation(self._record, row)


def _last_tenth(losses: list[float]) -> float | None:
    """Mean of the last tenth (rounded up) of the losses; None where there is no finite mean."""
    tail = losses[-math.ceil(len(losses) / 10) :]
    mean = math.fsum(tail) / len(tail) if tail else math.nan
    return mean if math.isfinite(mean) else None
