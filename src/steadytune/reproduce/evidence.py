"""Evidence: the runs of every part that is on disk, seen as one, and what was measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadytune.diagnosis import vanished_at
from steadytune.ledger import Ledger
from steadytune.recipe import Recipe
from steadytune.records import RunRecord, State
from steadytune.reproduce.cast import Cast
from steadytune.results.conditions import Condition, conditions
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.source import Source
from steadytune.study import TaskChoice

CROSSED, SEARCHED = "crossed", "headroom"


@dataclass(frozen=True)
class Evidence:
    """What there is for one encoder.

    Attributes:
        cast: the encoder and its scale. folder: of its parts, a ledger each.
        ledgers: by the name of the part, those that are on disk.
        command: what runs an experiment, with its options.
    """

    cast: Cast
    folder: Path
    ledgers: dict[str, Ledger]
    command: str

    @cached_property
    def source(self) -> Source:
        """Series of the runs of every part."""
        return Source(list(self.ledgers.values()))

    @cached_property
    def cells(self) -> list[Condition]:
        """One for each recipe and task, its seeds gathered from every part with tied seeds."""
        tied = [ledger for name, ledger in self.ledgers.items() if name not in (CROSSED, SEARCHED)]
        return gathered(tied)

    def of_part(self, name: str) -> list[Condition]:
        """The cells of one part; none where it is not on disk."""
        return conditions(self.ledgers[name]) if name in self.ledgers else []

    def cell(self, recipe: Recipe, task: TaskChoice) -> Condition:
        """The runs of a recipe on a task; an empty cell where there are none."""
        for cell in self.cells:
            if (cell.recipe, cell.task) == (recipe.name, task.title):
                return cell
        return Condition(task.title, self.cast.encoder, recipe.name, 0, ())

    def ablation(self, length: int | None = None) -> list[Condition]:
        """Cells of the ablation that have runs, of one length of training or of all."""
        lengths = range(3) if length is None else (length,)
        wanted = {
            self.cast.ablated(lr, each, correction).name
            for each in lengths
            for lr in self.cast.scale.lrs
            for correction in (False, True)
        }
        main = self.cast.scale.main.title
        return [cell for cell in self.cells if cell.recipe in wanted and cell.task == main]

    @property
    def checkpoints(self) -> Path:
        """Where measurements on checkpoints are."""
        return self.folder / "checkpoints"

    def vanished_at(self, run: str) -> int | None:
        """The step at which the gradients of a run vanished, if it failed so."""
        owner = {r.id: (cell, r) for cell in self.cells for r in cell.records}
        return vanished_at(*owner[run]) if run in owner else None


def gathered(ledgers: Sequence[Ledger]) -> list[Condition]:
    """The cells of several ledgers; those of one recipe and task become one, runs by seed."""
    source = Source(ledgers)
    found = dict[tuple[str, str, str], list[Condition]]()
    for ledger in ledgers:
        for cell in conditions(ledger):
            found.setdefault((cell.task, cell.encoder, cell.recipe), []).append(cell)
    return [
        Condition(
            *key,
            sum(cell.planned for cell in parts),
            tuple(sorted((r for cell in parts for r in cell.records), key=_by_seed)),
            source,
        )
        for key, parts in found.items()
    ]


def _by_seed(record: RunRecord) -> tuple[int, ...]:
    return tuple(record.seeds[name] for name in ("init", "order", "dropout"))


def failures(cell: Condition) -> tuple[int, int]:
    """Failed or diverged runs, and ended ones."""
    found = [became for record in cell.records if (became := outcome(record)) is not None]
    return sum(one is not Outcome.SUCCESS for one in found), len(found)


def pooled(several: Sequence[Condition]) -> tuple[int, int]:
    """Failed or diverged, and ended runs of several cells together."""
    counts = [failures(cell) for cell in several]
    return sum(count for count, _ in counts), sum(n for _, n in counts)


def became(cell: Condition, kind: Outcome) -> list[RunRecord]:
    """The runs of a cell with that outcome."""
    return [record for record in cell.records if outcome(record) is kind]


def accuracy(record: RunRecord, best: bool = False) -> float:
    """Dev accuracy at the last or the best checkpoint; the majority's for diverged runs."""
    checkpoint = record.best if best else record.last
    if record.state is State.DIVERGED or checkpoint is None:
        return record.majority
    return checkpoint.metrics[record.task.report].get("accuracy", float("nan"))


def accuracies(several: Sequence[Condition]) -> NDArray[np.float64]:
    """(n,) of every ended run that is judged."""
    return np.array(
        [accuracy(r) for cell in several for r in cell.records if outcome(r) is not None]
    )
