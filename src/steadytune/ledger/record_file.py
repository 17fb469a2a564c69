"""The record of a run: how it follows from evaluations, and how it stands in ``run.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from steadytune.ledger.durable import replace_json
from steadytune.ledger.json_lines import damaged, plain, read_json
from steadytune.ledger.schema import check_schema
from steadytune.ledger.sums import checked, with_digest
from steadytune.metrics import METRICS
from steadytune.records import Checkpoint, RunRecord, State, TaskFacts


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


_RECORD = TypeAdapter(RunRecord)
_EVALUATION = TypeAdapter(EvaluationRow)


def write_record(path: Path, record: RunRecord) -> None:
    """Put a record in the place of the one before.

    Raises:
        OSError: the disk is full or not writable; the one before stays.
    """
    replace_json(path, with_digest(plain(record)))


def read_record(path: Path) -> RunRecord | None:
    """The record in a file of a run's folder; None without a file.

    Raises:
        Damaged: it is not the record that was written there.
        BadInput: a newer steadytune wrote it.
    """
    try:
        value = read_json(path)
        check_schema(value, path)
        if not isinstance(value, dict):
            raise ValueError("it is not the record of a run")
        fields = _with_nan(checked(cast(dict[str, object], value)))
        record = _RECORD.validate_json(json.dumps(fields), strict=True)
        _check(record, path.parent.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # pydantic's is a ValueError
        raise damaged(path, error) from None
    return record


def evaluation_row(line: Mapping[str, Any]) -> EvaluationRow:
    """An evaluation line of the event log.

    Raises:
        ValueError: it is none.
    """
    row = {**line, "loss": _number(line.get("loss")), "metrics": _numbers(line.get("metrics"))}
    return _EVALUATION.validate_json(json.dumps(row), strict=True)


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


def _check(record: RunRecord, run: str) -> None:
    """What a type cannot say.

    Raises:
        ValueError: the record cannot be that of run ``run``.
    """
    if record.id != run:
        raise ValueError(f"it is of run {record.id}")
    if not {"init", "order", "dropout"} <= set(record.seeds):
        raise ValueError("a seed is missing")
    for name in record.files:
        states = f"../../checkpoints/states/{run}.npz"
        if name != states and (Path(name).is_absolute() or ".." in Path(name).parts):
            raise ValueError(f"{name!r} is no file of the run")
    _check_task(record.task)
    for point in filter(None, (record.last, record.best)):
        _check_metrics(record, point)
    _check_end(record)


def _check_task(task: TaskFacts) -> None:
    if task.metric not in METRICS:
        raise ValueError(f"metric {task.metric!r} is not known")
    for split in (task.select, task.report):
        if split not in task.dev_examples or split not in task.baseline:
            raise ValueError(f"the task has no split {split!r}")
    for name in (*task.dev_examples, task.digest):
        if Path(name).name != name:
            raise ValueError(f"{name!r} cannot be part of a file's name")


def _check_metrics(record: RunRecord, point: Checkpoint) -> None:
    task = record.task
    for split, metrics in point.metrics.items():
        if split not in task.dev_examples or not {task.metric, "loss"} <= set(metrics):
            raise ValueError(f"the metrics of split {split!r} cannot be")
        if split not in point.constant:
            raise ValueError(f"nothing says whether split {split!r} was constant")
    if record.state.ended and set(point.metrics) != set(task.dev_examples):
        raise ValueError("the metrics of a split are missing")


def _check_end(record: RunRecord) -> None:
    state = record.state
    if not 0 <= record.step <= record.total_steps:
        raise ValueError(f"{record.step} of {record.total_steps} steps cannot be")
    if state is State.FINISHED and (record.step < record.total_steps or record.last is None):
        raise ValueError("it says finished, and a part is missing")
    ends = {State.DIVERGED: record.diverged, State.STOPPED: record.stopped}
    if state in ends and not isinstance((ends[state] or {}).get("step"), int):
        raise ValueError(f"it says {state} and not when")
    if state is State.CRASHED and not record.error:
        raise ValueError("it says crashed and not how")


def _with_nan(record: Mapping[str, Any]) -> dict[str, Any]:
    """Null metrics of a record's JSON as NaN again.

    Raises:
        ValueError: it is not the record of a run.
    """
    fields = dict(record)
    try:
        for name in ("last", "best"):
            if fields.get(name) is not None:
                metrics = {split: _numbers(of) for split, of in fields[name]["metrics"].items()}
                fields[name] = {**fields[name], "metrics": metrics}
        baseline = {split: _numbers(of) for split, of in fields["task"]["baseline"].items()}
        return {**fields, "task": {**fields["task"], "baseline": baseline}}
    except (TypeError, AttributeError, KeyError):
        raise ValueError("it is not the record of a run") from None


def _number(value: object) -> object:
    return math.nan if value is None else value


def _numbers(values: Any) -> Any:  # noqa: ANN401  (unchecked JSON)
    return {name: _number(value) for name, value in values.items()}
