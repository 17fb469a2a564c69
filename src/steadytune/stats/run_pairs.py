"""Statistics over pairs of runs: matrices of their distances, means, bootstrap intervals.

R is the number of runs, N of examples, K of classes. A matrix of distances is (R, R), symmetric,
zero on the diagonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from steadytune.stats.intervals import RESAMPLES

Matrix = NDArray[np.float64]


def disagreement_matrix(predictions: NDArray[Any]) -> Matrix:
    """Share of examples on which two runs predict different classes, from (R, N) classes."""
    runs, examples = predictions.shape
    agreed = np.zeros((runs, runs))
    for one in np.unique(predictions):
        hit = (predictions == one).astype(np.float64)
        agreed += hit @ hit.T
    return 1 - agreed / examples


def jensen_shannon_matrix(probabilities: NDArray[np.float64]) -> Matrix:
    """Jensen-Shannon divergence of two runs' class probabilities, in nats, mean over examples.

    Du & Nguyen (ACL 2023), section 3: KL to the mean of the two, averaged; at most ln 2.

    Args:
        probabilities: (R, N, K).
    """
    runs, examples, _ = probabilities.shape
    flat = probabilities.reshape(runs, -1)
    own = _entropies(flat) / examples
    matrix = np.zeros((runs, runs))
    for i in range(runs - 1):
        mixed = _entropies((flat[i] + flat[i + 1 :]) / 2) / examples
        distance = mixed - (own[i] + own[i + 1 :]) / 2
        matrix[i, i + 1 :] = matrix[i + 1 :, i] = np.maximum(distance, 0)  # rounding
    return matrix


def _entropies(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) sum over the last axis of -p ln p, in nats."""
    return np.asarray(special.entr(probabilities), dtype=np.float64).sum(axis=-1)


def score_difference_matrix(predictions: NDArray[np.floating[Any]]) -> Matrix:
    """Root mean square difference of two runs' (R, N) predicted scores."""
    difference = predictions[:, None, :] - predictions[None, :, :]
    return np.sqrt(np.mean(difference**2, axis=2))


def pair_mean(matrix: Matrix) -> float | None:
    """Mean over all pairs of different runs; None for fewer than two runs."""
    runs = len(matrix)
    return float(matrix[np.triu_indices(runs, 1)].mean()) if runs > 1 else None


def resampled_runs(runs: int, bootstrap_seed: int = 0) -> NDArray[np.int64]:
    """(B, R) how often each run is drawn in each of B bootstrap samples of R runs.

    Samples that hold one run only are drawn no pair from, and are left out.
    """
    draw = np.random.default_rng(bootstrap_seed)
    counts = draw.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES)
    return counts[(counts > 0).sum(axis=1) > 1]


def resampled_pair_means(matrix: Matrix, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(B,) the pair mean in each bootstrap sample of runs.

    A run that was drawn twice is no pair with itself: its distance of zero would pull every sample
    below the observed mean.
    """
    total = counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)
    return np.einsum("bi,ij,bj->b", counts, matrix, counts, optimize=True) / total


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of bootstrap values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
