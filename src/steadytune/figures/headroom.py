"""Share of failed runs by learning rate, and the headroom (see ``stats.headroom``).

How to read it: the headroom is where the curve crosses 10 %. The further to the right, the more
room a recipe leaves for a learning rate that is not quite right, another task or another encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import color, log_axis
from steadytune.recipe import digest
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.summary import wilson
from steadytune.stats.headroom import TOLERATED, Headroom, Posterior, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEYOND = 2.5  # how far the axis goes beyond the rates that were tried, as a factor
SEVERAL = 3  # learning rates that make a curve
NOT_THE_RECIPE = ("name", "source", "lr")


class ShareAt(NamedTuple):
    """Failed or diverged runs at one learning rate."""

    lr: float
    failed: int
    n: int


class HeadroomCurve(NamedTuple):
    """One recipe at several learning rates.

    Attributes:
        name: of the recipe, without the rate. trials: every run, rising in the rate.
        shares: the same by rate. lrs: (X,); curve_X3: posterior mean, 2.5 and 97.5 % there.
        found: the headroom.
    """

    name: str
    trials: tuple[Trial, ...]
    shares: tuple[ShareAt, ...]
    lrs: NDArray[np.float64]
    curve_X3: NDArray[np.float64]
    found: Headroom


class HeadroomPanel(NamedTuple):
    """One panel: the recipes on one task with one encoder."""

    title: str
    curves: tuple[HeadroomCurve, ...]

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return sum(len(curve.trials) for curve in self.curves)


def headroom_data(cells: Sequence[Condition]) -> list[HeadroomPanel]:
    """A panel for each task and encoder on which a recipe was run at three rates or more.

    Recipes that differ in nothing but the learning rate are one.
    """
    keys = dict.fromkeys((cell.task, cell.encoder) for cell in cells)
    panels = list[HeadroomPanel]()
    for task, encoder in keys:
        groups = dict[str, list[Condition]]()
        for cell in cells:
            ended = [record for record in cell.records if record.state.ended]
            if (cell.task, cell.encoder) == (task, encoder) and ended:
                groups.setdefault(_but_lr(cell), []).append(cell)
        curves = [
            headroom_curve(name_without_lr([cell.recipe for cell in group]), trials(group))
            for group in groups.values()
            if len({cell.records[0].recipe["lr"] for cell in group}) >= SEVERAL
        ]
        if curves:
            panels.append(HeadroomPanel(f"{task}, {encoder}", tuple(curves)))
    return panels


def _but_lr(cell: Condition) -> str:
    """What a cell's recipe is, the learning rate aside."""
    recipe = cell.records[0].recipe
    return digest({key: value for key, value in recipe.items() if key not in NOT_THE_RECIPE})


def name_without_lr(names: Sequence[str]) -> str:
    """What names have in common at their end, or else at their beginning."""
    words = [name.split() for name in names]
    end = _shared([name[::-1] for name in words])[::-1]
    longest = max(end, _shared(words), key=len)
    return " ".join(longest).strip(" ,-") or names[0]


def _shared(names: Sequence[Sequence[str]]) -> list[str]:
    """The words that all names begin with."""
    columns = zip(*names, strict=False)
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]


def trials(cells: Sequence[Condition]) -> list[Trial]:
    """Every ended run of the cells, rising in the learning rate."""
    found = [
        Trial(record.recipe["lr"], became is not Outcome.SUCCESS)
        for cell in cells
        for record in cell.records
        if (became := outcome(record)) is not None
    ]
    return sorted(found, key=lambda trial: trial.lr)


def headroom_curve(name: str, found: Sequence[Trial]) -> HeadroomCurve:
    """The curve that the runs of one recipe tell of."""
    rates = sorted({trial.lr for trial in found})
    posterior = Posterior(rates, found)
    lrs = np.geomspace(rates[0] / 1.3, rates[-1] * 1.3, 80)
    shares = tuple(
        ShareAt(
            lr, sum(t.failed for t in found if t.lr == lr), sum(trial.lr == lr for trial in found)
        )
        for lr in rates
    )
    curve = np.array([posterior.share(lr) for lr in lrs])
    return HeadroomCurve(name, tuple(found), shares, lrs, curve, posterior.headroom())


