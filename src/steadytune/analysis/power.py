"""Power: how many seeds does a question need, and what could the seeds that were run have shown?

Two recipes with as many runs each. ``alpha`` is the two-sided error rate of the test, 0.05 over the
comparisons of a family (Bonferroni, which asks for somewhat more than Holm); power the chance that
the test finds a difference that is there. This is the one model of the tests of ``compare`` and of
the report that advice on seeds and ``steadytune power`` use: where a test of so few runs cannot
have a p-value below alpha, its power is 0.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import optimize, stats

from steadytune.analysis.arrangements import can_reject
from steadytune.analysis.failure_tests import MOST, barnard_table
from steadytune.analysis.intervals import Numbers
from steadytune.analysis.spread_tests import brown_forsythe_p

ALPHA, POWER = 0.05, 0.8
SIMULATIONS = 4000  # standard error of a power of 0.8: 0.6 points


def mean_power(
    difference: float, std_a: float, std_b: float, runs: int, *, alpha: float = ALPHA
) -> float:
    """Power of the permutation test of means, for normal scores: nearly that of Welch's t test.

    Below 7 runs and alpha = 0.01 it promises up to 9 points too much (docs/statistics.md).
    """
    if not can_reject(runs, runs, alpha):
        return 0.0
    of_a, of_b = std_a**2, std_b**2
    square = of_a + of_b
    if square <= 0:
        return 1.0 if difference else alpha
    freedom = square**2 / (of_a**2 + of_b**2) * (runs - 1)
    shift = difference * math.sqrt(runs / square)
    critical = float(stats.t.isf(alpha / 2, freedom))
    if abs(shift) > critical + 8:  # scipy's noncentral t gives up far out
        return 1.0
    right = float(stats.nct.sf(critical, freedom, abs(shift)))
    wrong = float(stats.nct.cdf(-critical, freedom, abs(shift))) if abs(shift) < 4 else 0.0
    return right + wrong


def spread_power(ratio: float, runs: int, *, alpha: float = ALPHA, power_seed: int = 0) -> float:
    """Power of Brown-Forsythe for a ratio of standard deviations, for normal scores, simulated."""
    if not can_reject(runs, runs, alpha):
        return 0.0
    rng = np.random.default_rng([power_seed, runs])
    a, b = rng.standard_normal((2, SIMULATIONS, runs))
    return float(np.mean(brown_forsythe_p(a * ratio, b) < alpha))


def failure_power(share_a: float, share_b: float, runs: int, *, alpha: float = ALPHA) -> float:
    """Power of Barnard's test for two failed shares, exact."""
    counts = np.arange(runs + 1)
    of_a, of_b = (stats.binom.pmf(counts, runs, share) for share in (share_a, share_b))
    return float(of_a @ (barnard_table(runs, runs) < alpha) @ of_b)


def pilot_power(
    question: Literal["level", "spread"],
    a: Numbers,
    b: Numbers,
    runs: int,
    *,
    alpha: float = ALPHA,
    power_seed: int = 0,
) -> float:
    """Power with ``runs`` seeds if further runs are like those of a pilot study, simulated.

    For scores that no normal distribution describes, such as those of recipes of which some runs
    fail. The pilot's (n,) and (m,) values are drawn with replacement, so its own error is in it.
    """
    if not can_reject(runs, runs, alpha):
        return 0.0
    rng = np.random.default_rng([power_seed, runs])
    drawn_a, drawn_b = (rng.choice(x, (SIMULATIONS, runs)) for x in (a, b))
    test = brown_forsythe_p if question == "spread" else welch_p
    return float(np.mean(test(drawn_a, drawn_b) < alpha))


def welch_p(a: Numbers, b: Numbers) -> Numbers:
    """(...,) p-values of Welch's t test of samples (..., n) and (..., m); 1 for equal constants."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of samples that do not vary
        p = np.asarray(stats.ttest_ind(a, b, axis=-1, equal_var=False).pvalue)
    return np.where(np.isnan(p), 1.0, p)


def seeds_for(
    power_of: Callable[[int], float], *, power: float = POWER, least: int = 3, most: int = MOST
) -> int | None:
    """Fewest runs a recipe with which ``power_of`` them reaches ``power``; None above ``most``.

    >>> seeds_for(lambda runs: mean_power(1.0, 1.0, 1.0, runs))
    17
    """
    if power_of(most) < power:
        return None
    low, high = least - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high


def detectable_difference(
    std_a: float,
    std_b: float,
    runs: int,
    *,
    alpha: float = ALPHA,
    power: float = POWER,
) -> float | None:
    """Smallest difference of means that ``runs`` seeds a recipe find with the given power.

    None where so few runs find none, however large; 0 where no run differs from another.
    """
    if not can_reject(runs, runs, alpha):
        return None
    scale = math.hypot(std_a, std_b)
    if scale == 0:
        return 0.0

    def missing(effect: float) -> float:
        return mean_power(effect * scale, std_a, std_b, runs, alpha=alpha) - power

    return scale * float(optimize.brentq(missing, 1e-6, 1e3, xtol=1e-4))


def detectable_ratio(runs: int, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Smallest ratio of standard deviations, above 1, that is found; None where 100 is not."""
    if spread_power(100.0, runs, alpha=alpha) < power:
        return None

    def missing(log_ratio: float) -> float:
        return spread_power(math.exp(log_ratio), runs, alpha=alpha) - power

    return math.exp(float(optimize.bisect(missing, 0.0, math.log(100.0), xtol=0.005)))


def detectable_share(
    share: float, runs: int, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """Lowest failed share above ``share`` that is told from it; None where not even 1 is."""
    if failure_power(1.0, share, runs, alpha=alpha) < power:
        return None

    def missing(other: float) -> float:
        return failure_power(other, share, runs, alpha=alpha) - power

    return float(optimize.bisect(missing, share, 1.0, xtol=1e-3))
