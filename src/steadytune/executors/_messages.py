"""What a pool and its worker processes say to each other, besides events."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from steadytune.executors._executor import Prepare
from steadytune.records import Snapshot
from steadytune.study import Run


@dataclass(frozen=True)
class Awake:
    """First word of a worker that has started; the answer is a Setup."""


@dataclass(frozen=True)
class Setup:
    """First word to a worker: how runs are made ready, and when snapshots are due."""

    prepare: Prepare
    snapshot_due: Callable[[str], bool]


@dataclass(frozen=True)
class Order:
    """A run to compute, and what it continues from."""

    run: Run
    snapshot: Snapshot | None


@dataclass(frozen=True)
class Trial:
    """Runs to time a few steps of, all together; the answer is ``Timed``."""

    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Timed:
    """Seconds that a step of all runs of a trial took."""

    seconds: float


@dataclass(frozen=True)
class Ask:
    """A worker has room for a run; the answer is an Order, a Trial, or None if no more come."""


def send(connection: Connection[Any, Any], message: object) -> None:
    """Send a copy of a message.

    Connections' own ``send`` would share tensors by file descriptors, which die with their process.
    """
    connection.send_bytes(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))


def receive(connection: Connection[Any, Any]) -> Any:  # noqa: ANN401
    """The next message; EOFError or OSError if the other side is gone."""
    return pickle.loads(connection.recv_bytes())
