"""Compare two recipes of a study."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from steadytune.api.choices import check
from steadytune.api.load import as_ledger

if TYPE_CHECKING:
    from steadytune.comparison.compare import Answer
    from steadytune.ledger import Ledger


class Comparison(Sequence["Answer"]):
    """The answers, question by question and task by task; printed as sentences."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = tuple(answers)

    def __len__(self) -> int:
        return len(self._answers)

    @overload
    def __getitem__(self, place: int) -> Answer: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Answer]: ...
    def __getitem__(self, place: int | slice) -> Answer | Sequence[Answer]:
        return self._answers[place]

    def __repr__(self) -> str:
        return self.render()

    def render(
        self, format: Literal["text", "json", "markdown"] = "text", width: int | None = None
    ) -> str:
        """The answers as text; ``width`` folds sentences.

        Raises:
            BadInput: there is no such format.
        """
        from steadytune.reports import comparison

        check("format", format, comparison.FORMATS)
        if format == "text":
            return comparison.as_text(self._answers, width)
        return comparison.FORMATS[format](self._answers)


def compare(
    ledger: Ledger | str | os.PathLike[str],
    a: str,
    b: str,
    questions: str | Sequence[str] | None = None,
    checkpoint: Literal["last", "best"] = "last",
    failed_by: Literal["auto", "accuracy", "mcc"] = "auto",
) -> Comparison:
    """Which of two recipes is better, steadier, fails less: answers with their evidence.

    >>> import steadytune
    >>> answers = steadytune.compare("out", a="tiny", b="fast", questions=["level", "failures"])
    >>> [answer.question.value for answer in answers]
    ['level', 'failures']

    Args:
        ledger: a Ledger, or the folder of a study.
        a: a recipe of the study.
        b: another.
        questions: one or several of level, spread, failures, improvement, order, examples; all of
            them if None.
        checkpoint: ``last``, or ``best`` on the selecting dev split (selection: reads too high).
        failed_by: what tells a failed run, see ``FailureRule``.

    Raises:
        BadInput: no such recipe, question, checkpoint or rule, or ``a`` and ``b`` are the same.
    """
    from steadytune.comparison.question import Question
    from steadytune.comparison.study import compare_study
    from steadytune.failure_rule import ASKS, FailureRule
    from steadytune.results.conditions import conditions
    from steadytune.results.summary import CHECKPOINTS

    known = [question.value for question in Question]
    asked = [questions] if isinstance(questions, str) else list(questions or known)
    for question in asked:
        check("question", question, known)
    check("checkpoint", checkpoint, CHECKPOINTS)
    check("failed_by", failed_by, ASKS)
    rule = FailureRule(failed_by)
    wanted = [Question(question) for question in dict.fromkeys(asked)]
    found = conditions(as_ledger(ledger))
    return Comparison(compare_study(found, a, b, wanted, checkpoint, rule))
