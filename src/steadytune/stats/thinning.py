"""Long series made short enough to draw, without losing where they end or where they break."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def thinned(
    steps: NDArray[Any], values: NDArray[Any], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most ``most`` points: means over equally many consecutive steps, at the last of them.

    A mean takes NaN in, so a step that was not finite shows as a gap. A series that is short
    enough stays as it is.
    """
    if len(steps) <= most:
        return steps.astype(np.int64), values.astype(np.float64)
    ends = np.linspace(0, len(steps), most + 1).round().astype(np.int64)
    sums = np.add.reduceat(values.astype(np.float64), ends[:-1])
    return steps[ends[1:] - 1].astype(np.int64), sums / np.diff(ends)
