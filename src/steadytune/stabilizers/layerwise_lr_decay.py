"""Layer-wise learning-rate decay (Howard & Ruder 2018; in ELECTRA and Zhang et al. 2021).

A parameter at depth l of L layers learns at factor^(L + 1 - l) times the learning rate: pooler and
head at 1, the top layer at ``factor``, the embeddings at factor^(L + 1). This is the form of
Zhang et al.; ELECTRA's code starts one power lower, at factor^2 for the top layer. Where all
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
class LayerwiseLrDecay:
    """Smaller learning rates for lower layers.

    Attributes:
        factor: per layer; 1 changes nothing. Zhang et al. use 0.95, ELECTRA 0.8 or 0.9.
    """

    name: ClassVar[str] = "layerwise_lr_decay"
    summary: ClassVar[str] = "smaller learning rates for lower layers (Howard & Ruder 2018)"
    cost: ClassVar[Cost] = Cost()

    factor: Annotated[float, Field(gt=0, le=1)] = 0.95

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``groups``."""
        inner = procedure.groups

        def groups(parameter: Parameter, depth: int, step: int) -> Group:
            group = inner(parameter, depth, step)
            power = depth + 1 - parameter.depth
            return replace(group, lr_factor=group.lr_factor * self.factor**power)

        line = f"groups: learning rate times {self.factor} a layer"
        return replace(procedure, groups=groups, filled_by=(*procedure.filled_by, line))
