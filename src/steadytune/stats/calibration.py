"""Calibration of one run: whether its probabilities mean what they say. N examples, K classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15


def expected_calibration_error(
    probabilities: NDArray[np.float64], labels: NDArray[Any], bins: int = BINS
) -> float:
    """Mean gap between confidence and accuracy (Guo et al., ICML 2017, equation 3).

    Confidence is the largest class probability; ``bins`` equal widths of (0, 1], weighted by the
    examples in them. It is biased upward on small splits, the more the more bins.

    Args:
        probabilities: (N, K).
        labels: (N,) class indices.
        bins: how many.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def brier(probabilities: NDArray[np.float64], labels: NDArray[Any]) -> float:
    """Mean squared distance of (N, K) probabilities to the right class (Brier 1950); 0 to 2."""
    target = np.eye(probabilities.shape[1])[labels.astype(np.int64)]
    return float(((probabilities - target) ** 2).sum(axis=1).mean())
