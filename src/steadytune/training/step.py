"""One optimizer step of one run, plainly written: the reference for every faster way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from steadytune.encoders import Batch, Dropout
from steadytune.procedure import Group, Params, Update
from steadytune.training.adamw import update_many
from steadytune.training.measuring import Measuring
from steadytune.training.ready import ReadyRun, RunState

_CLIP_EPS = 1e-6  # as in torch.nn.utils.clip_grad_norm_


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
    run = state.run
    batch, labels = run.batch(state.step)
    leaves = {name: p.detach().requires_grad_() for name, p in state.params.items()}

    loss, outputs = _loss(state, leaves, batch, labels)
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    grads = {name: g for name, g in zip(leaves, found, strict=True) if g is not None}
    passed = Passed(float(loss.detach()), sum(batch.lengths), outputs, labels)
    return conclude(state, grads, norms(grads).cpu(), passed)


def _loss(state: RunState, leaves: Params, batch: Batch, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and the outputs of the first pass."""
    run = state.run
    view = run.compute(
        run.procedure.parameters(leaves, run.start, run.table, masks(run, state.step))
    )

    passes: dict[int, Tensor] = {}

    def forward(forward_pass: int) -> Tensor:
        dropout = run.dropout_at(state.step, forward_pass)
        passes[forward_pass] = run.encoder.outputs(view, batch, dropout)
        return passes[forward_pass]

    loss = run.procedure.loss(forward, labels)
    return loss, passes[0].detach()


def masks(run: ReadyRun, step: int) -> partial[Tensor]:
    """The keep masks of a step that stabilizers draw."""
    return partial(_mask, run.dropout_at(step, 0), run.device)


def _mask(
    dropout: Dropout, device: torch.device, site: str, shape: tuple[int, ...], drop: float
) -> Tensor:
    return dropout.keep(site, shape, drop, device)


def norms(grads: Mapping[str, Tensor]) -> Tensor:
    """(number of tensors,) L2 norms."""
    sizes = torch._foreach_norm(list(grads.values()))  # pyright: ignore[reportPrivateImportUsage]
    return torch.stack(sizes)


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
    update = state.run.procedure.update
    before = float(norms.norm())
    factors = clip_factors(norms, update)
    lr = state.run.procedure.schedule(state.step) * update.lr
    broken, measured = None, dict[str, float]()
    if math.isfinite(passed.loss) and math.isfinite(before):
        measuring = Measuring(state)
        _update(state, grads, factors.tolist(), lr)
        by_name = dict(zip(grads, norms.tolist(), strict=True))
        measured = measuring.values(lr, by_name, passed.loss, passed.outputs, passed.labels)
    else:
        broken = _first_not_finite(state, passed.loss, grads, norms)
    clipped = float((norms * factors).norm())
    return StepResult(passed.loss, lr, before, clipped, passed.tokens, broken, measured)


def clip_factors(norms: Tensor, settings: Update) -> Tensor:
    """What each gradient is multiplied by: 1, or max_norm / norm as torch's clip_grad_norm_."""
    if settings.clip == "none":
        return torch.ones_like(norms)
    measured = norms.norm().expand_as(norms) if settings.clip == "global" else norms
    return (settings.max_grad_norm / (measured + _CLIP_EPS)).clamp(max=1.0)


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


def _update(
    state: RunState, grads: Mapping[str, Tensor], factors: Sequence[float], lr: float
) -> None:
    """AdamW on all parameters, those with the same settings together."""
    run, settings = state.run, state.run.procedure.update
    alike: dict[tuple[Group, float], list[str]] = {}
    for name, factor in zip(grads, factors, strict=True):
        alike.setdefault((run.groups[name], factor), []).append(name)
    for (group, factor), names in alike.items():
        update_many(
            [state.params[name] for name in names],
            [grads[name] for name in names],
            [state.exp_avg[name] for name in names],
            [state.exp_avg_sq[name] for name in names],
            step=state.step + 1,
            lr=lr * group.lr_factor,
            betas=settings.betas,
            eps=settings.eps,
            eps_mode=settings.eps_mode,
            bias_correction=settings.bias_correction,
            weight_decay=group.weight_decay,
            toward=[run.start[name] for name in names] if group.toward == "start" else None,
            grad_scale=factor,
        )
