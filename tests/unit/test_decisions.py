"""Decisions that hold together: more seeds, whole pages, intervals beside verdicts."""

# pyright: reportOptionalSubscript=false, reportOptionalIterable=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportOptionalMemberAccess=false
# (an estimate that is None fails the test, as it should)

from dataclasses import replace

import numpy as np
import pytest
from simulated_cells import simulated_runs, two_groups

from steadytune.analysis.compare import compare, compare_page
from steadytune.analysis.evidence import Question
from steadytune.analysis.multi_bootstrap import multi_bootstrap
from steadytune.analysis.page import Comparison, adjusted_tests
from steadytune.analysis.power import mean_power, seeds_for
from steadytune.analysis.spread_tests import brown_forsythe

TASKS = tuple(f"task {i}" for i in range(7))
DECIDED = [question for question in Question if question.decided]


def page_of(seeds, gap, tasks=TASKS, questions=(Question.LEVEL,)):
    """Comparisons of two recipes that share their seeds, as far apart as ``gap`` on every task."""
    rng = np.random.default_rng(11)
    scores = rng.normal(0.7, 0.02, (2, len(tasks), 25))[:, :, :seeds]
    return [
        Comparison(
            question,
            simulated_runs(scores[0, i] + gap, recipe="a", task=task),
            simulated_runs(scores[1, i], recipe="b", task=task),
        )
        for question in questions
        for i, task in enumerate(tasks)
    ]


@pytest.mark.parametrize("questions", [(Question.LEVEL,), tuple(DECIDED)])
def test_more_seeds_never_undo_a_decision(questions):
    """20 points apart on 7 tasks: decided with 6 seeds and with every number above."""
    decided = {
        n: all(
            one.verdict == "a"
            for one in compare_page(page_of(n, 0.2, questions=questions))
            if one.question is Question.LEVEL
        )
        for n in range(5, 13)
    }
    # 5 and 5 runs: p is 2 / 252 at least, times 7
    assert decided == {n: n >= 6 for n in range(5, 13)}


def test_power_and_advice_know_what_the_page_can_decide():
    alpha = 0.05 / len(TASKS)
    needed = seeds_for(lambda n: mean_power(0.2, 0.02, 0.02, n, alpha=alpha), least=5)
    assert needed == 6
    (open_, *_) = compare_page(page_of(5, 0.2))
    assert open_.verdict == "undecided"
    assert "nothing can be significant" in open_.sentence


def test_unequal_numbers_of_runs_have_a_smaller_least_p():
    rng = np.random.default_rng(0)
    a, b = (
        simulated_runs(rng.normal(m, 0.01, n), recipe=r)
        for m, n, r in ((0.9, 5, "a"), (0.5, 6, "b"))
    )
    found = compare(Question.LEVEL, a, replace(b, ids=tuple(f"x{i}" for i in range(6))))
    assert found.tests[0].p == pytest.approx(1 / 462)


def test_what_is_refused_or_cannot_be_decided_is_not_paid_for():
    asked = page_of(8, 0.2, TASKS[:2])
    alone = [one.comparisons for one in adjusted_tests(asked)]
    assert alone == [2, 2]
    few = simulated_runs([0.7, 0.71, 0.69], recipe="few", task="few")
    refused = Comparison(Question.LEVEL, few, asked[0].b)
    no_failures = replace(asked[0], question=Question.FAILURES)
    described = replace(asked[0], question=Question.IMPROVEMENT)
    found = adjusted_tests([*asked, refused, no_failures, described], [refused] * 50)
    assert [one.comparisons for one in found[:2]] == [2, 2]
    assert found[2].tests == ()
    assert found[4].tests == ()
    # 30 pairs of 5 and 5 runs cannot be significant in so large a family, so they are left out
    five = page_of(5, 0.0, TASKS[:1])[0]
    assert adjusted_tests([*asked, *[five] * 30])[0].comparisons == 2


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_few_pages_are_wrong(share):
    """Recipes that do not differ, all verdicts of 3 tasks: 5 % and three standard errors."""
    rng, wrong, studies = np.random.default_rng(5), 0, 120
    for _ in range(studies):
        scores = two_groups(rng, (2, 3, 6), share)
        asked = [
            Comparison(
                question,
                *(
                    simulated_runs(x, x == 0.53, recipe, range(6 * k, 6 * k + 6), task=str(i))
                    for k, (recipe, x) in enumerate(zip("ab", scores[:, i], strict=True))
                ),
            )
            for question in DECIDED
            for i in range(3)
        ]
        p = [one.tests[0].adjusted for one in adjusted_tests(asked) if one.tests]
        wrong += any(one is not None and one < 0.05 for one in p)
    assert wrong / studies <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_spread_is_not_found_in_the_tails_where_runs_fail():
    """By F alone p < 0.01 in 3 % of studies of 10 runs of which 3 in 10 fail."""
    rng = np.random.default_rng(20_210_111)
    p = [brown_forsythe(*two_groups(rng, (2, 10), 0.3)).p for _ in range(250)]
    assert np.mean(np.array(p) < 0.01) <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 250)


def test_the_interval_on_other_examples_is_wide_enough_for_five_runs():
    """Plain percentiles leave out the truth in 11 %."""
    rng, outside, studies = np.random.default_rng(4), 0, 150
    for _ in range(studies):
        labels = rng.integers(0, 2, 60)
        right = rng.random((2, 5, 60)) < 0.8
        right[rng.random((2, 5)) < 0.3] = labels == 0
        predicted = np.where(right, labels, 1 - labels)
        low, high = multi_bootstrap(*predicted, labels, "accuracy", paired=False).interval
        outside += not low <= 0 <= high
    assert outside / studies <= 0.06 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_a_verdict_that_its_interval_does_not_show_is_explained():
    """Alone p = 0.02; six such comparisons leave none, and the sentence says why."""
    asked = page_of(8, 0.025, TASKS)
    found = [one for one in compare_page(asked) if one.tests[0].p < 0.05]
    assert found
    for one in found:
        low, high = one.effect.interval
        assert not low <= 0 <= high
        expected = "" if one.verdict == "a" else "of this comparison alone"
        assert expected in one.sentence
    seen = {one.verdict for one in found}
    assert "undecided" in seen


def test_descriptions_are_no_verdicts():
    rng = np.random.default_rng(2)
    a, b = (
        simulated_runs(rng.normal(m, 0.01, 6), recipe=r, seeds=range(i, i + 6))
        for m, r, i in ((0.9, "a", 0), (0.5, "b", 9))
    )
    for question in (Question.IMPROVEMENT, Question.ORDER):
        found = compare(question, a, b)
        assert (found.verdict, found.tests) == ("described", ())
        assert "interval" in found.sentence
