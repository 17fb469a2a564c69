"""Clipping of gradients by their norms, as factors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from steadytune.procedure import Clipping

_CLIP_EPS = 1e-6  # as in torch.nn.utils.clip_grad_norm_


def norms(grads: Mapping[str, Tensor]) -> Tensor:
    """(number of tensors,) L2 norms."""
    sizes = torch._foreach_norm(list(grads.values()))  # pyright: ignore[reportPrivateImportUsage]
    return torch.stack(sizes)


def clip_factors(norms: Tensor, settings: Clipping) -> Tensor:
    """What each gradient is multiplied by: 1, or max_norm / norm as torch's clip_grad_norm_."""
    if settings.clip == "none":
        return torch.ones_like(norms)
    measured = norms.norm().expand_as(norms) if settings.clip == "global" else norms
    return (settings.max_grad_norm / (measured + _CLIP_EPS)).clamp(max=1.0)
