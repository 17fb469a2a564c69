"""How figures look, and how they become files: the one place that imports matplotlib.

Colours are those of Okabe & Ito (2008), which people with any colour vision can tell apart, and
three darker ones for studies of many recipes. Vermilion is for failed runs alone; what became of a
run is told by the marker's shape as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.outcomes import Outcome
from steadytune.figures._figure import Figure
from steadytune.ledger.durable import make_folder, replace_file, replace_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure as Canvas

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D1F", "#5E3C99", "#555555")
INK, FAINT, FAILED = "#222222", "#B8B8B8", "#D55E00"
MARKS = {
    Outcome.SUCCESS: ("o", "success"),
    Outcome.FAILED: ("v", "failed"),
    Outcome.DIVERGED: ("x", "diverged"),
}
FORMATS = ("png", "pdf", "svg")
COLUMNS = 3
MAJORITY = "majority"
SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name or a text may hold dollar signs
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "path",
    "svg.hashsalt": "steadytune",  # the same figure gives the same bytes
    "savefig.dpi": 200,
}
_UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}


def color(place: int) -> str:
    """The colour of the recipe at a place in the study."""
    return PALETTE[place % len(PALETTE)]


def scatter_runs(
    ax: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    outcomes: Sequence[Outcome],
    own: str,
) -> None:
    """Draw every run as a point: filled circles, failed triangles, diverged crosses."""
    for kind, (marker, _) in MARKS.items():
        chosen = np.array([one is kind for one in outcomes], dtype=bool)
        if not chosen.any():
            continue
        look = own if kind is Outcome.SUCCESS else FAILED
        edge = {} if marker == "x" else {"edgecolors": "white", "linewidths": 0.4}
        ax.scatter(x[chosen], y[chosen], s=22, marker=marker, c=look, zorder=3, gid="run", **edge)


def majority_line(ax: Axes, value: float | None, upright: bool = False) -> None:
    """A dotted line at the majority class's value."""
    if value is None or not np.isfinite(value):
        return
    line = ax.axvline if upright else ax.axhline
    line(value, color="#888888", linestyle=":", linewidth=1, zorder=0, gid=MAJORITY)


def log_axis(axis: XAxis | YAxis) -> None:
    """A logarithmic axis with plain numbers; 2 and 5 are written out where there is room."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = sorted(axis.get_view_interval())
    decades = float(np.log10(high / low)) if low > 0 else 1.0
    axis.set_major_locator(LogLocator(subs=(1.0,) if decades > 2.5 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def legend(canvas: Canvas, outcomes: Sequence[Outcome]) -> None:
    """Under the panels, once: the named lines, the shapes that occur, the majority class's line."""
    from matplotlib.lines import Line2D

    entries = dict[str, Any]()
    for ax in canvas.axes:
        lines, names = ax.get_legend_handles_labels()
        entries |= dict(zip(names, lines, strict=True))
    for kind, (marker, name) in MARKS.items():
        if kind in outcomes:
            own = INK if kind is Outcome.SUCCESS else FAILED
            entries[name] = Line2D([], [], marker=marker, linestyle="", color=own)
    if any(line.get_gid() == MAJORITY for ax in canvas.axes for line in ax.lines):
        entries["majority class"] = Line2D([], [], color="#888888", linestyle=":")
    if entries:
        widest = max(map(len, entries))
        columns = int(canvas.get_figwidth() / (0.5 + 0.062 * widest))
        canvas.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=max(1, min(columns, 7)),
            columnspacing=1.2,
        )


def printable(text: str, length: int) -> str:
    """A text on one line, cut to ``length``, with what the font cannot draw as a small square."""
    known = _glyphs()
    flat = " ".join(text[: 4 * length].split())
    drawn = "".join(c if ord(c) in known and c.isprintable() else "\u25a1" for c in flat)
    return drawn if len(drawn) <= length else drawn[: length - 3] + "..."


@cache
def _glyphs() -> frozenset[int]:
    """Code points that matplotlib's own font can draw."""
    from matplotlib import font_manager, ft2font

    return frozenset(ft2font.FT2Font(font_manager.findfont("DejaVu Sans")).get_charmap())


def paint(figure: Figure, panels: Sequence[Any]) -> Canvas:
    """All panels of a figure on one canvas; a line of text where there is nothing to draw."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context(SETTINGS):
        columns = min(COLUMNS, max(1, len(panels)))
        rows = max(1, -(-len(panels) // columns))
        width, height = figure.inches
        canvas = Canvas(figsize=(columns * width, rows * height + 0.3), layout="constrained")
        axes = canvas.subplots(rows, columns, squeeze=False).ravel()
        for ax, panel in zip(axes, panels, strict=False):
            figure.draw(panel, ax)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        if not panels:
            axes[0].text(0.5, 0.5, "nothing to draw yet", ha="center", va="center")
        elif figure.scale is not None:
            canvas.colorbar(axes[0].images[0], ax=list(axes), label=figure.scale, extend="max")
        legend(canvas, [o for panel in panels for o in getattr(panel, "outcomes", ())])
        _settle(canvas)
        return canvas


def _settle(canvas: Canvas) -> None:
    """Lay out once and for all: otherwise each format measures every text anew."""
    engine = canvas.get_layout_engine()
    if engine is not None:
        engine.execute(canvas)
        canvas.set_layout_engine("none")


def save(figure: Figure, panels: Sequence[Any], folder: Path) -> list[Path]:
    """Write a figure as PNG, PDF and SVG with its caption as text beside them.

    Raises:
        OSError: the folder cannot be written to.
    """
    from matplotlib import rc_context

    canvas = paint(figure, panels)
    make_folder(folder)
    paths = [folder / f"{figure.name}.{kind}" for kind in FORMATS]
    with rc_context(SETTINGS):
        for path, kind in zip(paths, FORMATS, strict=True):
            replace_file(
                path,
                lambda temporary, kind=kind: canvas.savefig(
                    temporary, format=kind, metadata=_UNDATED[kind]
                ),
            )
    caption = folder / f"{figure.name}.txt"
    replace_text(caption, figure.caption(panels) + "\n")
    return [*paths, caption]
