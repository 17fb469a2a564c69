"""Flipping examples: those whose prediction depends most on the seed, with their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.flips import flipping, instability_by_example
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.prediction_set import prediction_set
from steadytune.analysis.summary import CHECKPOINTS, Which
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import FAILED, printable
from steadytune.ledger import Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12  # examples a panel; the page of the report has more
TEXT = 42  # characters of a text


class Flipping(NamedTuple):
    """One panel: R finished runs of a cell and the E examples that they part on the most.

    Attributes:
        title: recipe and task. which: the checkpoint.
        right: (E, R) whether a run predicts an example's label; runs from the best to the worst.
        failed: of each run, whether it failed.
        examples: (E,) their places in the split. texts: of each, or its place where the ledger
            has no texts. unstable: (E,) chance that two runs disagree on it.
        flipping: examples of the split that any two runs disagree on. size: of the split.
    """

    title: str
    which: Which
    right: NDArray[np.bool_]
    failed: tuple[bool, ...]
    examples: NDArray[np.int64]
    texts: tuple[str, ...]
    unstable: NDArray[np.float64]
    flipping: int
    size: int

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.failed)


def flipping_data(
    ledger: Ledger, cells: Sequence[Cell], which: Which = "last", most: int = MOST
) -> list[Flipping]:
    """A panel for each cell whose task has classes and that has two finished runs or more."""
    found = (_panel(ledger, cell, which, most) for cell in cells)
    return [panel for panel in found if panel is not None]


def _panel(ledger: Ledger, cell: Cell, which: Which, most: int) -> Flipping | None:
    of = prediction_set(ledger, cell, which)
    if of is None or of.probabilities is None or len(of.records) < 2:
        return None
    order = np.argsort(-(of.predictions == of.labels).mean(axis=1), kind="stable")
    unstable = instability_by_example(of.predictions)
    chosen = flipping(of.predictions, most)
    task = of.records[0].task
    kept = ledger.examples(task.digest, task.report)
    return Flipping(
        title=f"{cell.recipe}, {cell.task}",
        which=which,
        right=(of.predictions == of.labels)[np.ix_(order, chosen)].T,
        failed=tuple(outcome(of.records[i]) is Outcome.FAILED for i in order),
        examples=chosen,
        texts=tuple(f"example {i}" if kept is None else kept.texts[i] for i in chosen),
        unstable=unstable[chosen],
        flipping=int((unstable > 0).sum()),
        size=len(of.labels),
    )


def draw_flipping(data: Flipping, ax: Axes) -> Axes:
    """A row an example, a column a run: blue right, orange wrong."""
    from matplotlib.colors import ListedColormap

    colors = ListedColormap(["#E69F00", "#0072B2"])
    ax.set_title(f"{data.title}\n{data.flipping} of {data.size} examples flip")
    ax.set_xlabel("runs, best to worst; x: failed")
    failed = [place for place, bad in enumerate(data.failed) if bad]
    ax.set_xticks(failed, ["x"] * len(failed), color=FAILED)
    if len(data.examples) == 0:
        ax.set_yticks([])
        return ax
    ax.imshow(data.right, cmap=colors, vmin=0, vmax=1, aspect="auto", gid="runs")
    labels = [printable(text, TEXT) for text in data.texts]
    ax.set_yticks(range(len(labels)), labels, fontsize=6)
    ax.tick_params(length=0)
    return ax


def flipping_caption(panels: Sequence[Flipping]) -> str:
    """What rows, columns and colours are."""
    which = CHECKPOINTS[panels[0].which if panels else "last"]
    sizes = sorted({panel.runs for panel in panels}) or [0]
    n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return (
        f"The dev examples (at most {MOST} a panel, least stable first) on which runs of a recipe "
        f"differ; n = {n} finished runs, {which}. Blue: right, orange: wrong. Instability "
        "of an example: the chance that two different runs predict different classes. "
        f"x: {FAILED_MEANS.partition(';')[0]}. Diverged runs predict nothing at their end."
    )


FIGURE = Figure(
    name="flipping",
    summary="the examples whose prediction depends on the seed, with their text",
    needs=(
        "two or more finished runs of a recipe on a task with classes, and examples "
        "on which they differ: run more seeds"
    ),
    panels=flipping_data,
    draw=draw_flipping,
    caption=flipping_caption,
    inches=(5.0, 3.6),
)
