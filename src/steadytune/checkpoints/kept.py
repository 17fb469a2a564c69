"""The kept models of a study, with what each was trained from and on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from steadytune import encoders, tasks
from steadytune.encoders import Pretrained, Tokenized
from steadytune.errors import BadInput
from steadytune.ledger import Ledger, Planned
from steadytune.procedure import Params
from steadytune.study import Run, Study, plan
from steadytune.tasks import Task
from steadytune.training.prepare import Preparation
from steadytune.training.ready import ReadyRun


@dataclass(frozen=True)
class Kept:
    """A run that ended, its weights, and what it began from.

    Attributes:
        run: the run made ready again: training examples, vocabulary, device.
        encoder: the pretrained encoder.
        params: fp32 weights that the study kept, whole vocabulary, in the unit of training.
        dev: examples of the report split, whole vocabulary.
        about: run, checkpoint and encoder, for files of results.
    """

    run: ReadyRun
    encoder: Pretrained
    params: Params
    dev: Tokenized
    about: dict[str, Any]

    @cached_property
    def pretrained(self) -> Params:
        """The pretrained weights, with the fresh head (and pooler) of the run's init seed."""
        outputs = self.params["head.output.bias"].shape[0]
        return self.encoder.initial(outputs, self.run.seeds.init)

    def trimmed(self, params: Params) -> Params:
        """Parameters with the rows of the word embedding that the task uses, on the device."""
        found = self.run.vocabulary.trimmed(params)
        return {name: tensor.to(self.run.device) for name, tensor in found.items()}


def _checkpoint(study: Study, step: int | None) -> str | int:
    """What the results say of which weights they are."""
    if step is not None:
        return step
    return "last" if study.keep == "every" else study.keep


class KeptRuns:
    """The runs of a study whose weights were kept; tasks and encoders are loaded when needed."""

    def __init__(self, ledger: Ledger, device: torch.device) -> None:
        self._ledger = ledger
        self._device = device
        self._tasks: dict[str, Task] = {}
        self._encoders: dict[str, Pretrained] = {}

    def __call__(self, run_id: str, step: int | None = None) -> Kept:
        """The run of that id, with the weights of its model or those along its training.

        Args:
            run_id: the run.
            step: steps done then, for a study that keeps every evaluation's weights.

        Raises:
            BadInput: there is no such run, its weights were not kept, its encoder is none of the
                families, or task or encoder are not what they were then.
        """
        rows = [row for row in self._ledger.planned if row.id == run_id]
        if not rows:
            raise BadInput(f"{self._ledger.folder} has no run {run_id!r}")
        folder = self._folder(run_id, step)
        (row, *_) = rows
        task, encoder = self._task(row.task), self._encoder(row.encoder)
        run, study = self._planned(row, task, encoder), self._ledger.study
        prepare = Preparation(study, {row.task: task}, {row.encoder: encoder}, self._device)
        ready, params = prepare(run), encoder.saved(folder)
        if ready.score_head is not None:
            params = ready.score_head.standardized(params)
        return Kept(
            run=ready,
            encoder=encoder,
            params=params,
            dev=prepare.report_examples(run),
            about={"run": run_id, "checkpoint": _checkpoint(study, step)},
        )

    def steps(self, run_id: str) -> list[int]:
        """Steps after which the weights of a run were kept along its training, in order."""
        return sorted(self._ledger.models_along(run_id))

    def _folder(self, run_id: str, step: int | None) -> Path:
        ledger = self._ledger
        if step is None:
            folder = ledger.model_folder(run_id)
            if folder.is_dir():
                return folder
            raise BadInput(
                f"run {run_id} has no model at {folder}: the study keeps {ledger.study.keep}; run "
                "it with keep: last, in another folder"
            )
        along = ledger.models_along(run_id)
        if step not in along:
            raise BadInput(
                f"run {run_id} has no weights of step {step} (there are "
                f"{', '.join(map(str, along)) or 'none'}): run the study with keep: every and "
                "evaluate it then, in another folder"
            )
        return along[step]

    def _planned(self, row: Planned, task: Task, encoder: Pretrained) -> Run:
        study = self._ledger.study
        cell = replace(
            study,
            tasks=tuple(choice for choice in study.tasks if choice.title == row.task),
            encoders=(row.encoder,),
        )
        runs = plan(cell, {row.task: task.facts}, {row.encoder: encoder.facts})
        found = next((run for run in runs if run.id == row.id), None)
        if found is None:
            raise BadInput(
                f"run {row.id}: task {row.task} or encoder {row.encoder} are not what they were "
                "when it was run; bring back the files of then"
            )
        return found

    def _task(self, title: str) -> Task:
        if title not in self._tasks:
            (choice,) = (c for c in self._ledger.study.tasks if c.title == title)
            self._tasks[title] = tasks.load(choice)
        return self._tasks[title]

    def _encoder(self, name: str) -> Pretrained:
        if name not in self._encoders:
            found = encoders.load(name)
            if not isinstance(found, Pretrained):
                raise BadInput(
                    f"{name}: measurements on checkpoints need an encoder of the families "
                    f"{', '.join(encoders.FAMILIES)}; this one runs through transformers itself"
                )
            self._encoders[name] = found
        return self._encoders[name]
