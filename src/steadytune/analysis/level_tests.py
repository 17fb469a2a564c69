"""Tests of level: is one recipe better than another?

Of the mean by permutation, of the ranks by Mann & Whitney and by Wilcoxon; the chance that a run of
one beats a run of the other. Paired forms are for runs that share their seeds, and with them the
initial weights and the order of the data.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from steadytune.analysis.estimators import Estimate, mean
from steadytune.analysis.intervals import Numbers, bootstrap_interval, wilson
from steadytune.analysis.test_result import TestResult

PERMUTATIONS = 9999  # drawn where there are more; with fewer, all of them
_CLOSE = 1e-9  # statistics that differ by less, relatively, are the same but for rounding


def permutation(a: Numbers, b: Numbers, permutation_seed: int = 0) -> TestResult:
    """Permutation test of the difference of means, by Welch's t (Janssen 1997).

    Dividing by the standard error keeps the error rate where the recipes differ in spread, as they
    do here, and not only where the null hypothesis is that they are equal in everything. The
    statistic is Welch's t, infinite where neither sample varies.
    """
    values = np.concatenate([a, b])
    values = values - values.mean()
    chosen = _halves(len(a), len(b), permutation_seed)
    t = _welch(values, values**2, chosen)
    observed = np.concatenate([np.ones(len(a)), np.zeros(len(b))])[None]
    found = float(_welch(values, values**2, observed)[0])
    every = len(chosen) == math.comb(len(values), len(a))
    return TestResult("permutation", found, _share_beyond(t, found, every))


def paired_permutation(a: Numbers, b: Numbers, permutation_seed: int = 0) -> TestResult:
    """Permutation test of the mean difference of pairs: signs of the differences are flipped.

    The statistic is the mean difference. All 2^n flips are made where they are few.
    """
    differences = a - b
    signs = _signs(len(differences), permutation_seed)
    found = float(differences.mean())
    means = signs @ differences / len(differences)
    return TestResult(
        "paired permutation", found, _share_beyond(means, found, len(signs) == 2 ** len(a))
    )


def smallest_p(arrangements: int) -> float:
    """The least p-value that a permutation test of so many arrangements of the runs can have."""
    return 2 / arrangements if arrangements <= PERMUTATIONS else 1 / (PERMUTATIONS + 1)


def mann_whitney(a: Numbers, b: Numbers) -> TestResult:
    """Mann-Whitney U, two-sided; exact for few runs without ties. The statistic is U of ``a``."""
    if np.ptp(np.concatenate([a, b])) == 0:
        return TestResult("Mann-Whitney", len(a) * len(b) / 2, 1.0)
    found = stats.mannwhitneyu(a, b)
    return TestResult("Mann-Whitney", float(found.statistic), float(found.pvalue))


def wilcoxon(a: Numbers, b: Numbers) -> TestResult:
    """Wilcoxon's signed-rank test of pairs, zeros ranked by Pratt's way; two-sided."""
    differences = a - b
    if not np.any(differences):
        return TestResult("Wilcoxon", 0.0, 1.0)
    has_ties = len(np.unique(np.abs(differences))) < len(differences) or 0 in differences
    method = "exact" if len(differences) <= 50 and not has_ties else "approx"
    found = stats.wilcoxon(differences, zero_method="pratt", method=method)
    return TestResult("Wilcoxon", float(found.statistic), float(found.pvalue))


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


def _share_beyond(drawn: Numbers, observed: float, every: bool) -> float:
    """Two-sided p-value; among drawn ones the observed counts too (Phipson & Smyth 2010)."""
    beyond = int(np.count_nonzero(np.abs(drawn) >= abs(observed) * (1 - _CLOSE)))
    return beyond / len(drawn) if every else (beyond + 1) / (len(drawn) + 1)


def _welch(values: Numbers, squares: Numbers, chosen: Numbers) -> Numbers:
    """(P,) Welch's t of values that each row of (P, n + m) ``chosen`` gives to the first sample."""
    n = int(chosen[0].sum())
    m = len(values) - n
    first, first_squares = chosen @ values, chosen @ squares
    second, second_squares = values.sum() - first, squares.sum() - first_squares
    # values are centered, so nothing cancels but for rounding, which is set to zero
    scatter = np.stack([first_squares - first**2 / n, second_squares - second**2 / m])
    scatter[scatter < squares.sum() * 1e-12] = 0
    error = np.sqrt(scatter[0] / (n * max(n - 1, 1)) + scatter[1] / (m * max(m - 1, 1)))
    difference = first / n - second / m
    difference[np.abs(difference) < 1e-12 * math.sqrt(float(squares.sum()))] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / error
    return np.where(np.isnan(t), 0.0, t)


@functools.lru_cache(maxsize=16)
def _halves(n: int, m: int, permutation_seed: int) -> Numbers:
    """(P, n + m) ones where a value goes to the first sample: all ways, or PERMUTATIONS of them."""
    total = n + m
    if math.comb(total, n) <= PERMUTATIONS:
        places = np.array(list(itertools.combinations(range(total), n)))
    else:
        rng = np.random.default_rng([permutation_seed, n, m])
        places = np.argsort(rng.random((PERMUTATIONS, total)), axis=1)[:, :n]
    chosen = np.zeros((len(places), total))
    np.put_along_axis(chosen, places, 1.0, axis=1)
    chosen.flags.writeable = False
    return chosen


@functools.lru_cache(maxsize=16)
def _signs(n: int, permutation_seed: int) -> Numbers:
    """(P, n) of +1 and -1: all ways, or PERMUTATIONS of them."""
    if 2**n <= PERMUTATIONS:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    else:
        rng = np.random.default_rng([permutation_seed, n])
        signs = rng.integers(0, 2, (PERMUTATIONS, n)) * 2.0 - 1
    signs.flags.writeable = False
    return signs.astype(np.float64)
