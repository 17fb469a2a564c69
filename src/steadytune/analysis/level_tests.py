"""Level: by how much one recipe is better, and how often a run of it beats a run of the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadytune.analysis.estimators import Estimate, mean
from steadytune.analysis.intervals import Numbers, bootstrap_interval, wilson


def mean_difference(
    a: Numbers, b: Numbers, *, paired: bool = False, bootstrap_seed: int = 0
) -> Estimate:
    """Mean of ``a`` less mean of ``b`` with its bootstrap interval, over pairs where paired."""
    n = min(len(a), len(b))
    if n == 0:
        return Estimate("mean_difference", None, None, None, 0)
    value = float(mean(a) - mean(b))
    if paired:
        found = bootstrap_interval([a - b], mean, bootstrap_seed)
    else:
        found = bootstrap_interval([a, b], _difference, bootstrap_seed)
    interval, method = found or (None, None)
    return Estimate("mean_difference", value, interval, method, n)


def probability_of_improvement(
    tasks: Sequence[tuple[Numbers, Numbers]], *, paired: bool = False, bootstrap_seed: int = 0
) -> Estimate:
    """Chance that a run of the first recipe beats one of the second, ties counted half.

    Mann & Whitney's U / (n m), averaged over tasks, runs resampled within each task and recipe
    (Agarwal et al. 2021, section 4.3); paired: the share of seeds it wins on (Bouthillier et al.
    2021, who call it meaningful from 0.75 on).

    Args:
        tasks: (n,) and (m,) values of the two recipes on each task, more being better.
        paired: values of one place share their seeds.
        bootstrap_seed: decides the resamples.

    Where one recipe wins throughout, resamples know of nothing else: the interval is Wilson's of
    so many wins in as many runs as the smaller sample has.
    """
    n = min((len(x) for pair in tasks for x in pair), default=0)
    if n == 0:
        return Estimate("probability_of_improvement", None, None, None, 0)
    samples = [_wins(a, b) for a, b in tasks] if paired else [x for pair in tasks for x in pair]
    statistic = _mean_share if paired else _mean_superiority
    value = float(statistic(*samples))
    found = bootstrap_interval(samples, statistic, bootstrap_seed, method="percentile")
    interval, method = found or (None, None)
    if interval is not None and interval[0] == interval[1]:  # won, or lost, without exception
        runs = sum(min(len(a), len(b)) for a, b in tasks)
        interval, method = wilson(round(value * runs), runs), "Wilson"
    return Estimate("probability_of_improvement", value, interval, method, n)


def _difference(a: Numbers, b: Numbers, axis: int = -1) -> Numbers:
    return np.asarray(np.mean(a, axis=axis) - np.mean(b, axis=axis))


def _mean_share(*wins: Numbers, axis: int = -1) -> Numbers:
    return np.mean([np.mean(one, axis=axis) for one in wins], axis=0)


def _mean_superiority(*values: Numbers, axis: int = -1) -> Numbers:
    pairs = zip(values[::2], values[1::2], strict=True)
    return np.mean([_superiority(a, b) for a, b in pairs], axis=0)


def _superiority(a: Numbers, b: Numbers) -> Numbers:
    """(...,) U / (n m) of samples (..., n) and (..., m)."""
    return np.mean(_wins(a[..., :, None], b[..., None, :]), axis=(-1, -2))


def _wins(a: Numbers, b: Numbers) -> Numbers:
    return (np.sign(a - b) + 1) / 2
