"""Learning curves: the training loss of every run, failed ones in another colour and dashed.

How to read it (Mosbach et al. 2021, figure 5): a failed run stays at the loss of guessing, ln K for
K balanced classes; one that learned and generalizes badly falls like the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.thinning import thinned
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import FAILED, INK, color
from steadytune.ledger import Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 120  # points a curve
DASHES = {None: ":", Outcome.SUCCESS: "-", Outcome.FAILED: "--", Outcome.DIVERGED: "-"}


class Curve(NamedTuple):
    """One run's loss; ``found`` is None for a run that has not ended."""

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    found: Outcome | None


class LearningCurves(NamedTuple):
    """One panel: every run of a cell that was begun; ``place`` of its recipe in the study."""

    title: str
    place: int
    curves: tuple[Curve, ...]

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.curves)


def learning_curves_data(
    ledger: Ledger, cells: Sequence[Cell], most: int = MOST
) -> list[LearningCurves]:
    """A panel for each cell that has begun runs."""
    recipes = list(dict.fromkeys(cell.recipe for cell in cells))
    return [
        LearningCurves(
            f"{cell.recipe}, {cell.task}",
            recipes.index(cell.recipe),
            tuple(_curve(ledger, record.id, outcome(record), most) for record in cell.records),
        )
        for cell in cells
        if cell.records
    ]


def _curve(ledger: Ledger, run: str, found: Outcome | None, most: int) -> Curve:
    columns = ledger.steps(run)
    return Curve(*thinned(columns["step"], columns["loss"], most), found)


def draw_learning_curves(data: LearningCurves, ax: Axes) -> Axes:
    """A line a run, and a cross where a diverged one ended."""
    for curve in sorted(data.curves, key=lambda one: one.found is not Outcome.SUCCESS):
        bad = curve.found in (Outcome.FAILED, Outcome.DIVERGED)
        own = FAILED if bad else color(data.place)
        (line,) = ax.plot(curve.steps, curve.losses, color=own, linewidth=0.9, gid="run")
        line.set(linestyle=DASHES[curve.found], alpha=0.9 if bad else 0.5)
        finite = np.flatnonzero(np.isfinite(curve.losses))
        if curve.found is Outcome.DIVERGED and len(finite):
            end = finite[-1]
            ax.plot(curve.steps[end], curve.losses[end], "x", color=INK, zorder=4)
    ends = [curve.found for curve in data.curves]
    bad = ends.count(Outcome.FAILED) + ends.count(Outcome.DIVERGED)
    ax.set_title(f"{data.title}\n{bad} of {len(ends)} failed or diverged")
    ax.set_xlabel("step")
    ax.set_ylabel("training loss")
    ax.set_ylim(bottom=0)
    return ax


def learning_curves_caption(panels: Sequence[LearningCurves]) -> str:
    """What the lines are."""
    curves = [curve for panel in panels for curve in panel.curves]
    return (
        f"Training loss of all {len(curves)} runs that were begun, dropout on; a point is the mean "
        f"of consecutive steps ({MOST} points a run). Vermilion and dashed: failed; vermilion with "
        f"a cross at its last finite value: diverged; dotted: not ended ({FAILED_MEANS})."
    ).replace("; diverged runs are drawn at the majority class's value", "")


FIGURE = Figure(
    name="learning_curves",
    summary="training loss of every run, failed ones marked",
    needs="runs that have begun: start the study with steadytune run",
    panels=learning_curves_data,
    draw=draw_learning_curves,
    caption=learning_curves_caption,
    inches=(4.2, 2.9),
)
