"""Arrangements: the ways in which the runs of two recipes can be dealt out again, for permutation.

N = n + m runs. All ways where they are few, otherwise as many as are needed, drawn at random.
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.intervals import CONFIDENCE, Numbers

DRAWN = 9999  # at a time, where there are more ways than this
_FINER = 100  # draws for each comparison of a family, so that p can fall far below its share


def every(n: int, m: int) -> bool:
    """Whether all ways are taken, and not a sample of them."""
    return math.comb(n + m, n) <= DRAWN


def batches(n: int, m: int, comparisons: int = 1) -> int:
    """How many batches of DRAWN arrangements a test in a family of so many takes at most."""
    return 1 if every(n, m) else math.ceil(max(DRAWN, _FINER * comparisons) / DRAWN)


def least_p(n: int, m: int, comparisons: int = 1) -> float:
    """The least two-sided p-value that a permutation test of n and m runs can have.

    Known before looking. With n = m an arrangement and its mirror image are equally extreme.
    """
    if every(n, m):
        return (2 if n == m else 1) / math.comb(n + m, n)
    return 1 / (batches(n, m, comparisons) * DRAWN + 1)


def can_reject(n: int, m: int, alpha: float) -> bool:
    """Whether a permutation test of n and m runs can have a p-value below alpha at all."""
    return least_p(n, m, math.ceil((1 - CONFIDENCE) / alpha)) < alpha


@functools.lru_cache(maxsize=16)
def chosen(n: int, m: int, permutation_seed: int = 0, batch: int = 0) -> Numbers:
    """(P, N) ones where a run goes to the first recipe, zeros elsewhere. Read-only."""
    total = n + m
    if every(n, m):
        places = np.array(list(itertools.combinations(range(total), n)))
    else:
        rng = np.random.default_rng([permutation_seed, n, m, *([batch] if batch else [])])
        places = np.argsort(rng.random((DRAWN, total)), axis=1)[:, :n]
    found = np.zeros((len(places), total))
    np.put_along_axis(found, places, 1.0, axis=1)
    found.flags.writeable = False
    return found


@functools.lru_cache(maxsize=8)
def places(
    n: int, m: int, permutation_seed: int = 0, batch: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(P, n) and (P, m) which runs go to either recipe, as indices. Read-only."""
    first = chosen(n, m, permutation_seed, batch) > 0
    found = tuple(np.nonzero(x)[1].reshape(len(first), -1) for x in (first, ~first))
    for one in found:
        one.flags.writeable = False
    return found[0], found[1]


def p_value(beyond: int, drawn: int, n: int, m: int) -> float:
    """Two-sided, of ``beyond`` arrangements as extreme as the observed one.

    Among drawn ones the observed one counts too (Phipson & Smyth 2010).
    """
    return beyond / drawn if every(n, m) else (beyond + 1) / (drawn + 1)
