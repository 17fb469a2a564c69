"""The losses of the two kinds of labels, always computed in fp32."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def classes_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, K) against class indices (B,)."""
    return functional.cross_entropy(outputs.float(), labels)


def scores_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of predictions (B, 1) against scores (B,)."""
    return functional.mse_loss(outputs.float().squeeze(-1), labels.float())
