"""Vanishing gradients: the failed runs of Mosbach et al. (2021, section 4, figure 4).

The training loss ends at that of a constant prediction, and the gradient has fallen since the first
steps. Two signs, each of them enough: the total norm, which every ledger holds; and, where
diagnostics were on, the norm of the lowest layer's gradient beside that of the head's, which tells
that it vanishes on its way down. The second also finds runs whose head keeps a large gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadytune.diagnosis._case import Case, last_crossing
from steadytune.diagnosis._finding import Evidence, Finding
from steadytune.diagnosis.remedies import against_collapse

AT_CHANCE = 0.95  # share of the chance loss from which the loss of the last fifth counts as at it
RATIO_FALLEN = 0.1  # of the first tenth's ratio; 0.007 and less in failed runs of MiniLM
FALLEN = 0.7  # of the first tenth's gradient norm; chosen on SST-2, see docs/diagnostics.md


def at_chance(case: Case) -> bool:
    """Whether the training loss has ended at that of a constant prediction, or above it."""
    return case.loss_between(0.8, 1) >= AT_CHANCE * case.chance > 0


def vanishing_gradients(case: Case) -> Finding | None:
    """Whether the loss stayed at chance and the gradient fell."""
    if not at_chance(case):
        return None
    steps = np.arange(1, len(case.losses) + 1)
    signs = [
        _Sign("gradient norm", steps, case.grad_norms, FALLEN),
        *_on_its_way_down(case),
    ]
    fallen = [sign for sign in signs if sign.last < sign.limit]
    if not fallen:
        return None
    return Finding(
        cause="vanishing_gradients",
        sentence=(
            "the training loss ended where a constant prediction has it, and the gradient "
            "vanished: the encoder stopped learning"
        ),
        evidence=(
            Evidence("mean training loss of the last fifth", case.loss_between(0.8, 1)),
            Evidence("loss of a constant prediction", case.chance),
            *(evidence for sign in signs for evidence in sign.evidence()),
        ),
        onset=min(sign.onset() for sign in fallen),
        remedies=against_collapse(case),
    )


@dataclass(frozen=True)
class _Sign:
    """A quantity whose median in the last fifth is compared with that in the first tenth."""

    what: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    share: float

    @property
    def first(self) -> float:
        return float(np.median(self.values[: -(-len(self.values) // 10)]))

    @property
    def last(self) -> float:
        return float(np.median(self.values[-self._fifth :]))

    @property
    def limit(self) -> float:
        return self.share * self.first

    @property
    def _fifth(self) -> int:
        return len(self.values) - int(0.8 * len(self.values))

    def onset(self) -> int:
        found = last_crossing(self.steps, self.values, self.limit, self._fifth)
        return int(self.steps[-1]) if found is None else found

    def evidence(self) -> list[Evidence]:
        return [
            Evidence(f"median {self.what} in the first tenth", self.first),
            Evidence(f"median {self.what} in the last fifth", self.last, self.limit),
        ]


def _on_its_way_down(case: Case) -> list[_Sign]:
    """The lowest layer's gradient beside the head's, if it was measured."""
    low, high = (case.curves.get(f"gradient_norm/{part}") for part in ("layer.1", "head"))
    if low is None or high is None:
        return []
    ratio = low.values / np.maximum(high.values, 1e-30)
    what = "gradient norm of the lowest layer over the head's"
    return [_Sign(what, low.steps, ratio, RATIO_FALLEN)]
