"""When a failed run's gradients vanished, for what is measured along the training."""

from __future__ import annotations

from steadytune.diagnosis._case import read_case
from steadytune.diagnosis.vanishing_gradients import vanishing_gradients
from steadytune.ledger import Ledger
from steadytune.results.outcomes import Outcome, outcome


def vanished_at(ledger: Ledger, run: str) -> int | None:
    """The step of onset, by the rule ``vanishing_gradients``; None where the run did not fail so.

    Raises:
        BadInput: the record cannot be read.
    """
    row = next((row for row in ledger.records() if row.planned.id == run), None)
    case = None if row is None else read_case(ledger, row)
    if case is None or outcome(case.record) is not Outcome.FAILED:
        return None
    finding = vanishing_gradients(case)
    return None if finding is None else finding.onset
