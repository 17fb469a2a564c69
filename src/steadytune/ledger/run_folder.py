"""One run on disk: where its files lie, how they are read, its record to and from JSON."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from steadytune.errors import BadInput
from steadytune.ledger.arrays import read_table
from steadytune.ledger.durable import is_temporary, read_json, read_lines
from steadytune.ledger.series import Curve, Series, curves, measured_columns
from steadytune.metrics import METRICS
from steadytune.records import SCHEMA, Checkpoint, RunRecord, Step

STEP_COLUMNS = tuple(field.name for field in fields(Step) if field.name != "run")
_WHOLE_NUMBERS = ("step", "tokens")
_RECORD = TypeAdapter(RunRecord)


@dataclass(frozen=True)
class EvaluationRow:
    """An Evaluation as the event log keeps it: everything but the outputs.

    ``constant`` says whether every prediction of the split was the same.
    """

    step: int
    split: str
    loss: float
    metrics: Mapping[str, float]
    constant: bool
    seconds: float


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
        self.steps_series = Series(path / "steps.jsonl", path / "steps.parquet", step_columns)
        self.measured_series = Series(
            path / "diagnostics.jsonl", path / "diagnostics.parquet", measured_columns
        )
        self.snapshot_file = path / "snapshot.safetensors"
        self.predictions_folder = path / "predictions"
        self.model_folder = path / "model"
        self.models_folder = path / "models"

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

        A record is replaced at once, so none that cannot be read comes from a kill. To take a
        damaged one for none would compute the run anew and delete what is there.

        Raises:
            BadInput: it cannot be read, or a newer steadytune wrote it.
        """
        try:
            return record_from_json(read_json(self.record_file), self.record_file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # pydantic's is a ValueError
            raise BadInput(
                f"{self.record_file}: cannot be read ({_reason(error)}); repair it, or remove the "
                "run's folder to compute it anew"
            ) from error

    def steps(self) -> dict[str, NDArray[Any]]:
        """Every step done so far as columns named like the fields of Step, in order."""
        return self.steps_series.columns()

    def diagnostics(self) -> dict[str, Curve]:
        """Every diagnostic value measured so far, by ``<diagnostic>/<what>``."""
        return curves(self.measured_series.columns())

    def evaluations(self) -> list[EvaluationRow]:
        """Every evaluation so far, in order."""
        return [
            evaluation_row(line.value)
            for line in read_lines(self.events_file)
            if line.value.get("event") == "evaluation"
        ]

    def predictions(self, step: int, split: str) -> Predictions:
        """The predictions of one evaluation.

        Raises:
            BadInput: there was no such evaluation.
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


def evaluation_row(line: Mapping[str, Any]) -> EvaluationRow:
    """An evaluation line of the event log."""
    return EvaluationRow(
        step=line["step"],
        split=line["split"],
        loss=_number(line["loss"]),
        metrics=_numbers(line["metrics"]),
        constant=line["constant"],
        seconds=line["seconds"],
    )


def record_from_json(value: object, path: Path) -> RunRecord:
    """A record as ``plain`` wrote it.

    Raises:
        ValueError: it is not one. BadInput: a newer steadytune wrote it.
    """
    check_schema(value, path)
    try:
        fields = _with_nan(value)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ValueError("it is not the record of a run") from None
    return _RECORD.validate_python(fields)


def _reason(error: OSError | ValueError) -> str:
    """What is wrong, without the path, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def check_schema(value: object, path: Path) -> None:
    """Refuse a file of a newer steadytune.

    Raises:
        BadInput: its schema is higher than ours.
    """
    schema = cast(dict[str, object], value).get("schema") if isinstance(value, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise BadInput(
            f"{path}: written by a newer steadytune (schema {schema}; this one reads up to "
            f"{SCHEMA}); install a newer steadytune to read it"
        )


def with_evaluation(record: RunRecord, row: EvaluationRow) -> RunRecord:
    """The record after one more evaluation: ``last``, and ``best`` if it is strictly better."""
    metrics = {row.split: {**row.metrics, "loss": row.loss}}
    constant = {row.split: row.constant}
    if record.last is not None and record.last.step == row.step:  # another split, same weights
        metrics = {**record.last.metrics, **metrics}
        constant = {**record.last.constant, **constant}
    last = Checkpoint(step=row.step, metrics=metrics, constant=constant)
    best = record.best
    if (best is not None and best.step == last.step) or (
        row.split == record.task.select and _score(record, last) > _score(record, best)
    ):
        best = last
    return replace(record, last=last, best=best)


def _score(record: RunRecord, checkpoint: Checkpoint | None) -> tuple[bool, float]:
    """The merit of a checkpoint's headline metric, so that any checkpoint is above none."""
    if checkpoint is None:
        return (False, -math.inf)
    value = checkpoint.metrics[record.task.select][record.task.metric]
    return (True, METRICS[record.task.metric].merit(value))


def _with_nan(fields: Any) -> dict[str, Any]:  # noqa: ANN401  (unchecked JSON)
    """Null metrics of a record's JSON as NaN again."""
    record = dict(fields)
    for name in ("last", "best"):
        if record.get(name) is not None:
            metrics = {split: _numbers(of) for split, of in record[name]["metrics"].items()}
            record[name] = {**record[name], "metrics": metrics}
    baseline = {split: _numbers(of) for split, of in record["task"]["baseline"].items()}
    return {**record, "task": {**record["task"], "baseline": baseline}}


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}
