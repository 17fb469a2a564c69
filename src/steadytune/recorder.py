"""Recorder: takes the events of all runs of a study to the disk, so that no run costs another."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from steadytune.errors import BadInput, Claimed
from steadytune.ledger import RunWriter
from steadytune.records import Crashed, End, Event, Finished, Snapshot, Weights
from steadytune.study import Run


class Recorder:
    """Writes events; what goes wrong with one run is recorded as its crash.

    A full or missing disk is every run's fault, and so is another process that has taken the study
    over: OSError and Claimed go through.

    Args:
        runs: those that are computed, by id.
        begin: makes the writer of a run.
        keep: saves the weights that an event of a run carries, if any.
        ended: told the id of each run that has ended or crashed.
    """

    def __init__(
        self,
        runs: dict[str, Run],
        begin: Callable[[Run], RunWriter],
        keep: Callable[[Weights | Finished, Run], None],
        ended: Callable[[str], None],
    ) -> None:
        self._runs = runs
        self._begin = begin
        self._keep = keep
        self._ended = ended
        self._writers = dict[str, RunWriter]()
        self._given_up = set[str]()
        self._untold = list[str]()

    def snapshot(self, run: Run) -> Snapshot | None:
        """Begin a run, or begin it again; what it continues from."""
        if run.id in self._given_up:
            return None
        if run.id in self._writers:  # it is begun a second time
            self._writers[run.id].close()
        self._writers[run.id] = self._begin(run)
        return self._writers[run.id].load_snapshot()

    def record(self, event: Event) -> Event | None:
        """Write an event. Returns what was recorded: the event, a crash in its place, or nothing.

        There is nothing to record of a run that crashed here: its executor cannot know, and
        computes it to its end.
        """
        if event.run in self._given_up:
            return None
        try:
            self._write(event)
        except (OSError, Claimed):
            raise
        except Exception:
            self._given_up.add(event.run)
            event = Crashed(event.run, traceback.format_exc())
            self._write_crash(event)
        if isinstance(event, End | Crashed):
            self._writers.pop(event.run, None)
            self._ended(event.run)
        return event

    def check_all_recorded(self) -> None:
        """Say which runs have crashed without a record.

        Raises:
            BadInput: there are some; with the reason of each.
        """
        if self._untold:
            raise BadInput("\n".join(self._untold))

    def _write(self, event: Event) -> None:
        if event.run not in self._writers:  # it crashed before it could begin
            self.snapshot(self._runs[event.run])
        if isinstance(event, Weights | Finished):
            self._keep(event, self._runs[event.run])
        self._writers[event.run].write(event)

    def _write_crash(self, event: Crashed) -> None:
        if event.run in self._writers:
            self._writers[event.run].write(event)
        else:
            self._untold.append(f"run {event.run}: {event.error.strip().splitlines()[-1]}")
