"""R-Drop (Wu et al., NeurIPS 2021): two passes with other dropout masks are to agree.

With p1 and p2 what two passes over the same batch predict, the loss of an example is

    CE(p1) + CE(p2) + alpha / 2 (KL(p1 || p2) + KL(p2 || p1))

and for scores the squared error takes the place of CE and of both KL together. The paper tries
alpha in {0.1, 0.5, 1} on GLUE.

By default the whole is halved (``reduction="mean"``), so that the loss on record can be read
beside that of other recipes; Adam's steps do not depend on the scale of the loss, clipping by norm
and eps do. ``reduction="sum"`` is the equation.

The official code (github.com/dropreg/R-Drop) has its constants written in: for BERT the sum of both
CE and each KL times 0.25, summed over the batch, which is alpha = 0.5 x batch size here; for
RoBERTa the mean of both CE, and 0.35.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from steadytune.procedure import Forward, Procedure, Through
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class RDrop:
    """Consistency of two passes.

    Attributes:
        alpha: weight of the divergence; at 0 two passes are averaged all the same.
        reduction: ``mean`` halves the loss of the paper, ``sum`` is that loss.
    """

    name: ClassVar[str] = "r_drop"
    summary: ClassVar[str] = "two passes with other dropout masks must agree (Wu et al. 2021)"
    cost: ClassVar[Cost] = Cost(forward=2, memory="keeps the activations of both")

    alpha: Annotated[float, Field(ge=0)] = 1.0
    reduction: Literal["mean", "sum"] = "mean"

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``loss``."""
        inner = procedure.loss

        def loss(forward: Forward, labels: Tensor) -> Tensor:
            # A loss inside that takes several passes itself gets every second one.
            each = [Through(forward, lambda i, k=k: 2 * i + k) for k in (0, 1)]
            tasks = [inner(one, labels) for one in each]
            total = sum(tasks) + self.alpha * divergence(each[0](0), each[1](0))
            return total / 2 if self.reduction == "mean" else total

        line = f"loss: R-Drop, alpha {self.alpha}, {self.reduction}"
        return replace(procedure, loss=loss, filled_by=(*procedure.filled_by, line))


def divergence(one: Tensor, other: Tensor) -> Tensor:
    """Half the symmetric KL of logits (B, K), mean over examples; MSE of scores (B, 1)."""
    if one.shape[1] == 1:
        return F.mse_loss(one.float(), other.float())
    p, q = one.float().log_softmax(1), other.float().log_softmax(1)
    forth = F.kl_div(q, p, reduction="batchmean", log_target=True)
    back = F.kl_div(p, q, reduction="batchmean", log_target=True)
    return (forth + back) / 2
