"""What is measured of steadytune, as its executors compute it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from benchmarks.clock import LEAST, Clock
from benchmarks.measurement import Measured, Spec, peak_bytes

from steadytune import runner
from steadytune.executors import Processes, Work
from steadytune.named_recipes import mosbach2021
from steadytune.recipe import Seeds
from steadytune.records import Step
from steadytune.study import Study
from steadytune.training.loop import train
from steadytune.training.memory import keep_freed_memory
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper, Stepper
from steadytune.training.threads import one_thread

EPOCHS, SEEDS = 3, 25  # of the study that seconds are extrapolated to


def loaded(spec: Spec, runs: int) -> runner.PreparedStudy:
    """A study of so many runs, as ``steadytune run`` has it when computing begins."""
    recipe = replace(mosbach2021(), epochs=float(EPOCHS), precision=spec.precision)
    study = Study(
        recipes=(recipe,),
        tasks=(spec.task,),
        encoders=(spec.encoder,),
        seeds=tuple(Seeds.tied(spec.seed + i) for i in range(runs)),
        evaluate="end",
    )
    keep_freed_memory()
    return runner.prepare(study)


def plain(spec: Spec) -> Measured:
    """One run with the plain step."""
    return _together(spec, PlainStepper())


def stack(spec: Spec) -> Measured:
    """``places`` runs as one program."""
    return _together(spec, StackedStepper(spec.places, spec.uniform))


def _together(spec: Spec, stepper: Stepper) -> Measured:
    study, tokens = loaded(spec, stepper.places), list[int]()
    with one_thread():
        ready = [study.prepare(run) for run in study.runs]
        clock = Clock(spec.steps, spec.limit)
        for event in train(ready, stepper):
            if isinstance(event, Step):
                tokens.append(event.tokens)
                if len(tokens) % stepper.places == 0 and clock.tick():
                    break
    return Measured(
        seconds=[each / stepper.places for each in clock.seconds],
        ends=clock.ends[clock.warm_up :],
        tokens=sum(tokens) / len(tokens),
        peak_bytes=peak_bytes(study.device),
    )


def processes(spec: Spec) -> Measured:
    """One run in each worker process; seconds as the workers measure them while all are busy."""
    study = loaded(spec, 2 * spec.places)
    seconds, tokens = defaultdict[str, list[float]](list), list[int]()
    with one_thread():
        events = Processes(spec.places).compute(Work(study.runs, study.prepare))
        assert isinstance(events, Generator)  # closing it ends the workers
        begun = 0.0
        for event in events:
            if not isinstance(event, Step):
                continue
            seconds[event.run].append(event.seconds)
            tokens.append(event.tokens)
            if len(seconds) < spec.places:
                for before in seconds.values():  # measured while another was not yet busy
                    before.clear()
                continue
            begun = begun or time.perf_counter()
            measured = min(len(each) - 1 for each in seconds.values())
            late = time.perf_counter() - begun > spec.limit
            if measured >= spec.steps or (measured >= LEAST and late):
                break
    peak = max(peak_bytes(study.device, child) for child in _children())
    events.close()
    return Measured(
        seconds=[each for run in seconds.values() for each in run[1:]],
        ends=[],
        tokens=sum(tokens) / len(tokens),
        peak_bytes=peak,
        parallel=spec.places,
    )


def _children() -> list[str]:
    """Process ids of the workers."""
    return [
        pid
        for file in Path("/proc/self/task").glob("*/children")
        for pid in file.read_text().split()
    ]
