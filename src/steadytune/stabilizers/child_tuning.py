"""Child-Tuning (Xu et al., EMNLP 2021): update only a part of the network, the child.

The gradient of each tensor is multiplied by a mask after clipping, before Adam.

- ``variant="F"``, task-free: a fresh random mask at every step, 1 with probability p, over p.
- ``variant="D"``, task-driven: one mask for the whole run, 1 for the share p of the layers' weights
  with the largest Fisher information, the mean over the batches of one epoch of the squared
  gradient of the batch's loss, at step 0.

As in the official code (AliceMind: ChildTuning): D masks the weights of layers alone, so
embeddings, pooler and head are always trained; Fisher information is that of batches, not of
examples, with dropout on and each tensor's gradient clipped to norm 1 first; F masks all tensors,
biases and head too; weight decay moves masked weights all the same. Its script has D, p 0.3, lr
4e-5, 3 epochs; the paper tries p in {0.2, 0.3, 0.4} for F and {0.1, 0.2, 0.3} for D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.procedure import (
    GradientContext,
    GradientMap,
    Kept,
    Parameter,
    Params,
    Procedure,
)
from steadytune.seeds import keep_rate
from steadytune.stabilizers._stabilizer import STRICT, Cost

FISHER_PASS = 1 << 16  # its dropout masks are not those of the training
FISHER_NORM = 1.0


@dataclass(frozen=True, config=STRICT)
class ChildTuning:
    """Masked gradients.

    Attributes:
        variant: ``F`` draws the mask anew at every step, ``D`` takes what matters for the task.
        p: share that is updated; F with 1 changes nothing.
    """

    name: ClassVar[str] = "child_tuning"
    summary: ClassVar[str] = "update only a part of the weights (Xu et al. 2021)"

    variant: Literal["F", "D"] = "D"
    p: Annotated[float, Field(gt=0, le=1)] = 0.3

    @property
    def cost(self) -> Cost:
        """D looks at the training split once before step 1."""
        if self.variant == "F":
            return Cost()
        return Cost(memory="keeps a mask, found in an epoch before step 1")

    def apply(self, procedure: Procedure) -> Procedure:
        """Add a map to the slot ``gradients``."""
        if self.variant == "F" and self.p == 1:
            return procedure
        added: GradientMap = RandomChild(self.p) if self.variant == "F" else FisherChild(self.p)
        line = f"gradients: Child-Tuning {self.variant}, share {self.p}"
        return replace(
            procedure,
            gradients=(*procedure.gradients, added),
            filled_by=(*procedure.filled_by, line),
        )


@dataclass(frozen=True)
class RandomChild:
    """The GradientMap of variant F."""

    p: float

    def init(self, params: Params, table: Sequence[Parameter]) -> Kept:
        """Nothing is kept."""
        return {}

    def begin(self, context: GradientContext) -> None:
        """Nothing is done."""

    def __call__(self, grads: Params, context: GradientContext) -> Params:
        """See GradientMap."""
        keep, drop = context.draws.keep, 1 - self.p
        scale = 1 / keep_rate(drop)
        return {
            name: grad * keep(f"child_tuning.{name}", tuple(grad.shape), drop) * scale
            for name, grad in grads.items()
        }


@dataclass(frozen=True)
class FisherChild:
    """The GradientMap of variant D."""

    p: float

    def init(self, params: Params, table: Sequence[Parameter]) -> Kept:
        """The mask of each tensor of the layers."""
        names = [p.name for p in table if p.part == "layer" and p.name in params]
        return {"child_tuning": {n: torch.zeros_like(params[n], dtype=torch.bool) for n in names}}

    def begin(self, context: GradientContext) -> None:
        """Find the largest Fisher information."""
        masks = context.kept["child_tuning"]
        fisher = {name: torch.zeros(mask.shape, device=mask.device) for name, mask in masks.items()}
        for step in range(context.epoch_steps):
            grads = context.backward(step=step, first_pass=FISHER_PASS)
            for name in fisher.keys() & grads.keys():
                grad = grads[name]
                factor = (FISHER_NORM / (grad.norm() + 1e-6)).clamp(max=1.0)
                fisher[name] += (grad * factor) ** 2 / context.epoch_steps
        together = np.concatenate([each.cpu().numpy().ravel() for each in fisher.values()])
        least = float(np.percentile(together, 100 * (1 - self.p)))
        for name, each in fisher.items():
            masks[name].copy_(each >= least)

    def __call__(self, grads: Params, context: GradientContext) -> Params:
        """See GradientMap."""
        masks = context.kept["child_tuning"]
        return {name: g * masks[name] if name in masks else g for name, g in grads.items()}
