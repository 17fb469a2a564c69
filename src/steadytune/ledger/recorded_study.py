"""What was recorded of a study, to be read: the half of a Ledger that changes nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from steadytune.errors import BadInput, Damaged, Unreadable
from steadytune.ledger.depth import Damage, Depth, Part
from steadytune.ledger.environments import read_environments
from steadytune.ledger.examples import Examples, examples_name
from steadytune.ledger.layout import reader_of
from steadytune.ledger.planned import Plan, Planned, read_plan
from steadytune.ledger.readers import Predictions
from steadytune.ledger.record_file import EvaluationRow
from steadytune.ledger.run_folder import RunFolder
from steadytune.ledger.series import Curve
from steadytune.ledger.states import LayerStates, read_states
from steadytune.paths import as_path
from steadytune.records import RunRecord, State
from steadytune.study import Study

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One planned run and its record, which is None before the run begins."""

    planned: Planned
    record: RunRecord | None

    @property
    def state(self) -> State:
        """How far the run has come."""
        return State.PLANNED if self.record is None else self.record.state


class RecordedStudy:
    """A study that is read. Files that ``check`` found damaged are left out from then on."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.reader = reader_of(folder)
        self._plan = plan
        self._left_out: set[str] = set()
        self._unreadable: set[Path] = set()
        self._ended: dict[str, RunRecord] = {}

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """An existing study, to read it.

        Raises:
            BadInput: no such folder, not a study, a damaged one, or one of a newer steadytune.
        """
        folder = as_path(folder)
        if folder.is_file():
            raise BadInput(f"{folder}: is a file; give the folder of a study")
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder; give the folder of a study")
        if not study_file(folder).exists():
            raise BadInput(
                f"{folder}: not the folder of a study (it has no study.json); give a folder that "
                "'steadytune run --out' made"
            )
        return cls(folder, read_plan(study_file(folder)))

    def check(self, depth: Depth) -> list[str]:
        """Look for damage: a sentence for each file that is not as it was written.

        What is damaged is left out from then on: its runs have no record, its environments and
        examples are none. Without a check, reading it raises Damaged.
        """
        return list(self._look(depth))

    def _look(self, depth: Depth) -> Iterator[str]:
        found = dict[tuple[str, bool], list[str]]()  # one file may tell of many runs
        for run in dict.fromkeys(row.id for row in self.planned):
            try:
                damage = self._damage(run, depth)
            except Unreadable as problem:
                damage = Damage(str(problem), of=Part.RECORD)
            if damage is not None:
                left_out = damage.of is Part.RECORD or (
                    damage.of is Part.CONTENTS and depth > Depth.RECORDS
                )
                found.setdefault((damage.sentence, left_out), []).append(run)
        for (sentence, left_out), runs in found.items():
            which = f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs"
            if left_out:
                self._left_out.update(runs)
                verb = "is" if len(runs) == 1 else "are"
                yield f"{sentence}; {which} {verb} left out"
            else:
                yield f"{sentence}; what is told of {which} follows from the record alone"
        yield from self._look_beside(depth)

    def _damage(self, run: str, depth: Depth) -> Damage | None:
        try:
            record = self.record(run)
        except Unreadable:
            raise
        except Damaged as problem:
            return Damage(str(problem), of=Part.RECORD)
        if record is None or (depth is Depth.EVERYTHING and not record.state.ended):
            return None  # what an unfinished run goes on from, its writer looks at
        return self.reader.damage(run, record, depth)

    def _look_beside(self, depth: Depth) -> Iterator[str]:
        yield from self.reader.check(depth)
        if depth == Depth.RECORDS:
            return
        readers: list[tuple[Path, Callable[[Path], object]]] = [
            (environment_file(self.folder), read_environments),
            *((path, read_states) for path in sorted(self.folder.glob("checkpoints/states/*.npz"))),
        ]
        for path, read in readers:
            try:
                read(path)
            except Damaged as problem:
                self._unreadable.add(path)
                yield str(problem)

    @property
    def study(self) -> Study:
        """The resolved study."""
        return self._plan.study

    @property
    def planned(self) -> tuple[Planned, ...]:
        """The planned runs, in plan order."""
        return self._plan.rows

    @property
    def environments(self) -> list[dict[str, Any]]:
        """Every different environment that worked on the study, oldest first.

        Raises:
            Damaged: the file of them is damaged.
        """
        path = environment_file(self.folder)
        return [] if path in self._unreadable else read_environments(path)

    def record(self, run: str) -> RunRecord | None:
        """The record of a run; None before it begins, and where ``check`` left it out.

        Raises:
            Damaged: it is not what was written there.
            BadInput: a newer steadytune wrote it.
        """
        if run in self._left_out:
            return None
        if run in self._ended:  # it does not change any more
            return self._ended[run]
        record = self.reader.run(run).record()
        if record is not None and record.state.ended:
            self._ended[run] = record
        return record

    def records(self) -> list[Row]:
        """Every planned run with its record, in plan order."""
        found = {run: self.record(run) for run in dict.fromkeys(row.id for row in self.planned)}
        return [Row(row, found[row.id]) for row in self.planned]

    def steps(self, run: str) -> dict[str, NDArray[Any]]:
        """Every step of a run so far, as columns named like the fields of Step."""
        return self.reader.run(run).steps()

    def diagnostics(self, run: str) -> dict[str, Curve]:
        """What diagnostics measured in a run so far, by ``<diagnostic>/<what>``.

        Empty where none were on, and for studies of versions that had none.
        """
        return self.reader.run(run).diagnostics()

    def evaluations(self, run: str) -> list[EvaluationRow]:
        """Every evaluation of a run so far, in order."""
        return self.reader.run(run).evaluations()

    def predictions(self, run: str, step: int, split: str) -> Predictions:
        """What a run predicted for one split after ``step`` steps.

        Raises:
            BadInput: it was not evaluated then.
        """
        return self.reader.run(run).predictions(step, split)

    def examples(self, task_digest: str, split: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept, or ``check`` left them out.

        Raises:
            Damaged: the file holds something else.
        """
        return self.reader.examples(examples_name(task_digest, split))

    def model_folder(self, run: str, step: int | None = None) -> Path:
        """Where the model of a run lies, or its weights after ``step`` steps, if they were kept."""
        folder = self._run(run)
        return folder.model_folder if step is None else folder.model_at(step)

    def states_file(self, run: str) -> Path:
        """Where the states of a run lie, if the study keeps them or they were written."""
        return self._run(run).states_file

    def models_along(self, run: str) -> dict[int, Path]:
        """Where the weights along the training lie, by step; the model at its end aside."""
        return self._run(run).models()

    def states(self, run: str) -> LayerStates | None:
        """The states of a run; None where they were not kept, or ``check`` left them out.

        Raises:
            Damaged: the file holds something else.
        """
        path = self.states_file(run)
        return read_states(path) if path.exists() and path not in self._unreadable else None

    def _run(self, run: str) -> RunFolder:
        return RunFolder(self.folder / "runs" / run)


def study_file(folder: Path) -> Path:
    """Where the study and its planned runs lie."""
    return folder / "study.json"


def environment_file(folder: Path) -> Path:
    """Where it is said on what machines runs were computed."""
    return folder / "environment.json"
