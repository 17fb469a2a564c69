"""The optimizer of recipes, AdamW, as a slot: all parameters of a run, those alike together."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from steadytune.procedure import Group, Kept, OptimizerSettings, Params, Update
from steadytune.training.adamw import AdamStep, update_many


@dataclass(frozen=True)
class RecipeAdamW:
    """AdamW in the form that a recipe's settings ask for; see ``training.adamw``."""

    settings: OptimizerSettings
    elementwise: bool = True

    def init(self, params: Params) -> Kept:
        """Both moments, zero."""
        return {
            moment: {name: torch.zeros_like(tensor) for name, tensor in params.items()}
            for moment in ("exp_avg", "exp_avg_sq")
        }

    def step(self, params: Params, grads: Params, kept: Kept, update: Update) -> None:
        """Parameters with the same settings in one call."""
        alike: dict[tuple[Group, float, int], list[str]] = {}
        for name in grads:
            key = (update.groups[name], update.scales[name], update.counts[name])
            alike.setdefault(key, []).append(name)
        for (group, scale, count), names in alike.items():
            update_many(
                [params[name] for name in names],
                [grads[name] for name in names],
                [kept["exp_avg"][name] for name in names],
                [kept["exp_avg_sq"][name] for name in names],
                AdamStep(
                    step=count,
                    lr=update.lr * group.lr_factor,
                    betas=self.settings.betas,
                    eps=self.settings.eps,
                    eps_mode=self.settings.eps_mode,
                    bias_correction=self.settings.bias_correction,
                    weight_decay=group.weight_decay,
                    grad_scale=scale,
                ),
                [update.start[name] for name in names] if group.toward == "start" else None,
            )
