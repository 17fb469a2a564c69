"""Noise of a finite dev set: how far scores of equally good models differ by chance alone.

A dev set of 277 examples cannot tell models apart whose accuracies differ by two points. What is
here says how much of a spread over seeds that alone accounts for. S is the number of runs, N of
examples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.estimators import Estimate
from steadytune.analysis.intervals import Numbers, bootstrap_interval


def binomial_std(accuracy: float, examples: int) -> float:
    """Std of an accuracy if every example were won with the same chance: sqrt(a (1 - a) / N).

    It is also the standard error of one model's accuracy as a measure of that on all examples that
    there could be. Over seeds it is the most that a finite dev set can account for: examples that
    every run gets right or wrong add nothing.
    """
    return float(np.sqrt(accuracy * (1 - accuracy) / examples))


@dataclass(frozen=True)
class NoiseSplit:
    """The spread of accuracy over runs, split in two; squares add up.

    Attributes:
        total: std of the accuracy, ddof = 1.
        examples: the part from examples that flip independently of each other, which goes to
            zero as the dev set grows.
        models: the part from runs that are better or worse over all: the square root of the mean
            covariance of two examples over runs; 0 where that is negative.
        models_share: the share of the variance that is the models', below 0 by chance.
    """

    total: Estimate
    examples: Estimate
    models: Estimate
    models_share: Estimate


def noise_split(correct: NDArray[np.bool_]) -> NoiseSplit:
    """Test-set noise against differences between models, from predictions.

    Var(accuracy) = (sum of the examples' variances + sum of their covariances) / N^2 (Zhou et al.
    2020, equation 2), all of them over runs with ddof = 1.

    Args:
        correct: (S, N) whether a run is right on an example.
    """
    runs, examples = correct.shape
    right = correct.astype(np.float64)
    accuracy = right.mean(axis=1)
    together = right @ right.T  # (S, S) examples that both runs get right

    def parts(chosen: Numbers) -> tuple[Numbers, Numbers]:
        """(...,) variance of the accuracy and the examples' part, of (..., S) chosen runs."""
        index = chosen.astype(np.intp)
        n = index.shape[-1]
        total = accuracy[index].var(axis=-1, ddof=1)
        # sum over examples of p (1 - p), where p is the share of chosen runs that are right
        sum_p2 = together[index[..., :, None], index[..., None, :]].sum(axis=(-1, -2)) / n**2
        sum_p = accuracy[index].mean(axis=-1) * examples
        return total, (sum_p - sum_p2) * n / (n - 1) / examples**2

    def of(what: str) -> Estimate:
        def statistic(chosen: Numbers, axis: int = -1) -> Numbers:
            return _part(what, *parts(np.moveaxis(chosen, axis, -1)))

        if runs < 2:
            return Estimate(what, None, None, None, runs)
        everyone = np.arange(runs, dtype=np.float64)
        found = bootstrap_interval([everyone], statistic)
        interval, method = found or (None, None)
        return Estimate(what, float(statistic(everyone)), interval, method, runs)

    return NoiseSplit(*(of(what) for what in ("total", "examples", "models", "models_share")))


def _part(what: str, total: Numbers, examples: Numbers) -> Numbers:
    if what == "models_share":
        empty = np.zeros_like(total)
        return np.divide(total - examples, total, out=empty, where=total > 0)
    variance = {"total": total, "examples": examples, "models": total - examples}[what]
    return np.sqrt(np.maximum(variance, 0))
