"""The training loop: runs in, events out. There is no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice

import numpy as np

from steadytune.records import (
    Diverged,
    Event,
    Finished,
    Measured,
    Started,
    Step,
    Stopped,
    Weights,
)
from steadytune.training.evaluate import evaluate
from steadytune.training.gradients import begin
from steadytune.training.hopeless import hopeless
from steadytune.training.ready import ReadyRun, RunState
from steadytune.training.step import Stepper


def train(
    runs: Iterable[ReadyRun],
    stepper: Stepper,
    snapshot_due: Callable[[str], bool] = lambda run: False,
) -> Iterator[Event]:
    """Train runs to their ends, as many at once as the stepper has places.

    Logging, saving, progress and stopping are what the consumer does with the events: nothing is
    printed or written here, and between two events the consumer may stop for good.

    Args:
        runs: taken one by one as places become free.
        stepper: computes the steps.
        snapshot_due: asked with a run's id after each step; a Snapshot follows where true.

    Yields:
        For each run Started, then Step after Step with Measured, Evaluations, Weights and
        Snapshots between them, and in the end Finished, or Diverged at the step in which a tensor
        stopped being finite, or Stopped where the study asks for that and the run has become
        hopeless.
    """
    waiting = iter(runs)
    active: list[RunState] = []
    while True:
        for run in islice(waiting, stepper.places - len(active)):
            state = stepper.admit(run)
            begin(state)
            active.append(state)
            yield Started(run.id, state.step, run.total_steps)
        if not active:
            return

        begun = time.perf_counter()
        results = stepper.step(active)
        seconds = (time.perf_counter() - begun) / len(active)

        for state, result in zip(list(active), results, strict=True):
            run = state.run
            if result.not_finite is not None:
                yield Diverged(run.id, state.step + 1, result.not_finite)
                stepper.release(state)
                active.remove(state)
                continue

            state.step += 1
            yield Step(
                run=run.id,
                step=state.step,
                loss=result.loss,
                lr=result.lr,
                grad_norm=result.grad_norm,
                clipped_norm=result.clipped_norm,
                tokens=result.tokens,
                seconds=seconds,
            )
            if result.measured:
                yield Measured(run.id, state.step, result.measured)
            reason = hopeless(state, result)
            due = state.evaluation_due or reason is not None
            broken = (yield from _evaluations(state)) if due else None
            if reason is not None:
                yield Stopped(run.id, state.step, reason)
                stepper.release(state)
                active.remove(state)
            elif state.finished:
                # What the last update broke no further step would notice.
                finished = Finished(run.id, state.step, state.model())
                yield finished if broken is None else Diverged(run.id, state.step, broken)
                stepper.release(state)
                active.remove(state)
            elif snapshot_due(run.id):
                yield state.snapshot()


def _evaluations(state: RunState) -> Generator[Event, None, str | None]:
    """Yields the evaluations that are due, and the weights where those of all are kept.

    Returns the first tensor that is not finite, if any.
    """
    broken = None
    for evaluation in evaluate(state):
        yield evaluation
        if broken is None and not np.isfinite(evaluation.outputs).all():
            broken = state.first_not_finite() or f"outputs on {evaluation.split}"
    if broken is None and state.run.keep == "every" and not state.finished:
        yield Weights(state.run.id, state.step, state.weights())
    return broken
