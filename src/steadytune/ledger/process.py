"""Process: who writes, told apart from every other process on any machine, also from earlier ones.

A process id is used again after a while and means nothing on another machine or in another
container. With the time the process began, the boot and the namespace of process ids it is unique.
"""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_STAT_START = 19  # field 22 of /proc/<pid>/stat, counted after the name in brackets


@dataclass(frozen=True)
class Process:
    """One process.

    Attributes:
        host: its machine's name. place: digest of machine, boot and namespace of process ids.
        pid: its id there. start: when it began, as the system counts; None where that is not told.
    """

    host: str
    place: str
    pid: int
    start: str | None

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls(socket.gethostname(), _place(), os.getpid(), _start(os.getpid()))

    @property
    def tag(self) -> str:
        """For names of files."""
        return f"{self.pid}-{self.start or 'x'}-{self.place}"

    def is_gone(self, seen_from: Process) -> bool | None:
        """Whether it has ended; None where ``seen_from`` cannot know it."""
        if self.place != seen_from.place:
            return None
        start = _start(self.pid)
        if self.start is not None and seen_from.start is not None:
            return start != self.start
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return None  # a process of that id is there, perhaps a later one


def from_tag(tag: str) -> Process:
    """The process of a tag, which does not say the name of its machine."""
    pid, start, place = tag.split("-")
    return Process("", place, int(pid), None if start == "x" else start)


def _place() -> str:
    parts = [socket.gethostname()]
    for read in (
        lambda: Path("/proc/sys/kernel/random/boot_id").read_text(),
        lambda: str(Path("/proc/self/ns/pid").readlink()),
    ):
        try:
            parts.append(read().strip())
        except OSError:
            parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _start(pid: int) -> str | None:
    """Ticks from boot to the start of a process; None if there is none, or no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    if fields[:1] == [b"Z"]:  # ended, and its parent has not asked yet
        return None
    return fields[_STAT_START].decode()
