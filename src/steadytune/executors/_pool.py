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
from typing import Any, TypeVar

import torch

from steadytune.executors._executor import Work
from steadytune.executors._messages import Ask, Awake, Order, Setup, Timed, Trial, receive, send
from steadytune.records import Crashed, End, Event
from steadytune.study import Run

logger = logging.getLogger(__name__)
Message = TypeVar("Message")


@dataclass
class _Worker:
    """One process.

    Attributes:
        number: 0, 1, ... in its pool. process, connection: to it.
        begun: runs that it was handed and that have not ended.
        proved: it has been handed a run.
    """

    number: int
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    begun: dict[str, Run] = field(default_factory=dict)
    proved: bool = False


class Pool:
    """Worker processes, started at once and ended with the ``with`` block.

    Args:
        size: how many. On accelerators each has a device of its own, on the CPU one thread.
        work: what they are to compute.
    """

    def __init__(self, size: int, work: Work) -> None:
        self._work = work
        self._workers = [_start(number) for number in range(size)]
        self._retried = set[str]()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.connection.close()

    def trial(self, runs: Sequence[Run]) -> list[float]:
        """Seconds of a step of the runs in each worker, while all workers compute them.

        Afterwards the pool is as good as new.
        """
        for worker in self._workers:
            self._expect(worker, Awake)
            self._set_up(worker)
        for worker in self._workers:
            self._expect(worker, Ask)
        for worker in self._workers:
            _tell(worker, Trial(tuple(runs)))
        return [self._expect(worker, Timed).seconds for worker in self._workers]

    def compute(self, runs: Sequence[Run]) -> Iterator[Event]:
        """The events of all runs; one whose worker died twice has crashed."""
        left = deque(runs)
        while self._workers:
            for connection in wait([worker.connection for worker in self._workers]):
                worker = next(w for w in self._workers if w.connection is connection)
                match _received(worker):
                    case None:
                        yield from self._ended(worker, left)
                    case Awake():
                        self._set_up(worker)
                    case Ask():
                        self._answer(worker, left)
                    case event:
                        if isinstance(event, End | Crashed):
                            del worker.begun[event.run]
                        yield event

    def _expect(self, worker: _Worker, kind: type[Message]) -> Message:
        message = _received(worker)
        if not isinstance(message, kind):
            raise RuntimeError(f"a worker process {_end(worker)} in its first steps")
        return message

    def _set_up(self, worker: _Worker) -> None:
        _tell(worker, Setup(self._work.prepare, self._work.snapshot_due))

    def _answer(self, worker: _Worker, left: deque[Run]) -> None:
        order = None
        if left:
            run = left.popleft()
            worker.begun[run.id], worker.proved = run, True
            order = Order(run, self._work.snapshot(run))
        _tell(worker, order)

    def _ended(self, worker: _Worker, left: deque[Run]) -> Iterator[Event]:
        """See to the runs of a worker that ended before they did."""
        self._workers.remove(worker)
        worker.connection.close()
        if worker.process.returncode and left and not worker.proved:
            raise RuntimeError(f"a worker process {_end(worker)} before it could take a run")
        for run in worker.begun.values():
            if run.id in self._retried:
                yield Crashed(run.id, f"the worker process {_end(worker)}, for the second time")
            else:
                logger.warning("a worker process %s; run %s is tried again", _end(worker), run.id)
                self._retried.add(run.id)
                left.appendleft(run)
        if left and worker.process.returncode:
            self._workers.append(_start(worker.number))


def _start(number: int) -> _Worker:
    """A worker that is still starting: it takes seconds, and others start meanwhile."""
    ours, theirs = Pipe()
    command = [sys.executable, "-m", "steadytune.executors._worker", str(theirs.fileno())]
    process = subprocess.Popen(
        command,
        env=_environment(number),
        pass_fds=[theirs.fileno()],
        stdout=subprocess.DEVNULL,  # results are the parent's to print
    )
    theirs.close()
    return _Worker(number, process, ours)


def _tell(worker: _Worker, message: object) -> None:
    with suppress(OSError):  # if it has died, its connection tells next
        send(worker.connection, message)


def _received(worker: _Worker) -> Any:  # noqa: ANN401
    """The next message, or None if the worker has ended."""
    try:
        return receive(worker.connection)
    except (EOFError, OSError):
        worker.process.wait()
        return None


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
        environment["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    return environment


def _end(worker: _Worker) -> str:
    """How a worker ended."""
    status = worker.process.returncode
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"was ended by {name}{hint}"
    return f"ended with status {status}"
