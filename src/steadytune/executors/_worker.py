"""A worker process: computes the runs that it is handed and sends their events back.

Started by a pool as ``python -m steadytune.executors._worker DESCRIPTOR``, the number of an
inherited connection. It ends when there is nothing left to do, or when its parent is gone.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection

import torch

from steadytune.executors._executor import Work
from steadytune.executors._messages import Ask, Awake, Order, Setup, Timed, Trial, receive, send
from steadytune.executors._trial import seconds_a_step
from steadytune.executors.sequential import Sequential
from steadytune.executors.stacked import Stacked
from steadytune.records import Snapshot
from steadytune.study import Run
from steadytune.training.memory import keep_freed_memory
from steadytune.training.threads import one_thread


def serve(connection: Connection) -> None:
    """Take orders until there are no more."""
    send(connection, Awake())
    setup: Setup = receive(connection)
    snapshots: dict[str, Snapshot | None] = {}

    def runs() -> Iterator[Run]:
        while True:
            send(connection, Ask())
            match receive(connection):
                case Order(run, snapshot):
                    snapshots[run.id] = snapshot
                    yield run
                case Trial(alike):
                    seconds = seconds_a_step([setup.prepare(run) for run in alike])
                    send(connection, Timed(seconds))
                case _:
                    return

    def snapshot(run: Run) -> Snapshot | None:
        return snapshots.pop(run.id, None)  # begun a second time, a run starts over

    inner = Stacked() if torch.cuda.is_available() else Sequential()
    for event in inner.compute(Work(runs(), setup.prepare, snapshot, setup.snapshot_due)):
        send(connection, event)


def main() -> None:
    """Serve the parent on the connection that the command line names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    keep_freed_memory()
    with one_thread(), Connection(int(sys.argv[1])) as connection:
        try:
            serve(connection)
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
            sys.exit(1)  # without a word: its terminal has gone on


if __name__ == "__main__":
    main()
