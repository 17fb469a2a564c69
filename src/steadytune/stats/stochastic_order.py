"""Almost stochastic order: is one recipe better at every quantile, or nearly?

Del Barrio et al. (2018), Dror et al. (2019), with the advice of Ulmer et al. (2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from steadytune.stats.intervals import Numbers, resampled

DECISIVE = 0.2  # Ulmer et al. 2022, from simulations of the false positives; Dror et al. say 0.5


@dataclass(frozen=True)
class StochasticOrder:
    """Whether A is almost stochastically greater than B.

    Attributes:
        violation: epsilon, the share of the squared distance between the quantile functions that
            lies where B is better: 0 where A is never worse, 1 where it is always; 0.5 where the
            two do not differ.
        epsilon_min: upper confidence bound of it. A is better if this is below 0.5, and clearly if
            it is below DECISIVE.
        n: the smaller number of runs.
    """

    violation: float
    epsilon_min: float
    n: int


def almost_stochastic_order(
    a: Numbers, b: Numbers, confidence: float = 0.95, bootstrap_seed: int = 0
) -> StochasticOrder:
    """The test of Dror et al. (2019, section 4).

    epsilon_min = epsilon - sqrt((n + m) / (n m)) sigma quantile(1 - confidence), where sigma is the
    bootstrap standard deviation of sqrt(n m / (n + m)) (epsilon* - epsilon). For k comparisons ask
    the confidence 1 - (1 - confidence) / k.

    Args:
        a: (n,) values of the recipe that may be better, more being better.
        b: (m,) values of the other.
        confidence: of the bound.
        bootstrap_seed: decides the resamples.
    """
    found = float(violation(a, b))
    # the square roots of n m / (n + m) cancel
    sigma = math.sqrt(float(np.mean((resampled([a, b], violation, bootstrap_seed) - found) ** 2)))
    bound = found + sigma * float(special.ndtri(confidence))
    return StochasticOrder(found, min(max(bound, 0.0), 1.0), min(len(a), len(b)))


def violation(a: Numbers, b: Numbers, axis: int = -1) -> Numbers:
    """(...,) epsilon of samples (..., n) and (..., m): exact, as quantile functions are steps."""
    a, b = np.sort(np.moveaxis(a, axis, -1)), np.sort(np.moveaxis(b, axis, -1))
    n, m = a.shape[-1], b.shape[-1]
    # in units of 1 / (n m) every step is at a whole number
    edges = np.array(sorted({*range(0, n * m + 1, m), *range(0, n * m + 1, n)}))
    widths = np.diff(edges) / (n * m)
    gap = a[..., edges[:-1] // m] - b[..., edges[:-1] // n]
    square = gap**2 * widths
    worse, every = np.sum(square * (gap < 0), axis=-1), np.sum(square, axis=-1)
    return np.divide(worse, every, out=np.full_like(every, 0.5), where=every > 0)
