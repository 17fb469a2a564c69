"""Outcome: what became of a run, decided afterwards from its record by a named rule.

The rule is ``failure_rule.FailureRule``: a run failed if it is no better than a constant prediction
at the end of training, in the terms of its task. Change the rule and old ledgers are judged anew.
"""

from __future__ import annotations

import math
from enum import StrEnum

from steadytune.failure_rule import RULE, FailureRule, no_better_than_constant
from steadytune.records import Checkpoint, RunRecord, State


class Outcome(StrEnum):
    """The judgement on an ended run.

    SUCCESS: it learned the task. FAILED: it did all its steps and is no better than a constant, or
    was stopped early because it was not and had become hopeless.
    DIVERGED: a tensor stopped being finite, or its headline metric is not finite.
    """

    SUCCESS = "success"
    FAILED = "failed"
    DIVERGED = "diverged"


def outcome(record: RunRecord, rule: FailureRule = RULE) -> Outcome | None:
    """The outcome at the last checkpoint; None for runs that did not end."""
    if record.state is State.DIVERGED:
        return Outcome.DIVERGED
    if record.state not in (State.FINISHED, State.STOPPED) or record.last is None:
        return Outcome.FAILED if record.state is State.STOPPED else None
    if not math.isfinite(record.last.metrics[record.task.report].get(record.task.metric, 0.0)):
        return Outcome.DIVERGED
    if record.state is State.STOPPED:
        return Outcome.FAILED
    return Outcome.FAILED if collapsed(record, record.last, rule) else Outcome.SUCCESS


def collapsed(record: RunRecord, checkpoint: Checkpoint, rule: FailureRule = RULE) -> bool:
    """Whether a checkpoint is no better than a constant on the report split."""
    task, split = record.task, record.task.report
    return no_better_than_constant(
        checkpoint.metrics[split],
        task.baseline[split],
        checkpoint.constant[split],
        classes=None if task.label_names is None else len(task.label_names),
        examples=task.dev_examples[split],
        rule=rule,
    )
