"""Where the spread comes from: initial weights, order of the data, dropout; failed runs or not.

For studies that cross their seeds (Dodge et al. 2020): every initialization with every order, and
possibly every dropout. A run is a function of its seeds, so a crossed study has no further noise:
what the factors do not explain alone is their interaction.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from steadytune.errors import BadInput
from steadytune.stats.estimators import Estimate
from steadytune.stats.intervals import CONFIDENCE, Interval, Numbers, bootstrap_interval

FACTORS = ("init", "order", "dropout")


@dataclass(frozen=True)
class Component:
    """What one factor, or an interaction of several, adds to the variance.

    Attributes:
        factors: such as ("init",), or ("init", "order") for their interaction.
        variance: unbiased, so it may be below 0 by chance; interval: 95 %, of Ting et al. (1990),
            made for normally distributed effects and cut at 0.
        share: of the sum of all components, those below 0 counted as 0.
        p: of the F test that it is 0; None where no mean square says what it would be then.
    """

    factors: tuple[str, ...]
    variance: float
    interval: Interval
    share: float
    p: float | None


@dataclass(frozen=True)
class Components:
    """The variance of crossed runs by source.

    Attributes:
        levels: how many seeds each crossed factor has.
        components: factors alone first; the last is the interaction of all, which also holds
            whatever the seeds do not decide.
        cautions: sentences about what the numbers cannot carry.
    """

    levels: Mapping[str, int]
    components: tuple[Component, ...]
    cautions: tuple[str, ...]


def crossed(seeds: Sequence[Mapping[str, int]], values: Numbers) -> tuple[tuple[str, ...], Numbers]:
    """Runs as a full table: the factors that vary on their own, and one axis for each.

    Args:
        seeds: the three seeds of each run.
        values: (n,) their scores.

    Raises:
        BadInput: the seeds are not fully crossed: tied to each other, or some runs are missing.
    """
    levels = {factor: sorted({run[factor] for run in seeds}) for factor in FACTORS}
    varying = tuple(factor for factor in FACTORS if len(levels[factor]) > 1)
    shape = tuple(len(levels[factor]) for factor in varying)
    places = {tuple(run[f] for f in varying): v for run, v in zip(seeds, values, strict=True)}
    if len(varying) < 2 or len(places) != len(seeds) or prod(shape) != len(seeds):
        sizes = " x ".join(f"{len(levels[f])} {f}" for f in varying) or "one seed"
        raise BadInput(
            f"{len(seeds)} runs do not cross their seeds ({sizes}); the sources of the spread can "
            "be told apart only where every initialization is run with every order (give the study "
            "the seeds of a grid), and all of these runs have ended"
        )
    grid = itertools.product(*(levels[factor] for factor in varying))
    return varying, np.array([places[place] for place in grid]).reshape(shape)


def components(factors: Sequence[str], table: Numbers) -> Components:
    """Variance components of a full crossing with one run a cell, by analysis of variance.

    Mean squares are set equal to what they are expected to be if all factors are random:
    E[MS_T] = sum over U containing T of (runs that share a level of U) variance_U.

    Args:
        factors: a name for each axis of ``table``.
        table: scores, one axis a factor.
    """
    squares, degrees = mean_squares(table)
    axes = tuple(range(table.ndim))
    terms = [term for size in axes for term in itertools.combinations(axes, size + 1)]
    found = {term: _component(term, axes, squares, degrees, table.shape) for term in terms}
    total = sum(max(variance, 0.0) for variance, _, _ in found.values())
    return Components(
        levels=dict(zip(factors, table.shape, strict=True)),
        components=tuple(
            Component(
                factors=tuple(factors[axis] for axis in term),
                variance=variance,
                interval=interval,
                share=max(variance, 0.0) / total if total else 0.0,
                p=p,
            )
            for term, (variance, interval, p) in found.items()
        ),
        cautions=tuple(
            f"only {n} {factor} seeds: the variance over them is known within a factor of "
            f"{_factor(n - 1):.0f} at best"
            for factor, n in zip(factors, table.shape, strict=True)
            if n < 10
        ),
    )


Term = tuple[int, ...]


def mean_squares(table: Numbers) -> tuple[dict[Term, float], dict[Term, int]]:
    """Mean square and degrees of freedom of every term; a term is the axes that it varies over."""
    axes = tuple(range(table.ndim))
    squares: dict[Term, float] = {}
    degrees: dict[Term, int] = {}
    for size in axes:
        for term in itertools.combinations(axes, size + 1):
            effect = table
            for axis in axes:
                average = effect.mean(axis=axis, keepdims=True)
                effect = effect - average if axis in term else average
            degrees[term] = prod(table.shape[axis] - 1 for axis in term)
            each = table.size / effect.size
            squares[term] = float(np.sum(effect**2)) * each / degrees[term]
    return squares, degrees


def _component(
    term: Term,
    axes: Term,
    squares: Mapping[Term, float],
    degrees: Mapping[Term, int],
    shape: tuple[int, ...],
) -> tuple[float, Interval, float | None]:
    """Variance, interval and p-value of a term, from its mean square and those that hold it."""
    rest = [axis for axis in axes if axis not in term]
    each = prod(shape[axis] for axis in rest)  # runs that share a level of the term
    plus, minus = [term], list[Term]()
    for size in range(1, len(rest) + 1):
        for more in itertools.combinations(rest, size):
            (minus if size % 2 else plus).append(tuple(sorted(term + more)))
    variance = sum(squares[t] for t in plus) - sum(squares[t] for t in minus)
    interval = _ting(plus, minus, squares, degrees)
    p = None
    if len(minus) == 1 and squares[minus[0]] > 0:
        ratio = squares[term] / squares[minus[0]]
        p = float(stats.f.sf(ratio, degrees[term], degrees[minus[0]]))
    low, high = (max(end / each, 0.0) for end in interval)
    return variance / each, (low, high), p


def _ting(
    plus: Sequence[Term],
    minus: Sequence[Term],
    squares: Mapping[Term, float],
    degrees: Mapping[Term, int],
) -> Interval:
    """Interval of a sum of mean squares less another (Ting et al. 1990; without their G*)."""
    alpha = (1 - CONFIDENCE) / 2
    value = sum(squares[t] for t in plus) - sum(squares[t] for t in minus)
    below = above = 0.0
    for signs, terms in ((1, plus), (-1, minus)):
        for term in terms:
            g, h = _g(degrees[term], alpha), _h(degrees[term], alpha)
            down, up = (g, h) if signs > 0 else (h, g)
            below += (down * squares[term]) ** 2
            above += (up * squares[term]) ** 2
    for p, m in itertools.product(plus, minus):
        both = squares[p] * squares[m]
        below += _cross(degrees[p], degrees[m], alpha) * both
        above += _cross(degrees[p], degrees[m], alpha, upper=True) * both
    return value - max(below, 0.0) ** 0.5, value + max(above, 0.0) ** 0.5


@functools.cache
def _g(n: int, alpha: float) -> float:
    return 1 - n / float(stats.chi2.isf(alpha, n))


@functools.cache
def _h(n: int, alpha: float) -> float:
    return n / float(stats.chi2.isf(1 - alpha, n)) - 1


@functools.cache
def _cross(n: int, m: int, alpha: float, *, upper: bool = False) -> float:
    """The coefficient that makes either end exact where one of two mean squares is 0."""
    if upper:
        f = float(stats.f.isf(1 - alpha, n, m))
        return ((1 - f) ** 2 - (_h(n, alpha) * f) ** 2 - _g(m, alpha) ** 2) / f
    f = float(stats.f.isf(alpha, n, m))
    return ((f - 1) ** 2 - (_g(n, alpha) * f) ** 2 - _h(m, alpha) ** 2) / f


def _factor(n: int) -> float:
    """Upper over lower end of the interval of a variance with n degrees of freedom."""
    alpha = (1 - CONFIDENCE) / 2
    return float(stats.chi2.isf(alpha, n) / stats.chi2.isf(1 - alpha, n))


def outcome_share(values: Numbers, failed: NDArray[np.bool_]) -> Estimate:
    """Share of the variance over runs that is between failed and successful ones.

    What it leaves is generalization: the spread among runs of one outcome (Mosbach et al. 2021,
    section 4). None where all runs have one outcome or one value.
    """
    n = len(values)
    if n < 2 or failed.all() or not failed.any() or np.ptp(values) == 0:
        return Estimate("outcome_share", None, None, None, n)

    def statistic(chosen: Numbers, axis: int = -1) -> Numbers:
        index = np.moveaxis(chosen, axis, -1).astype(np.intp)
        y, bad = values[index], failed[index]
        center = y - y.mean(axis=-1, keepdims=True)
        total = np.sum(center**2, axis=-1)
        bads = bad.sum(axis=-1)
        goods = bad.shape[-1] - bads
        gap = np.sum(center * bad, axis=-1)  # sums of both groups are equal but for the sign
        both = (bads > 0) & (goods > 0)
        weight = np.where(both, 1 / np.maximum(bads, 1) + 1 / np.maximum(goods, 1), 0.0)
        return np.divide(gap**2 * weight, total, out=np.zeros_like(total), where=total > 0)

    everyone = np.arange(n, dtype=np.float64)
    interval, method = bootstrap_interval([everyone], statistic) or (None, None)
    return Estimate("outcome_share", float(statistic(everyone)), interval, method, n)
