"""Gradient norms over the steps, by layer where they were measured (Mosbach et al., figure 4).

How to read it: in a failed run the norms of the encoder's layers fall within some fifty steps after
the warm-up to 1e-4 ... 1e-2, the lower the layer the lower, while pooler and head keep theirs:
gradients vanish on their way down. In a successful run they dip and recover.

Ledgers without norms by layer show the norm over all parameters, which the head dominates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.thinning import thinned
from steadytune.figures._figure import Figure, RunReader
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures._style import FAILED, INK, log_axis
from steadytune.ledger import Curve
from steadytune.records import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60  # points a curve
SHOWN_LAYERS = 6
PREFIX = "gradient_norm/"
TOTAL = "all parameters"
LOOKS = {"embeddings": ("#888888", ":"), "pooler": ("#D55E00", "--"), "head": (INK, "-.")}


class NormCurve(NamedTuple):
    """One norm of one run. ``part``: ``layer.3``, ``head`` ..., or TOTAL."""

    part: str
    steps: NDArray[np.int64]
    norms: NDArray[np.float64]


class GradientNorms(NamedTuple):
    """One panel.

    Attributes:
        title: what is shown. found: what became of the run, or None for several runs.
        curves: of one run by part, or the total norm of each of several. ends: of those, in turn.
        warmup: steps of warm-up.
        by_layer: whether the curves are of parts.
    """

    title: str
    found: Outcome | None
    curves: tuple[NormCurve, ...]
    ends: tuple[Outcome | None, ...]
    warmup: int
    by_layer: bool

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return 1 if self.by_layer else len(self.curves)


def layer_norms(ledger: RunReader, run: str) -> dict[str, Curve]:
    """The norm of each part of a run; empty where they were not measured."""
    return {
        name.removeprefix(PREFIX): curve
        for name, curve in ledger.diagnostics(run).items()
        if name.startswith(PREFIX)
    }


def gradient_norms_data(
    ledger: RunReader, cells: Sequence[Cell], most: int = MOST
) -> list[GradientNorms]:
    """Of each cell a failed and a successful run by layer; else all runs' total norm."""
    panels = list[GradientNorms]()
    for cell in cells:
        by_layer = [(r, layer_norms(ledger, r.id)) for r in cell.records]
        chosen = one_of_each(by_layer)
        panels += [of_run(cell, record, parts, most) for record, parts in chosen]
        if cell.records and not chosen:
            panels.append(_of_cell(ledger, cell, most))
    return panels


def one_of_each(
    by_part: Sequence[tuple[RunRecord, Mapping[str, Curve]]],
) -> list[tuple[RunRecord, Mapping[str, Curve]]]:
    """The first failed and the first successful run that has norms."""
    kinds = (Outcome.FAILED, Outcome.SUCCESS)
    found = ([one for one in by_part if one[1] and outcome(one[0]) is kind] for kind in kinds)
    return [runs[0] for runs in found if runs]


def of_run(
    cell: Cell, record: RunRecord, parts: Mapping[str, Curve], most: int = MOST, what: str = ""
) -> GradientNorms:
    """The panel of one run; ``what`` its norms are of, where that is not whole layers."""
    curves = [
        NormCurve(part, *thinned(curve.steps, curve.values, most))
        for part, curve in parts.items()
        if part in _shown(list(parts))
    ]
    seed = record.seeds["init"]
    found = outcome(record)
    word = found.value if found else "not ended"
    title = f"{cell.recipe}\n{cell.task}, seed {seed}: {word}" + (f"\n{what}" if what else "")
    return GradientNorms(title, found, tuple(curves), (found,), _warmup(record), True)


def _shown(parts: Sequence[str]) -> list[str]:
    """At most six layers, the lowest and the highest among them, and everything else."""
    layers = [part for part in parts if part.startswith("layer.")]
    places = np.linspace(0, len(layers) - 1, min(SHOWN_LAYERS, len(layers))).round().astype(int)
    return [*(p for p in parts if p not in layers), *(layers[place] for place in places)]


def _of_cell(ledger: RunReader, cell: Cell, most: int) -> GradientNorms:
    curves = list[NormCurve]()
    for record in cell.records:
        columns = ledger.steps(record.id)
        curves.append(NormCurve(TOTAL, *thinned(columns["step"], columns["grad_norm"], most)))
    ends = tuple(outcome(record) for record in cell.records)
    title = f"{cell.recipe}\n{cell.task}\n{TOTAL}"
    return GradientNorms(title, None, tuple(curves), ends, _warmup(cell.records[0]), False)


def _warmup(record: RunRecord) -> int:
    warmup = record.recipe["warmup"]
    return warmup if isinstance(warmup, int) else int(warmup * record.total_steps)


def draw_gradient_norms(data: GradientNorms, ax: Axes) -> Axes:
    """A line a part, dark for low layers; or a line a run, failed ones vermilion and dashed."""
    from matplotlib import colormaps

    layers = [curve.part for curve in data.curves if curve.part.startswith("layer.")]
    shades = colormaps["viridis"](np.linspace(0, 0.9, max(1, len(layers))))
    for place, curve in enumerate(data.curves):
        if data.by_layer:
            own, dash = LOOKS.get(curve.part, (INK, "-"))
            own = shades[layers.index(curve.part)] if curve.part in layers else own
            name = curve.part.replace(".", " ")
        else:
            bad = data.ends[place] in (Outcome.FAILED, Outcome.DIVERGED)
            own, dash = (FAILED, "--") if bad else ("#0072B2", "-")
            name = "failed or diverged run" if bad else "successful run"
        positive = np.where(curve.norms > 0, curve.norms, np.nan)
        ax.plot(
            curve.steps, positive, color=own, linestyle=dash, linewidth=0.9, label=name, gid="run"
        )
    ax.axvline(data.warmup, color="#888888", linestyle=":", linewidth=1, zorder=0)
    if not any((curve.norms > 0).any() for curve in data.curves):
        ax.set_ylim(0.1, 1)  # a logarithmic axis cannot scale itself to nothing
    log_axis(ax.yaxis)
    ax.set_xlabel("step (dotted: end of warm-up)")
    ax.set_ylabel("gradient norm")
    ax.set_title(data.title)
    return ax


def gradient_norms_caption(panels: Sequence[GradientNorms]) -> str:
    """What the lines are."""
    by_layer = sum(panel.by_layer for panel in panels)
    text = "L2 norm of the loss gradient before clipping, over training (no checkpoint is chosen); "
    text += f"a point is the mean of consecutive steps (at most {MOST}). "
    if by_layer:
        text += (
            f"{by_layer} panels show one run each (n = 1, no interval), the first failed and the "
            "first successful one by seed; a layer's norm is the root of the sum of squares over "
            "its tensors; at most six layers are drawn. "
        )
    if by_layer < len(panels):
        runs = sum(panel.runs for panel in panels if not panel.by_layer)
        text += (
            f"Where norms by layer were not measured, the norm over all parameters of all {runs} "
            "runs, failed or diverged ones vermilion and dashed. "
        )
    return text + f"({FAILED_MEANS.split(';')[0]}.)"


FIGURE = Figure(
    name="gradient_norms",
    summary="gradient norms over steps, by layer where measured",
    needs="runs that have begun: start the study with steadytune run",
    panels=gradient_norms_data,
    draw=draw_gradient_norms,
    caption=gradient_norms_caption,
    inches=(4.2, 3.1),
)
