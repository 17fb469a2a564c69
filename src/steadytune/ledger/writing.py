"""Writers of a folder: how a process says that it writes there, and how others see it is alive.

::

    {"pid": 123, "host": "h", "place": "...", "start": "...", "since": "...", "command": "...",
     "inode": 45}
    000000000007

The second line is the heartbeat: a number that a thread counts up, in place, so that a full disk is
no reason to be taken for dead. The inode tells the file from a copy of the folder.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from steadytune.ledger.process import Process

_LONGEST_COMMAND = 200
_log = logging.getLogger(__name__)
_active: set[str] = set()  # names of the files of this process


@dataclass(frozen=True)
class Heartbeat:
    """How often a writer says that it is alive, and how long others watch for it, in seconds."""

    every: float = 5.0
    patience: float = 30.0


class Introduced:
    """The file of a process that writes, and the thread that keeps its heartbeat.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, file: Path, process: Process, heartbeat: Heartbeat) -> None:
        self._file = file
        self._every = heartbeat.every
        about = {
            "pid": process.pid,
            "host": process.host,
            "place": process.place,
            "start": process.start,
            "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            "command": _command(),
        }
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as opened:
            line = json.dumps({**about, "inode": os.fstat(handle).st_ino}).encode() + b"\n"
            self._beat_at = len(line)
            opened.write(line + _count(0))
        _active.add(file.name)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Say nothing any more; the file stays."""
        self._ended.set()
        self._thread.join()
        _active.discard(self._file.name)

    def _beat(self) -> None:
        beat = 0
        while not self._ended.wait(self._every):
            beat += 1
            with suppress(OSError), self._file.open("rb+") as opened:
                opened.seek(self._beat_at)
                opened.write(_count(beat))


@dataclass(frozen=True)
class Writer:
    """What the file of a writer says."""

    file: Path
    process: Process
    since: str
    command: str
    inode: int
    beat: bytes

    @property
    def name(self) -> str:
        """For sentences."""
        return f"process {self.process.pid} on {self.process.host}"

    def has_ended(self, here: Process) -> bool | None:
        """Whether its process has ended; None where that cannot be asked of the system here."""
        if self.process == here:
            return self.file.name not in _active
        return self.process.is_gone(here)

    def is_alive(self, here: Process, heartbeat: Heartbeat) -> bool:
        """Whether it is, if need be by watching its heartbeat."""
        ended = self.has_ended(here)
        if ended:
            return False
        with suppress(FileNotFoundError):
            if ended is False and self.file.stat().st_ino == self.inode:  # not a copied folder
                return True
        return self._is_heard_of(heartbeat)

    def _is_heard_of(self, heartbeat: Heartbeat) -> bool:
        _log.info(
            "%s: %s may still write there; watching for up to %.0f seconds whether it does",
            self.file.parent.parent,
            self.name,
            heartbeat.patience,
        )
        until = time.monotonic() + heartbeat.patience
        while time.monotonic() < until:
            time.sleep(min(1.0, heartbeat.every / 5))
            now = read_writer(self.file)
            if now is None or now.beat != self.beat:
                return now is not None
        return False


def read_writer(file: Path) -> Writer | None:
    """The writer of a file; None where it has gone, or a kill came before it said who it is."""
    try:
        line, _, beat = file.read_bytes().partition(b"\n")
        about = json.loads(line)
        process = Process(*(about[name] for name in ("host", "place", "pid", "start")))
        return Writer(file, process, about["since"], about["command"], about["inode"], beat)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _count(beat: int) -> bytes:
    return b"%012d\n" % beat


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv and sys.argv[0] else ["python"]
    text = " ".join(shlex.join(words).split())
    return text if len(text) <= _LONGEST_COMMAND else f"{text[:_LONGEST_COMMAND]}..."
