"""Raincloud: density, box and every run, one recipe a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS, Group, counted, groups, swarm
from steadytune.figures._style import INK, color, majority_line, scatter_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 200
FEWEST = 5  # runs that a density is drawn for


class Raincloud(NamedTuple):
    """One panel.

    Attributes:
        group: a task's recipes. which: the checkpoint.
        grid: (G,) values at which densities are taken. densities: (G,) for each recipe, its
            largest value 1; None where there are too few different runs for one.
    """

    group: Group
    which: Which
    grid: NDArray[np.float64]
    densities: tuple[NDArray[np.float64] | None, ...]

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return self.group.runs

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Of all its runs."""
        return self.group.outcomes


def raincloud_data(cells: Sequence[Cell], which: Which = "last") -> list[Raincloud]:
    """A panel for each task and encoder."""
    return [_panel(group, which) for group in groups(cells, which)]


def _panel(group: Group, which: Which) -> Raincloud:
    grid = group.grid(GRID)
    return Raincloud(group, which, grid, tuple(density(o.values, grid) for o in group.recipes))


def density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Gaussian kernel density (Scott's width) on a grid, at most 1; None where undefined."""
    if len(values) < FEWEST or len(np.unique(values)) < 3:
        return None
    found = stats.gaussian_kde(values)(grid)
    return found / found.max()


def draw_raincloud(data: Raincloud, ax: Axes) -> Axes:
    """The cloud above, the box on, the runs below the line of each recipe."""
    recipes = data.group.recipes
    for row, (one, cloud) in enumerate(zip(recipes, data.densities, strict=True)):
        own = color(row)
        if cloud is not None:
            top = row - 0.12 - 0.36 * cloud  # the axis points down: the first recipe is on top
            ax.fill_between(data.grid, row - 0.12, top, color=own, alpha=0.35, linewidth=0)
        if len(one.values) > 1:
            low, middle, high = np.quantile(one.values, [0.25, 0.5, 0.75])
            ax.plot([low, high], [row, row], color=own, linewidth=5, solid_capstyle="butt")
            ax.plot([middle, middle], [row - 0.09, row + 0.09], color=INK, linewidth=1.5)
        scatter_runs(ax, one.values, row + 0.29 + 0.38 * swarm(one.values), one.outcomes, own)
    majority_line(ax, data.group.majority, upright=True)
    ax.set_yticks(range(len(recipes)), [one.recipe for one in recipes])
    ax.set_ylim(len(recipes) - 0.4, -0.6)
    ax.set_xlabel(data.group.metric)
    ax.set_title(data.group.title)
    return ax


def raincloud_caption(panels: Sequence[Raincloud]) -> str:
    """What cloud, bar and points are."""
    which = CHECKPOINTS[panels[0].which if panels else "last"]
    return (
        f"Headline metric on dev, {which}. Cloud: Gaussian kernel density with Scott's width, each "
        f"scaled to the same height, from {FEWEST} runs on; bar: quartiles; tick: median. "
        f"{counted([panel.group for panel in panels])} ({FAILED_MEANS}). Dotted: a constant "
        "prediction. A density with two hills is two kinds of runs; its mean is neither."
    )


FIGURE = Figure(
    name="raincloud",
    summary="density, quartiles and every run of each recipe",
    panels=lambda ledger, cells: raincloud_data(cells),
    draw=draw_raincloud,
    caption=raincloud_caption,
    inches=(4.6, 4.4),
)
