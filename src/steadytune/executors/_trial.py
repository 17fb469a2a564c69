"""Time a few steps, to know how long many will take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from steadytune.training.ready import ReadyRun
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper, Stepper

_WARM_UP = 1
_STEPS = 3


def seconds_a_step(runs: Sequence[ReadyRun]) -> float:
    """Median seconds of one step of all the runs, as a stack if several. Nothing of it is kept."""
    stepper: Stepper = StackedStepper(len(runs)) if len(runs) > 1 else PlainStepper()
    states = [stepper.admit(run) for run in runs]
    seconds = list[float]()
    for _ in range(min(_WARM_UP + _STEPS, *(run.total_steps for run in runs))):
        begun = time.perf_counter()
        stepper.step(states)
        seconds.append(time.perf_counter() - begun)
        for state in states:
            state.step += 1
    for state in states:
        stepper.release(state)
    return statistics.median(seconds[_WARM_UP:] or seconds)
