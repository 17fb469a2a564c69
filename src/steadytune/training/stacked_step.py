"""One optimizer step of many runs as one program: the fast twin of ``plain_step``.

Each run keeps its own weights, moments, data order, masks, schedule, clipping and decay; nothing
that belongs to one run is ever added to another's numbers, so one that diverges harms nobody.

A ragged stack gives the bits of the plain step. A uniform one, for accelerators, keeps parameters
and moments in tensors with a leading run axis and multiplies them in batches; it equals the plain
step up to rounding. A run whose procedure needs more than passes and one backward pass is computed
by the plain step beside the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from steadytune.encoders import Batch, Stackable, join
from steadytune.procedure import Perturb
from steadytune.training.clipping import norms
from steadytune.training.leaves import Leaves, RaggedLeaves, Slots
from steadytune.training.passes import StepDraws
from steadytune.training.ready import ReadyRun, RunState
from steadytune.training.step import Passed, StepResult, conclude, plain_step


class StackedStepper:
    """Holds up to ``places`` runs of one encoder, task, precision and device.

    Args:
        places: how many.
        uniform: whether runs are multiplied in batches; None: on accelerators only.
    """

    def __init__(self, places: int, uniform: bool | None = None) -> None:
        self.places = places
        self._asked = uniform
        self._slots: Slots | None = None

    def admit(self, run: ReadyRun) -> RunState:
        """Begin or continue the run in a free place."""
        state = RunState.begin(run)
        uniform = run.device.type != "cpu" if self._asked is None else self._asked
        if uniform and not run.procedure.needs:
            self._slots = self._slots or Slots(self.places, state)
            self._slots.take_in(state)
        return state

    def release(self, state: RunState) -> None:
        """Free the place of a run that ended."""
        if self._slots is not None:
            self._slots.let_go(state)

    def step(self, states: Sequence[RunState]) -> list[StepResult]:
        """One step of each."""
        joint = [state for state in states if not state.run.procedure.needs]
        if self._slots is not None:
            joint = self._slots.states
        results = dict[str, StepResult]()
        if joint:
            leaves = RaggedLeaves(joint) if self._slots is None else self._slots.leaves()
            steps = zip(joint, _step(joint, leaves), strict=True)
            results = {state.run.id: result for state, result in steps}
        return [results.get(state.run.id) or plain_step(state) for state in states]


def _step(states: Sequence[RunState], leaves: Leaves) -> list[StepResult]:
    """Forward and backward pass of all runs at once; then each clips and updates its own."""
    batches = [state.run.batch(state.step) for state in states]
    losses, outputs = _losses(states, leaves, batches)
    found = torch.autograd.grad(torch.stack(losses).sum(), leaves.tensors, allow_unused=True)
    grads = leaves.by_run(found)
    sizes = torch.cat([norms(each) for each in grads]).cpu().split([len(each) for each in grads])
    values = torch.stack(losses).tolist()
    passed = [
        Passed(value, sum(batch.lengths), mine.detach(), labels)
        for value, (batch, labels), mine in zip(values, batches, outputs, strict=True)
    ]
    return [conclude(*each) for each in zip(states, grads, sizes, passed, strict=True)]


@dataclass(frozen=True)
class _JointPasses:
    """The Forward of the i-th run of a stack: each pass is computed once, for all its runs."""

    i: int
    lengths: tuple[int, ...]
    draws: StepDraws
    joint: Callable[[int], tuple[Tensor, ...]]

    def __call__(self, i: int, perturb: Perturb | None = None) -> Tensor:
        """See Forward."""
        assert perturb is None, "a loss that perturbs must be among the needs of its procedure"
        return self.joint(i)[self.i]

    def gradient(self, loss: Tensor, of: Tensor) -> Tensor:
        """See Forward."""
        raise AssertionError("a loss that takes gradients must say so in the procedure's needs")


def _losses(
    states: Sequence[RunState], leaves: Leaves, batches: Sequence[tuple[Batch, Tensor]]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """The loss of each run, from passes over the whole stack, and the outputs of the first."""
    first = states[0].run
    assert isinstance(first.encoder, Stackable)
    encoder, stack = first.encoder, join([batch for batch, _ in batches], leaves.uniform)
    draws = [StepDraws.of(state.run, state.step) for state in states]
    views = [
        state.run.procedure.parameters(leaves.of_run(i), state.run.start, state.run.table, drawn)
        for i, (state, drawn) in enumerate(zip(states, draws, strict=True))
    ]
    params = leaves.joined(views, first.dtype)

    @cache
    def joint(number: int) -> tuple[Tensor, ...]:
        dropouts = [state.run.dropout_at(state.step, number) for state in states]
        return encoder.stacked_outputs(params, stack, dropouts)

    losses = [
        state.run.procedure.loss(_JointPasses(i, batch.lengths, drawn, joint), labels)
        for i, (state, drawn, (batch, labels)) in enumerate(
            zip(states, draws, batches, strict=True)
        )
    ]
    return losses, joint(0)
