"""Expected maximum: what the best of n runs scores, and so how much picking it flatters.

The unbiased estimator without replacement (Tang et al., ACL 2020, after Dodge et al., EMNLP 2019):
with the N scores in ascending order, E[max of n] = sum_i v_i C(i - 1, n - 1) / C(N, n).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from steadytune.analysis.cells import Cell
from steadytune.analysis.run_pairs import RESAMPLES
from steadytune.analysis.summary import Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import CHECKPOINTS, FAILED_MEANS, Group, counted, groups
from steadytune.figures._style import color, majority_line

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


def expected_max_data(cells: Sequence[Cell], which: Which = "last") -> list[ExpectedMax]:
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
    ascending = np.sort(sign * values, axis=-1)
    return np.asarray(sign * (ascending @ weights(values.shape[-1])), dtype=np.float64)


def weights(runs: int) -> NDArray[np.float64]:
    """(N, N) weight of the i-th smallest of N scores in the expected maximum of n, columns n."""
    i, n = np.arange(1, runs + 1)[:, None], np.arange(1, runs + 1)[None, :]
    return special.comb(i - 1, n - 1) / special.comb(runs, n)


def _band(
    values: NDArray[np.float64], higher_is_better: bool, bootstrap_seed: int = 0
) -> NDArray[np.float64]:
    if len(values) == 0:
        return np.zeros((2, 0))
    draw = np.random.default_rng(bootstrap_seed)
    samples = draw.choice(values, (RESAMPLES, len(values)))
    ends = np.quantile(_curve(samples, higher_is_better), [0.025, 0.975], axis=0)
    return np.asarray(ends, dtype=np.float64)


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
    panels=lambda ledger, cells: expected_max_data(cells),
    draw=draw_expected_max,
    caption=expected_max_caption,
)
