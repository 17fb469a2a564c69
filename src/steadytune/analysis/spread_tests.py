"""Tests of spread: do the runs of two recipes vary equally much?

This is the claim of Mosbach et al. (2021, table 1), who test it by Levene's test. Runs that are
normally distributed are rare, so the forms here measure from the median.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from steadytune.analysis import arrangements
from steadytune.analysis.estimators import Estimate, std
from steadytune.analysis.intervals import Numbers, bootstrap_interval
from steadytune.analysis.test_result import TestResult

_CLOSE = 1e-9  # statistics that differ by less, relatively, are the same but for rounding
_ENOUGH = 100  # arrangements beyond the observed one with which p is known well
_AT_ONCE = 2000  # arrangements


def brown_forsythe_statistic(a: Numbers, b: Numbers) -> Numbers:
    """(...,) F of Brown & Forsythe (1974) for samples (..., n) and (..., m).

    An analysis of variance of the distances from each sample's median. NaN where neither sample
    varies, infinite where distances differ between the samples only.
    """
    distances = [np.abs(x - np.median(x, axis=-1, keepdims=True)) for x in (a, b)]
    sizes = [x.shape[-1] for x in distances]
    means = [x.mean(axis=-1) for x in distances]
    overall = (sizes[0] * means[0] + sizes[1] * means[1]) / sum(sizes)
    between = sum(n * (one - overall) ** 2 for n, one in zip(sizes, means, strict=True))
    within = sum(
        ((x - one[..., None]) ** 2).sum(axis=-1) for x, one in zip(distances, means, strict=True)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(between * (sum(sizes) - 2) / within)


def brown_forsythe_p(a: Numbers, b: Numbers) -> Numbers:
    """(...,) p-values of ``brown_forsythe_statistic``; 1 where neither sample varies."""
    f = brown_forsythe_statistic(a, b)
    p = stats.f.sf(f, 1, a.shape[-1] + b.shape[-1] - 2)
    return np.where(np.isnan(f), 1.0, p)


def brown_forsythe(
    a: Numbers, b: Numbers, *, comparisons: int = 1, permutation_seed: int = 0
) -> TestResult:
    """Brown-Forsythe: Levene's test from the medians, with the larger of two p-values.

    That of the F distribution is far too small where runs fail, the more so in a family, which
    asks for small p-values. That of permuting the runs, the statistic computed anew, is exact for
    recipes that do not differ, whatever their runs do, but wrong for recipes of unlike means.
    """
    f = float(brown_forsythe_statistic(a, b))
    by_f = float(brown_forsythe_p(a, b))
    permuted = 1.0 if np.isnan(f) else _permuted_p(a, b, f, comparisons, permutation_seed)
    return TestResult("Brown-Forsythe", f, max(by_f, permuted))


def _permuted_p(a: Numbers, b: Numbers, f: float, comparisons: int, permutation_seed: int) -> float:
    """Share of arrangements with an F as large; of drawn ones no more than it takes to know it."""
    n, m = len(a), len(b)
    values, beyond, drawn = np.concatenate([a, b]), 0, 0
    for batch in range(arrangements.batches(n, m, comparisons)):
        of_a, of_b = arrangements.places(n, m, permutation_seed, batch)
        for start in range(0, len(of_a), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found = brown_forsythe_statistic(values[of_a[part]], values[of_b[part]])
            beyond += int(np.count_nonzero(found >= f * (1 - _CLOSE)))
            drawn += len(found)
            if beyond >= _ENOUGH and not arrangements.every(n, m):
                return arrangements.p_value(beyond, drawn, n, m)
    return arrangements.p_value(beyond, drawn, n, m)


def mean_distance(values: Numbers, axis: int = -1) -> Numbers:
    """Mean distance of the runs from their median, which Brown-Forsythe compares."""
    middle = np.median(values, axis=axis, keepdims=True)
    return np.asarray(np.mean(np.abs(values - middle), axis=axis))


def distance_ratio(a: Numbers, b: Numbers, bootstrap_seed: int = 0) -> Estimate:
    """Mean distance from the median of ``a`` over that of ``b``, with its bootstrap interval."""
    interval, method = bootstrap_interval([a, b], _distance_ratio, bootstrap_seed) or (None, None)
    value = float(_distance_ratio(a, b))
    return Estimate("distance_ratio", value, interval, method, min(len(a), len(b)))


def _distance_ratio(a: Numbers, b: Numbers, *, axis: int = -1) -> Numbers:
    return _ratio(mean_distance(a, axis), mean_distance(b, axis))


def std_ratio(a: Numbers, b: Numbers, *, axis: int = -1) -> Numbers:
    """Standard deviation of ``a`` over that of ``b``; 1 where neither varies."""
    return _ratio(std(a, axis), std(b, axis))


def _ratio(of_a: Numbers, of_b: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = of_a / of_b
    return np.where(np.isnan(ratio), 1.0, ratio)


def std_ratio_estimate(a: Numbers, b: Numbers, bootstrap_seed: int = 0) -> Estimate:
    """The ratio with its bootstrap interval; ``n`` is the smaller number of runs."""
    n = min(len(a), len(b))
    if n < 2:
        return Estimate("std_ratio", None, None, None, n)
    interval, method = bootstrap_interval([a, b], std_ratio, bootstrap_seed) or (None, None)
    return Estimate("std_ratio", float(std_ratio(a, b)), interval, method, n)
