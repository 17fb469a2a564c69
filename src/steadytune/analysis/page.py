"""Page: all verdicts that stand beside each other, their p-values corrected together.

The chance that any verdict of a page is wrong is 5 % at most (Holm over all of them). Comparisons
that are refused do not count, nor do those that so few runs cannot decide, nor does the question of
failures where no run failed: that is known without looking at which recipe is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from steadytune.analysis.arrangements import least_p
from steadytune.analysis.comparability import refusals, warnings
from steadytune.analysis.evidence import Question, run_tests
from steadytune.analysis.failure_tests import failure_test
from steadytune.analysis.families import decidable, holm
from steadytune.analysis.power import ALPHA
from steadytune.analysis.predictions import CellPredictions
from steadytune.analysis.runs import Runs
from steadytune.analysis.test_result import TestResult

Predicted = tuple[CellPredictions, CellPredictions]


@dataclass(frozen=True)
class Comparison:
    """One question about two recipes on one task with one encoder.

    Attributes:
        question: see Question.
        a, b: the runs of the recipes.
        predicted: their predictions, in the order of the runs; needed for Question.EXAMPLES.
    """

    question: Question
    a: Runs
    b: Runs
    predicted: Predicted | None = None

    def swapped(self) -> Comparison:
        """The same with the recipes named the other way round."""
        predicted = None if self.predicted is None else (self.predicted[1], self.predicted[0])
        return Comparison(self.question, self.b, self.a, predicted)

    def refused(self) -> list[str]:
        """Why it cannot be made, one sentence a reason; none if it can."""
        found = refusals(self.a, self.b, **self._kind())
        if self.question is Question.EXAMPLES and self.predicted is None:
            found.append("the predictions of the runs are not there")
        return found

    def warnings(self) -> list[str]:
        """What to keep in mind beside its answer."""
        return warnings(self.a, self.b, **self._kind())

    def _kind(self) -> dict[str, bool]:
        return {
            "of_failures": self.question is Question.FAILURES,
            "of_spread": self.question is Question.SPREAD,
        }


@dataclass(frozen=True)
class Tested:
    """The tests of one comparison.

    Attributes:
        tests: the deciding one first, its p-value adjusted; none where there is no verdict.
        comparisons: verdicts that it is corrected for.
        family: verdicts of the page that more seeds could decide.
    """

    tests: tuple[TestResult, ...] = ()
    comparisons: int = 1
    family: int = 1


def adjusted_tests(asked: Sequence[Comparison], unasked: Sequence[Comparison] = ()) -> list[Tested]:
    """The tests of each comparison of a page, adjusted by Holm over all of them.

    Args:
        asked: what is compared.
        unasked: what would have been had other recipes looked best; they count as tests that found
            nothing.
    """
    decided = [place for place, one in enumerate(asked) if one.question.decided]
    decided = [place for place in decided if not asked[place].refused()]
    others = [one for one in unasked if one.question.decided and not one.refused()]
    most = len(decided) + len(others)
    least = [_least_p(one, most) for one in [*(asked[place] for place in decided), *others]]
    counted, size = decidable(least, ALPHA)
    made = {
        place: run_tests(asked[place].question, asked[place].a, asked[place].b, comparisons=most)
        for place in decided
    }
    places = [place for place, counts in zip(decided, counted, strict=False) if counts]
    by_holm = holm([made[place][0].p for place in places], sum(counted))
    adjusted = dict(zip(places, map(float, by_holm), strict=True))
    family = sum(p < 1 for p in least)
    found = [Tested()] * len(asked)
    for place, tests in made.items():
        comparisons = sum(counted) if place in adjusted else size
        p = adjusted.get(place, min(1.0, tests[0].p * size))
        first = replace(tests[0], adjusted=p if comparisons > 1 else None)
        found[place] = Tested((first, *tests[1:]), comparisons, family)
    return found


def _least_p(one: Comparison, comparisons: int) -> float:
    """The least p-value that the test can have, known before it is made."""
    a, b = one.a, one.b
    if one.question is not Question.FAILURES:
        return least_p(a.n, b.n, comparisons)
    failed = int(a.failed.sum() + b.failed.sum())
    if failed in (0, a.n + b.n):  # nothing to tell apart: the test conditional on that has p = 1
        return 1.0
    return min(failure_test(a.n, a.n, 0, b.n).p, failure_test(0, a.n, b.n, b.n).p)
