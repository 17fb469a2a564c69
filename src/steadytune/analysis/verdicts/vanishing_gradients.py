"""Vanishing gradients: the failed runs of Mosbach et al. (2021, section 4, figure 4).

The training loss ends at that of a constant prediction and the gradient has fallen since the first
steps. The total norm decides, which every ledger holds; where diagnostics were on, the norm of the
lowest layer's gradient beside that of the head's tells where on its way down it vanished.
"""

from __future__ import annotations

import numpy as np

from steadytune.analysis.verdicts._case import Case, last_crossing
from steadytune.analysis.verdicts._finding import Evidence, Finding
from steadytune.analysis.verdicts.remedies import against_collapse

AT_CHANCE = 0.95  # share of the chance loss from which the loss of the last fifth counts as at it
FALLEN = 0.7  # of the first tenth's gradient norm; chosen on SST-2, see docs/diagnostics.md


def at_chance(case: Case) -> bool:
    """Whether the training loss has ended at that of a constant prediction, or above it."""
    return case.loss_between(0.8, 1) >= AT_CHANCE * case.chance > 0


def vanishing_gradients(case: Case) -> Finding | None:
    """Whether the loss stayed at chance and the gradient fell."""
    if not at_chance(case):
        return None
    first, last = case.norm_between(0, 0.1), case.norm_between(0.8, 1)
    if not last < FALLEN * first:
        return None
    steps = np.arange(1, len(case.losses) + 1)
    evidence = [
        Evidence("mean training loss of the last fifth", case.loss_between(0.8, 1)),
        Evidence("loss of a constant prediction", case.chance),
        Evidence("median gradient norm of the first tenth", first),
        Evidence("median gradient norm of the last fifth", last, FALLEN * first),
    ]
    evidence += _on_its_way_down(case)
    return Finding(
        cause="vanishing_gradients",
        sentence=(
            "the training loss ended where a constant prediction has it, and the gradient "
            "vanished: the encoder stopped learning"
        ),
        evidence=tuple(evidence),
        onset=last_crossing(steps, case.grad_norms, FALLEN * first, _fifth(len(steps))),
        remedies=against_collapse(case),
    )


def _fifth(number: int) -> int:
    return number - int(0.8 * number)


def _on_its_way_down(case: Case) -> list[Evidence]:
    """The lowest layer's gradient beside the head's, at the end and at the start."""
    if not {"gradient_norm/layer.1", "gradient_norm/head"} <= set(case.curves):
        return []
    low, high = case.curves["gradient_norm/layer.1"], case.curves["gradient_norm/head"]
    ratio = low.values / np.maximum(high.values, 1e-30)
    if not len(ratio):
        return []
    tenth, fifth = max(1, len(ratio) // 10), max(1, len(ratio) // 5)
    return [
        Evidence("lowest layer's gradient norm over the head's, at first", _median(ratio, tenth)),
        Evidence("the same in the last fifth", _median(ratio[::-1], fifth)),
    ]


def _median(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], count: int) -> float:
    return float(np.median(values[:count]))
