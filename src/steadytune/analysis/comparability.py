"""Comparability: which questions two recipes' runs can answer, and what to read an answer with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadytune.analysis.dev_noise import binomial_std
from steadytune.analysis.estimators import std
from steadytune.analysis.intervals import Numbers
from steadytune.analysis.runs import Runs

LEAST_RUNS = 5  # with fewer no test of two recipes can be both honest and useful
FEW_RUNS = 10  # with fewer, rare failures are missed (docs/statistics.md)
_EXPLAINED = 0.9  # share of the variance that two groups must explain to be two modes


def refusals(a: Runs, b: Runs, *, of_failures: bool = False, of_spread: bool = False) -> list[str]:
    """Why two recipes cannot be compared, one sentence a reason; none if they can.

    Args:
        a: runs of one recipe.
        b: runs of the other, on the same task with the same encoder.
        of_failures: the question is how often they fail, so collapsed runs are an answer.
        of_spread: the question is the spread, which runs that learned nothing do not have.
    """
    found = list[str]()
    if min(a.n, b.n) < LEAST_RUNS:
        found.append(
            f"{a.recipe} has {a.n} ended runs and {b.recipe} {b.n}; comparing takes at least "
            f"{LEAST_RUNS} of each, better {FEW_RUNS}: run more seeds"
        )
    if a.n and set(a.ids) == set(b.ids):
        found.append(
            f"{a.recipe} and {b.recipe} are the same runs: the recipes differ in their name only"
        )
    found += [
        f"all {runs.n} runs of {runs.recipe} are identical, score and training loss: one run "
        "repeated; check that the seeds differ in what they reach"
        for runs in (a, b)
        if runs.n >= LEAST_RUNS and duplicates(runs) == runs.n - 1
    ]
    collapsed = [runs for runs in (a, b) if runs.n >= LEAST_RUNS and runs.failed.all()]
    if not of_failures and (len(collapsed) == 2 or (of_spread and collapsed)):
        found += [
            f"every run of {runs.recipe} collapsed (n = {runs.n}); however close together they "
            "are, none of them learned anything"
            for runs in collapsed
        ]
    return found


def duplicates(runs: Runs) -> int:
    """How many runs repeat another one: the same score and the same training loss."""
    pairs = np.stack([runs.values, runs.losses], axis=1)
    known = pairs[np.isfinite(pairs).all(axis=1)]
    return len(known) - len(np.unique(known, axis=0))


def two_modes(values: Numbers) -> bool:
    """Whether runs fall into two groups so far apart that their mean is where no run is.

    True if some split explains 90 % of the variance with at least 2 runs on either side. A normal
    distribution reaches 64 % (2 / pi), a uniform one 75 %; below 10 runs chance may reach 90 %,
    and nothing is said.
    """
    n = len(values)
    if n < FEW_RUNS or np.ptp(values) == 0:
        return False
    ordered = np.sort(values) - values.mean()
    left = np.cumsum(ordered)[1 : n - 2]  # sums of the lowest 2, ..., n - 2
    sizes = np.arange(2, n - 1)
    between = left**2 * n / (sizes * (n - sizes))
    return bool(between.max() / np.sum(ordered**2) >= _EXPLAINED)


def warnings(a: Runs, b: Runs, *, of_failures: bool = False, of_spread: bool = False) -> list[str]:
    """What to keep in mind beside an answer, one sentence each; arguments as for ``refusals``."""
    found = [sentence for runs in (a, b) for sentence in _of_runs(runs)]
    if min(a.n, b.n) < FEW_RUNS:
        found.append(
            f"with {min(a.n, b.n)} runs a failure that is rare may not have been seen at all"
        )
    if not of_failures:
        found += [sentence for runs in (a, b) for sentence in _of_modes(runs)]
    if of_spread:
        found += _of_floor((a, b))
    return found


def _of_runs(runs: Runs) -> list[str]:
    found = list[str]()
    repeated = duplicates(runs)
    if repeated:
        found.append(
            f"{repeated} of the {runs.n} runs of {runs.recipe} repeat another one, score and "
            "training loss, so there are fewer independent runs than n says"
        )
    if runs.missing:
        found.append(
            f"{runs.missing} planned {'run' if runs.missing == 1 else 'runs'} of {runs.recipe} "
            f"{'has' if runs.missing == 1 else 'have'} not ended; if not like the others, the "
            "answer may change"
        )
    if runs.which == "best":
        found.append(
            f"{runs.recipe}: the best checkpoint was selected, which reads too high and too steady"
        )
    return found


def _of_modes(runs: Runs) -> list[str]:
    failed = int(runs.failed.sum())
    if runs.n >= LEAST_RUNS and failed == runs.n:
        return [f"every run of {runs.recipe} collapsed (n = {runs.n})"]
    if failed:
        return [
            f"{failed} of {runs.n} runs of {runs.recipe} failed, so its mean lies between two "
            "groups and its standard deviation is mostly the distance between them: read the "
            "failed share and the successful runs beside it"
        ]
    if two_modes(runs.values):
        return [
            f"the runs of {runs.recipe} fall into two groups although none failed: look at them "
            "all before trusting their mean"
        ]
    return []


def _of_floor(both: Sequence[Runs]) -> list[str]:
    found = list[str]()
    for runs in both:
        if runs.metric != "accuracy" or runs.n < LEAST_RUNS:
            continue
        floor = binomial_std(float(runs.values.mean()), runs.examples)
        spread = float(std(runs.values))
        if spread < floor:
            found.append(
                f"the spread of {runs.recipe} ({100 * spread:.1f} points) is within what a dev set "
                f"of {runs.examples} examples can account for ({100 * floor:.1f}): its models may "
                "hardly differ"
            )
    return found
