"""The factor by which bias correction multiplies Adam's step (Mosbach et al. 2021, figure 6).

How to read it: without correction a step is 1 / factor times too large; with betas of (0.9, 0.999)
up to 6.6 times, at step 12, and still 1.6 times at step 468, the last of three epochs on RTE. With
RoBERTa's (0.9, 0.98) it is over after some 150 steps, and the first step is too small, not too
large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.figures._figure import Figure
from steadytune.figures._style import INK, color, log_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER_BETAS = ((0.9, 0.999), (0.9, 0.98))
LEAST_STEPS = 4000
DASHES = ("-", "--", "-.", ":")


class CorrectionFactor(NamedTuple):
    """The one panel.

    Attributes:
        steps: (T,) from 1. factors: (B, T), a row for each pair of betas. betas: the B pairs.
        ends: last step of each length of training, with its label.
    """

    steps: NDArray[np.int64]
    factors: NDArray[np.float64]
    betas: tuple[tuple[float, float], ...]
    ends: tuple[tuple[int, str], ...]

    @property
    def runs(self) -> int:
        """None: it is a formula."""
        return 0


def correction_factor(steps: NDArray[np.int64], betas: tuple[float, float]) -> NDArray[np.float64]:
    """sqrt(1 - b2^t) / (1 - b1^t) at steps t = 1, 2, ..."""
    b1, b2 = betas
    t = steps.astype(np.float64)
    return np.sqrt(1 - b2**t) / (1 - b1**t)


def correction_factor_data(cells: Sequence[Cell]) -> list[CorrectionFactor]:
    """One panel: the paper's betas, those of the study, and how long its runs are."""
    records = [record for cell in cells for record in cell.records]
    own = [tuple(record.recipe["betas"]) for record in records]
    betas = tuple(dict.fromkeys((*PAPER_BETAS, *own)))
    lengths = sorted({record.total_steps for record in records})
    steps = np.arange(1, max([LEAST_STEPS, *lengths]) + 1)
    factors = np.stack([correction_factor(steps, pair) for pair in betas])
    shown = lengths if len(lengths) <= 3 else [lengths[0], lengths[-1]]
    ends = tuple((length, f"{length} steps: end of runs of this study") for length in shown)
    return [CorrectionFactor(steps, factors, betas, ends)]


def draw_correction_factor(data: CorrectionFactor, ax: Axes) -> Axes:
    """A line for each pair of betas, steps on a logarithmic axis."""
    for place, (pair, factors) in enumerate(zip(data.betas, data.factors, strict=True)):
        dash = DASHES[place % len(DASHES)]
        name = f"betas {pair[0]:g}, {pair[1]:g}"
        ax.plot(data.steps, factors, color=color(place), linestyle=dash, label=name)
    lowest = int(np.argmin(data.factors[0]))
    ax.annotate(
        f"{data.factors[0, lowest]:.2f} at step {data.steps[lowest]}",
        (float(data.steps[lowest]), float(data.factors[0, lowest])),
        xytext=(0, -11),
        textcoords="offset points",
        ha="center",
        fontsize=7,
    )
    for place, (step, _) in enumerate(data.ends):
        ax.axvline(step, color="#888888", linestyle=":", linewidth=1, zorder=0)
        ax.annotate(
            f"{step} ",
            (step, 1.4 - 0.09 * place),
            fontsize=7,
            color=INK,
            ha="right",
            va="top",
        )
    ax.axhline(1, color="#BBBBBB", linewidth=0.8, zorder=0)
    log_axis(ax.xaxis)
    ax.set_ylim(0, 1.5)
    ax.set_xlabel("step t")
    ax.set_ylabel("correction factor")
    ax.set_title("Adam's bias correction as a factor on the step")
    return ax


def correction_factor_caption(panels: Sequence[CorrectionFactor]) -> str:
    """What the lines are."""
    ends = [str(step) for panel in panels for step, _ in panel.ends]
    dotted = f" Dotted: runs of this study end after {', '.join(ends)} steps." if ends else ""
    return (
        "sqrt(1 - b2^t) / (1 - b1^t): what bias correction multiplies the step t of Adam by, up to "
        "eps. A formula: no runs, no checkpoint and no interval are behind it." + dotted
    )


FIGURE = Figure(
    name="correction_factor",
    summary="by what Adam's bias correction multiplies each step",
    needs="recipes and runs that have begun: start the study with steadytune run",
    panels=lambda ledger, cells: correction_factor_data(cells),
    draw=draw_correction_factor,
    caption=correction_factor_caption,
    inches=(5.0, 3.2),
)
