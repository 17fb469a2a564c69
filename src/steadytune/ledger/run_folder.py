"""One run on disk: where its files lie, and how they are read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput, Damaged
from steadytune.ledger.arrays import read_table
from steadytune.ledger.durable import is_temporary
from steadytune.ledger.json_lines import damaged, read_lines
from steadytune.ledger.record_file import EvaluationRow, evaluation_row, read_record
from steadytune.ledger.series import Curve, Series, curves, measured_columns
from steadytune.records import RunRecord, Step

STEP_COLUMNS = tuple(field.name for field in fields(Step) if field.name != "run")
_WHOLE_NUMBERS = ("step", "tokens")


@dataclass(frozen=True)
class Predictions:
    """One split as one Evaluation predicted it, in the order of the examples.

    Attributes:
        labels: (N,) int64 classes or float64 scores. predictions: the same.
        outputs: (N, K) float32 logits, or (N, 1) scores.
    """

    labels: NDArray[Any]
    predictions: NDArray[Any]
    outputs: NDArray[np.float32]


class RunFolder:
    """Paths and contents of ``runs/<id>/``. Reading tolerates whatever a kill left half-written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_file = path / "run.json"
        self.events_file = path / "events.jsonl"
        self.steps_file = path / "steps.parquet"
        self.steps_series = Series(path / "steps.jsonl", self.steps_file, step_columns)
        self.measured_file = path / "diagnostics.parquet"
        self.measured_series = Series(
            path / "diagnostics.jsonl", self.measured_file, measured_columns
        )
        self.snapshot_file = path / "snapshot.safetensors"
        self.predictions_folder = path / "predictions"
        self.model_folder = path / "model"
        self.models_folder = path / "models"
        self.states_file = path.parent.parent / "checkpoints" / "states" / f"{path.name}.npz"

    def sweep(self) -> None:
        """Remove what only an unfinished run needs; a kill within its end leaves it behind."""
        self.steps_series.sweep()
        self.measured_series.sweep()
        self.snapshot_file.unlink(missing_ok=True)
        self.remove_temporary()

    def remove_temporary(self) -> None:
        """Remove what a kill left half-written: files, and folders of a model being saved."""
        for path in (*self.path.glob(".*"), *self.models_folder.glob(".*")):
            if path.is_dir():
                shutil.rmtree(path)
            elif is_temporary(path):
                path.unlink(missing_ok=True)

    def model_at(self, step: int) -> Path:
        """Where the weights of an evaluation before the last lie, if those of all are kept."""
        return self.models_folder / f"{step:06d}"

    def models(self) -> dict[int, Path]:
        """The folders of kept weights along the training by step, the model at its end aside."""
        return {int(path.name): path for path in sorted(self.models_folder.glob("[0-9]*"))}

    def predictions_file(self, step: int, split: str) -> Path:
        """Where the predictions of one evaluation lie."""
        return self.predictions_folder / f"{step:06d}-{split}.parquet"

    def record(self) -> RunRecord | None:
        """The record; None before the run begins.

        Raises:
            Damaged: it is not what was written there. A record is replaced at once, so a kill is
                not the reason.
            BadInput: a newer steadytune wrote it.
        """
        return read_record(self.record_file)

    def steps(self) -> dict[str, NDArray[Any]]:
        """Every step done so far as columns named like the fields of Step, in order.

        Raises:
            Damaged: they are not what was written there.
        """
        columns = self.steps_series.columns()
        if not np.array_equal(columns["step"], np.arange(1, len(columns["step"]) + 1)):
            raise Damaged(f"{self.path}: the steps are damaged (they do not count 1, 2, 3, ...)")
        return columns

    def diagnostics(self) -> dict[str, Curve]:
        """Every diagnostic value measured so far, by ``<diagnostic>/<what>``.

        Raises:
            Damaged: they are not what was written there.
        """
        return curves(self.measured_series.columns())

    def evaluations(self) -> list[EvaluationRow]:
        """Every evaluation so far, in order.

        Raises:
            Damaged: they are not what was written there.
        """
        lines = [line.value for line in read_lines(self.events_file)]
        try:
            return [evaluation_row(line) for line in lines if line["event"] == "evaluation"]
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise damaged(self.events_file, error) from None

    def predictions(self, step: int, split: str) -> Predictions:
        """The predictions of one evaluation.

        Raises:
            BadInput: there was no such evaluation.
            Damaged: they are not what was written there.
        """
        path = self.predictions_file(step, split)
        if not path.exists():
            there = sorted(file.stem for file in self.predictions_folder.glob("*.parquet"))
            raise BadInput(
                f"{self.path.name}: no predictions of split {split!r} at step {step}; "
                f"there are {', '.join(there) or 'none'}"
            )
        columns = read_table(path)
        outputs = [values for name, values in columns.items() if name.startswith("output_")]
        numbers = [columns.get("label"), columns.get("prediction"), *outputs]
        if not outputs or any(v is None or v.dtype.kind not in "if" for v in numbers):
            raise Damaged(f"{path}: damaged (it does not hold the columns of predictions)")
        return Predictions(columns["label"], columns["prediction"], np.stack(outputs, axis=1))


def step_columns(lines: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Step lines turned into columns; null becomes NaN."""
    return {
        name: np.array(
            [line[name] for line in lines],
            dtype=np.int64 if name in _WHOLE_NUMBERS else np.float64,
        )
        for name in STEP_COLUMNS
    }
