"""Gradual unfreezing (Howard & Ruder, ACL 2018, ULMFiT): train from the top down.

At first pooler and head are trained alone; then one layer after the other joins them, from the top
to the embeddings. With L layers and S = ``until`` times the steps of the run, the parameters of
depth d (L for the top layer, 0 for the embeddings) are trained from step

    S (L + 1 - d) / (L + 1)

on. A tensor that is not trained yet has no gradient, does not decay, and its moments, Adam's bias
correction among them, begin when it joins, as in torch where ``requires_grad`` is switched.

Howard & Ruder unfreeze one layer an epoch: in E epochs that is ``until`` = (L + 1) / E. Where all
layers share their weights (ALBERT), they count as one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.procedure import Group, Parameter, Procedure
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class GradualUnfreezing:
    """Layers join the training one by one.

    Attributes:
        until: share of the steps after which everything is trained; 0 changes nothing.
    """

    name: ClassVar[str] = "gradual_unfreezing"
    summary: ClassVar[str] = "train the head first, then layer after layer (Howard & Ruder 2018)"
    cost: ClassVar[Cost] = Cost()

    until: Annotated[float, Field(ge=0, le=1)] = 0.5

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``groups``."""
        inner, steps = procedure.groups, self.until * procedure.total_steps

        def groups(parameter: Parameter, depth: int, step: int) -> Group:
            group = inner(parameter, depth, step)
            if step >= steps * (depth + 1 - parameter.depth) / (depth + 1):
                return group
            return replace(group, trainable=False)

        line = f"groups: layers join one by one until {self.until} of the steps"
        return replace(procedure, groups=groups, filled_by=(*procedure.filled_by, line))
