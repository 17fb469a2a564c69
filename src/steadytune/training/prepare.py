"""Run -> ReadyRun: tokenize, trim, draw what is fresh, build the Procedure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from steadytune import diagnostics
from steadytune.encoders import Encoder, Sample, Tokenized, spread
from steadytune.errors import BadInput
from steadytune.procedure import Procedure
from steadytune.records import Snapshot
from steadytune.study import Run, Study
from steadytune.tasks import Split, Task
from steadytune.training.build import build
from steadytune.training.precision import DTYPES
from steadytune.training.ready import Examples, ReadyRun
from steadytune.training.schedules import warmup_steps
from steadytune.training.score_head import ScoreHead
from steadytune.training.vocabulary import Vocabulary

_AT_ONCE = 10_000  # a tokenizer of transformers takes some 5 KB an example until it is done


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
        dropout = (recipe.dropout, recipe.attention_dropout, recipe.classifier_dropout)
        encoder.check_dropout(*dropout)
        procedure = build(recipe, total_steps, classes=task.label_names is not None)
        _check_needs(procedure, encoder)

        table = procedure.table(encoder.parameters(task.num_outputs))
        pretrained = encoder.initial(task.num_outputs, run.seeds.init)
        whole = procedure.initial(pretrained, table, run.seeds.init)

        scale = task.facts.scale
        head = None if scale is None else ScoreHead.of(encoder, scale)
        labels = task.train.labels if head is None else head.scale.standardized(task.train.labels)
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
            train=Examples(vocabulary.renumbered(train), labels),
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
            dropout=dropout,
            dtype=DTYPES[recipe.precision],
            device=self.device,
            snapshot=snapshot,
            diagnostics=diagnostics.chosen(self.study.diagnostics),
            stop_hopeless=self.study.stop_hopeless,
            score_head=head,
        )

    def train_examples(self, run: Run) -> Tokenized:
        """The training split of a run, in full vocabulary."""
        return self._tokens(run, "train", self.tasks[run.task.title].train)

    def report_examples(self, run: Run) -> Tokenized:
        """The dev split that a run reports on, in full vocabulary."""
        task = self.tasks[run.task.title]
        return self._tokens(run, task.report, task.dev[task.report])

    def sample(self, run: Run) -> Sample:
        """Examples of the dev split that a run reports on, of all lengths, as texts."""
        task = self.tasks[run.task.title]
        split, chosen = task.dev[task.report], spread(self.report_examples(run).lengths)
        return Sample(
            max_length=run.recipe.max_length,
            segment_ids=run.recipe.segment_ids,
            texts=tuple(split.texts[i] for i in chosen),
            pairs=None if split.pairs is None else tuple(split.pairs[i] for i in chosen),
        )

    def _tokens(self, run: Run, name: str, split: Split) -> Tokenized:
        recipe = run.recipe
        key = (run.task.title, name, run.encoder, recipe.max_length, recipe.segment_ids)
        if key not in self._tokenized:
            encoder = self.encoders[run.encoder]
            self._tokenized[key] = _joined(
                [
                    encoder.tokenize(texts, pairs, recipe.max_length, recipe.segment_ids)
                    for texts, pairs in in_parts(split, range(len(split)))
                ]
            )
        return self._tokenized[key]


def in_parts(split: Split, rows: Sequence[int]) -> Iterator[tuple[list[str], list[str] | None]]:
    """Texts and pairs of the given rows, so many at once that a tokenizer's memory stays small."""
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        pairs = split.pairs
        yield [split.texts[i] for i in part], None if pairs is None else [pairs[i] for i in part]


def _joined(parts: Sequence[Tokenized]) -> Tokenized:
    offsets = np.zeros(1 + sum(map(len, parts)), dtype=np.int64)
    np.cumsum(np.concatenate([part.lengths for part in parts]), out=offsets[1:])
    return Tokenized(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.segments for part in parts]),
        offsets,
    )


def _check_needs(procedure: Procedure, encoder: Encoder) -> None:
    missing = procedure.needs & {"word_vectors", "layer_inputs"} - encoder.perturbable
    if missing:
        what = " and ".join(sorted(missing)).replace("_", " ")
        raise BadInput(
            f"stabilizers that perturb {what} ({'; '.join(procedure.filled_by)}) do not work with "
            f"{encoder.name}, which runs through transformers itself: leave them out, or use an "
            "encoder of the families that steadytune computes"
        )
