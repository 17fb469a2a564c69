"""Performance profile: the share of runs that reach at least a score, for every score.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS
2021), section 4.2, for one task at a time. Unlike a mean it shows both hills of a recipe that
sometimes fails: the curve drops at the majority class by the failed share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.intervals import wilson
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS, Group, counted, groups
from steadytune.figures._style import color, majority_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 201


class PerformanceProfile(NamedTuple):
    """One panel.

    Attributes:
        group: a task's recipes. which: the checkpoint. scores: (G,) thresholds.
        shares: (G,) for each recipe, the share of its runs that are at least as good.
        bands: (2, G) their pointwise 95 % Wilson intervals; NaN for a recipe without runs.
    """

    group: Group
    which: Which
    scores: NDArray[np.float64]
    shares: tuple[NDArray[np.float64], ...]
    bands: tuple[NDArray[np.float64], ...]

    @property
    def runs(self) -> int:
        """How many runs are in the curves."""
        return self.group.runs


def performance_profile_data(
    cells: Sequence[Cell], which: Which = "last"
) -> list[PerformanceProfile]:
    """A panel for each task and encoder."""
    return [_panel(group, which) for group in groups(cells, which)]


def _panel(group: Group, which: Which) -> PerformanceProfile:
    grid = group.grid(GRID)
    sign = 1.0 if group.higher_is_better else -1.0
    counts = [(sign * one.values[:, None] >= sign * grid).sum(axis=0) for one in group.recipes]
    sizes = [len(one.values) for one in group.recipes]
    return PerformanceProfile(
        group,
        which,
        grid,
        tuple(c / n if n else np.full(GRID, np.nan) for c, n in zip(counts, sizes, strict=True)),
        tuple(_band(c, n) for c, n in zip(counts, sizes, strict=True)),
    )


def _band(counts: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    known = {int(count): wilson(int(count), n) for count in np.unique(counts)}
    nothing = (np.nan, np.nan)
    return np.array([known[int(count)] or nothing for count in counts]).T


def draw_performance_profile(data: PerformanceProfile, ax: Axes) -> Axes:
    """A step curve with its band for each recipe."""
    for place, (one, share, band) in enumerate(
        zip(data.group.recipes, data.shares, data.bands, strict=True)
    ):
        if len(one.values) == 0:
            continue
        own = color(place)
        ax.step(data.scores, share, where="post", color=own, linewidth=1.6, label=one.recipe)
        ax.fill_between(data.scores, *band, step="post", color=own, alpha=0.08, linewidth=0)
    majority_line(ax, data.group.majority, upright=True)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel(data.group.metric)
    ax.set_ylabel("share of runs at least as good")
    ax.set_title(data.group.title)
    return ax


def performance_profile_caption(panels: Sequence[PerformanceProfile]) -> str:
    """What the curves and bands are."""
    which = CHECKPOINTS[panels[0].which if panels else "last"]
    return (
        f"Share of runs whose headline metric on dev ({which}) is at least as good as each score; "
        f"shaded: pointwise 95 % Wilson interval. {counted([panel.group for panel in panels])} "
        f"({FAILED_MEANS}). Dotted: a constant prediction. A recipe whose curve is above another's "
        "everywhere is better at every score."
    )


FIGURE = Figure(
    name="performance_profile",
    summary="share of runs that reach at least each score",
    panels=lambda ledger, cells: performance_profile_data(cells),
    draw=draw_performance_profile,
    caption=performance_profile_caption,
)
