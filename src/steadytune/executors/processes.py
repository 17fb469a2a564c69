"""Runs in worker processes: one a device, or one a core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain

import torch

from steadytune.executors._executor import Work
from steadytune.executors._pool import Pool
from steadytune.executors._room import workers_for
from steadytune.executors.stacked import groups
from steadytune.records import Event
from steadytune.study import Run


class Processes:
    """Computes each run in one of several worker processes.

    On the CPU each worker computes one run at a time with one thread; with several accelerators
    each has a stack on its own device. A worker that dies is replaced and its run tried once more.

    Args:
        workers: how many; None: one a device or core, as far as memory goes.
        pool: workers that are there already, made for the same work; they are ended afterwards.
    """

    name = "processes"
    summary = "one worker process for each core or device"

    def __init__(self, workers: int | None = None, pool: Pool | None = None) -> None:
        self._workers = workers
        self._pool = pool

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of all runs, those of different workers interleaved."""
        runs = list(chain.from_iterable(groups(list(work.runs))))
        if not runs:
            return
        with self._pool or self._new_pool(work, runs) as pool:
            yield from pool.compute(runs)

    def _new_pool(self, work: Work, runs: Sequence[Run]) -> Pool:
        size = self._workers or workers_for(work, runs[0], devices())
        return Pool(min(size, len(runs)), work)


def devices() -> int:
    """Accelerators, or cores that this process may use."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