def draw_headroom(data: HeadroomPanel, ax: Axes) -> Axes:
    """Shares with Wilson intervals, the posterior of the curve, and the headroom at 10 %."""
    tried = [share.lr for curve in data.curves for share in curve.shares]
    edges = min(tried) / BEYOND, max(tried) * BEYOND
    for place, curve in enumerate(data.curves):
        own = color(place)
        low, high = curve.curve_X3[:, 1], curve.curve_X3[:, 2]
        ax.fill_between(curve.lrs, 100 * low, 100 * high, color=own, alpha=0.15, linewidth=0)
        ax.plot(curve.lrs, 100 * curve.curve_X3[:, 0], color=own, label=curve.name)
        for share in curve.shares:
            x = share.lr * (1 + 0.025 * (place - (len(data.curves) - 1) / 2))
            ends = wilson(share.failed, share.n) or (0.0, 1.0)
            ax.plot([x, x], [100 * ends[0], 100 * ends[1]], color=own, linewidth=0.7, alpha=0.7)
            value = 100 * share.failed / share.n
            ax.plot(x, value, "os^Dv"[place % 5], color=own, ms=3.5 + 0.5 * min(share.n, 8))
        _mark(ax, curve.found, own, -4 - 4 * place, edges)
    ax.axhline(100 * TOLERATED, color="#888888", linestyle=":", linewidth=1, zorder=0)
    ax.set_xlim(edges[0] / 1.1, edges[1] * 1.1)
    log_axis(ax.xaxis)
    ax.set_ylim(-6 - 4 * len(data.curves), 104)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.set_xlabel("learning rate")
    ax.set_ylabel("failed or diverged runs, %")
    ax.set_title(data.title)
    return ax


def _mark(ax: Axes, found: Headroom, own: str, level: float, edges: tuple[float, float]) -> None:
    """The headroom and its interval under the curves; an arrow where an end is open."""
    low, high = (min(max(end, edges[0]), edges[1]) for end in found.interval)
    ax.plot([low, high], [level, level], color=own, linewidth=1.2)
    if edges[0] < found.lr < edges[1]:
        ax.plot(found.lr, level, "|", color=own, ms=8, markeredgewidth=2)
    for is_open, x, marker in ((found.open_below, low, "<"), (found.open_above, high, ">")):
        if is_open:
            ax.plot(x, level, marker, color=own, ms=5)


def headroom_caption(panels: Sequence[HeadroomPanel]) -> str:
    """What the curves and bars are."""
    told = "; ".join(
        f"{curve.name}: {curve.found.lr:.1e} ({in_words(curve.found)})"
        for panel in panels
        for curve in panel.curves
    )
    return (
        f"Share of runs that failed or diverged, last checkpoint, by learning rate: all "
        f"{sum(panel.runs for panel in panels)} ended runs, marks with 95 % Wilson intervals, "
        "larger for more runs. Curve and band: posterior mean and central 95 % of a share that "
        "rises with the logarithm of the rate. Below: the headroom, the largest rate at which at "
        f"most 10 % fail, posterior median and 95 % interval ({told}); an arrow where the interval "
        f"ends beyond the rates that were tried. Dotted: 10 %. ({FAILED_MEANS.split(';')[0]}.)"
    )


def in_words(found: Headroom) -> str:
    """The interval and n of a headroom."""
    low, high = (f"{end:.1e}" for end in found.interval)
    low = "below the rates tried" if found.open_below else low
    high = "above the rates tried" if found.open_above else high
    return f"95 % {low} to {high}, n = {found.runs} runs, {found.failed} failed"


FIGURE = Figure(
    name="headroom",
    summary="share of failed runs by learning rate; the largest rate at which 10 % fail",
    panels=headroom_data,
    draw=draw_headroom,
    caption=headroom_caption,
    inches=(5.0, 3.5),
)
