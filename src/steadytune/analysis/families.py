"""Families of comparisons: p-values that stand beside each other, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadytune.analysis.intervals import Numbers


def holm(p_values: Sequence[float], comparisons: int | None = None) -> Numbers:
    """Adjusted p-values of Holm (1979), in the given order.

    Rejecting those below alpha makes one or more false claims with chance alpha at most, however
    the tests depend on each other.

    Args:
        p_values: of the tests that were made.
        comparisons: how many could have been, where only those of the recipe that looks best were;
            the others count as tests that found nothing, so that choosing it costs its price.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    size = max(len(p), comparisons or 0)
    adjusted = np.maximum.accumulate(p[order] * (size - np.arange(len(p))))
    return _back(np.minimum(adjusted, 1), order)


def benjamini_hochberg(p_values: Sequence[float]) -> Numbers:
    """Adjusted p-values of Benjamini & Hochberg (1995), in the given order.

    Of the claims made by rejecting those below alpha a share of alpha is false at most, on average,
    for independent or positively dependent tests. For screening many comparisons.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    return _back(np.minimum(adjusted, 1), order)


def _back(ordered: Numbers, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Numbers:
    found = np.empty_like(ordered)
    found[order] = ordered
    return found
