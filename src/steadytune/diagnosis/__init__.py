"""Verdicts: why runs failed, by named rules with thresholds and evidence.

``diagnose`` judges a study. Everything is computed from records, so a changed rule judges old
ledgers anew; where a ledger holds no diagnostics, rules use losses and gradient norms alone.
"""

from steadytune.diagnosis._case import Case, read_case
from steadytune.diagnosis._finding import Evidence, Finding, Remedy
from steadytune.diagnosis._judge import RULES, Verdict, judge
from steadytune.diagnosis._study import (
    ConditionVerdict,
    StudyVerdict,
    advised_first,
    diagnose,
)
from steadytune.diagnosis.duplicates import duplicates
from steadytune.diagnosis.onset import vanished_at
from steadytune.diagnosis.verdict_text import VerdictFormat, in_words, tell

__all__ = [
    "RULES",
    "Case",
    "ConditionVerdict",
    "Evidence",
    "Finding",
    "Remedy",
    "StudyVerdict",
    "Verdict",
    "VerdictFormat",
    "advised_first",
    "diagnose",
    "duplicates",
    "in_words",
    "judge",
    "read_case",
    "tell",
    "vanished_at",
]
