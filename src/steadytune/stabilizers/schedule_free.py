"""Schedule-free AdamW (Defazio et al., NeurIPS 2024): an average takes the schedule's place.

Three points instead of one: z is stepped, x is the average of z, and gradients are taken at y
between them. With g the clipped gradient at y, t = 1, 2, ..., c2 = 1 - b2^t,

    v <- b2 v + (1 - b2) g^2
    u  = g / (sqrt(v / c2) + eps) + wd (y - a)
    y <- (1 - c) y + c z + lr (b1 (1 - c) - 1) u       with c = w_t / (w_1 + ... + w_t),
    z <- z - lr u                                           w_t = t^r (largest lr so far)^2

The parameters of the run are y. What is evaluated, kept and saved is x = y + (1 - 1/b1)(z - y):
saving y instead is the classic mistake.

This is ``AdamWScheduleFree`` of schedulefree 1.4.1, step by step. lr, betas (b1 weighs x against
z), eps, weight decay, what it goes toward (a) and warm-up are the recipe's; its schedule is
replaced by warm-up ((k + 1) / warm-up in step k, as there) and a constant. ``eps_mode`` and
``fold_bias_correction`` have no meaning here. The authors advise warm-up and a learning rate one to
ten times AdamW's.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from steadytune.errors import BadInput
from steadytune.procedure import Kept, OptimizerSettings, Params, Procedure, Update
from steadytune.stabilizers._stabilizer import STRICT, Cost

_PIECE = 1 << 19  # elements: all passes over a piece run in the processor's cache


@dataclass(frozen=True, config=STRICT)
class ScheduleFree:
    """Schedule-free AdamW.

    Attributes:
        r: power of the step in the weights of the average; 0 weighs all alike.
    """

    name: ClassVar[str] = "schedule_free"
    summary: ClassVar[str] = "AdamW that averages instead of a schedule (Defazio et al. 2024)"
    cost: ClassVar[Cost] = Cost(memory="keeps z in place of the first moment")

    r: Annotated[float, Field(ge=0)] = 0.0

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slots ``optimizer`` and ``schedule``, and evaluate x.

        Raises:
            BadInput: the recipe's first beta is 0.
        """
        settings, warmup = procedure.optimizer.settings, procedure.warmup
        if settings.betas[0] == 0:
            raise BadInput(
                "stabilizer schedule_free: betas[0]=0 given; it weighs the average against the "
                "last point and must be above 0, such as 0.9"
            )
        line = "optimizer: schedule-free AdamW"
        return replace(
            procedure,
            optimizer=ScheduleFreeAdamW(settings, self.r),
            schedule=lambda step: min(1.0, (step + 1) / max(1, warmup)),
            evaluated=(*procedure.evaluated, AveragePoint(settings.betas[0])),
            filled_by=(*procedure.filled_by, line),
        )


@dataclass(frozen=True)
class ScheduleFreeAdamW:
    """The Optimizer."""

    settings: OptimizerSettings
    r: float
    elementwise: bool = True

    def init(self, params: Params) -> Kept:
        """Z and second moments, and two numbers for the weights of the average."""
        zero = torch.zeros((), dtype=torch.float64)
        return {
            "z": {name: tensor.clone() for name, tensor in params.items()},
            "exp_avg_sq": {name: torch.zeros_like(tensor) for name, tensor in params.items()},
            "schedule_free": {"weight_sum": zero, "lr_max": zero.clone()},
        }

    def step(self, params: Params, grads: Params, kept: Kept, update: Update) -> None:
        """See Optimizer."""
        share = self._share(kept["schedule_free"], update)
        for name, grad in grads.items():
            start = update.start[name] if update.groups[name].toward == "start" else None
            tensors = [params[name], grad, kept["z"][name], kept["exp_avg_sq"][name]]
            tensors += [] if start is None else [start]
            for piece in zip(*(x.reshape(-1).split(_PIECE) for x in tensors), strict=True):
                self._step_piece(piece, name, share, update)

    def _share(self, numbers: dict[str, Tensor], update: Update) -> float:
        """c: the weight of the newest point in the average."""
        lr_max = max(update.lr, float(numbers["lr_max"]))
        weight = (update.step + 1) ** self.r * lr_max**2
        numbers["lr_max"].fill_(lr_max)
        numbers["weight_sum"].add_(weight)
        total = float(numbers["weight_sum"])
        return weight / total if total else 0.0

    def _step_piece(
        self, piece: tuple[Tensor, ...], name: str, share: float, update: Update
    ) -> None:
        (y, g, z, v), start = piece[:4], piece[4:]
        (b1, b2), group = self.settings.betas, update.groups[name]
        lr = update.lr * group.lr_factor
        c2 = 1 - b2 ** update.counts[name] if self.settings.bias_correction else 1.0
        g = g * update.scales[name]
        v.mul_(b2).addcmul_(g, g, value=1 - b2)
        u = g.div_(v.div(c2).sqrt_().add_(self.settings.eps))
        if group.weight_decay:
            u.add_(y - start[0] if start else y, alpha=group.weight_decay)
        y.lerp_(z, share).add_(u, alpha=lr * (b1 * (1 - share) - 1))
        z.sub_(u, alpha=lr)


@dataclass(frozen=True)
class AveragePoint:
    """The EvaluatedView of x."""

    beta: float

    def init(self, params: Params, start: Params) -> Kept:
        """Nothing besides what the optimizer keeps."""
        return {}

    def observe(self, params: Params, kept: Kept, step: int) -> None:
        """Nothing besides what the optimizer keeps."""

    def view(self, params: Params, kept: Kept, step: int) -> Params:
        """See EvaluatedView."""
        weight = 1 - 1 / self.beta
        assert math.isfinite(weight)
        z = kept["z"]
        return {n: y.lerp(z[n], weight) if n in z else y for n, y in params.items()}
