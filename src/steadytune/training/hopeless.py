"""The policy that ends hopeless runs early, where a study asks for it.

It asks once, at the end of the window of the early warning. A run ends only if the warning is
raised and the run is then no better than a constant on the report split; it is evaluated there, so
its record has a last checkpoint like any other, and it counts as failed.
"""

from __future__ import annotations

from steadytune.early_warning import early_warning, watched_steps
from steadytune.failure_rule import no_better_than_constant
from steadytune.metrics import measure
from steadytune.training.evaluate import predict
from steadytune.training.ready import RunState
from steadytune.training.step import StepResult


def hopeless(state: RunState, result: StepResult) -> str | None:
    """Why the run is to be ended after the step just done; None if it goes on."""
    run = state.run
    watched = watched_steps(run.total_steps)
    if not run.stop_hopeless or state.step > watched:
        return None
    state.history.append((result.loss, result.grad_norm))
    if state.step < watched or state.finished:
        return None
    losses, norms = zip(*state.history, strict=True)
    reason = early_warning(losses, norms, run.total_steps, run.chance)
    return reason if reason is not None and _no_better(state) else None


def _no_better(state: RunState) -> bool:
    """Whether the run is no better than a constant on the report split."""
    run = state.run
    examples = run.dev[run.task.report]
    predicted = predict(run, run.compute(state.evaluated()), examples)
    names = run.task.label_names
    predictions = predicted[:, 0] if names is None else predicted.argmax(1)
    return no_better_than_constant(
        measure(run.metrics, examples.labels, predicted),
        run.task.baseline[run.task.report],
        bool((predictions == predictions[0]).all()),
        classes=None if names is None else len(names),
        examples=len(examples.labels),
    )
