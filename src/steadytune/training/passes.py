"""Passes: the forward and backward passes of one run over one batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from steadytune.encoders import Batch, Dropout
from steadytune.parameters import Params
from steadytune.procedure import Perturb
from steadytune.seeds import uniform
from steadytune.training.ready import ReadyRun


@dataclass(frozen=True)
class StepDraws:
    """The random tensors of a step that stabilizers draw; see ``Draws``."""

    dropout: Dropout
    device: torch.device

    @classmethod
    def of(cls, run: ReadyRun, step: int) -> StepDraws:
        """Those of a step of a run."""
        return cls(run.dropout_at(step, 0), run.device)

    def keep(self, site: str, shape: tuple[int, ...], drop: float) -> Tensor:
        """See Draws."""
        return self.dropout.keep(site, shape, drop, self.device)

    def uniform(self, site: str, shape: tuple[int, ...]) -> Tensor:
        """See Draws."""
        return uniform(shape, self.device, self.dropout.seed, *self.dropout.moment, site)


class Passes:
    """A Forward: computes each pass when it is first asked for.

    Attributes:
        first: outputs (B, K) of the first pass that was computed, detached; None before.
    """

    def __init__(
        self,
        run: ReadyRun,
        leaves: Params,
        step: int,
        batch: Batch,
        first_pass: int = 0,
    ) -> None:
        """Nothing is computed yet.

        Args:
            run: whose encoder and slots are used.
            leaves: its parameters; gradients are taken by those that require them.
            step: of the dropout masks and other draws.
            batch: what the passes are over.
            first_pass: number of the pass that the loss calls 0.
        """
        self.first: Tensor | None = None
        self.draws = StepDraws.of(run, step)
        self.lengths = batch.lengths
        self._run, self._leaves, self._step, self._batch = run, leaves, step, batch
        self._first_pass = first_pass
        self._made: dict[tuple[int, Perturb | None], Tensor] = {}
        self._view: Params | None = None
        self._added: dict[str, Tensor] = {}

    def __call__(self, i: int, perturb: Perturb | None = None) -> Tensor:
        """See Forward."""
        if (i, perturb) not in self._made:
            run = self._run
            dropout = run.dropout_at(self._step, self._first_pass + i)
            view = self._view = self._view or view_of(run, self._leaves, self.draws)
            extra = () if perturb is None else (perturb,)
            outputs = run.encoder.outputs(view, self._batch, dropout, *extra)
            self._made[i, perturb] = outputs
            self.first = outputs.detach() if self.first is None else self.first
        return self._made[i, perturb]

    def gradient(self, loss: Tensor, of: Tensor) -> Tensor:
        """See Forward."""
        trained = self._trained()
        found = torch.autograd.grad(loss, [of, *trained.values()], allow_unused=True)
        assert found[0] is not None
        self._add(dict(zip(trained, found[1:], strict=True)))
        self._made.clear()  # their graph is gone
        self._view = None
        return found[0]

    def gradients(self, loss: Tensor) -> dict[str, Tensor]:
        """Gradients by all leaves that the loss depends on, with those of ``gradient`` added."""
        trained = self._trained()
        found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
        self._add(dict(zip(trained, found, strict=True)))
        return self._added

    def _add(self, grads: dict[str, Tensor | None]) -> None:
        for name, grad in grads.items():
            if grad is not None:
                before = self._added.get(name)
                self._added[name] = grad if before is None else before + grad

    def _trained(self) -> dict[str, Tensor]:
        return {name: leaf for name, leaf in self._leaves.items() if leaf.requires_grad}


def view_of(run: ReadyRun, leaves: Params, draws: StepDraws) -> Params:
    """The parameters that a forward pass uses, in the dtype of the computation."""
    return run.compute(run.procedure.parameters(leaves, run.start, run.table, draws))


def leaf(tensor: Tensor, trainable: bool) -> Tensor:
    """A tensor over the same memory that gradients can be taken by, or cannot."""
    detached = tensor.detach()
    return detached.requires_grad_() if trainable else detached
