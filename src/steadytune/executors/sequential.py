"""One run after the other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence

from steadytune.executors._executor import Prepare
from steadytune.records import Crashed, Event
from steadytune.study import Run
from steadytune.training.loop import train
from steadytune.training.step import PlainStepper


class Sequential:
    """Computes runs one after the other in this process."""

    name = "sequential"
    summary = "one run after the other, in this process"

    def compute(
        self, runs: Sequence[Run], prepare: Prepare, snapshot_due: Callable[[str], bool]
    ) -> Iterator[Event]:
        """The events of each run, in the order of the runs."""
        for run in runs:
            try:
                yield from train([prepare(run)], PlainStepper(), snapshot_due)
            except Exception:
                yield Crashed(run.id, traceback.format_exc())
