"""ReadyRun: one run with everything it needs in memory, and RunState: where it has got to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steadytune.chance import Chance
from steadytune.diagnostics import Diagnostic
from steadytune.encoders import Batch, Dropout, Encoder, Tokenized
from steadytune.parameters import Group, Kept, Parameter, Params
from steadytune.procedure import Procedure
from steadytune.recipe import Seeds
from steadytune.records import Snapshot, TaskFacts
from steadytune.seeds import generator
from steadytune.study import Keep
from steadytune.training import views
from steadytune.training.score_head import ScoreHead
from steadytune.training.vocabulary import Vocabulary

PROBE = 32  # dev examples that diagnostics look at without dropout


@dataclass(frozen=True)
class Examples:
    """A tokenized split with its labels: (N,) int64 classes or (N,) float64 scores.

    Training scores are standardized; those of dev splits are in the user's unit, as metrics are.
    """

    tokenized: Tokenized
    labels: NDArray[Any]


@dataclass(frozen=True)
class ReadyRun:
    """One run, made ready: nothing more is read from disk until it ends.

    Attributes:
        id: the run's id. seeds: its seeds.
        encoder: computes outputs from parameters. procedure: the slots.
        table: all parameters.
        start: fp32 values at step 0, never changed.
        vocabulary: which word embeddings take part.
        train: training examples. dev: examples by split. task: facts, for metric and splits.
        metrics: names of the metrics to report.
        batch_size: examples a step. total_steps: steps of the run.
        evaluate_every: steps between evaluations, or None for the end only.
        keep: which weights are yielded.
        dropout: hidden, attention and classifier rates; None keeps the encoder's.
        dtype: what the forward and backward pass compute in. device: where.
        snapshot: what to continue from.
        diagnostics: what is measured along the way.
        stop_hopeless: end the run where it has become hopeless.
        score_head: between the unit of training and the user's, for a task of scores.
    """

    id: str
    seeds: Seeds
    encoder: Encoder
    procedure: Procedure
    table: tuple[Parameter, ...]
    start: Params
    vocabulary: Vocabulary
    train: Examples
    dev: Mapping[str, Examples]
    task: TaskFacts
    metrics: tuple[str, ...]
    batch_size: int
    total_steps: int
    evaluate_every: int | None
    keep: Keep
    dropout: tuple[float | None, float | None, float | None]
    dtype: torch.dtype
    device: torch.device
    snapshot: Snapshot | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    stop_hopeless: bool = False
    score_head: ScoreHead | None = None

    def batch(self, step: int) -> tuple[Batch, Tensor]:
        """The packed batch of a step (0, 1, ...) and its labels (B,).

        Each epoch is a permutation keyed by (order seed, epoch); its last batch may be smaller.
        """
        size = len(self.train.tokenized)
        epoch, place = divmod(step, self.epoch_steps)
        order = epoch_order(self.seeds.order, epoch, size)
        chosen = order[place * self.batch_size : (place + 1) * self.batch_size]
        labels = torch.from_numpy(self.train.labels[chosen]).to(self.device)
        return self.train.tokenized.batch(chosen, self.device), labels

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the training split."""
        return -(-len(self.train.tokenized) // self.batch_size)

    def dropout_at(self, step: int, forward_pass: int) -> Dropout:
        """The keyed dropout of one forward pass of one step."""
        return Dropout(*self.dropout, seed=self.seeds.dropout, moment=(step, forward_pass))

    @cached_property
    def chance(self) -> Chance:
        """The loss of the best constant prediction on the training split."""
        classes = self.task.label_names is not None
        return Chance.of(self.train.labels, classes, self.batch_size)

    @cached_property
    def probe(self) -> Batch:
        """The first examples of the report split."""
        examples = self.dev[self.task.report].tokenized
        return examples.batch(np.arange(min(PROBE, len(examples))), self.device)

    @property
    def snapshot_fits(self) -> bool:
        """Whether the run can continue from its snapshot: it may be an older version's."""
        if self.snapshot is None:
            return True
        shapes = {key: array.shape for key, array in self.snapshot.tensors.items()}
        fresh = RunState.fresh(self)
        expected = {key: tuple(tensor.shape) for key, tensor in fresh.moving().items()}
        expected |= {"best_merit": (1,), "best_step": (1,), "counts": (len(fresh.counts),)}
        return expected.items() <= shapes.items()

    def compute(self, params: Params) -> Params:
        """Parameters in the dtype of the computation."""
        return {name: tensor.to(self.dtype) for name, tensor in params.items()}


@lru_cache(maxsize=64)
def epoch_order(order_seed: int, epoch: int, size: int) -> NDArray[np.int64]:
    """The permutation of ``size`` examples in one epoch: the data order of a run."""
    order = generator("order", order_seed, epoch).permutation(size)
    order.setflags(write=False)
    return order


@dataclass
class RunState:
    """The parameters of a run after ``step`` steps, and what slots keep: all that is mutable.

    Attributes:
        run: what never changes.
        params: fp32 tensors by name, updated in place; frozen ones are those of ``run.start``.
        kept: what the slots keep, by their names for it, updated in place.
        counts: how many updates each parameter has had that is not frozen.
        step: steps done.
        best_merit: best merit of the headline metric on the select split so far.
        best_step: steps done then.
        best: a copy of the parameters then, where ``run.keep`` asks for them.
        history: loss and gradient norm of each step, as far as early warning looks at them.
    """

    run: ReadyRun
    params: dict[str, Tensor]
    kept: Kept
    counts: dict[str, int]
    step: int = 0
    best_merit: float = float("-inf")
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[tuple[float, float]] = field(default_factory=list)
    _groups: tuple[int, Mapping[str, Group]] | None = None

    @classmethod
    def begin(cls, run: ReadyRun) -> RunState:
        """Step 0, or the snapshot that the run brings along."""
        state = cls.fresh(run)
        if run.snapshot is not None:
            state._restore(run.snapshot)
        return state

    @classmethod
    def fresh(cls, run: ReadyRun) -> RunState:
        """Step 0."""
        frozen = {parameter.name for parameter in run.table if parameter.frozen}
        params = {n: x if n in frozen else x.clone() for n, x in run.start.items()}
        trained = {name: tensor for name, tensor in params.items() if name not in frozen}
        kept = run.procedure.optimizer.init(trained)
        for each in run.procedure.gradients:
            kept |= each.init(trained, run.table)
        views.init(run.procedure.evaluated, params, run.start, kept)
        return cls(run, params, kept, dict.fromkeys(trained, 0))

    def groups(self) -> Mapping[str, Group]:
        """How each parameter is treated in the next step."""
        if self._groups is None or self._groups[0] != self.step:
            run, found = self.run, dict[str, Group]()
            for parameter in run.table:
                group = run.procedure.groups(parameter, run.encoder.depth, self.step)
                asleep = parameter.frozen and group.trainable
                found[parameter.name] = replace(group, trainable=False) if asleep else group
            self._groups = (self.step, found)
        return self._groups[1]

    def moving(self) -> dict[str, Tensor]:
        """All tensors that steps may change, as snapshots name them."""
        own = {"params": {name: self.params[name] for name in self.counts}} | self.kept
        return {f"{part}/{name}": x for part, tensors in own.items() for name, x in tensors.items()}

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.run.total_steps

    @property
    def evaluation_due(self) -> bool:
        """Whether the dev splits are to be predicted after the step just done."""
        every = self.run.evaluate_every
        return self.finished or (every is not None and self.step % every == 0)

    def first_not_finite(self) -> str | None:
        """The first parameter that holds a value that is not finite."""
        for name, tensor in self.params.items():
            if not bool(torch.isfinite(tensor).all()):
                return name
        return None

    def evaluated(self) -> Params:
        """The parameters used for evaluation."""
        return views.view(self.run.procedure.evaluated, self.params, self.kept, self.step)

    def observe(self, merit: float) -> None:
        """Take note of how good the headline metric on the select split is at this step."""
        if merit > self.best_merit:
            self.best_merit, self.best_step = merit, self.step
            if self.run.keep == "best":
                self.best = {name: tensor.clone() for name, tensor in self.evaluated().items()}

    def model(self) -> dict[str, NDArray[Any]] | None:
        """The weights that are the run's model at its end, or None where none is kept."""
        if self.run.keep == "none":
            return None
        if self.run.keep == "best" and self.best:
            return self._whole(self.best, self.best_step)
        return self.weights()

    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights of this step as they are saved: whole vocabulary, scores in user's unit."""
        return self._whole(self.evaluated(), self.step)

    def _whole(self, params: Params, step: int) -> dict[str, NDArray[Any]]:
        restored = self.run.vocabulary.restored(params, self.run.procedure, step)
        if self.run.score_head is not None:
            restored = self.run.score_head.restored(restored)
        return {name: tensor.cpu().numpy().copy() for name, tensor in restored.items()}

    def snapshot(self) -> Snapshot:
        """Everything that ``begin`` needs to continue from here, copied."""
        best = {f"best/{name}": tensor for name, tensor in self.best.items()}
        moving = self.moving() | best
        tensors = {key: tensor.cpu().numpy().copy() for key, tensor in moving.items()}
        tensors["counts"] = np.array(list(self.counts.values()), dtype=np.int64)
        tensors["best_merit"] = np.array([self.best_merit])
        tensors["best_step"] = np.array([self.best_step])
        tensors["history"] = np.array(self.history, dtype=np.float64).reshape(-1, 2)
        return Snapshot(self.run.id, self.step, tensors)

    def _restore(self, snapshot: Snapshot) -> None:
        self.step = snapshot.step
        self.best_merit = float(snapshot.tensors["best_merit"][0])
        self.best_step = int(snapshot.tensors["best_step"][0])
        if "history" in snapshot.tensors:  # a snapshot of an older version has none
            self.history = [(float(x), float(y)) for x, y in snapshot.tensors["history"]]
        self.counts = dict(zip(self.counts, snapshot.tensors["counts"].tolist(), strict=True))
        for key, tensor in self.moving().items():
            tensor.copy_(torch.from_numpy(snapshot.tensors[key]))
        for key, array in snapshot.tensors.items():
            part, _, name = key.partition("/")
            if part == "best":
                self.best[name] = torch.from_numpy(array.copy()).to(self.run.device)
