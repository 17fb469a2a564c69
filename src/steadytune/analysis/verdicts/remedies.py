"""Remedies: what to change first, from the recipe that a run had."""

from __future__ import annotations

from steadytune.analysis.cautions import FEW_STEPS
from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Remedy

CHECK_LABELS = Remedy(
    "check_labels",
    "look at twenty training examples with their labels: is the label column the right one, in the "
    "order of the texts, with every class in it?",
)
MORE_DATA = Remedy(
    "more_data",
    "more training examples, or an encoder that is pretrained further: the training set is "
    "learned by heart",
)


def against_collapse(case: Case) -> tuple[Remedy, ...]:
    """What keeps runs from collapsing, the strongest published remedy that is not in use first."""
    recipe, found = case.recipe, list[Remedy]()
    if not recipe["bias_correction"] and not recipe.get("fold_bias_correction"):
        found.append(
            Remedy(
                "bias_correction",
                "turn on Adam's bias correction: without it the first updates are up to 6.6 times "
                "as large (Mosbach et al. 2021, section 6)",
                "recipe.bias_correction=true",
            )
        )
    if recipe["warmup"] == 0:
        found.append(
            Remedy(
                "warm_up",
                "warm the learning rate up over the first 10 % of the steps",
                "recipe.warmup=0.1",
            )
        )
    if recipe["clip"] == "none":
        found.append(Remedy("clip", "clip the gradient's norm at 1", "recipe.clip=global"))
    return (*found, lower_lr(case), *longer_if_short(case))


def lower_lr(case: Case) -> Remedy:
    """A third of the learning rate."""
    lr = case.recipe["lr"] / 3
    return Remedy("lower_lr", "lower the learning rate to a third", f"recipe.lr={lr:.1g}")


def higher_lr(case: Case) -> Remedy:
    """A learning rate that moves something."""
    words = "give the encoder a learning rate that moves it, such as 2e-5"
    setting = None if case.recipe["lr"] >= 2e-5 else "recipe.lr=2e-5"
    return Remedy("higher_lr", words, setting)


def longer(case: Case) -> Remedy:
    """More steps: three times as many, and the paper's 20 epochs where there were 3."""
    epochs, steps = case.recipe["epochs"], case.record.total_steps
    setting = f"recipe.epochs={max(20, 3 * epochs):g}" if epochs else f"recipe.steps={3 * steps}"
    return Remedy(
        "longer",
        f"train longer: {steps} steps are few, and longer training is steadier (Mosbach et al. "
        "2021, section 5)"
        if steps < FEW_STEPS
        else "train longer",
        setting,
    )


def longer_if_short(case: Case) -> tuple[Remedy, ...]:
    """``longer`` where a run has fewer steps than those that the paper found steady."""
    return (longer(case),) if case.record.total_steps < FEW_STEPS else ()
