"""Evidence: the effect, and the test where there is one, that answer a question of two recipes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from steadytune.analysis.comparability import LEAST_RUNS
from steadytune.analysis.estimators import Estimate, std
from steadytune.analysis.failure_tests import failure_test, fisher, mcnemar, share_difference
from steadytune.analysis.intervals import CONFIDENCE
from steadytune.analysis.level_tests import probability_of_improvement
from steadytune.analysis.multi_bootstrap import multi_bootstrap
from steadytune.analysis.permutation_test import difference, permutation
from steadytune.analysis.predictions import CellPredictions
from steadytune.analysis.runs import Runs, shared_seeds
from steadytune.analysis.spread_tests import brown_forsythe, distance_ratio, mean_distance
from steadytune.analysis.stochastic_order import almost_stochastic_order
from steadytune.analysis.test_result import TestResult


class Question(StrEnum):
    """What can be asked of two recipes.

    LEVEL: which is better on average? SPREAD: which is steadier? FAILURES: which fails less often?
    These three are decided by a test. IMPROVEMENT: will a run of one beat a run of the other?
    ORDER: is one better from its worst runs to its best? EXAMPLES: how large would the difference
    be with other seeds and on other dev examples? These are described, never decided.
    """

    LEVEL = "level"
    SPREAD = "spread"
    FAILURES = "failures"
    IMPROVEMENT = "improvement"
    ORDER = "order"
    EXAMPLES = "examples"

    @property
    def decided(self) -> bool:
        """Whether it gets a verdict, by a test that its family pays for."""
        return self in (Question.LEVEL, Question.SPREAD, Question.FAILURES)


@dataclass(frozen=True)
class Evidence:
    """What the runs say, before anything is decided.

    Attributes:
        question: what was asked. a, b: the runs.
        paired: runs were compared seed by seed.
        effect: the size of the difference, positive (or above its ``neutral`` value) where ``a``
            is better, larger or fails more.
        neutral: the effect's value where the recipes are alike.
        tests: the one that decides first; none for questions that are described.
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


def run_tests(
    question: Question, a: Runs, b: Runs, *, comparisons: int = 1
) -> tuple[TestResult, ...]:
    """The tests that decide the question, the deciding one first; none where it is described.

    Args:
        question: see Question.
        a: runs of one recipe.
        b: runs of the other, on the same task with the same encoder.
        comparisons: in the family; more of them ask for p-values that are known finer.
    """
    match question:
        case Question.LEVEL:
            return (permutation(a.merit, b.merit, comparisons=comparisons),)
        case Question.SPREAD:
            return (brown_forsythe(a.values, b.values, comparisons=comparisons),)
        case Question.FAILURES:
            return _failure_tests(a, b)
        case _:
            return ()


def gather(
    question: Question,
    a: Runs,
    b: Runs,
    predicted: tuple[CellPredictions, CellPredictions] | None = None,
    tests: tuple[TestResult, ...] | None = None,
) -> Evidence:
    """Compute what answers the question; what is asked of runs that it fits is the caller's care.

    Args:
        question: see Question.
        a: runs of one recipe.
        b: runs of the other, on the same task with the same encoder.
        predicted: of both, for EXAMPLES.
        tests: made already, with p-values adjusted.
    """
    tests = run_tests(question, a, b) if tests is None else tests
    match question:
        case Question.LEVEL:
            effect = difference(a.merit, b.merit)
            return Evidence(question, a, b, False, effect, 0.0, tests, {})
        case Question.SPREAD:
            return _spread(a, b, tests)
        case Question.FAILURES:
            return _failures(a, b, tests)
        case Question.IMPROVEMENT:
            return _improvement(a, b)
        case Question.ORDER:
            return _order(a, b)
        case Question.EXAMPLES:
            if predicted is None:
                raise ValueError("the question of examples takes predictions")
            return _examples(a, b, predicted)


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


def _spread(a: Runs, b: Runs, tests: tuple[TestResult, ...]) -> Evidence:
    effect = distance_ratio(a.values, b.values)
    details = {
        "std_a": float(std(a.values)),
        "std_b": float(std(b.values)),
        "mean_distance_a": float(mean_distance(a.values)),
        "mean_distance_b": float(mean_distance(b.values)),
    }
    return Evidence(Question.SPREAD, a, b, False, effect, 1.0, tests, details)


def _failure_tests(a: Runs, b: Runs) -> tuple[TestResult, ...]:
    counts = _counts(a, b)
    tests = list(dict.fromkeys([failure_test(*counts), fisher(*counts)]))
    if are_paired(a, b):
        places, others = shared_seeds(a, b)
        tests.append(mcnemar(a.failed[places], b.failed[others]))
    return tuple(tests)


def _failures(a: Runs, b: Runs, tests: tuple[TestResult, ...]) -> Evidence:
    counts = _counts(a, b)
    details = {"failed_a": float(counts[0]), "failed_b": float(counts[2])}
    effect = share_difference(*counts)
    return Evidence(Question.FAILURES, a, b, False, effect, 0.0, tests, details)


def _counts(a: Runs, b: Runs) -> tuple[int, int, int, int]:
    return int(a.failed.sum()), a.n, int(b.failed.sum()), b.n


def _improvement(a: Runs, b: Runs) -> Evidence:
    paired = are_paired(a, b)
    x, y = a.merit, b.merit
    if paired:
        places, others = shared_seeds(a, b)
        x, y = x[places], y[others]
    effect = probability_of_improvement([(x, y)], paired=paired)
    return Evidence(Question.IMPROVEMENT, a, b, paired, effect, 0.5, (), {})


def _order(a: Runs, b: Runs) -> Evidence:
    one_sided = (1 + CONFIDENCE) / 2
    ahead = almost_stochastic_order(a.merit, b.merit, one_sided)
    behind = almost_stochastic_order(b.merit, a.merit, one_sided)
    low, high = 1 - behind.epsilon_min, ahead.epsilon_min  # the shares of both add up to 1
    known = low < high  # not where one recipe is ahead in every resample, too
    effect = Estimate(
        "violation",
        ahead.violation,
        (low, high) if known else None,
        "bootstrap" if known else None,
        ahead.n,
    )
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
    return Evidence(Question.EXAMPLES, a, b, paired, effect, 0.0, (), details)
