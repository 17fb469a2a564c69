"""Recipe -> Procedure: fill the slots, then let the stabilizers refill theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from steadytune import stabilizers
from steadytune.procedure import (
    Clipping,
    Draws,
    Forward,
    Group,
    OptimizerSettings,
    Parameter,
    Params,
    Procedure,
)
from steadytune.recipe import Recipe
from steadytune.training.losses import classes_loss, scores_loss
from steadytune.training.recipe_adamw import RecipeAdamW
from steadytune.training.schedules import folded, schedule, warmup_steps


def build(recipe: Recipe, total_steps: int, classes: bool) -> Procedure:
    """The Procedure of a recipe for a run of ``total_steps``.

    Args:
        recipe: what to build.
        total_steps: optimizer steps of the run, which the schedule is laid over.
        classes: whether labels are classes (cross-entropy) or scores (squared error).
    """
    warmup = warmup_steps(recipe.warmup, total_steps)
    shape = schedule(recipe.schedule, total_steps, warmup)
    plain = Procedure(
        table=_encoders_own,
        initial=_pretrained,
        groups=_decay_matrices(recipe.weight_decay),
        parameters=_as_they_are,
        loss=_classes if classes else _scores,
        clipping=Clipping(recipe.clip, recipe.max_grad_norm),
        optimizer=RecipeAdamW(
            OptimizerSettings(
                lr=recipe.lr,
                betas=recipe.betas,
                eps=recipe.eps,
                eps_mode=recipe.eps_mode,
                bias_correction=recipe.bias_correction,
            )
        ),
        schedule=folded(shape, recipe.betas) if recipe.fold_bias_correction else shape,
        total_steps=total_steps,
        warmup=warmup,
    )
    procedure = plain
    for choice in recipe.stabilizers:
        procedure = stabilizers.make(choice).apply(procedure)
    return procedure


def _encoders_own(table: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return table


def _pretrained(params: Params, table: Sequence[Parameter], init_seed: int) -> Params:
    return params


def _decay_matrices(weight_decay: float) -> Callable[[Parameter, int, int], Group]:
    """Decay for matrices and embeddings; none for biases and norms (Devlin et al. 2019)."""

    def groups(parameter: Parameter, depth: int, step: int) -> Group:
        exempt = parameter.kind in ("bias", "norm")
        return Group(weight_decay=0.0 if exempt else weight_decay)

    return groups


def _as_they_are(params: Params, start: Params, table: Sequence[Parameter], draws: Draws) -> Params:
    return params


def _classes(forward: Forward, labels: Tensor) -> Tensor:
    return classes_loss(forward(0), labels)


def _scores(forward: Forward, labels: Tensor) -> Tensor:
    return scores_loss(forward(0), labels)
