"""When a failed run's gradients vanished, for what is measured along the training."""

from __future__ import annotations

from steadytune.diagnosis._case import read_case
from steadytune.diagnosis.vanishing_gradients import vanishing_gradients
from steadytune.records import RunRecord
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome, outcome


def vanished_at(condition: Condition, record: RunRecord) -> int | None:
    """The step of onset, by the rule ``vanishing_gradients``; None where the run did not fail so.

    Args:
        condition: that the run is of.
        record: of the run.
    """
    if outcome(record) is not Outcome.FAILED:
        return None
    finding = vanishing_gradients(read_case(condition, record))
    return None if finding is None else finding.onset
