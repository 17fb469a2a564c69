"""LP-FT (Kumar et al., ICLR 2022): train the head alone first, then everything.

During the first ``share`` of the steps only the head (and a pooler that the checkpoint lacks) is
trained, at a constant rate; the recipe's schedule is laid over the steps that remain. As the
encoder then starts with a head that fits it, its features are distorted less; for us it is also a
control, as hardly anything of the head's random initial value is left.

Deviations: Kumar et al. train the linear probe to its end on features that are computed once, with
an optimizer and a learning rate of its own; here the probe is trained by the run's own, dropout on,
at ``head_lr_factor`` times the peak rate, and Adam's moments of the head go on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.procedure import Group, Parameter, Procedure
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class LpFt:
    """Linear probing, then fine-tuning.

    Attributes:
        share: of the steps, those of the head alone; 0 changes nothing.
        head_lr_factor: multiplies the learning rate while the head is trained alone.
    """

    name: ClassVar[str] = "lp_ft"
    summary: ClassVar[str] = "train the head alone, then everything (Kumar et al. 2022)"
    cost: ClassVar[Cost] = Cost()

    share: Annotated[float, Field(ge=0, lt=1)] = 0.3
    head_lr_factor: Annotated[float, Field(gt=0)] = 10.0

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slots ``groups`` and ``schedule``."""
        probing = int(self.share * procedure.total_steps)
        if probing == 0:
            return procedure
        inner, total = procedure, procedure.total_steps

        def groups(parameter: Parameter, depth: int, step: int) -> Group:
            group = inner.groups(parameter, depth, step)
            if step >= probing:
                return group
            head = parameter.part == "head" or (parameter.part == "pooler" and parameter.fresh)
            factor = group.lr_factor * self.head_lr_factor
            return replace(group, lr_factor=factor, trainable=group.trainable and head)

        def schedule(step: float) -> float:
            if step < probing:
                return 1.0
            return inner.schedule((step - probing) * total / (total - probing))

        line = f"groups: the head alone for {probing} of {total} steps"
        return replace(
            procedure, groups=groups, schedule=schedule, filled_by=(*procedure.filled_by, line)
        )
