"""Mixout (Lee, Cho & Kang, ICLR 2020): mix the weights with the pretrained ones at random.

At every step each matrix w of a linear map is replaced in the forward pass by

    u + M (w - u) / (1 - p)

with u its value at step 0 and M a random mask that is 0 with probability p, so that its
expectation is w. Dropout is the special case u = 0.

Deviations of the official code (github.com/bloodwass/mixout), all of which can be had here:

- it draws one mask a matrix *column*, that is, per input neuron (``kind="column"``); a mask
  per element is another method that is often called the same (``kind="element"``);
- its backward pass multiplies by M but not by 1 / (1 - p) (``gradient="official"``): Adam hardly
  notices, clipping by norm does; ``exact`` is the derivative of the formula above;
- it mixes the classifier with its own random initial value (``head=True``).

It replaces dropout in that code: set the recipe's dropout rates to 0 to do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from steadytune.procedure import Draws, Parameter, Params, Procedure
from steadytune.seeds import keep_rate
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class Mixout:
    """Mixout of all linear maps.

    Attributes:
        p: probability of the value at step 0; 0 changes nothing. The paper uses 0.7 to 0.9.
        kind: one mask per input column, or per element.
        head: mix the classifier (and a fresh pooler) with its initial value too.
        gradient: the true derivative, or the official code's, smaller by 1 - p.
    """

    name: ClassVar[str] = "mixout"
    summary: ClassVar[str] = "replace weights by pretrained ones at random (Lee et al. 2020)"
    cost: ClassVar[Cost] = Cost(memory="keeps a mixed copy of each matrix")

    p: Annotated[float, Field(ge=0, le=0.999)] = 0.7
    kind: Literal["column", "element"] = "column"
    head: bool = True
    gradient: Literal["exact", "official"] = "exact"

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``parameters``."""
        if self.p == 0:
            return procedure
        inner = procedure.parameters

        def parameters(
            params: Params, start: Params, table: Sequence[Parameter], draws: Draws
        ) -> Params:
            view = dict(inner(params, start, table, draws))
            for parameter in table:
                known = parameter.kind == "linear" and parameter.name in view
                if known and (self.head or not parameter.fresh):
                    name = parameter.name
                    view[name] = self._mix(name, view[name], start[name], draws)
            return view

        return replace(
            procedure,
            parameters=parameters,
            filled_by=(*procedure.filled_by, f"parameters: mixout p={self.p} per {self.kind}"),
        )

    def _mix(self, name: str, w: Tensor, u: Tensor, draws: Draws) -> Tensor:
        column = (1, w.shape[1], *[1] * (w.ndim - 2))  # convolutions have more axes
        shape = column if self.kind == "column" else tuple(w.shape)
        keep = draws.keep(f"mixout.{name}", shape, self.p)
        mixed = u + (w - u) * keep * (1 / keep_rate(self.p))
        if self.gradient == "exact":
            return mixed
        passed = w * keep
        return mixed.detach() + passed - passed.detach()
