"""Ledger: a study as a folder on disk.

::

    study.json                            the resolved study and the planned runs
    environment.json                      where it was run: one object for each different place
    examples/<task digest>-<split>.parquet  the texts of each dev split
    runs/<id>/run.json                    the RunRecord, replaced as the run goes on
    runs/<id>/events.jsonl                started, evaluation, diverged, stopped, finished, crashed
    runs/<id>/steps.jsonl                 every step while the run goes on ...
    runs/<id>/steps.parquet               ... and after it has ended
    runs/<id>/diagnostics.jsonl, .parquet what diagnostics measured, in the same way
    runs/<id>/predictions/<step>-<split>.parquet
    runs/<id>/snapshot.safetensors        what an unfinished run goes on from
    runs/<id>/model/                      kept weights, as a Hugging Face folder
    runs/<id>/models/<step>/              those along the training, with ``keep: every``
    checkpoints/states/<id>.npz           states of dev examples, with ``keep: states``
    checkpoints/                          what was measured on weights
    claims/                               while processes write: who writes what; see claims

Each run has one writer at a time. Numbers that are not finite are null.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from steadytune.errors import BadInput, Damaged, Unreadable
from steadytune.ledger.claims import FOLDER as CLAIMS
from steadytune.ledger.claims import STUDY, Claims
from steadytune.ledger.damage import Damage, Depth, Part, damage
from steadytune.ledger.durable import is_temporary, make_folder, replace_json, sweep_temporary
from steadytune.ledger.environments import add_environment, read_environments
from steadytune.ledger.examples import Examples, examples_file, read_examples, write_examples
from steadytune.ledger.planned import Plan, Planned, check_grows, read_plan
from steadytune.ledger.record_file import EvaluationRow
from steadytune.ledger.run_folder import Predictions, RunFolder
from steadytune.ledger.run_writer import RunWriter
from steadytune.ledger.series import Curve
from steadytune.ledger.states import LayerStates, read_states
from steadytune.paths import as_path
from steadytune.records import RunRecord, State
from steadytune.study import Run, Study

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


class Ledger:
    """A study folder; see the module for its files. Make one by ``open`` or ``create_or_open``."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self._plan = plan
        self._left_out: set[str] = set()
        self._unreadable: set[Path] = set()
        self._ended: dict[str, RunRecord] = {}

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Ledger:
        """An existing study, to read it.

        Raises:
            BadInput: no such folder, not a study, a damaged one, or one of a newer steadytune.
        """
        folder = as_path(folder)
        if folder.is_file():
            raise BadInput(f"{folder}: is a file; give the folder of a study")
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder; give the folder of a study")
        if not _study_file(folder).exists():
            raise BadInput(
                f"{folder}: not the folder of a study (it has no study.json); give a folder that "
                "'steadytune run --out' made"
            )
        return cls(folder, read_plan(_study_file(folder)))

    @classmethod
    def create_or_open(
        cls,
        folder: Path,
        study: Study,
        runs: Sequence[Run],
        environment: Mapping[str, object],
    ) -> Ledger:
        """A new study, or an existing one that is continued and may have grown.

        Runs that ended but are damaged count as not begun, and are told in the log.

        Args:
            folder: where it is or shall be.
            study: with everything settled that ids depend on.
            runs: the plan of ``study``.
            environment: versions, hardware, command; kept, never compared.

        Raises:
            BadInput: the folder holds something else, is damaged or cannot be written to.
            Claimed: another process computes runs of it.
        """
        plan = Plan.of(study, runs)
        ledger = cls(folder, plan)
        try:
            _check_folder(folder)
            make_folder(folder)
            with Claims(folder) as claims, claims.briefly(STUDY):
                there = read_plan(_study_file(folder)) if _study_file(folder).exists() else None
                if there is not None:
                    check_grows(folder, there, plan)
                read_environments(_environment_file(folder))
                if there != plan:
                    replace_json(_study_file(folder), plan.as_json())
                add_environment(_environment_file(folder), environment)
                ledger._leave_out_damaged()
                claims.check_free(row.planned.id for row in ledger.records() if not row.state.ended)
                ledger._sweep(claims)
        except OSError as error:
            raise BadInput(
                f"{folder}: cannot write there ({error.strerror or error}); give another output "
                "folder"
            ) from error
        return ledger

    def check(self, depth: Depth) -> list[str]:
        """Look for damage: a sentence for each file that is not as it was written.

        What is damaged is left out from then on: its runs have no record, its environments and
        examples are none. Without a check, reading it raises Damaged.
        """
        return list(self._look(depth))

    def _look(self, depth: Depth) -> Iterator[str]:
        for run in dict.fromkeys(row.id for row in self.planned):
            try:
                found = self._damage(run, depth)
            except Unreadable as problem:
                found = Damage(str(problem), of=Part.RECORD)
            if found is None:
                continue
            if found.of is Part.RECORD or (found.of is Part.CONTENTS and depth > Depth.RECORDS):
                self._left_out.add(run)
                yield f"{found.sentence}; run {run} is left out"
            else:
                yield f"{found.sentence}; what is told of run {run} follows from its record alone"
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
        return damage(self._run(run), record, depth)

    def _look_beside(self, depth: Depth) -> Iterator[str]:
        if depth == Depth.RECORDS:
            return
        readers: list[tuple[Path, Callable[[Path], object]]] = [
            (_environment_file(self.folder), read_environments),
            *((path, read_examples) for path in sorted(self.folder.glob("examples/*.parquet"))),
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
        path = _environment_file(self.folder)
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
        record = self._run(run).record()
        if record is not None and record.state.ended:
            self._ended[run] = record
        return record

    def records(self) -> list[Row]:
        """Every planned run with its record, in plan order."""
        found = {run: self.record(run) for run in dict.fromkeys(row.id for row in self.planned)}
        return [Row(row, found[row.id]) for row in self.planned]

    def steps(self, run: str) -> dict[str, NDArray[Any]]:
        """Every step of a run so far, as columns named like the fields of Step."""
        return self._run(run).steps()

    def diagnostics(self, run: str) -> dict[str, Curve]:
        """What diagnostics measured in a run so far, by ``<diagnostic>/<what>``.

        Empty where none were on, and for studies of versions that had none.
        """
        return self._run(run).diagnostics()

    def evaluations(self, run: str) -> list[EvaluationRow]:
        """Every evaluation of a run so far, in order."""
        return self._run(run).evaluations()

    def predictions(self, run: str, step: int, split: str) -> Predictions:
        """What a run predicted for one split after ``step`` steps.

        Raises:
            BadInput: it was not evaluated then.
        """
        return self._run(run).predictions(step, split)

    def examples(self, task_digest: str, split: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept, or ``check`` left them out.

        Raises:
            Damaged: the file holds something else.
        """
        path = examples_file(self.folder, task_digest, split)
        return None if path in self._unreadable else read_examples(path)

    def keep_examples(
        self, task_digest: str, split: str, texts: Sequence[str], pairs: Sequence[str] | None
    ) -> None:
        """Keep the texts of a dev split, in the order that predictions have.

        Raises:
            OSError: the disk is full or not writable.
        """
        write_examples(examples_file(self.folder, task_digest, split), texts, pairs)

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

    def take_left(self, runs: Iterable[str], claims: Claims) -> list[str]:
        """Claim the runs that have not ended, and give back those that are left to compute.

        Raises:
            Claimed: another process computes one of them.
            Unreadable: the system refuses to give a file, which may be sound.
        """
        left: list[str] = []
        for run in runs:
            if _has_ended(self.record(run)):
                continue
            claims.take(run)
            self._left_out.discard(run)
            if self._damage(run, Depth.EVERYTHING):
                self._left_out.add(run)
            if _has_ended(self.record(run)):  # by another process, just before
                claims.release(run)
            else:
                left.append(run)
        return left

    def _leave_out_damaged(self) -> None:
        for run in dict.fromkeys(row.id for row in self.planned):
            if found := self._damage(run, Depth.EVERYTHING):
                self._left_out.add(run)
                _log.warning("%s; run %s is computed again", found.sentence, run)

    def writer(
        self, record: RunRecord, labels: Mapping[str, NDArray[Any]], claims: Claims | None = None
    ) -> RunWriter:
        """The writer of a run that has not ended; see RunWriter.

        Args:
            record: of the run before it begins.
            labels: of each dev split.
            claims: has the run's; without it nothing keeps other processes away.

        Raises:
            ValueError: the run has ended.
        """
        run = record.id
        check = (lambda: None) if claims is None else (lambda: claims.check(run))
        again = run in self._left_out
        self._left_out.discard(run)
        return RunWriter(self._run(run), record, labels, again, check)

    def _run(self, run: str) -> RunFolder:
        return RunFolder(self.folder / "runs" / run)

    def _sweep(self, claims: Claims) -> None:
        for row in self.records():
            if row.state.ended:
                self._run(row.planned.id).sweep()
        sweep_temporary(self.folder)
        claims.tidy()


def _has_ended(record: RunRecord | None) -> bool:
    return record is not None and record.state.ended


def _study_file(folder: Path) -> Path:
    return folder / "study.json"


def _environment_file(folder: Path) -> Path:
    return folder / "environment.json"


def _check_folder(folder: Path) -> None:
    """Refuse what is there already and is not a study."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file; give a folder for the study")
    if not folder.exists() or _study_file(folder).exists():
        return
    others = sorted(
        path.name for path in folder.iterdir() if path.name != CLAIMS and not is_temporary(path)
    )
    if others:
        raise BadInput(
            f"{folder}: is not empty and not the folder of a study (it holds {others[0]!r} but no "
            "study.json); give an empty or a new output folder"
        )
