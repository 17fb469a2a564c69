"""Families of tests: p-values that stand on one page, corrected for their number."""

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
    found = np.empty_like(adjusted)
    found[order] = np.minimum(adjusted, 1)
    return found


def decidable(least: Sequence[float], alpha: float) -> tuple[list[bool], int]:
    """Which tests can be significant in a family, and the number of them that counts (Tarone 1990).

    A test whose least possible p-value, known before looking, is not below alpha over that number
    cannot make a false claim, so the others need not pay for it.

    Args:
        least: least possible p-value of each test.
        alpha: of the family.
    """
    size = next(k for k in range(len(least) + 1) if sum(p * k < alpha for p in least) <= k)
    return [p * size < alpha for p in least], size
