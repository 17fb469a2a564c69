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


def fragile(recipe: Recipe, total_steps: int, task: str) -> list[str]:
    """Why a recipe is likely to give failed runs on a task, one sentence a reason.

    Args:
        recipe: what is to be run.
        total_steps: optimizer steps that it makes on the task.
        task: what the task is called.
    """
    name, found = recipe.name, list[str]()
    if not recipe.bias_correction and not recipe.fold_bias_correction:
        found.append(
            f"{name}: no bias correction, so the first updates are several times too large; "
            "with bias_correction=true fewer runs fail (Mosbach et al. 2021, section 6)"
        )
    if recipe.warmup == 0:
        found.append(f"{name}: no warm-up; warmup=0.1 is the usual remedy for runs that collapse")
    if total_steps < FEW_STEPS:
        found.append(
            f"{name} on {task}: {total_steps} steps are few; longer training is steadier, such as "
            "20 epochs in place of 3 (Mosbach et al. 2021, section 5)"
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
                f"{where}: every run collapsed (n = {len(outcomes)}); however small their spread, "
                "none of them learned anything"
            )
        elif len(outcomes) > 1 and np.ptp(scores(cell)) == 0 and _same_losses(cell):
            found.append(
                f"{where}: all {len(outcomes)} seeds gave the same result; they may be one run "
                "repeated: check that the seeds differ in what they reach"
            )
        barely = [r for r in cell.records if outcome(r) is Outcome.SUCCESS and _barely(r)]
        if barely:
            found.append(
                f"{where}: of {outcomes.count(Outcome.SUCCESS)} successful runs {len(barely)} "
                f"{'is' if len(barely) == 1 else 'are'} not certainly better than the majority "
                "class (binomial test, p > 0.05)"
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
