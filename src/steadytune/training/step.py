"""One optimizer step of one run, plainly written: the reference for every faster way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from steadytune.parameters import Params
from steadytune.procedure import Update
from steadytune.training import views
from steadytune.training.clipping import clip_factors, norms
from steadytune.training.gradients import map_gradients
from steadytune.training.measuring import Measuring
from steadytune.training.passes import Passes, leaf
from steadytune.training.ready import ReadyRun, RunState


@dataclass(frozen=True)
class StepResult:
    """What one step of one run gives back.

    ``lr`` is the rate before per-parameter factors; ``grad_norm`` and ``clipped_norm`` are the
    global L2 norms before and after clipping; ``not_finite`` names the first tensor that is not
    finite, in which case nothing was updated. ``measured`` holds the values of the diagnostics
    that were due.
    """

    loss: float
    lr: float
    grad_norm: float
    clipped_norm: float
    tokens: int
    not_finite: str | None
    measured: Mapping[str, float]


@dataclass(frozen=True)
class Passed:
    """What the forward pass of a run's batch gave.

    Attributes:
        loss: of the batch. tokens: real tokens in it.
        outputs: (B, K) of the first pass over it, detached. labels: (B,).
    """

    loss: float
    tokens: int
    outputs: Tensor
    labels: Tensor


class Stepper(Protocol):
    """How steps are computed: one run at a time, or many at once.

    Attributes:
        places: how many runs it holds at once.
    """

    places: int

    def admit(self, run: ReadyRun) -> RunState:
        """Take a run in; its state is then advanced by ``step``."""
        ...

    def release(self, state: RunState) -> None:
        """Forget a run that ended."""
        ...

    def step(self, states: Sequence[RunState]) -> list[StepResult]:
        """One optimizer step of each, parameters and moments updated in place."""
        ...


class PlainStepper:
    """One run at a time."""

    places = 1

    def admit(self, run: ReadyRun) -> RunState:
        """Begin or continue the run."""
        return RunState.begin(run)

    def release(self, state: RunState) -> None:
        """Nothing is held."""

    def step(self, states: Sequence[RunState]) -> list[StepResult]:
        """One step of each, one after the other."""
        return [plain_step(state) for state in states]


def plain_step(state: RunState) -> StepResult:
    """Forward, backward, clip, update: one step of one run."""
    run, groups = state.run, state.groups()
    batch, labels = run.batch(state.step)
    leaves = {name: leaf(x, groups[name].trainable) for name, x in state.params.items()}
    passes = Passes(run, leaves, state.step, batch)
    loss = run.procedure.loss(passes, labels)
    grads = passes.gradients(loss)
    assert passes.first is not None
    passed = Passed(float(loss.detach()), sum(batch.lengths), passes.first, labels)
    return conclude(state, grads, norms(grads).cpu(), passed)


def conclude(
    state: RunState, grads: Mapping[str, Tensor], norms: Tensor, passed: Passed
) -> StepResult:
    """The second half of a step: clip, update and measure, if everything is finite.

    Args:
        state: of the run; its parameters and moments change.
        grads: its gradients, which may be overwritten.
        norms: their L2 norms, on the CPU.
        passed: what the forward pass of its batch gave.
    """
    procedure = state.run.procedure
    before = float(norms.norm())
    factors = clip_factors(norms, procedure.clipping)
    lr = procedure.schedule(state.step) * procedure.optimizer.settings.lr
    broken, measured = None, dict[str, float]()
    if math.isfinite(passed.loss) and math.isfinite(before):
        measuring = Measuring(state)
        _update(state, grads, dict(zip(grads, factors.tolist(), strict=True)), lr)
        by_name = dict(zip(grads, norms.tolist(), strict=True))
        measured = measuring.values(lr, by_name, passed.loss, passed.outputs, passed.labels)
    else:
        broken = _first_not_finite(state, passed.loss, grads, norms)
    clipped = float((norms * factors).norm())
    return StepResult(passed.loss, lr, before, clipped, passed.tokens, broken, measured)


def _first_not_finite(
    state: RunState, loss: float, grads: Mapping[str, Tensor], norms: Tensor
) -> str:
    """The first tensor, in the order of the forward and backward pass, that is not finite."""
    name = state.first_not_finite()
    if name is not None:
        return name
    if not math.isfinite(loss):
        return "loss"
    broken = [name for name, norm in zip(grads, norms.tolist(), strict=True) if norm != norm]
    broken += [name for name, norm in zip(grads, norms.tolist(), strict=True) if norm == math.inf]
    return f"gradient of {broken[-1]}" if broken else "gradient norm"


def _update(state: RunState, grads: Params, scales: Mapping[str, float], lr: float) -> None:
    """Map the gradients, update the parameters, and show them to what keeps an average."""
    procedure = state.run.procedure
    if procedure.gradients:
        grads = {name: grad * scales[name] for name, grad in grads.items()}
        grads = map_gradients(state, grads)
        scales = dict.fromkeys(grads, 1.0)
    for name in grads:
        state.counts[name] += 1
    update = Update(state.step, lr, state.groups(), state.counts, scales, state.run.start)
    procedure.optimizer.step(state.params, grads, state.kept, update)
    views.observe(procedure.evaluated, state.params, state.kept, state.step + 1)
