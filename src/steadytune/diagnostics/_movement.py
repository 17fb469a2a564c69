"""Norms of differences between two sets of parameters, part by part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steadytune.diagnostics._diagnostic import by_part
from steadytune.procedure import Parameter, Params


def distances(table: Sequence[Parameter], one: Params, other: Params) -> dict[str, float]:
    """L2 norm of ``one - other`` over each part."""
    names = [parameter.name for parameter in table if parameter.name in one]
    norms = [torch.linalg.vector_norm(one[name] - other[name]) for name in names]
    return _by_part(table, dict(zip(names, norms, strict=True)))


def lengths(table: Sequence[Parameter], params: Params) -> dict[str, float]:
    """L2 norm of the parameters of each part."""
    names = [parameter.name for parameter in table if parameter.name in params]
    norms = [torch.linalg.vector_norm(params[name]) for name in names]
    return _by_part(table, dict(zip(names, norms, strict=True)))


def _by_part(table: Sequence[Parameter], norms: dict[str, Tensor]) -> dict[str, float]:
    parts = by_part([parameter for parameter in table if parameter.name in norms])
    totals = [torch.stack([norms[name] for name in names]).norm() for names in parts.values()]
    return dict(zip(parts, torch.stack(totals).tolist(), strict=True))
