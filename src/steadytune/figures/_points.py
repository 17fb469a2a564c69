"""Runs as points: their value, what became of them, and where a swarm of them is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import Which, scores
from steadytune.metrics import METRICS

FAILED_MEANS = (
    "failed: no better at the end of training than the best constant prediction, in the terms of "
    "the task; diverged runs are drawn at a constant's value"
)


class Points(NamedTuple):
    """The ended runs of one recipe on one task.

    Attributes:
        recipe: its name.
        values: (n,) headline metric as it is drawn: x 100, errors as they are.
        outcomes: of each.
        absent: planned runs that have no value: crashed or unfinished.
    """

    recipe: str
    values: NDArray[np.float64]
    outcomes: tuple[Outcome, ...]
    absent: int


class Group(NamedTuple):
    """All recipes on one task with one encoder: what most panels show.

    Attributes:
        title: task and encoder. metric: the headline metric's axis label. majority: its value for
            the best constant prediction, None where nothing was run yet. recipes: one Points each.
        higher_is_better: False for errors.
    """

    title: str
    metric: str
    higher_is_better: bool
    majority: float | None
    recipes: tuple[Points, ...]

    @property
    def runs(self) -> int:
        """How many runs there are to draw."""
        return sum(len(one.values) for one in self.recipes)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each of them."""
        return tuple(found for one in self.recipes for found in one.outcomes)

    def grid(self, size: int) -> NDArray[np.float64]:
        """(size,) values from just below the worst run to just above the best; 0 to 1 for none."""
        values = np.concatenate([np.zeros(0), *(one.values for one in self.recipes)])
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        margin = 0.05 * ((high - low) or 1.0)
        return np.linspace(low - margin, high + margin, size)


def scale(metric: str) -> float:
    """What values of a metric are multiplied by where a person reads them."""
    return 100.0 if metric not in METRICS or METRICS[metric].higher_is_better else 1.0


def points(cell: Cell, which: Which = "last") -> Points:
    """The ended runs of a cell."""
    ended = [record for record in cell.records if record.state.ended]
    factor = scale(ended[0].task.metric) if ended else 1.0
    outcomes = tuple(found for record in ended if (found := outcome(record)) is not None)
    values = factor * scores(cell, which)
    return Points(cell.recipe, values, outcomes, cell.planned - len(ended))


def groups(cells: Sequence[Cell], which: Which = "last") -> list[Group]:
    """The cells by task and encoder, in their order."""
    keys = dict.fromkeys((cell.task, cell.encoder) for cell in cells)
    return [_group(task, encoder, cells, which) for task, encoder in keys]


def _group(task: str, encoder: str, cells: Sequence[Cell], which: Which) -> Group:
    mine = [cell for cell in cells if (cell.task, cell.encoder) == (task, encoder)]
    facts = next((record.task for cell in mine for record in cell.records), None)
    several = len({cell.encoder for cell in cells}) > 1
    metric = facts.metric if facts else "accuracy"
    factor = scale(metric)
    return Group(
        title=f"{task}, {encoder}" if several else task,
        metric=metric.replace("_", " ") + (" x 100" if factor != 1 else ""),
        higher_is_better=metric not in METRICS or METRICS[metric].higher_is_better,
        majority=factor * facts.baseline[facts.report][facts.metric] if facts else None,
        recipes=tuple(points(cell, which) for cell in mine),
    )


def swarm(values: NDArray[np.float64], rows: int = 40) -> NDArray[np.float64]:
    """(n,) offsets in [-0.5, 0.5] that set points of nearly equal value side by side.

    The range is cut into ``rows`` rows; points of a row spread symmetrically, so that equal values
    (ten failed runs at a constant's accuracy) stay countable.
    """
    if len(values) == 0:
        return np.zeros(0)
    low, width = np.nanmin(values), max(float(np.ptp(values)), 1e-9)
    row = np.minimum((rows * (values - low) / width).astype(int), rows - 1)
    offsets = np.zeros(len(values))
    crowd = int(np.bincount(row).max())
    for one in np.unique(row):
        members = np.flatnonzero(row == one)
        offsets[members] = (np.arange(len(members)) - (len(members) - 1) / 2) / max(crowd, 8)
    return offsets


def counted(panels: Sequence[Group]) -> str:
    """How many runs the panels draw and what became of them, for captions."""
    everything = [found for panel in panels for found in panel.outcomes]
    sizes = sorted({len(one.values) for panel in panels for one in panel.recipes})
    absent = sum(one.absent for panel in panels for one in panel.recipes)
    n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}" if sizes else "0"
    text = (
        f"All {len(everything)} ended runs are drawn, n = {n} a recipe and task: "
        f"{everything.count(Outcome.FAILED)} failed, {everything.count(Outcome.DIVERGED)} diverged"
    )
    return text + (f"; {absent} planned runs crashed or have not ended" if absent else "")
