"""Cautions: sentences that a person should read beside the numbers.

Before a study runs: recipes that are known to be fragile. Afterwards: results that look steady
and are not, because nothing was learned or because the seeds changed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import scores
from steadytune.recipe import Recipe
from steadytune.records import RunRecord

SURE = 0.05  # of the test whether an accuracy is above the majority class's
FEW_STEPS = 1000  # fewer optimizer steps than this is where Mosbach et al. saw runs fail


def overshoot(betas: Sequence[float]) -> float:
    """How much larger the largest early update is without bias correction, as a factor.

    The maximum over steps t of (1 - b1^t) / sqrt(1 - b2^t): 6.6 for betas of 0.9 and 0.999, 1.6
    for 0.9 and 0.98.
    """
    t = np.arange(1, 1001)
    with np.errstate(divide="ignore"):
        return float(np.max((1 - betas[0] ** t) / np.sqrt(1 - betas[1] ** t)))


def longer_training(epochs: float | None, steps: int) -> tuple[str, str]:
    """A longer training than so many epochs, or steps where a recipe counts those.

    Twice as long, and the 20 epochs of Mosbach et al. (2021) where that is less.

    Returns:
        The ``--set`` of it, and words such as ``20 epochs in place of 3``.
    """
    if epochs is None:
        return f"recipe.steps={2 * steps}", f"{2 * steps} steps in place of {steps}"
    more = max(20.0, 2 * epochs)
    return f"recipe.epochs={more:g}", f"{more:g} epochs in place of {epochs:g}"


def fragile(recipe: Recipe, total_steps: int, task: str) -> list[str]:
    """Why a recipe is likely to give failed runs on a task, one sentence a reason.

    Args:
        recipe: what is to be run.
        total_steps: optimizer steps that it makes on the task.
        task: what the task is called.
    """
    name, found = recipe.name, list[str]()
    larger = overshoot(recipe.betas)
    if not recipe.bias_correction and not recipe.fold_bias_correction and larger > 1:
        found.append(
            f"{name}: no bias correction, so the first updates are up to {larger:.1f} times too "
            "large; fewer runs fail with --set recipe.bias_correction=true (Mosbach et al. 2021, "
            "section 6)"
        )
    if recipe.warmup == 0:
        found.append(f"{name}: no warm-up; fewer runs collapse with --set recipe.warmup=0.1")
    if total_steps < FEW_STEPS:
        setting, _ = longer_training(recipe.epochs, total_steps)
        length = "" if recipe.epochs is None else f" ({recipe.epochs:g} epochs)"
        found.append(
            f"{name} on {task}: only {total_steps} steps{length}; longer training is steadier: try "
            f"--set {setting} (Mosbach et al. 2021, section 5)"
        )
    return found


def suspicious(cells: Sequence[Cell]) -> list[str]:
    """Which cells' numbers must not be taken at face value, one sentence each."""
    found = list[str]()
    for cell in cells:
        where = f"{cell.recipe} on {cell.task} ({cell.encoder})"
        outcomes = [outcome(r) for r in cell.records if r.state.ended]
        if outcomes and Outcome.SUCCESS not in outcomes:
            found.append(
                f"{where}: {'the only run' if len(outcomes) == 1 else f'all {len(outcomes)} runs'}"
                " failed: a small std is no sign of stability here"
            )
        elif len(outcomes) > 1 and np.ptp(scores(cell)) == 0 and _same_losses(cell):
            found.append(
                f"{where}: all {len(outcomes)} seeds gave the same result; they may be one run "
                "repeated: check that the seeds differ in what they reach"
            )
        barely = [r for r in cell.records if outcome(r) is Outcome.SUCCESS and _barely(r)]
        if barely:
            good = outcomes.count(Outcome.SUCCESS)
            which = "its one successful run" if good == 1 else f"{len(barely)} of {good} successes"
            found.append(
                f"{where}: {which} {'is' if len(barely) == 1 else 'are'} not significantly better "
                "than always predicting the majority class (binomial test, p > 0.05)"
            )
    return found


def majority_p(record: RunRecord) -> float | None:
    """P of so good an accuracy at the end by the majority class's chance; None for scores."""
    split = record.task.report
    accuracy = record.last.metrics[split].get("accuracy") if record.last else None
    if accuracy is None:
        return None
    n = record.task.dev_examples[split]
    right = round(accuracy * n)
    return float(stats.binomtest(right, n, record.majority, alternative="greater").pvalue)


def _barely(record: RunRecord) -> bool:
    p = majority_p(record)
    return p is not None and p > SURE


def _same_losses(cell: Cell) -> bool:
    losses = {record.train_loss for record in cell.records if record.state.ended}
    return len(losses) == 1
