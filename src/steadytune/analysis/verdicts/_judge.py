"""Verdict: what became of a run, why, and what to change first, by named rules in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from steadytune.analysis.cautions import SURE, majority_p
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Finding
from steadytune.analysis.verdicts.constant_prediction import constant_prediction
from steadytune.analysis.verdicts.diverged import diverged
from steadytune.analysis.verdicts.exploded import exploded
from steadytune.analysis.verdicts.hardly_trained import hardly_trained
from steadytune.analysis.verdicts.label_problem import (
    constant_labels,
    not_generalizing,
    unrelated_labels,
)
from steadytune.analysis.verdicts.remedies import against_collapse
from steadytune.analysis.verdicts.too_short import still_learning, too_few_steps
from steadytune.analysis.verdicts.vanishing_gradients import vanishing_gradients
from steadytune.early_warning import early_warning
from steadytune.records import State

Rule = Callable[[Case], Finding | None]
RULES: tuple[Rule, ...] = (
    diverged,
    constant_labels,
    hardly_trained,
    vanishing_gradients,
    exploded,
    unrelated_labels,
    not_generalizing,
    still_learning,
    too_few_steps,
    constant_prediction,
)
"""In the order in which they are asked of a failed run: the first that holds is the cause. What
makes all later ones meaningless comes first; what may be an effect of something else, last."""

FIGURES = {"vanishing_gradients": "gradient_norms", "constant_prediction": "gradient_norms"}
"""The figure that shows a cause best; of all others it is ``learning_curves``."""


@dataclass(frozen=True)
class Verdict:
    """The judgement on one run.

    Attributes:
        run: its id. task, encoder, recipe, seed: its place in the study.
        state: as recorded. outcome: by the majority rule; None where the run has not ended.
        accuracy: at the last evaluation on the report split; majority: of the majority class. None
            for scores, and before the first evaluation.
        cause: ``success``, the name of the rule that holds, ``unexplained``, or ``not_ended``.
        finding: what that rule found. also: other rules that hold.
        notes: what else a reader should know, as sentences.
        figure: that shows what the finding says; ``steadytune figures DIR FIGURE`` draws it.
    """

    run: str
    task: str
    encoder: str
    recipe: str
    seed: str
    state: State
    outcome: Outcome | None
    accuracy: float | None
    majority: float | None
    cause: str
    finding: Finding | None
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figure: str | None = None


def judge(case: Case) -> Verdict:
    """The verdict on a run that has begun."""
    record, planned = case.record, case.planned
    judged = outcome(record)
    cause, finding, also = _cause(case, judged)
    accuracy = None
    if record.last is not None:
        accuracy = record.last.metrics[record.task.report].get("accuracy")
    return Verdict(
        run=record.id,
        task=planned.task,
        encoder=planned.encoder,
        recipe=planned.recipe,
        seed=str(planned.seeds),
        state=record.state,
        outcome=judged,
        accuracy=accuracy,
        majority=record.task.baseline[record.task.report].get("accuracy"),
        cause=cause,
        finding=finding,
        also=also,
        notes=tuple(_notes(case, judged, accuracy)),
        figure=None if finding is None else FIGURES.get(cause, "learning_curves"),
    )


def _cause(case: Case, judged: Outcome | None) -> tuple[str, Finding | None, tuple[str, ...]]:
    if judged is None:
        return "not_ended", None, ()
    if judged is Outcome.SUCCESS:
        return "success", None, ()
    found = [finding for rule in RULES if (finding := rule(case)) is not None]
    if not found:
        sentence = "no rule explains this run; look at its loss and its predictions"
        return "unexplained", Finding("unexplained", sentence, ()), ()
    others = dict.fromkeys(f.cause for f in found[1:] if f.cause != found[0].cause)
    return found[0].cause, found[0], tuple(others)


def _notes(case: Case, judged: Outcome | None, accuracy: float | None) -> list[str]:
    record, found = case.record, list[str]()
    if record.state is State.STOPPED and record.stopped is not None:
        found.append(f"ended early by stop_hopeless, counted as failed: {record.stopped['reason']}")
    if judged is Outcome.SUCCESS and accuracy is not None:
        n, p = record.task.dev_examples[record.task.report], majority_p(record)
        if p is not None and p > SURE:
            found.append(
                f"counts as success, but its accuracy of {accuracy:.3f} on {n} examples is not "
                f"certainly above the majority class's {record.majority:.3f} (p = {p:.2g})"
            )
        if still_learning(case) is not None:
            found.append("the training loss was still falling when the run ended")
    if judged is None:
        warned = early_warning(case.losses, case.grad_norms, record.total_steps, case.chance_loss)
        if warned is not None:
            remedies = [remedy.words for remedy in against_collapse(case)[:1]]
            found.append("; ".join([f"early warning: {warned}", *remedies]))
    return found
