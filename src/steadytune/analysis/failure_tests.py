"""Tests of failures: does one recipe fail more often than another?"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from steadytune.analysis.estimators import Estimate
from steadytune.analysis.intervals import Numbers, wilson
from steadytune.analysis.test_result import TestResult
from steadytune.errors import BadInput

_GRID = np.concatenate([np.geomspace(1e-4, 0.02, 20), np.linspace(0.025, 0.5, 180)])
MOST = 200  # runs a recipe that the table of Barnard's test is made for
_TABLED = 40  # runs a recipe up to which a whole table is as quick as one pair of counts
MOST_EXACT = 2000  # runs a recipe for which it is computed at all, one pair of counts at a time


def barnard(failed_a: int, n_a: int, failed_b: int, n_b: int) -> TestResult:
    """Barnard's exact test with the pooled Wald statistic (Barnard 1947; Suissa & Shuster 1985).

    It fixes the number of runs of each recipe only, as a study does, and so finds more than
    Fisher's test, which fixes the number of failures too.

    Raises:
        BadInput: more than MOST_EXACT runs a recipe; Fisher's test serves there.
    """
    statistic = float(_wald(n_a, n_b)[failed_a, failed_b])
    if max(n_a, n_b) <= _TABLED:
        return TestResult("Barnard", statistic, float(barnard_table(n_a, n_b)[failed_a, failed_b]))
    if max(n_a, n_b) > MOST_EXACT:
        raise BadInput(
            f"Barnard's test of {n_a} and {n_b} runs: at most {MOST_EXACT} a recipe; use Fisher's"
        )
    return TestResult("Barnard", statistic, _barnard_p(abs(statistic), n_a, n_b))


def failure_test(failed_a: int, n_a: int, failed_b: int, n_b: int) -> TestResult:
    """Barnard's test, or with more than MOST_EXACT runs a recipe Fisher's, which is near it there.

    The name in the result says which.
    """
    test = barnard if max(n_a, n_b) <= MOST_EXACT else fisher
    return test(failed_a, n_a, failed_b, n_b)


def fisher(failed_a: int, n_a: int, failed_b: int, n_b: int) -> TestResult:
    """Fisher's exact test, two-sided. The statistic is the odds ratio of the sample."""
    table = np.array([[failed_a, n_a - failed_a], [failed_b, n_b - failed_b]])
    found = stats.fisher_exact(table)
    odds = float(found.statistic)
    return TestResult("Fisher", odds if math.isfinite(odds) else None, float(found.pvalue))


def mcnemar(failed_a: NDArray[np.bool_], failed_b: NDArray[np.bool_]) -> TestResult:
    """McNemar's exact test for runs that are paired by their seeds.

    It asks whether, of the seeds that fail with one recipe only, as many fail with either. The
    statistic is how many fail with the first only.
    """
    only_a = int(np.count_nonzero(failed_a & ~failed_b))
    only_b = int(np.count_nonzero(failed_b & ~failed_a))
    p = float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return TestResult("McNemar", only_a, p)


def share_difference(failed_a: int, n_a: int, failed_b: int, n_b: int) -> Estimate:
    """Failed share of the first less that of the second, with Newcombe's interval.

    Newcombe (1998), method 10: made from the two Wilson intervals.
    """
    of_a, of_b = wilson(failed_a, n_a), wilson(failed_b, n_b)
    n = min(n_a, n_b)
    if of_a is None or of_b is None:
        return Estimate("failed_share_difference", None, None, None, n)
    a, b = failed_a / n_a, failed_b / n_b
    low = a - b - math.hypot(a - of_a[0], of_b[1] - b)
    high = a - b + math.hypot(of_a[1] - a, b - of_b[0])
    return Estimate("failed_share_difference", a - b, (low, high), "Newcombe", n)


