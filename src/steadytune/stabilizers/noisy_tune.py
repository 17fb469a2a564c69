"""NoisyTune (Wu et al., ACL 2022): shake the pretrained weights a little before fine-tuning.

Each tensor w of the pretrained encoder, once, before step 1:

    w <- w + U(-lambda / 2, lambda / 2) std(w)

with the standard deviation of the tensor itself (ddof 1), drawn by the init seed. The paper uses
lambda 0.15 on GLUE. The code that is there (Yuanhy1997/HyPe, main.py) also shakes the fresh head;
here parameters that the checkpoint lacks are left as they are drawn. Stabilizers that look at the
weights at step 0 (Mixout, decay to pretrained) see the shaken ones.
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

from steadytune.procedure import Parameter, Params, Procedure
from steadytune.seeds import generator
from steadytune.stabilizers._stabilizer import STRICT, Cost


@dataclass(frozen=True, config=STRICT)
class NoisyTune:
    """Noise on the pretrained weights.

    Attributes:
        noise: lambda, the width of the noise in standard deviations; 0 changes nothing.
    """

    name: ClassVar[str] = "noisy_tune"
    summary: ClassVar[str] = "noise on the pretrained weights before step 1 (Wu et al. 2022)"
    cost: ClassVar[Cost] = Cost()

    noise: Annotated[float, Field(ge=0)] = 0.15

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``initial``."""
        if self.noise == 0:
            return procedure
        inner = procedure.initial

        def initial(params: Params, table: Sequence[Parameter], init_seed: int) -> Params:
            before = inner(params, table, init_seed)
            shaken = [p.name for p in table if not p.fresh and before[p.name].numel() > 1]
            return {**before, **{n: self._shaken(before[n], n, init_seed) for n in shaken}}

        line = f"initial: NoisyTune, noise {self.noise}"
        return replace(procedure, initial=initial, filled_by=(*procedure.filled_by, line))

    def _shaken(self, tensor: Tensor, name: str, init_seed: int) -> Tensor:
        draw = generator("init", init_seed, "noisy_tune", name)
        noise = draw.uniform(-self.noise / 2, self.noise / 2, tuple(tensor.shape))
        return tensor + torch.from_numpy(noise.astype(np.float32)) * tensor.std()
