"""Remedies: what to change first, from the recipe that a run had.

A remedy never asks for what the recipe has already, and a number in it is always one that the
recipe does not have: larger where more is advised, smaller where less is.
"""

from __future__ import annotations

from steadytune.analysis.cautions import FEW_STEPS, longer_training, overshoot
from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Remedy

# Adam moves a weight by at most about its learning rate a step; weights are some hundredths.
REACH = 1e-4  # sum of the learning rates of all steps below which nothing moves
USUAL_LR = 2e-5  # of the encoders here; a third of the rates that work is the least step upward

CHECK_LABELS = Remedy(
    "check_labels",
    "look at twenty training examples with their labels: is the label column the right one, and "
    "is it in the order of the texts?",
)
MORE_DATA = Remedy(
    "more_data",
    "more training examples, or an encoder that is pretrained further: the training set is "
    "learned by heart",
)


def against_collapse(case: Case) -> tuple[Remedy, ...]:
    """What keeps runs from collapsing, the strongest published remedy that is not in use first."""
    recipe, found = case.recipe, list[Remedy]()
    larger = overshoot(recipe["betas"])
    if not recipe["bias_correction"] and not recipe.get("fold_bias_correction") and larger > 1:
        found.append(
            Remedy(
                "bias_correction",
                "turn on Adam's bias correction: without it the first updates are up to "
                f"{larger:.1f} times as large (Mosbach et al. 2021, section 6)",
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
        words = f"clip the gradient's norm at {recipe['max_grad_norm']:g}"
        found.append(Remedy("clip", words, "recipe.clip=global"))
    return (*found, *lower_lr(case), *longer_if_short(case))


def lower_lr(case: Case) -> tuple[Remedy, ...]:
    """A third of the learning rate, unless so low a rate would move nothing."""
    lr = case.recipe["lr"] / 3
    if lr * case.record.total_steps / 2 < REACH:  # a schedule's mean is about half of its peak
        return ()
    words = "lower the learning rate to a third"
    return (Remedy("lower_lr", words, f"recipe.lr={lr:.2g}"),)


def higher_lr(case: Case) -> Remedy:
    """A learning rate that moves something: the usual one, or three times a larger one."""
    lr = max(USUAL_LR, 3 * case.recipe["lr"])
    words = f"raise the learning rate to {lr:.2g}, so that the encoder moves"
    return Remedy("higher_lr", words, f"recipe.lr={lr:.2g}")


def longer(case: Case) -> Remedy:
    """More steps: at least twice as many, and the paper's 20 epochs where there were fewer."""
    recipe, steps = case.recipe, case.record.total_steps
    setting, words = longer_training(recipe["epochs"], steps)
    why = ""
    if steps < FEW_STEPS:
        why = (
            f": {steps} steps are few, and longer training is steadier (Mosbach et al. 2021, "
            "section 5)"
        )
    return Remedy("longer", f"train for {words}{why}", setting)


def longer_if_short(case: Case) -> tuple[Remedy, ...]:
    """``longer`` where a run has fewer steps than those that the paper found steady."""
    return (longer(case),) if case.record.total_steps < FEW_STEPS else ()
