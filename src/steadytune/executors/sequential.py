"""One run after the other."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from steadytune.executors._executor import Work
from steadytune.records import Crashed, Event
from steadytune.training.loop import train
from steadytune.training.step import PlainStepper


class Sequential:
    """Computes runs one after the other in this process."""

    name = "sequential"
    summary = "one run after the other, in this process"

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of each run, in the order of the runs."""
        for run in work.runs:
            try:
                yield from train([work.ready(run)], PlainStepper(), work.snapshot_due)
            except Exception:
                yield Crashed(run.id, traceback.format_exc())
