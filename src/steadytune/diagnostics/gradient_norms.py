"""Norms of the loss gradient, per part and per tensor, before clipping (Mosbach et al., figure 4).

How to read it: in a run that learns, all layers have norms within two or three orders of
magnitude. In a failed run of the paper's kind the encoder's fall within some fifty steps to 1e-4
... 1e-2, the lower the layer the lower, while pooler and head keep theirs: the gradient vanishes
on its way down, and the encoder learns nothing any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads, by_part


@dataclass(frozen=True)
class GradientNorms:
    """Root of the sum of squares over the tensors of each part."""

    name: ClassVar[str] = "gradient_norm"
    summary: ClassVar[str] = "L2 norm of the gradient of each layer, before clipping"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=500)

    def measure(self, moment: Moment) -> dict[str, float]:
        """One value for each part that has a gradient; frozen parts have none."""
        return {
            part: math.hypot(*(moment.norms.get(name, 0.0) for name in names))
            for part, names in by_part(moment.table).items()
            if any(name in moment.norms for name in names)
        }


@dataclass(frozen=True)
class TensorGradientNorms:
    """The norm of every tensor by itself."""

    name: ClassVar[str] = "tensor_gradient_norm"
    summary: ClassVar[str] = "L2 norm of the gradient of each tensor, before clipping"
    cost: ClassVar[Cost] = "full"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=100)

    def measure(self, moment: Moment) -> dict[str, float]:
        """One value for each tensor that has a gradient."""
        return dict(moment.norms)
