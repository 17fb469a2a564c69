"""RunWriter: puts the events of one run on disk, and finds out where an unfinished one goes on.

What a run leaves is a function of its events, and a resumed run has the events of an
uninterrupted one: everything after the snapshot is cut off first, then the record is rebuilt from
the lines that stay. Only ``seconds`` and ``resumed`` can tell the two apart.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import Damaged
from steadytune.ledger.arrays import SnapshotHeader, read_snapshot, write_snapshot
from steadytune.ledger.durable import Lines, make_folder
from steadytune.ledger.kept_sums import sums_of_kept
from steadytune.ledger.predictions_file import write_predictions
from steadytune.ledger.record_file import EvaluationRow, write_record
from steadytune.ledger.resume import remove_later, usable_snapshot
from steadytune.ledger.run_folder import STEP_COLUMNS, RunFolder
from steadytune.ledger.sums import misfit, sum_of
from steadytune.ledger.tally import Tally
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
        self._labels = labels
        self._check = check
        self._tally = Tally(record)
        self._events = Lines(folder.events_file)
        self._steps, self._measured = folder.steps_series, folder.measured_series
        self._files: dict[str, FileSum] = {}
        earlier = None if again else folder.record()
        if earlier is not None and earlier.state.ended:
            raise ValueError(f"run {record.id} is {earlier.state}; it is not computed again")
        self._resumed = earlier.resumed if earlier is not None else 0
        self._header = None if again else usable_snapshot(folder, record.id)
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
        return replace(self._tally.record, resumed=self._resumed)

    def load_snapshot(self) -> Snapshot | None:
        """What the run goes on from; None if it starts from zero.

        A snapshot whose tensors are not those that were written counts as none: the run starts
        over, and says so.
        """
        if self._header is None:
            return None
        try:
            return read_snapshot(self._folder.snapshot_file, self._tally.noted.id, self._header)
        except Damaged as problem:
            _log.warning("%s; run %s starts over", problem, self._tally.noted.id)
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
        self._files = {}
        self._tally.start_over()

    def write(self, event: Event) -> None:
        """Put one event on disk.

        Raises:
            OSError: the disk is full or gone; what was written before it is intact.
            Damaged: what was written before is not there any more.
            Claimed: another process has taken the run over.
            ValueError: the event is another run's, or does not follow the one before.
        """
        if event.run != self._tally.noted.id or self._tally.noted.state.ended:
            raise ValueError(f"not an event of the unfinished run {self._tally.noted.id}: {event}")
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
                kept = self._folder.model_at(event.step)
                self._files |= sums_of_kept(self._folder.path, kept)
            case Snapshot():
                self._snapshot(event)
            case Diverged() | Stopped() | Finished():
                self._ended(event)
            case Crashed():
                self._crashed(event)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._steps, self._measured, self._events):
            file.close()

    def _started(self, event: Started) -> None:
        if event.step == 0 and self._tally.steps:
            self.start_over()  # the snapshot was not wanted, or the run is begun a second time
        elif event.step != self._tally.steps:
            raise ValueError(
                f"run {event.run} starts at step {event.step}; its snapshot is of step "
                f"{self.snapshot_step}"
            )
        self._tally.note(state=State.RUNNING, total_steps=event.total_steps)
        if event.step:
            self._resumed += 1
        else:
            self._log("started", {"step": 0, "total_steps": event.total_steps})
        self._save()

    def _step(self, event: Step) -> None:
        if event.step != self._tally.steps + 1:
            raise ValueError(
                f"step {event.step} of run {event.run} follows step {self._tally.steps}"
            )
        line = {name: getattr(event, name) for name in STEP_COLUMNS}
        self._steps.append(line)
        self._tally.step(line)

    def _evaluation(self, event: Evaluation) -> None:
        predictions = self._predictions(event.outputs)
        file = self._folder.predictions_file(event.step, event.split)
        write_predictions(file, event, self._labels[event.split], predictions)
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
        self._tally.evaluation(row)
        self._save()

    def _predictions(self, outputs: NDArray[np.float32]) -> NDArray[Any]:
        if self._tally.noted.task.label_names is None:
            return outputs[:, 0].astype(np.float64)
        return outputs.argmax(axis=1).astype(np.int64)

    def _snapshot(self, event: Snapshot) -> None:
        if event.step != self._tally.steps:
            raise ValueError(f"snapshot of step {event.step} after step {self._tally.steps}")
        self._steps.sync()
        self._measured.sync()
        self._check()
        logs = {"steps": self._steps, "diagnostics": self._measured, "events": self._events}
        files = {**self._files, **{f"{name}.jsonl": of.sum for name, of in logs.items()}}
        write_snapshot(self._folder.snapshot_file, event, files)
        self._save()

    def _crashed(self, event: Crashed) -> None:
        self._tally.note(state=State.CRASHED, error=event.error)
        self._log("crashed", {"error": event.error})
        self._save()
        self.close()

    def _ended(self, event: End) -> None:
        self._check_whole(event)
        line: dict[str, Any] = {"step": event.step}
        match event:
            case Diverged():
                line["tensor"] = event.tensor
                self._tally.note(diverged=line)
                self._end(State.DIVERGED, line)
            case Stopped():
                line["reason"] = event.reason
                self._tally.note(stopped=line)
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
        folder = self._folder
        if event.weights is not None:
            self._files |= sums_of_kept(folder.path, folder.model_folder, folder.states_file)
        last, total, done = self._tally.noted.last, self._tally.noted.total_steps, self._tally.steps
        if done != total or last is None or last.step != event.step:
            raise ValueError(
                f"run {event.run} says finished after {done} of {total} steps, its last evaluation "
                f"at step {last.step if last else None}"
            )

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
        self._tally.note(state=state, files=dict(sorted(self._files.items())))
        self._save()  # the run has ended from here on; before, a kill has it go on from a snapshot
        self._folder.sweep()

    def _log(self, event: str, line: Mapping[str, object]) -> None:
        self._steps.sync()
        self._measured.sync()
        self._events.append({"event": event, "run": self._tally.noted.id, **line})
        self._events.sync()

    def _save(self) -> None:
        self._check()
        write_record(self._folder.record_file, self.record)

    def _cut(self, header: SnapshotHeader) -> None:
        """Cut off what came after the snapshot, and rebuild the record from what stays."""
        folder, sums = self._folder, header.files
        for line in self._steps.cut(sums["steps.jsonl"].bytes):
            self._tally.step(line)
        self._measured.cut(sums["diagnostics.jsonl"].bytes)
        self._events.go_on_after(sums["events.jsonl"].bytes)
        for row in folder.evaluations():
            self._tally.evaluation(row)
        self._files = remove_later(folder, header)
