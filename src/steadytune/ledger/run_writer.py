"""RunWriter: puts the events of one run on disk, and finds out where an unfinished one goes on.

What a run leaves is a function of its events, and a resumed run has the events of an
uninterrupted one: everything after the snapshot is cut off first, then the record is rebuilt from
the lines that stay. Only ``seconds`` and ``resumed`` can tell the two apart.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import Damaged, Unreadable
from steadytune.ledger.arrays import (
    SnapshotHeader,
    read_snapshot,
    snapshot_header,
    write_snapshot,
    write_table,
)
from steadytune.ledger.damage import CARD
from steadytune.ledger.durable import Lines, make_folder
from steadytune.ledger.record_file import EvaluationRow, with_evaluation, write_record
from steadytune.ledger.run_folder import STEP_COLUMNS, RunFolder
from steadytune.ledger.sums import misfit, sum_of, sums_below
from steadytune.records import (
    Crashed,
    Diverged,
    End,
    Evaluation,
    Event,
    FileSum,
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

_log = logging.getLogger(__name__)


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
        again: the run is computed anew, whatever lies there.
        check: called before the record is replaced; raises if another process writes the run.
    """

    def __init__(
        self,
        folder: RunFolder,
        record: RunRecord,
        labels: Mapping[str, NDArray[Any]],
        again: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._record = record
        self._labels = labels
        self._check = check
        self._losses: list[float] = []
        self._seconds = {"steps": 0.0, "evaluations": 0.0}
        self._events = Lines(folder.events_file)
        self._steps, self._measured = folder.steps_series, folder.measured_series
        self._files: dict[str, FileSum] = {}
        earlier = None if again else folder.record()
        if earlier is not None and earlier.state.ended:
            raise ValueError(f"run {record.id} is {earlier.state}; it is not computed again")
        self._resumed = earlier.resumed if earlier is not None else 0
        self._header = None if again else self._usable_snapshot()
        if self._header is None:
            self.start_over()
        else:
            self._cut(self._header)

    @property
    def snapshot_step(self) -> int | None:
        """The step that the run goes on after; None where it starts from zero."""
        return None if self._header is None else self._header.step

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

        A snapshot whose tensors are not those that were written counts as none: the run starts
        over, and says so.
        """
        if self._header is None:
            return None
        try:
            return read_snapshot(self._folder.snapshot_file, self._record.id, self._header)
        except Damaged as problem:
            _log.warning("%s; run %s starts over", problem, self._record.id)
            self.start_over()
            return None

    def start_over(self) -> None:
        """Start from zero: nothing of an earlier attempt stays."""
        self.close()
        path = self._folder.path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        make_folder(path)
        self._steps.cut(0)
        self._measured.cut(0)
        self._events.go_on_after(0)
        self._header = None
        self._resumed = 0
        self._losses = []
        self._files = {}
        self._seconds = {"steps": 0.0, "evaluations": 0.0}
        self._record = replace(self._record, tokens=0, last=None, best=None)

    def write(self, event: Event) -> None:
        """Put one event on disk.

        Raises:
            OSError: the disk is full or gone; what was written before it is intact.
            Damaged: what was written before is not there any more.
            Claimed: another process has taken the run over.
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
                self._count_weights(self._folder.model_at(event.step))
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
        if event.step == 0 and self._losses:
            self.start_over()  # the snapshot was not wanted, or the run is begun a second time
        elif event.step != len(self._losses):
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
        file = self._folder.predictions_file(event.step, event.split)
        make_folder(file.parent)
        write_table(file, columns)
        self._files[str(file.relative_to(self._folder.path))] = sum_of(file)
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
        self._check()
        logs = {"steps": self._steps, "diagnostics": self._measured, "events": self._events}
        files = {**self._files, **{f"{name}.jsonl": of.sum for name, of in logs.items()}}
        write_snapshot(self._folder.snapshot_file, event, files)
        self._save()

    def _crashed(self, event: Crashed) -> None:
        self._record = replace(self._record, state=State.CRASHED, error=event.error)
        self._log("crashed", {"error": event.error})
        self._save()
        self.close()

    def _ended(self, event: End) -> None:
        self._check_whole(event)
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

    def _check_whole(self, event: End) -> None:
        """Count what a run must have left before it says that it has ended."""
        self._check()
        for name, wanted in self._files.items():
            if found := misfit(self._folder.path / name, wanted, whole=False):
                raise Damaged(f"{self._folder.path / name}: {found}")
        if not isinstance(event, Finished):
            return
        if event.weights is not None:
            self._count_weights(self._folder.model_folder, self._folder.states_file)
        last = self._record.last
        if len(self._losses) != self._record.total_steps or last is None or last.step != event.step:
            raise ValueError(
                f"run {event.run} says finished after {len(self._losses)} of "
                f"{self._record.total_steps} steps, its last evaluation at step "
                f"{last.step if last else None}"
            )

    def _count_weights(self, folder: Path, instead: Path | None = None) -> None:
        """Take down the sums of weights that were kept, or of what was kept instead of them."""
        run = self._folder.path
        if folder.is_dir():
            name = folder.relative_to(run)
            below = sums_below(folder, without=CARD)
            self._files |= {f"{name}/{file}": of for file, of in below.items()}
        elif instead is not None and instead.exists():
            self._files[f"../../{instead.relative_to(run.parent.parent)}"] = sum_of(instead)
        else:
            raise Damaged(f"{folder}: the weights that were kept are missing")

    def _end(self, state: State, line: Mapping[str, object]) -> None:
        self._log(state.value, line)
        self.close()
        self._steps.seal()
        self._measured.seal()
        folder = self._folder
        for file in (folder.steps_file, folder.measured_file):
            if file.exists():
                self._files[file.name] = sum_of(file)
        self._files[folder.events_file.name] = self._events.sum
        self._record = replace(self._record, state=state, files=dict(sorted(self._files.items())))
        self._save()  # the run has ended from here on; before, a kill has it go on from a snapshot
        self._folder.sweep()

    def _log(self, event: str, line: Mapping[str, object]) -> None:
        self._steps.sync()
        self._measured.sync()
        self._events.append({"event": event, "run": self._record.id, **line})
        self._events.sync()

    def _save(self) -> None:
        self._check()
        write_record(self._folder.record_file, self.record)

    def _count_step(self, line: Mapping[str, Any]) -> None:
        self._losses.append(math.nan if line["loss"] is None else line["loss"])
        self._seconds["steps"] += line["seconds"]
        self._record = replace(self._record, tokens=self._record.tokens + line["tokens"])

    def _count_evaluation(self, row: EvaluationRow) -> None:
        self._seconds["evaluations"] += row.seconds
        self._record = with_evaluation(self._record, row)

    def _usable_snapshot(self) -> SnapshotHeader | None:
        """The header of the snapshot, if all that lay beside it then is there, byte for byte.

        Raises:
            Unreadable: the system refuses to give a file.
        """
        folder, run = self._folder, self._record.id
        try:
            header = snapshot_header(folder.snapshot_file, run)
            for name, wanted in header.files.items():
                grows = name.endswith(".jsonl")
                if found := misfit(folder.path / name, wanted, whole=True, prefix=grows):
                    raise Damaged(f"{folder.path / name}: {found}")
        except FileNotFoundError:
            return None
        except Unreadable:
            raise
        except Damaged as problem:
            _log.warning("%s; run %s starts over", problem, run)
            return None
        return header

    def _cut(self, header: SnapshotHeader) -> None:
        """Cut off what came after the snapshot, and rebuild the record from what stays."""
        folder, sums = self._folder, header.files
        models = {path for step, path in folder.models().items() if step > header.step}
        for path in {folder.model_folder, *models}:
            shutil.rmtree(path, ignore_errors=True)
        for line in self._steps.cut(sums["steps.jsonl"].bytes):
            self._count_step(line)
        self._measured.cut(sums["diagnostics.jsonl"].bytes)
        self._events.go_on_after(sums["events.jsonl"].bytes)
        for row in folder.evaluations():
            self._count_evaluation(row)
        self._files = {name: of for name, of in sums.items() if not name.endswith(".jsonl")}
        for path in folder.predictions_folder.glob("*"):
            if str(path.relative_to(folder.path)) not in self._files:
                path.unlink()
        folder.remove_temporary()


def _last_tenth(losses: list[float]) -> float | None:
    """Mean of the last tenth (rounded up) of the losses; None where there is no finite mean."""
    tail = losses[-math.ceil(len(losses) / 10) :]
    mean = math.fsum(tail) / len(tail) if tail else math.nan
    return mean if math.isfinite(mean) else None
