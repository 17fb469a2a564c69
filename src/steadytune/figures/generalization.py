"""Final training loss against dev accuracy, every run (Mosbach et al. 2021, figure 8 b).

How to read it: no downward trend to the left says that a training loss near zero does not hurt. The
bands show how far runs of equal quality lie apart by chance: two runs that are equally good on all
texts of the kind differ on N dev examples with a standard deviation of at most sqrt(p (1 - p) / N)
(wide band), and of sqrt((1 - p) / 2N) if their votes are calibrated (Jordan 2023; narrow). Only
what is wider than the bands is a difference between models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.figures._figure import Figure
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import color, log_axis, majority_line, scatter_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_LOSS = 1e-6  # losses that fp32 rounds to zero are drawn here


class Generalization(NamedTuple):
    """One panel: every finished run on a task that has an accuracy.

    Attributes:
        title: the task. losses: (n,) mean training loss of the last tenth of the steps.
        accuracies: (n,) on dev, x 100. outcomes, corrected: of each run.
        majority: the majority class's accuracy x 100. examples: N of the dev split.
    """

    title: str
    losses: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    outcomes: tuple[Outcome, ...]
    corrected: tuple[bool, ...]
    majority: float
    examples: int

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.losses)

    @property
    def learned(self) -> NDArray[np.bool_]:
        """(n,) which runs did not fail."""
        return np.array([one is Outcome.SUCCESS for one in self.outcomes], dtype=bool)

    def chance_spread(self) -> tuple[float, float, float] | None:
        """Median accuracy of the runs that learned; wide and narrow spread of chance, x 100."""
        if not self.learned.any():
            return None
        p = float(np.median(self.accuracies[self.learned])) / 100
        return 100 * p, 100 * binomial_spread(p, self.examples), 100 * floor(p, self.examples)


def binomial_spread(accuracy: float, examples: int) -> float:
    """sqrt(p (1 - p) / N): of runs that answer every example independently right with chance p."""
    return float(np.sqrt(accuracy * (1 - accuracy) / examples))


def floor(accuracy: float, examples: int) -> float:
    """sqrt(err / 2N): of equally good binary classifiers whose votes are calibrated (Jordan 2023).

    Where a share q of the runs votes for a class and that class is right in a share q of such
    examples, err = mean 2 q (1 - q) and the variance of a vote is mean q (1 - q) = err / 2.
    """
    return float(np.sqrt((1 - accuracy) / (2 * examples)))


def generalization_data(cells: Sequence[Cell]) -> list[Generalization]:
    """A panel for each task and encoder that have finished runs and an accuracy."""
    keys = dict.fromkeys((cell.task, cell.encoder) for cell in cells)
    several = len({encoder for _, encoder in keys}) > 1
    panels = list[Generalization]()
    for task, encoder in keys:
        records = [
            record
            for cell in cells
            if (cell.task, cell.encoder) == (task, encoder)
            for record in cell.records
            if outcome(record) in (Outcome.SUCCESS, Outcome.FAILED)
            and record.last is not None
            and record.train_loss is not None
            and record.task.label_names is not None
        ]
        if not records:
            continue
        facts = records[0].task
        accuracies = [r.last.metrics[facts.report]["accuracy"] for r in records if r.last]
        panels.append(
            Generalization(
                title=f"{task}, {encoder}" if several else task,
                losses=np.array([record.train_loss for record in records], dtype=np.float64),
                accuracies=100 * np.array(accuracies),
                outcomes=tuple(found for r in records if (found := outcome(r)) is not None),
                corrected=tuple(bool(record.recipe["bias_correction"]) for record in records),
                majority=100 * facts.baseline[facts.report]["accuracy"],
                examples=facts.dev_examples[facts.report],
            )
        )
    return panels


def draw_generalization(data: Generalization, ax: Axes) -> Axes:
    """Points by loss on a logarithmic axis, coloured by bias correction; bands of chance."""
    spread = data.chance_spread()
    if spread is not None:
        middle, wide, narrow = spread
        ax.axhspan(middle - 2 * wide, middle + 2 * wide, color="#E8E8E8", zorder=0, linewidth=0)
        ax.axhspan(middle - 2 * narrow, middle + 2 * narrow, color="#CFCFCF", zorder=0, linewidth=0)
    for corrected in sorted(set(data.corrected)):
        chosen = np.array(data.corrected) == corrected
        outcomes = [o for o, mine in zip(data.outcomes, chosen, strict=True) if mine]
        x = np.maximum(data.losses[chosen], LEAST_LOSS)
        scatter_runs(ax, x, data.accuracies[chosen], outcomes, color(int(corrected)))
        name = f"correction {'on' if corrected else 'off'}"
        ax.plot([], [], "o", color=color(int(corrected)), label=name)
    majority_line(ax, data.majority)
    log_axis(ax.xaxis)
    ax.set_xlabel("final training loss")
    ax.set_ylabel("dev accuracy x 100")
    ax.set_title(f"{data.title}, {data.runs} runs")
    return ax


def generalization_caption(panels: Sequence[Generalization]) -> str:
    """What the points and bands are."""
    spreads = [(panel, panel.chance_spread()) for panel in panels]
    numbers = "; ".join(
        f"{panel.title}: median {found[0]:.1f}, sqrt(p(1-p)/N) {found[1]:.1f}, sqrt(err/2N) "
        f"{found[2]:.1f}, N = {panel.examples}"
        for panel, found in spreads
        if found
    )
    return (
        f"Mean training loss of the last tenth of the steps (dropout on) and accuracy on dev at "
        f"the last checkpoint, all n = {sum(panel.runs for panel in panels)} finished runs, one "
        f"point each; no interval. Bands: two standard deviations of chance about the median of "
        f"the runs that learned, light sqrt(p(1-p)/N), dark sqrt(err/2N) ({numbers}). "
        f"Triangles: {FAILED_MEANS.split(';')[0]}. Dotted: the majority class. Diverged runs have "
        "no final loss and are not among these."
    )


FIGURE = Figure(
    name="generalization",
    summary="final training loss against dev accuracy, with the spread of chance",
    needs="finished runs on a task with classes: let runs finish",
    panels=lambda ledger, cells: generalization_data(cells),
    draw=draw_generalization,
    caption=generalization_caption,
    inches=(4.6, 3.4),
)
