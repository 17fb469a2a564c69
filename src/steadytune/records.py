"""What a run leaves behind: its events while it goes on, its record when it is looked at later.

The training half makes events, the ledger keeps them, the analysis half reads them. Nothing here
judges a run: whether one failed is decided afterwards, by a rule of ``steadytune.analysis``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.score_scale import ScoreScale

SCHEMA = 1  # raised whenever a field of the files below changes its meaning


class State(StrEnum):
    """How far a run has come. Recorded as it happens, never inferred.

    PLANNED: nothing computed yet. RUNNING: begun, not ended (or killed: its checkpoint resumes it).
    FINISHED: all its steps were done. DIVERGED: a tensor stopped being finite and the run was
    ended there. STOPPED: the study asked for hopeless runs to be ended early, and this one was;
    it counts among the failed ones. CRASHED: the program failed; the record says how.
    """

    PLANNED = "planned"
    RUNNING = "running"
    FINISHED = "finished"
    DIVERGED = "diverged"
    STOPPED = "stopped"
    CRASHED = "crashed"

    @property
    def ended(self) -> bool:
        """Whether a resumed study leaves the run alone."""
        return self in (State.FINISHED, State.DIVERGED, State.STOPPED)


@dataclass(frozen=True)
class Started:
    """A run begins at step 0, or continues after ``step`` steps from a snapshot."""

    run: str
    step: int
    total_steps: int


@dataclass(frozen=True)
class Step:
    """One optimizer step.

    Attributes:
        run: the run's id.
        step: steps done, this one included (1, 2, ...).
        loss: mean training loss of the batch, dropout on, before the update; for scores in units
            of the task's scale, so that 1 is the loss of predicting the mean.
        lr: learning rate of the step (before per-parameter factors).
        grad_norm: L2 norm of all gradients before clipping.
        clipped_norm: the same after clipping.
        tokens: real tokens in the batch.
        seconds: wall time of the step; the one field that differs between repetitions.
    """

    run: str
    step: int
    loss: float
    lr: float
    grad_norm: float
    clipped_norm: float
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """One split of the task, predicted by the weights after ``step`` steps.

    Attributes:
        run: the run's id.
        step: steps done.
        split: ``dev``, or the name of one of several dev splits.
        loss: mean loss over the split, dropout off, in the unit of the training loss.
        metrics: metric name to value; accuracies and correlations as fractions, not percent.
        outputs: (N, K) float32: logits of K classes, or (N, 1): predicted scores.
        seconds: wall time.
    """

    run: str
    step: int
    split: str
    loss: float
    metrics: Mapping[str, float]
    outputs: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class Measured:
    """What the diagnostics that were due found in one step.

    Attributes:
        run: the run's id.
        step: steps done, the measured one included.
        values: ``<diagnostic>/<what>`` to value, such as ``gradient_norm/layer.3``.
    """

    run: str
    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Snapshot:
    """Everything needed to continue a run after ``step`` steps, as named arrays."""

    run: str
    step: int
    tensors: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Weights:
    """The parameters by name after ``step`` steps, where those of every evaluation are kept."""

    run: str
    step: int
    weights: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Diverged:
    """A run stopped being finite; ``tensor`` is the first that did, ``step`` the step it was in."""

    run: str
    step: int
    tensor: str


@dataclass(frozen=True)
class Stopped:
    """A run was ended early because it had become hopeless; ``reason`` is the evidence."""

    run: str
    step: int
    reason: str


@dataclass(frozen=True)
class Finished:
    """A run did all its steps; ``weights`` are the parameters by name of its model, if kept."""

    run: str
    step: int
    weights: Mapping[str, NDArray[Any]] | None = None


@dataclass(frozen=True)
class Crashed:
    """The program failed while computing a run."""

    run: str
    error: str


End = Finished | Diverged | Stopped
"""After one of these a run is not computed any further."""

Event = Started | Step | Measured | Evaluation | Weights | Snapshot | End | Crashed


@dataclass(frozen=True)
class TaskFacts:
    """What a record keeps of its task, enough to judge the run without the data.

    Attributes:
        name: as the study names it.
        digest: of every text and label in every split.
        label_names: class names, or None where the labels are scores.
        metric: the headline metric.
        train_examples: size of the training split.
        dev_examples: size of each dev split.
        select: the dev split that selects the best checkpoint.
        report: the dev split that results are reported on.
        baseline: per dev split, each metric's value for the majority class (for scores: the mean).
        scale: of the training scores; losses are in its unit squared. None for classes, and in
            records of versions that trained scores as they are.
        cautions: sentences on its data that belong beside the numbers.
    """

    name: str
    digest: str
    label_names: tuple[str, ...] | None
    metric: str
    train_examples: int
    dev_examples: Mapping[str, int]
    select: str
    report: str
    baseline: Mapping[str, Mapping[str, float]]
    scale: ScoreScale | None = None
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class EncoderFacts:
    """What a record keeps of its encoder; the digest covers weights, settings and vocabulary."""

    name: str
    digest: str
    family: str
    parameters: int


@dataclass(frozen=True)
class Checkpoint:
    """The metrics at one evaluated step: per split, metric name to value, ``loss`` among them.

    ``constant`` says per split whether every prediction was the same.
    """

    step: int
    metrics: Mapping[str, Mapping[str, float]]
    constant: Mapping[str, bool]


@dataclass(frozen=True)
class FileSum:
    """What a file must be: its size, and the SHA-256 of its bytes (as ``sha256sum`` says it)."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class RunRecord:
    """One run as it stands on disk (``runs/<id>/run.json``).

    Attributes:
        id: digest of recipe, task, encoder and seeds.
        state: see State.
        recipe: the recipe's fields; task, encoder: their facts; seeds: the three seeds.
        total_steps: steps the run is to have; step: steps done.
        last: metrics at the last evaluation; best: at the one with the best headline metric on the
            task's ``select`` split (selection: report it as such).
        train_loss: mean training loss of the last tenth of the steps.
        diverged: step and tensor, if it did. stopped: step and reason, if it was ended as hopeless.
        error: traceback, if it crashed.
        seconds: time spent in steps and in evaluations, over all sessions; tokens: trained on.
        resumed: how often the run was continued from a snapshot.
        files: what the run left when it ended, by path below its folder; none in older records.
    """

    id: str
    state: State
    recipe: Mapping[str, Any]
    task: TaskFacts
    encoder: EncoderFacts
    seeds: Mapping[str, int]
    total_steps: int
    step: int = 0
    last: Checkpoint | None = None
    best: Checkpoint | None = None
    train_loss: float | None = None
    diverged: Mapping[str, Any] | None = None
    stopped: Mapping[str, Any] | None = None
    error: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    tokens: int = 0
    resumed: int = 0
    files: Mapping[str, FileSum] = field(default_factory=dict[str, FileSum])
    schema: int = SCHEMA

    @property
    def majority(self) -> float:
        """Accuracy of the majority class on the report split (for scores: NaN)."""
        return self.task.baseline[self.task.report].get("accuracy", float("nan"))
