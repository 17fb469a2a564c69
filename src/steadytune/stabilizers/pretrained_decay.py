"""Weight decay toward the pretrained weights instead of zero (Wiese et al. 2017; Lee et al. 2020).

Decoupled: after (or, with ``eps_mode="torch"``, before) Adam's update, p <- p - lr * rate * (p - u)
with u the weights at step 0. The official code of Zhang et al. (2021) means to exempt the
classifier, which has no pretrained value, but a wrong comparison pulls it to its random initial
value all the same; here parameters that are fresh keep the recipe's own decay toward zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.procedure import Group, Parameter, Procedure
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class PretrainedDecay:
    """Decay of pretrained matrices and embeddings toward their values at step 0.

    Attributes:
        rate: replaces the recipe's ``weight_decay`` for them; biases and norms stay exempt.
    """

    name: ClassVar[str] = "pretrained_decay"
    summary: ClassVar[str] = "decay toward the pretrained weights (Wiese et al. 2017)"
    cost: ClassVar[Cost] = Cost()

    rate: Annotated[float, Field(ge=0)] = 0.01

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``groups``."""
        inner = procedure.groups

        def groups(parameter: Parameter, depth: int, step: int) -> Group:
            group = inner(parameter, depth, step)
            if parameter.fresh or parameter.kind in ("bias", "norm"):
                return group
            return replace(group, weight_decay=self.rate, toward="start")

        line = f"groups: decay toward the weights at step 0, rate {self.rate}"
        return replace(procedure, groups=groups, filled_by=(*procedure.filled_by, line))
