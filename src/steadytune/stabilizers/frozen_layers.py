"""Frozen layers (Lee, Tang & Lin 2019, "What Would Elsa Do?"): leave the lowest layers as they are.

The embeddings and the lowest layers stay pretrained: no gradient, no decay, no moments, and no
backward pass through them. Lee et al. find that training the top quarter of the layers reaches 90 %
of what training all of them does. Where all layers share their weights (ALBERT), they count as one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.errors import BadInput
from steadytune.procedure import Parameter, Procedure
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class FrozenLayers:
    """The lowest layers stay as they are.

    Attributes:
        bottom: how many layers from the bottom.
        embeddings: the embeddings too.
    """

    name: ClassVar[str] = "frozen_layers"
    summary: ClassVar[str] = "leave embeddings and lowest layers as they are (Lee et al. 2019)"
    cost: ClassVar[Cost] = Cost(memory="keeps no moments of frozen weights")

    bottom: Annotated[int, Field(ge=0)] = 0
    embeddings: bool = True

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``table``.

        Raises:
            BadInput: (when a run is made ready) the encoder has fewer layers than ``bottom``.
        """
        inner = procedure.table

        def table(encoders: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
            given = inner(encoders)
            depth = max((p.depth for p in given if p.part == "layer"), default=0)
            if self.bottom > depth:
                raise BadInput(
                    f"stabilizer frozen_layers: bottom={self.bottom} given, but the encoder has "
                    f"{depth} distinct layers; give at most {depth}"
                )
            return tuple(replace(p, frozen=p.frozen or self._freezes(p)) for p in given)

        parts = (["embeddings"] if self.embeddings else []) + [f"{self.bottom} layers"]
        line = f"table: {' and '.join(parts)} frozen"
        return replace(procedure, table=table, filled_by=(*procedure.filled_by, line))

    def _freezes(self, parameter: Parameter) -> bool:
        if parameter.part == "embeddings":
            return self.embeddings
        return parameter.part == "layer" and parameter.depth <= self.bottom
