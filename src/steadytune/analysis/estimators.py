"""Estimators: the numbers that describe the runs of a cell, each with its n and its interval.

Every statistic takes values of shape (..., n), works along the last axis and is a fraction where
the metric is one. Standard deviations have ddof = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from steadytune.analysis.intervals import (
    Interval,
    Numbers,
    Statistic,
    bootstrap_interval,
    wilson,
)
from steadytune.errors import BadInput


@dataclass(frozen=True)
class Estimate:
    """One number from runs.

    Attributes:
        what: its name. value: of the n runs at hand; None where n is too small for it.
        interval: 95 % interval; None where there is none. method: what made the interval.
        n: runs that the value is of.
        caution: a sentence about an interval that cannot be taken at its word.
    """

    what: str
    value: float | None
    interval: Interval | None
    method: str | None
    n: int
    caution: str | None = None


def mean(values: Numbers, axis: int = -1) -> Numbers:
    """Mean."""
    return np.asarray(np.mean(values, axis=axis))


def std(values: Numbers, axis: int = -1) -> Numbers:
    """Standard deviation with ddof = 1; just 0 for equal values, which rounding would hide."""
    found = np.std(values, axis=axis, ddof=1)
    return np.where(np.ptp(values, axis=axis) == 0, 0.0, found)


def median(values: Numbers, axis: int = -1) -> Numbers:
    """Median."""
    return np.asarray(np.median(values, axis=axis))


def minimum(values: Numbers, axis: int = -1) -> Numbers:
    """Worst run of a metric of which more is better."""
    return np.asarray(np.min(values, axis=axis))


def maximum(values: Numbers, axis: int = -1) -> Numbers:
    """Best run of a metric of which more is better."""
    return np.asarray(np.max(values, axis=axis))


def iqm(values: Numbers, axis: int = -1) -> Numbers:
    """Interquartile mean: of what is left without the lowest and the highest quarter.

    Floor(n / 4) runs go on either side (Agarwal et al. 2021). It does not see failed runs while
    they are fewer than a quarter: report their share beside it.
    """
    return np.asarray(stats.trim_mean(values, 0.25, axis=axis))


STATISTICS: dict[str, Statistic] = {
    "mean": mean,
    "std": std,
    "median": median,
    "iqm": iqm,
    "min": minimum,
    "max": maximum,
}
ENOUGH = 25  # runs from which on 95 % intervals are nearly that, rare failures or not
BEST_OF = 5  # a usual number of seeds to take the best of
_EXTREMES = ("min", "max")  # resamples never go beyond them: BCa has nothing to correct


def estimate(what: str, values: Numbers, bootstrap_seed: int = 0) -> Estimate:
    """One of STATISTICS of (n,) values, with its bootstrap interval.

    The interval of ``min`` and ``max`` ends at the observed extreme, whatever further runs would
    bring; ``expected_max`` is the number to report.
    """
    statistic = STATISTICS[what]
    least = 2 if what == "std" else 1
    value = float(statistic(values)) if len(values) >= least else None
    found = bootstrap_interval(
        [values],
        statistic,
        bootstrap_seed,
        method="percentile" if what in _EXTREMES else "BCa",
    )
    interval, method = found or (None, None)
    caution = interval_caution(what, len(values)) if interval else None
    return Estimate(what, value, interval, method, len(values), caution)


def interval_caution(what: str, n: int) -> str | None:
    """What to say of a bootstrap interval of one of STATISTICS from n runs; None if it is good.

    By simulation: see docs/statistics.md for how often intervals hold the truth.
    """
    if what in _EXTREMES:
        return f"the interval of the {what} ends at the run observed: further runs may go beyond"
    if what == "std" and n < ENOUGH:
        return (
            f"the interval of a standard deviation of {n} runs is too narrow: 95 % is about 70 % "
            "for 5 runs and 87 % for 10, and less where a failure is rare"
        )
    if what == "mean" and n < ENOUGH:
        return (
            f"a failure as rare as 1 in 10 is missed by {100 * 0.9**n:.0f} % of studies of {n} "
            "runs, and then the interval of their mean does not know of it; without failures 95 % "
            "is about 92 % for 5 runs"
        )
    return None


def estimates(values: Numbers, failed: NDArray[np.bool_]) -> dict[str, Estimate]:
    """Everything about (n,) values of which (n,) ``failed`` did not learn, by name.

    The STATISTICS over all runs; ``failed_share`` with its Wilson interval; ``successful_mean`` and
    ``successful_std`` of the runs that did not fail, which mean something only beside that share;
    ``expected_max`` of BEST_OF runs.
    """
    found = {what: estimate(what, values) for what in STATISTICS}
    found["failed_share"] = failed_share(failed)
    for what in ("mean", "std"):
        found[f"successful_{what}"] = successful(what, values, failed)
    found["expected_max"] = expected_max_estimate(values, min(BEST_OF, len(values)))
    return found


def failed_share(failed: NDArray[np.bool_]) -> Estimate:
    """Share of failed runs with its Wilson interval."""
    n, count = len(failed), int(np.count_nonzero(failed))
    return Estimate("failed_share", count / n if n else None, wilson(count, n), "Wilson", n)


def successful(what: str, values: Numbers, failed: NDArray[np.bool_]) -> Estimate:
    """One of STATISTICS of the runs that did not fail; ``n`` is how many these are.

    Its std is the spread that is left when collapsed runs are recognized and repeated.
    """
    found = estimate(what, values[~failed])
    return replace(found, what=f"successful_{what}")


def stratified(
    what: str, strata: Sequence[Numbers], *, pooled: bool = False, bootstrap_seed: int = 0
) -> Estimate:
    """One of STATISTICS over several tasks, runs resampled within each (Agarwal et al. 2021).

    Args:
        what: a key of STATISTICS.
        strata: (n_k,) values of each task.
        pooled: of all runs of all tasks together, as for rliable's IQM, in place of the mean over
            tasks of each task's statistic.
        bootstrap_seed: decides the resamples.
    """
    statistic = STATISTICS[what]

    def of_pool(*samples: Numbers, axis: int = -1) -> Numbers:
        return statistic(np.concatenate(samples, axis=axis), axis=axis)

    def of_each(*samples: Numbers, axis: int = -1) -> Numbers:
        return np.mean([statistic(sample, axis=axis) for sample in samples], axis=0)

    combined = of_pool if pooled else of_each
    n = sum(len(sample) for sample in strata)
    if not strata or min(len(sample) for sample in strata) < 2:
        return Estimate(what, None, None, None, n)
    found = bootstrap_interval(strata, combined, bootstrap_seed)
    interval, method = found or (None, None)
    return Estimate(what, float(combined(*strata)), interval, method, n)


def expected_max(values: Numbers, draws: int, *, replacement: bool = False) -> Numbers:
    """Expected best of ``draws`` runs, from the n runs at hand, along the last axis.

    Without replacement it is unbiased for ``draws`` <= n (Tang et al. 2020): the i-th smallest
    value is the largest of a subset with chance C(i-1, draws-1) / C(n, draws). With replacement it
    is the estimator of Dodge et al. (2019), sum of v_i ((i/n)^draws - ((i-1)/n)^draws), which
    reads too low, the more so the closer ``draws`` comes to n.

    Raises:
        BadInput: ``draws`` is below 1, or above n without replacement.
    """
    n = int(values.shape[-1])
    if draws < 1 or (draws > n and not replacement):
        raise BadInput(
            f"the expected maximum of {draws} runs cannot be told from {n} runs; ask for 1 to {n}"
        )
    rank = np.arange(1, n + 1, dtype=np.int_)
    if replacement:
        weights = (rank / n) ** draws - ((rank - 1) / n) ** draws
    else:
        weights = np.exp(_log_binomial(rank - 1, draws - 1) - _log_binomial(n, draws))
    return np.asarray(np.sort(values, axis=-1) @ weights)


def _log_binomial(n: NDArray[np.integer[Any]] | int, k: int) -> Numbers:
    """Logarithm of "n choose k", minus infinity where k > n."""
    top = np.asarray(n, dtype=np.float64)
    inside = np.maximum(top - k, 0) + 1
    value = special.gammaln(top + 1) - special.gammaln(k + 1) - special.gammaln(inside)
    return np.where(top >= k, value, -np.inf)


def expected_max_curve(values: Numbers, *, replacement: bool = False) -> Numbers:
    """(..., n) expected best of 1, 2, ..., n runs, from (..., n) values."""
    counts = range(1, values.shape[-1] + 1)
    found = [expected_max(values, k, replacement=replacement) for k in counts]
    return np.stack(found, axis=-1) if found else np.zeros(values.shape)


def expected_max_estimate(values: Numbers, draws: int, *, replacement: bool = False) -> Estimate:
    """``expected_max`` of (n,) values with its bootstrap interval."""

    def statistic(sample: Numbers, axis: int = -1) -> Numbers:
        return expected_max(np.moveaxis(sample, axis, -1), draws, replacement=replacement)

    if not len(values):
        return Estimate("expected_max", None, None, None, 0)
    found = bootstrap_interval([values], statistic, method="percentile")
    interval, method = found or (None, None)
    value = float(expected_max(values, draws, replacement=replacement))
    return Estimate("expected_max", value, interval, method, len(values))
