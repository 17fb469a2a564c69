"""A pool of worker processes that survives the death of its workers.

Workers import nothing from the current folder, and an interrupt of the keyboard is the parent's to
see, from their first moment on.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import torch

from steadytune.errors import Claimed
from steadytune.executors._executor import Work
from steadytune.executors._messages import Ask, Awake, Order, Setup, Timed, Trial, receive, send
from steadytune.executors.sequential import Sequential
from steadytune.records import Crashed, End, Event
from steadytune.search_path import without_current_folder
from steadytune.study import Run

_FAILED_STARTS = 3  # so many in a row, and no further worker is started
logger = logging.getLogger(__name__)
Message = TypeVar("Message")


@dataclass
class _Worker:
    """One process.

    Attributes:
        number: 0, 1, ... in its pool. process, connection: to it.
        begun: runs that it was handed and that have not ended.
        proved: it has asked for a run.
    """

    number: int
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    begun: dict[str, Run] = field(default_factory=dict)
    proved: bool = False


class WorkerLost(RuntimeError):
    """A worker process has died in a trial; the message says how."""


class Pool:
    """Worker processes, started at once and ended with the ``with`` block.

    Args:
        size: how many. On accelerators each has a device of its own, on the CPU one thread.
        work: what they are to compute.
    """

    def __init__(self, size: int, work: Work) -> None:
        self._work = work
        self._workers = list[_Worker]()
        self._retried = set[str]()
        self._failed_starts = 0  # since a worker has proved itself
        try:
            for number in range(size):
                self._hire(number)
        except BaseException:  # such as an interrupt: nobody else knows the workers yet
            self.__exit__()
            raise

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

        Raises:
            WorkerLost: a worker could not be started, or died.
        """
        if not self._workers:
            raise WorkerLost("none could be started")
        for worker in self._workers:
            self._expect(worker, Awake)
            self._set_up(worker)
        for worker in self._workers:
            self._expect(worker, Ask)
        for worker in self._workers:
            _tell(worker, Trial(tuple(runs)))
        return [self._expect(worker, Timed).seconds for worker in self._workers]

    def compute(self, runs: Sequence[Run]) -> Iterator[Event]:
        """The events of all runs; one whose worker died twice has crashed.

        Where no worker can be started, the runs are computed one by one in this process.
        """
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
                        yield from self._answer(worker, left)
                    case event:
                        if isinstance(event, End | Crashed):
                            del worker.begun[event.run]
                        yield event
        if left:
            logger.warning(
                "no worker process can be started; %d runs are computed one by one in this process",
                len(left),
            )
            yield from Sequential().compute(replace(self._work, runs=list(left)))

    def _hire(self, number: int) -> None:
        """Start a worker, unless too many have ended in their start; some processes may do."""
        if self._failed_starts >= _FAILED_STARTS:
            return
        try:
            self._workers.append(_start(number))
        except OSError as error:  # no more processes, or no memory for one
            self._failed_starts += 1
            logger.warning("a worker process cannot be started: %s", error)

    def _expect(self, worker: _Worker, kind: type[Message]) -> Message:
        message = _received(worker)
        if not isinstance(message, kind):
            raise WorkerLost(f"a worker process {_end(worker)} in its first steps")
        return message

    def _set_up(self, worker: _Worker) -> None:
        _tell(worker, Setup(self._work.prepare, self._work.snapshot_due))

    def _answer(self, worker: _Worker, left: deque[Run]) -> Iterator[Event]:
        worker.proved, self._failed_starts = True, 0
        order = None
        while left and order is None:
            run = left.popleft()
            try:
                order = Order(run, self._work.snapshot(run))
            except (OSError, Claimed):  # the disk is full or gone, or the study another's
                raise
            except Exception:
                yield Crashed(run.id, traceback.format_exc())
            else:
                worker.begun[run.id] = run
        _tell(worker, order)

    def _ended(self, worker: _Worker, left: deque[Run]) -> Iterator[Event]:
        """See to the runs of a worker that ended before they did."""
        self._workers.remove(worker)
        worker.connection.close()
        for run in worker.begun.values():
            if run.id in self._retried:
                yield Crashed(run.id, f"the worker process {_end(worker)}, for the second time")
            else:
                logger.warning("a worker process %s; run %s is tried again", _end(worker), run.id)
                self._retried.add(run.id)
                left.appendleft(run)
        if worker.process.returncode and not worker.proved:
            self._failed_starts += 1
            logger.warning("a worker process %s while it started", _end(worker))
        if left and worker.process.returncode:
            self._hire(worker.number)


def _start(number: int) -> _Worker:
    """A worker that is still starting: it takes seconds, and others start meanwhile."""
    ours, theirs = Pipe()
    module = "steadytune.executors._worker"
    with theirs, _without_interrupts():
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            env=_environment(number),
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,  # results are the parent's to print
        )
    return _Worker(number, process, ours)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that never see SIGINT; one that comes meanwhile is ours afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
        "PYTHONPATH": os.pathsep.join(without_current_folder(sys.path)),
        "PYTHONSAFEPATH": "1",
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
