"""Permutation test of the difference of means by Welch's t, and the interval that it inverts to.

Dividing by the standard error keeps the error rate where the recipes differ in spread, as they do
here, and not only where the null hypothesis is that they are equal in everything (Janssen 1997).
Runs are never paired by their seeds: flipping the signs of n pairs has no p-value below 2 / 2^n,
so it decides less with 8 seeds than this test with 7; and what seeds share makes this one careful.
"""

from __future__ import annotations

import math

import numpy as np

from steadytune.analysis import arrangements
from steadytune.analysis.estimators import Estimate
from steadytune.analysis.intervals import CONFIDENCE, Numbers
from steadytune.analysis.test_result import TestResult

METHOD = "inverted permutation test"
_CLOSE = 1e-9  # statistics that differ by less, relatively, are the same but for rounding
_ENOUGH = 20  # arrangements beyond the observed one with which p is known well
_PRECISE = 1e-3  # of a standard error: how close the ends of an interval are searched


def permutation(
    a: Numbers, b: Numbers, *, comparisons: int = 1, permutation_seed: int = 0
) -> TestResult:
    """The test; its statistic is Welch's t, infinite where neither sample varies.

    Args:
        a: (n,) values of one recipe.
        b: (m,) of the other.
        comparisons: of the family: more arrangements are drawn where p must be known finer.
        permutation_seed: decides which are drawn.
    """
    n, m = len(a), len(b)
    beyond = drawn = 0
    t = 0.0
    for batch in range(arrangements.batches(n, m, comparisons)):
        shifted = _Shifted(a, b, permutation_seed, batch)
        t, reached = shifted.at(0.0)
        beyond, drawn = beyond + reached, drawn + shifted.drawn
        if beyond >= _ENOUGH:
            break
    return TestResult("permutation", t, arrangements.p_value(beyond, drawn, n, m))


def difference(a: Numbers, b: Numbers, *, permutation_seed: int = 0) -> Estimate:
    """Mean of ``a`` less mean of ``b`` with the interval of all differences not rejected at 5 %.

    It leaves out 0 just where ``permutation`` has p < 0.05.
    """
    shifted = _Shifted(a, b, permutation_seed)
    value, error = float(a.mean() - b.mean()), _standard_error(a, b)
    if error <= _CLOSE * abs(value) or error == 0:
        return Estimate("mean_difference", value, (value, value), METHOD, min(len(a), len(b)))
    low, high = (_end(shifted, value, error, sign) for sign in (-1.0, 1.0))
    return Estimate("mean_difference", value, (low, high), METHOD, min(len(a), len(b)))


def _end(shifted: _Shifted, value: float, error: float, sign: float) -> float:
    """Where p falls below 5 % on one side of the observed difference."""
    alpha = 1 - CONFIDENCE
    inside, outside = value, value + sign * error
    if sign * value < 0:  # 0 lies on this side: the interval has to agree with the test about it
        inside, outside = (value, 0.0) if shifted.p(0.0) < alpha else (0.0, sign * error)
    for _ in range(60):
        if shifted.p(outside) < alpha:
            break
        inside, outside = outside, outside + 2 * (outside - inside)
    else:
        return sign * math.inf
    while abs(outside - inside) > _PRECISE * error:
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if shifted.p(middle) < alpha else (middle, outside)
    return inside


def _standard_error(a: Numbers, b: Numbers) -> float:
    return math.sqrt(float(a.var(ddof=1)) / len(a) + float(b.var(ddof=1)) / len(b))


class _Shifted:
    """Welch's t of every arrangement of two samples, the first of them moved down by a shift.

    Sums over the values that each arrangement gives to the first recipe are made once; those of
    moved values follow from them.
    """

    def __init__(self, a: Numbers, b: Numbers, permutation_seed: int, batch: int = 0) -> None:
        self.n, self.m = len(a), len(b)
        values = np.concatenate([a, b])
        self.center = float(values.mean())
        values = values - self.center
        of = arrangements.chosen(self.n, self.m, permutation_seed, batch)
        self.drawn = len(of)
        observed = np.concatenate([np.ones(self.n), np.zeros(self.m)])
        of = np.concatenate([observed[None], of])  # the first row is the observed arrangement
        self.sums, self.squares = of @ values, of @ values**2
        self.moved, self.moved_sums = of @ observed, of @ (observed * values)
        self.total, self.total_squares = float(values.sum()), float(values @ values)
        self.of_a = float(values[: self.n].sum())

    def p(self, shift: float) -> float:
        """P-value of the hypothesis that the means differ by ``shift``."""
        return arrangements.p_value(self.at(shift)[1], self.drawn, self.n, self.m)

    def at(self, shift: float) -> tuple[float, int]:
        """The observed t, and how many arrangements have one as far from 0."""
        n, m = self.n, self.m
        first = self.sums - shift * self.moved
        first_squares = self.squares - 2 * shift * self.moved_sums + shift**2 * self.moved
        squares = self.total_squares - 2 * shift * self.of_a + shift**2 * n
        second, second_squares = self.total - shift * n - first, squares - first_squares
        scatter = np.stack([first_squares - first**2 / n, second_squares - second**2 / m])
        scatter[scatter < squares * 1e-12] = 0  # rounding
        error = np.sqrt(scatter[0] / (n * max(n - 1, 1)) + scatter[1] / (m * max(m - 1, 1)))
        gap = first / n - second / m
        gap[np.abs(gap) < 1e-12 * math.sqrt(squares)] = 0
        with np.errstate(divide="ignore", invalid="ignore"):
            t = gap / error
        t = np.where(np.isnan(t), 0.0, t)
        observed = float(t[0])
        return observed, int(np.count_nonzero(np.abs(t[1:]) >= abs(observed) * (1 - _CLOSE)))
