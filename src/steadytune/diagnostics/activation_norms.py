"""Norms of the states after each layer.

How to read it: ``layer.3`` is the mean over tokens of the L2 norm of the state after the third
layer. ``pooled_spread`` is how much what the head reads differs between the examples of the probe:
the norm of the deviations from their mean over the norm of all. In a collapsed run it falls toward
0: all sentences look the same to the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from steadytune.diagnostics._probed import Probed
from steadytune.procedure import Activations


@dataclass(frozen=True)
class ActivationNorms(Probed):
    """Mean norm of states after each layer, and how much pooled states differ."""

    name: ClassVar[str] = "activation_norm"
    summary: ClassVar[str] = "norm of the states after each layer, spread of what the head reads"

    def look(self, seen: Activations) -> dict[str, float]:
        """``layer.1`` ... ``layer.L``, and ``pooled_spread``."""
        norms = torch.stack([states.float().norm(dim=1).mean() for states in seen.states])
        pooled = seen.pooled.float()
        spread = (pooled - pooled.mean(0)).norm() / pooled.norm().clamp(min=1e-30)
        found = {f"layer.{i + 1}": norm for i, norm in enumerate(norms.tolist())}
        return {**found, "pooled_spread": float(spread)}
