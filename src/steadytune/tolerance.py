"""How far the outputs of one model may lie apart that were computed in two ways.

The promise on kept models: a kept folder holds fp32 weights, and plain ``transformers`` gives, in
fp32 and for the same tokens, the outputs on record up to ``bound``, and the predicted classes on
record but where two classes lie so close that the bound decides (``ties``).

Evaluations compute in the precision of their run, so those of a bf16 run differ from the kept fp32
model by bf16's rounding. To evaluate in fp32 instead would cost such a run more than its accuracy
is worth: the metrics are means over a split, which rounding does not move by more than ties do.

A check of what was saved is sharper when both sides compute in fp32, whatever the run's precision:
``check_outputs(ours_in_fp32, theirs_in_fp32, "fp32")``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Largest difference, as a share of the largest output (of 1 where all are smaller).
# fp32: sums in another order. bf16: 8 bits of mantissa, a rounding a layer and operation; measured
# on fine-tuned models: see tests/unit/test_tolerance.py.
SHARE = {"fp32": 1e-4, "bf16": 0.0625}


def bound(outputs: NDArray[np.floating[Any]], precision: str) -> float:
    """How far another computation of ``outputs`` (N, K) may differ anywhere.

    Args:
        outputs: those on record.
        precision: ``fp32`` or ``bf16``: the coarser of the two computations'.
    """
    largest = float(np.abs(outputs).max(initial=0.0))
    return SHARE[precision] * max(1.0, largest)


def ties(outputs: NDArray[np.floating[Any]], precision: str) -> NDArray[np.bool_]:
    """(N,) whether the two highest of an example's K outputs lie within the bound of each other."""
    if outputs.shape[1] < 2:
        return np.zeros(len(outputs), dtype=bool)
    second, first = np.sort(outputs, axis=1)[:, -2:].T
    return first - second <= 2 * bound(outputs, precision)  # each may move by the bound


def check_outputs(
    recorded: NDArray[np.floating[Any]], computed: NDArray[np.floating[Any]], precision: str
) -> str | None:
    """What speaks against two computations being of one model, in a sentence; None if nothing.

    Args:
        recorded: (N, K) logits, or (N, 1) scores, of N examples.
        computed: the same of the same examples.
        precision: ``fp32`` or ``bf16``: the coarser of the two computations'.
    """
    if recorded.shape != computed.shape:
        return f"its outputs have shape {computed.shape}, those on record {recorded.shape}"
    if not np.isfinite(computed).all():
        return "its outputs are not finite"
    allowed = bound(recorded, precision)
    apart = np.abs(recorded - computed).max(axis=1, initial=0.0)
    if (apart > allowed).any():
        worst = int(apart.argmax())
        return (
            f"its outputs differ from those on record by {apart[worst]:.3g} (example {worst}), and "
            f"rounding in {precision} explains {allowed:.3g}"
        )
    return None
