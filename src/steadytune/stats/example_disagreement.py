"""Examples that flip: which predictions of a cell depend on the seed. R runs, N examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def instability_by_example(predictions: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) chance that two different runs predict different classes for an example.

    1 - sum_k c_k (c_k - 1) / (R (R - 1)) with c_k runs that predict class k. Its mean over the
    examples is the pairwise disagreement. Zeros for one run.

    Args:
        predictions: (R, N) class indices.
    """
    runs, examples = predictions.shape
    agreeing: NDArray[np.float64] = np.zeros((examples,))
    if runs < 2:
        return agreeing
    for one in np.unique(predictions):
        count = (predictions == one).astype(np.float64).sum(axis=0)
        agreeing += count * (count - 1)
    return 1 - agreeing / (runs * (runs - 1))


def flipping(predictions: NDArray[Any], most: int) -> NDArray[np.int64]:
    """Indices of at most ``most`` examples on which runs disagree, the least stable first."""
    unstable = instability_by_example(predictions)
    order = np.argsort(-unstable, kind="stable")
    return order[: min(most, int((unstable > 0).sum()))]


def shares_by_class(predictions: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """(N, K) share of the runs that predict each class, from (R, N) class indices."""
    return np.stack([(predictions == k).mean(axis=0) for k in range(classes)], axis=1)
