"""The questions that can be asked of two recipes."""

from __future__ import annotations

from enum import StrEnum


class Question(StrEnum):
    """What can be asked of two recipes.

    LEVEL: which is better on average? SPREAD: which is steadier? FAILURES: which fails less often?
    These three are decided by a test. IMPROVEMENT: will a run of one beat a run of the other?
    ORDER: is one better from its worst runs to its best? EXAMPLES: how large would the difference
    be with other seeds and on other dev examples? These are described, never decided.
    """

    LEVEL = "level"
    SPREAD = "spread"
    FAILURES = "failures"
    IMPROVEMENT = "improvement"
    ORDER = "order"
    EXAMPLES = "examples"

    @property
    def decided(self) -> bool:
        """Whether it gets a verdict, by a test that its family pays for."""
        return self in (Question.LEVEL, Question.SPREAD, Question.FAILURES)
