"""Say why runs failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from steadytune.api.choices import check
from steadytune.api.load import as_ledger

if TYPE_CHECKING:
    from steadytune.diagnosis import ConditionVerdict, Finding, StudyVerdict, Verdict
    from steadytune.ledger import Ledger


class Diagnosis:
    """What is said about the runs of a study; printed as sentences.

    Attributes:
        runs: a verdict for each run that has begun, in plan order.
        cells: what they come to, for each recipe, task and encoder.
        findings: what concerns several runs at once.
    """

    def __init__(self, verdict: StudyVerdict) -> None:
        self._verdict = verdict
        self.runs: tuple[Verdict, ...] = verdict.runs
        self.cells: tuple[ConditionVerdict, ...] = verdict.cells
        self.findings: tuple[Finding, ...] = verdict.findings

    def __repr__(self) -> str:
        return self.render()

    def render(self, format: Literal["text", "json"] = "text") -> str:
        """All of it as text.

        Raises:
            BadInput: there is no such format.
        """
        from steadytune.diagnosis import VerdictFormat, tell

        check("format", format, [form.value for form in VerdictFormat])
        return tell(self._verdict, VerdictFormat(format))


def diagnose(ledger: Ledger | str | os.PathLike[str], run: str | None = None) -> Diagnosis:
    """Why runs failed, by named rules, with the evidence and what to change first.

    >>> import steadytune
    >>> diagnosis = steadytune.diagnose("out")
    >>> [(cell.recipe, cell.n) for cell in diagnosis.cells]
    [('tiny', 2), ('fast', 2)]

    Args:
        ledger: a Ledger, or the folder of a study.
        run: the id of one run, or its beginning.

    Raises:
        BadInput: not a study, no such run, more than one, or it has not begun.
    """
    from steadytune.diagnosis import diagnose as judge
    from steadytune.results.conditions import conditions

    return Diagnosis(judge(conditions(as_ledger(ledger)), run))
