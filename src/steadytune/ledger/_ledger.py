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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.ledger.claims import FOLDER as CLAIMS
from steadytune.ledger.claims import STUDY, Claims
from steadytune.ledger.depth import Depth
from steadytune.ledger.durable import is_temporary, make_folder, replace_json, sweep_temporary
from steadytune.ledger.environments import add_environment, read_environments
from steadytune.ledger.examples import examples_file, examples_name, write_examples
from steadytune.ledger.planned import Plan, check_grows, read_plan
from steadytune.ledger.recorded_study import RecordedStudy, environment_file, study_file
from steadytune.ledger.run_writer import RunWriter
from steadytune.records import RunRecord
from steadytune.study import Run, Study

_log = logging.getLogger(__name__)


class Ledger(RecordedStudy):
    """A study folder; see the module for its files. Make one by ``open`` or ``create_or_open``."""

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
        try:
            _check_folder(folder)
            make_folder(folder)
            with Claims(folder) as claims, claims.briefly(STUDY):
                ledger = cls(folder, plan)
                ledger.reader.check_continues()
                there = read_plan(study_file(folder)) if study_file(folder).exists() else None
                if there is not None:
                    check_grows(folder, there, plan)
                read_environments(environment_file(folder))
                if there != plan:
                    replace_json(study_file(folder), plan.as_json())
                add_environment(environment_file(folder), environment)
                ledger._leave_out_damaged()
                claims.check_free(row.planned.id for row in ledger.records() if not row.state.ended)
                ledger._sweep(claims)
        except OSError as error:
            raise BadInput(
                f"{folder}: cannot write there ({error.strerror or error}); give another output "
                "folder"
            ) from error
        return ledger

    def keep_examples(
        self, task_digest: str, split: str, texts: Sequence[str], pairs: Sequence[str] | None
    ) -> None:
        """Keep the texts of a dev split, in the order that predictions have.

        Raises:
            BadInput: nothing can be written there.
            OSError: the disk is full or not writable.
        """
        self.reader.check_continues()
        path = examples_file(self.folder, examples_name(task_digest, split))
        write_examples(path, texts, pairs)

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
            BadInput: nothing can be written there.
        """
        self.reader.check_continues()
        run = record.id
        check = (lambda: None) if claims is None else (lambda: claims.check(run))
        again = run in self._left_out
        self._left_out.discard(run)
        return RunWriter(self._run(run), record, labels, again, check)

    def _sweep(self, claims: Claims) -> None:
        for row in self.records():
            if row.state.ended:
                self._run(row.planned.id).sweep()
        sweep_temporary(self.folder)
        claims.tidy()


def _has_ended(record: RunRecord | None) -> bool:
    return record is not None and record.state.ended


def _check_folder(folder: Path) -> None:
    """Refuse what is there already and is not a study."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file; give a folder for the study")
    if not folder.exists() or study_file(folder).exists():
        return
    others = sorted(
        path.name for path in folder.iterdir() if path.name != CLAIMS and not is_temporary(path)
    )
    if others:
        raise BadInput(
            f"{folder}: is not empty and not the folder of a study (it holds {others[0]!r} but no "
            "study.json); give an empty or a new output folder"
        )
