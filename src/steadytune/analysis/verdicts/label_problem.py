"""Label or data problem: what can be learned from the training split is not what dev asks.

Three signs. All training labels are the same. Or the training loss falls far below chance while dev
predictions have nothing to do with dev labels: a label column that was shuffled against the texts
is learned by heart and helps nowhere. Or the loss stays at chance through many steps although the
gradient does not vanish: there is nothing in the texts that the labels follow from.

Predictions that do go together with the labels, on too few examples to beat the majority class,
are another case: see ``not_generalizing``.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from steadytune.analysis.cautions import FEW_STEPS
from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Evidence, Finding
from steadytune.analysis.verdicts.remedies import CHECK_LABELS, MORE_DATA
from steadytune.analysis.verdicts.vanishing_gradients import at_chance, vanishing_gradients

LEARNED = 0.5  # share of the chance loss below which the training split counts as learned
LEVEL = 0.05  # of the test whether predictions and labels go together
NO_LOSS = 0.01  # a constant prediction has this training loss only where all labels are the same


def constant_labels(case: Case) -> Finding | None:
    """All training labels are the same."""
    level = case.curves.get("chance_loss/level")
    if level is not None:
        found, evidence = level.values[-1] == 0, Evidence("loss of a constant prediction", 0.0)
    else:
        loss = case.loss_between(0.9, 1)
        found = case.constant and loss < NO_LOSS
        evidence = Evidence("training loss of a run that predicts a constant", loss, NO_LOSS)
    if not found:
        return None
    return Finding(
        cause="label_problem",
        sentence="all training labels are the same, so there is nothing to learn but a constant",
        evidence=(evidence,),
        onset=1,
        remedies=(CHECK_LABELS,),
    )


def unrelated_labels(case: Case) -> Finding | None:
    """The training split is learned by heart, or not at all, and dev shows no trace of it."""
    chance, tail = case.chance, case.loss_between(0.9, 1)
    together = association(case)
    if together is None or not together > LEVEL:
        return None
    evidence = [
        Evidence("mean training loss of the last tenth", tail, LEARNED * chance),
        Evidence("loss of a constant prediction", chance),
        Evidence("p of predictions and labels going together on dev", together, LEVEL),
    ]
    if tail < LEARNED * chance:
        sentence = (
            "the training examples were learned by heart, but what was learned says nothing about "
            "dev: the labels do not belong to the texts, or dev is of another kind"
        )
    elif at_chance(case) and len(case.losses) >= FEW_STEPS and not vanishing_gradients(case):
        sentence = (
            f"{len(case.losses)} steps with a gradient that did not vanish left the training loss "
            "at chance: the labels do not follow from the texts"
        )
    else:
        return None
    return Finding("label_problem", sentence, tuple(evidence), _onset(case), (CHECK_LABELS,))


def not_generalizing(case: Case) -> Finding | None:
    """The training split is learned, dev predictions go together with the labels, too weakly."""
    chance, tail = case.chance, case.loss_between(0.9, 1)
    together = association(case)
    if together is None or together > LEVEL or not tail < LEARNED * chance:
        return None
    return Finding(
        cause="not_generalizing",
        sentence=(
            "the training examples were learned, and dev predictions have something to do with the "
            "labels, but not enough to be better than a constant"
        ),
        evidence=(
            Evidence("mean training loss of the last tenth", tail, LEARNED * chance),
            Evidence("p of predictions and labels going together on dev", together, LEVEL),
        ),
        onset=_onset(case),
        remedies=(MORE_DATA,),
    )


def association(case: Case) -> float | None:
    """P of dev predictions and labels being independent; 1 where either is constant.

    Pearson's chi-squared of the contingency table for classes, Spearman's test for scores.
    """
    if case.predictions is None:
        return None
    labels, predicted = case.predictions.labels, case.predictions.predictions
    if len(np.unique(labels)) == 1 or len(np.unique(predicted)) == 1:
        return 1.0
    if case.record.task.label_names is None:
        return float(stats.spearmanr(labels, predicted).pvalue)
    table = stats.contingency.crosstab(labels, predicted).count
    return float(stats.chi2_contingency(np.asarray(table), correction=False).pvalue)


def _onset(case: Case) -> int | None:
    """The first step whose loss is below what counts as learned."""
    below = np.flatnonzero(case.losses < LEARNED * case.chance)
    return int(below[0]) + 1 if len(below) else None