@functools.lru_cache(maxsize=32)
def barnard_table(n_a: int, n_b: int) -> Numbers:
    """(n_a + 1, n_b + 1) p-value of every pair of failure counts.

    For each table the chance of one at least as extreme, at the common failure rate where that is
    largest. Rates above one half are those below with failures and successes exchanged.

    Raises:
        BadInput: more than MOST runs a recipe.
    """
    if max(n_a, n_b) > MOST:
        raise BadInput(
            f"Barnard's test of {n_a} and {n_b} runs: at most {MOST} a recipe; use Fisher's test"
        )
    extreme = np.round(np.abs(_wald(n_a, n_b)), 10).ravel()  # equals must stay equal
    order = np.argsort(-extreme)
    last_equal = np.searchsorted(-extreme[order], -extreme, side="right") - 1
    worst = np.zeros(len(extreme))
    for rate in np.concatenate([_GRID, 1 - _GRID]):
        of_a = stats.binom.pmf(np.arange(n_a + 1), n_a, rate)
        of_b = stats.binom.pmf(np.arange(n_b + 1), n_b, rate)
        reached = np.cumsum(np.outer(of_a, of_b).ravel()[order])[last_equal]
        np.maximum(worst, reached, out=worst)
    found = np.minimum(worst, 1).reshape(n_a + 1, n_b + 1)
    found[0, 0] = found[n_a, n_b] = 1.0
    found.flags.writeable = False
    return found


@functools.lru_cache(maxsize=32)
def fisher_table(n_a: int, n_b: int) -> Numbers:
    """(n_a + 1, n_b + 1) two-sided p-value of Fisher's test of every pair of failure counts."""
    a, b = np.arange(n_a + 1)[:, None], np.arange(n_b + 1)
    log_chance = _log_choose(n_a, a) + _log_choose(n_b, b) - _log_choose(n_a + n_b, a + b)
    chance = np.exp(log_chance)
    found = np.empty((n_a + 1, n_b + 1))
    for total in range(n_a + n_b + 1):
        rows = np.arange(max(0, total - n_b), min(n_a, total) + 1)
        given = chance[rows, total - rows]
        as_rare = given[None, :] <= given[:, None] * (1 + 1e-7)  # as scipy and R decide equality
        found[rows, total - rows] = np.minimum(as_rare @ given, 1)
    found.flags.writeable = False
    return found


def _barnard_p(least: float, n_a: int, n_b: int) -> float:
    """The largest chance, over common failure rates, of a statistic of at least ``least``.

    For every count of the first recipe, counts of the second that are as extreme lie at both ends.
    """
    if least == 0:
        return 1.0
    extreme = np.abs(_wald(n_a, n_b)) >= least - 1e-10
    low = np.cumprod(extreme, axis=1).sum(axis=1)  # counts 0, ..., low - 1 are
    high = np.where(low > n_b, 0, np.cumprod(extreme[:, ::-1], axis=1).sum(axis=1))

    def chance(rates: Numbers) -> Numbers:
        of_a: Numbers = np.asarray(stats.binom.pmf(np.arange(n_a + 1), n_a, rates[:, None]))
        of_b: Numbers = np.asarray(stats.binom.cdf(np.arange(-1, n_b + 1), n_b, rates[:, None]))
        return np.sum(of_a * (of_b[:, low] + 1 - of_b[:, n_b + 1 - high]), axis=1)

    rates = np.concatenate([_GRID, 1 - _GRID[::-1]])
    found = chance(rates)
    best = int(found.argmax())  # between its neighbours lies the peak
    ends = (float(rates[max(best - 1, 0)]), float(rates[min(best + 1, len(rates) - 1)]))
    peak = float(chance(np.linspace(*ends, 50)).max())
    return min(1.0, max(float(found[best]), peak))


def _wald(n_a: int, n_b: int) -> Numbers:
    """(n_a + 1, n_b + 1) difference of the shares over its pooled standard error; 0 for 0/0."""
    a, b = np.arange(n_a + 1)[:, None], np.arange(n_b + 1)
    pooled = (a + b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    difference = a / n_a - b / n_b
    return np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)


def _log_choose(n: int, k: NDArray[np.int_]) -> Numbers:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
