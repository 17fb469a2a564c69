"""The dev metric of every run over training (Mosbach et al. 2021, figure 8 a).

How to read it: a metric that keeps its level while the training loss falls to zero says that long
training does not overfit. How far a curve still moves late in training beside how far the runs lie
apart says how much of the spread between runs is the moment at which one looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.figures._figure import Figure, RunReader
from steadytune.figures._points import FAILED_MEANS, scale
from steadytune.figures._style import FAILED, color, majority_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class DevCurve(NamedTuple):
    """The dev metric of one run at each of its evaluations; ``found`` None: it has not ended."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    found: Outcome | None


class DevCurves(NamedTuple):
    """One panel: every evaluated run of a cell; ``place`` of its recipe in the study."""

    title: str
    place: int
    metric: str
    majority: float
    curves: tuple[DevCurve, ...]

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.curves)


def dev_curves_data(ledger: RunReader, cells: Sequence[Cell]) -> list[DevCurves]:
    """A panel for each cell that has an evaluated run."""
    recipes = list(dict.fromkeys(cell.recipe for cell in cells))
    panels = list[DevCurves]()
    for cell in cells:
        evaluated = [record for record in cell.records if record.last is not None]
        if not evaluated:
            continue
        facts = evaluated[0].task
        factor = scale(facts.metric)
        curves = list[DevCurve]()
        for record in evaluated:
            rows = [row for row in ledger.evaluations(record.id) if row.split == facts.report]
            steps = np.array([row.step for row in rows], dtype=np.int64)
            values = np.array([factor * row.metrics[facts.metric] for row in rows])
            curves.append(DevCurve(steps, values, outcome(record)))
        panels.append(
            DevCurves(
                title=f"{cell.recipe}\n{cell.task}",
                place=recipes.index(cell.recipe),
                metric=facts.metric.replace("_", " ") + (" x 100" if factor != 1 else ""),
                majority=factor * facts.baseline[facts.report][facts.metric],
                curves=tuple(curves),
            )
        )
    return panels


def draw_dev_curves(data: DevCurves, ax: Axes) -> Axes:
    """A line a run, failed and diverged ones vermilion and dashed; its last point is marked."""
    for curve in data.curves:
        bad = curve.found in (Outcome.FAILED, Outcome.DIVERGED)
        own = FAILED if bad else color(data.place)
        (line,) = ax.plot(curve.steps, curve.values, color=own, linewidth=0.9, gid="run")
        line.set(linestyle="--" if bad else "-", alpha=0.8)
        ax.plot(curve.steps[-1:], curve.values[-1:], "v" if bad else "o", color=own, ms=3.5)
    majority_line(ax, data.majority)
    ax.set_xlabel("step")
    ax.set_ylabel(f"dev {data.metric}")
    ax.set_title(f"{data.title}, {data.runs} runs")
    return ax


def dev_curves_caption(panels: Sequence[DevCurves]) -> str:
    """What the lines are."""
    return (
        f"Headline metric on dev at every checkpoint that was evaluated, all "
        f"{sum(panel.runs for panel in panels)} evaluated runs; the last one of each is marked. "
        f"Vermilion and dashed: failed or diverged ({FAILED_MEANS.split(';')[0]}). Dotted: a "
        "constant prediction. No mean and no interval are drawn."
    )


FIGURE = Figure(
    name="dev_curves",
    summary="the dev metric of every run over training",
    panels=dev_curves_data,
    draw=draw_dev_curves,
    caption=dev_curves_caption,
    inches=(4.2, 3.1),
)
