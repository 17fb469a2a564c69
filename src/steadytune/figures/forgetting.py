"""Masked-LM perplexity with the top k layers put back to pretrained (Mosbach et al., fig. 2 a, b).

How to read it: where the curve comes down to the dashed line all forgetting lies above that layer.
Failed runs forget orders of magnitude more than successful ones, in the top layers; successful ones
forget, too, so that forgetting is not what makes a run fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.figures._figure import Figure
from steadytune.figures._style import FAILED, PALETTE, log_axis
from steadytune.ledger import Points, read_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = 60.0  # nats, a perplexity of 1e26: what is worse is drawn there


class ForgettingCurve(NamedTuple):
    """One run. (K,) layers put back, (K,) perplexities; ``back``: embeddings put back as well."""

    run: str
    found: Outcome | None
    back: bool
    top: NDArray[np.int64]
    perplexity: NDArray[np.float64]


class Forgetting(NamedTuple):
    """One panel: runs of one encoder; on a logarithmic or a linear axis.

    Attributes:
        title: what is shown. pretrained: the perplexity of the pretrained model.
        curves: with the embeddings as fine-tuned, and put back. block_length: tokens a block.
    """

    title: str
    pretrained: float
    curves: tuple[ForgettingCurve, ...]
    block_length: int
    logarithmic: bool

    @property
    def runs(self) -> int:
        """How many runs are drawn, each in both panels."""
        return len({curve.run for curve in self.curves})


def points_in(folder: Path, what: str) -> list[Points]:
    """Every finished or unfinished measurement of that kind in ``folder``, by file name."""
    found = [read_points(path) for path in sorted(folder.glob("*.jsonl"))]
    return [points for points in found if points.about.get("what") == what]


def forgetting_data(points: Sequence[Points], cells: Sequence[Cell]) -> list[Forgetting]:
    """A logarithmic and, of the successful runs, a linear panel for each encoder."""
    outcomes = {record.id: outcome(record) for cell in cells for record in cell.records}
    panels = list[Forgetting]()
    for encoder in dict.fromkeys(one.about["encoder"] for one in points):
        mine = [one for one in points if one.about["encoder"] == encoder and one.columns]
        curves = [curve for one in mine for curve in _curves(one, outcomes)]
        if not curves:
            continue
        first = mine[0]
        start = as_perplexity(first.columns["loss"][first.columns["top"] == -1][:1])
        length = int(first.about.get("block_length", 0))
        pretrained = float(start[0]) if len(start) else float("nan")
        good = [curve for curve in curves if curve.found is not Outcome.FAILED]
        panels.append(Forgetting("all runs", pretrained, tuple(curves), length, True))
        if good:
            panels.append(
                Forgetting("runs that did not fail", pretrained, tuple(good), length, False)
            )
    return panels


def _curves(points: Points, outcomes: dict[str, Outcome | None]) -> list[ForgettingCurve]:
    run, columns = points.about["run"], points.columns
    found = list[ForgettingCurve]()
    for back in (False, True):
        chosen = (columns["embeddings"] == int(back)) & (columns["top"] >= 0)
        if chosen.any():
            order = np.argsort(columns["top"][chosen])
            top = columns["top"][chosen][order].astype(np.int64)
            perplexity = as_perplexity(columns["loss"][chosen][order])
            found.append(ForgettingCurve(run, outcomes.get(run), back, top, perplexity))
    return found


def as_perplexity(loss: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) from losses in nats, those too large to draw cut off."""
    return np.exp(np.minimum(loss.astype(np.float64), LARGEST))


def draw_forgetting(data: Forgetting, ax: Axes) -> Axes:
    """A line a run, solid as fine-tuned and thin where the embeddings are put back, too."""
    for curve in data.curves:
        bad = curve.found in (Outcome.FAILED, Outcome.DIVERGED)
        own = FAILED if bad else PALETTE[0]
        name = "failed run" if bad else "successful run"
        look: Any = (
            {"linewidth": 0.7, "alpha": 0.6} if curve.back else {"linewidth": 1.4, "label": name}
        )
        ax.plot(
            curve.top,
            curve.perplexity,
            color=own,
            linestyle="--" if bad else "-",
            marker=None if curve.back else "v" if bad else "o",
            ms=3.5,
            gid="run",
            **look,
        )
    if np.isfinite(data.pretrained):
        ax.axhline(
            data.pretrained, color="#555555", linestyle="-.", linewidth=1, label="pretrained"
        )
    if data.logarithmic:
        log_axis(ax.yaxis)
    ax.set_xlabel("top layers put back to pretrained")
    ax.set_ylabel("masked-LM perplexity")
    ax.set_title(f"forgetting: {data.title}")
    ax.locator_params(axis="x", integer=True)
    return ax


def forgetting_caption(panels: Sequence[Forgetting]) -> str:
    """What the lines are."""
    first = panels[0]
    return (
        f"Perplexity of the pretrained masked-LM head on held-out text (blocks of "
        f"{first.block_length or 'some'} tokens, 15 % masked by a fixed mask seed) over the kept "
        f"checkpoint of {first.runs} runs, one line each, no interval, with the top k layers put "
        f"back to pretrained. Thick with marks: embeddings as fine-tuned; thin: embeddings put "
        f"back as well. Dash-dotted: the pretrained model ({first.pretrained:.1f}). Vermilion and "
        "dashed: failed runs."
    )


def _panels(folder: Path, cells: Sequence[Cell]) -> list[Forgetting]:
    return forgetting_data(points_in(folder, "forgetting"), cells)


FIGURE = Figure(
    name="forgetting",
    summary="masked-LM perplexity with the top k layers put back to pretrained",
    needs=(
        "kept weights (run with --set keep=last) measured by forgetting_of on "
        "held-out text; see docs/checkpoints.md"
    ),
    panels=lambda ledger, cells: _panels(ledger.folder / "checkpoints", cells),
    draw=draw_forgetting,
    caption=forgetting_caption,
    inches=(4.4, 3.2),
)
