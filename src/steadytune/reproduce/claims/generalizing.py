"""Generalization: training loss against dev accuracy, spread against chance (figure 8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from steadytune.figures.generalization import LEAST_LOSS, Generalization, floor, generalization_data
from steadytune.reproduce.claims._claim import (
    Claim,
    Finding,
    Measured,
    Verdict,
    by_threshold,
    decided,
    told,
    undecided,
)
from steadytune.reproduce.evidence import Evidence
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.summary import bootstrap

LEAST = 20  # runs of a scatter
LEAST_SPREAD = 5
CLEARLY = 1.2  # times the spread of chance
LATE = 0.3
MOST_LOSS = 2.0  # points of accuracy a decade of loss that may go unnoticed
FITTED = 0.5  # of the loss of guessing: below it a run has fitted the training set
BIN = 1.0  # decades of training loss
COMPARABLE = 0.5
Floats = NDArray[np.float64]


def _fitted(evidence: Evidence) -> tuple[Generalization, Floats, Floats] | None:
    """The scatter; log10 of the training loss and dev accuracy x 100 of the runs that fitted.

    Those that are still about to learn would have any accuracy fall with the loss.
    """
    panels = generalization_data(evidence.ablation())
    if not panels:
        return None
    panel = panels[0]
    fitted = panel.learned & (panel.losses < -FITTED * np.log(panel.majority / 100))
    losses = np.log10(np.maximum(panel.losses[fitted], LEAST_LOSS))
    return panel, losses, panel.accuracies[fitted]


def _no_overfitting(evidence: Evidence) -> Finding:
    found = _fitted(evidence)
    n = 0 if found is None else len(found[1])
    if found is None or n < LEAST:
        return undecided(evidence, "ablation", f"it takes {LEAST} runs that fitted", n=n)
    _, x, y = found
    if np.ptp(x) == 0:
        return undecided(evidence, "ablation", "all training losses are alike", n=n)
    line = stats.linregress(x, y)
    reach = float(stats.t.ppf(0.975, n - 2) * line.stderr)
    slope = Measured(float(line.slope), (float(line.slope - reach), float(line.slope + reach)))
    verdict = Verdict.UNDECIDED
    if slope.interval[0] > 0:
        verdict = Verdict.REFUTED
    elif slope.interval[1] < MOST_LOSS:
        verdict = Verdict.CONFIRMED
    measured = f"dev accuracy x 100 a decade of training loss: {told(slope)}; losses from "
    measured += f"{10 ** x.min():.1e} to {10 ** x.max():.1e}"
    return decided(evidence, "ablation", slope, verdict, measured, n)


def _beyond_chance(evidence: Evidence) -> Finding:
    found = _fitted(evidence)
    n = 0 if found is None else len(found[1])
    if found is None or n < LEAST_SPREAD:
        return undecided(evidence, "ablation", "it takes runs that fitted", n=n)
    panel, losses, accuracies = found
    decades = np.floor(losses / BIN)
    fullest = float(stats.mode(decades).mode)
    x, y = losses[decades == fullest], accuracies[decades == fullest]
    if len(y) < LEAST_SPREAD:
        why = f"no decade of training loss holds {LEAST_SPREAD} runs"
        return undecided(evidence, "ablation", why, n=n)
    chance = 100 * floor(float(np.median(y)) / 100, panel.examples)
    residuals = _about_its_line(x, y)
    interval = bootstrap(residuals, _std)
    spread = None if interval is None else Measured(float(_std(residuals)), interval)
    where = f"10^{fullest:.0f} to 10^{fullest + 1:.0f}"
    measured = f"SD of dev accuracy x 100 about its line on losses of {where}: {told(spread)}; "
    measured += f"chance alone (sqrt(err / 2N)) {chance:.2f}"
    verdict = by_threshold(spread, CLEARLY * chance)
    return decided(evidence, "ablation", spread, verdict, measured, len(y))


def _about_its_line(x: Floats, y: Floats) -> Floats:
    """What a straight line on x leaves of y, scaled to the variance that it left, unbiased."""
    if np.ptp(x) == 0:
        return y - y.mean()
    line = stats.linregress(x, y)
    scale = np.sqrt((len(y) - 1) / (len(y) - 2))
    return (y - line.intercept - line.slope * x) * scale


def _std(x: Floats, axis: int = -1) -> Floats:
    return np.std(x, axis=axis, ddof=1)


def _moves_late(evidence: Evidence) -> Finding:
    cell = evidence.cell(evidence.cast.proposed, evidence.cast.scale.main)
    within = _late_spreads(evidence, cell)
    last = [
        record.last.metrics[record.task.report]["accuracy"]
        for record in cell.records
        if outcome(record) is Outcome.SUCCESS and record.last
    ]
    n = len(within)
    if n < LEAST_SPREAD:
        why = f"it takes {LEAST_SPREAD} successful runs of the proposed recipe with 3 late checks"
        return undecided(evidence, "generalization", why, n=n)
    across = float(np.std(last, ddof=1))
    if across == 0:
        return undecided(evidence, "generalization", "all runs end at the same accuracy", n=n)
    values = np.array(within) / across
    interval = bootstrap(values, lambda x, axis=-1: np.mean(x, axis=axis))
    found = None if interval is None else Measured(float(values.mean()), interval)
    measured = "SD within a run over its last 30 % of evaluations, over SD across runs "
    measured += f"({100 * across:.2f} points): {told(found)}"
    verdict = by_threshold(found, COMPARABLE)
    return decided(evidence, "generalization", found, verdict, measured, n)


def _late_spreads(evidence: Evidence, cell: Condition) -> list[float]:
    found = list[float]()
    for record in cell.records:
        if outcome(record) is not Outcome.SUCCESS:
            continue
        rows = [
            row.metrics["accuracy"]
            for row in evidence.source.evaluations(record.id)
            if row.split == record.task.report and row.step > (1 - LATE) * record.total_steps
        ]
        if len(rows) >= 3:
            found.append(float(np.std(rows, ddof=1)))
    return found


CLAIMS = (
    Claim(
        "C22",
        "Long training does not overfit: dev accuracy does not fall as the training loss does.",
        "figure 8 b: 450 runs, losses down to 1e-5",
        "slope of dev accuracy x 100 on log10(training loss) over the runs that fitted the "
        "training set (loss below half of guessing): refuted if its interval is above 0, "
        "confirmed if it is below 2",
        ("ablation",),
        _no_overfitting,
    ),
    Claim(
        "C23",
        "Runs of equal training loss differ clearly in dev accuracy.",
        "59 to 73 % on RTE; but N = 277 alone gives an SD of 2.4",
        "SD about a line on log10(training loss), in the fullest decade of the runs that fitted, "
        "above 1.2 times sqrt(err / 2N)",
        ("ablation",),
        _beyond_chance,
    ),
    Claim(
        "C25",
        "Dev accuracy still fluctuates within a run late in training.",
        "figure 8 a: 65 to 73 % until it tightens to 69 to 71 %",
        "mean SD within a run over the last 30 % above half the SD across runs",
        ("generalization",),
        _moves_late,
    ),
)
