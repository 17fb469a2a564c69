"""Entropy of attention in each layer.

How to read it: ``layer.3`` is the mean over heads and tokens of the entropy of a query's
probabilities, in nats. A value near the logarithm of the sentences' length means that attention
looks everywhere alike; near 0, that each token looks at one other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from steadytune.diagnostics._probed import Probed
from steadytune.procedure import Activations


@dataclass(frozen=True)
class AttentionEntropy(Probed):
    """Mean entropy of the attention probabilities, layer by layer."""

    name: ClassVar[str] = "attention_entropy"
    summary: ClassVar[str] = "mean entropy of the attention of each layer, in nats"

    def look(self, seen: Activations) -> dict[str, float]:
        """``layer.1`` ... ``layer.L``."""
        means = [
            torch.cat([torch.special.entr(rows.float()).sum(1) for rows in groups]).mean()
            for groups in seen.attention
        ]
        return {f"layer.{i + 1}": value for i, value in enumerate(torch.stack(means).tolist())}
