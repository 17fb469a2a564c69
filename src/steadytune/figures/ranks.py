"""Rank diagram: mean rank of each recipe over tasks, with Nemenyi's critical difference.

Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets" (JMLR 2006), section 3.2;
the test is ``analysis.ranks``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from steadytune.analysis.cells import Cell
from steadytune.analysis.intervals import draws
from steadytune.analysis.ranks import ranks as ranked
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import Group, groups
from steadytune.figures._style import FAINT, INK, color

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class RankDiagram(NamedTuple):
    """The one panel: k recipes on the N tasks (with encoders) that every recipe has runs on.

    Attributes:
        recipes: names. which: the checkpoint.
        ranks: (N, k) rank of each recipe's mean, 1 is best, ties share their mean rank.
        intervals: (2, k) 95 % percentile bootstrap over runs of the mean rank.
        difference: Nemenyi's critical difference at 5 %; None for fewer than two tasks or recipes.
        runs: how many are behind it. left_out: tasks on which a recipe has no run yet.
    """

    recipes: tuple[str, ...]
    which: Which
    ranks: NDArray[np.float64]
    intervals: NDArray[np.float64]
    difference: float | None
    runs: int
    left_out: int


def ranks_data(cells: Sequence[Cell], which: Which = "last") -> list[RankDiagram]:
    """One panel, or none where nothing can be ranked."""
    found = groups(cells, which)
    whole = [group for group in found if all(len(one.values) for one in group.recipes)]
    if not whole or len(whole[0].recipes) < 2:
        return []
    names = tuple(one.recipe for one in whole[0].recipes)
    merits = np.stack([_merits(group) for group in whole])
    resampled = [_ranks(_resampled(group, place)) for place, group in enumerate(whole)]
    return [
        RankDiagram(
            recipes=names,
            which=which,
            ranks=_ranks(merits),
            intervals=np.quantile(np.mean(resampled, axis=0), [0.025, 0.975], axis=0),
            difference=ranked(names, merits).critical_difference if len(whole) > 1 else None,
            runs=sum(group.runs for group in whole),
            left_out=len(found) - len(whole),
        )
    ]


def _merits(group: Group) -> NDArray[np.float64]:
    """(k,) means turned so that more is better."""
    sign = 1.0 if group.higher_is_better else -1.0
    return sign * np.array([one.values.mean() for one in group.recipes])


def _resampled(group: Group, place: int) -> NDArray[np.float64]:
    """(R, k) the same of bootstrap samples of each recipe's runs, drawn anew for each task."""
    sign, k = 1.0 if group.higher_is_better else -1.0, len(group.recipes)
    samples = [
        one.values[draws(len(one.values), place * k + column)]
        for column, one in enumerate(group.recipes)
    ]
    return sign * np.stack([sample.mean(axis=1) for sample in samples], axis=1)


def _ranks(merits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks along the last axis, 1 for the best."""
    return np.asarray(stats.rankdata(-merits, axis=-1), dtype=np.float64)


def draw_ranks(data: RankDiagram, ax: Axes) -> Axes:
    """A row a recipe, best on top: its mean rank, interval, and its rank on each task."""
    mean = data.ranks.mean(axis=0)
    order = np.argsort(mean, kind="stable")
    for row, k in enumerate(order):
        own = color(int(k))
        spread = row + np.linspace(-0.22, 0.22, len(data.ranks)) if len(data.ranks) > 1 else [row]
        ax.scatter(data.ranks[:, k], spread, s=14, color=FAINT, zorder=2)
        ax.plot(data.intervals[:, k], [row, row], color=own, linewidth=2, zorder=3)
        ax.plot(mean[k], row, "o", color=own, markersize=7, zorder=4)
    if data.difference is not None:
        start = float(mean[order[0]])
        bottom = len(order) - 0.1
        ax.plot([start, start + data.difference], [bottom, bottom], color=INK, linewidth=2.5)
        ax.text(start, bottom + 0.15, f"critical difference {data.difference:.2f}", va="top")
    ax.set_yticks(range(len(order)), [data.recipes[k] for k in order])
    ax.set_ylim(len(order) + 0.6, -0.6)
    ax.set_xlim(0.7, max(len(order) + 0.3, _right(data, mean)))
    ax.set_xlabel("mean rank over tasks (1 is best)")
    tasks = "1 task" if len(data.ranks) == 1 else f"{len(data.ranks)} tasks"
    ax.set_title(f"{len(data.recipes)} recipes on {tasks}")
    return ax


def _right(data: RankDiagram, mean: NDArray[np.float64]) -> float:
    return float(mean.min()) + (data.difference or 0) + 0.2


def ranks_caption(panels: Sequence[RankDiagram]) -> str:
    """What points, bars and the critical difference are."""
    if not panels:
        return "Ranks need two recipes with ended runs on a common task; there are none yet."
    (one,) = panels
    critical = (
        "Nemenyi's critical difference at 5 %: recipes nearer than it are not told apart by their "
        "ranks over tasks"
        if one.difference is not None
        else "one task allows no critical difference"
    )
    return (
        f"Rank of each recipe's mean headline metric on dev ({CHECKPOINTS[one.which]}), all "
        f"{one.runs} ended runs, failed ones included, diverged ones at the majority class's "
        f"value. Large: mean over {len(one.ranks)} tasks; bar: its 95 % percentile bootstrap "
        f"interval over runs, tasks held fixed; grey: each task. {critical}. {one.left_out} tasks "
        "are left out because a recipe has no ended run there."
    )


FIGURE = Figure(
    name="ranks",
    summary="mean rank of each recipe over tasks, with the critical difference",
    needs="ended runs of two or more recipes on two or more tasks: run more of either",
    panels=lambda ledger, cells: ranks_data(cells),
    draw=draw_ranks,
    caption=ranks_caption,
    inches=(5.2, 3.4),
)
