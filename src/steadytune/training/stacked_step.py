"""One optimizer step of many runs as one program: the fast twin of ``plain_step``.

Each run keeps its own weights, moments, data order, masks, schedule, clipping and decay; nothing
that belongs to one run is ever added to another's numbers, so one that diverges harms nobody.

A ragged stack gives the bits of the plain step. A uniform one, for accelerators, keeps parameters
and moments in tensors with a leading run axis and multiplies them in batches; it equals the plain
step up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from steadytune.encoders import Batch, Stackable, join
from steadytune.training.leaves import Leaves, RaggedLeaves, Slots
from steadytune.training.ready import ReadyRun, RunState
from steadytune.training.step import Passed, StepResult, conclude, masks, norms


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
        if run.device.type != "cpu" if self._asked is None else self._asked:
            self._slots = self._slots or Slots(self.places, state)
            self._slots.take_in(state)
        return state

    def release(self, state: RunState) -> None:
        """Free the place of a run that ended."""
        if self._slots is not None:
            self._slots.let_go(state)

    def step(self, states: Sequence[RunState]) -> list[StepResult]:
        """One step of each."""
        if self._slots is None:
            return _step(states, RaggedLeaves(states))
        in_slots = self._slots.states
        results = _step(in_slots, self._slots.leaves())
        by_run = {state.run.id: result for state, result in zip(in_slots, results, strict=True)}
        return [by_run[state.run.id] for state in states]


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


def _losses(
    states: Sequence[RunState], leaves: Leaves, batches: Sequence[tuple[Batch, Tensor]]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """The loss of each run, from passes over the whole stack, and the outputs of the first."""
    first = states[0].run
    assert isinstance(first.encoder, Stackable)
    encoder, stack = first.encoder, join([batch for batch, _ in batches], leaves.uniform)
    views = [
        state.run.procedure.parameters(
            leaves.of_run(i), state.run.start, state.run.table, masks(state.run, state.step)
        )
        for i, state in enumerate(states)
    ]
    params = leaves.joined(views, first.dtype)
    passes: dict[int, tuple[Tensor, ...]] = {}

    def forward(i: int, forward_pass: int) -> Tensor:
        if forward_pass not in passes:
            dropouts = [state.run.dropout_at(state.step, forward_pass) for state in states]
            passes[forward_pass] = encoder.stacked_outputs(params, stack, dropouts)
        return passes[forward_pass][i]

    losses = [
        state.run.procedure.loss(partial(forward, i), labels)
        for i, (state, (_, labels)) in enumerate(zip(states, batches, strict=True))
    ]
    return losses, passes[0]
