"""Compare recipes: questions in, sentences with their evidence out.

All verdicts of one page are one family: the chance that any of them is wrong is 5 % at most.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from steadytune.analysis.answers import decided_sentence, described_sentence, open_sentence
from steadytune.analysis.estimators import Estimate
from steadytune.analysis.evidence import Evidence, Question, gather, turned
from steadytune.analysis.page import Comparison, Predicted, Tested, adjusted_tests
from steadytune.analysis.power import ALPHA
from steadytune.analysis.runs import Runs
from steadytune.analysis.test_result import TestResult

Verdict = Literal["a", "b", "undecided", "described", "refused"]
_OTHER: dict[Verdict, Verdict] = {"a": "b", "b": "a"}


@dataclass(frozen=True)
class Answer:
    """The answer to one question about two recipes on one task with one encoder.

    Attributes:
        question, task, encoder, metric: what was asked, of what.
        a, b: the recipes. n_a, n_b: their ended runs. paired: compared seed by seed.
        verdict: the recipe that is better, steadier or fails less, or ``undecided``; ``described``
            for questions that get an interval and no verdict; ``refused`` where the runs cannot
            answer the question.
        sentence: the answer in words, with n, effect, interval and test.
        effect: its size; see ``evidence``. tests: the one that decided first; their
            statistics are of the recipes in the order of their names.
        details: further numbers by name.
        warnings: what to keep in mind, one sentence each; for ``refused`` the reasons.
        comparisons: verdicts that its p-value is corrected for. family: those of the page that
            more seeds could decide.
        seeds_needed: of each recipe, to decide an open question; see ``more_seeds``.
    """

    question: Question
    task: str
    encoder: str
    metric: str
    a: str
    b: str
    n_a: int
    n_b: int
    paired: bool
    verdict: Verdict
    sentence: str
    effect: Estimate | None
    tests: tuple[TestResult, ...]
    details: Mapping[str, float]
    warnings: tuple[str, ...]
    comparisons: int = 1
    family: int = 1
    seeds_needed: int | None = None


def compare(question: Question, a: Runs, b: Runs, predicted: Predicted | None = None) -> Answer:
    """Answer one question about two recipes, alone on its page; see ``Comparison``."""
    return compare_page([Comparison(question, a, b, predicted)])[0]


def compare_page(asked: Sequence[Comparison], unasked: Sequence[Comparison] = ()) -> list[Answer]:
    """Answer the questions of one page, the p-values of all verdicts adjusted together by Holm.

    Args:
        asked: what is compared.
        unasked: what would have been had other recipes looked best; see ``page``.
    """
    # asked in the order of the names, so that no draw depends on who is named first
    turned = [one.a.recipe > one.b.recipe for one in asked]
    in_order = [one.swapped() if turn else one for one, turn in zip(asked, turned, strict=True)]
    tested = adjusted_tests(in_order, unasked)
    answers = [_answer(one, of) for one, of in zip(in_order, tested, strict=True)]
    return [_turned(one) if turn else one for one, turn in zip(answers, turned, strict=True)]


def _refusal(one: Comparison, reasons: Sequence[str]) -> Answer:
    question, a, b = one.question, one.a, one.b
    sentence = (
        f"{a.recipe} and {b.recipe} on {a.task} ({a.encoder}) cannot be compared for "
        f"{question.value}: {'; '.join(reasons)}."
    )
    blank = _blank(question, a, b)
    return blank(
        paired=False,
        verdict="refused",
        sentence=sentence,
        effect=None,
        tests=(),
        details={},
        warnings=tuple(reasons),
    )


def _answer(asked: Comparison, tested: Tested) -> Answer:
    if reasons := asked.refused():
        return _refusal(asked, reasons)
    a, b = asked.a, asked.b
    found = gather(asked.question, a, b, asked.predicted, tested.tests)
    verdict = _verdict(found)
    blank = _blank(asked.question, a, b)
    return blank(
        paired=found.paired,
        verdict=verdict,
        sentence=_sentence(found, verdict, tested.comparisons),
        effect=found.effect,
        tests=found.tests,
        details=found.details,
        warnings=tuple(asked.warnings()),
        comparisons=tested.comparisons,
        family=tested.family,
    )


def _sentence(found: Evidence, verdict: Verdict, comparisons: int) -> str:
    if verdict == "described":
        return described_sentence(found)
    if verdict in ("a", "b"):
        return decided_sentence(found, verdict)
    return open_sentence(found, comparisons)


def _blank(question: Question, a: Runs, b: Runs) -> functools.partial[Answer]:
    return functools.partial(
        Answer,
        question=question,
        task=a.task,
        encoder=a.encoder,
        metric=a.metric or b.metric,
        a=a.recipe,
        b=b.recipe,
        n_a=a.n,
        n_b=b.n,
    )


def _turned(one: Answer) -> Answer:
    """The same answer with the recipes named the other way round."""
    swapped = {"_a": "_b", "_b": "_a"}
    return replace(
        one,
        a=one.b,
        b=one.a,
        n_a=one.n_b,
        n_b=one.n_a,
        verdict=_OTHER.get(one.verdict, one.verdict),
        effect=None if one.effect is None else turned(one.question, one.effect),
        details={k[:-2] + swapped.get(k[-2:], k[-2:]): v for k, v in one.details.items()},
    )


def _verdict(found: Evidence) -> Verdict:
    if not found.question.decided:
        return "described"
    value, test = found.effect.value, found.tests[0]
    p = test.p if test.adjusted is None else test.adjusted
    if value is None or value == found.neutral or p >= ALPHA:
        return "undecided"
    more_is_worse = found.question in (Question.SPREAD, Question.FAILURES)
    return "a" if (value > found.neutral) != more_is_worse else "b"
