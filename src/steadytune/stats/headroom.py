"""Headroom: the largest learning rate at which at most 10 % of a recipe's runs fail.

The share of failed runs is taken to rise with the logarithm of the learning rate x (base 10):

    P(failed | x) = lapse + (1 - lapse) / (1 + exp(-(x - middle) / width))

(a psychometric function with the rate as stimulus). What is known of (middle, width, lapse) is a
posterior on a grid of them; the next run goes where it is expected to shrink the variance of the
headroom most, as in QUEST+ (Watson 2017, Journal of Vision 17(3)), which needs far fewer runs than
a fixed grid of rates. The interval is the posterior's central 95 %.

Two things are assumed. Failing becomes no rarer as the rate rises: true of runs that collapse, not
of runs that are too short for a small rate, so the lowest rate searched must be one at which the
recipe learns. And runs are independent: a search uses every seed once a recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Numbers = NDArray[np.float64]
TOLERATED = 0.1
ENOUGH = 1.6  # a search may end when the interval's upper end is at most so many times its lower
_WIDTHS: Numbers = np.geomspace(0.01, 0.5, 14)  # in decades: from a cliff to a gentle slope
_LAPSES: Numbers = np.array([0.0, 0.02, 0.05])  # runs that fail whatever the rate
_FINE = 121
_BEYOND = 0.7  # decades outside the searched rates where the middle may lie


@dataclass(frozen=True)
class Trial:
    """One run of the search: its learning rate, and whether it failed or diverged."""

    lr: float
    failed: bool


@dataclass(frozen=True)
class Headroom:
    """The largest tolerable learning rate of a recipe.

    Attributes:
        lr: the posterior median. interval: central 95 % of the posterior.
        runs: how many it is from. failed: how many of them failed or diverged.
        open_below, open_above: the interval reaches beyond the rates that were searched, so that
            its end says "below" or "above the rates searched" rather than a number.
    """

    lr: float
    interval: tuple[float, float]
    runs: int
    failed: int
    open_below: bool
    open_above: bool

    @property
    def factor(self) -> float:
        """Upper over lower end of the interval."""
        return self.interval[1] / self.interval[0]


class Posterior:
    """What trials say of the curve; candidates are the C learning rates that may be tried."""

    def __init__(self, candidates: Sequence[float], trials: Sequence[Trial] = ()) -> None:
        self._x_C = np.log10(np.sort(np.asarray(candidates, dtype=np.float64)))
        self._trials = tuple(trials)
        ends = float(self._x_C[0]) - _BEYOND, float(self._x_C[-1]) + _BEYOND
        middles: Numbers = np.linspace(*ends, _FINE)
        self._spacing = float(middles[1] - middles[0])
        grid: list[Numbers] = list(np.meshgrid(middles, _WIDTHS, _LAPSES, indexing="ij"))
        self._middle_G, self._width_G, self._lapse_G = (axis.ravel() for axis in grid)
        self.headroom_G = self._quantile(TOLERATED)
        log_G = np.zeros(len(self._middle_G))
        for trial in trials:
            share_G = self._share(np.log10(trial.lr))
            log_G += np.log(np.clip(share_G if trial.failed else 1 - share_G, 1e-12, 1))
        weight_G = np.exp(log_G - log_G.max())
        self.weight_G: Numbers = weight_G / weight_G.sum()

    def next_lr(self) -> float:
        """The candidate after which the headroom's variance is expected to be smallest."""
        expected = [self._variance_after(x) for x in self._x_C]
        return float(10 ** self._x_C[int(np.argmin(expected))])

    def share(self, lr: float) -> tuple[float, float, float]:
        """Expected share of failed runs at a rate, and its central 95 %."""
        share_G = self._share(np.log10(lr))
        low, high = self._quantiles(share_G, (0.025, 0.975))
        return float(self.weight_G @ share_G), low, high

    def draws(self, number: int, posterior_seed: int) -> Numbers:
        """(number,) headrooms drawn from the posterior."""
        draw = np.random.default_rng(posterior_seed)
        return 10 ** draw.choice(self.headroom_G, number, p=self.weight_G)

    def headroom(self) -> Headroom:
        """The estimate so far."""
        low, middle, high = self._quantiles(self.headroom_G, (0.025, 0.5, 0.975))
        low, high = low - self._spacing, high + self._spacing  # a grid knows no better
        return Headroom(
            lr=10**middle,
            interval=(10**low, 10**high),
            runs=len(self._trials),
            failed=sum(trial.failed for trial in self._trials),
            open_below=bool(low < self._x_C[0]),
            open_above=bool(high > self._x_C[-1]),
        )

    def _share(self, x: float) -> Numbers:
        rise: Numbers = expit((x - self._middle_G) / self._width_G)
        return self._lapse_G + (1 - self._lapse_G) * rise

    def _quantile(self, share: float) -> Numbers:
        inner: Numbers = (share - self._lapse_G) / (1 - self._lapse_G)
        return self._middle_G + self._width_G * logit(inner)

    def _variance_after(self, x: float) -> float:
        share_G = self._share(x)
        return sum(self._variance(self.weight_G * chance_G) for chance_G in (share_G, 1 - share_G))

    def _variance(self, mass_G: Numbers) -> float:
        """Variance of the headroom under a mass, times the mass."""
        total = float(mass_G.sum())
        if total <= 0:
            return 0.0
        mean = float(mass_G @ self.headroom_G) / total
        return float(mass_G @ (self.headroom_G - mean) ** 2)

    def _quantiles(self, value_G: Numbers, at: Sequence[float]) -> list[float]:
        order = np.argsort(value_G)
        below = np.cumsum(self.weight_G[order])
        places = np.minimum(np.searchsorted(below, at), len(order) - 1)
        return [float(value_G[order][place]) for place in places]


def search(
    candidates: Sequence[float],
    failed_at: Callable[[float, int], bool],
    most_runs: int,
    enough: float = ENOUGH,
) -> list[Trial]:
    """Search with one run at a time, for any curve: for simulations of what a search can tell.

    Args:
        candidates: learning rates that may be tried.
        failed_at: does run k (0, 1, ...) at a rate, with seed k; whether it failed.
        most_runs: stop after so many runs ...
        enough: ... or when the interval's upper end is at most so many times its lower end.
    """
    trials = list[Trial]()
    while len(trials) < most_runs:
        posterior = Posterior(candidates, trials)
        if trials and posterior.headroom().factor <= enough:
            break
        lr = posterior.next_lr()
        trials.append(Trial(lr, failed_at(lr, len(trials))))
    return trials


def rates(low: float, high: float, per_decade: int = 10) -> tuple[float, ...]:
    """Rates from low to high, evenly spaced in the logarithm, rounded to two digits."""
    number = max(2, round(per_decade * np.log10(high / low)) + 1)
    return tuple(dict.fromkeys(float(f"{x:.1e}") for x in np.geomspace(low, high, number)))
