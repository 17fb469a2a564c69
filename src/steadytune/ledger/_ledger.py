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

Each run has one writer and nothing is locked. Numbers that are not finite are null.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.ledger.durable import is_temporary, plain, read_json, replace_json
from steadytune.ledger.examples import Examples, examples_file, read_examples, write_examples
from steadytune.ledger.planned import Plan, Planned, check_grows, read_plan
from steadytune.ledger.run_folder import EvaluationRow, Predictions, RunFolder
from steadytune.ledger.run_writer import RunWriter
from steadytune.ledger.series import Curve
from steadytune.ledger.states import LayerStates, read_states
from steadytune.paths import as_path
from steadytune.records import RunRecord, State
from steadytune.study import Run, Study


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

        Args:
            folder: where it is or shall be.
            study: with everything settled that ids depend on.
            runs: the plan of ``study``.
            environment: versions, hardware, command; kept, never compared.

        Raises:
            BadInput: the folder holds something else, is damaged or cannot be written to.
        """
        plan = Plan.of(study, runs)
        try:
            _check_folder(folder)
            folder.mkdir(parents=True, exist_ok=True)
            if _study_file(folder).exists():
                check_grows(folder, read_plan(_study_file(folder)), plan)
            known = _environments(_environment_file(folder))
            replace_json(_study_file(folder), plan.as_json())
            if plain(environment) not in known:
                replace_json(_environment_file(folder), [*known, environment])
        except OSError as error:
            raise BadInput(
                f"{folder}: cannot write there ({error.strerror or error}); give another output "
                "folder"
            ) from error
        ledger = cls(folder, plan)
        ledger._sweep()
        return ledger

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
            BadInput: the file of them is damaged.
        """
        return _environments(_environment_file(self.folder))

    def record(self, run: str) -> RunRecord | None:
        """The record of a run; None before it begins.

        Raises:
            BadInput: it is damaged, or a newer steadytune wrote it.
        """
        return self._run(run).record()

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
        """The texts of a dev split; None where they were not kept."""
        return read_examples(examples_file(self.folder, task_digest, split))

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
        return self.folder / "checkpoints" / "states" / f"{run}.npz"

    def models_along(self, run: str) -> dict[int, Path]:
        """Where the weights along the training lie, by step; the model at its end aside."""
        return self._run(run).models()

    def states(self, run: str) -> LayerStates | None:
        """The states of a run; None where they were not kept.

        Raises:
            BadInput: the file holds something else.
        """
        path = self.states_file(run)
        return read_states(path) if path.exists() else None

    def writer(self, record: RunRecord, labels: Mapping[str, NDArray[Any]]) -> RunWriter:
        """The writer of a run that has not ended; see RunWriter.

        Raises:
            ValueError: the run has ended.
        """
        return RunWriter(self._run(record.id), record, labels)

    def _run(self, run: str) -> RunFolder:
        return RunFolder(self.folder / "runs" / run)

    def _sweep(self) -> None:
        for row in self.records():
            if row.state.ended:
                self._run(row.planned.id).sweep()


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
    others = sorted(path.name for path in folder.iterdir() if not is_temporary(path))
    if others:
        raise BadInput(
            f"{folder}: is not empty and not the folder of a study (it holds {others[0]!r} but no "
            "study.json); give an empty or a new output folder"
        )


def _environments(path: Path) -> list[dict[str, Any]]:
    """The list in the file; none without a file. A damaged one is no reason to overwrite it."""
    try:
        value = read_json(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path}: cannot be read ({error}); repair it, or move it away to begin a new one"
        ) from error
    if not isinstance(value, list):
        raise BadInput(
            f"{path}: is not a list of environments; repair it, or move it away to begin a new one"
        )
    return cast(list[dict[str, Any]], value)
