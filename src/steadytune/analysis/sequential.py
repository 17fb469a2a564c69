"""Sequential design: look at the study as it grows, and stop when the question is decided.

Looking after every few seeds and stopping at p < 0.05 finds differences that are not there in 14 %
of studies with five looks. A group-sequential plan asks for more at each look, so that all
looks together keep the error rate (Pocock 1977; O'Brien & Fleming 1979; Jennison & Turnbull 2000,
chapters 2 and 9).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special, stats

from steadytune.analysis.arrangements import least_p
from steadytune.analysis.intervals import Interval, Numbers
from steadytune.errors import BadInput

Boundary = Literal["obrien-fleming", "pocock"]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(101)


@dataclass(frozen=True)
class SequentialPlan:
    """When to look, and what to ask for then.

    Attributes:
        looks: runs of each recipe at each look; at the last one the study ends.
        nominal: the p-value to go below at each look, 0 where so few runs cannot have so small a
            one: that look decides nothing, and spends nothing. Any valid test serves.
        alpha: chance that a difference is claimed at any look although there is none.
        margin: differences below this do not matter; None to stop for differences only.
    """

    looks: tuple[int, ...]
    nominal: tuple[float, ...]
    alpha: float
    margin: float | None


@dataclass(frozen=True)
class Decision:
    """What a look found.

    Attributes:
        verdict: ``a`` or ``b`` is better; ``equal``: within the margin; ``undecided`` at the last
            look; ``continue`` before it.
        interval: of the difference of means. All looks' intervals together hold the truth with
            chance 1 - alpha (repeated confidence intervals), so whichever way the study stops, the
            error rate is kept.
        sentence: the same in words.
    """

    verdict: Literal["a", "b", "equal", "undecided", "continue"]
    difference: float
    interval: Interval
    sentence: str


def sequential_plan(
    looks: Sequence[int],
    *,
    alpha: float = 0.05,
    boundary: Boundary = "obrien-fleming",
    margin: float | None = None,
) -> SequentialPlan:
    """A plan with the given looks.

    Args:
        looks: runs of each recipe at each look, rising, from 5 on.
        alpha: two-sided error rate of the whole study.
        boundary: ``obrien-fleming`` asks for much early and for hardly more than alpha at the end;
            ``pocock`` asks for the same at each look and stops sooner where differences are large.
        margin: differences below this do not matter.

    Raises:
        BadInput: looks do not rise, or begin below 5 runs.
    """
    if not looks or looks[0] < 5 or any(b <= a for a, b in itertools.pairwise(looks)):
        raise BadInput(
            f"looks after {list(looks)} runs: give rising numbers from 5 on, such as 5 10 15 20 25"
        )
    used = list(looks)
    while True:
        nominal = _nominal(used, alpha, boundary)
        empty = [n for n, p in zip(used, nominal, strict=True) if least_p(n, n) >= p]
        if not empty:
            break
        used = [n for n in used if n not in empty]
        if not used:
            raise BadInput(
                f"looks after {list(looks)} runs: at none of them can so few runs be significant; "
                "give a last look with more"
            )
    by_look = dict(zip(used, nominal, strict=True))
    return SequentialPlan(tuple(looks), tuple(by_look.get(n, 0.0) for n in looks), alpha, margin)


def _nominal(looks: Sequence[int], alpha: float, boundary: Boundary) -> list[float]:
    """The p-value to go below at each look, so that all looks together err with chance alpha."""
    fractions = np.array(looks) / looks[-1]
    shape = np.ones(len(looks)) if boundary == "pocock" else 1 / np.sqrt(fractions)

    def excess(constant: float) -> float:
        return float(crossing(constant * shape, fractions).sum()) - alpha

    constant = float(optimize.brentq(excess, 0.5, 10.0, xtol=1e-8))
    return [float(p) for p in 2 * special.ndtr(-constant * shape)]


def crossing(bounds: Numbers, fractions: Numbers, drift: float = 0.0) -> Numbers:
    """(K,) chance that |Z| first reaches its bound at each of K looks.

    Args:
        bounds: (K,) of the standardized statistic.
        fractions: (K,) share of all runs that each look has.
        drift: expectation of Z at the last look.

    By recursive integration over what has not been stopped (Armitage, McPherson & Rowe 1969).
    """
    found = np.empty(len(bounds))
    at, mass = np.zeros(1), np.ones(1)  # where unstopped studies stand, and their weights
    before = 0.0
    for k, (bound, fraction) in enumerate(zip(bounds, fractions, strict=True)):
        step, shift = math.sqrt(fraction - before), drift * (fraction - before)
        edge = bound * math.sqrt(fraction)
        found[k] = mass @ (_above((edge - at - shift) / step) + _above((edge + at + shift) / step))
        nodes = edge * _NODES
        moved = (nodes[:, None] - at - shift) / step
        density = np.exp(-(moved**2) / 2) / (step * math.sqrt(2 * math.pi))
        at, mass, before = nodes, edge * _WEIGHTS * (density @ mass), float(fraction)
    return found


def _above(z: Numbers) -> Numbers:
    return np.asarray(stats.norm.sf(z), dtype=np.float64)


def sequential_power(
    plan: SequentialPlan, difference: float, std_a: float, std_b: float
) -> tuple[float, float]:
    """Chance that a true difference is found, and runs of each recipe until then, on average.

    For normal scores of known standard deviations; those of few runs are estimated, which costs
    about one run.
    """
    last = plan.looks[-1]
    used = [(n, p) for n, p in zip(plan.looks, plan.nominal, strict=True) if p > 0]
    looks, nominal = (np.array(x) for x in zip(*used, strict=True))
    drift = difference * math.sqrt(looks[-1] / (std_a**2 + std_b**2))
    stopped = crossing(-special.ndtri(nominal / 2), looks / looks[-1], drift)
    reached = float(stopped.sum())
    return reached, float(stopped @ looks) + (1 - reached) * last


def decide(plan: SequentialPlan, a: Numbers, b: Numbers) -> Decision:
    """What the runs so far decide.

    Args:
        plan: made before the first run.
        a: (n,) scores of the first recipe, n being one of the looks, more being better.
        b: (n,) scores of the second.

    Raises:
        BadInput: the runs are not at a look of the plan; so many more or fewer are needed.
    """
    n = len(a)
    if n != len(b) or n not in plan.looks:
        raise BadInput(
            f"{n} and {len(b)} runs are not at a look of the plan; it looks at "
            f"{', '.join(map(str, plan.looks))} runs of each recipe"
        )
    place = plan.looks.index(n)
    difference, interval = _welch_interval(a, b, plan.nominal[place])
    low, high = interval
    verdict: Literal["a", "b", "equal", "undecided", "continue"]
    if low > 0 or high < 0:
        verdict = "a" if low > 0 else "b"
    elif plan.margin is not None and -plan.margin < low and high < plan.margin:
        verdict = "equal"
    else:
        verdict = "undecided" if n == plan.looks[-1] else "continue"
    return Decision(verdict, difference, interval, _sentence(plan, place, verdict, interval))


def _welch_interval(a: Numbers, b: Numbers, p: float) -> tuple[float, Interval]:
    difference = float(a.mean() - b.mean())
    if np.ptp(a) == np.ptp(b) == 0 or p == 0:  # nothing to measure the difference by, or no look
        return difference, (-math.inf, math.inf)
    found = stats.ttest_ind(a, b, equal_var=False).confidence_interval(1 - p)
    return difference, (float(found.low), float(found.high))


def _sentence(plan: SequentialPlan, place: int, verdict: str, interval: Interval) -> str:
    n, low, high = plan.looks[place], *interval
    if verdict == "continue":
        more = plan.looks[place + 1] - n
        what = f"not decided yet: run {more} more seeds of each recipe"
    else:
        what = {
            "a": "decided: the first recipe is better; stop",
            "b": "decided: the second recipe is better; stop",
            "equal": f"decided: they differ by less than {plan.margin:g}; stop",
            "undecided": "the study ends undecided",
        }[verdict]
    return (
        f"After {n} runs of each recipe (look {place + 1} of {len(plan.looks)}) {what}. Difference "
        f"of means {low:.4g} to {high:.4g}; over all looks together such intervals are right in "
        f"{100 * (1 - plan.alpha):g} % of studies."
    )
