"""Multi-Bootstrap: would the difference hold with other seeds and on other examples?

Sellam et al. (2022): runs and examples are drawn with replacement at once, the same examples for
both recipes, and the same runs too where the recipes share their seeds. S is the number of runs, N
of examples, K of classes, R of resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.intervals import CONFIDENCE, RESAMPLES, Interval, Numbers, outside
from steadytune.metrics import METRICS

Predicted = NDArray[Any]  # classes as integers, or scores
SLOW_RESAMPLES = 500  # the default of Sellam et al.; for metrics that go one run at a time


@dataclass(frozen=True)
class SeedsAndExamples:
    """The difference of two recipes, seeds and examples both being random.

    Attributes:
        difference: mean metric of the first less that of the second, turned so that more is better.
        interval: 95 % percentile interval, its levels widened for few runs (see ``intervals``).
        std: of the resampled differences; seeds_only, examples_only: when the other is held fixed.
        runs: of the two recipes. examples: N.
    """

    difference: float
    interval: Interval
    std: float
    seeds_only: float
    examples_only: float
    runs: tuple[int, int]
    examples: int


def multi_bootstrap(
    a: Predicted,
    b: Predicted,
    labels: Predicted,
    metric: str,
    *,
    paired: bool = True,
    bootstrap_seed: int = 0,
) -> SeedsAndExamples:
    """Compare two recipes by the predictions of their runs.

    Args:
        a: (S_a, N) predicted classes or scores.
        b: (S_b, N) those of the other recipe.
        labels: (N,).
        metric: a key of METRICS.
        paired: row i of ``a`` and ``b`` share their seeds; S_a = S_b.
        bootstrap_seed: decides the resamples.
    """
    if paired and len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} runs are not pairs")
    scores, resamples = scorer(metric, labels, a, b)
    rng = np.random.default_rng(bootstrap_seed)
    of_a = _drawn(len(a), resamples, rng)
    of_b = of_a if paired else _drawn(len(b), resamples, rng)
    of_examples = _drawn(len(labels), resamples, rng)
    all_examples = np.ones((1, len(labels)))
    fixed_a, fixed_b = scores(all_examples)
    per_a, per_b = scores(of_examples)
    sign = 1.0 if METRICS[metric].higher_is_better else -1.0

    drawn = sign * (_mean(of_a, per_a) - _mean(of_b, per_b))
    seeds_only = _mean(of_a, fixed_a) - _mean(of_b, fixed_b)
    examples_only = per_a.mean(axis=1) - per_b.mean(axis=1)
    tail = outside(CONFIDENCE, (len(a), len(b)))
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return SeedsAndExamples(
        difference=sign * float(fixed_a.mean() - fixed_b.mean()),
        interval=(float(low), float(high)),
        std=float(drawn.std(ddof=1)),
        seeds_only=float(seeds_only.std(ddof=1)),
        examples_only=float(examples_only.std(ddof=1)),
        runs=(len(a), len(b)),
        examples=len(labels),
    )


def _drawn(n: int, resamples: int, rng: np.random.Generator) -> Numbers:
    """(R, n) how often each of n is drawn."""
    chosen = rng.integers(0, n, (resamples, n)) + n * np.arange(resamples)[:, None]
    found = np.bincount(chosen.ravel(), minlength=n * resamples)
    return found.reshape(resamples, n).astype(np.float64)


def _mean(weights: Numbers, scores: Numbers) -> Numbers:
    """(R,) weighted means of (R or 1, S) scores."""
    return np.sum(weights * scores, axis=1) / weights.sum(axis=1)


Scores = Callable[[Numbers], tuple[Numbers, Numbers]]


def scorer(metric: str, labels: Predicted, a: Predicted, b: Predicted) -> tuple[Scores, int]:
    """What turns (R, N) weights of examples into (R, S) metrics of both recipes, and a fitting R.

    Metrics of classes are functions of the weighted confusion table, made for all resamples at once
    by matrix products; metrics of scores are computed one resample and run at a time.
    """
    if METRICS[metric].kind == "classes":
        classes = np.unique(np.concatenate([labels.ravel(), a.ravel(), b.ravel()]))
        from_table = _FROM_TABLE[metric]

        def by_table(weights: Numbers) -> tuple[Numbers, Numbers]:
            tables = (confusion(labels, x, classes, weights) for x in (a, b))
            of_a, of_b = (from_table(table, classes) for table in tables)
            return of_a, of_b

        return by_table, RESAMPLES

    function = METRICS[metric].function

    def one_by_one(weights: Numbers) -> tuple[Numbers, Numbers]:
        places = [np.repeat(np.arange(len(labels)), row.astype(np.intp)) for row in weights]
        of_a, of_b = (
            np.array([[function(labels[at], run[at]) for run in x] for at in places], np.float64)
            for x in (a, b)
        )
        return of_a, of_b

    return one_by_one, SLOW_RESAMPLES


def confusion(
    labels: Predicted, predictions: Predicted, classes: Predicted, weights: Numbers
) -> Numbers:
    """(R, S, K, K) weight of each label (down) and prediction (across).

    Args:
        labels: (N,).
        predictions: (S, N).
        classes: (K,) all that occur.
        weights: (R, N).
    """
    k = len(classes)
    table = np.empty((len(weights), len(predictions), k, k))
    for j, predicted in enumerate(classes):
        hit = (predictions == predicted).astype(np.float64)
        for i, label in enumerate(classes):
            table[:, :, i, j] = weights @ (hit * (labels == label)).T
    return table


def _accuracy(table: Numbers, classes: Predicted) -> Numbers:
    return np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-1, -2))


def _each_f1(table: Numbers) -> tuple[Numbers, Numbers]:
    """(..., K) F1 of each class, and how often it occurs as label or prediction."""
    occurs = table.sum(axis=-1) + table.sum(axis=-2)
    hit = 2 * np.diagonal(table, axis1=-2, axis2=-1)
    return np.divide(hit, occurs, out=np.zeros_like(occurs), where=occurs > 0), occurs


def _f1(table: Numbers, classes: Predicted) -> Numbers:
    at = np.flatnonzero(classes == 1)
    return _each_f1(table)[0][..., at[0]] if len(at) else np.zeros(table.shape[:-2])


def _macro_f1(table: Numbers, classes: Predicted) -> Numbers:
    f1, occurs = _each_f1(table)
    return np.asarray(f1.sum(axis=-1) / np.count_nonzero(occurs, axis=-1))


def _accuracy_and_f1(table: Numbers, classes: Predicted) -> Numbers:
    return (_accuracy(table, classes) + _f1(table, classes)) / 2


def _matthews(table: Numbers, classes: Predicted) -> Numbers:
    labels, predictions = table.sum(axis=-1), table.sum(axis=-2)
    total = table.sum(axis=(-1, -2))
    right = np.trace(table, axis1=-2, axis2=-1)
    covariance = right * total - np.sum(labels * predictions, axis=-1)
    variances = (total**2 - np.sum(x**2, axis=-1) for x in (labels, predictions))
    scale = np.sqrt(np.prod(list(variances), axis=0))
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)


_FROM_TABLE: dict[str, Callable[[Numbers, Predicted], Numbers]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "accuracy_and_f1": _accuracy_and_f1,
    "matthews": _matthews,
}
