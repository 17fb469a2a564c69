"""Box plots over learning rates, without and with bias correction (Mosbach et al., fig. 5 and 9).

How to read it: without correction runs begin to fail at a lower learning rate. A box that lies on
the dotted line is narrow because every run failed, not because the recipe is steady.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS, Group, Points, counted, points, scale, swarm
from steadytune.figures._style import FAINT, INK, color, majority_line, scatter_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATES = ("off", "on")
APART = 0.21  # of a box without correction from the tick, and of one with it to the other side


class LrBox(NamedTuple):
    """The runs at one learning rate, without or with bias correction."""

    lr: float
    corrected: bool
    points: Points


class LrBoxes(NamedTuple):
    """One panel: a task, an encoder and a length of training; ``group`` as in other box plots."""

    group: Group
    boxes: tuple[LrBox, ...]

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return self.group.runs

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Of all its runs."""
        return self.group.outcomes


def lr_boxes_data(cells: Sequence[Cell]) -> list[LrBoxes]:
    """A panel for each task, encoder and number of steps, by rising number of steps.

    Cells that have no run yet have no place on the axis and are left out.
    """
    begun = [cell for cell in cells if cell.records]
    keys = sorted({_key(cell) for cell in begun})
    several = len({key[1] for key in keys}) > 1
    return [_panel(key, [c for c in begun if _key(c) == key], several) for key in keys]


def _key(cell: Cell) -> tuple[str, str, int]:
    return cell.task, cell.encoder, cell.records[0].total_steps


def _panel(key: tuple[str, str, int], cells: Sequence[Cell], several: bool) -> LrBoxes:
    task, encoder, steps = key
    boxes = [_box(cell) for cell in cells]
    boxes.sort(key=lambda box: (box.lr, box.corrected))
    facts, recipe = cells[0].records[0].task, cells[0].records[0].recipe
    factor = scale(facts.metric)
    epochs = f"{recipe['epochs']:g} epochs, " if recipe["epochs"] else ""
    group = Group(
        title=f"{task}{f', {encoder}' if several else ''}\n{epochs}{steps} steps",
        metric=facts.metric.replace("_", " ") + (" x 100" if factor != 1 else ""),
        higher_is_better=factor != 1,
        majority=factor * facts.baseline[facts.report][facts.metric],
        recipes=tuple(box.points for box in boxes),
    )
    return LrBoxes(group, tuple(boxes))


def _box(cell: Cell) -> LrBox:
    recipe = cell.records[0].recipe
    return LrBox(recipe["lr"], bool(recipe["bias_correction"]), points(cell))


def draw_lr_boxes(data: LrBoxes, ax: Axes) -> Axes:
    """Two boxes a learning rate, correction off to the left and on to the right; every run."""
    rates = sorted({box.lr for box in data.boxes})
    seen = dict[tuple[float, bool], int]()
    for box in data.boxes:
        twice = seen.get((box.lr, box.corrected), 0)  # recipes that differ in something else
        seen[box.lr, box.corrected] = twice + 1
        place = rates.index(box.lr) + APART * (2 * box.corrected - 1) + 0.04 * twice
        values = box.points.values
        if len(values) > 1:
            ax.boxplot(
                values,
                positions=[place],
                widths=0.36,
                showfliers=False,
                medianprops={"color": INK},
                boxprops={"color": color(box.corrected), "alpha": 0.6},
                whiskerprops={"color": FAINT},
                capprops={"color": FAINT},
            )
        x = place + 0.34 * swarm(values)
        scatter_runs(ax, x, np.asarray(values), box.points.outcomes, color(box.corrected))
        _count_failed(ax, place, box.points)
    for corrected in sorted({box.corrected for box in data.boxes}):
        ax.plot([], [], "s", color=color(corrected), label=f"correction {STATES[corrected]}")
    majority_line(ax, data.group.majority)
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_xlim(-0.6, len(rates) - 0.4)
    ax.margins(y=0.12)
    ax.set_xlabel("learning rate")
    ax.set_ylabel(data.group.metric)
    ax.set_title(data.group.title)
    return ax


def _count_failed(ax: Axes, place: float, drawn: Points) -> None:
    """How many of a box's runs failed, above it: equal points hide each other."""
    bad = sum(one is not Outcome.SUCCESS for one in drawn.outcomes)
    text = f"{bad}/{len(drawn.outcomes)}"
    ax.annotate(
        text,
        (place, 1.0),
        xycoords=ax.get_xaxis_transform(),
        ha="center",
        va="top",
        fontsize=6.5,
        color=INK,
    )


def lr_boxes_caption(panels: Sequence[LrBoxes]) -> str:
    """What the boxes, points and counts are."""
    return (
        "Headline metric on dev, last checkpoint, by learning rate, bias correction off (left of "
        "each tick) and on (right). Box: quartiles and median over n ended runs; whiskers reach to "
        "the last run within 1.5 box lengths. Above each box: failed or diverged of n. "
        f"{counted([panel.group for panel in panels])} ({FAILED_MEANS}). Dotted: a constant "
        "prediction. No interval is drawn."
    )


FIGURE = Figure(
    name="lr_boxes",
    summary="the metric by learning rate, without and with bias correction",
    panels=lambda ledger, cells: lr_boxes_data(cells),
    draw=draw_lr_boxes,
    caption=lr_boxes_caption,
    inches=(4.2, 3.2),
)
