"""Outcome: what became of a run, decided afterwards from its record by a named rule.

The rule of Mosbach et al. (after Dodge et al. 2020): a run failed if its accuracy at the end of
training is not above the majority class's. A constant prediction is failed whatever its accuracy.
It is always accuracy that is asked, also where the headline metric is another: a collapsed MRPC
run has an F1 of 0.81. For scores in place of classes the mean takes the majority's place: a run
failed if its squared error is not below that of predicting the mean.
"""

from __future__ import annotations

from enum import StrEnum

from steadytune.metrics import no_better_than_constant
from steadytune.records import Checkpoint, RunRecord, State


class Outcome(StrEnum):
    """The judgement on an ended run.

    SUCCESS: it learned the task. FAILED: it did all its steps and is no better than a constant, or
    was stopped early because it was not and had become hopeless.
    DIVERGED: a tensor stopped being finite.

    >>> from steadytune import Outcome, diagnose
    >>> {verdict.outcome for verdict in diagnose("out").runs} <= set(Outcome)
    True
    """

    SUCCESS = "success"
    FAILED = "failed"
    DIVERGED = "diverged"


def outcome(record: RunRecord) -> Outcome | None:
    """The outcome by the majority rule at the last checkpoint; None for runs that did not end."""
    if record.state is State.DIVERGED:
        return Outcome.DIVERGED
    if record.state is State.STOPPED:
        return Outcome.FAILED
    if record.state is not State.FINISHED or record.last is None:
        return None
    return Outcome.FAILED if collapsed(record, record.last) else Outcome.SUCCESS


def collapsed(record: RunRecord, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is no better than a constant on the report split."""
    split = record.task.report
    return no_better_than_constant(
        checkpoint.metrics[split],
        record.task.baseline[split],
        checkpoint.constant[split],
        classes=record.task.label_names is not None,
    )
