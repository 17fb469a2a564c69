"""Intervals: how far a number from n runs may lie from that of infinitely many.

The bootstrap draws runs with replacement, all resamples at once: a statistic takes arrays of shape
(..., n) and works along the last axis. R is the number of resamples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
Method = Literal["BCa", "percentile", "constant"]
Statistic = Callable[..., Numbers]  # one array per sample and axis=-1

CONFIDENCE = 0.95
RESAMPLES = 2000


@functools.lru_cache(maxsize=4096)
def wilson(count: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Wilson (1927) interval of a share of ``count`` in ``n``; None where n is 0."""
    if n == 0:
        return None
    found = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def bootstrap(
    values: Numbers,
    statistic: Statistic,
    bootstrap_seed: int = 0,
    *,
    confidence: float = CONFIDENCE,
    widened: bool = True,
) -> Interval | None:
    """Bootstrap interval of a statistic over (n,) runs; see ``bootstrap_interval``."""
    found = bootstrap_interval(
        [values], statistic, bootstrap_seed, confidence=confidence, widened=widened
    )
    return None if found is None else found[0]


def bootstrap_interval(
    samples: Sequence[Numbers],
    statistic: Statistic,
    bootstrap_seed: int = 0,
    *,
    confidence: float = CONFIDENCE,
    widened: bool = True,
    method: Literal["BCa", "percentile"] = "BCa",
) -> tuple[Interval, Method] | None:
    """Interval of a statistic of one or several samples, each resampled within itself.

    Several samples are two recipes that are compared, or the strata of one recipe: its runs on each
    task (Agarwal et al. 2021).

    Args:
        samples: arrays of shape (n_k,).
        statistic: takes the samples as (..., n_k) arrays and ``axis=-1``.
        bootstrap_seed: decides the resamples.
        confidence: how often intervals like this one shall hold the truth.
        widened: ask the quantiles that a t interval has in place of a normal one, which undoes most
            of the narrowness for few runs (Hesterberg 2015, "What teachers should know about the
            bootstrap", section 5.3).
        method: ``percentile`` for statistics that BCa is not made for, such as the maximum.

    Returns:
        The interval and what made it: BCa (Efron 1987), the percentiles where that is not defined,
        or ``constant`` where the runs are all the same and the interval has no width. None where a
        sample has fewer than 2 runs or the statistic is not defined.
    """
    if min(len(sample) for sample in samples) < 2:
        return None
    point = float(statistic(*samples, axis=-1))
    if all(np.ptp(sample) == 0 for sample in samples):
        return (((point, point), "constant")) if not math.isnan(point) else None
    drawn = resampled(samples, statistic, bootstrap_seed)
    if np.isnan(drawn).any() or math.isnan(point):
        return None
    tail = outside(confidence, [len(sample) for sample in samples] if widened else [])
    corrected = _bca_levels(samples, statistic, point, drawn, tail) if method == "BCa" else None
    if corrected is None:
        return _quantiles(drawn, (tail, 1 - tail)), "percentile"
    return _quantiles(drawn, corrected), "BCa"


def resampled(samples: Sequence[Numbers], statistic: Statistic, bootstrap_seed: int = 0) -> Numbers:
    """(R,) values of a statistic of samples drawn with replacement."""
    drawn = [
        np.asarray(sample)[draws(len(sample), place, bootstrap_seed)]
        for place, sample in enumerate(samples)
    ]
    return np.asarray(statistic(*drawn, axis=-1), dtype=np.float64)


@functools.lru_cache(maxsize=64)
def draws(n: int, place: int = 0, bootstrap_seed: int = 0) -> NDArray[np.intp]:
    """(R, n) which of n runs each resample holds.

    The same for every sample of this size and ``place`` among the samples, so that a study's
    numbers come from one set of draws, which is made once. Read-only.
    """
    found = np.random.default_rng([bootstrap_seed, place, n]).integers(0, n, (RESAMPLES, n))
    found.flags.writeable = False
    return found


def outside(confidence: float, sizes: Sequence[int]) -> float:
    """What to leave out at either end: less than the confidence says for samples of ``sizes``."""
    tail = (1 - confidence) / 2
    if sizes:
        n = min(sizes)
        tail = float(special.ndtr(math.sqrt(n / (n - 1)) * stats.t.ppf(tail, n - 1)))
    return tail


def _bca_levels(
    samples: Sequence[Numbers],
    statistic: Statistic,
    point: float,
    drawn: Numbers,
    tail: float,
) -> tuple[float, float] | None:
    """The levels, corrected for bias and acceleration; None where either is not defined.

    Efron (1987); for several samples Davison & Hinkley (1997, section 5.4).
    """
    if min(map(len, samples)) < 3:  # one of two left out leaves nothing that could vary
        return None
    tie = 1e-9 * float(np.ptp(drawn[np.isfinite(drawn)]))  # equal but for rounding
    below = (np.mean(drawn < point - tie) + np.mean(drawn <= point + tie)) / 2
    cubes = squares = 0.0
    for place, sample in enumerate(samples):
        n = len(sample)
        kept = np.broadcast_to(sample, (n, n))[~np.eye(n, dtype=bool)].reshape(n, n - 1)
        others = [np.broadcast_to(other, (n, len(other))) for other in samples]
        others[place] = kept
        left_out = np.asarray(statistic(*others, axis=-1), dtype=np.float64)
        if not np.isfinite(left_out).all():
            return None
        influence = (n - 1) * (left_out.mean() - left_out)
        cubes += float(np.sum(influence**3)) / n**3
        squares += float(np.sum(influence**2)) / n**2
    if not 0 < below < 1 or squares <= 0:
        return None
    bias, acceleration = _normal_quantile(float(below)), cubes / (6 * math.pow(squares, 1.5))
    low, high = (bias + z for z in (_normal_quantile(tail), -_normal_quantile(tail)))
    if max(acceleration * low, acceleration * high) >= 1:  # past the pole levels change places
        return None
    low = bias + low / (1 - acceleration * low)
    high = bias + high / (1 - acceleration * high)
    return float(special.ndtr(low)), float(special.ndtr(high))


def _normal_quantile(level: float) -> float:
    return float(special.ndtri(level))


def _quantiles(drawn: Numbers, levels: tuple[float, float]) -> Interval:
    # between infinities there is nothing to interpolate
    method = "linear" if np.isfinite(drawn).all() else "inverted_cdf"
    low, high = np.quantile(drawn, levels, method=method)
    return float(low), float(high)
