"""Runs: the ended runs of one cell as arrays, which is what the statistics are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.intervals import Numbers
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import Which, scores
from steadytune.failure_rule import RULE, FailureRule
from steadytune.metrics import METRICS


@dataclass(frozen=True)
class Runs:
    """The n ended runs of one recipe on one task with one encoder.

    Attributes:
        task, encoder, recipe: the cell. metric: the headline metric.
        values: (n,) of it, diverged runs at the baseline.
        failed: (n,) whether a run failed or diverged.
        losses: (n,) training loss at the end, NaN where not recorded.
        seeds: initialization, order and dropout seed of each run.
        ids: of the runs.
        examples: of the dev split that reports.
        missing: planned runs that have not ended or crashed.
        which: the checkpoint that ``values`` are of.
    """

    task: str
    encoder: str
    recipe: str
    metric: str
    values: Numbers
    failed: NDArray[np.bool_]
    losses: Numbers
    seeds: tuple[tuple[int, int, int], ...]
    ids: tuple[str, ...]
    examples: int
    missing: int = 0
    which: Which = "last"

    @property
    def n(self) -> int:
        """How many runs ended."""
        return len(self.values)

    @property
    def merit(self) -> Numbers:
        """(n,) values turned so that more is better."""
        return self.values if self.higher_is_better else -self.values

    @property
    def higher_is_better(self) -> bool:
        """Of the metric."""
        return METRICS[self.metric].higher_is_better if self.metric else True


def runs_of(cell: Cell, which: Which = "last", rule: FailureRule = RULE) -> Runs:
    """The ended runs of a cell, in the order of their seeds."""
    ended = [record for record in cell.records if record.state.ended]
    bad = [outcome(record, rule) is not Outcome.SUCCESS for record in ended]
    task = ended[0].task if ended else None
    return Runs(
        task=cell.task,
        encoder=cell.encoder,
        recipe=cell.recipe,
        metric=task.metric if task else "",
        values=scores(cell, which),
        failed=np.array(bad, dtype=bool),
        losses=np.array(
            [np.nan if record.train_loss is None else record.train_loss for record in ended]
        ),
        seeds=tuple(
            (record.seeds["init"], record.seeds["order"], record.seeds["dropout"])
            for record in ended
        ),
        ids=tuple(record.id for record in ended),
        examples=task.dev_examples[task.report] if task else 0,
        missing=cell.planned - len(ended),
        which=which,
    )


def shared_seeds(a: Runs, b: Runs) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places in ``a`` and in ``b`` of the runs whose seeds both have, pair by pair."""
    of_b = {seeds: place for place, seeds in enumerate(b.seeds)}
    pairs = [(place, of_b[seeds]) for place, seeds in enumerate(a.seeds) if seeds in of_b]
    places = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return places[:, 0], places[:, 1]
