"""Expected maximum: what the best of n runs scores, and so how much picking it flatters.

The unbiased estimator without replacement: ``estimators.expected_max``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS, Group, counted, groups
from steadytune.figures._style import color, majority_line
from steadytune.results.conditions import Condition
from steadytune.results.summary import CHECKPOINTS, Which
from steadytune.stats.estimators import expected_max_curve
from steadytune.stats.intervals import draws
from steadytune.stats.run_pairs import percentile_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ExpectedMax(NamedTuple):
    """One panel.

    Attributes:
        group: a task's recipes. which: the checkpoint.
        curves: (N,) for each recipe, the expected maximum of 1, 2, ... N of its N runs.
        bands: (2, N) their pointwise 95 % percentile bootstrap intervals over runs.
    """

    group: Group
    which: Which
    curves: tuple[NDArray[np.float64], ...]
    bands: tuple[NDArray[np.float64], ...]

    @property
    def runs(self) -> int:
        """How many runs are in the curves."""
        return self.group.runs


def expected_max_data(cells: Sequence[Condition], which: Which = "last") -> list[ExpectedMax]:
    """A panel for each task and encoder."""
    return [
        ExpectedMax(
            group,
            which,
            tuple(_curve(one.values, group.higher_is_better) for one in group.recipes),
            tuple(_band(one.values, group.higher_is_better) for one in group.recipes),
        )
        for group in groups(cells, which)
    ]


def _curve(values: NDArray[np.float64], higher_is_better: bool) -> NDArray[np.float64]:
    """(..., N) the expected best of 1 to N along the last axis; for errors the least is best."""
    sign = 1.0 if higher_is_better else -1.0
    return sign * expected_max_curve(sign * values)


def _band(values: NDArray[np.float64], higher_is_better: bool) -> NDArray[np.float64]:
    if len(values) == 0:
        return np.zeros((2, 0))
    drawn = _curve(values[draws(len(values))], higher_is_better)
    return np.array([percentile_interval(one) for one in drawn.T]).T


def draw_expected_max(data: ExpectedMax, ax: Axes) -> Axes:
    """A curve with its band for each recipe."""
    for place, (one, curve, band) in enumerate(
        zip(data.group.recipes, data.curves, data.bands, strict=True)
    ):
        if len(curve) == 0:
            continue
        n, own = np.arange(1, len(curve) + 1), color(place)
        ax.plot(n, curve, color=own, marker="o", markersize=3, label=one.recipe)
        ax.fill_between(n, *band, color=own, alpha=0.1, linewidth=0)
    majority_line(ax, data.group.majority)
    ax.set_xlabel("runs that the best is picked of")
    ax.set_ylabel(f"expected best {data.group.metric}")
    longest = max([1, *map(len, data.curves)])
    ax.set_xticks(range(1, longest + 1, max(1, longest // 6)))
    ax.set_title(data.group.title)
    return ax


def expected_max_caption(panels: Sequence[ExpectedMax]) -> str:
    """What the curves and bands are."""
    which = CHECKPOINTS[panels[0].which if panels else "last"]
    return (
        f"Expected best headline metric on dev ({which}) when the best of n runs is picked: "
        "unbiased estimator without replacement (Tang et al. 2020); shaded: pointwise 95 % "
        f"percentile bootstrap over runs. {counted([panel.group for panel in panels])} "
        f"({FAILED_MEANS}). The rise from n = 1 is how much reporting the best run flatters."
    )


FIGURE = Figure(
    name="expected_max",
    summary="what the best of n runs scores, for every n",
    panels=expected_max_data,
    draw=draw_expected_max,
    caption=expected_max_caption,
)
