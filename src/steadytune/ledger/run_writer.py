"""RunWriter: puts the events of one run on disk, and finds out where an unfinished one goes on.

What a run leaves is a function of its events, and a resumed run has the events of an
uninterrupted one: everything after the snapshot is cut off first, then the record is rebuilt from
the lines that stay. Only ``seconds`` and ``resumed`` can tell the two apart.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger.arrays import read_snapshot, snapshot_header, write_snapshot, write_table
from steadytune.ledger.durable import Lines, cut_file, read_lines, replace_json
from steadytune.ledger.run_folder import (
    STEP_COLUMNS,
    EvaluationRow,
    RunFolder,
    evaluation_row,
    with_evaluation,
)
from steadytune.records import (
    Crashed,
    Diverged,
    End,
    Evaluation,
    Event,
    Finished,
    Measured,
    RunRecord,
    Snapshot,
    Started,
    State,
    Step,
    Stopped,
    Weights,
)


class RunWriter:
    """The one writer of one run.

    Making it settles where the run goes on: ``snapshot_step`` is the step of a whole snapshot, and
    files hold nothing after it; or it is None and the folder is empty. Then every event of the
    run is given to ``write``, in order; a Snapshot comes after the evaluations of its step, and
    weights that are kept are saved before Weights or Finished is written.

    Args:
        folder: the run's folder.
        record: the record of the run before it begins.
        labels: labels of each dev split, for the files of predictions.
    """

    def __init__(
        self, folder: RunFolder, record: RunRecord, labels: Mapping[str, NDArray[Any]]
    ) -> None:
        self._folder = folder
        self._record = record
        self._labels = labels
        self._losses: list[float] = []
        self._seconds = {"steps": 0.0, "evaluations": 0.0}
        self._events = Lines(folder.events_file)
        self._steps, self._measured = folder.steps_series, folder.measured_series
        earlier = folder.record()
        if earlier is not None and earlier.state.ended:
            raise ValueError(f"run {record.id} is {earlier.state}; it is not computed again")
        self._resumed = earlier.resumed if earlier is not None else 0
        self.snapshot_step = self._usable_snapshot()
        if self.snapshot_step is None:
            self.start_over()
        else:
            self._cut(self.snapshot_step)

    @property
    def record(self) -> RunRecord:
        """The record as it stands."""
        return replace(
            self._record,
            step=len(self._losses),
            train_loss=_last_tenth(self._losses),
            seconds=dict(self._seconds),
            resumed=self._resumed,
        )

    def load_snapshot(self) -> Snapshot | None:
        """What the run goes on from; None if it starts from zero.

        A snapshot whose tensors cannot be read counts as none: the run starts over.
        """
        if self.snapshot_step is None:
            return None
        snapshot = read_snapshot(self._folder.snapshot_file, self._record.id, self.snapshot_step)
        if snapshot is None:
            self.start_over()
        return snapshot

    def start_over(self) -> None:
        """Start from zero: nothing of an earlier attempt stays."""
        self.close()
        if self._folder.path.exists():
            shutil.rmtree(self._folder.path)
        self._folder.path.mkdir(parents=True)
        self.snapshot_step = None
        self._resumed = 0
        self._losses = []
        self._seconds = {"steps": 0.0, "evaluations": 0.0}
        self._record = replace(self._record, tokens=0, last=None, best=None)

    def write(self, event: Event) -> None:
        """Put one event on disk.

        Raises:
            OSError: the disk is full or gone; what was written before it is intact.
            ValueError: the event is another run's, or does not follow the one before.
        """
        if event.run != self._record.id or self._record.state.ended:
            raise ValueError(f"not an event of the unfinished run {self._record.id}: {event}")
        match event:
            case Started():
                self._started(event)
            case Step():
                self._step(event)
            case Measured():
                self._measured.append({"step": event.step, "values": event.values})
            case Evaluation():
                self._evaluation(event)
            case Weights():
                pass  # their folder, which is there as a whole or not at all, says it
            case Snapshot():
                self._snapshot(event)
            case Diverged() | Stopped() | Finished():
                self._ended(event)
            case Crashed():
                self._crashed(event)

    def close(self) -> None:
        """Let go of the files; a run that has not ended goes on from its snapshot later."""
        for file in (self._steps, self._measured, self._events):
            file.close()

    def _started(self, event: Started) -> None:
        if event.step == 0 and (self.snapshot_step or self._losses):
            self.start_over()  # the snapshot was not wanted, or the run is begun a second time
        elif event.step != (self.snapshot_step or 0):
            raise ValueError(
                f"run {event.run} starts at step {event.step}; its snapshot is of step "
                f"{self.snapshot_step}"
            )
        self._record = replace(self._record, state=State.RUNNING, total_steps=event.total_steps)
        if event.step:
            self._resumed += 1
        else:
            self._log("started", {"step": 0, "total_steps": event.total_steps})
        self._save()

    def _step(self, event: Step) -> None:
        if event.step != len(self._losses) + 1:
            raise ValueError(
                f"step {event.step} of run {event.run} follows step {len(self._losses)}"
            )
        line = {name: getattr(event, name) for name in STEP_COLUMNS}
        self._steps.append(line)
        self._count_step(line)

    def _evaluation(self, event: Evaluation) -> None:
        predictions = self._predictions(event.outputs)
        columns: dict[str, NDArray[Any]] = {
            "step": np.full(len(predictions), event.step, dtype=np.int64),
            "example": np.arange(len(predictions)),
            "label": self._labels[event.split],
            "prediction": predictions,
        }
        for k in range(event.outputs.shape[1]):
            columns[f"output_{k}"] = event.outputs[:, k]
        self._folder.predictions_folder.mkdir(exist_ok=True)
        write_table(self._folder.predictions_file(event.step, event.split), columns)
        row = EvaluationRow(
            step=event.step,
            split=event.split,
            loss=event.loss,
            metrics=dict(event.metrics),
            constant=bool(np.all(predictions == predictions[:1])),
            seconds=event.seconds,
        )
        self._log("evaluation", {name: getattr(row, name) for name in row.__dataclass_fields__})
        self._count_evaluation(row)
        self._save()

    def _predictions(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        if self._record.task.label_names is None:
            return outputs[:, 0].astype(np.float64)
        return outputs.argmax(axis=1).astype(np.int64)

    def _snapshot(self, event: Snapshot) -> None:
        if event.step != len(self._losses):
            raise ValueError(f"snapshot of step {event.step} after step {len(self._losses)}")
        self._steps.sync()
        self._measured.sync()
        write_snapshot(self._folder.snapshot_file, event, len(self._measured.lines()))
        self.snapshot_step = event.step
        self._save()

    def _crashed(self, event: Crashed) -> None:
        self._record = replace(self._record, state=State.CRASHED, error=event.error)
        self._log("crashed", {"error": event.error})
        self._save()
        self.close()

    def _ended(self, event: End) -> None:
        line: dict[str, Any] = {"step": event.step}
        match event:
            case Diverged():
                line["tensor"] = event.tensor
                self._record = replace(self._record, diverged=line)
                self._end(State.DIVERGED, line)
            case Stopped():
                line["reason"] = event.reason
                self._record = replace(self._record, stopped=line)
                self._end(State.STOPPED, line)
            case Finished():
                self._end(State.FINISHED, line)

    def _end(self, state: State, line: Mapping[str, object]) -> None:
        self._log(state.value, line)
        self.close()
        self._steps.seal()
        self._measured.seal()
        self._record = replace(self._record, state=state)
        self._save()  # the run has ended from here on; before, a kill has it go on from a snapshot
        self._folder.sweep()

    def _log(self, event: str, line: Mapping[str, object]) -> None:
        self._steps.sync()
        self._measured.sync()
        self._events.append({"event": event, "run": self._record.id, **line})
        self._events.sync()

    def _save(self) -> None:
        replace_json(self._folder.record_file, self.record)

    def _count_step(self, line: Mapping[str, Any]) -> None:
        self._losses.append(math.nan if line["loss"] is None else line["loss"])
        self._seconds["steps"] += line["seconds"]
        self._record = replace(self._record, tokens=self._record.tokens + line["tokens"])

    def _count_evaluation(self, row: EvaluationRow) -> None:
        self._seconds["evaluations"] += row.seconds
        self._record = with_evaluation(self._record, row)

    def _usable_snapshot(self) -> int | None:
        """The step of the snapshot, if what lies beside it reaches as far."""
        header = snapshot_header(self._folder.snapshot_file, self._record.id)
        if header is None or len(self._measured.lines()) < header.measured:
            return None
        step = header.step
        done = [line.get("step") for line in self._steps.lines()]
        return step if done[:step] == list(range(1, step + 1)) else None

    def _cut(self, step: int) -> None:
        """Go on after ``step``: cut off what came later, rebuild the record from what stays."""
        folder = self._folder
        models = {path for later, path in folder.models().items() if later > step}
        for path in {folder.model_folder, *models}:
            shutil.rmtree(path, ignore_errors=True)
        for line in self._steps.cut(step):
            self._count_step(line)
        self._measured.cut(step)
        end = 0
        kept: set[str] = set()
        for line in read_lines(folder.events_file):
            if line.value["event"] == "crashed" or line.value["step"] > step:
                break
            end = line.end
            if line.value["event"] == "evaluation":
                row = evaluation_row(line.value)
                kept.add(folder.predictions_file(row.step, row.split).name)
                self._count_evaluation(row)
        cut_file(folder.events_file, end)
        for path in folder.predictions_folder.glob("*"):
            if path.name not in kept:
                path.unlink()
        folder.remove_temporary()


def _last_tenth(losses: list[float]) -> float | None:
    """Mean of the last tenth (rounded up) of the losses; None where there is no finite mean."""
    tail = losses[-math.ceil(len(losses) / 10) :]
    mean = math.fsum(tail) / len(tail) if tail else math.nan
    return mean if math.isfinite(mean) else None
