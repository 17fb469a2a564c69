"""The rule by which a run counts as failed: no better than a constant, in its task's own terms.

Where classes are balanced, accuracy is asked, as Mosbach et al. (2021, after Dodge et al. 2020) do.
Where one class dominates, a useful model can be less accurate than its constant prediction: one
that finds 20 of 25 positives among 500 texts at 60 false alarms has 87 % where the constant has
95 %. There Matthews' correlation (MCC) is asked, with a test: it is 0 in expectation for
predictions that have nothing to do with the labels, however the classes are shared out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ask = Literal["auto", "accuracy", "mcc"]
_SAME = 1e-6  # metrics that differ by less are of the same confusion table


@dataclass(frozen=True)
class FailureRule:
    """When predictions of classes are no better than a constant; scores are asked their error.

    Attributes:
        ask: ``accuracy``, ``mcc``, or ``auto``: MCC where one class holds more than ``dominant``
            of the dev split, accuracy elsewhere.
        dominant: that share.
        level: of the one-sided test that MCC is above 0, for two classes exact.
        rough_level: of the test for more classes. It is a normal approximation, which is too eager
            where a class is rare, so it is asked more.
    """

    ask: Ask = "auto"
    dominant: float = 0.8
    level: float = 0.05
    rough_level: float = 0.001

    def asks_mcc(self, majority: float) -> bool:
        """Whether MCC decides where the majority class holds this share."""
        return self.ask == "mcc" or (self.ask == "auto" and majority > self.dominant)


RULE = FailureRule()


def no_better_than_constant(
    measured: Mapping[str, float],
    baseline: Mapping[str, float],
    constant: bool,
    *,
    classes: int | None,
    examples: int,
    rule: FailureRule = RULE,
) -> bool:
    """Whether predictions are no better than a constant one: what makes a run a failed run.

    A constant prediction never is, and neither are metrics that are not finite. Accuracy is asked
    also where the headline metric is another (a collapsed MRPC run has an F1 of 0.81), and where
    MCC would be asked but was not recorded.

    Args:
        measured: metrics of the predictions.
        baseline: those of the majority class, or of the mean.
        constant: whether all predictions are the same.
        classes: number of classes; None where labels are scores.
        examples: of the split.
        rule: see FailureRule.
    """
    if constant:
        return True
    if classes is None:
        return not measured["mean_squared_error"] < baseline["mean_squared_error"]
    if "matthews" in measured and rule.asks_mcc(baseline["accuracy"]):
        return not _above_zero(measured, baseline["accuracy"], classes, examples, rule)
    return not measured["accuracy"] > baseline["accuracy"]


def _above_zero(
    measured: Mapping[str, float], majority: float, classes: int, examples: int, rule: FailureRule
) -> bool:
    """Whether MCC is significantly above 0."""
    mcc = measured["matthews"]
    if not mcc > 0:
        return False
    p = None
    if classes == 2:
        p = fisher_p(mcc, measured["accuracy"], majority, examples)
    return p <= rule.level if p is not None else normal_p(mcc, examples) <= rule.rough_level


def fisher_p(mcc: float, accuracy: float, majority: float, examples: int) -> float | None:
    """One-sided p-value of Fisher's exact test of two classes against independence.

    A record holds no confusion table, but accuracy, MCC and the share of the majority class leave
    one only: the accuracy gives the number of errors, MCC their split into the two kinds. None
    where no table has these metrics; of several the largest p.

    Args:
        mcc: Matthews' correlation.
        accuracy: share predicted right.
        majority: share of the more frequent class.
        examples: N.
    """
    frequent = round(majority * examples)
    rare, errors = examples - frequent, examples - round(accuracy * examples)
    missed = np.arange(max(0, errors - frequent), min(errors, rare) + 1)  # rare, called frequent
    found = rare - missed
    called = found + errors - missed  # predicted to be of the rare class
    with np.errstate(divide="ignore", invalid="ignore"):
        of_each = (found * (frequent - errors + missed) - (errors - missed) * missed) / np.sqrt(
            float(rare) * frequent * called * (examples - called)
        )
    same = np.flatnonzero(np.abs(of_each - mcc) < _SAME)
    if not len(same):
        return None
    return max(_at_least(int(found[i]), int(called[i]), rare, examples) for i in same)


def normal_p(mcc: float, examples: int) -> float:
    """One-sided p-value of MCC by a normal approximation of its permutation distribution.

    Over permutations of the labels its mean is 0 and its variance 1 / (N - 1) for two classes, and
    at most that for more: MCC is the correlation of two sets of class indicators.
    """
    return math.erfc(mcc * math.sqrt((examples - 1) / 2)) / 2


def _at_least(found: int, called: int, rare: int, examples: int) -> float:
    """Hypergeometric chance that ``called`` of N hold at least ``found`` of the ``rare`` ones."""
    counts = np.arange(found, min(called, rare) + 1)
    chance = _log_choose(rare, counts) + _log_choose(examples - rare, called - counts)
    total = _log_choose(examples, np.array([called]))
    return float(min(np.exp(chance - total).sum(), 1.0))


def _log_choose(n: int, k: NDArray[np.int_]) -> NDArray[np.float64]:
    return np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k])


def in_words(majority: float | None, rule: FailureRule = RULE) -> str:
    """What counts as failed, for a caption.

    Args:
        majority: accuracy of the majority class; None where labels are scores.
        rule: see FailureRule.
    """
    if majority is None:
        return "squared error not below that of predicting the mean"
    if rule.asks_mcc(majority):
        why = f"one class holds more than {100 * rule.dominant:g} %" if rule.ask == "auto" else ""
        return (
            f"Matthews' correlation not significantly above 0 (one-sided, p > {rule.level:g}"
            f"{'; ' + why if why else ''}), or a constant prediction"
        )
    return "accuracy not above that of the majority class, or a constant prediction"
