"""Executor: how runs are computed. It turns runs into events and never touches the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from steadytune.records import Event, Snapshot
from steadytune.study import Run
from steadytune.training.ready import ReadyRun


class Prepare(Protocol):
    """Makes a run ready; picklable, as an executor may call it in another process."""

    def __call__(self, run: Run, snapshot: Snapshot | None = None) -> ReadyRun:
        """The run with everything it needs in memory."""
        ...


def from_zero(run: Run) -> None:
    """Every run starts at step 0."""


def never(run: str) -> bool:
    """No snapshots."""
    return False


@dataclass(frozen=True)
class Work:
    """What an executor is to compute.

    Attributes:
        runs: taken one by one.
        prepare: makes a run ready.
        snapshot: what a run continues from, asked when it is begun (or begun again).
        snapshot_due: asked with a run's id after each step; picklable.
    """

    runs: Iterable[Run]
    prepare: Prepare
    snapshot: Callable[[Run], Snapshot | None] = from_zero
    snapshot_due: Callable[[str], bool] = never

    def ready(self, run: Run) -> ReadyRun:
        """The run, made ready to continue, or to start over if its snapshot does not fit it."""
        ready = self.prepare(run, self.snapshot(run))
        return ready if ready.snapshot_fits else self.prepare(run)


class Executor(Protocol):
    """Computes runs; what a run's events say does not depend on which executor did it.

    Attributes:
        name: as ``--executor`` names it.
        summary: one line for ``steadytune list executors``.
    """

    name: str
    summary: str

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of all runs. A run whose program fails yields Crashed; the others go on."""
        ...
