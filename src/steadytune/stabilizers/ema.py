"""Exponential moving average of the weights (Polyak & Juditsky 1992), debiased.

After update t = 1, 2, ... with weights w_t

    a_t = decay a_{t-1} + (1 - decay) w_t,   a_0 = 0

and a_t / (1 - decay^t) is evaluated, kept and saved; the training goes on with w_t. The division is
that of Adam's moments: the average is one of trained weights alone, not of the pretrained ones.

No paper gives a default for fine-tuning encoders. 0.99 averages about the last 100 steps, which
suits trainings of some hundreds of steps; the 0.9999 of vision would average nearly all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.procedure import Kept, Params, Procedure
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class Ema:
    """Evaluate the average of the last weights.

    Attributes:
        decay: about 1 / (1 - decay) steps are averaged; 0 changes nothing.
    """

    name: ClassVar[str] = "ema"
    summary: ClassVar[str] = "evaluate and save a moving average of the weights"
    cost: ClassVar[Cost] = Cost(memory="keeps a copy of the trained weights")

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.99

    def apply(self, procedure: Procedure) -> Procedure:
        """Add an average to the slot ``evaluated``."""
        if self.decay == 0:
            return procedure
        line = f"evaluated: moving average, decay {self.decay}"
        return replace(
            procedure,
            evaluated=(*procedure.evaluated, Average(self.decay)),
            filled_by=(*procedure.filled_by, line),
        )


@dataclass(frozen=True)
class Average:
    """The EvaluatedView."""

    decay: float

    def init(self, params: Params, start: Params) -> Kept:
        """Zero for each tensor that is not frozen."""
        moving = {name: x for name, x in params.items() if x is not start.get(name)}
        return {"ema": {name: torch.zeros_like(x) for name, x in moving.items()}}

    def observe(self, params: Params, kept: Kept, step: int) -> None:
        """See EvaluatedView."""
        for name, average in kept["ema"].items():
            average.lerp_(params[name], 1 - self.decay)

    def view(self, params: Params, kept: Kept, step: int) -> Params:
        """See EvaluatedView; before the first step there is no average yet."""
        if step == 0:
            return params
        weight = 1 - self.decay**step
        return {**params, **{name: average / weight for name, average in kept["ema"].items()}}
