"""Evidence: the effect and the tests that answer a question about two recipes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from steadytune.analysis.carries import LEAST_RUNS
from steadytune.analysis.estimators import Estimate
from steadytune.analysis.failure_tests import failure_test, fisher, mcnemar, share_difference
from steadytune.analysis.level_tests import (
    mann_whitney,
    mean_difference,
    paired_permutation,
    permutation,
    probability_of_improvement,
    wilcoxon,
)
from steadytune.analysis.multi_bootstrap import multi_bootstrap
from steadytune.analysis.predictions import CellPredictions
from steadytune.analysis.question import Question
from steadytune.analysis.runs import Runs, shared_seeds
from steadytune.analysis.spread_tests import brown_forsythe, fligner_killeen, std_ratio_estimate
from steadytune.analysis.stochastic_order import almost_stochastic_order
from steadytune.analysis.test_result import TestResult

LEAST_PAIRS = 8  # with which p can be as small as 0.008, too


@dataclass(frozen=True)
class Evidence:
    """What the runs say, before anything is decided.

    Attributes:
        question: what was asked. a, b: the runs.
        paired: runs were compared seed by seed.
        effect: the size of the difference, positive (or above its ``neutral`` value) where ``a``
            is better, larger or fails more.
        neutral: the effect's value where the recipes are alike.
        tests: the one that decides first; none for questions decided by the effect.
        details: further numbers by name.
    """

    question: Question
    a: Runs
    b: Runs
    paired: bool
    effect: Estimate
    neutral: float
    tests: tuple[TestResult, ...]
    details: dict[str, float]


def gather(
    question: Question,
    a: Runs,
    b: Runs,
    predicted: tuple[CellPredictions, CellPredictions] | None = None,
    *,
    comparisons: int = 1,
) -> Evidence:
    """Compute what answers the question; what is asked of runs that it fits is the caller's care.

    Args:
        question: see Question.
        a: runs of one recipe.
        b: runs of the other, on the same task with the same encoder.
        predicted: of both, for EXAMPLES.
        comparisons: in the family; ORDER, which has no p-value to adjust, asks more confidence.
    """
    if question is Question.SPREAD:
        return _spread(a, b)
    if question is Question.FAILURES:
        return _failures(a, b)
    if question is Question.ORDER:
        return _order(a, b, comparisons)
    if question is Question.EXAMPLES:
        if predicted is None:
            raise ValueError("the question of examples takes predictions")
        return _examples(a, b, predicted)
    return _level(a, b) if question is Question.LEVEL else _improvement(a, b)


def turned(question: Question, effect: Estimate) -> Estimate:
    """An effect as it is when the recipes are named the other way round."""
    ends = effect.interval or (math.nan, math.nan)
    new = [_turned(question, x) for x in (effect.value or 0.0, *ends[::-1])]
    return replace(
        effect,
        value=None if effect.value is None else new[0],
        interval=None if effect.interval is None else (new[1], new[2]),
    )


def _turned(question: Question, value: float) -> float:
    if question is Question.SPREAD:
        return 1 / value if value else math.inf
    return 1 - value if question in (Question.IMPROVEMENT, Question.ORDER) else -value


def are_paired(a: Runs, b: Runs) -> bool:
    """Whether both have the same seeds, and enough, so that they are compared seed by seed."""
    return a.n == b.n >= LEAST_RUNS and len(shared_seeds(a, b)[0]) == a.n == len(set(a.seeds))


def _level(a: Runs, b: Runs) -> Evidence:
    # flipping the signs of 5 pairs gives no p below 0.06; unpaired 5 and 5 runs give 0.008, and
    # runs that share their seeds, being alike if anything, only make that test more careful
    paired = are_paired(a, b) and a.n >= LEAST_PAIRS
    x, y = a.merit, b.merit
    if paired:
        places, others = shared_seeds(a, b)
        x, y = x[places], y[others]
        tests = (paired_permutation(x, y), wilcoxon(x, y), permutation(x, y))
    else:
        tests = (permutation(x, y), mann_whitney(x, y))
    effect = mean_difference(x, y, paired=paired)
    return Evidence(Question.LEVEL, a, b, paired, effect, 0.0, tests, {})


def _spread(a: Runs, b: Runs) -> Evidence:
    tests = (brown_forsythe(a.values, b.values), fligner_killeen(a.values, b.values))
    effect = std_ratio_estimate(a.values, b.values)
    details = {"std_a": float(a.values.std(ddof=1)), "std_b": float(b.values.std(ddof=1))}
    return Evidence(Question.SPREAD, a, b, False, effect, 1.0, tests, details)


def _failures(a: Runs, b: Runs) -> Evidence:
    counts = (int(a.failed.sum()), a.n, int(b.failed.sum()), b.n)
    tests = list(dict.fromkeys([failure_test(*counts), fisher(*counts)]))
    if are_paired(a, b):
        places, others = shared_seeds(a, b)
        tests.append(mcnemar(a.failed[places], b.failed[others]))
    details = {"failed_a": float(counts[0]), "failed_b": float(counts[2])}
    effect = share_difference(*counts)
    return Evidence(Question.FAILURES, a, b, False, effect, 0.0, tuple(tests), details)


def _improvement(a: Runs, b: Runs) -> Evidence:
    paired = are_paired(a, b)
    x, y = a.merit, b.merit
    if paired:
        places, others = shared_seeds(a, b)
        x, y = x[places], y[others]
    effect = probability_of_improvement([(x, y)], paired=paired)
    return Evidence(Question.IMPROVEMENT, a, b, paired, effect, 0.5, (), {})


def _order(a: Runs, b: Runs, comparisons: int) -> Evidence:
    # two directions a comparison, each an own claim (Bonferroni)
    confidence = 1 - 0.05 / (2 * comparisons)
    ahead = almost_stochastic_order(a.merit, b.merit, confidence)
    behind = almost_stochastic_order(b.merit, a.merit, confidence)
    effect = Estimate("violation", ahead.violation, None, None, ahead.n)
    details = {"epsilon_min_a": ahead.epsilon_min, "epsilon_min_b": behind.epsilon_min}
    return Evidence(Question.ORDER, a, b, False, effect, 0.5, (), details)


def _examples(a: Runs, b: Runs, predicted: tuple[CellPredictions, CellPredictions]) -> Evidence:
    paired = are_paired(a, b)
    x, y = (one.predictions for one in predicted)
    if paired:
        places, others = shared_seeds(a, b)
        x, y = x[places], y[others]
    found = multi_bootstrap(x, y, predicted[0].labels, a.metric, paired=paired)
    effect = Estimate(
        "mean_difference", found.difference, found.interval, "Multi-Bootstrap", min(found.runs)
    )
    details = {
        "examples": float(found.examples),
        "std_from_seeds": found.seeds_only,
        "std_from_examples": found.examples_only,
    }
    tests = (TestResult("Multi-Bootstrap", None, found.p),)
    return Evidence(Question.EXAMPLES, a, b, paired, effect, 0.0, tests, details)
