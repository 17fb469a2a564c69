"""Training loss and dev accuracy over the steps, failed and successful runs apart.

Mosbach et al. (2021), figures 2 (c) and 14: the mean over runs with a band of one standard
deviation, and every run as a thin line.

How to read it: failed runs keep the loss of guessing (ln 2 = 0.69 for two balanced classes) from
beginning to end while their accuracy wanders between the two constant predictions; they did not
overfit or forget, they never learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.thinning import thinned
from steadytune.figures._figure import Figure, RunReader
from steadytune.figures._points import FAILED_MEANS, scale
from steadytune.figures._style import INK, PALETTE, majority_line
from steadytune.records import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60  # points a curve
LEAST_SPAN = 20.0  # points of the dev metric on its axis, so that noise does not look like learning
LOSS, DEV = PALETTE[0], PALETTE[1]


class Series(NamedTuple):
    """R runs at the same T steps."""

    steps_T: NDArray[np.int64]
    values_RT: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """(T,) over runs."""
        return self.values_RT.mean(axis=0)

    @property
    def std(self) -> NDArray[np.float64]:
        """(T,) with ddof = 1; zero for one run."""
        if len(self.values_RT) < 2:
            return np.zeros(self.values_RT.shape[1])
        return self.values_RT.std(axis=0, ddof=1)


class Bands(NamedTuple):
    """One panel: the finished runs of a cell that failed, or those that did not.

    Attributes:
        title: of the cell. kind: what became of these runs. of: how many ended runs the cell has.
        losses: training loss. dev: dev accuracy (or the headline metric) as it is drawn.
        metric: what ``dev`` is. chance: a constant prediction's value of it.
    """

    title: str
    kind: Outcome
    of: int
    losses: Series
    dev: Series
    metric: str
    chance: float

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.losses.values_RT)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """None: the panel's title says it; there are no marks to explain."""
        return ()


def bands_data(ledger: RunReader, cells: Sequence[Cell], most: int = MOST) -> list[Bands]:
    """A panel for the failed and one for the successful runs of each cell that has such."""
    panels = list[Bands]()
    for cell in cells:
        for kind in (Outcome.FAILED, Outcome.SUCCESS):
            chosen = [r for r in cell.records if outcome(r) is kind and r.step == r.total_steps]
            if chosen:
                panels.append(_panel(ledger, cell, kind, chosen, most))
    return panels


def _panel(
    ledger: RunReader, cell: Cell, kind: Outcome, records: Sequence[RunRecord], most: int
) -> Bands:
    facts = records[0].task
    metric = facts.metric if "accuracy" not in facts.baseline[facts.report] else "accuracy"
    factor = scale(metric)
    losses = [thinned(c["step"], c["loss"], most) for c in (ledger.steps(r.id) for r in records)]
    evaluations = [
        [row for row in ledger.evaluations(record.id) if row.split == facts.report]
        for record in records
    ]
    steps = sorted(set.intersection(*({row.step for row in rows} for rows in evaluations)))
    values = [
        [factor * row.metrics[metric] for row in rows if row.step in steps] for rows in evaluations
    ]
    return Bands(
        title=f"{cell.recipe}\n{cell.task}",
        kind=kind,
        of=sum(record.state.ended for record in cell.records),
        losses=Series(losses[0][0], np.stack([loss for _, loss in losses])),
        dev=Series(np.array(steps), np.array(values, dtype=np.float64)),
        metric=metric.replace("_", " ") + (" x 100" if factor != 1 else ""),
        chance=factor * facts.baseline[facts.report][metric],
    )


def draw_bands(data: Bands, ax: Axes) -> Axes:
    """Accuracy on the left axis, loss on the right one."""
    right = ax.twinx()
    right.spines["right"].set_visible(True)
    marker = "o" if len(data.dev.steps_T) < 30 else None
    for axis, series, own, dash, mark in (
        (ax, data.dev, DEV, "-", marker),
        (right, data.losses, LOSS, "--", None),
    ):
        for values in series.values_RT:
            axis.plot(series.steps_T, values, color=own, linewidth=0.5, alpha=0.35, gid="run")
        axis.plot(series.steps_T, series.mean, color=own, linestyle=dash, marker=mark, ms=3)
        low, high = series.mean - series.std, series.mean + series.std
        axis.fill_between(series.steps_T, low, high, color=own, alpha=0.2, linewidth=0)
    majority_line(ax, data.chance)
    low, high = ax.get_ylim()
    if high - low < LEAST_SPAN and data.metric.endswith("x 100"):
        ax.set_ylim((low + high - LEAST_SPAN) / 2, (low + high + LEAST_SPAN) / 2)
    highest = float(np.nanmax(data.losses.mean + data.losses.std))
    right.set_ylim(bottom=0, top=max(0.8, 1.05 * highest))
    right.set_ylabel("training loss (dashed)", color=LOSS)
    ax.set_ylabel(f"dev {data.metric}", color="#9A6A00")
    ax.set_xlabel("step")
    ax.set_title(f"{data.title}\n{data.runs} of {data.of} runs: {data.kind.value}", color=INK)
    return ax


def bands_caption(panels: Sequence[Bands]) -> str:
    """What the lines and bands are."""
    sizes = ", ".join(str(panel.runs) for panel in panels)
    return (
        f"Training loss (blue, dashed, right axis; dropout on, mean of consecutive steps) and dev "
        f"metric (orange, left axis) over training, every checkpoint that was evaluated. Thick: "
        f"mean over the runs of the panel (n = {sizes}); band: one standard deviation (ddof = 1), "
        "no interval; thin: every run. Failed and successful runs in panels of their own "
        f"({FAILED_MEANS}). Diverged runs have no common steps and are not among these: see the "
        "learning curves. Dotted: a constant prediction."
    ).replace("; diverged runs are drawn at a constant's value", "")


FIGURE = Figure(
    name="bands",
    summary="training loss and dev accuracy over steps, failed and successful runs apart",
    panels=bands_data,
    draw=draw_bands,
    caption=bands_caption,
    inches=(4.2, 3.1),
)
