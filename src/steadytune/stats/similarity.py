"""How alike two representations of the same examples are: three measures, matrices in, number out.

Each takes X (N, D) and Y (N, E), the states of the same N examples under two sets of weights, and
gives a number that is 1 for states that are equal up to what the measure ignores; the distance of
Du & Nguyen (2023) is 1 minus it. A representation that is the same for all examples, as a collapsed
run's may be, has no similarity to anything: NaN.

==================  =================================================  ==========================
measure             ignores                                            independent states
==================  =================================================  ==========================
``linear_cka``      shift, rotation, one scale for all                 near 0, whatever N
``procrustes``      shift, rotation, one scale for all                 grows with D / N
``svcca``           shift, every invertible map of what is kept        grows with kept / N
==================  =================================================  ==========================

For the last two take several times as many examples as the states are wide, or read them only
against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput

States = NDArray[Any]
_FEWEST = 4  # examples, for the debiased estimator


def linear_cka(x_ND: States, y_NE: States, debiased: bool = True) -> float:
    """Centred kernel alignment with a linear kernel (Kornblith et al. 2019).

    HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with K = X X', L = Y Y'. ``debiased`` takes the
    unbiased HSIC_1 of Song et al. (2012), eq. 5, as Nguyen et al. (2021) do: independent states
    then come out near 0, a little below it as often as above, while the biased one tends to 1 as
    the width grows beyond N.
    """
    _check(x_ND, y_NE)
    k_NN, l_NN = (z @ z.T for z in (_centred(x_ND), _centred(y_NE)))
    if debiased:
        k_NN, l_NN = _without_diagonal(k_NN), _without_diagonal(l_NN)
    # Both kinds of HSIC are this inner product up to a factor, which cancels.
    xy, xx, yy = np.vdot(k_NN, l_NN), np.vdot(k_NN, k_NN), np.vdot(l_NN, l_NN)
    return float(xy / np.sqrt(xx * yy)) if xx > 0 and yy > 0 else float("nan")


def procrustes(x_ND: States, y_NE: States) -> float:
    """1 minus half the squared orthogonal Procrustes distance: the nuclear norm of X'Y.

    X and Y are centred and scaled to Frobenius norm 1 first (Ding et al. 2021; Du & Nguyen 2023).
    """
    _check(x_ND, y_NE)
    x, y = _centred(x_ND), _centred(y_NE)
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    if scale == 0:
        return float("nan")
    return float(np.linalg.svd(x.T @ y, compute_uv=False).sum() / scale)


def svcca(x_ND: States, y_NE: States, kept: float = 0.99) -> float:
    """Mean canonical correlation of the leading singular directions (Raghu et al. 2017).

    Of each centred matrix the fewest directions are kept whose singular values add up to the share
    ``kept`` of all; the mean is over as many correlations as the smaller of the two has.
    """
    _check(x_ND, y_NE)
    x, y = (_leading(_centred(z), kept) for z in (x_ND, y_NE))
    if not (x.shape[1] and y.shape[1]):
        return float("nan")
    return float(np.linalg.svd(x.T @ y, compute_uv=False).clip(max=1).mean())


MEASURES: Mapping[str, Callable[[States, States], float]] = MappingProxyType(
    {"linear_cka": linear_cka, "procrustes": procrustes, "svcca": svcca}
)


def layer_similarity(
    runs: Sequence[States], measure: Callable[[States, States], float]
) -> NDArray[np.float64]:
    """(L, R, R): how alike R runs are after each layer, 1 on the diagonal by definition.

    Args:
        runs: (L, N, D) states of each run on the same examples.
        measure: a value of ``MEASURES``.
    """
    depth = min(len(run) for run in runs)
    found = np.tile(np.eye(len(runs)), (depth, 1, 1))
    for layer in range(depth):
        states = [_narrow(run[layer]) for run in runs]
        for i, one in enumerate(states):
            for j, other in enumerate(states[:i]):
                found[layer, i, j] = found[layer, j, i] = measure(one, other)
    return found


def _narrow(x_ND: States) -> States:
    """Centred X rotated into (N, N) where it is wider, which no measure sees and saves time."""
    x = _centred(x_ND)
    return x if x.shape[1] <= len(x) else np.linalg.qr(x.T)[1].T


def _check(x: States, y: States) -> None:
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < _FEWEST:
        raise BadInput(
            f"states of shape {x.shape} and {y.shape} cannot be compared: give two matrices with "
            f"one row for each of the same examples, at least {_FEWEST}"
        )


def _centred(x_ND: States) -> NDArray[np.float64]:
    """Columns of mean 0; all 0 where what is left is no more than rounding in fp32."""
    x = np.asarray(x_ND, dtype=np.float64)
    centred = x - x.mean(axis=0)
    noise = 8 * np.finfo(np.float32).eps * np.abs(x).max(axis=0, initial=0)
    return np.where(np.abs(centred).max(axis=0) > noise, centred, 0.0)


def _without_diagonal(k_NN: NDArray[np.float64]) -> NDArray[np.float64]:
    """U-centred K: its inner products are HSIC_1 up to the factor N (N - 3)."""
    n = len(k_NN)
    k = k_NN - np.diag(np.diag(k_NN))
    row_N = k.sum(axis=1) / (n - 2)
    k = k - row_N[:, None] - row_N[None, :] + row_N.sum() / (n - 1)
    np.fill_diagonal(k, 0.0)
    return k


def _leading(x_ND: NDArray[np.float64], kept: float) -> NDArray[np.float64]:
    """Orthonormal (N, k) basis of the leading singular directions."""
    left, values, _ = np.linalg.svd(x_ND, full_matrices=False)
    total = values.sum()
    if total == 0:
        return left[:, :0]
    # The last sum may round to a hair below the total.
    number = int(np.searchsorted(values.cumsum() / total, min(kept, 1 - 1e-12))) + 1
    return left[:, :number]
