"""A pool of worker processes that survives the death of its workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from steadytune.executors._executor import Work
from steadytune.executors._messages import Ask, Order, Setup, Timed, Trial, receive, send
from steadytune.records import Crashed, End, Event
from steadytune.study import Run

logger = logging.getLogger(__name__)


@dataclass
class _Worker:
    """One process.

    Attributes:
        number: 0, 1, ... in its pool. process, connection: to it.
        begun: runs that it was handed and that have not ended.
        asking: it waits for an answer.
    """

    number: int
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    begun: dict[str, Run] = field(default_factory=dict)
    asking: bool = False


class Pool:
    """Worker processes, started at once and ended with the ``with`` block.

    Args:
        size: how many. On accelerators each has a device of its own, on the CPU one thread.
        work: what they are to compute.
    """

    def __init__(self, size: int, work: Work) -> None:
        self._work = work
        self._workers = [self._start(number) for number in range(size)]
        self._retried = set[str]()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.connection.close()

    def trial(self, run: Run) -> list[float]:
        """Seconds of a step in each worker, while all compute at the same time."""
        seconds = list[float]()
        waiting = {worker.connection: worker for worker in self._workers}
        while waiting:
            for connection in wait(list(waiting)):
                worker = waiting[connection]  # pyright: ignore[reportArgumentType]
                match self._received(worker):
                    case Ask() if worker.asking:
                        del waiting[worker.connection]
                    case Ask():
                        worker.asking = True
                        send(worker.connection, Trial(run))
                    case Timed(each):
                        seconds.append(each)
                    case _:
                        raise RuntimeError(f"a worker process {_end(worker)} in its first steps")
        return seconds

    def compute(self, runs: Sequence[Run]) -> Iterator[Event]:
        """The events of all runs; one whose worker died twice has crashed."""
        left = deque(runs)
        for worker in self._workers:
            if worker.asking:
                self._answer(worker, left)
        while self._workers:
            for connection in wait([worker.connection for worker in self._workers]):
                worker = next(w for w in self._workers if w.connection is connection)
                message = self._received(worker)
                if message is None:
                    yield from self._ended(worker, left)
                elif isinstance(message, Ask):
                    self._answer(worker, left)
                else:
                    if isinstance(message, End | Crashed):
                        del worker.begun[message.run]
                    yield message

    def _answer(self, worker: _Worker, left: deque[Run]) -> None:
        order = None
        if left:
            run = left.popleft()
            worker.begun[run.id] = run
            order = Order(run, self._work.snapshot(run))
        with suppress(OSError):  # if it has died, its connection tells next
            send(worker.connection, order)

    def _received(self, worker: _Worker) -> Any:  # noqa: ANN401
        """The next message, or None if the worker has ended."""
        try:
            return receive(worker.connection)
        except (EOFError, OSError):
            worker.process.wait()
            return None

    def _ended(self, worker: _Worker, left: deque[Run]) -> Iterator[Event]:
        """See to the runs of a worker that ended before they did."""
        self._workers.remove(worker)
        worker.connection.close()
        if worker.process.returncode and not worker.begun and left:
            raise RuntimeError(f"a worker process {_end(worker)} before it could take a run")
        for run in worker.begun.values():
            if run.id in self._retried:
                yield Crashed(run.id, f"the worker process {_end(worker)}, for the second time")
            else:
                logger.warning("a worker process %s; run %s is tried again", _end(worker), run.id)
                self._retried.add(run.id)
                left.appendleft(run)
        if left and worker.process.returncode:
            self._workers.append(self._start(worker.number))

    def _start(self, number: int) -> _Worker:
        ours, theirs = Pipe()
        command = [sys.executable, "-m", "steadytune.executors._worker", str(theirs.fileno())]
        process = subprocess.Popen(
            command,
            env=_environment(number),
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,  # results are the parent's to print
        )
        theirs.close()
        with suppress(OSError):  # if it has died, its connection tells next
            send(ours, Setup(self._work.prepare, self._work.snapshot_due))
        return _Worker(number, process, ours)


def _environment(number: int) -> dict[str, str]:
    """Of a worker: one thread, one device, the same modules, large pages."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    # Large pages: fresh memory costs a fault a page, and a step takes a lot of it.
    environment.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    if torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        devices = (
            visible.split(",") if visible else list(map(str, range(torch.cuda.device_count())))
        )
        environment["CUDA_VISIBLE_DEVICES"] = devices[number]
    return environment


def _end(worker: _Worker) -> str:
    """How a worker ended."""
    status = worker.process.returncode
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"was ended by {name}{hint}"
    return f"ended with status {status}"
