"""Training loss on the plane through pretrained, failed and successful weights (fig. 7).

How to read it: the successful run lies in a basin that opens toward the pretrained weights; the
failed one lies in a flat valley at the loss of guessing, behind a ridge. Directions are the raw
differences, so the pretrained weights are at (0, 0), the failed run at (1, 0), the successful one
at (0, 1). ``gradient_surface`` shows the gradient norm on the same plane (fig. 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.figures._figure import Figure
from steadytune.figures.forgetting import points_in
from steadytune.ledger import Ledger, Points, grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = 16
CORNERS = (("pretrained", "s", 0, 0), ("failed", "v", 1, 0), ("successful", "o", 0, 1))
LEAST = 1e-6


class Surface(NamedTuple):
    """One panel.

    Attributes:
        title: the task. quantity: what is drawn.
        a_A, b_B: the axes. value_AB: (A, B), NaN where not measured or not finite.
        examples: training examples that the loss is of. runs: two.
    """

    title: str
    quantity: str
    a_A: NDArray[np.float64]
    b_B: NDArray[np.float64]
    value_AB: NDArray[np.float64]
    examples: int
    runs: int = 2

    def at(self, a: float, b: float) -> float:
        """The value at the place of the grid that is nearest to (a, b)."""
        row, column = np.argmin(np.abs(self.a_A - a)), np.argmin(np.abs(self.b_B - b))
        return float(self.value_AB[row, column])


def surface_data(
    points: Sequence[Points], tasks: dict[str, str], column: str = "loss"
) -> list[Surface]:
    """A panel for each measured plane.

    Args:
        points: of ``checkpoints.surface``.
        tasks: titles by digest.
        column: ``loss``, ``gradient_norm`` or ``encoder_gradient_norm``.
    """
    found = list[Surface]()
    for one in points:
        if column not in one.columns or not np.isfinite(one.columns[column]).any():
            continue
        a_A, b_B, value_AB = grid(one, "a", "b", column)
        title = tasks.get(one.about["task"], str(one.about["task"]))
        name = column.replace("_", " ").replace("loss", "training loss")
        found.append(Surface(title, name, a_A, b_B, value_AB, int(one.about["examples"])))
    return found


def draw_surface(data: Surface, ax: Axes) -> Axes:
    """Filled contours on a logarithmic scale with thin lines, and the three corners."""
    from matplotlib import ticker
    from matplotlib.colors import LogNorm

    value = np.maximum(np.ma.masked_invalid(data.value_AB.T), LEAST)
    low, high = float(value.min()), float(value.max())
    if len(data.a_A) > 1 and len(data.b_B) > 1 and high > low:
        levels = np.geomspace(low, high * (1 + 1e-9), LEVELS)
        filled = ax.contourf(
            data.a_A, data.b_B, value, levels=levels, norm=LogNorm(low, high), cmap="cividis"
        )
        ax.contour(data.a_A, data.b_B, value, levels=levels, colors="black", linewidths=0.35)
        canvas: Any = ax.get_figure()
        bar = canvas.colorbar(filled, ax=ax, ticks=levels[::3], shrink=0.8)
        bar.ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:.2g}"))
        bar.ax.minorticks_off()
        bar.set_label(data.quantity)
    for name, marker, a, b in CORNERS:
        ax.plot(a, b, marker, ms=7, color="white", markeredgecolor="black", zorder=4, gid="run")
        ax.annotate(
            f"{name}\n{data.at(a, b):.2g}",
            (a, b),
            xytext=(6, 5),
            textcoords="offset points",
            fontsize=7,
            color="black",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
        )
    ax.set_aspect("equal")
    ax.set_xlabel("a: toward the failed run")
    ax.set_ylabel("b: toward the successful run")
    ax.set_title(f"{data.title}\n{data.quantity}")
    return ax


def surface_caption(panels: Sequence[Surface]) -> str:
    """What the colours and corners are."""
    sizes = ", ".join(f"{len(p.a_A)} x {len(p.b_B)} places, {p.examples} examples" for p in panels)
    return (
        f"{panels[0].quantity.capitalize()} at pretrained + a (failed - pretrained) + b "
        "(successful - pretrained), raw differences, dropout off, fp32, on training examples "
        f"({sizes}); a colour and a line a level, levels evenly spaced in the logarithm. The last "
        f"checkpoints of two runs in each panel (n = 1 pair, no interval). Heads are interpolated "
        "as all weights; at (0, 0) stands the fresh head of the failed run."
    )


def panels_of(column: str) -> Any:  # noqa: ANN401
    """What ``Figure.panels`` is for a column of the surface."""

    def panels(ledger: Ledger, cells: Sequence[Cell]) -> list[Surface]:
        return surfaces_in(ledger.folder / "checkpoints", cells, column)

    return panels


def surfaces_in(folder: Path, cells: Sequence[Cell], column: str) -> list[Surface]:
    """A panel for each plane in a folder of measurements."""
    tasks = {record.task.digest: cell.task for cell in cells for record in cell.records}
    return surface_data(points_in(folder, "surface"), tasks, column)


FIGURE = Figure(
    name="surface",
    summary="training loss on the plane of pretrained, failed and successful weights",
    needs=(
        "kept weights of a failed and a successful run (run with --set keep=last) "
        "measured by surface_of; see docs/checkpoints.md"
    ),
    panels=panels_of("loss"),
    draw=draw_surface,
    caption=surface_caption,
    inches=(4.4, 3.6),
)
