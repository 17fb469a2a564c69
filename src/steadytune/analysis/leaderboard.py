"""Leaderboard: the recipes of a task by their means, and from which the first one differs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.analysis.cells import Cell
from steadytune.analysis.compare import Answer, compare_page
from steadytune.analysis.evidence import Question
from steadytune.analysis.more_seeds import advised
from steadytune.analysis.page import Comparison
from steadytune.analysis.runs import Runs, runs_of
from steadytune.analysis.summary import Which

_QUESTIONS = (Question.LEVEL, Question.FAILURES)


@dataclass(frozen=True)
class Leaderboard:
    """The recipes of a task with an encoder that have ended runs.

    Attributes:
        runs: of each recipe, the best mean first; failed runs are in it. Never empty.
        level: the first recipe against each of the others, in that order: which is better. As any
            recipe could have come first, all pairs of recipes on all tasks are one family, in both
            questions together.
        failures: likewise, which fails less often.
    """

    runs: tuple[Runs, ...]
    level: tuple[Answer, ...]
    failures: tuple[Answer, ...]

    @property
    def comparisons(self) -> int:
        """Verdicts that the p-values are corrected for."""
        return max((one.comparisons for one in self.level), default=1)

    @property
    def leader(self) -> Runs:
        """The runs of the recipe with the best mean."""
        return self.runs[0]

    @property
    def rivals(self) -> tuple[str, ...]:
        """Recipes that are neither worse on average nor fail more often, as far as it is known."""
        return tuple(
            level.b
            for level, failures in zip(self.level, self.failures, strict=True)
            if level.verdict == "undecided" and failures.verdict != "a"
        )

    @property
    def refused(self) -> tuple[str, ...]:
        """Recipes that cannot be compared with the leader."""
        return tuple(one.b for one in self.level if one.verdict == "refused")


def leaderboards(cells: Sequence[Cell], which: Which = "last") -> list[Leaderboard]:
    """One for each task and encoder with ended runs."""
    places = dict.fromkeys((cell.task, cell.encoder) for cell in cells)
    ranked = [
        _best_first([cell for cell in cells if (cell.task, cell.encoder) == place], which)
        for place in places
    ]
    ranked = [runs for runs in ranked if runs]
    answers = iter(compare_page(*report_page(ranked)))
    found = list[Leaderboard]()
    for runs in ranked:
        level, failures = ([next(answers) for _ in runs[1:]] for _ in _QUESTIONS)
        level[:1] = [advised(one, runs[0], runs[1]) for one in level[:1]]
        found.append(Leaderboard(runs, tuple(level), tuple(failures)))
    return found


def report_page(
    ranked: Sequence[Sequence[Runs]],
) -> tuple[list[Comparison], list[Comparison]]:
    """What a report compares, and what it would have compared had other recipes come first.

    Args:
        ranked: the recipes of each task, the best mean first.
    """
    asked = [
        Comparison(question, runs[0], other)
        for runs in ranked
        for question in _QUESTIONS
        for other in runs[1:]
    ]
    unasked = [
        Comparison(question, *two)
        for runs in ranked
        for two in itertools.combinations(runs[1:], 2)
        for question in _QUESTIONS
    ]
    return asked, unasked


def _best_first(cells: Sequence[Cell], which: Which) -> tuple[Runs, ...]:
    ended = [runs for cell in cells if (runs := runs_of(cell, which)).n]
    return tuple(sorted(ended, key=lambda runs: -float(runs.merit.mean())))
