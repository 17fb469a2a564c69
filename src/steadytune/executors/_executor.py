"""Executor: how runs are computed. It turns runs into events and never touches the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from steadytune.records import Event
from steadytune.study import Run
from steadytune.training.ready import ReadyRun

Prepare = Callable[[Run], ReadyRun]


class Executor(Protocol):
    """Computes runs; what a run's events say does not depend on which executor did it.

    Attributes:
        name: as ``--executor`` names it.
        summary: one line for ``steadytune list executors``.
    """

    name: str
    summary: str

    def compute(
        self, runs: Sequence[Run], prepare: Prepare, snapshot_due: Callable[[str], bool]
    ) -> Iterator[Event]:
        """The events of all runs. A run whose program fails yields Crashed; the others go on."""
        ...
