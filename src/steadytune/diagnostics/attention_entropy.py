"""Entropy of attention in each layer.

How to read it: ``layer.3`` is the mean over heads and tokens of the entropy of a query's
probabilities, in nats. A value near the logarithm of the sentences' length means that attention
looks everywhere alike; near 0, that each token looks at one other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads


@dataclass(frozen=True)
class AttentionEntropy:
    """Mean entropy of the attention probabilities, layer by layer."""

    name: ClassVar[str] = "attention_entropy"
    summary: ClassVar[str] = "mean entropy of the attention of each layer, in nats"
    cost: ClassVar[Cost] = "full"
    reads: ClassVar[frozenset[Reads]] = frozenset({"activations"})
    schedule: ClassVar[Evenly] = Evenly(points=30, apart=10, early=True)

    def measure(self, moment: Moment) -> dict[str, float]:
        """``layer.1`` ... ``layer.L``."""
        seen = moment.activations()
        if seen is None:
            return {}
        means = [
            torch.cat([torch.special.entr(rows.float()).sum(1) for rows in groups]).mean()
            for groups in seen.attention
        ]
        return {f"layer.{i + 1}": value for i, value in enumerate(torch.stack(means).tolist())}
