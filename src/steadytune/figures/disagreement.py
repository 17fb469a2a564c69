"""Disagreement heat map: on how many examples each pair of runs predicts different classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.prediction_set import PredictionSet, prediction_set
from steadytune.analysis.run_pairs import disagreement_matrix, pair_mean
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import FAILED, INK
from steadytune.ledger import Ledger
from steadytune.recipe import Seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 12  # runs up to which the columns are named, too


class Disagreement(NamedTuple):
    """One panel: the R finished runs of a cell, successful ones first, then by score.

    Attributes:
        title: recipe and task. which: the checkpoint.
        seeds: of each run, as text. failed: of each, whether it failed.
        matrix: (R, R) shares of the N examples. examples: N. left_out: diverged runs.
    """

    title: str
    which: Which
    seeds: tuple[str, ...]
    failed: tuple[bool, ...]
    matrix: NDArray[np.float64]
    examples: int
    left_out: int

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.matrix)


def disagreement_data(
    ledger: Ledger, cells: Sequence[Cell], which: Which = "last"
) -> list[Disagreement]:
    """A panel for each cell whose task has classes and that has finished runs."""
    found = [(cell, prediction_set(ledger, cell, which)) for cell in cells]
    return [
        disagreement_of(cell, of, which)
        for cell, of in found
        if of is not None and of.probabilities is not None
    ]


def disagreement_of(cell: Cell, of: PredictionSet, which: Which) -> Disagreement:
    """The panel of one cell."""
    failed = np.array([outcome(record) is Outcome.FAILED for record in of.records])
    right = (of.predictions == of.labels).mean(axis=1)
    order = np.lexsort((-right, failed))
    matrix = disagreement_matrix(of.predictions)[np.ix_(order, order)]
    return Disagreement(
        title=f"{cell.recipe}, {cell.task}",
        which=which,
        seeds=tuple(str(Seeds(**of.records[i].seeds)) for i in order),
        failed=tuple(bool(failed[i]) for i in order),
        matrix=matrix,
        examples=of.predictions.shape[1],
        left_out=of.left_out,
    )


def draw_disagreement(data: Disagreement, ax: Axes) -> Axes:
    """Cells from 0 (dark) to 50 % (light); a line parts the failed runs from the others."""
    ax.imshow(100 * data.matrix, cmap="cividis", vmin=0, vmax=50, gid="runs")
    names = [f"{s}{'*' if f else ''}" for s, f in zip(data.seeds, data.failed, strict=True)]
    ax.set_yticks(range(data.runs), names, fontsize=8 if data.runs <= FEW else 5)
    # columns have the order of the rows; naming many of them again takes longer than all the rest
    ax.set_xticks(range(data.runs) if data.runs <= FEW else [])
    ax.set_xticklabels(names if data.runs <= FEW else [], fontsize=8)
    ax.tick_params(length=0)
    good = data.failed.count(False)
    if 0 < good < data.runs:
        ax.axhline(good - 0.5, color=FAILED, linewidth=1.5)
        ax.axvline(good - 0.5, color=FAILED, linewidth=1.5)
    mean = pair_mean(data.matrix)
    told = "one run" if mean is None else f"mean of pairs {100 * mean:.1f} %"
    ax.set_title(f"{data.title}\n{told}", color=INK)
    ax.set_xlabel("seed" if data.runs <= FEW else "seed, in the order of the rows")
    return ax


def disagreement_caption(panels: Sequence[Disagreement]) -> str:
    """What the cells are and which runs are missing."""
    which = CHECKPOINTS[panels[0].which if panels else "last"]
    sizes = sorted({panel.runs for panel in panels}) or [0]
    left_out = sum(panel.left_out for panel in panels)
    n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return (
        f"Share of dev examples on which two runs of a recipe predict different classes ({which}); "
        f"n = {n} finished runs a panel, successful first, by accuracy; * and beyond the line: "
        f"failed ({FAILED_MEANS.partition(';')[0]}). {left_out} diverged runs predict nothing at "
        "their end and are not drawn. Title: the mean over pairs; its 95 % bootstrap interval "
        "is in the report."
    )


FIGURE = Figure(
    name="disagreement",
    summary="share of examples on which each pair of runs disagrees",
    needs=("two or more finished runs of a recipe on a task with classes: run more seeds"),
    panels=disagreement_data,
    draw=draw_disagreement,
    caption=disagreement_caption,
    inches=(3.6, 3.6),
    scale="% of examples",
)
