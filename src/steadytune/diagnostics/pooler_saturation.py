"""Saturated units of the pooler's tanh, at the thresholds of Mosbach et al.'s code.

How to read it: ``0.99`` is the share of units of the probe whose absolute value is above 0.99,
where the derivative of tanh is below 0.02. Near 1, hardly any gradient passes the pooler. Their
code counts units after dropout, so dropped ones as unsaturated; here dropout is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from steadytune.diagnostics._probed import Probed
from steadytune.procedure import Activations

THRESHOLDS = (0.99, 0.95, 0.90, 0.85)


@dataclass(frozen=True)
class PoolerSaturation(Probed):
    """Shares of units beyond each threshold; nothing where the pooler has no tanh."""

    name: ClassVar[str] = "pooler_saturation"
    summary: ClassVar[str] = "share of pooler units with |tanh| above .99, .95, .90 and .85"

    def look(self, seen: Activations) -> dict[str, float]:
        """One share for each threshold."""
        if not seen.bounded:
            return {}
        sizes = seen.pooled.float().abs()
        shares = torch.stack([(sizes > threshold).float().mean() for threshold in THRESHOLDS])
        return {f"{t:.2f}": share for t, share in zip(THRESHOLDS, shares.tolist(), strict=True)}
