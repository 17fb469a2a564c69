"""The slot ``gradients``: maps applied one after the other, with all that they may use."""

from __future__ import annotations

import torch

from steadytune.parameters import Params
from steadytune.procedure import GradientContext
from steadytune.training.clipping import clip_factors, norms
from steadytune.training.passes import Passes, StepDraws, leaf
from steadytune.training.ready import RunState


def begin(state: RunState) -> None:
    """Let the maps of a run look at it before its first step."""
    for each in state.run.procedure.gradients if state.step == 0 else ():
        each.begin(_context(state))


def map_gradients(state: RunState, grads: Params) -> Params:
    """What the optimizer is given in place of clipped gradients."""
    context = _context(state)
    for each in state.run.procedure.gradients:
        grads = each(grads, context)
    return grads


def _context(state: RunState) -> GradientContext:
    run = state.run

    def backward(
        params: Params | None = None, step: int | None = None, first_pass: int = 0
    ) -> Params:
        at, groups = state.step if step is None else step, state.groups()
        batch, labels = run.batch(at)
        there = state.params if params is None else params
        leaves = {name: leaf(x, groups[name].trainable) for name, x in there.items()}
        with torch.enable_grad():
            passes = Passes(run, leaves, at, batch, first_pass)
            return passes.gradients(run.procedure.loss(passes, labels))

    def clipped(grads: Params) -> Params:
        factors = clip_factors(norms(grads).cpu(), run.procedure.clipping).tolist()
        return {name: g * f for (name, g), f in zip(grads.items(), factors, strict=True)}

    return GradientContext(
        step=state.step,
        epoch_steps=run.epoch_steps,
        table=run.table,
        params=state.params,
        start=run.start,
        kept=state.kept,
        draws=StepDraws.of(run, state.step),
        backward=backward,
        clipped=clipped,
    )
