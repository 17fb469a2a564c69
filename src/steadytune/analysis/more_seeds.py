"""More seeds: how many an open question would take, from the runs that left it open."""

from __future__ import annotations

import functools
from dataclasses import replace

from steadytune.analysis.compare import Answer
from steadytune.analysis.evidence import Question
from steadytune.analysis.failure_tests import MOST
from steadytune.analysis.power import ALPHA, failure_power, mean_power, pilot_power, seeds_for
from steadytune.analysis.runs import Runs


def advised(answer: Answer, a: Runs, b: Runs) -> Answer:
    """An open answer with the seeds that would decide it, as a number and in its sentence.

    Where no number up to MOST would, nothing is said: a small difference between few runs shows
    neither that the recipes differ nor that they are equal.

    Args:
        answer: of ``compare_page``; returned as it is where it is not open.
        a: the runs that it is about.
        b: those of the other recipe.
    """
    if answer.verdict != "undecided":
        return answer
    needed = seeds_to_decide(answer.question, a, b, answer.family)
    if needed is None:
        return answer
    told = (
        f"If the true difference is the one seen, about {needed} seeds of each recipe would decide "
        "it."
    )
    return replace(answer, sentence=f"{answer.sentence} {told}", seeds_needed=needed)


def seeds_to_decide(question: Question, a: Runs, b: Runs, comparisons: int = 1) -> int | None:
    """Fewest seeds of each recipe that find the difference seen in 4 of 5 studies.

    It takes the observed difference for the true one, which few runs know only roughly: a size to
    plan with, not a promise. None where MOST are not enough.

    Args:
        question: LEVEL, SPREAD or FAILURES.
        a: runs of one recipe, two or more.
        b: runs of the other.
        comparisons: in the family, each of which leaves the test that much less room (Bonferroni,
            which asks for somewhat more than Holm).
    """
    if max(a.n, b.n) >= MOST:
        return None
    power_of = functools.partial(_POWER[question], a, b, alpha=ALPHA / comparisons)
    return seeds_for(power_of, least=max(a.n, b.n) + 1)


def _level(a: Runs, b: Runs, runs: int, *, alpha: float) -> float:
    if a.failed.any() or b.failed.any():  # two groups of runs: far from normal
        return pilot_power("level", a.values, b.values, runs, alpha=alpha)
    difference = float(a.values.mean() - b.values.mean())
    of_a, of_b = (float(one.values.std(ddof=1)) for one in (a, b))
    return mean_power(difference, of_a, of_b, runs, alpha=alpha)


def _spread(a: Runs, b: Runs, runs: int, *, alpha: float) -> float:
    return pilot_power("spread", a.values, b.values, runs, alpha=alpha)


def _failures(a: Runs, b: Runs, runs: int, *, alpha: float) -> float:
    return failure_power(float(a.failed.mean()), float(b.failed.mean()), runs, alpha=alpha)


_POWER = {
    Question.LEVEL: _level,
    Question.SPREAD: _spread,
    Question.FAILURES: _failures,
}
