"""Quantities measured during a run, one file each, listed in TABLE."""

from __future__ import annotations

from typing import Literal

from steadytune.diagnostics._diagnostic import Diagnostic, Moment
from steadytune.diagnostics.activation_norms import ActivationNorms
from steadytune.diagnostics.adam_step import AdamStep
from steadytune.diagnostics.attention_entropy import AttentionEntropy
from steadytune.diagnostics.chance_loss import ChanceLoss
from steadytune.diagnostics.gradient_norms import GradientNorms, TensorGradientNorms
from steadytune.diagnostics.pooler_saturation import PoolerSaturation
from steadytune.diagnostics.predictions import Predictions
from steadytune.diagnostics.pretrained_distance import PretrainedDistance
from steadytune.diagnostics.update_ratio import UpdateRatio

_ALL: tuple[Diagnostic, ...] = (
    GradientNorms(),
    Predictions(),
    ChanceLoss(),
    AdamStep(),
    UpdateRatio(),
    PretrainedDistance(),
    TensorGradientNorms(),
    PoolerSaturation(),
    ActivationNorms(),
    AttentionEntropy(),
)
TABLE: dict[str, Diagnostic] = {member.name: member for member in _ALL}


def chosen(choice: Literal["off", "economy", "full"]) -> tuple[Diagnostic, ...]:
    """The diagnostics that a study's ``diagnostics`` setting asks for."""
    if choice == "off":
        return ()
    return tuple(d for d in TABLE.values() if choice == "full" or d.cost == "economy")


__all__ = ["TABLE", "Diagnostic", "Moment", "chosen"]
