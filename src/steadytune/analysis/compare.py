"""Compare two recipes: a question in, a sentence with its evidence out."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from steadytune.analysis.answers import decided_sentence, open_sentence
from steadytune.analysis.carries import refusals, warnings
from steadytune.analysis.estimators import Estimate
from steadytune.analysis.evidence import Evidence, Question, gather, turned
from steadytune.analysis.families import holm
from steadytune.analysis.predictions import CellPredictions
from steadytune.analysis.runs import Runs
from steadytune.analysis.stochastic_order import DECISIVE
from steadytune.analysis.test_result import TestResult

ALPHA = 0.05
MEANINGFUL = 0.75  # Bouthillier et al. 2021: a chance of winning worth acting on

Verdict = Literal["a", "b", "undecided", "refused"]
_OTHER: dict[Verdict, Verdict] = {
    "a": "b",
    "b": "a",
    "undecided": "undecided",
    "refused": "refused",
}
Predicted = tuple[CellPredictions, CellPredictions]


@dataclass(frozen=True)
class Answer:
    """The answer to one question about two recipes on one task with one encoder.

    Attributes:
        question, task, encoder, metric: what was asked, of what.
        a, b: the recipes. n_a, n_b: their ended runs. paired: compared seed by seed.
        verdict: the recipe that is better, steadier or fails less; or ``undecided``, or ``refused``
            where the data cannot carry the question.
        sentence: the answer in words, with n, effect, interval and test.
        effect: its size; see ``evidence``. tests: the one that decided first; their
            statistics are of the recipes in the order of their names.
        details: further numbers by name.
        warnings: what to keep in mind, one sentence each; for ``refused`` the reasons.
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
    seeds_needed: int | None = None


def compare(question: Question, a: Runs, b: Runs, predicted: Predicted | None = None) -> Answer:
    """Answer one question about two recipes.

    Args:
        question: see Question.
        a: runs of one recipe.
        b: runs of another, on the same task with the same encoder.
        predicted: their predictions, in the order of the runs; needed for Question.EXAMPLES.
    """
    return compare_family(question, [(a, b)], [predicted])[0]


def compare_family(
    question: Question,
    pairs: Sequence[tuple[Runs, Runs]],
    predicted: Sequence[Predicted | None] | None = None,
    comparisons: int | None = None,
) -> list[Answer]:
    """Answer one question for several pairs of recipes or tasks, p-values adjusted by Holm.

    Args:
        question: see Question.
        pairs: what is compared; every pair one comparison of the family.
        predicted: of each pair, for Question.EXAMPLES.
        comparisons: of the family, where it is larger than ``pairs``: see ``holm``.
    """
    predicted = predicted or [None] * len(pairs)
    # asked in the order of the names, so that no draw depends on who is named first
    turned = [a.recipe > b.recipe for a, b in pairs]
    in_order = [
        _ordered(*pair, known, turn)
        for pair, known, turn in zip(pairs, predicted, turned, strict=True)
    ]
    return [
        _turned(one) if turn else one
        for one, turn in zip(_answers(question, in_order, comparisons or 0), turned, strict=True)
    ]


def _ordered(
    a: Runs, b: Runs, predicted: Predicted | None, turn: bool
) -> tuple[Runs, Runs, Predicted | None]:
    if not turn:
        return a, b, predicted
    return b, a, None if predicted is None else (predicted[1], predicted[0])


def _answers(
    question: Question,
    asked_of: Sequence[tuple[Runs, Runs, Predicted | None]],
    comparisons: int,
) -> list[Answer]:
    reasons = [_refused(question, *one) for one in asked_of]
    asked = max(sum(not why for why in reasons), comparisons)
    found = [
        None if why else gather(question, *one, comparisons=asked)
        for why, one in zip(reasons, asked_of, strict=True)
    ]
    p_values = [one.tests[0].p for one in found if one and one.tests]
    adjusted = iter(holm(p_values, asked))
    answers = list[Answer]()
    for (a, b, _), why, one in zip(asked_of, reasons, found, strict=True):
        if one is None:
            answers.append(_refusal(question, a, b, why))
            continue
        if one.tests and asked > 1:
            first = replace(one.tests[0], adjusted=float(next(adjusted)))
            one = replace(one, tests=(first, *one.tests[1:]))
        answers.append(_answer(one, asked))
    return answers


def _refused(question: Question, a: Runs, b: Runs, predicted: Predicted | None) -> list[str]:
    found = refusals(a, b, **_kind(question))
    if question is Question.EXAMPLES and predicted is None:
        found.append("the predictions of the runs are not there")
    return found


def _kind(question: Question) -> dict[str, bool]:
    return {
        "of_failures": question is Question.FAILURES,
        "of_spread": question is Question.SPREAD,
    }


def _refusal(question: Question, a: Runs, b: Runs, reasons: Sequence[str]) -> Answer:
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


def _answer(found: Evidence, comparisons: int) -> Answer:
    verdict = _verdict(found)
    if verdict == "undecided":
        sentence = open_sentence(found, comparisons)
    else:
        sentence = decided_sentence(found, verdict)
    blank = _blank(found.question, found.a, found.b)
    return blank(
        paired=found.paired,
        verdict=verdict,
        sentence=sentence,
        effect=found.effect,
        tests=found.tests,
        details=found.details,
        warnings=tuple(
            warnings(
                found.a,
                found.b,
                **_kind(found.question),
                of_order=found.question is Question.ORDER,
            )
        ),
    )


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
        verdict=_OTHER[one.verdict],
        effect=None if one.effect is None else turned(one.question, one.effect),
        details={k[:-2] + swapped.get(k[-2:], k[-2:]): v for k, v in one.details.items()},
    )


def _verdict(found: Evidence) -> Literal["a", "b", "undecided"]:
    if found.question is Question.ORDER:
        ahead, behind = found.details["epsilon_min_a"], found.details["epsilon_min_b"]
        return "a" if ahead < DECISIVE else "b" if behind < DECISIVE else "undecided"
    value = found.effect.value
    if value is None or value == found.neutral:
        return "undecided"
    if found.question is Question.IMPROVEMENT:
        low, high = found.effect.interval or (0.0, 1.0)
        if value >= MEANINGFUL and low > 0.5:
            return "a"
        return "b" if value <= 1 - MEANINGFUL and high < 0.5 else "undecided"
    test = found.tests[0]
    if (test.p if test.adjusted is None else test.adjusted) >= ALPHA:
        return "undecided"
    more_is_worse = found.question in (Question.SPREAD, Question.FAILURES)
    return "a" if (value > found.neutral) != more_is_worse else "b"
