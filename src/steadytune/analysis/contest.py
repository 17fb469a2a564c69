"""Contest: which recipe has the best mean on a task, and from which others its runs tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.analysis.cells import Cell
from steadytune.analysis.compare import Answer, compare_family
from steadytune.analysis.evidence import Question
from steadytune.analysis.more_seeds import advised
from steadytune.analysis.runs import Runs, runs_of
from steadytune.analysis.summary import Which


@dataclass(frozen=True)
class Contest:
    """The recipes of a task with an encoder that have ended runs.

    Attributes:
        runs: of each recipe, the best mean first; failed runs are in it. Never empty.
        level: the first recipe against each of the others, in that order: which is better. Its
            p-values are adjusted for all pairs of recipes on all tasks, as any could have come
            first.
        failures: likewise, which fails less often.
        spread: which of the first two is steadier; None where there is one recipe.
        comparisons: that ``level`` and ``failures`` are adjusted for.
    """

    runs: tuple[Runs, ...]
    level: tuple[Answer, ...]
    failures: tuple[Answer, ...]
    spread: Answer | None
    comparisons: int

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


def contests(cells: Sequence[Cell], which: Which = "last") -> list[Contest]:
    """One for each task and encoder with ended runs."""
    places = dict.fromkeys((cell.task, cell.encoder) for cell in cells)
    ranked = [
        _best_first([cell for cell in cells if (cell.task, cell.encoder) == place], which)
        for place in places
    ]
    ranked = [runs for runs in ranked if runs]
    pairs = [(runs[0], other) for runs in ranked for other in runs[1:]]
    nearest = [(runs[0], runs[1]) for runs in ranked if runs[1:]]
    comparisons = sum(len(runs) * (len(runs) - 1) // 2 for runs in ranked)
    level = iter(compare_family(Question.LEVEL, pairs, comparisons=comparisons))
    spread = iter(compare_family(Question.SPREAD, nearest))
    failures = iter(compare_family(Question.FAILURES, pairs, comparisons=comparisons))
    found = list[Contest]()
    for runs in ranked:
        first, others = runs[0], runs[1:]
        against = [next(level) for _ in others]
        against[:1] = [advised(one, first, others[0], comparisons) for one in against[:1]]
        found.append(
            Contest(
                runs=runs,
                level=tuple(against),
                failures=tuple(next(failures) for _ in others),
                spread=next(spread) if others else None,
                comparisons=comparisons,
            )
        )
    return found


def _best_first(cells: Sequence[Cell], which: Which) -> tuple[Runs, ...]:
    ended = [runs for cell in cells if (runs := runs_of(cell, which)).n]
    return tuple(sorted(ended, key=lambda runs: -float(runs.merit.mean())))
