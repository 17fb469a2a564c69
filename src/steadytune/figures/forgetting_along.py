"""Forgetting along the training, beside when gradients vanished (Mosbach et al., section 4.1).

How to read it: forgetting is only a candidate for the cause of a failed run if it comes before the
gradients vanish (the cross on the line) and sets failed runs apart then. Where successful runs of
the same recipe have forgotten as much at that step, it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.verdicts import vanished_at
from steadytune.figures._figure import Figure
from steadytune.figures._style import FAILED, INK, PALETTE, log_axis
from steadytune.figures.forgetting import as_perplexity, points_in
from steadytune.ledger import Ledger, Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WHAT = "forgetting along"


class AlongCurve(NamedTuple):
    """One run. (S,) steps, the first 0; (S,) perplexities; ``vanished``: step of onset, if any."""

    run: str
    found: Outcome | None
    steps: NDArray[np.int64]
    perplexity: NDArray[np.float64]
    vanished: int | None


class ForgettingAlong(NamedTuple):
    """One panel: runs of one encoder. ``block_length``: tokens a block of the text."""

    curves: tuple[AlongCurve, ...]
    block_length: int

    @property
    def runs(self) -> int:
        """How many runs are drawn."""
        return len(self.curves)


def forgetting_along_data(
    points: Sequence[Points],
    cells: Sequence[Cell],
    vanished: Callable[[str], int | None],
) -> list[ForgettingAlong]:
    """A panel for each encoder; ``vanished`` tells when the gradients of a run did."""
    outcomes = {record.id: outcome(record) for cell in cells for record in cell.records}
    curves = dict[str, list[AlongCurve]]()
    for one in points:
        if one.columns and one.about["run"] in outcomes:
            curve = _curve(one, outcomes, vanished)
            curves.setdefault(one.about["encoder"], []).append(curve)
    lengths = {one.about["encoder"]: int(one.about.get("block_length", 0)) for one in points}
    return [ForgettingAlong(tuple(found), lengths[name]) for name, found in curves.items()]


def _curve(
    points: Points,
    outcomes: Mapping[str, Outcome | None],
    vanished: Callable[[str], int | None],
) -> AlongCurve:
    run, columns = points.about["run"], points.columns
    order = np.argsort(columns["step"])
    steps = columns["step"][order].astype(np.int64)
    return AlongCurve(
        run, outcomes[run], steps, as_perplexity(columns["loss"][order]), vanished(run)
    )


def draw_forgetting_along(data: ForgettingAlong, ax: Axes) -> Axes:
    """A line a run; a cross on it where its gradients vanished."""
    for curve in data.curves:
        bad = curve.found in (Outcome.FAILED, Outcome.DIVERGED)
        look: Any = {"color": FAILED if bad else PALETTE[0], "linestyle": "--" if bad else "-"}
        name = "failed run" if bad else "successful run"
        mark = "v" if bad else "o"
        ax.plot(
            curve.steps,
            curve.perplexity,
            marker=mark,
            ms=3.5,
            lw=1.2,
            label=name,
            gid="run",
            **look,
        )
        if curve.vanished is not None:
            height = np.exp(np.interp(curve.vanished, curve.steps, np.log(curve.perplexity)))
            ax.plot(
                [curve.vanished],
                [height],
                color=INK,
                marker="X",
                ms=8,
                linestyle="none",
                label="gradients vanished",
            )
    log_axis(ax.yaxis)
    ax.set_xlabel("step (0: pretrained)")
    ax.set_ylabel("masked-LM perplexity")
    ax.set_title("forgetting along the training")
    return ax


def forgetting_along_caption(panels: Sequence[ForgettingAlong]) -> str:
    """What the lines are."""
    runs = sum(panel.runs for panel in panels)
    return (
        f"Perplexity of the pretrained masked-LM head on held-out text (blocks of "
        f"{panels[0].block_length or 'some'} tokens, 15 % masked by a fixed mask seed) over the "
        f"weights of {runs} runs at every evaluation, one line each, no interval; nothing put "
        "back. Vermilion and dashed: failed runs; cross: from there on the running median of the "
        "gradient norm, or of the lowest layer's over the head's, stays below its threshold "
        "(rule vanishing_gradients)."
    )


def _panels(ledger: Ledger, cells: Sequence[Cell]) -> list[ForgettingAlong]:
    points = points_in(ledger.folder / "checkpoints", WHAT)
    return forgetting_along_data(points, cells, lambda run: vanished_at(ledger, run))


FIGURE = Figure(
    name="forgetting_along",
    summary="masked-LM perplexity along the training, and when gradients vanished",
    needs=(
        "weights kept along the training (run with --set keep=every) measured by "
        "forgetting_along_of; see docs/checkpoints.md"
    ),
    panels=_panels,
    draw=draw_forgetting_along,
    caption=forgetting_along_caption,
    inches=(4.4, 3.2),
)
