"""The loss of each target, always computed in fp32."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

from steadytune.targets import TargetName

Loss = Callable[[Tensor, Tensor], Tensor]


def classes_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, K) against class indices (B,)."""
    return functional.cross_entropy(outputs.float(), labels)


def scores_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of predictions (B, 1) against scores (B,)."""
    return functional.mse_loss(outputs.float().squeeze(-1), labels.float())


def labels_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (B, K) against indicators (B, K)."""
    return functional.binary_cross_entropy_with_logits(outputs.float(), labels.float())


LOSSES: Mapping[TargetName, Loss] = {
    "classification": classes_loss,
    "regression": scores_loss,
    "multilabel": labels_loss,
}
"""The loss of (B, K) outputs and a batch of labels, by the name of the target."""


def classes_divergence(one: Tensor, other: Tensor) -> Tensor:
    """Half the symmetric KL of logits (B, K), mean over examples."""
    p, q = one.float().log_softmax(1), other.float().log_softmax(1)
    forth = functional.kl_div(q, p, reduction="batchmean", log_target=True)
    back = functional.kl_div(p, q, reduction="batchmean", log_target=True)
    return (forth + back) / 2


def scores_divergence(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared difference of scores (B, 1)."""
    return functional.mse_loss(one.float(), other.float())


def labels_divergence(one: Tensor, other: Tensor) -> Tensor:
    """Half the symmetric KL of each yes or no by logits (B, K), mean over examples and labels."""
    x, y = one.float(), other.float()
    return ((x.sigmoid() - y.sigmoid()) * (x - y)).mean() / 2


DIVERGENCES: Mapping[TargetName, Loss] = {
    "classification": classes_divergence,
    "regression": scores_divergence,
    "multilabel": labels_divergence,
}
"""How far the predictions of two passes lie apart, from their outputs (B, K)."""
