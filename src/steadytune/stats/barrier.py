"""The barrier between two sets of weights: how far the loss rises on the way from one to the other.

(Frankle et al. 2020; Entezari et al. 2022)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Barrier(NamedTuple):
    """What lies on the segment between two ends.

    Attributes:
        height: the most that the loss lies above the straight line between the losses at the ends;
            0 where it never does. NaN where a loss on the way is not finite.
        at: where on the segment that is, from 0 to 1.
        above_ends: the largest loss on the way minus that of the worse end; above 0 there is a
            ridge between the two.
    """

    height: float
    at: float
    above_ends: float


def barrier(t_T: NDArray[Any], loss_T: NDArray[Any]) -> Barrier:
    """The barrier on a segment.

    Args:
        t_T: places on the segment, 0 and 1 among them, in any order.
        loss_T: the loss at each.
    """
    order = np.argsort(t_T)
    t, loss = t_T[order], loss_T[order]
    first, last = np.searchsorted(t, 0.0), np.searchsorted(t, 1.0)
    t, loss = t[first : last + 1], loss[first : last + 1]
    above = loss - ((1 - t) * loss[0] + t * loss[-1])
    highest = int(np.argmax(above))
    return Barrier(
        height=float(above[highest]),
        at=float(t[highest]),
        above_ends=float(loss.max() - max(loss[0], loss[-1])),
    )
