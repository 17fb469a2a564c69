"""Box plots of the headline metric with every run drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS, Group, counted, groups, swarm
from steadytune.figures._style import FAINT, INK, color, majority_line, scatter_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Boxes(NamedTuple):
    """One panel: a task's recipes; ``which`` checkpoint the values are of."""

    group: Group
    which: Which

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return self.group.runs

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Of all its runs."""
        return self.group.outcomes


def boxes_data(cells: Sequence[Cell], which: Which = "last") -> list[Boxes]:
    """A panel for each task and encoder."""
    return [Boxes(group, which) for group in groups(cells, which)]


def draw_boxes(data: Boxes, ax: Axes) -> Axes:
    """One box a recipe: quartiles and median, whiskers to the last run within 1.5 box lengths."""
    recipes = data.group.recipes
    for place, one in enumerate(recipes):
        if len(one.values) > 1:
            ax.boxplot(
                one.values,
                positions=[place],
                widths=0.62,
                showfliers=False,  # every run is drawn below
                medianprops={"color": INK},
                boxprops={"color": FAINT},
                whiskerprops={"color": FAINT},
                capprops={"color": FAINT},
            )
        x = place + 0.8 * swarm(one.values)
        scatter_runs(ax, x, one.values, one.outcomes, color(place))
    majority_line(ax, data.group.majority)
    tilt = 30 if len(recipes) > 3 or max(map(len, (r.recipe for r in recipes))) > 14 else 0
    ax.set_xticks(range(len(recipes)), [r.recipe for r in recipes], rotation=tilt)
    for label in ax.get_xticklabels():
        label.set_horizontalalignment("right" if tilt else "center")
    ax.set_xlim(-0.6, len(recipes) - 0.4)
    ax.margins(y=0.07)
    ax.set_ylabel(data.group.metric)
    ax.set_title(data.group.title)
    return ax


def boxes_caption(panels: Sequence[Boxes]) -> str:
    """What the boxes, whiskers, points and the line are."""
    shown: list[Which] = [panel.which for panel in panels] or ["last"]
    which = " and ".join(dict.fromkeys(CHECKPOINTS[one] for one in shown))
    return (
        f"Headline metric on dev, {which}, by recipe. Box: quartiles and median over all n ended "
        "runs; whiskers reach to the last run within 1.5 box lengths. "
        f"{counted([panel.group for panel in panels])} ({FAILED_MEANS}). Dotted: a constant "
        "prediction. No interval is drawn; the summary table has them."
    )


FIGURE = Figure(
    name="boxes",
    summary="box plots of the headline metric with every run",
    panels=lambda ledger, cells: boxes_data(cells),
    draw=draw_boxes,
    caption=boxes_caption,
)
