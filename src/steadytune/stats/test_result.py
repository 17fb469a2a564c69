"""TestResult: what a test of two recipes found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TestResult:
    """One test.

    Attributes:
        test: its name, as a sentence would say it.
        statistic: its value; None for tests that have a p-value only.
        p: two-sided p-value.
        adjusted: p corrected for the other comparisons of its family; None where it stands alone.
    """

    __test__ = False  # pytest takes names in Test for its own

    test: str
    statistic: float | None
    p: float
    adjusted: float | None = None
