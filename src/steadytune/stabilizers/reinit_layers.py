"""Re-initialize the top layers (Zhang et al., ICLR 2021, "Revisiting Few-sample BERT Fine-tuning").

The pooler and the top layers start from scratch: matrices from N(0, s^2) with s the
``initializer_range`` of the checkpoint's config (0.02 for BERT), as in the official code, biases
0, LayerNorm weights 1 and biases 0; drawn by the init seed. Stabilizers that look at the weights at
step 0 (Mixout, decay to pretrained) see the new values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from steadytune.errors import BadInput
from steadytune.procedure import Parameter, Params, Procedure
from steadytune.seeds import generator
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class ReinitLayers:
    """Fresh top layers.

    Attributes:
        top: how many layers from the top; the paper tries 1 to 6, its sample script has 5.
        pooler: the pooler too.
    """

    name: ClassVar[str] = "reinit_layers"
    summary: ClassVar[str] = "start the top layers from scratch (Zhang et al. 2021)"
    cost: ClassVar[Cost] = Cost()

    top: Annotated[int, Field(ge=0)] = 5
    pooler: bool = True

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``initial``.

        Raises:
            BadInput: (when a run is made ready) the encoder has fewer layers than ``top``.
        """
        inner = procedure.initial

        def initial(params: Params, table: Sequence[Parameter], init_seed: int) -> Params:
            depth = max((p.depth for p in table if p.part == "layer"), default=0)
            if self.top > depth:
                raise BadInput(
                    f"stabilizer reinit_layers: top={self.top} given, but the encoder has "
                    f"{depth} distinct layers; give at most {depth}"
                )
            chosen = [p for p in table if self._chosen(p, depth)]
            return {
                **inner(params, table, init_seed),
                **{p.name: _fresh(p, init_seed) for p in chosen},
            }

        line = f"initial: top {self.top} layers" + (" and pooler" if self.pooler else "")
        return replace(procedure, initial=initial, filled_by=(*procedure.filled_by, line))

    def _chosen(self, parameter: Parameter, depth: int) -> bool:
        if parameter.part == "pooler":
            return self.pooler
        pretrained = parameter.part == "layer" and not parameter.fresh
        return pretrained and parameter.depth > depth - self.top


def _fresh(parameter: Parameter, init_seed: int) -> Tensor:
    if parameter.kind == "norm" and parameter.name.endswith("weight"):
        return torch.ones(parameter.shape)
    if parameter.kind in ("norm", "bias"):
        return torch.zeros(parameter.shape)
    draw = generator("init", init_seed, "reinit", parameter.name)
    draws = draw.normal(0, parameter.initializer_range, parameter.shape)
    return torch.from_numpy(draws.astype(np.float32))
