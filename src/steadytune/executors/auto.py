"""Measure a few steps of each way to compute the runs, and take the fastest."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from steadytune.encoders import Stackable
from steadytune.executors._executor import Executor, Work
from steadytune.executors._pool import Pool, WorkerLost
from steadytune.executors._room import NoRoom, places_for
from steadytune.executors._trial import seconds_a_step
from steadytune.executors.processes import Crew, Processes, crew_for, devices
from steadytune.executors.sequential import Sequential
from steadytune.executors.stacked import Stacked, stack_key
from steadytune.records import Event
from steadytune.study import Run
from steadytune.training.ready import ReadyRun

SHORT_SECONDS = 20.0  # a study that takes no longer than this is not worth starting workers for

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """One way to compute the runs.

    Attributes:
        executor: which. what: it in words.
        rate: steps a second, those of all runs together.
    """

    executor: Executor
    what: str
    rate: float


class Auto:
    """Chooses by trial on the first run, and logs the choice with its numbers."""

    name = "auto"
    summary = "the fastest of the others for the study at hand, found by a few steps of each"

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of the executor that was chosen."""
        crew = crew_for(work, devices())
        yield from crew.refused
        with ExitStack() as workers:
            executor = choose(crew, work, workers) if len(crew.runs) > 1 else Sequential()
            yield from executor.compute(replace(work, runs=crew.runs))


class _Started:
    """Worker processes that are there already."""

    name = Processes.name
    summary = Processes.summary

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of all runs; ``work`` is that of the pool."""
        return self._pool.compute(list(work.runs))


def choose(crew: Crew, work: Work, workers: ExitStack) -> Executor:
    """The fastest executor for the runs; no number that is computed here is kept.

    Args:
        crew: the runs, and how many workers there may be.
        work: what the runs belong to.
        workers: takes the worker processes that are tried; they go on if they are chosen.
    """
    try:
        tried = list(_try(crew, work, workers))
    except NoRoom:  # of the first run on an accelerator: others may fit
        return Stacked() if crew.size == 1 else Processes()
    except Exception as problem:  # a run that cannot be tried tells its story when it is computed
        logger.warning("executor sequential, as the trial steps failed: %s", problem)
        workers.close()
        return Sequential()
    best = max(tried, key=lambda each: each.rate)
    rates = "; ".join(f"{each.what}: {each.rate:.3g}" for each in tried)
    logger.info("executor %s; steps a second, measured: %s", best.executor.name, rates)
    if not isinstance(best.executor, _Started):
        workers.close()
    return best.executor


def _try(crew: Crew, work: Work, workers: ExitStack) -> Iterator[Tried]:
    runs = crew.runs
    first = work.prepare(runs[0])
    seconds = seconds_a_step([first])
    yield Tried(Sequential(), "one run after the other", 1 / seconds)
    if _short(runs, work, seconds):
        return
    alike = _alike(first, runs)
    if len(alike) > 1:
        seconds = seconds_a_step([first, *map(work.prepare, alike[1:])])
        yield Tried(Stacked(), f"a stack of {len(alike)}", len(alike) / seconds)
    size = min(crew.size, len(runs))
    if size > 1:
        # Workers compute stacks on accelerators, and one run at a time on the CPU.
        together = alike[:1] if first.device.type == "cpu" else alike
        pool = workers.enter_context(Pool(size, work))
        try:
            rate = sum(len(together) / each for each in pool.trial(together))
        except WorkerLost as problem:  # the other ways are there all the same
            logger.warning("worker processes are not used: %s", problem)
        else:
            yield Tried(_Started(pool), f"{size} processes", rate)


def _short(runs: Sequence[Run], work: Work, seconds_of_first: float) -> bool:
    """Whether all runs together take less than SHORT_SECONDS; one of each kind is looked at."""
    seconds_a_step_of = {stack_key(runs[0]): seconds_of_first}
    seconds_of = dict[tuple[object, ...], float]()
    total = 0.0
    for run in runs:
        key = stack_key(run)
        kind = (run.recipe.name, *key)
        if kind not in seconds_of:
            ready = work.prepare(run)
            if key not in seconds_a_step_of:
                seconds_a_step_of[key] = seconds_a_step([ready])
            seconds_of[kind] = seconds_a_step_of[key] * ready.total_steps
        total += seconds_of[kind]
        if total >= SHORT_SECONDS:
            return False
    return True


def _alike(first: ReadyRun, runs: Sequence[Run]) -> list[Run]:
    """The runs of the stack that is tried: enough to tell, and few enough to be tried quickly."""
    if not isinstance(first.encoder, Stackable):
        return [runs[0]]
    number = min(places_for(first), 2 if first.device.type == "cpu" else 8)
    return [run for run in runs if stack_key(run) == stack_key(runs[0])][:number]
