"""Runs in worker processes: one a device, or one a core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import torch

from steadytune.executors._executor import Work
from steadytune.executors._pool import Pool
from steadytune.executors._room import NoRoom, workers_for
from steadytune.executors.stacked import groups
from steadytune.records import Crashed, Event
from steadytune.study import Run


@dataclass(frozen=True)
class Crew:
    """Worker processes for the runs of a study.

    Attributes:
        size: how many there may be, whichever of the runs they compute.
        runs: those that can be computed, each group together.
        refused: an event for each run that does not even fit alone.
    """

    size: int
    runs: list[Run]
    refused: list[Crashed]


class Processes:
    """Computes each run in one of several worker processes.

    On the CPU each worker computes one run at a time with one thread; with several accelerators
    each has a stack on its own device. A worker that dies is replaced and its run tried once more.

    Args:
        workers: how many; None: one a device or core, as far as memory goes.
    """

    name = "processes"
    summary = "one worker process for each core or device"

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of all runs, those of different workers interleaved."""
        if self._workers is None:
            crew = crew_for(work, devices())
        else:
            crew = Crew(self._workers, list(chain.from_iterable(groups(list(work.runs)))), [])
        yield from crew.refused
        with Pool(min(crew.size, len(crew.runs)), work) as pool:
            yield from pool.compute(crew.runs)


def crew_for(work: Work, most: int) -> Crew:
    """As many workers as have room beside each other, up to ``most``.

    On the CPU a run of each group is measured. On accelerators each worker has a device and its
    memory for itself, and its stack says what does not fit.
    """
    found = [list(group) for group in groups(list(work.runs))]
    if torch.cuda.is_available():
        return Crew(most, list(chain.from_iterable(found)), [])
    size, runs, refused = most, list[Run](), list[Crashed]()
    for group in found:
        try:
            size = workers_for(work, group[0], size)
        except NoRoom as problem:
            refused += [Crashed(run.id, str(problem)) for run in group]
        else:
            runs += group
    return Crew(size, runs, refused)


def devices() -> int:
    """Accelerators, or cores that this process may use."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
