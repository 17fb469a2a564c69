"""Two groups of runs: differences and ratios with 95 % intervals, each group resampled alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.intervals import Statistic, wilson

RESAMPLES = 4000
Numbers = NDArray[np.float64]


class Between(NamedTuple):
    """A difference or a ratio, and its 95 % interval."""

    value: float
    interval: tuple[float, float]


def share_difference(first: tuple[int, int], second: tuple[int, int]) -> Between | None:
    """First minus second share, each (count, n): Newcombe's interval (1998, method 10).

    None where a group is empty.
    """
    one, other = wilson(*first), wilson(*second)
    if one is None or other is None:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    low = np.hypot(p - one[0], other[1] - q)
    high = np.hypot(one[1] - p, q - other[0])
    return Between(p - q, (float(p - q - low), float(p - q + high)))


def mean_difference(first: Numbers, second: Numbers, bootstrap_seed: int = 0) -> Between | None:
    """First minus second mean, percentile bootstrap; None where a group has fewer than 2 runs."""
    if min(len(first), len(second)) < 2:
        return None
    means = [
        _resampled(values, np.mean, bootstrap_seed + place)
        for place, values in enumerate((first, second))
    ]
    return Between(float(first.mean() - second.mean()), _central(means[0] - means[1]))


def std_ratio(first: Numbers, second: Numbers, bootstrap_seed: int = 0) -> Between | None:
    """First over second standard deviation (ddof = 1), percentile bootstrap.

    None where a group has fewer than 3 runs, or where all its runs are alike.
    """
    if min(len(first), len(second)) < 3 or not (np.ptp(first) > 0 and np.ptp(second) > 0):
        return None
    stds = [
        _resampled(values, _std, bootstrap_seed + place)
        for place, values in enumerate((first, second))
    ]
    both = (stds[0] > 0) & (stds[1] > 0)  # resamples of one value alone have no spread
    ratio = stds[0][both] / stds[1][both]
    return Between(float(np.std(first, ddof=1) / np.std(second, ddof=1)), _central(ratio))


def paired_difference(differences: Numbers, bootstrap_seed: int = 0) -> Between | None:
    """Mean of the differences of pairs, percentile bootstrap over pairs; None below 2 pairs."""
    if len(differences) < 2:
        return None
    return Between(
        float(differences.mean()), _central(_resampled(differences, np.mean, bootstrap_seed))
    )


def explained(values: Numbers, groups: NDArray[np.int64]) -> float:
    """Share of the variance that lies between groups (eta squared); 0 where nothing varies."""
    total = float(((values - values.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    within = sum(
        float(((values[groups == g] - values[groups == g].mean()) ** 2).sum())
        for g in np.unique(groups)
    )
    return 1 - within / total


def _std(values: Numbers, axis: int = -1) -> Numbers:
    return np.asarray(np.std(values, axis=axis, ddof=1))


def _resampled(values: Numbers, statistic: Statistic, seed: int) -> Numbers:
    draw = np.random.default_rng(seed)
    chosen = draw.integers(0, len(values), (RESAMPLES, len(values)))
    return np.asarray(statistic(values[chosen], axis=1), dtype=np.float64)


def _central(values: Numbers) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
