"""Measure a few steps of each way to compute the runs, and take the fastest."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain

from steadytune.encoders import Stackable
from steadytune.executors._executor import Executor, Work
from steadytune.executors._pool import Pool
from steadytune.executors._room import NoRoom, places_for, workers_for
from steadytune.executors._trial import seconds_a_step
from steadytune.executors.processes import Processes, devices
from steadytune.executors.sequential import Sequential
from steadytune.executors.stacked import Stacked, groups, stack_key
from steadytune.records import Event
from steadytune.study import Run
from steadytune.training.ready import ReadyRun
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper

SHORT_SECONDS = 20.0  # a study that takes no longer than this is not worth starting workers for
TRIED_PLACES = {"cpu": 2, "cuda": 8}  # runs in the stack that is tried

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
        runs = list(chain.from_iterable(groups(list(work.runs))))
        with ExitStack() as workers:
            executor = choose(runs, work, workers) if len(runs) > 1 else Sequential()
            yield from executor.compute(replace(work, runs=runs))


def choose(runs: Sequence[Run], work: Work, workers: ExitStack) -> Executor:
    """The fastest executor for the runs; no number that is computed here is kept.

    Args:
        runs: those of each group together.
        work: what they belong to.
        workers: takes the worker processes that are tried, which go on if they are chosen.
    """
    try:
        tried = list(_try(runs, work, workers))
    except NoRoom:
        raise
    except Exception as problem:  # a run that cannot be tried tells its story when it is computed
        logger.warning("executor sequential, as the trial steps failed: %s", problem)
        return Sequential()
    best = max(tried, key=lambda each: each.rate)
    rates = "; ".join(f"{each.what}: {each.rate:.3g}" for each in tried)
    logger.info("executor %s; steps a second, measured: %s", best.executor.name, rates)
    if not isinstance(best.executor, Processes):
        workers.close()
    return best.executor


def _try(runs: Sequence[Run], work: Work, workers: ExitStack) -> Iterator[Tried]:
    first = work.prepare(runs[0])
    seconds = seconds_a_step([first], PlainStepper())
    yield Tried(Sequential(), "one run after the other", 1 / seconds)
    if seconds * first.total_steps * len(runs) < SHORT_SECONDS:
        return
    alike = [run for run in runs if stack_key(run) == stack_key(runs[0])]
    if len(alike) > 1 and isinstance(first.encoder, Stackable):
        yield _stack(first, alike, work)
    if devices() > 1:
        size = min(workers_for(work, runs[0], devices()), len(runs))
        pool = workers.enter_context(Pool(size, work))
        rate = sum(1 / each for each in pool.trial(runs[:1]))
        yield Tried(Processes(pool=pool), f"{size} processes", rate)


def _stack(first: ReadyRun, alike: Sequence[Run], work: Work) -> Tried:
    places = min(places_for(first), len(alike))
    number = min(places, TRIED_PLACES[first.device.type])
    ready = [first, *(work.prepare(run) for run in alike[1:number])]
    seconds = seconds_a_step(ready, StackedStepper(number))
    return Tried(Stacked(), f"a stack of {number}", number / seconds)
