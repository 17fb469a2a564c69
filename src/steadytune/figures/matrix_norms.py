"""Gradient norms of single weight matrices over the steps (Mosbach et al., figures 10 to 12).

How to read it: as the norms of whole layers. Where gradients vanish they do so in every matrix, of
the attention as of the MLP; one that keeps its norm while the others fall would be an exception
worth a look. ALBERT's layers share their matrices, so there is one line a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome
from steadytune.figures._figure import Figure, RunReader
from steadytune.figures._points import FAILED_MEANS
from steadytune.figures.gradient_norms import (
    MOST,
    GradientNorms,
    draw_gradient_norms,
    of_run,
    one_of_each,
)
from steadytune.ledger import Curve

MATRICES = {
    "attention.query": "attention query",
    "attention.key": "attention key",
    "attention.value": "attention value",
    "attention.output": "attention output",
    "mlp.up": "intermediate",
    "mlp.down": "output",
}
"""Our names of the matrices, and the paper's."""


def matrix_norms_data(
    ledger: RunReader, cells: Sequence[Cell], most: int = MOST
) -> list[GradientNorms]:
    """Of each cell a failed and then a successful run, a panel a matrix; none if not measured."""
    panels = [
        of_run(cell, record, matrices, most, what)
        for cell in cells
        for name, what in MATRICES.items()
        for record, matrices in one_of_each(
            [(record, _by_layer(ledger, record.id, name)) for record in cell.records]
        )
    ]
    return sorted(panels, key=lambda panel: panel.found is not Outcome.FAILED)


def _by_layer(ledger: RunReader, run: str, matrix: str) -> dict[str, Curve]:
    """The norm of a matrix by layer, from the lowest."""
    found = dict[str, Curve]()
    for name, curve in ledger.diagnostics(run).items():
        diagnostic, _, tensor = name.partition("/")
        parts = tensor.split(".")
        if diagnostic == "tensor_gradient_norm" and ".".join(parts[2:]) == f"{matrix}.weight":
            found[f"layer.{int(parts[1]) + 1}"] = curve
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def matrix_norms_caption(panels: Sequence[GradientNorms]) -> str:
    """What the lines are."""
    return (
        "L2 norm of the loss gradient of single weight matrices before clipping, over training (no "
        f"checkpoint is chosen); a point is the mean of consecutive steps (at most {MOST}). Each "
        "panel shows one run (n = 1, no interval), the first failed or the first successful one by "
        f"seed; at most six layers are drawn. ({FAILED_MEANS.split(';')[0]}.)"
    )


FIGURE = Figure(
    name="matrix_norms",
    summary="gradient norms of single weight matrices, where measured (diagnostics: full)",
    needs="gradient norms of single matrices: run with --set diagnostics=full",
    panels=matrix_norms_data,
    draw=draw_gradient_norms,
    caption=matrix_norms_caption,
    inches=(4.2, 3.1),
)
