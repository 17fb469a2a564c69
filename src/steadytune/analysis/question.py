"""Question: what can be asked of two recipes."""

from __future__ import annotations

from enum import StrEnum


class Question(StrEnum):
    """What can be asked of two recipes.

    LEVEL: which is better on average? SPREAD: which is steadier? FAILURES: which fails less often?
    IMPROVEMENT: will a run of one beat a run of the other? ORDER: is one better from its worst runs
    to its best? EXAMPLES: would the difference hold with other seeds and on other dev examples?
    """

    LEVEL = "level"
    SPREAD = "spread"
    FAILURES = "failures"
    IMPROVEMENT = "improvement"
    ORDER = "order"
    EXAMPLES = "examples"
