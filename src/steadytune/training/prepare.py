"""Run -> ReadyRun: tokenize, trim, draw what is fresh, build the Procedure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from steadytune import diagnostics
from steadytune.encoders import Encoder, Tokenized
from steadytune.errors import BadInput
from steadytune.procedure import Procedure
from steadytune.records import Snapshot
from steadytune.study import Run, Study
from steadytune.tasks import Split, Task
from steadytune.training.build import build
from steadytune.training.precision import DTYPES
from steadytune.training.ready import Examples, ReadyRun
from steadytune.training.schedules import warmup_steps
from steadytune.training.vocabulary import Vocabulary


@dataclass(frozen=True)
class Preparation:
    """Makes runs of a study ready, keeping what they share.

    Attributes:
        study: whose runs these are.
        tasks: loaded tasks by title. encoders: loaded encoders by name.
        device: where runs are to be computed.
    """

    study: Study
    tasks: Mapping[str, Task]
    encoders: Mapping[str, Encoder]
    device: torch.device
    _tokenized: dict[tuple[object, ...], Tokenized] = field(default_factory=dict)

    def __call__(self, run: Run, snapshot: Snapshot | None = None) -> ReadyRun:
        """The run with everything it needs in memory.

        Raises:
            BadInput: recipe and encoder do not fit, such as more re-initialized layers than exist.
        """
        task, encoder, recipe = self.tasks[run.task.title], self.encoders[run.encoder], run.recipe
        total_steps = recipe.total_steps(len(task.train))
        if warmup_steps(recipe.warmup, total_steps) > total_steps:
            raise BadInput(
                f"warmup of {recipe.warmup} steps is longer than the {total_steps} steps of the "
                "training; give fewer, or a share such as 0.1"
            )
        procedure = build(recipe, total_steps, classes=task.label_names is not None)
        _check_needs(procedure, encoder)

        table = procedure.table(encoder.parameters(task.num_outputs))
        pretrained = encoder.initial(task.num_outputs, run.seeds.init)
        whole = procedure.initial(pretrained, table, run.seeds.init)

        train = self._tokens(run, "train", task.train)
        dev = {name: self._tokens(run, name, split) for name, split in task.dev.items()}
        used = [train, *dev.values()]
        trims = procedure.optimizer.elementwise
        vocabulary = Vocabulary.of(encoder, table, whole, used if trims else None)
        start = vocabulary.trimmed(whole)
        return ReadyRun(
            id=run.id,
            seeds=run.seeds,
            encoder=encoder,
            procedure=procedure,
            table=table,
            start={name: tensor.to(self.device) for name, tensor in start.items()},
            vocabulary=vocabulary,
            train=Examples(vocabulary.renumbered(train), task.train.labels),
            dev={
                name: Examples(vocabulary.renumbered(dev[name]), split.labels)
                for name, split in task.dev.items()
            },
            task=task.facts,
            metrics=task.metrics,
            batch_size=recipe.batch_size,
            total_steps=total_steps,
            evaluate_every=self.study.evaluate_every(recipe.steps_per_epoch(len(task.train))),
            keep=self.study.keep,
            dropout=(recipe.dropout, recipe.attention_dropout, recipe.classifier_dropout),
            dtype=DTYPES[recipe.precision],
            device=self.device,
            snapshot=snapshot,
            diagnostics=diagnostics.chosen(self.study.diagnostics),
            stop_hopeless=self.study.stop_hopeless,
        )

    def report_examples(self, run: Run) -> Tokenized:
        """The dev split that a run reports on, in full vocabulary."""
        task = self.tasks[run.task.title]
        return self._tokens(run, task.report, task.dev[task.report])

    def _tokens(self, run: Run, name: str, split: Split) -> Tokenized:
        recipe = run.recipe
        key = (run.task.title, name, run.encoder, recipe.max_length, recipe.segment_ids)
        if key not in self._tokenized:
            self._tokenized[key] = self.encoders[run.encoder].tokenize(
                split.texts, split.pairs, recipe.max_length, recipe.segment_ids
            )
        return self._tokenized[key]


def _check_needs(procedure: Procedure, encoder: Encoder) -> None:
    missing = procedure.needs & {"word_vectors", "layer_inputs"} - encoder.perturbable
    if missing:
        what = " and ".join(sorted(missing)).replace("_", " ")
        raise BadInput(
            f"stabilizers that perturb {what} ({'; '.join(procedure.filled_by)}) do not work with "
            f"{encoder.name}, which runs through transformers itself: leave them out, or use an "
            "encoder of the families that steadytune computes"
        )
