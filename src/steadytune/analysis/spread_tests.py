"""Tests of spread: do the runs of two recipes vary equally much?

This is the claim of Mosbach et al. (2021, table 1), who test it by Levene's test. Runs that are
normally distributed are rare, so the forms here measure from the median.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from steadytune.analysis.estimators import Estimate, std
from steadytune.analysis.intervals import Numbers, bootstrap_interval
from steadytune.analysis.test_result import TestResult


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


def brown_forsythe(a: Numbers, b: Numbers) -> TestResult:
    """Brown-Forsythe: Levene's test from the medians, robust to distributions that are not normal.

    It keeps its error rate well for few runs and for two modes (see docs/statistics.md).
    """
    f = float(brown_forsythe_statistic(a, b))
    return TestResult("Brown-Forsythe", f, float(brown_forsythe_p(a, b)))


def levene(a: Numbers, b: Numbers) -> TestResult:
    """Levene's test from the means, to compare with papers that report it.

    Not for runs of two modes: there it finds a difference in one of five studies where there is
    none (see docs/statistics.md). ``compare`` asks Brown-Forsythe.
    """
    if np.ptp(a) == np.ptp(b) == 0:
        return TestResult("Levene", None, 1.0)
    found = stats.levene(a, b, center="mean")
    return TestResult("Levene", float(found.statistic), float(found.pvalue))


def fligner_killeen(a: Numbers, b: Numbers) -> TestResult:
    """Fligner-Killeen: on normal scores of the ranks of the distances from the medians.

    Hardly moved by single runs far away, and so blind to a recipe of which only one run failed.
    """
    if np.ptp(np.abs(np.concatenate([x - np.median(x) for x in (a, b)]))) == 0:
        return TestResult("Fligner-Killeen", None, 1.0)
    found = stats.fligner(a, b, center="median")
    return TestResult("Fligner-Killeen", float(found.statistic), float(found.pvalue))


def std_ratio(a: Numbers, b: Numbers, *, axis: int = -1) -> Numbers:
    """Standard deviation of ``a`` over that of ``b``; 1 where neither varies."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = std(a, axis) / std(b, axis)
    return np.where(np.isnan(ratio), 1.0, ratio)


def std_ratio_estimate(a: Numbers, b: Numbers, bootstrap_seed: int = 0) -> Estimate:
    """The ratio with its bootstrap interval; ``n`` is the smaller number of runs."""
    n = min(len(a), len(b))
    if n < 2:
        return Estimate("std_ratio", None, None, None, n)
    interval, method = bootstrap_interval([a, b], std_ratio, bootstrap_seed) or (None, None)
    return Estimate("std_ratio", float(std_ratio(a, b)), interval, method, n)
